"""The wiring, on one screen: every collaborator is made here and passed in, the clock included."""

import os
import socket
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from msgspec import Struct

from app.clock import Clock
from app.keyfile import load_keyring
from app.links import Links
from app.paths import data_folder
from app.settings import BadSettings, Settings
from domain.channels import ADDRESS_OF
from domain.ids import Names
from notifiers.email import EmailNotifier
from notifiers.email_config import SmtpOptions
from notifiers.fake import FakeNotifier
from notifiers.port import Notifier
from notifiers.routes import Route, single_routes
from streams.answering import Answering
from streams.areas import AreaPlanning
from streams.books import Books
from streams.database import Database
from streams.dead_letters import DeadLetters
from streams.dispatch import Dispatcher
from streams.fake_box import FakeBox
from streams.follower import Follower
from streams.governing import Governing
from streams.intake import Intake
from streams.keys import Keyring, PersonKeys, check_names
from streams.library import Library
from streams.log import Log
from streams.migrating import make_ready
from streams.pace import Pace
from streams.planning import Planning
from streams.presence import require_tables
from streams.publishing import Publisher
from streams.receipts import Receipts
from streams.receiving import Receiving
from streams.refusals import Refusals
from streams.scheduler import Engine
from streams.sending import Sending
from streams.stopping import Stopping
from streams.switches import Switches
from streams.trials import Trials
from streams.writing import Writer
from templates.loader import load_packs, shipped


class Platform(Struct, frozen=True):
    """Everything but the means to send."""

    settings: Settings
    clock: Clock
    database: Database
    log: Log
    names: Names
    library: Library
    intake: Intake
    planning: Planning
    areas: AreaPlanning
    follower: Follower
    books: Books
    receipts: Receipts
    refusals: Refusals
    answering: Answering
    stopping: Stopping
    receiving: Receiving
    links: Links
    box: FakeBox
    governing: Governing
    switches: Switches
    trials: Trials
    letters: DeadLetters


def compose(settings: Settings, clock: Clock, keyring: Keyring | None = None, *, make: bool = True) -> Platform:
    """The platform on its database; an empty SQLite log publishes the packs of the settings.

    `make`: where there is no database or key file yet, make it; who only reads does not.

    Raises:
        BadKeyFile, BadSettings, BrokenPack, DatabaseUnavailable, NoDatabase, NoDefaults, WrongKeyFile,
        WrongSchema: with what to do about it.
    """
    database = open_database(settings, make=make)
    try:
        return _composed(settings, clock, database, keyring, make=make)
    except BaseException:
        database.close()
        raise


def _composed(
    settings: Settings, clock: Clock, database: Database, keyring: Keyring | None, *, make: bool
) -> Platform:
    keys = keyring or load_keyring(settings.key_file, create=make and database.sqlite)
    names, person_keys = Names(keys.names), PersonKeys(keys)
    make_ready(database)
    database.write(lambda connection: check_names(connection, names.digest(b"made with")))
    log = Log(database, person_keys, clock)
    library = Library(database, log, names)
    planning = Planning(database, log, library, clock)
    intake = Intake(database, log, names, lambda: library.rules().checker, clock)
    empty = make and database.sqlite and log.recorder.max_notification_id() is None
    if empty or settings.packs:
        packs = load_packs(pack_folders(settings))  # what is broken stops the start, also where nothing is published
        if empty:
            Publisher(database, log, names).publish(packs, by="pack", now=clock())
    books = Books(database, log, library, names, intake.append, clock)
    receipts, refusals = Receipts(database, log, clock), Refusals(books)
    answering, stopping = Answering(books), Stopping(books)
    return Platform(
        settings=settings, clock=clock, database=database, log=log, names=names, library=library,
        intake=intake,
        planning=planning,
        areas=AreaPlanning(database, log, library, planning, clock),
        follower=Follower(database, log),
        books=books, receipts=receipts, refusals=refusals, answering=answering, stopping=stopping,
        receiving=Receiving(books, receipts, refusals, answering, stopping),
        links=Links(settings.base_url, keys.names),
        box=FakeBox(database, person_keys),
        governing=Governing(database, log, names, clock), switches=Switches(database, log, names, clock),
        trials=Trials(database, log, names, clock),
        letters=DeadLetters(database, person_keys, names, clock, {}),
    )  # fmt: skip


def open_database(settings: Settings, *, make: bool) -> Database:
    """The database of the settings; `make`: it may be made, else there must be one.

    Raises:
        DatabaseUnavailable, NoDatabase: it cannot be opened, or there is none.
    """
    database = Database(settings.database)
    if not make:
        require_tables(database)
    elif "database" not in settings.model_fields_set:
        data_folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    return database


def compose_engine(platform: Platform, routes: Mapping[str, Route]) -> Engine:
    """The platform with the means to send: only here do notifiers come in."""
    dispatcher = compose_dispatcher(platform, routes)
    return Engine(
        platform.database, platform.planning, platform.areas, dispatcher, platform.follower, platform.clock
    )  # fmt: skip


def compose_dispatcher(
    platform: Platform,
    routes: Mapping[str, Route],
    writer: Writer | None = None,
    holder: str | None = None,
    pace: Pace | None = None,
) -> Dispatcher:
    """What takes nudges from due to their end."""
    settings, clock = platform.settings, platform.clock
    lease = timedelta(seconds=settings.lease_seconds)
    sending = Sending(
        platform.books, routes, writer or Writer(platform.links.unsubscribe, platform.links.answer),
        pace or Pace(platform.database, {}, clock), platform.receipts, platform.refusals, lease,
    )  # fmt: skip
    return Dispatcher(
        platform.database, platform.log, platform.library, sending, clock,
        holder=holder or f"dispatch-{socket.gethostname()}-{os.getpid()}", lease=lease,
    )  # fmt: skip


def compose_routes(platform: Platform) -> dict[str, Route]:
    """Channel -> its providers: what the settings configure, on SQLite the shipped fake for the rest."""
    settings = platform.settings
    notifiers: dict[str, Notifier] = {}
    if settings.smtp_host:
        notifiers["email"] = EmailNotifier(email_options(settings), platform.clock)
    missing = [channel for channel in ADDRESS_OF if channel not in notifiers]
    if missing and not platform.database.sqlite:
        raise BadSettings(f"no provider is configured for {', '.join(missing)}")
    notifiers |= {channel: FakeNotifier(channel, platform.box.keep) for channel in missing}
    return single_routes(notifiers)


def email_options(settings: Settings) -> SmtpOptions:
    """The mail server of the settings.

    Raises:
        BadSettings: a mail may take as long as a third of the lease, so that an attempt could outlive its claim.
    """
    options = SmtpOptions.model_validate({
        "host": settings.smtp_host, "port": settings.smtp_port, "security": settings.smtp_security,
        "username": settings.smtp_username or None, "password": settings.smtp_password,
        "sender": settings.smtp_sender, "sender_name": settings.smtp_sender_name,
        "limit_seconds": settings.smtp_limit_seconds,
    })  # fmt: skip
    if options.limits.send * 3 >= settings.lease_seconds:
        raise BadSettings("smtp_limit_seconds: four of them must be less than a third of lease_seconds")
    return options


def pack_folders(settings: Settings) -> tuple[Path, ...]:
    """The packs of the settings, or all that are shipped."""
    return tuple(Path(folder) for folder in settings.packs.split(":") if folder) or shipped()
