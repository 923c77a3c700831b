"""Events from the future: refused beyond what their type allows, by whatever way they come."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from domain.core.events import LifeEvent
from streams.intake.cloudevents import Envelope
from streams.intake.intake import ACCEPTED, DUPLICATE
from tests.world import World, annulled, corrected, few_triggers, fine, iin

AIGERIM = iin(1)
NOW = datetime(2025, 6, 1, 7, tzinfo=UTC)
FUTURE = (
    "time: lies in the future: it is 2025-06-01T07:00Z here, and this type is accepted up to 2025-06-01T22:00Z; "
    "check the year, the time zone and the sender's clock"
)


@pytest.fixture
def now(tmp_path: Path) -> Iterator[World]:
    """A world at seven o'clock UTC."""
    world = World(tmp_path, future_events="refuse", now=NOW)
    yield world
    world.close()


def refusals(world: World, *envelopes: Envelope, ahead_from: datetime | None = None) -> list[str]:
    """Take the events in, and give for each why it was refused; empty: it was accepted."""
    outcomes = world.take(*envelopes, ahead_from=ahead_from)
    assert {one.refused.code for one in outcomes if one.refused} <= {"future"}
    return [str(one.refused or "") for one in outcomes]


def dated(time: datetime, number: str = "F1") -> Envelope:
    """A fine of that time."""
    return fine(AIGERIM, number, time.isoformat())


def with_bound(folder: Path, ahead: str) -> Path:
    """The few triggers, with a bound of their own for fines."""
    few = few_triggers(folder)
    events = (few / "events").resolve()
    (few / "events").unlink()
    (few / "events").mkdir()
    for path in events.iterdir():
        more = f"\nahead: {ahead}\n" if path.stem == "fine_issued" else ""
        (few / "events" / path.name).write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")
    return few


@pytest.mark.parametrize(
    "time",
    [datetime(2035, 1, 1, tzinfo=UTC), NOW + timedelta(days=1), NOW + timedelta(hours=15, seconds=1)],
    ids=["a wrong year", "a clock that is a day ahead", "just beyond the bound"],
)
@pytest.mark.parametrize("ahead_from", [None, NOW], ids=["live", "historical"])
def test_what_is_too_far_ahead_is_refused(now: World, time: datetime, ahead_from: datetime | None) -> None:
    """An event from the future is refused by its time, with the likely cause; the rest of its batch goes in."""
    good = dated(NOW, "F2")
    assert refusals(now, dated(time), good, ahead_from=ahead_from) == [FUTURE, ""]
    assert [entry.fact.id for entry in now.entries() if isinstance(entry.fact, LifeEvent)] == [good.id]


@pytest.mark.parametrize("zone", ["+14:00", "+05:00", "-12:00"])
def test_local_time_sent_as_utc_is_accepted(now: World, zone: str) -> None:
    """A registry that writes its local time with a Z, or whose clock is some minutes ahead, is not refused."""
    local = datetime.fromisoformat(f"2025-06-01T07:00:00{zone}").utcoffset()
    assert local is not None
    assert now.take(dated(NOW + local + timedelta(minutes=10))) == [ACCEPTED]


def test_the_clock_decides_and_not_the_machine(now: World) -> None:
    """The same event is accepted once the platform's clock has come near its time."""
    early = dated(NOW + timedelta(days=1))
    assert refusals(now, early) == [FUTURE]
    now.at(NOW + timedelta(hours=9))
    assert now.take(early) == [ACCEPTED]


def test_what_is_stored_already_stays_a_duplicate(tmp_path: Path) -> None:
    """What was accepted before there was a bound is a duplicate when it comes again, and can be taken back."""
    later = World(tmp_path, future_events="refuse", now=datetime(2035, 1, 2, tzinfo=UTC))
    far = dated(datetime(2035, 1, 1, tzinfo=UTC))
    assert later.take(far) == [ACCEPTED]
    later.close()
    now = World(tmp_path, future_events="refuse", now=NOW)
    assert now.take(far) == [DUPLICATE]
    assert refusals(now, replace(corrected(far, 2), time="2036-01-01T00:00:00Z")) == [FUTURE]
    assert now.take(annulled(far, 2)) == [ACCEPTED]
    now.close()


@pytest.mark.parametrize(
    ("ahead", "days", "accepted"),
    [("P30D", 29, True), ("P30D", 31, False), ("any", 3650, True), ("PT1H", 1, False)],
)
def test_a_type_may_have_a_bound_of_its_own(tmp_path: Path, ahead: str, days: int, *, accepted: bool) -> None:
    """Registries that announce the future say so by the type: a longer bound, or none at all."""
    world = World(tmp_path, future_events="refuse", now=NOW, packs=[with_bound(tmp_path, ahead)])
    assert world.take(dated(NOW + timedelta(days=days)))[0].accepted is accepted
    world.close()
