"""The findings about the platform: one ranked list of what is wrong, for the console and `habarshy status`.

The limits are those of deploy/alerts.yaml: what calls an operator in the night is `BAD` here too.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from urllib.parse import urlencode

from msgspec import Struct
from msgspec.structs import replace

from app.reports.condition import Condition
from app.scheduled import is_late
from domain.core.events import LifeEvent
from domain.facts.facts import NudgeAttempted
from domain.nudges.settle import PAUSED
from notifiers.port.interface import Reason
from streams.kafka.lag import Lag
from streams.queries.health import SILENT, Backlog, Trend
from streams.queries.provider_health import ProviderState, Record
from streams.queues.jobs import ENDED, Job, JobState
from streams.replay import sample
from streams.rules.aggregates import ActiveStop
from streams.runtime.schedule import BAD as BAD_ENDS

SOON, LATE = timedelta(minutes=1), timedelta(minutes=5)
LONG = timedelta(minutes=10)
STARTING = timedelta(minutes=1)
"""For so long after the start of the process that looks, the one that does the upkeep may be about to start."""
SKEW = timedelta(seconds=30)
"""Clocks that differ by more are wrong; a dispatcher's quiet hours and leases follow its own clock."""
GROWTH, MANY = 10.0, 100
"""A backlog that grows by so many a minute and holds so many is told, however young it is."""
STATUS = ("habarshy", "status")
AHEAD, BEHIND = "ahead", "behind"
"""What is wrong with a clock."""
REASON = "…"
"""Stands in a command where a person writes a reason."""


class Level(IntEnum):
    """The severity of a finding: `NOTE` is to be looked at, `BAD` is to be mended now."""

    NOTE = 1
    BAD = 2


WANTED: Mapping[str, Level] = {
    "relay": Level.BAD,
    "dispatch": Level.BAD,
    "api": Level.BAD,
    "intake": Level.BAD,
    "jobs": Level.NOTE,
}
"""Role -> the severity of having no process of it. The intake is wanted where one was seen."""


class FindingKind(StrEnum):
    """The kinds of findings, the worst first. Their sentences: app.pages.finding_words."""

    STOPPED = "stopped"
    OLDER_COPY = "older_copy"
    LOG_ALTERED = "log_altered"
    JOB_ALTERED = "job_altered"
    CLOCK_BEHIND = "clock_behind"
    CLOCKS_APART = "clocks_apart"
    DATABASE_CLOCK = "database_clock"
    PROCESS_CLOCK = "process_clock"
    KEY_FILE = "key_file"
    KEY_LOST = "key_lost"
    NOT_RUNNING = "not_running"
    ROLE_GONE = "role_gone"
    KEY_EXPIRES = "key_expires"
    NOT_ADMITTED = "not_admitted"
    PROVIDER_DOWN = "provider_down"
    KAFKA_AWAY = "kafka_away"
    PLANNING_LATE = "planning_late"
    SENDING_LATE = "sending_late"
    WORKERS_LATE = "workers_late"
    RELAY_LATE = "relay_late"
    VERIFICATION_FAILED = "verification_failed"
    PLANS_DIFFER = "plans_differ"
    SCHEDULED_FAILED = "scheduled_failed"
    JOB_FAILED = "job_failed"
    JOB_GONE = "job_gone"
    JOBS_WAIT = "jobs_wait"
    DEAD_LETTERS = "dead_letters"
    VIEWS_LATE = "views_late"
    PLANNING_GROWS = "planning_grows"
    SENDING_GROWS = "sending_grows"
    SCHEDULED_LATE = "scheduled_late"
    UNKNOWN_OUTCOMES = "unknown_outcomes"
    PROVIDER_FAILS_ALL = "provider_fails_all"
    PROVIDER_FAILED = "provider_failed"
    PROVIDERS_UNSEEN = "providers_unseen"
    STARTING = "starting"
    EVENTS_REFUSED = "events_refused"
    RECONCILED = "reconciled"
    JOB_INCOMPLETE = "job_incomplete"
    JOB_PAUSED = "job_paused"
    ANSWERS_WAIT = "answers_wait"
    REVISIONS = "revisions"
    CHAIN_LATE = "chain_late"


SPOILED = {
    "audit verify": (FindingKind.LOG_ALTERED, Level.BAD),
    "replay verify": (FindingKind.VERIFICATION_FAILED, Level.BAD),
    sample.KIND: (FindingKind.PLANS_DIFFER, Level.BAD),
}
"""What it means that a job of that kind ended and found that not all is as it should be."""
_RANK = {kind: rank for rank, kind in enumerate(FindingKind)}


class Finding(Struct, frozen=True):
    """Something that is wrong. `command`: the words that mend or show it; `path`: of its page in the console.

    `about`: names, such as a provider's; `cause`: our word for a reason, or English words, translatable or not;
    `code`: the class of the error that the cause is from; `count` and `seconds`: of what waits; `stop`: the kill
    switch or pause; `embedded`: one process does everything; `providers`: those that are down at once, (name,
    channel, cause) of each; `without`: channels on which nothing can be sent; `holds`: the likely cause of a queue.
    """

    kind: FindingKind
    level: Level
    command: tuple[str, ...]
    path: str = ""
    about: str = ""
    channel: str = ""
    cause: str = ""
    count: int = 0
    seconds: float = 0.0
    trend: Trend | None = None
    since: datetime | None = None
    stop: ActiveStop | None = None
    embedded: bool = False
    providers: tuple[tuple[str, str, str], ...] = ()
    without: tuple[str, ...] = ()
    code: str = ""
    holds: "Holdup | None" = None


class QueueCause(StrEnum):
    """The likely causes of a queue that grows or stands. Their sentences: app.pages.finding_words."""

    NOBODY = "nobody"
    KAFKA = "kafka"
    DOWN = "down"
    LIMIT = "limit"
    SLOW = "slow"
    BEHIND = "behind"


class Holdup(Struct, frozen=True):
    """The likely cause of a queue. `about`: a provider or role; `number`: processes, seconds or messages a second.

    `comes` and `goes`: how many come in and are done a minute.
    """

    why: QueueCause
    about: str = ""
    number: float = 0.0
    comes: float = 0.0
    goes: float = 0.0


def findings(on: Condition) -> list[Finding]:
    """Return everything that is wrong, the worst first; nothing if everything works."""
    found = [
        *map(stop_finding, on.status.stopped),
        *_platform(on),
        *_providers(on),
        *_flows(on),
        *_jobs(on),
        *_scheduled(on),
        *_waiting(on),
    ]
    ranked = sorted(found, key=lambda each: (-each.level, _rank(each)))
    return [replace(each, embedded=on.embedded) for each in ranked]


def _rank(finding: Finding) -> tuple[int, bool]:
    return _RANK[finding.kind], finding.stop is not None and finding.stop.scope != "all"


def resume_command(stop: ActiveStop) -> tuple[str, ...]:
    """Return the words of the command that ends a kill switch or a pause."""
    if stop.scope == PAUSED:
        return "habarshy", "resume", stop.name, "--reason", REASON
    name = () if stop.scope == "all" else (stop.name,)
    return "habarshy", "control", stop.scope, *name, "--go", "--reason", REASON


def stop_finding(stop: ActiveStop) -> Finding:
    """Return the finding that a kill switch or a pause is on."""
    command = resume_command(stop)
    return Finding(FindingKind.STOPPED, Level.BAD, command, "/switches", stop.name, since=stop.since, stop=stop)


def _platform(on: Condition) -> Iterator[Finding]:
    if on.newest_lost_fact_at is not None:
        yield Finding(
            FindingKind.OLDER_COPY, Level.BAD, ("habarshy", "restored", "--plan"), since=on.newest_lost_fact_at
        )
    yield from _clocks(on)
    new = on.began is not None and on.now - on.began < STARTING
    if (
        on.run_holds_lock is False
        or _nobody_lives("worker", on)
        or on.sampled is None
        or on.now - on.sampled > SILENT
    ):
        kind, level = (FindingKind.STARTING, Level.NOTE) if new else (FindingKind.NOT_RUNNING, Level.BAD)
        if not (new and on.key_problem):  # nothing starts without its keys
            role, since = "run" if on.embedded else "worker", on.began if new else on.sampled
            yield Finding(kind, level, ("habarshy", role), about=role, since=since)
    if not new:
        yield from _roles(on)
    if on.key_problem:
        yield Finding(
            FindingKind.KEY_FILE, Level.BAD, ("habarshy", "config", "show", "--origin"), cause=on.key_problem
        )
    if on.keys_lost:
        versions = ", ".join(map(str, on.keys_lost))
        yield Finding(FindingKind.KEY_LOST, Level.BAD, ("habarshy", "keys", "show"), about=versions)


def _nobody_lives(role: str, on: Condition) -> bool:
    """Return whether processes are known, and none of this role, or that does everything, lives."""
    living = {each.process.role for each in on.processes if each.lives}
    return bool(on.processes) and not on.embedded and living.isdisjoint((role, "run"))


def _roles(on: Condition) -> Iterator[Finding]:
    """Yield the roles of which no process lives; the worker has a finding of its own."""
    known = {each.process.role for each in on.processes}
    with_kafka = bool(on.workers_away) or on.workers is not None
    for role, level in WANTED.items():
        if (role == "relay" and not with_kafka) or (role == "intake" and role not in known):
            continue
        if _nobody_lives(role, on):
            command = ("habarshy", "worker", "--intake") if role == "intake" else ("habarshy", role)
            seen = max((each.seen_at for each in on.processes if each.process.role == role), default=None)
            yield Finding(FindingKind.ROLE_GONE, level, command, about=role, since=seen)


def _clocks(on: Condition) -> Iterator[Finding]:
    """Yield the clocks that are wrong, each with the machine that it belongs to.

    Records from ahead say only that some clock was wrong: ours, or that of who wrote them. The server's clock tells.
    Where machines agree with each other and not with the server, it is the server's that is wrong.
    """
    ntp = ("timedatectl", "timesync-status")
    if _is_off(on):
        cause, seconds = (
            BEHIND if on.apart_by > timedelta() else AHEAD,
            abs(on.apart_by).total_seconds(),
        )
        yield Finding(FindingKind.DATABASE_CLOCK, Level.BAD, ntp, cause=cause, seconds=seconds)
        return
    wrong = [each for each in on.processes if abs(each.ahead) > SKEW]
    if abs(on.apart_by) > SKEW:
        cause = AHEAD if on.apart_by > timedelta() else BEHIND
        yield Finding(FindingKind.CLOCKS_APART, Level.BAD, ntp, cause=cause, seconds=abs(on.apart_by).total_seconds())
    for each in wrong:
        cause, seconds = AHEAD if each.ahead > timedelta() else BEHIND, abs(each.ahead).total_seconds()
        at = f"{each.process.role} ({each.process.host}, pid {each.process.pid})"
        found = Finding(FindingKind.PROCESS_CLOCK, Level.BAD, ntp, about=at, cause=cause, seconds=seconds)
        yield replace(found, since=None if each.lives else each.seen_at)
    if on.ahead_by > SOON and not wrong and abs(on.apart_by) <= SKEW:
        about = "elsewhere" if on.clocks_compared else ""
        yield Finding(FindingKind.CLOCK_BEHIND, Level.BAD, ntp, about=about, seconds=on.ahead_by.total_seconds())


def _is_off(on: Condition) -> bool:
    """Return whether the clock of the database's server differs from those of several machines, which agree."""
    living = [each for each in on.processes if each.lives]
    ahead = [on.apart_by, *(each.ahead for each in living)]
    several = len({each.process.host for each in living}) > 1
    return several and abs(on.apart_by) > SKEW and max(ahead) - min(ahead) <= SKEW


def _providers(on: Condition) -> Iterator[Finding]:
    records = sorted(each for each in on.recent.providers.items() if each[0] not in on.removed_providers)
    down = [(name, record) for name, record in records if _is_down(record)]
    if len(down) > 1:
        yield _all_down(down, on)
    for name, record in records:
        cause = _cause(record)
        if len(down) > 1 and _is_down(record):
            continue
        if record.in_row and cause == Reason.NOT_ADMITTED:  # it will not mend itself
            show = ("habarshy", "config", "show", "--origin")
            yield _provider(FindingKind.NOT_ADMITTED, name, record, show, cause)
        elif record.in_trouble:
            repair = ("habarshy", "repair", "--failed", "--plan", "--provider", name)
            found = _provider(FindingKind.PROVIDER_DOWN, name, record, repair, cause)
            yield replace(found, without=_channels_without_provider([name], on))
        elif record.state is ProviderState.FAILS_ALL:
            yield _provider(FindingKind.PROVIDER_FAILS_ALL, name, record, STATUS, cause)
        elif record.state is ProviderState.FAILED:
            yield _provider(FindingKind.PROVIDER_FAILED, name, record, STATUS, cause)
    if on.unseen_providers:
        yield Finding(FindingKind.PROVIDERS_UNSEEN, Level.NOTE, STATUS, about=", ".join(on.unseen_providers))


def _is_down(record: Record) -> bool:
    """Return whether a provider fails by a cause that may pass; one that does not let us in does not mend itself."""
    return record.in_trouble and _cause(record) != Reason.NOT_ADMITTED


def _all_down(down: Sequence[tuple[str, Record]], on: Condition) -> Finding:
    """Return the one finding about several providers that are down at once."""
    names, since = [name for name, _ in down], [record.since for _, record in down if record.since is not None]
    causes = tuple((name, record.channel, _cause(record)) for name, record in down)
    repair = ("habarshy", "repair", "--failed", "--plan")
    found = Finding(
        FindingKind.PROVIDER_DOWN, Level.BAD, repair, "/messages?state=failed", since=min(since, default=None)
    )
    return replace(found, providers=causes, without=_channels_without_provider(names, on))


def _channels_without_provider(down: Collection[str], on: Condition) -> tuple[str, ...]:
    """Return the channels of which every provider is among these."""
    left = {channel for name, channel in on.providers.items() if name not in down}
    return tuple(sorted({on.providers[name] for name in down if name in on.providers} - left))


def _cause(record: Record) -> str:
    """Return the reason that explains most: that we are not let in, else the most frequent.

    "busy" is also what is recorded while a provider is passed by, so it comes last.
    """
    if Reason.NOT_ADMITTED in record.reasons:
        return Reason.NOT_ADMITTED
    found = [reason for reason, _ in record.reasons.most_common()]
    return next((each for each in found if each != Reason.BUSY), found[0] if found else "")


def _provider(kind: FindingKind, name: str, record: Record, command: tuple[str, ...], cause: str) -> Finding:
    level = Level.BAD if kind in (FindingKind.NOT_ADMITTED, FindingKind.PROVIDER_DOWN) else Level.NOTE
    path = f"/messages?{urlencode({'state': 'failed', 'provider': name})}"
    return Finding(kind, level, command, path, name, record.channel, cause, since=record.since)


def _flows(on: Condition) -> Iterator[Finding]:
    """Yield what waits too long, or becomes more and more."""
    status = on.status
    yield from _waits(on, PLANNING, Lag(status.unplanned, status.unplanned_for_seconds))
    yield from _waits(on, SENDING, Lag(status.due_now, status.overdue_for_seconds))
    yield from _waits(on, VIEWS, on.views)
    if on.relay is not None:
        yield from _waits(on, RELAY, on.relay)
    if on.workers_away:
        show = ("habarshy", "config", "show", "--origin")
        yield Finding(FindingKind.KAFKA_AWAY, Level.BAD, show, cause=on.workers_away)
    elif on.workers:
        longest = max(each.seconds for each in on.workers)
        yield from _waits(on, WORKERS, Lag(sum(each.count for each in on.workers), longest))


class Queue(Struct, frozen=True):
    """Something that waits: how long the oldest may, and the findings if it waits longer, or if it grows."""

    name: Backlog | None
    limit: timedelta
    command: tuple[str, ...]
    late: FindingKind
    grows: FindingKind | None = None


PLANNING = Queue(
    Backlog.PLANNING, LONG, ("habarshy", "repair", "--plan"), FindingKind.PLANNING_LATE, FindingKind.PLANNING_GROWS
)
SENDING = Queue(
    Backlog.DISPATCH,
    LATE,
    ("habarshy", "forecast", "--days", "1"),
    FindingKind.SENDING_LATE,
    FindingKind.SENDING_GROWS,
)
VIEWS = Queue(Backlog.VIEWS, LATE, STATUS, FindingKind.VIEWS_LATE)
RELAY = Queue(Backlog.RELAY, SOON, ("habarshy", "relay"), FindingKind.RELAY_LATE)
WORKERS = Queue(None, SOON, ("habarshy", "worker"), FindingKind.WORKERS_LATE)


def _waits(on: Condition, queue: Queue, lag: Lag) -> Iterator[Finding]:
    """Yield the finding about a queue: BAD after its limit, worth a look after half of it; with its likely cause."""
    waited, trend = timedelta(seconds=lag.seconds), _trend(queue, on)
    found = Finding(queue.late, Level.NOTE, queue.command, count=lag.count, seconds=lag.seconds, trend=trend)
    if not lag.count:
        return
    if waited > min(SOON, queue.limit / 2):
        level = Level.BAD if waited > queue.limit else Level.NOTE
        yield _with_likely_cause(replace(found, level=level, since=on.now - waited), queue, on)
    elif queue.grows is not None and trend is not None and trend.a_minute >= GROWTH and lag.count >= MANY:
        yield _with_likely_cause(replace(found, kind=queue.grows), queue, on)


def _trend(queue: Queue, on: Condition) -> Trend | None:
    return None if queue.name is None else on.trends.get(queue.name)


def _with_likely_cause(found: Finding, queue: Queue, on: Condition) -> Finding:
    """Return the finding about a queue with its likely cause, and the command that fits that."""
    cause = _holdup(queue, on)
    if cause is not None and cause.why is QueueCause.NOBODY:
        found = replace(found, command=("habarshy", "run" if on.embedded else cause.about))
    if cause is not None and cause.why is QueueCause.KAFKA:
        found = replace(found, command=STATUS)
    return replace(found, holds=cause)


ROLES: Mapping[Backlog | None, str] = {
    Backlog.PLANNING: "worker",
    Backlog.DISPATCH: "dispatch",
    Backlog.VIEWS: "worker",
    Backlog.RELAY: "relay",
    None: "worker",
}
"""Queue -> the role that empties it."""
WOKEN = (Backlog.PLANNING, Backlog.RELAY)
"""The queues that stand while Kafka is away."""
SLOW = 2.0
"""A provider that takes so many seconds for an answer is slow."""
AT_LIMIT = 0.9
"""A provider that sends this share of what its rate limit lets it send is held up by it."""


def _holdup(queue: Queue, on: Condition) -> Holdup | None:
    """Return the likely cause of a queue: the first that explains it; None where nothing does."""
    if (missing := _missing(queue, on)) is not None or queue.grows is None:
        return missing
    if queue.name is Backlog.DISPATCH and (cause := _provider_holdup(on)) is not None:
        return cause
    trend = _trend(queue, on)
    if trend is None or trend.a_minute <= 0 or not on.rates:
        return None
    if queue.name is Backlog.DISPATCH:
        goes = on.rates.get(NudgeAttempted.TOPIC, 0.0)
        comes = goes + trend.a_minute
    else:
        comes = max(on.rates.get(LifeEvent.TOPIC, 0.0), trend.a_minute)
        goes = comes - trend.a_minute
    alive = sum(each.lives and each.process.role == ROLES[queue.name] for each in on.processes)
    return Holdup(QueueCause.BEHIND, number=alive, comes=comes, goes=goes)


def _missing(queue: Queue, on: Condition) -> Holdup | None:
    """Return that nobody lives who would empty a queue, or that Kafka is away, which wakes them."""
    role = ROLES[queue.name]
    if on.run_holds_lock is False if on.embedded else _nobody_lives(role, on):
        return Holdup(QueueCause.NOBODY, role)
    if queue.name in WOKEN and on.workers_away:
        return Holdup(QueueCause.KAFKA)
    relayed = queue.name is Backlog.PLANNING and on.relay is not None
    return Holdup(QueueCause.NOBODY, "relay") if relayed and _nobody_lives("relay", on) else None


def _provider_holdup(on: Condition) -> Holdup | None:
    """Return the provider that holds sending up: it is down, at its limit, or slow."""
    used = [(name, each) for name, each in sorted(on.recent.providers.items()) if name not in on.removed_providers]
    for name, record in used:
        if record.in_trouble:
            return Holdup(QueueCause.DOWN, name)
    for name, record in used:
        if (limit := on.limits.get(name)) is not None and record.lately >= AT_LIMIT * limit:
            return Holdup(QueueCause.LIMIT, name, limit)
    for name, record in used:
        if record.seconds >= SLOW:
            return Holdup(QueueCause.SLOW, name, record.seconds)
    return None


def _jobs(on: Condition) -> Iterator[Finding]:
    """Yield the latest job of each kind that needs somebody; an older failure is over once a later one is done."""
    yield from _altered_jobs(on)
    judged: set[str] = set()
    for job in on.jobs:
        if job.kind in judged or job.id in on.altered:
            continue
        resume = ("habarshy", "jobs", "resume", str(job.id))
        if job.id in on.orphaned:
            yield _job(FindingKind.JOB_GONE, job, Level.BAD, resume)
        elif job.state is JobState.FAILED:
            yield _job(FindingKind.JOB_FAILED, job, Level.BAD, resume)
        elif job.id in on.with_trouble:
            kind, level = SPOILED.get(job.kind, (FindingKind.JOB_INCOMPLETE, Level.NOTE))
            found = _job(kind, job, level, ("habarshy", "jobs", "show", str(job.id)))
            yield _of_sample(found, job) if kind is FindingKind.PLANS_DIFFER else found
        elif job.state is JobState.PAUSED:
            yield _job(FindingKind.JOB_PAUSED, job, Level.NOTE, resume)
        if job.state is not JobState.CANCELLED:
            judged.add(job.kind)
    if on.unattended:
        yield Finding(FindingKind.JOBS_WAIT, Level.BAD, ("habarshy", "jobs"), "/jobs", count=len(on.unattended))


def _altered_jobs(on: Condition) -> Iterator[Finding]:
    """Yield the jobs that somebody without our key wrote or changed. One that may still begin is to be cancelled."""
    open_ = {job.id for job in on.jobs if job.state not in ENDED}
    for id_, kind in on.altered.items():
        command = ("habarshy", "jobs", "cancel" if id_ in open_ else "show", str(id_))
        yield Finding(FindingKind.JOB_ALTERED, Level.BAD, command, f"/jobs/{id_}", kind, count=id_)


def _job(kind: FindingKind, job: Job, level: Level, command: tuple[str, ...]) -> Finding:
    return Finding(kind, level, command, f"/jobs/{job.id}", job.kind, count=job.id, since=job.changed_at)


def _of_sample(found: Finding, job: Job) -> Finding:
    """Return the finding with the number of persons and the triggers, and the command that lists what is missing."""
    result, repair = sample.found_in(job.words), ("habarshy", "repair", "--plan")
    return replace(found, count=result.unlike, about=", ".join(result.triggers), command=repair)


def _scheduled(on: Condition) -> Iterator[Finding]:
    """Yield the jobs of the schedule whose last run failed, or that nobody runs."""
    show = ("habarshy", "schedule")
    for run in on.scheduled:
        if run.next_at is None:  # the settings ask for it no more
            continue
        if run.outcome in BAD_ENDS:
            kind = FindingKind.KEY_EXPIRES if run.job == "expiry" else FindingKind.SCHEDULED_FAILED
            cause = run.words or run.error
            found = Finding(kind, Level.BAD, show, "/schedule", run.job, cause=cause, since=run.started_at)
            yield replace(found, code=run.error)
        elif is_late(run, on.now):
            yield Finding(FindingKind.SCHEDULED_LATE, Level.NOTE, show, "/schedule", run.job, since=run.next_at)


def _waiting(on: Condition) -> Iterator[Finding]:
    """Yield the findings about what waits for a person to decide."""
    status = on.status
    if status.dead_letters:
        show = ("habarshy", "dead-letters", "list")
        yield Finding(FindingKind.DEAD_LETTERS, Level.BAD, show, "/letters", count=status.dead_letters)
    if unknown := sum(status.unknown.values()):
        yield Finding(FindingKind.UNKNOWN_OUTCOMES, Level.NOTE, ("habarshy", "unknown"), "/unknown", count=unknown)
    if status.dead_events_at is not None and on.now - status.dead_events_at < timedelta(days=1):
        codes = ", ".join(f"{code}: {many}" for code, many in status.dead_events.items())
        many, at = sum(status.dead_events.values()), status.dead_events_at
        yield Finding(FindingKind.EVENTS_REFUSED, Level.NOTE, STATUS, cause=codes, count=many, since=at)
    if status.reconciled_at is not None and on.now - status.reconciled_at < timedelta(hours=1):
        count, at = status.reconciled, status.reconciled_at
        yield Finding(FindingKind.RECONCILED, Level.NOTE, STATUS, count=count, since=at)
    if status.untold:
        yield Finding(FindingKind.ANSWERS_WAIT, Level.NOTE, ("habarshy", "config", "show"), count=status.untold)
    if status.revisions_waiting:
        yield Finding(FindingKind.REVISIONS, Level.NOTE, STATUS, count=status.revisions_waiting)
    if on.unchained and on.chained_at is not None and on.now - on.chained_at > LONG:
        show = ("habarshy", "audit", "verify")
        yield Finding(FindingKind.CHAIN_LATE, Level.NOTE, show, count=on.unchained, since=on.chained_at)
