"""Routes: providers by weight, past those in trouble, and back."""

from collections import Counter
from datetime import timedelta
from uuid import UUID, uuid5

import pytest
from purgatory.domain.model import Context

from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Accepted, GiveUp, Message, Outcome, Reason, RetryLater, Unknown
from notifiers.port.routes import FAILURES, Provider, Route, TimedSwitch, in_trouble

TROUBLED = RetryLater(None, Reason.UNREACHABLE)
FOR_EVER, AT_ONCE = 1e9, -1.0


def message(number: int = 1) -> Message:
    """A message by SMS."""
    return Message(
        nudge=UUID(int=number),
        attempt=1,
        channel="sms",
        recipient="aida",
        address="+77010000001",
        language="kk",
        text="…",
    )


def provider(name: str, *script: Outcome, weight: float = 1.0, recovery: float = FOR_EVER) -> Provider:
    """A provider that answers so, and is looked at again after so many seconds."""
    breaker = Context(name, FAILURES, recovery)
    return Provider(name, FakeNotifier("sms", [], script=script), weight=weight, breaker=breaker)


def shares(route: Route, **more: str) -> Counter[str]:
    """How many of a thousand nudges go to each provider."""
    return Counter(route.choose(uuid5(UUID(int=0), str(number)), "", **more).name for number in range(1000))


def test_providers_share_by_weight() -> None:
    """Three to one is what is asked for and, but for chance, what comes."""
    found = shares(Route("sms", [provider("beeline", weight=3), provider("tele2")]))
    assert 700 < found["beeline"] < 800
    assert found.total() == 1000


def test_a_nudge_keeps_its_provider() -> None:
    """The same nudge is given to the same provider again, so that it can remove a double."""
    route = Route("sms", [provider("beeline"), provider("tele2")])
    assert len({route.choose(UUID(int=7), "").name for _ in range(20)}) == 1


def test_the_one_that_failed_is_avoided() -> None:
    """After a failure the other provider has its turn; with no other, the same one again."""
    route = Route("sms", [provider("beeline", weight=100), provider("tele2")])
    assert set(shares(route, avoid="beeline")) == {"tele2"}
    assert set(shares(Route("sms", [provider("beeline")]), avoid="beeline")) == {"beeline"}


async def test_a_provider_in_trouble_is_passed_by_until_it_recovers() -> None:
    """After some failures in a row nothing goes there; after its rest one batch tries it, and all is as before."""
    troubled = provider("beeline", *[TROUBLED] * FAILURES, weight=100, recovery=AT_ONCE)
    closed = provider("tele2", *[TROUBLED] * FAILURES, weight=100)
    route = Route("sms", [troubled, closed, provider("kcell")])
    for _ in range(FAILURES):
        await closed.send([message()])
    assert not closed.is_open()
    assert "tele2" not in shares(route)
    for _ in range(FAILURES):
        await troubled.send([message()])
    assert troubled.is_open()
    await troubled.send([message()])
    assert troubled.breaker.state == "closed"


async def test_one_success_forgets_the_failures_before() -> None:
    """Only failures in a row close the door."""
    shaky = provider("beeline", *(TROUBLED, TROUBLED, Accepted("r")) * 3)
    for _ in range(9):
        await shaky.send([message()])
    assert shaky.is_open()


async def test_slowness_is_a_failure() -> None:
    """A provider that takes longer than it may is in trouble, also if it takes everything in the end."""
    slow = Provider("beeline", FakeNotifier("sms", []), slow=-1.0, breaker=Context("beeline", 1, FOR_EVER))
    await slow.send([message()])
    assert not slow.is_open()


async def fails(troubled: int, taken: int, slow: float = 1e9) -> bool:
    """Whether a provider's door is closed after one batch of so many messages, in and out of trouble."""
    script: list[Outcome] = [*[Unknown(Reason.TIMED_OUT)] * troubled, *[Accepted("r")] * taken]
    notifier = FakeNotifier("sms", [], script=script)
    only = Provider("beeline", notifier, slow=slow, breaker=Context("beeline", 1, FOR_EVER))
    await only.send([message(number) for number in range(troubled + taken)])
    return not only.is_open()


async def test_a_few_messages_in_trouble_are_not_the_provider() -> None:
    """What gets no answer among many that are taken closes no door, however long it took; half of them do."""
    assert [await fails(1, 63), await fails(3, 5), await fails(4, 4), await fails(1, 0)] == [False, False, True, True]
    assert [await fails(1, 63, slow=-1.0), await fails(0, 64, slow=-1.0)] == [False, True]


async def test_when_all_doors_are_closed_the_first_is_tried() -> None:
    """Nobody waits for a provider that only a try can find recovered."""
    only = provider("beeline", *[TROUBLED] * FAILURES)
    for _ in range(FAILURES):
        await only.send([message()])
    route = Route("sms", [only])
    assert route.choose(UUID(int=1), "") is only
    assert list(route.others("", "beeline")) == []


@pytest.mark.parametrize(
    ("outcome", "trouble"),
    [
        (Accepted("r"), False),
        (GiveUp(Reason.BAD_ADDRESS), False),
        (RetryLater(None, Reason.BUSY), False),
        (RetryLater(None, Reason.UNREACHABLE), True),
        (RetryLater(None, Reason.NOT_ADMITTED), True),
        (Unknown(Reason.LINK_LOST), True),
        (Unknown(Reason.TIMED_OUT), True),
    ],
)
def test_what_speaks_against_a_provider(outcome: Outcome, trouble: bool) -> None:  # noqa: FBT001  (the case)
    """Lost links, silence and closed doors do; a bad address and a full queue are no fault of its."""
    assert in_trouble(outcome) is trouble


async def test_one_message_looks_whether_a_provider_recovered() -> None:
    """While it looks the others go elsewhere: a provider that hangs would swallow them all; then all is as before."""
    troubled = provider("beeline", *[TROUBLED] * FAILURES, weight=1e9, recovery=AT_ONCE)
    route = Route("sms", [troubled, provider("tele2")])
    for _ in range(FAILURES):
        await troubled.send([message()])
    assert shares(route) == {"beeline": 1, "tele2": 999}
    assert "beeline" not in [each.name for each in route.others("", "tele2")]
    await troubled.send([message()])
    assert shares(route) == {"beeline": 1000}


def test_a_trial_that_was_never_sent_keeps_nobody_out() -> None:
    """Where the message that was to look is withheld after all, another one may look when its time is over."""
    hasty = Provider("beeline", FakeNotifier("sms", [], limit=0.0), breaker=Context("beeline", 1, AT_ONCE))
    hasty.breaker.handle_exception(OSError())
    assert [hasty.enter(), hasty.enter()] == [True, True]


def waiting(asked: timedelta | None) -> RetryLater:
    """What a provider says that asks for patience with whatever we send."""
    return RetryLater(asked, Reason.BUSY, everybody=True)


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        (timedelta(minutes=5), 300.0),
        (timedelta(days=1), 3600.0),
        (None, 60.0),
        (timedelta(), 0.0),
    ],
)
async def test_who_asks_for_patience_is_given_nothing_meanwhile(asked: timedelta | None, seconds: float) -> None:
    """Until it is over no message is tried, whatever else there is; an hour later at most somebody looks."""
    now = [1000.0]
    notifier = FakeNotifier("sms", [], script=[waiting(asked)])
    busy = Provider("beeline", notifier, weight=1e9, patience=TimedSwitch(lambda: now[0]))
    route = Route("sms", [busy, provider("tele2")])
    await busy.send([message()])
    if seconds:
        assert set(shares(route)) == {"tele2"}
        assert await busy.send([message()]) == [waiting(timedelta(seconds=seconds))]
    assert notifier.calls == 1
    now[0] += seconds
    assert busy.is_open()
    assert isinstance((await busy.send([message()]))[0], Accepted)


async def test_one_that_is_in_trouble_is_tried_before_one_that_asked_for_patience() -> None:
    """Where all doors are closed, the one that may open at any moment is knocked at."""
    asked = provider("beeline", waiting(timedelta(hours=1)), weight=1e9)
    troubled = provider("tele2", *[TROUBLED] * FAILURES)
    await asked.send([message()])
    for _ in range(FAILURES):
        await troubled.send([message()])
    assert Route("sms", [asked, troubled]).choose(UUID(int=1), "") is troubled
