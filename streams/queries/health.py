"""The state of the platform: what is stored, what waits and since when; and trends of the backlogs.

The process that does the upkeep samples the backlogs at intervals, so that `status` can tell whether one grows and
when it will be empty. If there is no recent sample, no such process runs.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct, structs
from sqlalchemy import Connection, delete, exists, func, or_, select

from domain.core.events import LifeEvent
from domain.facts.facts import (
    NudgeAttempted,
    NudgeCancelled,
    NudgeExpired,
    NudgeFailed,
    NudgePlanned,
    NudgeSent,
    NudgeUnknown,
    NudgeWithheld,
)
from domain.nudges.delivery import State
from projections import history, inbox, nudges, positions, upcoming
from projections.bulk import insert_rows
from projections.tables import micros, moment, optional_moment
from projections.upcoming import HOUR
from streams.log import chain
from streams.log.log import Log
from streams.log.recorder import FactRecorder
from streams.planning.quarantine import unplannable_persons
from streams.planning.reconciler import count_of_finds
from streams.queries.altered_jobs import altered_jobs
from streams.queries.provider_health import ProviderFigures, RecentReader, RecentRecords, figures_of
from streams.queues import dead_letters, refused_events, webhook_outbox
from streams.replay import sample
from streams.replay.follower import Follower
from streams.rules.aggregates import ActiveStop
from streams.rules.switches import read_active_stops
from streams.storage.database import Database, Priority
from streams.storage.tables import log as log_table
from streams.storage.tables import soundings


class Status(Struct, frozen=True):
    """The figures of /health, /metrics and the console: counts, and the age in seconds of the oldest that waits.

    `stopped`: the kill switches and pauses in effect, the latest first; `held_back`: deliveries that they hold back,
    once a dispatcher has looked at them (until then they count as `due_now`);
    `unplanned_for_seconds`: without persons with a dead letter, who wait for a human; `untold`: answers that wait to
    be reported to agencies, also of agencies without a webhook; `unknown`: messages with an unknown outcome that
    nobody decided about, by "cause/provider/channel"; `sample_differences`: persons of the last sample whose nudges
    are not as planned; `altered_jobs`: jobs that somebody without our key wrote or changed; `dead_events`: events
    from Kafka ever refused, by code, and the time of the last; `reconciled`: persons ever found by the reconciler,
    and the time of the last find (a sign of trouble).
    """

    stopped: Sequence[ActiveStop]
    held_back: int
    facts: int
    unplanned: int
    unplanned_for_seconds: float
    revisions_waiting: int
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
    sample_differences: int
    altered_jobs: int


class Health(Status, frozen=True):
    """The figures with all nudges: state -> count.

    `tried_again`, `unknown_tried_again`: nudges that failed, or are unknown, with a further attempt ahead.
    `providers`: what each provider did in the last hour, or in its last part if that was much.
    """

    nudges: Mapping[str, int]
    tried_again: int
    unknown_tried_again: int
    providers: Mapping[str, ProviderFigures]


def health(database: Database, log: Log, follower: Follower, now: datetime) -> Health:
    """Read all figures."""
    return health_of(database, read_status(database, log, follower, now), RecentReader(log).read(now))


def health_of(database: Database, known: Status, recent: RecentRecords) -> Health:
    """Return all figures; `known` and `recent` were read before, the others are read now."""
    providers = {name: figures_of(each) for name, each in sorted(recent.providers.items())}
    with database.reading() as connection:
        states = nudges.states(connection)
        failed, unknown = (
            nudges.count_with_attempt_ahead(connection, state) for state in (State.FAILED, State.UNKNOWN)
        )
    return Health(
        **structs.asdict(known),
        nudges=states,
        tried_again=failed,
        unknown_tried_again=unknown,
        providers=providers,
    )


def read_status(database: Database, log: Log, follower: Follower, now: datetime) -> Status:
    """Read the figures that are cheap to read."""
    behind = follower.behind()
    with database.reading() as connection:
        unplanned, oldest = history.waiting(connection, unplannable_persons())
        found, last = count_of_finds(connection)
        refused, refused_at = refused_events.refused(connection)
        due_now, first = nudges.waiting(connection, micros(now))
        return Status(
            stopped=read_active_stops(connection, log),
            held_back=sum(many for _, many in upcoming.held_back(connection)),
            facts=log.facts.last_position(connection),
            unplanned=unplanned,
            unplanned_for_seconds=_age(oldest, now),
            revisions_waiting=history.orphaned_revisions(connection),
            due_now=due_now,
            overdue_for_seconds=_age(first, now),
            next_due=optional_moment(nudges.next_due(connection)),
            open_attempts=nudges.open_attempts(connection),
            views_behind=behind,
            dead_letters=dead_letters.total(connection),
            untold=webhook_outbox.total(connection),
            dead_events=refused,
            dead_events_at=refused_at,
            reconciled=found,
            reconciled_at=last,
            sample_differences=sample.last_found(connection).unlike,
            altered_jobs=len(altered_jobs(connection)),
            unknown={"/".join(kind): count for kind, count in inbox.unresolved(connection).items()},
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
"""Topic -> name in the summary of a run."""


def done_since(database: Database, position: int) -> dict[str, int]:
    """Return name -> number of facts after a position of the log, for the topics in SUMMED.

    A nudge that was attempted counts as what became of that, and not as cancelled.
    """
    earlier = log_table.alias()
    attempted = exists().where(
        earlier.c.originator_id == log_table.c.originator_id, earlier.c.topic == NudgeAttempted.TOPIC
    )
    query = (
        select(log_table.c.topic, func.count().label("many"))
        .where(log_table.c.position > position)
        .where((log_table.c.topic != NudgeCancelled.TOPIC) | ~attempted)
        .group_by(log_table.c.topic)
    )
    with database.reading() as connection:
        found = {row.topic: row.many for row in connection.execute(query)}
    return {name: found.get(topic, 0) for topic, name in SUMMED.items()}


def _age(since: int | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (micros(now) - since) / 1_000_000)


SAMPLE_EVERY = timedelta(seconds=15)
SILENT = timedelta(minutes=2)
"""Without a sample for this long, the process that takes them counts as absent."""
KEPT, TREND_KEPT = timedelta(days=1), timedelta(hours=1)
"""Age at which samples of ages are deleted, for the console draws a day of them, and all others."""
SPAN, SHORTEST_SPAN = timedelta(minutes=10), timedelta(minutes=1)
"""The longest and shortest span of a trend."""


class Backlog(StrEnum):
    """The backlog of one part of the platform: its name in samples, trends and findings."""

    PLANNING = "planning"
    DISPATCH = "dispatch"
    VIEWS = "views"
    RELAY = "relay"
    CHAIN = "chain"


LOG = "log"
"""The last position of the log, sampled with the backlogs: the facts after it are what happened since."""
RATES_SPAN = SHORTEST_SPAN
"""The span of rates: facts are counted from the latest sample of the log that is at least so old."""
PLANNING_AGE, DISPATCH_AGE = "planning.age", "dispatch.age"
"""The age of the oldest that waits, in seconds, sampled with the backlogs."""


class Trend(Struct, frozen=True):
    """Growth of a backlog per minute (negative: it shrinks), and the time until it is empty at this rate."""

    a_minute: float
    empty_in: timedelta | None


class BacklogSamples:
    """Takes samples of the backlogs, and computes trends from them."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock
        self._last: datetime | None = None

    def take(self) -> bool:
        """Store a sample if it is time; return True if it was."""
        now = self._clock()
        if self._last is not None and self._last <= now < self._last + SAMPLE_EVERY:
            return False
        with self._database.reading() as connection:
            found: dict[str, int] = dict(waiting(connection, now).items())
            found[LOG] = FactRecorder.last_position(connection)
            found[PLANNING_AGE] = round(_age(history.waiting(connection, unplannable_persons())[1], now))
            found[DISPATCH_AGE] = round(_age(nudges.waiting(connection, micros(now))[1], now))
        rows = [(micros(now), name, count) for name, count in found.items()]
        self._database.write(lambda connection: _keep(connection, rows, now), Priority.FOLLOWING)
        self._last = now
        return True

    def latest(self) -> datetime | None:
        """Return the time of the last sample."""
        with self._database.reading() as connection:
            return optional_moment(connection.execute(select(func.max(soundings.c.at))).scalar())

    def ages_by_hour(self, since: datetime) -> dict[str, dict[int, int]]:
        """Return PLANNING_AGE and DISPATCH_AGE -> hour (number since 1970) -> the highest age in it, in seconds."""
        hour = soundings.c.at.op("/")(HOUR).label("hour")
        query = select(soundings.c.name, hour, func.max(soundings.c.count)).where(soundings.c.at >= micros(since))
        found: dict[str, dict[int, int]] = {PLANNING_AGE: {}, DISPATCH_AGE: {}}
        with self._database.reading() as connection:
            rows = connection.execute(query.where(soundings.c.name.in_(list(found))).group_by(soundings.c.name, hour))
            for name, at, age in rows:
                found[name][int(at)] = int(age)
        return found

    def rates(self) -> dict[str, float]:
        """Return topic -> facts a minute, lately, for the topics that a queue gets or loses; empty if not known."""
        now = self._clock()
        at = (soundings.c.at <= micros(now - RATES_SPAN), soundings.c.at >= micros(now - SPAN))
        first = select(soundings).where(soundings.c.name == LOG, *at).order_by(soundings.c.at.desc()).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(first).first()
            if row is None:
                return {}
            many = func.count().label("many")
            topics = log_table.c.topic.in_((LifeEvent.TOPIC, NudgeAttempted.TOPIC))
            query = select(log_table.c.topic, many).where(log_table.c.position > row.count, topics)
            found = connection.execute(query.group_by(log_table.c.topic)).all()
        minutes = (now - moment(row.at)) / timedelta(minutes=1)
        return {row.topic: row.many / minutes for row in found}

    def trends(self, counts: Mapping[Backlog, int]) -> dict[Backlog, Trend]:
        """Return name -> trend, for non-empty backlogs with a sample that is old enough.

        One that shrank before and does not now has the trend of the last minute: nobody may be at work any more.
        """
        now = self._clock()
        with self._database.reading() as connection:
            query = select(soundings).where(soundings.c.at >= micros(now - SPAN)).order_by(soundings.c.at)
            rows = connection.execute(query).all()
        first: dict[str, tuple[datetime, int]] = {}
        last: dict[str, tuple[datetime, int]] = {}
        for at, name, count in rows:
            if now - moment(at) >= SHORTEST_SPAN:
                last[name] = (moment(at), count)
                first.setdefault(name, last[name])
        found = {}
        for name, count in counts.items():
            if name in first and count:
                whole, lately = trend(*first[name], now, count), trend(*last[name], now, count)
                found[name] = lately if whole.a_minute < 0 <= lately.a_minute else whole
        return found


def trend(since: datetime, before: int, now: datetime, count: int) -> Trend:
    """Return the trend of a backlog that had `before` at `since` and has `count` now."""
    a_minute = (count - before) * 60 / (now - since).total_seconds()
    return Trend(a_minute, timedelta(minutes=count / -a_minute) if a_minute < 0 else None)


def waiting(connection: Connection, now: datetime) -> dict[Backlog, int]:
    """Return the size of each backlog; of the relay where there is one."""
    last = FactRecorder.last_position(connection)
    relayed = positions.position_of(connection, positions.RELAY)
    found = {
        Backlog.PLANNING: history.waiting(connection)[0],
        Backlog.DISPATCH: nudges.waiting(connection, micros(now))[0],
        Backlog.VIEWS: last - positions.position_of(connection, positions.VIEWS),
        Backlog.CHAIN: last - chain.latest(connection).upto,
    }
    return found | ({Backlog.RELAY: last - relayed} if relayed else {})


def _keep(connection: Connection, rows: Sequence[tuple[int, str, int]], now: datetime) -> None:
    """Store samples; ages are kept for a day, for the console's charts, all else for an hour, for trends."""
    late = soundings.c.at.between(micros(now - 2 * TREND_KEPT), micros(now - TREND_KEPT))
    counts = soundings.c.name.not_in((PLANNING_AGE, DISPATCH_AGE))
    connection.execute(delete(soundings).where(or_(soundings.c.at < micros(now - KEPT), late & counts)))
    insert_rows(connection, soundings, rows, ignore=True)
