"""How the platform stands: what is stored, what waits, how long already."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, structs

from projections import history, nudges
from projections.tables import micros, optional_moment
from streams import dead_events, dead_letters, outbox
from streams.database import Database
from streams.follower import Follower
from streams.log import Log
from streams.put_aside import put_aside
from streams.reconciling import finds


class Standing(Struct, frozen=True):
    """What a look now and then costs little to know: counts, and how old the oldest of what waits is (seconds).

    `unplanned_for_seconds`: of nobody for whom there is a dead letter, who waits for a human;
    `untold`: answers that agencies have yet to be told of, also those whose agency has no webhook (yet);
    `dead_events`: how many events from Kafka were ever refused, by code, and when the last was;
    `reconciled`: how many persons ever had to be found by the reconciler, and when it last found any: trouble.
    """

    facts: int
    unplanned: int
    unplanned_for_seconds: float
    corrections_waiting: int
    due_now: int
    overdue_for_seconds: float
    next_due: datetime | None
    open_attempts: int
    views_behind: int
    dead_letters: int
    untold: int
    dead_events: Mapping[str, int]
    dead_events_at: datetime | None
    reconciled: int
    reconciled_at: datetime | None


class Health(Standing, frozen=True):
    """How it stands, and what became of the nudges: state -> how many."""

    nudges: Mapping[str, int]


def health(database: Database, log: Log, follower: Follower, now: datetime) -> Health:
    """How it stands now."""
    known = structs.asdict(standing(database, log, follower, now))
    with database.reading() as connection:
        return Health(**known, nudges=nudges.states(connection))


def standing(database: Database, log: Log, follower: Follower, now: datetime) -> Standing:
    """How it stands now."""
    behind = follower.behind()
    with database.reading() as connection:
        unplanned, oldest = history.waiting(connection, put_aside())
        found, last = finds(connection)
        refused, refused_at = dead_events.refused(connection)
        due_now, first = nudges.waiting(connection, micros(now))
        return Standing(
            facts=log.facts.last_position(connection),
            unplanned=unplanned,
            unplanned_for_seconds=_age(oldest, now),
            corrections_waiting=history.orphaned_revisions(connection),
            due_now=due_now,
            overdue_for_seconds=_age(first, now),
            next_due=optional_moment(nudges.next_due(connection)),
            open_attempts=nudges.open_attempts(connection),
            views_behind=behind,
            dead_letters=dead_letters.total(connection),
            untold=outbox.total(connection),
            dead_events=refused,
            dead_events_at=refused_at,
            reconciled=found,
            reconciled_at=last,
        )


def _age(since: int | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (micros(now) - since) / 1_000_000)
