"""The wiring, on one screen: every object is built here from those below it and passed in, the clock included.

The packages of streams build their objects (`wiring.py`), in the order of the layers (docs/wiring.md). What sends
is built on top, in app/compose_sending.py: a Platform has no notifier to call.
"""

from msgspec import Struct

from app.clock import Clock, system_clock
from app.database import open_database
from app.first_packs import publish_first
from app.identity import wiring as identity
from app.identity.key_file import KeptKeys, keyring_for
from app.identity.log_codes import check_codes, codes_by
from app.identity.wiring import Identity
from app.providers import askable_providers
from app.settings import Settings
from domain.core.ids import Names
from streams.delivery import wiring as delivery
from streams.delivery.inbound.webhooks import Hook
from streams.delivery.outcomes.suppression import BounceThreshold
from streams.delivery.wiring import DeliveryParts
from streams.intake.intake import Intake
from streams.log import wiring as log
from streams.log.log import Log
from streams.log.master_key import Keyring
from streams.log.person_keys import PersonKeys
from streams.log.wiring import LogKeys
from streams.planning import wiring as planning
from streams.planning.wiring import PlanningParts
from streams.privacy import wiring as privacy
from streams.privacy.erasure import destroy_restored_keys
from streams.privacy.wiring import PrivacyParts
from streams.queries import wiring as queries
from streams.queries.wiring import QueryParts
from streams.queues import wiring as queues
from streams.queues.wiring import QueueParts
from streams.replay import wiring as replay
from streams.replay.wiring import ReplayParts
from streams.rules import wiring as rules
from streams.rules.library import Library
from streams.rules.publishing import Publisher
from streams.rules.wiring import RuleParts
from streams.runtime import wiring as runtime
from streams.runtime.wiring import RuntimeParts
from streams.storage.database import Database
from streams.storage.schema import make_ready


class Platform(Struct, frozen=True):
    """Settings and clock, the database and its log, then the objects of each package; nothing that sends."""

    settings: Settings
    clock: Clock
    database: Database
    log: Log
    identity: Identity
    queues: QueueParts
    intake: Intake
    rules: RuleParts
    planning: PlanningParts
    replay: ReplayParts
    delivery: DeliveryParts
    privacy: PrivacyParts
    queries: QueryParts
    runtime: RuntimeParts


def compose(settings: Settings, clock: Clock, keyring: Keyring | None = None, *, make: bool = True) -> Platform:
    """Return the platform on its database; an empty SQLite log publishes the packs of the settings.

    `make`: a missing database or key file is made; whoever only reads does not. `keyring`: instead of the key file.

    Raises:
        BadKeyFile, BadSettings, BrokenPack, DatabaseUnavailable, MissingKeyFile, NoDatabase, NoDefaults,
        WrongKeyFile, WrongSchema: with what to do about it.
    """
    database = open_database(settings, make=make, clock=clock if clock is system_clock else None)
    try:
        return _composed(settings, clock, database, keyring, make=make and database.sqlite)
    except BaseException:
        database.close()
        raise


def _composed(
    settings: Settings, clock: Clock, database: Database, keyring: Keyring | None, *, make: bool
) -> Platform:
    """`make`: the key file may be made, and the packs of the settings published."""
    if not database.sqlite:
        make_ready(database)  # before the key file, which comes with the tables: `migrate` heals both
    keys = keyring or keyring_for(database, settings, create=make)
    if database.sqlite:
        make_ready(database)
    names, codes = Names(keys.names), codes_by(keys)
    check_codes(database, names, codes)
    persons = PersonKeys(keys if keyring else KeptKeys(keys, settings.key_file))
    database.write(lambda connection: destroy_restored_keys(connection, persons))
    file = None if keyring else settings.key_file
    logged = log.build(database, LogKeys(persons, codes, keys.sealing, file), clock)
    library = Library(database, logged.log, names)
    publish_first(settings, Publisher(database, logged.log, names), logged.log, clock, make=make)
    queued = queues.build(database, persons, names, clock)
    refuse = settings.future_events == "refuse"
    taking = Intake(database, logged.log, names, lambda: library.rules().checker, clock, refuse_future=refuse)
    ruled = rules.build(library, logged.log, names, taking.append, clock)
    planned = planning.build(logged.log, library, queued.dead_letter_queue, clock)
    endurance = BounceThreshold(settings.soft_bounces, settings.soft_bounce_days)
    hooks = {agency: Hook(hook.url, hook.secrets) for agency, hook in settings.webhooks.items()}
    delivered = delivery.build(ruled.context, queued.dead_letter_queue, endurance, hooks)
    return Platform(
        settings=settings,
        clock=clock,
        database=database,
        log=logged.log,
        identity=identity.build(ruled.context, settings.base_url, keys.names),
        queues=queued,
        intake=taking,
        rules=ruled,
        planning=planned,
        replay=replay.build(ruled.context, planned.planning, lambda: askable_providers(settings.providers)),
        delivery=delivered,
        privacy=privacy.build(ruled.context, queued.dead_letter_queue),
        queries=queries.build(ruled.context),
        runtime=runtime.build(ruled.context, logged, queued.dead_letter_queue, planned, delivered),
    )
