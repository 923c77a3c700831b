"""What `habarshy why` prints: what was really read, by which way, and why another way was taken."""

from pathlib import Path

from msgspec.structs import replace

from app.cli.explanation_lines import explanation_lines
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Message
from tests.world import LONG_AGO, World, card, event, few_triggers, iin, registered


async def test_a_silent_channel_and_the_next_one_are_told(tmp_path: Path) -> None:
    """After a silence it names the time of the next channel's turn, and the words of both, each as it was read."""
    sent: list[Message] = []
    world = World(tmp_path, notifiers={"sms": FakeNotifier("sms", sent, reports=True)})
    world.take(*registered(iin(1), LONG_AGO), card(iin(1), "2025-07-20"))
    await world.settle("2025-06-20T09:00+05:00")
    [email] = await world.settle("2025-06-20T09:10+05:00")
    why, rules = world.why(world.nudge("month").intent.id), world.platform.rules.library.rules()
    told = "\n".join(explanation_lines(why, rules))
    assert "the next channel at 2025-06-20 09:10+05:00 unless delivered by then" in told
    assert f"(kk, sms): {sent[0].text}" in told
    assert f"(kk, email): {email.title}" in told
    facts = tuple(replace(each, details={**each.details, "reason": "no_outcome"}) for each in why.facts)
    unknown = "\n".join(explanation_lines(replace(why, facts=facts), rules))
    assert "  no_outcome; the next channel at " in unknown
    world.close()


def test_a_year_is_written_as_one(tmp_path: Path) -> None:
    """The digits of a year stand in no groups, on the command line as on the page."""
    world = World(tmp_path, packs=[few_triggers(tmp_path, "vehicle_tax_due")])
    data = {"kind": "vehicle", "year": 2024, "amount": 18_200, "pay_by": "2025-09-01"}
    world.take(*registered(iin(1), LONG_AGO), event("kz.tax.assessed", iin(1), "2025-06-01T12:00:00+05:00", data))
    world.plan()
    told = list(explanation_lines(world.why(world.nudge("month").intent.id), world.platform.rules.library.rules()))
    assert "  Year: 2024" in told
    world.close()
