"""Of what failed it is said what is final and what goes on by itself; status and repair agree."""

from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

from app.cli.commands.status import status_lines
from notifiers.port.interface import GiveUp, Outcome, Reason, RetryLater, Unknown
from streams.replay.retry_failed import NotRetried, Outage
from tests.world import LONG_AGO, World, card, iin, registered


async def test_what_is_tried_again_is_told_from_what_failed_for_good(tmp_path: Path) -> None:
    """Of the nudges that failed, those with an attempt ahead are counted apart, and a repair leaves them alone."""
    script: list[Outcome] = [RetryLater(timedelta(minutes=5), Reason.UNREACHABLE), GiveUp(Reason.BAD_ADDRESS)]
    nothing: Any = None
    world = World(tmp_path, script={"sms": script})
    for number in (1, 2):
        life = registered(iin(number), LONG_AGO, email=nothing)
        world.take(*life, card(iin(number), "2025-07-20", f"N{number}"))
    await world.settle("2025-06-20T09:00:00+05:00")
    found = world.health()
    assert (found.nudges["failed"], found.tried_again) == (2, 1)
    [looked] = world.platform.replay.retry_failed.look(Outage())
    assert (looked.failed, looked.renewals) == (2, [])
    assert dict(looked.left) == {NotRetried.TRIED_AGAIN: 1, NotRetried.NO_OUTAGE: 1}
    world.close()


async def test_an_unknown_outcome_that_has_a_next_channel_is_told_apart(tmp_path: Path) -> None:
    """A message of which nobody knows, and which goes on by its next channel, is counted apart by `status`."""
    script: dict[str, list[Outcome]] = {
        "sms": [Unknown(Reason.LINK_LOST)] * 2,
        "email": [Unknown(Reason.LINK_LOST)] * 2,
    }
    world = World(tmp_path, script=script)
    nothing: Any = None
    world.take(*registered(iin(1), LONG_AGO), card(iin(1), "2025-07-20", "N1"))
    world.take(*registered(iin(2), LONG_AGO, email=nothing), card(iin(2), "2025-07-20", "N2"))
    await world.settle("2025-06-20T09:00:00+05:00")
    found = world.health()
    assert (found.nudges["unknown"], found.unknown_tried_again) == (2, 1)
    told = dict(status_lines(found, UTC))["nudges"]
    assert "1 unknown, 1 unknown and tried again by themselves" in told
    world.close()
