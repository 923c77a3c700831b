"""A platform with something due, and dispatchers in whose way things come."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from app.compose_sending import compose_dispatcher
from notifiers.port.interface import GiveUp, Message, Notifier, Outcome, Reason
from notifiers.port.routes import single_routes
from streams.delivery.decide.case import Case
from streams.delivery.send.dispatch import Dispatcher
from streams.delivery.send.message import MessageBuilder
from tests.streams.meddling import MeddledDatabase
from tests.world import LONG_AGO, World, card, event, iin, registered

AIGERIM, DANA, SAULE, MARAT = iin(1), iin(2), iin(3), iin(4)
CARD = card(AIGERIM, "2025-07-20")
AWAKE = event(
    "citizen.preferences_changed", AIGERIM, "2025-01-01T00:00:00Z", {"quiet_from": "03:00", "quiet_to": "03:00"}
)
"""Aigerim has no quiet hours."""
DUE = datetime.fromisoformat("2025-06-20T09:00+05:00")
"""When the first step of CARD is due."""
FLOOD = datetime.fromisoformat("2026-04-08T12:00+05:00")
HOME = event(
    "kz.residence.registered",
    AIGERIM,
    "2020-02-01T00:00:00+05:00",
    {
        "kind": "first",
        "area": "191810000",
        "address": "1",
    },
)
EVACUATION = event(
    "alatau.emergencies.evacuation_ordered",
    None,
    "2026-04-08T12:00:00+05:00",
    {
        "number": "F-2",
        "area": "191800000",
        "meeting_point": "School 5",
    },
)
"""Whoever lives there is to leave at FLOOD, and no more an hour later."""
MINUTE = timedelta(minutes=1)
ABSENT = GiveUp(Reason.BAD_ADDRESS)


def with_card(folder: Path, **parts: Iterable[Outcome] | Notifier) -> World:
    """A platform on which Aigerim's card is announced at DUE; a channel's outcomes, or its notifier, may be given."""
    scripts = {channel: part for channel, part in parts.items() if not hasattr(part, "send")}
    notifiers = {channel: part for channel, part in parts.items() if hasattr(part, "send")}
    world = World(folder, script=scripts, notifiers=notifiers)  # type: ignore[arg-type]
    world.take(*registered(AIGERIM, LONG_AGO), CARD)
    world.plan()
    return world


def dispatcher(
    world: World, *, on_writing: Callable[[], object] = lambda: None, holder: str = "second"
) -> Dispatcher:
    """Another dispatcher on the same file; `on_writing` runs between what it reads and what it commits."""

    def no_link(_: Case) -> None:
        on_writing()

    return compose_dispatcher(
        world.platform, single_routes(world.notifiers), MessageBuilder(no_link, lambda *_: ""), holder
    )


def once(work: Callable[[], object]) -> Callable[[], None]:
    """The work, but only the first time."""
    left = [work]

    def first_time() -> None:
        if left:
            left.pop()()

    return first_time


def ends(world: World, step: str = "month") -> tuple[str, str | None, int]:
    """State, reason and attempts of the step's only delivery, which waits for nothing more."""
    one = world.delivery(step)
    assert one.due is None
    return one.state.value, one.reason, one.attempt


def unknown_until(world: World) -> datetime | None:
    """When the next channel has its turn, after the only attempt at the month's message got no outcome."""
    one = world.delivery("month")
    assert (one.state, one.reason, one.attempt) == ("unknown", "no_outcome", 1)
    return one.due


class Killed(Exception):
    """The process of the dispatcher died while it sent."""


def kill(_: Message) -> None:
    """A provider during whose call the process dies."""
    raise Killed


def beside(world: World, database: MeddledDatabase) -> Dispatcher:
    """A second dispatcher, on that database."""
    rules = replace(world.platform.rules, context=replace(world.platform.rules.context, database=database))
    platform = replace(world.platform, database=database, rules=rules)
    return compose_dispatcher(
        platform, single_routes(world.notifiers), MessageBuilder(lambda _: None, lambda *_: ""), "second"
    )
