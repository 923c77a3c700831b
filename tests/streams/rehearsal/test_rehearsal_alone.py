"""Rehearsing a trigger that no event starts: what is known of the citizen when the clock starts is enough."""

from pathlib import Path

import pytest

from streams.rehearsal.case_reader import read_cases
from streams.rehearsal.rehearse import rehearse
from streams.rehearsal.stage import stages
from streams.rehearsal.verdict import judge
from templates.reading.findings import Report
from tests.beginnings import packs_in
from tests.world import few_triggers

NAME = "medical_insurance_adult"
HEAD = "- name: a case\n  clock: 2026-01-05T09:00+05:00\n  citizen: {language: en, channels: [sms], born_on: %s}\n"
SENT = "{at: 2026-03-20T10:00+05:00, step: day, channel: sms, contains: 20 March 2026}"
MOVED = (
    "  events:\n    - {at: +P9D, type: kz.citizen.registered, data: {given_name: A, family_name: B, sex: male, "
    'born_on: "2008-04-20"}}\n'
)
DIED = '  events:\n    - {at: +P9D, type: kz.civil.death_registered, data: {died_on: "2026-01-13"}}\n'


def differences(folder: Path, text: str) -> int:
    """In how many endings a case is not as it expects."""
    [stage] = [each for each in stages(packs_in([few_triggers(folder, NAME)])) if each.trigger.name == NAME]
    (folder / "tests.yaml").write_text(text, encoding="utf-8")
    report = Report()
    [case] = read_cases(folder / "tests.yaml", stage, report)
    assert report.findings == ()
    return len(list(judge(case, rehearse(stage, case).endings)))


@pytest.mark.parametrize(
    ("born_on", "events", "expected", "wrong"),
    [
        ('"2008-03-20"', "", SENT, 0),
        ('"2008-03-21"', "", SENT, 1),
        ('"2008-03-20"', MOVED, SENT, 1),
        ('"2008-03-20"', MOVED, SENT.replace("2026-03", "2026-04").replace("March", "April"), 0),
        ('"2008-03-20"', DIED, "{step: day, nothing: true, because: died}", 0),
        ('"1990-03-20"', "", "", 0),
    ],
)
def test_the_birthday_comes_without_any_event(
    tmp_path: Path, born_on: str, events: str, expected: str, wrong: int
) -> None:
    """A case without events is planned from its start, and what happens later moves or ends what was planned."""
    assert differences(tmp_path, HEAD % born_on + events + f"  expect: [{expected}]\n") == wrong
