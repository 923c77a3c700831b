"""The condition of the platform at one moment: everything that findings are made from, read by bounded queries."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from app.compose import Platform
from app.identity.key_file import BadKeyFile, keyring_of
from app.kafka_topics import topics_of
from app.providers import channel_of
from app.scheduled import schedule_of
from domain.core.translatable import Words
from domain.persons.channels import ADDRESS_OF
from projections import history, positions
from projections.tables import moment
from streams.kafka.errors import KafkaFailure
from streams.kafka.lag import KafkaLag, Lag, log_lag
from streams.log import chain
from streams.log.person_keys import wrapping_versions
from streams.log.watermark import OlderLog
from streams.queries import health
from streams.queries.altered_jobs import LATEST, altered_jobs
from streams.queries.health import Backlog, Status, Trend, read_status
from streams.queries.provider_health import RecentReader, RecentRecords
from streams.queues.jobs import Job
from streams.runtime.processes import LiveProcess
from streams.runtime.schedule import Run
from streams.storage.leadership import attended, run_goes_on

Lags = Callable[[], Sequence[Lag]]
Verdict = Callable[[Job], str]
"""Returns the trouble that a finished job found; "" if it found none."""


class Condition(Struct, frozen=True):
    """Everything that findings are made from.

    `workers_away`: why the workers' lags are not known; `unchained`: facts in no block, `chained_at`: the time of
    the last block; `sampled`: the time of the last sample of the backlogs, which the process that does the upkeep
    takes; `embedded`: one process does everything; `orphaned`: jobs whose process is gone; `with_trouble`: jobs that
    ended and found that not all is as it should be; `altered`: number -> kind of jobs that somebody without our key
    wrote or changed; `unattended`: jobs that wait for a process that works at jobs;
    `newest_lost_fact_at`: the time of the newest fact that an older copy of the database lacks; `unseen_providers`:
    those whose recent work is not known; `began`: the start of the process that looks; `key_problem`: why the key
    file cannot be used; `keys_lost`: versions of the master key that wrap keys of persons and that the key file
    lacks; `scheduled`: the jobs of the schedule with their last runs; `ahead_by`: by how much the latest
    record is ahead of our clock; `apart_by`: how much our clock and that of the database differ, if
    `clocks_compared`; `processes`: those that live or lately ended; `run_holds_lock`: whether a `run` holds the lock
    of the file (None: not known); `removed_providers`: those with recent work that the settings name no more;
    `providers`: name -> channel of those in use; `limits`: name -> messages a second that the settings let a provider
    send; `rates`: topic -> facts a minute, lately, read only where a backlog grows.
    """

    now: datetime
    status: Status
    views: Lag
    relay: Lag | None
    workers: Sequence[Lag] | None
    workers_away: str
    unchained: int
    chained_at: datetime | None
    trends: "dict[Backlog, Trend]"
    sampled: datetime | None
    embedded: bool
    recent: RecentRecords
    jobs: Sequence[Job]
    orphaned: frozenset[int]
    with_trouble: frozenset[int]
    altered: "dict[int, str]" = {}
    unattended: frozenset[int] = frozenset()
    newest_lost_fact_at: datetime | None = None
    unseen_providers: tuple[str, ...] = ()
    began: datetime | None = None
    key_problem: str = ""
    keys_lost: tuple[int, ...] = ()
    scheduled: Sequence[Run] = ()
    ahead_by: timedelta = timedelta()
    apart_by: timedelta = timedelta()
    clocks_compared: bool = False
    processes: Sequence[LiveProcess] = ()
    run_holds_lock: bool | None = None
    removed_providers: frozenset[str] = frozenset()
    providers: "dict[str, str]" = {}
    limits: "dict[str, float]" = {}
    rates: "dict[str, float]" = {}


class ConditionReader:
    """Reads the condition anew each time.

    `verdict`: of finished jobs; `lags`: of the workers, where there is Kafka; `began`: the start of this process.
    """

    def __init__(
        self, platform: Platform, verdict: Verdict, lags: Lags | None = None, began: datetime | None = None
    ) -> None:
        self._platform, self._verdict, self._lags, self._began = platform, verdict, lags, began
        self._recent = RecentReader(platform.log)

    def read(self) -> Condition:
        """Return the condition as it is now."""
        on, now = self._platform, self._platform.clock()
        found = read_status(on.database, on.log, on.replay.follower, now)
        with on.database.reading() as connection:
            counts = health.waiting(connection, now)
            last = chain.latest(connection)
            recorded = history.last_recorded(connection)
            apart = on.database.server_clock.ahead(connection)
            processes = on.runtime.processes.known(connection)
            altered = altered_jobs(connection)
        jobs, recent = on.queues.jobs.latest(LATEST), self._recent.read(now)
        sampled = on.queries.backlog.latest()
        workers, away = self._workers()
        problem, lost = self._keys()
        trends, used = on.queries.backlog.trends(counts), providers_in_use(on)
        newest = max((each for each in (recorded, sampled) if each is not None), default=now)
        return Condition(
            now=now,
            status=found,
            views=log_lag(on.database, positions.VIEWS, now),
            relay=log_lag(on.database, positions.RELAY, now) if Backlog.RELAY in counts else None,
            workers=workers,
            workers_away=away,
            unchained=counts[Backlog.CHAIN],
            chained_at=moment(last.at) if last.number else None,
            trends=trends,
            sampled=sampled,
            embedded=on.database.sqlite,
            recent=recent,
            jobs=jobs,
            orphaned=frozenset(each.id for each in jobs if on.queues.jobs.has_lost_process(each)),
            with_trouble=frozenset(each.id for each in jobs if self._verdict(each)),
            altered=altered,
            unattended=self._unattended(jobs),
            newest_lost_fact_at=self._older(),
            unseen_providers=self._unseen(recent),
            began=self._began,
            key_problem=problem,
            keys_lost=lost,
            scheduled=schedule_of(on).runs(),
            ahead_by=max(newest - now, timedelta()),
            apart_by=apart,
            clocks_compared=on.database.server_clock.compared,
            processes=processes,
            run_holds_lock=run_goes_on(on.database),
            removed_providers=frozenset(recent.providers) - set(used),
            providers=used,
            limits={name: each.rate for name, each in on.settings.providers.items() if each.rate},
            rates=on.queries.backlog.rates() if any(each.a_minute > 0 for each in trends.values()) else {},
        )

    def _unattended(self, jobs: Sequence[Job]) -> frozenset[int]:
        """Return the jobs that wait although no process works at jobs; one process with its own file does itself."""
        waiting = frozenset(each.id for each in jobs if each.waits)
        database = self._platform.database
        return frozenset() if not waiting or database.sqlite or attended(database) else waiting

    def _older(self) -> datetime | None:
        on = self._platform
        known = on.runtime.watermark.known()
        try:
            with on.database.reading() as connection:
                on.runtime.watermark.check(connection, known)
        except OlderLog as older:
            return older.known.at
        return None

    def _workers(self) -> tuple[Sequence[Lag] | None, str]:
        if self._lags is None:
            return None, ""
        try:
            return self._lags(), ""
        except KafkaFailure as error:
            return None, error.told

    def _unseen(self, found: RecentRecords) -> tuple[str, ...]:
        """Return the settings' providers whose work is not known, because others filled the records that are read."""
        if found.whole:
            return ()
        return tuple(sorted(set(self._platform.settings.providers) - set(found.providers)))

    def _keys(self) -> tuple[str, tuple[int, ...]]:
        """Return the problem of the key file, and the versions of the master key that it lacks.

        A process goes on with the keys that it read at its start, so nothing else shows that the file is gone.
        """
        on = self._platform
        if on.runtime.watermark.beside is None:  # the keys were given, there is no file
            return "", ()
        try:
            found = keyring_of(on.settings, create=False)
        except BadKeyFile as bad:
            return bad.problem, ()
        if found.names != on.identity.names.key:
            return Words("it is that of another database"), ()
        with on.database.reading() as connection:
            return "", tuple(sorted(wrapping_versions(connection) - set(found.wrapping)))


def lag_of_workers(platform: Platform) -> KafkaLag | None:
    """Return what measures the lag of the workers; None where there is no Kafka."""
    if not platform.settings.kafka:
        return None
    topics = topics_of(platform.settings)
    return KafkaLag(topics, "worker", topics.persons, platform.clock)


def providers_in_use(platform: Platform) -> dict[str, str]:
    """Return provider -> channel: those of the settings, and on a file the fakes of the channels that have none."""
    settings = platform.settings.providers
    found = {name: channel_of(each) for name, each in settings.items()}
    if not platform.database.sqlite:
        return found
    return found | {channel: channel for channel in ADDRESS_OF if channel not in found.values()}
