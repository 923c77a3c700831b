"""Class `emergency` is for danger to life or limb: who may use it, and what contradicts it."""

from pathlib import Path

import pytest

from tests.templates.packs import METER, PACK, RULES, Change, findings_of, in_file, write_town

ALLOWED: Change = (PACK, "agencies:\n", "emergencies: {agencies: [water], categories: [water]}\nagencies:\n")
DANGER: tuple[Change, ...] = (
    ALLOWED,
    (RULES, "class: reminder", "class: emergency"),
    (RULES, "expires: event.valid_until", "expires: PT6H"),
    (RULES, '  month: {from: event.valid_until, offset: -P30D, at: "09:00"}', "  month: {from: event.time}"),
    (RULES, "    from: event.valid_until\n    offset: -P1D\n", "    offset: PT1H\n"),
)
"""The small pack, with a trigger that may warn and does so at once."""


def _found(folder: Path, *changes: Change) -> list[str]:
    return findings_of(write_town(folder, *DANGER, *changes))


def test_who_is_named_by_the_pack_may_warn(tmp_path: Path) -> None:
    """An agency of `emergencies`, in a category of it, about an event of such an agency: nothing is found."""
    assert _found(tmp_path) == []


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        (
            "",
            (
                "6:8: water may not warn of danger to life or limb: `emergencies` in its pack.yaml does not name it; "
                "write legal or service"
            ),
        ),
        (
            "emergencies: {agencies: [water], categories: [floods]}\n",
            (
                "5:11: an emergency is about danger to life or limb, and `emergencies` in pack.yaml does not name "
                "the category 'water', only floods"
            ),
        ),
    ],
)
def test_nobody_else_may_warn(tmp_path: Path, allowed: str, expected: str) -> None:
    """Without the pack's word for the agency and the category it is an error, at its place."""
    _, *rest = DANGER
    pack = write_town(tmp_path, (PACK, "agencies:\n", f"{allowed}agencies:\n"), *rest)
    assert findings_of(pack) == in_file(RULES, [expected])


def test_only_what_such_an_agency_reports_is_a_danger(tmp_path: Path) -> None:
    """The agency that warns does not decide alone what danger is: the event comes from one that may warn."""
    library = "  library: {title: {kk: Кітапхана, ru: Библиотека}, short: {kk: Кітап, ru: Книги}}\nattributes:\n"
    found = _found(tmp_path, (PACK, "attributes:\n", library), (METER, "agency: water", "agency: library"))
    problem = "town.meter.installed is reported by library, which may not warn of danger to life or limb"
    assert [problem in each for each in found] == [True]


def test_a_pack_lets_only_its_own_agencies_warn(tmp_path: Path) -> None:
    """An agency that the pack does not declare is none of its to name, and may not warn by it."""
    pack = write_town(
        tmp_path, (PACK, "agencies:\n", "emergencies: {agencies: [watr], categories: [w]}\nagencies:\n")
    )
    assert findings_of(pack) == ["pack.yaml:13:26: 'watr' is no agency of this pack (did you mean 'water'?)"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("expires: PT6H\n", "", "6:8: an emergency says how long it is of use: add `expires`, such as PT1H"),
        (
            "  month: {from: event.time}",
            '  month: {from: event.time, at: "09:00"}',
            "12:29: an emergency goes at once, so `at` contradicts it",
        ),
        (
            "  month: {from: event.time}",
            "  month: {from: event.time, smooth: PT2H}",
            "12:29: an emergency goes at once, so `smooth` contradicts it",
        ),
        (
            "  month: {from: event.time}",
            "  month: {from: event.time, working_days: 1}",
            "12:29: an emergency goes at once, so `working_days` contradicts it",
        ),
        (
            "  month: {from: event.time}",
            "  month: {from: event.valid_until}",
            "12:3: month: an emergency goes at once: count from event.time, by hours at most",
        ),
        (
            "  month: {from: event.time}",
            "  month: {from: event.time, offset: P3D}",
            "12:3: month: an emergency goes at once: count from event.time, by hours at most",
        ),
        (
            "correction: true",
            "correction: true\nsmooth: PT1H",
            "24:1: an emergency goes at once, so `smooth` contradicts it",
        ),
        (
            "correction: true",
            "correction: true\ncount: {nth: 2, within: P1D}",
            "24:1: an emergency goes at once, so `count` contradicts it",
        ),
        (
            "when: later.number == event.number}",
            "when: later.number == event.number, grace: PT2H}",
            "18:68: an emergency goes at once, so `grace` contradicts it",
        ),
    ],
)
def test_what_makes_a_warning_wait_contradicts_it(tmp_path: Path, old: str, new: str, expected: str) -> None:
    """Whatever lets time pass, or never ends, is an error at its key."""
    pack = write_town(tmp_path, *DANGER)
    path = pack / RULES
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    assert in_file(RULES, [expected])[0] in findings_of(pack)
