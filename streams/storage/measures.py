"""Metrics of a process, as collectors of prometheus-client; no label holds personal data. Times are in seconds.

Each object makes its own collectors, registered nowhere; a role registers those of its platform (app/http/role.py).
So two platforms in one process do not count together.
"""

from prometheus_client import Counter, Histogram

QUICK = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0)
SLOW = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 3600.0)


def wait_histogram() -> Histogram:
    """Return the times until a connection of the pool (`connection`) or the turn to append (`log`) was free."""
    about = "How long this process waited for a connection of its pool, or for its turn to append to the log."
    return Histogram("habarshy_wait_seconds", about, ["what"], buckets=QUICK, registry=None)


def accepted_counter() -> Counter:
    """Return the count of events that were stored for the first time, by type: those of the packs in force."""
    about = "Events that this process stored, but those that were known already."
    return Counter("habarshy_events_accepted", about, ["type"], registry=None)


def planned_counter() -> Counter:
    """Return the count of plans that were committed, each for one person."""
    return Counter("habarshy_persons_planned", "Plans that this process committed.", registry=None)


def planning_delay() -> Histogram:
    """Return the times from when a person's oldest waiting event was recorded until the person was planned."""
    about = "From when an event was recorded until its person was planned."
    return Histogram("habarshy_planned_after_seconds", about, buckets=SLOW, registry=None)


def sending_delay() -> Histogram:
    """Return the times from when a message could go (due and planned) until its provider took it over."""
    about = "From when a message was due and planned until its provider took it over."
    return Histogram("habarshy_sent_after_seconds", about, ["channel"], buckets=SLOW, registry=None)


def outcome_counter() -> Counter:
    """Return the count of attempts by their outcome in the log."""
    about = "What became of the attempts of this process: sent, failed or unknown."
    return Counter("habarshy_outcomes", about, ["channel", "provider", "agency", "outcome"], registry=None)
