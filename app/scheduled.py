"""The jobs of the schedule: what a platform does by itself at certain times, made from its parts."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from cryptography import x509

from app.compose import Platform
from app.identity import private_files, retired_list
from app.identity.private_files import os_problem
from app.log_places import zone_shown
from app.settings import SCHEDULE, Settings
from app.terminal import compact, talk
from domain.core.translatable import Joined, Words
from domain.facts.principals import Principal, Role
from streams.log import chain
from streams.log.audit import head_of
from streams.log.chain_builder import ChainBuilder
from streams.queries.health import SILENT
from streams.queues.jobs import Job, plan_of
from streams.replay import sample
from streams.replay.audit_job import AuditJob
from streams.replay.sample import Sample, SampleRequest
from streams.runtime import cleanup
from streams.runtime.cron import NEVER
from streams.runtime.schedule import UNDER_WAY, Run, Schedule, Scheduled, Stopping, Unfinished
from streams.storage import statistics
from streams.storage.database import Database
from streams.storage.leadership import Lane, run_goes_on

SCHEDULER = Principal("schedule", "schedule", frozenset({Role.OPERATOR}))
"""Who acts: whoever writes the settings is an operator."""
AUDIT = "audit verify"
"""The kind of job that verifies the log (app/jobs/kinds.py)."""
JOB_KINDS = {"verify": AUDIT, "sample": sample.KIND}
"""Job of the schedule -> the kind of job that it asks for."""
EXPIRY_NOTICE = timedelta(days=21)
"""A certificate that is valid for less time is reported: getting another may take so long."""


NEVER_BY_NAME = "retire"
"""The job that nobody begins by a name alone: `habarshy retire` shows first what goes, and asks."""
LATE = timedelta(hours=1)
"""A job that is due for longer does not run: no process keeps the schedule."""


class CertificateExpires(Exception):
    """Raised when certificates that the settings name are no longer valid soon, or cannot be read."""


class NotDeposited(Exception):
    """Raised when the newest head of the log cannot be written to the folder of the settings."""


class NotVerifiable(Exception):
    """Raised when the log cannot be verified."""


def schedule_of(platform: Platform) -> Schedule:
    """Return the schedule of the settings."""
    settings = platform.settings
    crons = {**SCHEDULE, **settings.schedule, **({} if settings.deposit_folder else {"deposit": NEVER})}
    works = _works(platform)
    jobs = {name: Scheduled(cron, works[name]) for name, cron in crons.items()}
    return Schedule(platform.database, platform.clock, jobs, lambda: zone_of_schedule(platform), talk)


def is_late(run: Run, now: datetime) -> bool:
    """Return whether the job should have begun an hour ago, and has not."""
    return run.next_at is not None and run.next_at + LATE < now and run.outcome not in UNDER_WAY


def last_requested_jobs(platform: Platform) -> dict[str, Job]:
    """Return each job of the schedule that asks for a job -> the last one of that kind, whoever asked for it."""
    last = {name: platform.queues.jobs.last(kind) for name, kind in JOB_KINDS.items()}
    return {name: job for name, job in last.items() if job is not None}


def is_scheduler_alive(platform: Platform) -> bool:
    """Return whether a process keeps the schedule: a `run` on this file, or one that does the upkeep."""
    if platform.database.sqlite:
        return run_goes_on(platform.database) is True
    sampled = platform.queries.backlog.latest()
    return sampled is not None and platform.clock() - sampled <= SILENT


def zone_of_schedule(platform: Platform) -> tzinfo:
    """Return the time zone of the cron expressions: that of the settings, else that of the rules in force."""
    name = platform.settings.schedule_zone
    return ZoneInfo(name) if name else zone_shown(platform.rules.library)


def _works(on: Platform) -> Mapping[str, Callable[[Stopping], object]]:
    return {
        "cleanup": lambda _: cleanup.run(on.database, on.clock()),
        "statistics": lambda _: statistics.refresh(on.database),
        "expiry": lambda _: check_certificates(on.settings, on.clock()),
        "deposit": lambda _: _deposit(on),
        "verify": lambda _: _verify(on),
        "sample": lambda _: _sample(on),
        "retire": lambda stopping: _retire(on, stopping),
    }


def _deposit(on: Platform) -> None:
    if (folder := on.settings.deposit_folder) is None:
        raise NotDeposited(Words("deposit_folder: the settings name no folder"))
    deposit_head(on.runtime.chain_builder, on.database, folder)


def _verify(on: Platform) -> None:
    """Ask for an audit of the log, which the role jobs does: it may take hours.

    Raises:
        Busy: one is under way.
        NotVerifiable: there is no key that signs.
    """
    if (signer := on.runtime.chain_builder.signer) is None:
        raise NotVerifiable(Words("the key file has no key that signs (`habarshy migrate` adds one)"))
    plan = plan_of(AuditJob(on.database, signer.public))
    on.queues.jobs.add(AUDIT, Lane.AUDIT, {}, plan, SCHEDULER.name, waits=True)


def _sample(on: Platform) -> None:
    """Ask for a verification of the persons whose turn it is, which the role jobs does.

    Raises:
        Busy: one is under way.
    """
    after = sample.start_of_next(on.queues.jobs.last(sample.KIND))
    request = SampleRequest(after, on.settings.sample_persons, job=0)
    plan = plan_of(Sample(on.log, on.rules.library, request))
    arguments = {"after": after, "persons": request.persons}
    on.queues.jobs.add(sample.KIND, Lane.SAMPLE, arguments, plan, SCHEDULER.name, waits=True)


def _retire(on: Platform, stopping: Stopping) -> None:
    wanted = on.privacy.retention.scope()
    if not wanted:
        return
    retired_list.add(on.settings.key_file, wanted, on.clock())
    on.privacy.retention.retire(SCHEDULER, wanted, stopping=stopping)
    if stopping():
        raise Unfinished


def deposit_head(builder: ChainBuilder, database: Database, folder: Path) -> None:
    """Write the newest signed head of the log, which all facts so far lead to, into a file of its own.

    Raises:
        NotDeposited: it cannot be written, or there is none.
    """
    builder.finish()
    with database.reading() as connection:
        number = chain.latest(connection).number
        found = chain.blocks_from(connection, number, 1) if number else []
    if builder.signer is None or not found:
        raise NotDeposited(Words("nothing is in the chain: the key file has no key that signs, or the log is empty"))
    file = folder / f"head-{number:012}.json"
    try:
        if not file.exists():
            private_files.replace(file, compact(head_of(found[0], builder.signer.public)) + "\n")
    except OSError as error:
        raise NotDeposited(Words("deposit_folder: {file}: {problem}", file=file, problem=os_problem(error))) from None


def check_certificates(settings: Settings, now: datetime) -> None:
    """Check the certificates in the files that the settings name.

    Raises:
        CertificateExpires: one is not valid for three more weeks, or cannot be read; with the setting's name.
    """
    expiring = [
        (name, _expires(Path(path), now, authority=name.endswith("ca_file"))) for name, path in _named(settings)
    ]
    if problems := [Words("{name}: {value}", name=name, value=problem) for name, problem in expiring if problem]:
        raise CertificateExpires(Joined(problems, "; "))


def _named(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield the settings that name certificates, with their files."""
    if settings.kafka_ca_file:
        yield "kafka_ca_file", settings.kafka_ca_file
    for name, provider in settings.providers.items():
        for key, value in (provider.model_extra or {}).items():
            if key in ("ca_file", "client_cert_file") and value:
                yield f"providers.{name}.{key}", str(value)


def _expires(path: Path, now: datetime, *, authority: bool) -> str:
    """Say until when it is valid, if that is soon. Of authorities the last counts, of a chain the first."""
    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        problem = os_problem(error) if isinstance(error, OSError) else Words("it is no certificate in PEM")
        return Words("{path} cannot be read ({problem})", path=path, problem=problem)
    ends = [each.not_valid_after_utc for each in found]
    end = max(ends) if authority else ends[0]
    if end >= now + EXPIRY_NOTICE:
        return ""
    return Words("{path} is valid until {date} only", path=path, date=f"{end.astimezone(UTC):%Y-%m-%d}")
