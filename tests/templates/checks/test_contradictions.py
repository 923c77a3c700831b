"""Conditions that can never hold, and events that prevent their own message."""

from pathlib import Path

import pytest

from templates.checks.literal_check import contradictory_comparisons
from templates.checks.loader import examine
from tests.templates.packs import RULES, write_town

ONLY = "  - {on: town.meter.installed, when: later.number == event.number}"


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("event.fee > 5 && event.fee < 5", ["event.fee < 5 never holds together with event.fee > 5"]),
        ('event.kind == "a" && event.kind != "a"', ['event.kind != "a" never holds together with event.kind == "a"']),
        (
            "later.fee >= event.fee && later.number == event.number && later.fee < event.fee",
            ["later.fee < event.fee never holds together with later.fee >= event.fee"],
        ),
        ("event.fee > 5 || event.fee < 5", []),
        ("event.fee > 5 && event.fee < 50", []),
        ("event.fee >= 5 && event.fee <= 5", []),
        ("event.fee > 5 && event.fee < 5 + citizen.age", []),
        ("event.fee > 5 && !(event.fee < 5)", []),
        ("event.fee > 10 && event.fee < 5", ["event.fee < 5 never holds together with event.fee > 10"]),
        ("event.fee >= 10 && event.fee <= 9.5", ["event.fee <= 9.5 never holds together with event.fee >= 10"]),
        ("event.fee == 5 && event.fee == 6", ["event.fee == 6 never holds together with event.fee == 5"]),
        ("event.fee == 5 && event.fee > 6", ["event.fee > 6 never holds together with event.fee == 5"]),
        ("event.fee != 5 && event.fee > 6", []),
        ("event.fee < 10 && event.fee > 5", []),
        ("event.fee < 10 && event.fee < 5", []),
        ("event.fee > 9 && event.fee < 10", []),
        (
            'event.day < "2025-01-01" && event.day > "2026-01-01"',
            ['event.day > "2026-01-01" never holds together with event.day < "2025-01-01"'],
        ),
    ],
)
def test_comparisons_that_exclude_each_other(condition: str, found: list[str]) -> None:
    """Two comparisons of one name with one value that never hold together are told; whatever may hold is not."""
    assert [message for _, message in contradictory_comparisons(condition)] == found


def test_a_contradiction_is_an_error_at_its_place(tmp_path: Path) -> None:
    """Lint names the line and column of the second comparison: whoever hands it in would tell nobody."""
    pack = write_town(tmp_path, (RULES, "event.fee > 0", "event.fee > 7 && event.fee < 7"))
    _, report = examine([pack])
    [found] = [each for each in report.findings if "never holds together" in each.message]
    text = Path(found.path).read_text("utf-8").split("\n")[found.line - 1]
    assert (found.warning, text[found.column - 1 :].startswith("event.fee < 7")) == (False, True)


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("event.fee < 0", ["event.fee < 0 can never be true: an event has minimum: 0 there"]),
        ("event.fee > 5 || event.fee <= -1", ["event.fee <= -1 can never be true: an event has minimum: 0 there"]),
        ("0 > event.fee", ["0 > event.fee can never be true: an event has minimum: 0 there"]),
        ("event.fee == -5", ["event.fee == -5 can never be true: an event has minimum: 0 there"]),
        ("event.fee <= 0", []),
        ("event.fee > -5", []),
        ("7 - event.fee < 0", []),
        ("event.fee - 7 < 0", []),
    ],
)
def test_what_a_schema_rules_out_is_warned_of(tmp_path: Path, condition: str, told: list[str]) -> None:
    """A comparison that no event of the type fulfils, by its minimum or maximum, is a warning."""
    pack = write_town(tmp_path, (RULES, "event.fee > 0", f"({condition})"))
    _, report = examine([pack])
    found = [each for each in report.findings if "can never be true" in each.message]
    assert [each.message for each in found] == told
    assert all(each.warning for each in found)


@pytest.mark.parametrize(
    ("condition", "said"),
    [("", "any other event of it prevents"), (", when: later.time > event.time", "only a later one prevents")],
)
def test_a_trigger_that_its_own_event_prevents_is_warned_of(tmp_path: Path, condition: str, said: str) -> None:
    """`unless` on the event that starts the trigger needs a condition: without one any other event counts."""
    added = f"unless:\n  - {{on: town.meter.installed{condition}}}\n"
    pack = write_town(tmp_path, (RULES, "unless:\n", added))
    _, report = examine([pack])
    [found] = [each for each in report.findings if "also what starts" in each.message]
    assert found.warning
    assert said in found.message


CHECKED = """\
type: town.meter.checked
title: {kk: Есептегіш тексерілді, ru: Счётчик поверен}
agency: water
subject: holder
data:
  type: object
  additionalProperties: false
  required: [number, checked_on]
  properties:
    checked_on: {type: string, format: date, x-of: public}
    number: {type: string, minLength: 2}
"""


@pytest.mark.parametrize(("when", "warned"), [("", True), (", when: later.number == event.number", False)])
def test_what_prevents_a_message_about_another_matter_is_warned_of(
    tmp_path: Path, when: str, *, warned: bool
) -> None:
    """Where both events have a number, one without a condition is also that of another meter."""
    pack = write_town(tmp_path, (RULES, ONLY, f"  - {{on: town.meter.checked{when}}}"))
    (pack / "events" / "meter_checked.yaml").write_text(CHECKED, encoding="utf-8")
    _, report = examine([pack])
    found = [each for each in report.findings if "another matter" in each.message]
    assert [(each.warning, "such as later.number == event.number" in each.message) for each in found] == [
        (True, True)
    ] * warned


def test_what_when_rules_out_prevents_nothing_and_is_never_due(tmp_path: Path) -> None:
    """A condition of `unless` or of a step that contradicts the trigger's `when` is an error at its place."""
    assert [message for _, message in contradictory_comparisons("event.fee < 5", "event.fee > 7")] == [
        "event.fee < 5 never holds, for `when` asks for event.fee > 7"
    ]
    assert [*contradictory_comparisons("later.fee < 5", "event.fee > 7")] == []
    assert [*contradictory_comparisons("event.fee < 5", "event.fee > 7 || citizen.age > 3")] == []
    unless = "unless:\n  - {on: town.meter.installed, when: later.number != event.number && event.fee < -1}\n"
    pack = write_town(tmp_path, (RULES, "unless:\n", unless))
    _, report = examine([pack])
    [found] = [each for each in report.findings if "for `when` asks for" in each.message]
    text = Path(found.path).read_text("utf-8").split("\n")[found.line - 1]
    assert (found.warning, text[found.column - 1 :].startswith("event.fee < -1")) == (False, True)


@pytest.mark.parametrize(
    ("unless", "warned"),
    [
        ("{on: town.meter.installed, when: later.number != event.number}", True),
        ("{on: town.meter.installed, when: later.number == event.number || later.number == '1'}", True),
        ("{on: town.meter.installed, when: later.number != event.number, within: {after: P1D}}", True),
        ("{on: town.meter.installed, when: later.time < event.time}", True),
        ("{on: town.meter.installed, when: later.number == event.number}", False),
        ("{on: town.meter.installed, when: later.time > event.time && later.fee > 3}", False),
        ("{on: town.meter.installed, when: event.time <= later.time}", False),
        ("{on: town.meter.installed, when: later.number != event.number, within: {before: P1Y}}", False),
    ],
)
def test_something_that_counts_however_long_ago_is_warned_of(tmp_path: Path, unless: str, *, warned: bool) -> None:
    """Lint asks how long ago it may have happened, unless the condition says which one of a whole life counts."""
    _, report = examine([write_town(tmp_path, (RULES, ONLY, f"  - {unless}"))])
    found = [each for each in report.findings if "one of twenty years ago" in each.message]
    assert [(each.warning, each.line, each.column) for each in found] == [(True, 19, 10)] * warned
    assert len(report.findings) == len(found)


@pytest.mark.parametrize(("before", "warned"), [("P10D", True), ("P11D", False)])
def test_a_window_that_begins_within_the_day_from_which_a_step_counts_is_warned_of(
    tmp_path: Path, before: str, *, warned: bool
) -> None:
    """Who did it in the morning of that day would be reminded of it: lint asks for a day more."""
    later = (RULES, "month: {from: event.valid_until, offset: -P30D", "month: {from: event.valid_until, offset: P10D")
    usable = (RULES, "expires: event.valid_until", "expires: P14D")
    window = (RULES, ONLY, f"{ONLY.rstrip('}')}, within: {{before: {before}}}}}")
    _, report = examine([write_town(tmp_path, later, usable, window)])
    found = [each for each in report.findings if "write a day more" in each.message]
    assert [(each.warning, each.line) for each in found] == [(True, 19)] * warned


@pytest.mark.parametrize(
    ("within", "message"),
    [
        ("{}", "says how long before the step is due it may have happened: {before: P1Y}"),
        ("{before: -P1Y}", "how long is written without a minus"),
        ("{before: 1 year}", "write P1Y"),
        ("{befor: P1Y}", "'befor' is not known here"),
        ("P1Y", "within"),
    ],
)
def test_a_window_that_says_nothing_is_refused(tmp_path: Path, within: str, message: str) -> None:
    """What is wrong with a window is said at its place."""
    _, report = examine([write_town(tmp_path, (RULES, ONLY, f"  - {{on: town.meter.installed, within: {within}}}"))])
    [found] = [each for each in report.findings if not each.warning]
    assert message in found.message
    assert found.line == 19


def test_a_day_that_is_none_is_refused_at_its_place(tmp_path: Path) -> None:
    """Lint says how the day of a year is written, and keeps one that is right."""
    month = 'month: {from: event.valid_until, offset: -P30D, at: "09:00"}'
    for day, found in (("15-08", ["12:40"]), ("02-30", ["12:40"]), ('"08-15"', []), ("02-29", [])):
        rule = f"month: {{from: event.valid_until, on: {day}}}"
        _, report = examine([write_town(tmp_path / day.strip('"'), (RULES, month, rule))])
        assert [f"{each.line}:{each.column}" for each in report.findings if not each.warning] == found
        assert all("write month and day" in each.message for each in report.findings if not each.warning)
