"""The wiring, on one screen: every collaborator is made here and passed in, the clock included."""

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from msgspec import Struct

from app.clock import Clock
from app.keyfile import load_keyring
from app.links import Links
from app.paths import data_folder
from app.settings import BadSettings, Settings
from domain.ids import Names
from domain.settle import ADDRESS_OF
from notifiers.email import EmailNotifier
from notifiers.email_config import SmtpOptions
from notifiers.fake import FakeNotifier
from notifiers.port import Notifier
from streams.areas import AreaPlanning
from streams.database import Database
from streams.dispatch import Dispatcher
from streams.fake_box import FakeBox
from streams.follower import Follower
from streams.governing import Governing
from streams.intake import Intake
from streams.keys import Keyring, PersonKeys, check_names
from streams.library import Library
from streams.log import Log
from streams.planning import Planning
from streams.presence import require_tables
from streams.publishing import Publisher
from streams.receipts import Receipts
from streams.scheduler import Engine
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
    receipts: Receipts
    links: Links
    box: FakeBox
    governing: Governing
    switches: Switches
    trials: Trials


def compose(settings: Settings, clock: Clock, keyring: Keyring | None = None, *, make: bool = True) -> Platform:
    """The platform on its database; an empty SQLite log publishes the packs of the settings.

    `make`: where there is no database or key file yet, make it; who only reads does not.

    Raises:
        BadKeyFile, BadSettings, BrokenPack, DatabaseUnavailable, NoDatabase, NoDefaults, WrongKeyFile: with what to
            do about it.
    """
    database = _database(settings, make=make)
    keys = keyring or load_keyring(settings.key_file, create=make and database.sqlite)
    names, person_keys = Names(keys.names), PersonKeys(keys)
    database.create()
    database.write(lambda connection: check_names(connection, names.digest(b"made with")))
    log = Log(database, person_keys, clock)
    library = Library(database, log, names)
    planning = Planning(database, log, library, clock)
    empty = make and database.sqlite and log.recorder.max_notification_id() is None
    if empty or settings.packs:
        packs = load_packs(pack_folders(settings))  # what is broken stops the start, also where nothing is published
        if empty:
            Publisher(database, log, names).publish(packs, by="pack", now=clock())
    return Platform(
        settings=settings, clock=clock, database=database, log=log, names=names, library=library,
        intake=Intake(database, log, names, lambda: library.rules().checker, clock),
        planning=planning,
        areas=AreaPlanning(database, log, library, planning, clock),
        follower=Follower(database, log),
        receipts=Receipts(database, log, clock),
        links=Links(settings.base_url, keys.names),
        box=FakeBox(database, person_keys),
        governing=Governing(database, log, names, clock), switches=Switches(database, log, names, clock),
        trials=Trials(database, log, names, clock),
    )  # fmt: skip


def _database(settings: Settings, *, make: bool) -> Database:
    database = Database(settings.database)
    if not make:
        require_tables(database)
    elif "database" not in settings.model_fields_set:
        data_folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    return database


def compose_engine(platform: Platform, notifiers: Mapping[str, Notifier]) -> Engine:
    """The platform with the means to send: only here do notifiers come in."""
    dispatcher = Dispatcher(
        platform.database, platform.log, platform.library, notifiers,
        Writer(platform.links.unsubscribe, platform.links.answer), platform.clock,
        holder=f"dispatch-{os.getpid()}", lease=timedelta(seconds=platform.settings.lease_seconds),
    )  # fmt: skip
    return Engine(platform.database, platform.planning, platform.areas, dispatcher, platform.follower, platform.clock)


def compose_notifiers(platform: Platform) -> dict[str, Notifier]:
    """Channel -> notifier: what the settings configure, on SQLite the shipped fake for the rest."""
    settings = platform.settings
    notifiers: dict[str, Notifier] = {}
    if settings.smtp_host:
        notifiers["email"] = EmailNotifier(email_options(settings), platform.clock)
    missing = [channel for channel in ADDRESS_OF if channel not in notifiers]
    if missing and not platform.database.sqlite:
        raise BadSettings(f"no provider is configured for {', '.join(missing)}")
    return notifiers | {channel: FakeNotifier(channel, platform.box.keep) for channel in missing}


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
