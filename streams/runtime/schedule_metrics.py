"""The metrics of the schedule, from the rows that any process can read."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from streams.runtime.schedule import runs_of
from streams.storage.database import Database

NEXT, SUCCESS = "habarshy_scheduled_next_timestamp_seconds", "habarshy_scheduled_success_timestamp_seconds"
TOOK, FAILURES = "habarshy_scheduled_seconds", "habarshy_scheduled_failures"


class ScheduleMetrics(Collector):
    """Next run, last success, duration and failures of each job; nothing while the database does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> list[Metric]:
        """Return nothing, so that to register reads no rows."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        try:
            runs = runs_of(self._database)
        except SQLAlchemyError:
            return
        upcoming = GaugeMetricFamily(NEXT, "When the job is to run next (seconds since 1970).", labels=["task"])
        success = GaugeMetricFamily(SUCCESS, "When the job last succeeded (seconds since 1970).", labels=["task"])
        took = GaugeMetricFamily(TOOK, "Seconds that the last run of the job took.", labels=["task"])
        failures = CounterMetricFamily(FAILURES, "Runs of the job that failed.", labels=["task"])
        for run in runs:
            if run.next_at is not None:
                upcoming.add_metric([run.job], run.next_at.timestamp())
            if run.done_at is not None:
                success.add_metric([run.job], run.done_at.timestamp())
            if run.took is not None:
                took.add_metric([run.job], run.took.total_seconds())
            failures.add_metric([run.job], run.failures)
        yield from (upcoming, success, took, failures)
