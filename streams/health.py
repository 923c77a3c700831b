"""How the platform stands: what is stored, what waits, how long already."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct, structs
from sqlalchemy import func, select

from domain.facts import (
    NudgeCancelled,
    NudgeExpired,
    NudgeFailed,
    NudgePlanned,
    NudgeSent,
    NudgeUnknown,
    NudgeWithheld,
)
from projections import history, nudges, upcoming
from projections.tables import micros, optional_moment
from streams import dead_events, dead_letters, outbox, unresolved
from streams.database import Database
from streams.follower import Follower
from streams.log import Log
from streams.put_aside import put_aside
from streams.reconciling import finds
from streams.switches import Off, read_off
from streams.tables import log as log_table


class Standing(Struct, frozen=True):
    """What a look now and then costs little to know: counts, and how old the oldest of what waits is (seconds).

    `stopped`: the kill switches and pauses in effect, the latest first; `held_back`: the deliveries that they keep;
    `unplanned_for_seconds`: of nobody for whom there is a dead letter, who waits for a human;
    `untold`: answers that agencies have yet to be told of, also those whose agency has no webhook (yet);
    `unknown`: messages whose outcome is unknown and about which nobody decided, by "cause/provider/channel";
    `dead_events`: how many events from Kafka were ever refused, by code, and when the last was;
    `reconciled`: how many persons ever had to be found by the reconciler, and when it last found any: trouble.
    """

    stopped: Sequence[Off]
    held_back: int
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
    unknown: Mapping[str, int]


class Health(Standing, frozen=True):
    """How it stands, and what became of the nudges: state -> how many; `tried_again`: of those that failed."""

    nudges: Mapping[str, int]
    tried_again: int


def health(database: Database, log: Log, follower: Follower, now: datetime) -> Health:
    """How it stands now."""
    known = structs.asdict(standing(database, log, follower, now))
    with database.reading() as connection:
        return Health(**known, nudges=nudges.states(connection), tried_again=nudges.tried_again(connection))


def standing(database: Database, log: Log, follower: Follower, now: datetime) -> Standing:
    """How it stands now."""
    behind = follower.behind()
    with database.reading() as connection:
        unplanned, oldest = history.waiting(connection, put_aside())
        found, last = finds(connection)
        refused, refused_at = dead_events.refused(connection)
        due_now, first = nudges.waiting(connection, micros(now))
        return Standing(
            stopped=read_off(connection, log),
            held_back=sum(many for _, many in upcoming.held_back(connection)),
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
            unknown=_without_age(unresolved.kinds(connection, now)),
        )


SUMMED: Mapping[str, str] = {
    NudgePlanned.TOPIC: "planned",
    NudgeSent.TOPIC: "sent",
    NudgeFailed.TOPIC: "failed_attempts",
    NudgeUnknown.TOPIC: "unknown",
    NudgeWithheld.TOPIC: "withheld",
    NudgeExpired.TOPIC: "expired",
    NudgeCancelled.TOPIC: "cancelled",
}
"""The facts that sum up what a run did, and what each is called."""


def done_since(database: Database, position: int) -> dict[str, int]:
    """Return how many facts of each kind in SUMMED the log has behind a position."""
    query = (
        select(log_table.c.topic, func.count().label("many"))
        .where(log_table.c.position > position)
        .group_by(log_table.c.topic)
    )
    with database.reading() as connection:
        found = {row.topic: row.many for row in connection.execute(query)}
    return {name: found.get(topic, 0) for topic, name in SUMMED.items()}


def _without_age(kinds: Mapping[unresolved.Kind, int]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for kind, count in kinds.items():
        found[f"{kind.cause}/{kind.provider}/{kind.channel}"] += count
    return dict(found)


def _age(since: int | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (micros(now) - since) / 1_000_000)
