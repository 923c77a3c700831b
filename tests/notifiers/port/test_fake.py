import pytest

from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Accepted, GiveUp, Message, Outcome, Reason, RetryLater, Unknown
from tests.notifiers.letters import letter


async def test_it_keeps_what_it_would_send() -> None:
    """The sink has exactly the accepted messages, in their order."""
    kept: list[Message] = []
    batch = [letter("a@mail.test"), letter(""), letter("b@mail.test")]
    await FakeNotifier("email", kept).send(batch)
    assert kept == [batch[0], batch[2]]


async def test_the_sink_may_be_a_function() -> None:
    """A plain function or an async one serve as a sink alike."""
    kept: list[Message] = []

    def plain(message: Message) -> None:
        kept.append(message)

    async def patient(message: Message) -> None:
        kept.append(message)

    await FakeNotifier("email", plain).send([letter()])
    await FakeNotifier("email", patient).send([letter()])
    assert kept == [letter(), letter()]


async def test_it_follows_its_script() -> None:
    """Scripted outcomes come first and in order; only what may have gone is kept."""
    script: list[Outcome] = [RetryLater(None, Reason.BUSY), GiveUp(Reason.REJECTED), Unknown(Reason.LINK_LOST)]
    kept: list[Message] = []
    fake = FakeNotifier("email", kept, script=script)
    batch = [letter(f"{name}@mail.test") for name in "abcd"]
    outcomes = await fake.send(batch)
    assert list(outcomes[:3]) == script
    assert isinstance(outcomes[3], Accepted)
    assert kept == batch[2:]


async def test_it_counts_its_calls() -> None:
    """Tests can see how often it was asked."""
    fake = FakeNotifier("email", [])
    await fake.send([letter(), letter()])
    await fake.send([])
    assert fake.calls == 2


@pytest.mark.parametrize(("removes", "times"), [(True, 1), (False, 2)])
async def test_it_removes_doubles_if_it_says_so(removes: bool, times: int) -> None:  # noqa: FBT001  the case
    """As with a provider, the second of two messages with one key arrives only where doubles are not removed."""
    kept: list[Message] = []
    fake = FakeNotifier("email", kept, removes_doubles=removes, script=[Unknown(Reason.TIMED_OUT)])
    await fake.send([letter(attempt=1)])
    (outcome,) = await fake.send([letter(attempt=2)])
    assert isinstance(outcome, Accepted)
    assert len(kept) == times
    assert fake.removes_doubles is removes


async def test_a_defect_of_the_sink_comes_through() -> None:
    """The fake hides no defect of the application as a provider's fault."""

    def broken(_message: Message) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await FakeNotifier("email", broken).send([letter()])
