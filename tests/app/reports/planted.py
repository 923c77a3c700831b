"""Faults of each kind, planted in a condition that is else good."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from msgspec.structs import replace

from app.reports.condition import Condition
from app.reports.findings import FindingKind
from domain.core.translatable import Words
from streams.kafka.errors import KafkaUnavailable
from streams.kafka.lag import Lag
from streams.queries.health import Backlog, Trend
from streams.queries.provider_health import Record
from streams.runtime.processes import LiveProcess, Process
from streams.runtime.schedule import Run, RunOutcome
from tests.world import NOON

Plant = Callable[[Condition], Condition]


def status(**changed: object) -> Plant:
    """A change of the figures."""
    return lambda on: replace(on, status=replace(on.status, **changed))


SHAKY = Record("sms", attempted=5, sent=4, failed=1, in_row=1, since=NOON, reasons=Counter({"link_lost": 1}))
RUN = Run("verify", "0 3 * * *", NOON + timedelta(hours=9), NOON - timedelta(hours=15), error="Unequal")


def alive(*roles: str) -> list[LiveProcess]:
    """Processes that live."""
    return [
        LiveProcess(Process(str(at), role, "north", at, "1"), NOON, NOON, timedelta(), timedelta())
        for at, role in enumerate(roles)
    ]


def off_by(ahead: timedelta) -> list[LiveProcess]:
    """Processes on two machines, whose clocks differ as much from the database's."""
    return [
        LiveProcess(Process(host, "dispatch", host, at, "1"), NOON, NOON, ahead, timedelta())
        for at, host in enumerate(("north", "south"))
    ]


FAULTS: dict[FindingKind, Plant] = {
    FindingKind.OLDER_COPY: lambda on: replace(on, newest_lost_fact_at=NOON),
    FindingKind.JOB_ALTERED: lambda on: replace(on, altered={3: "erase"}),
    FindingKind.CLOCK_BEHIND: lambda on: replace(on, ahead_by=timedelta(minutes=90)),
    FindingKind.CLOCKS_APART: lambda on: replace(on, apart_by=timedelta(minutes=-3)),
    FindingKind.DATABASE_CLOCK: lambda on: replace(
        on, apart_by=timedelta(minutes=3), clocks_compared=True, processes=off_by(timedelta(minutes=3))
    ),
    FindingKind.NOT_RUNNING: lambda on: replace(on, sampled=NOON - timedelta(hours=1)),
    FindingKind.ROLE_GONE: lambda on: replace(on, embedded=False, processes=alive("worker", "api", "jobs")),
    FindingKind.KEY_FILE: lambda on: replace(on, key_problem=Words("it does not exist")),
    FindingKind.KEY_LOST: lambda on: replace(on, keys_lost=(1,)),
    FindingKind.PLANNING_LATE: status(unplanned=7, unplanned_for_seconds=1200.0),
    FindingKind.SENDING_LATE: status(due_now=7, overdue_for_seconds=600.0),
    FindingKind.SENDING_GROWS: lambda on: replace(
        status(due_now=4000, overdue_for_seconds=20.0)(on), trends={Backlog.DISPATCH: Trend(350.0, None)}
    ),
    FindingKind.PLANNING_GROWS: lambda on: replace(
        status(unplanned=4000, unplanned_for_seconds=20.0)(on), trends={Backlog.PLANNING: Trend(350.0, None)}
    ),
    FindingKind.WORKERS_LATE: lambda on: replace(on, workers=[Lag(9, 300.0, "persons", 3)]),
    FindingKind.RELAY_LATE: lambda on: replace(on, relay=Lag(9, 300.0)),
    FindingKind.VIEWS_LATE: lambda on: replace(on, views=Lag(9, 900.0)),
    FindingKind.KAFKA_AWAY: lambda on: replace(on, workers_away=KafkaUnavailable("127.0.0.1:1", "refused").told),
    FindingKind.DEAD_LETTERS: status(dead_letters=3),
    FindingKind.UNKNOWN_OUTCOMES: status(unknown={"link_lost/sms/sms": 3}),
    FindingKind.ANSWERS_WAIT: status(untold=3),
    FindingKind.EVENTS_REFUSED: status(dead_events={"bad_json": 3}, dead_events_at=NOON),
    FindingKind.RECONCILED: status(reconciled=3, reconciled_at=NOON),
    FindingKind.REVISIONS: status(revisions_waiting=3),
    FindingKind.CHAIN_LATE: lambda on: replace(on, unchained=3, chained_at=NOON - timedelta(hours=1)),
    FindingKind.PROVIDER_FAILED: lambda on: replace(on, recent=replace(on.recent, providers={"gateway": SHAKY})),
    FindingKind.KEY_EXPIRES: lambda on: replace(
        on, scheduled=[replace(RUN, job="expiry", outcome=RunOutcome.FAILED)]
    ),
    FindingKind.SCHEDULED_FAILED: lambda on: replace(on, scheduled=[replace(RUN, outcome=RunOutcome.FAILED)]),
    FindingKind.SCHEDULED_LATE: lambda on: replace(on, scheduled=[replace(RUN, next_at=NOON - timedelta(hours=2))]),
    FindingKind.JOBS_WAIT: lambda on: replace(on, unattended=frozenset({1})),
    FindingKind.PROVIDERS_UNSEEN: lambda on: replace(on, unseen_providers=("gateway",)),
}
"""A fault of each kind that needs no story."""
