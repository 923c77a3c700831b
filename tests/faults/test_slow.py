"""Providers that take from a millisecond to a minute: a send outlives no lease, and nobody is told twice."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from domain.nudges.delivery import State
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Message, Outcome
from tests.faults.post import Post
from tests.faults.site import crowd, site
from tests.world import LONG_AGO, NOON, World, fine, iin, registered

HOUR = timedelta(hours=1)
LEASE = 180.0


class Slow(FakeNotifier):
    """Takes so many seconds of the world's clock for a batch, while another dispatcher is at work."""

    def __init__(self, kept: list[Message], seconds: float) -> None:
        super().__init__("sms", kept)
        self.seconds, self.longest = seconds, max(seconds, 1.0)
        self.world: World | None = None

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        assert self.world is not None
        half = timedelta(seconds=self.seconds / 2)
        self.world.at(self.world.clock() + half)
        other = self.world.engine.dispatcher
        await asyncio.to_thread(other._decider.claim, other._lane, 1)  # others look for what is due
        self.world.at(self.world.clock() + half)
        return await super().send(messages)


@pytest.mark.parametrize("seconds", [0.001, 0.1, 1.0, 10.0, 59.9])
async def test_whatever_a_provider_takes_everybody_is_told_once(tmp_path: Path, seconds: float) -> None:
    """As long as a send takes less than a third of the lease, its outcome comes in time, whatever others claim."""
    kept: list[Message] = []
    slow = Slow(kept, seconds)
    world = slow.world = World(tmp_path, notifiers={"sms": slow}, lease_seconds=LEASE)
    for number in range(12):
        world.take(*registered(iin(number), LONG_AGO), fine(iin(number), f"F{number}", "2025-06-02T10:30:00+05:00"))
    await world.settle(NOON)
    await world.settle(NOON + HOUR)
    issued = [one for one in world.nudges() if one.intent.step == "issued"]
    assert [one.state for one in issued] == [State.SENT] * 12
    assert len({message.nudge for message in kept}) == len(kept) == 12
    world.close()


def test_a_start_that_could_outlive_its_lease_is_refused(tmp_path: Path, mail: Post) -> None:
    """A provider may not take a third of the lease: 2, and the words name what to change."""
    with site(tmp_path, f"sqlite:///{tmp_path}/log.sqlite", mail, limit_seconds=60) as here:
        refused = here.run("run", "--until-idle")
        assert (refused.code, "lease_seconds" in refused.talk) == (2, True), refused.talk


def test_a_mail_server_slower_than_our_patience(tmp_path: Path, mail: Post) -> None:
    """A letter whose answer we did not wait for may have gone: it is unknown, and not sent again."""
    mail.pause, mail.late = 60.0, True
    with site(tmp_path, f"sqlite:///{tmp_path}/log.sqlite", mail, limit_seconds=2.0) as here:
        here.take(*crowd(0, 4))
        assert here.run("run", "--until-idle").code == 0
        assert here.standing().nudges["unknown"] > 0
        mail.pause = 0.0
        here.now += 2 * HOUR
        assert here.run("run", "--until-idle").code == 0
        found = here.standing().nudges
        assert (mail.twice, len(mail.received), found["unknown"] + found.get("sent", 0)) == ([], 4, 4)
