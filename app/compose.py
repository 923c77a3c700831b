"""The wiring, on one screen: every collaborator is made here and passed in, the clock included."""

import os
import socket
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from msgspec import Struct

from app.clock import Clock
from app.identity.authenticity_codes import Codes, proofs
from app.identity.key_file import KeptKeys, keyring_for
from app.identity.links import Links
from app.identity.log_codes import check_codes, codes_by
from app.paths import data_folder
from app.provider_routes import configured_routes, missing_channels
from app.providers import askable, limits_of
from app.settings import BadSettings, Settings
from domain.core.ids import Names
from notifiers.port.fake import FakeNotifier
from notifiers.port.routes import Route, single_routes
from streams.delivery.inbound.preferences import Choosing
from streams.delivery.inbound.receiving import STRANGER, Receiving, strangers
from streams.delivery.inbound.replies import Answering, Stopping
from streams.delivery.inbound.webhooks import KIND as WEBHOOK
from streams.delivery.inbound.webhooks import Hook, Webhooks, retrying
from streams.delivery.outcomes.receipts import Receipts
from streams.delivery.outcomes.suppression import Refusals
from streams.delivery.send.dispatch import Dispatcher
from streams.delivery.send.message import Writer
from streams.delivery.send.outbox_fake import FakeBox
from streams.delivery.send.rate_limits import Pace
from streams.delivery.send.sending import Sending
from streams.delivery.send.test_send import Trials
from streams.intake.intake import Intake
from streams.log.chain_builder import ChainBuilder
from streams.log.log import Log
from streams.log.master_key import Keyring
from streams.log.person_keys import PersonKeys
from streams.log.signing import Signer
from streams.log.watermark import Watermark
from streams.planning.areas import AREA, AreaPlanning, kind_of_areas
from streams.planning.planning import Planning
from streams.planning.quarantine import PutAside, kinds
from streams.planning.reconciler import Reconciler
from streams.privacy.erasure import Erasing, destroy_again
from streams.privacy.retention import Retiring
from streams.queries.forecast import Forecasting
from streams.queries.health import Soundings
from streams.queries.inbox import Inboxes
from streams.queues.dead_letters import DeadLetters
from streams.queues.job_store import Jobs
from streams.replay.backfill import Backfilling
from streams.replay.follower import Follower
from streams.replay.repair import Repairing
from streams.replay.retry_failed import Renewing
from streams.replay.unknown_outcomes import Unresolved
from streams.rules.approval import Governing
from streams.rules.context import Books
from streams.rules.library import Library
from streams.rules.publishing import Publisher
from streams.rules.switches import Switches
from streams.runtime.cleanup import Cleanup
from streams.runtime.restore import Restoring
from streams.runtime.scheduler import Engine
from streams.storage.database import Database
from streams.storage.schema import make_ready, require_tables
from templates.checks.loader import load_packs, shipped


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
    chaining: ChainBuilder
    books: Books
    receipts: Receipts
    refusals: Refusals
    answering: Answering
    stopping: Stopping
    choosing: Choosing
    inboxes: Inboxes
    receiving: Receiving
    links: Links
    codes: Codes
    box: FakeBox
    governing: Governing
    switches: Switches
    trials: Trials
    letters: DeadLetters
    webhooks: Webhooks
    tidying: Cleanup
    aside: PutAside
    erasing: Erasing
    reconciler: Reconciler
    soundings: Soundings
    jobs: Jobs
    repairing: Repairing
    renewing: Renewing
    unresolved: Unresolved
    backfilling: Backfilling
    forecasting: Forecasting
    watermark: Watermark
    restoring: Restoring
    retiring: Retiring


def compose(settings: Settings, clock: Clock, keyring: Keyring | None = None, *, make: bool = True) -> Platform:
    """The platform on its database; an empty SQLite log publishes the packs of the settings.

    `make`: where there is no database or key file yet, make it; who only reads does not.

    Raises:
        BadKeyFile, BadSettings, BrokenPack, DatabaseUnavailable, MissingKeyFile, NoDatabase, NoDefaults,
        WrongKeyFile, WrongSchema: with what to do about it.
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
    if not database.sqlite:
        make_ready(database)  # before the key file, which comes with the tables: `migrate` heals both
    keys = keyring or keyring_for(database, settings, create=make and database.sqlite)
    names, person_keys = Names(keys.names), PersonKeys(keys if keyring else KeptKeys(keys, settings.key_file))
    if database.sqlite:
        make_ready(database)
    check_codes(database, names, codes := codes_by(keys))
    destroy_known(database, person_keys)
    library = Library(database, log := Log(database, person_keys, clock, codes), names)
    planning = Planning(database, log, library, clock)
    intake = Intake(database, log, names, lambda: library.rules().checker, clock)
    _publish_first(settings, Publisher(database, log, names), log, clock, make=make and database.sqlite)
    books = Books(database, log, library, names, intake.append, clock)
    refusals = Refusals(books, settings.soft_bounces, settings.soft_bounce_days)
    answering, stopping, links = Answering(books), Stopping(books), Links(settings.base_url, keys.names)
    receipts, repairing = Receipts(database, log, clock), Repairing(database, log, library, planning, names, clock)
    receiving = Receiving(
        books,
        receipts,
        refusals,
        answering,
        stopping,
        lambda connection, letter: letters.put(connection, letter),  # noqa: PLW0108  (each needs the other)
    )
    handled = {WEBHOOK: retrying(books), STRANGER: strangers(receiving), **kinds(planning)}
    aside = PutAside(database, letters := DeadLetters(database, person_keys, names, clock, handled))
    areas = AreaPlanning(database, log, library, planning, letters, clock)
    handled[AREA] = kind_of_areas(areas.again)  # only now: each needs the other
    watermark = Watermark(database, log, None if keyring else settings.key_file, clock)
    return Platform(
        settings=settings,
        clock=clock,
        database=database,
        log=log,
        names=names,
        library=library,
        intake=intake,
        planning=planning,
        follower=Follower(database, log),
        areas=areas,
        chaining=ChainBuilder(database, Signer(keys.sealing) if keys.sealing else None, clock),
        books=books,
        receipts=receipts,
        refusals=refusals,
        answering=answering,
        stopping=stopping,
        choosing=Choosing(books),
        inboxes=Inboxes(books),
        receiving=receiving,
        links=links,
        codes=Codes(links.secret("genuine"), books),
        box=FakeBox(database, person_keys),
        governing=Governing(database, log, names, clock),
        switches=Switches(database, log, names, clock),
        trials=Trials(database, log, names, clock),
        tidying=Cleanup(database, receipts, clock),
        letters=letters,
        webhooks=Webhooks(books, letters, _hooks(settings)),
        aside=aside,
        reconciler=Reconciler(database, planning, aside, clock),
        soundings=Soundings(database, clock),
        jobs=Jobs(database, clock),
        repairing=repairing,
        renewing=(renewing := Renewing(database, log, library, clock)),
        unresolved=Unresolved(database, log, library, renewing, clock, lambda: askable(settings.providers)),
        backfilling=Backfilling(database, log, names, library, repairing, clock),
        forecasting=Forecasting(database, log, library, clock),
        erasing=Erasing(books, letters),
        watermark=watermark,
        restoring=Restoring(database, log, names, watermark, clock),
        retiring=Retiring(books),
    )


def _publish_first(settings: Settings, publisher: Publisher, log: Log, clock: Clock, *, make: bool) -> None:
    """The packs of the settings, where the log is empty; what is broken stops the start in any case."""
    empty = make and log.recorder.max_notification_id() is None
    if empty or settings.packs:
        packs = load_packs(pack_folders(settings))
        if empty:
            publisher.publish(packs, by="pack", now=clock())


def _hooks(settings: Settings) -> dict[str, Hook]:
    return {name: Hook(each.url, each.secrets) for name, each in settings.webhooks.items()}


def destroy_known(database: Database, keys: PersonKeys) -> None:
    """No key is that of somebody erased."""
    database.write(lambda connection: destroy_again(connection, keys))


def open_database(settings: Settings, *, make: bool, at_work: bool = True) -> Database:
    """The database of the settings; `make`: it may be made, else there must be one; `at_work`: as it is to stay.

    Raises:
        DatabaseUnavailable, NoDatabase: it cannot be opened, or there is none.
    """
    database = Database(settings.database, at_work=at_work)
    if not make:
        require_tables(database)
    elif "database" not in settings.model_fields_set:
        data_folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    return database


def compose_engine(platform: Platform, routes: Mapping[str, Route]) -> Engine:
    """The platform with the means to send: only here do notifiers come in."""
    dispatcher = compose_dispatcher(platform, routes)
    return Engine(
        platform.database,
        platform.planning,
        platform.areas,
        dispatcher,
        platform.follower,
        platform.chaining,
        platform.webhooks,
        platform.tidying,
        platform.receiving.pieces,
        platform.reconciler,
        platform.soundings,
        platform.watermark,
        platform.clock,
    )


def compose_dispatcher(
    platform: Platform,
    routes: Mapping[str, Route],
    writer: Writer | None = None,
    holder: str | None = None,
    pace: Pace | None = None,
) -> Dispatcher:
    """What takes nudges from due to their end."""
    settings, clock, links = platform.settings, platform.clock, platform.links
    lease = timedelta(seconds=settings.lease_seconds)
    sending = Sending(
        platform.books,
        routes,
        writer or Writer(links.unsubscribe, links.answer, links.seen, proofs(links, platform.codes)),
        pace or Pace(platform.database, limits_of(settings.providers, settings.rates), clock),
        platform.receipts,
        platform.refusals,
        lease,
        platform.watermark,
    )
    return Dispatcher(
        platform.database,
        platform.log,
        platform.library,
        sending,
        clock,
        holder=holder or f"dispatch-{socket.gethostname()}-{os.getpid()}",
        lease=lease,
        in_flight=settings.in_flight,
    )


def compose_routes(platform: Platform) -> Mapping[str, Route]:
    """Channel -> its providers: what the settings configure, on SQLite the shipped fake for the rest.

    Raises:
        BadSettings: what is configured cannot work, or a channel has no provider on PostgreSQL.
    """
    routes = configured_routes(platform.settings, platform.clock, platform.receiving.inbox)
    missing = missing_channels(routes)
    if missing and not platform.database.sqlite:
        raise BadSettings(f"providers: no provider is configured for {', '.join(missing)}")
    fakes = {channel: FakeNotifier(channel, platform.box.keep) for channel in missing}
    return {**routes, **single_routes(fakes)}


def pack_folders(settings: Settings) -> tuple[Path, ...]:
    """The packs of the settings, or all that are shipped."""
    return tuple(Path(folder) for folder in settings.packs.split(":") if folder) or shipped()
