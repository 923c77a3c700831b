"""GET /metrics: what Prometheus asks of every role. The names are held by deploy/alerts.yaml and its test."""

from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streams.health import Standing
from streams.lag import Lag

GAUGES = {
    "facts": "Facts in the log.",
    "unplanned": "History rows that are not planned yet.",
    "unplanned_for_seconds": "How long the oldest of them waits.",
    "due_now": "Deliveries that are due.",
    "overdue_for_seconds": "How long the first of them is due.",
    "open_attempts": "Attempts without an outcome.",
    "views_behind": "Positions that the views are behind the log.",
    "corrections_waiting": "Corrected events whose original has not come.",
    "dead_letters": "Records and persons that were put aside, for a human.",
    "untold": "Answers that agencies have yet to be told of.",
}
RECONCILED = "habarshy_reconciled"
LAG, LAG_SECONDS, READY = "habarshy_lag", "habarshy_lag_seconds", "habarshy_ready"


class _Now(Collector):
    """One scrape: what was read for it."""

    def __init__(self, role: str, standing: Standing | None, lags: Sequence[Lag], *, ready: bool) -> None:
        self._role, self._standing, self._lags, self._ready = role, standing, lags, ready

    def collect(self) -> Iterator[Metric]:
        """The metrics."""
        ready = GaugeMetricFamily(READY, "Whether the role can do its work.", labels=["role"])
        ready.add_metric([self._role], float(self._ready))
        yield ready
        if self._standing is not None:
            for name, about in GAUGES.items():
                yield GaugeMetricFamily(f"habarshy_{name}", about, getattr(self._standing, name))
            about = "Persons whom the reconciler found: nobody had planned them in time."
            yield CounterMetricFamily(RECONCILED, about, self._standing.reconciled)
        yield from self._lagging()

    def _lagging(self) -> Iterator[Metric]:
        labels = ["role", "topic", "partition"]
        counts = GaugeMetricFamily(
            LAG, "What a role has not read yet: records, or positions of the log.", labels=labels
        )
        ages = GaugeMetricFamily(LAG_SECONDS, "How long the first of them waits.", labels=labels)
        for lag in self._lags:
            where = [self._role, lag.topic, "" if lag.partition is None else str(lag.partition)]
            counts.add_metric(where, lag.count)
            ages.add_metric(where, lag.seconds)
        yield from (counts, ages) if self._lags else ()


def exposition(role: str, standing: Standing | None, lags: Sequence[Lag], *, ready: bool) -> bytes:
    """The metrics in Prometheus' text format; what could not be read is absent."""
    registry = CollectorRegistry()
    registry.register(_Now(role, standing, lags, ready=ready))
    return generate_latest(registry)
