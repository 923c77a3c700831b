"""GET /metrics: what Prometheus asks of every role. The names are held by deploy/alerts.yaml and its test."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streams.intake.intake import Labels
from streams.kafka.lag import Lag
from streams.queries.health import Status

GAUGES = {
    "facts": "Facts in the log.",
    "unplanned": "History rows that are not planned yet.",
    "unplanned_for_seconds": "Age of the oldest of them in seconds, without persons in quarantine (dead letters).",
    "due_now": "Deliveries that are due.",
    "overdue_for_seconds": "Seconds since the first of them was due.",
    "held_back": "Deliveries that wait for what is stopped.",
    "open_attempts": "Attempts without an outcome.",
    "views_behind": "Positions that the views are behind the log.",
    "revisions_waiting": "Revisions whose original has not come.",
    "dead_letters": "Records and persons that were put aside, for a human.",
    "sample_differences": "Persons of the last nightly sample whose nudges are not as planned.",
    "altered_jobs": "Jobs that somebody without the platform's key wrote or changed in the database.",
    "untold": "Answers that agencies have yet to be told of.",
}
RECONCILED, DEAD_EVENTS = "habarshy_reconciled", "habarshy_dead_events"
REFUSED, ATTEMPTS, PASSED_BY = "habarshy_refused_events", "habarshy_attempts", "habarshy_provider_passed_by"
UNKNOWN = "habarshy_unknown"
TAKING_IN = ("api", "intake")
CODES = (
    "invalid",
    "bad_data",
    "bad_encoding",
    "bad_json",
    "defect",
    "forbidden_field",
    "future",
    "id_reused",
    "no_zone",
    "repeated",
    "too_large",
)
"""Shown from the beginning: of what appears only with its first time, Prometheus does not see that it grew."""
STOPPED = "habarshy_stopped_timestamp_seconds"
LAG, LAG_SECONDS, READY = "habarshy_lag", "habarshy_lag_seconds", "habarshy_ready"


class Own(Struct, frozen=True):
    """A process's counts of its own work since it began.

    `refused`: events by code; `attempts`: by provider, channel, outcome and reason; `passed_by`: by provider and
    channel, True while sending goes past it.
    """

    refused: Mapping[Labels, int] = {}
    attempts: Mapping[Labels, int] = {}
    passed_by: Mapping[Labels, bool] = {}


class _Now(Collector):
    """The values of one scrape."""

    def __init__(self, role: str, status: Status | None, lags: Sequence[Lag], own: Own, *, ready: bool) -> None:
        self._role, self._status, self._lags, self._ready, self._own = role, status, lags, ready, own

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        about = "1 if the role can do its work, else 0."
        yield _gauge(READY, about, ["role"], {(self._role,): self._ready})
        if self._status is not None:
            for name, about in GAUGES.items():
                yield GaugeMetricFamily(f"habarshy_{name}", about, getattr(self._status, name))
            yield self._stopped(self._status)
            about = "Messages whose outcome is unknown, undecided."
            undecided = self._status.unknown or {"//": 0}  # shown from the beginning
            counts = {tuple(name.split("/")): count for name, count in undecided.items()}
            yield _gauge(UNKNOWN, about, ["cause", "provider", "channel"], counts)
            about = "Persons whom the reconciler found: nobody had planned them in time."
            yield CounterMetricFamily(RECONCILED, about, self._status.reconciled)
            about = "Events from Kafka that were refused, and passed on to life-events.dead."
            yield _by_code(DEAD_EVENTS, about, self._status.dead_events)
        yield from self._lagging()
        yield from self._of_its_own()

    def _stopped(self, status: Status) -> GaugeMetricFamily:
        """Return since when each thing is stopped; "all" is always there, so that alerts have something to read."""
        about = "Since when it is stopped (seconds since 1970), or 0."
        since: Mapping[Labels, float] = {(off.scope, off.name): off.since.timestamp() for off in status.stopped}
        return _gauge(STOPPED, about, ["scope", "name"], {("all", ""): 0.0, **since})

    def _of_its_own(self) -> Iterator[Metric]:
        if self._role in TAKING_IN:
            refused = {code: many for (code,), many in self._own.refused.items()}
            yield _by_code(REFUSED, "Events that this process refused.", refused)
        if self._own.passed_by:
            labels = ["provider", "channel"]
            tried: dict[Labels, int] = {(*each, "sent", ""): 0 for each in self._own.passed_by}
            about = "Outcomes of the attempts that this process handed over."
            yield _counter(ATTEMPTS, about, [*labels, "outcome", "reason"], tried | dict(self._own.attempts))
            about = "1 while this process sends past the provider, else 0."
            yield _gauge(PASSED_BY, about, labels, self._own.passed_by)

    def _lagging(self) -> Iterator[Metric]:
        labels, known = ["role", "topic", "partition"], dict[Labels, Lag]()
        for lag in self._lags:
            known[self._role, lag.topic, "" if lag.partition is None else str(lag.partition)] = lag
        if known:
            about = "Records, or positions of the log, that a role has not read yet."
            yield _gauge(LAG, about, labels, {where: lag.count for where, lag in known.items()})
            about = "Age of the first of them in seconds."
            yield _gauge(LAG_SECONDS, about, labels, {where: lag.seconds for where, lag in known.items()})


def _gauge(name: str, about: str, labels: Sequence[str], values: Mapping[Labels, float]) -> GaugeMetricFamily:
    found = GaugeMetricFamily(name, about, labels=labels)
    for each, value in values.items():
        found.add_metric(each, float(value))
    return found


def _counter(name: str, about: str, labels: Sequence[str], counts: Mapping[Labels, int]) -> CounterMetricFamily:
    found = CounterMetricFamily(name, about, labels=labels)
    for values, count in counts.items():
        found.add_metric(values, count)
    return found


def _by_code(name: str, about: str, counts: Mapping[str, int]) -> CounterMetricFamily:
    found: Mapping[Labels, int] = {(code,): counts.get(code, 0) for code in sorted({*CODES, *counts})}
    return _counter(name, about, ["code"], found)


def exposition(
    role: str, status: Status | None, lags: Sequence[Lag], own: Own | None = None, *, ready: bool
) -> bytes:
    """Return the metrics in Prometheus' text format; what could not be read is absent."""
    registry = CollectorRegistry()
    registry.register(_Now(role, status, lags, own or Own(), ready=ready))
    return generate_latest(registry)
