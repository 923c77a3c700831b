"""A provider that is down is said once, and once that it is back."""

from uuid import UUID

from purgatory.domain.model import Context

from app.clock import VirtualClock
from app.roles.provider_watch import ProviderWatch
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Accepted, Message, Outcome, Reason, RetryLater
from notifiers.port.routes import FAILURES, Provider, Route
from streams.delivery.send.metrics import with_metrics
from streams.intake.intake import IntakeCounters
from tests.world import NOON

AT_ONCE = -1.0
OFTEN = 1_000_000
MESSAGE = Message(
    nudge=UUID(int=1), attempt=1, channel="sms", recipient="aida", address="+77010000001", language="kk", text="…"
)


async def test_a_provider_that_is_down_is_said_once_and_its_end() -> None:
    """However often it fails and is tried, one sentence says that it is down and one that it is back."""
    script = [RetryLater(None, Reason.UNREACHABLE)] * (FAILURES + 2)
    breaker = Context("gateway", FAILURES, AT_ONCE)
    counts, clock = IntakeCounters(), VirtualClock(NOON)
    provider = Provider("gateway", FakeNotifier("sms", [], script=script), breaker=breaker)
    routes = with_metrics({"sms": Route("sms", [provider])}, counts)
    watch, [sends], said = ProviderWatch(routes, counts, clock), routes["sms"].providers, list[tuple[bool, str]]()
    for _ in range(FAILURES + 4):
        sends.enter()
        await sends.send([MESSAGE])
        clock.advance_to(clock().replace(minute=clock().minute + 1))
        said += watch.look()
    assert said == [
        (False, "provider gateway (sms) is down: unreachable; its messages wait and are tried again"),
        (True, "provider gateway (sms) is back after 3 min"),
    ]


async def test_few_messages_tell_that_a_provider_is_down() -> None:
    """A single batch shuts no door; where all of it failed by the provider's fault, that is said as in `status`."""
    script: list[Outcome] = [Accepted("1"), *[RetryLater(None, Reason.UNREACHABLE)] * FAILURES, Accepted("2")]
    breaker = Context("gateway", OFTEN, AT_ONCE)
    counts, clock = IntakeCounters(), VirtualClock(NOON)
    provider = Provider("gateway", FakeNotifier("sms", [], script=script), breaker=breaker)
    routes = with_metrics({"sms": Route("sms", [provider])}, counts)
    watch, [sends], said = ProviderWatch(routes, counts, clock), routes["sms"].providers, list[tuple[bool, str]]()
    for each in (1, FAILURES - 1, 1, 1):
        await sends.send([MESSAGE] * each)
        said.append((True, f"{each} sent"))
        said += watch.look()
    assert said == [
        (True, "1 sent"),
        (True, f"{FAILURES - 1} sent"),
        (True, "1 sent"),
        (False, "provider gateway (sms) is down: unreachable; its messages wait and are tried again"),
        (True, "1 sent"),
        (True, "provider gateway (sms) is back"),
    ]
