"""Rehearsing triggers to the residents of an area: as residents of the event or of the due time, and unsmoothed."""

from pathlib import Path

import pytest

from streams.rehearsal.case_reader import read_cases
from streams.rehearsal.rehearse import rehearse
from streams.rehearsal.stage import stages
from streams.rehearsal.verdict import judge
from templates.reading.findings import Report
from tests.beginnings import packs_in
from tests.streams.weather import DISTRICT, OTHER_DISTRICT, TRIGGERS, write_weather

CASE = """\
- name: a storm
  clock: 2025-06-01T09:00+05:00
  citizen: {{language: ru, channels: [sms], phone: "+77011234567", area: "{area}"}}
  events:
  - {{at: 2025-06-05T09:00+05:00, type: weather.storm, data: {{area: "{where}", on: 2025-06-20}}}}
{moves}  expect: [{expected}]
"""
MOVE = """\
  - {{at: {time}, type: kz.residence.registered, data: {{kind: moved, area: "{area}", address: "-"}}}}
"""
FIRST, LAST = "{at: 2025-06-17T09:00+05:00, step: first}", "{at: 2025-06-20T09:00+05:00, step: last}"
NOT_LAST = "{at: 2025-06-20T09:00+05:00, step: last, nothing: true, because: cancelled}"
SOON, NOON_OF_IT = "{at: 2025-06-05T10:00+05:00, step: first}", "{at: 2025-06-20T12:00+05:00, step: last}"
OUT, IN = (MOVE.format(time="2025-06-18T09:00+05:00", area=area) for area in (OTHER_DISTRICT, DISTRICT))
CASES = {
    "at due, stays": ("at_due", DISTRICT, "", f"{FIRST}, {LAST}"),
    "at due, moves out": ("at_due", DISTRICT, OUT, f"{FIRST}, {NOT_LAST}"),
    "at due, moves in": ("at_due", OTHER_DISTRICT, IN, LAST),
    "at event, moves out": ("at_event", DISTRICT, OUT, f"{SOON}, {NOON_OF_IT}"),
    "at event, moves in": ("at_event", OTHER_DISTRICT, IN, ""),
}


@pytest.mark.parametrize("case", CASES)
def test_a_case_says_who_lives_there(tmp_path: Path, case: str) -> None:
    """Both readings of who is a resident are rehearsed as they are planned; what is smoothed goes at its start."""
    trigger, area, moves, expected = CASES[case]
    packs = packs_in(write_weather(tmp_path, {trigger: TRIGGERS[trigger]}))
    [stage] = [each for each in stages(packs) if each.source.name == trigger]
    path = tmp_path / "weather" / trigger / "tests.yaml"
    path.write_text(CASE.format(area=area, where=DISTRICT, moves=moves, expected=expected), encoding="utf-8")
    report = Report()
    [read] = read_cases(path, stage, report)
    assert [str(each) for each in report.findings] == []
    assert judge(read, rehearse(stage, read).endings) == []
