"""Repetition on the whole platform: asked again until the answer, and each nudge explains itself."""

from pathlib import Path

from tests.templates.packs import KK, RU, RULES, write_town
from tests.world import World, event, iin, registered

AIGERIM = iin(1)
ASK = (
    '  month: {from: event.valid_until, offset: -P30D, at: "09:00"}',
    ('  month: {at: "10:00", on_working_day: next, repeat: {every: P7D, at_most: 3, until: answered}}'),
)
INSTALLED = event(
    "town.meter.installed",
    AIGERIM,
    "2025-06-07T09:00:00+05:00",
    {"number": "M1", "valid_until": "2026-05-20", "fee": 7},
)  # a Saturday


async def test_it_is_asked_again_until_it_is_answered(tmp_path: Path) -> None:
    """Asked on Monday and a week later; after the answer no more, and the words say which one it is."""
    numbered = [(file, 'sms: "№ {{', 'sms: "{{ repetition }}: № {{') for file in (KK, RU)]
    adults = (RULES, " && citizen.age >= 18", "")
    pack = write_town(tmp_path, (RULES, *ASK), adults, *numbered)
    world = World(tmp_path, packs=[pack])
    world.take(*registered(AIGERIM, language="ru")[1:], INSTALLED)
    sent = await world.settle("2025-06-09T06:00:00+00:00")
    assert [message.text[:8] for message in sent] == ["1: № M1:"]
    sent = await world.settle("2025-06-16T06:00:00+00:00")
    assert [message.text[:8] for message in sent] == ["2: № M1:"]

    why = world.why(world.nudge("month.2").intent.id)
    assert why.step == "month.2"
    assert why.clause["due"]["month"]["repeat"] == {"every": "P7D", "at_most": 3, "until": "answered"}
    assert [words.sms[:8] for words in why.words.values()] == ["2: № M1:"]

    answer = {"nudge": str(world.nudge("month.2").intent.id).upper(), "answer": "1"}
    world.take(event("citizen.replied", AIGERIM, "2025-06-17T09:00:00+05:00", answer))
    assert await world.settle("2025-07-16T06:00:00+00:00") == []
    assert world.nudge("month.3").cancelled
    world.close()
