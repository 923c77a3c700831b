"""habarshy diff of whole packs: what changes beside the triggers, and whom that concerns."""

import shutil
from pathlib import Path

import pytest

from tests.app.terminal import Terminal
from tests.templates.packs import METER, PACK, SHIPPED, write_town
from tests.templates.packs import Change as Edit

NO_AGE: Edit = ("meter_check/trigger.yaml", " && citizen.age >= 18", "")
READS = "It concerns the triggers meter_check."
NOBODY = "No trigger and no benefit reads it."
SEALS = "seals: {type: array, items: {type: string}, x-title: {kk: пломбалар, ru: пломбы}}"


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal in an empty folder."""
    return Terminal(tmp_path)


def told(terminal: Terminal, *changes: Edit) -> list[tuple[str, str]]:
    """Group and sentence of everything that diff says of the small pack and of the same with changes."""
    old, new = (write_town(terminal.folder / name, NO_AGE, *more) for name, more in (("old", ()), ("new", changes)))
    objects = terminal.run("diff", str(old), str(new), "--json").objects
    assert {each["pack"] for each in objects} <= {"town"}
    return [(each["group"], each["sentence"]) for each in objects]


@pytest.mark.parametrize(
    ("change", "group", "sentence"),
    [
        (
            (PACK, "messages: 3", "messages: 2"),
            "defaults",
            (
                "The most messages that reach one person is 2 in 7 days; before, 3 in 7 days. "
                "Everybody is concerned, but never by a legal message."
            ),
        ),
        (
            (PACK, 'from: "21:00"', 'from: "22:00"'),
            "defaults",
            (
                "The time in which nobody is disturbed is 22:00 to 09:00; before, 21:00 to 09:00. "
                "Who chose no quiet hours of their own is concerned."
            ),
        ),
        (
            (PACK, "zone: Asia/Almaty", "zone: Asia/Tashkent"),
            "defaults",
            (
                "The time zone is Asia/Tashkent; before, Asia/Almaty. "
                "Who chose no time zone of their own is concerned: when messages are due, quiet hours, birthdays."
            ),
        ),
        (
            (PACK, "age_of_majority: 18", "age_of_majority: 21"),
            "defaults",
            "The age from which people are told themselves is 21; before, 18. Who is between both ages is concerned.",
        ),
        (
            (PACK, "area_levels: [2, 4]", "area_levels: [2, 4]\nholidays: {country: KZ}"),
            "defaults",
            (
                "The calendar of working days is country: KZ; before, nothing. "
                "Every trigger that counts working days is concerned."
            ),
        ),
        (
            (METER, "required: [number, valid_until, fee]", "required: [number, valid_until, fee, kind]"),
            "event types",
            f"town.meter.installed: the field kind must be there now. {NOBODY}",
        ),
        (
            (METER, "fee: {type: integer, minimum: 0", "fee: {type: integer, minimum: 1"),
            "event types",
            f"town.meter.installed: the minimum of fee is 1; before, 0. {READS}",
        ),
        (
            (METER, "enum: [cold, hot]", "enum: [cold, hot, both]"),
            "event types",
            f"town.meter.installed: the enum of kind is cold, hot, both; before, cold, hot. {NOBODY}",
        ),
        ((METER, f"    {SEALS}\n", ""), "event types", f"town.meter.installed: the field seals is gone. {NOBODY}"),
        (
            (METER, "{street: {type: string}}", "{street: {type: string}, house: {type: string}}"),
            "event types",
            f"town.meter.installed: the field place.house is new. {NOBODY}",
        ),
        (
            (METER, "checked_on: event.valid_until, ", ""),
            "event types",
            (
                f"town.meter.installed: what it sets as checked_on of the holder is nothing; "
                f"before, event.valid_until. {NOBODY}"
            ),
        ),
        (
            (PACK, "  meter: {type", "  shelf: {type: date, title: {kk: -, ru: -}}\n  meter: {type"),
            "attributes",
            f"The attribute shelf is date; before, nothing. {NOBODY}",
        ),
        ((PACK, "agencies:\n", "acts:\n  code: {kk: Кодекс, ru: Кодекс}\nagencies:\n"), "", ""),
        ((PACK, "agencies:\n", "agencies:\n  gas: {title: {kk: Газ, ru: Газ}}\n"), "", ""),
    ],
    ids=lambda value: value[1][:30] if isinstance(value, tuple) else "",
)
def test_a_difference_is_a_sentence_with_whom_it_concerns(
    terminal: Terminal, change: Edit, group: str, sentence: str
) -> None:
    """Each thing that is different, once; what changes nothing for citizens is not told."""
    assert told(terminal, change) == ([(group, sentence)] if group else [])


def test_the_same_pack_has_no_difference(terminal: Terminal) -> None:
    """Layout and order say nothing."""
    copy = terminal.folder / "kz"
    shutil.copytree(SHIPPED["kz"], copy)
    parameters = copy / "parameters.yaml"
    parameters.write_text(parameters.read_text(encoding="utf-8") + "\n# the end\n", encoding="utf-8")
    assert terminal.run("diff", str(SHIPPED["kz"]), str(copy)) == (0, ["no difference in meaning"], "")


def edited(terminal: Terminal, file: str, old: str, new: str) -> Path:
    """The pack kz with a change."""
    copy = terminal.folder / "next" / "kz"
    shutil.copytree(SHIPPED["kz"], copy)
    text = (copy / file).read_text(encoding="utf-8")
    assert old in text
    (copy / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    return copy


def test_a_parameter_concerns_all_that_is_counted_with_it(terminal: Terminal) -> None:
    """Triggers and benefits that read it, also those that read it through a benefit alone."""
    new = edited(terminal, "parameters.yaml", "4325", "4400")
    [change] = terminal.run("diff", str(SHIPPED["kz"]), str(new), "--json").objects
    assert (change["group"], change["about"], change["before"], change["after"]) == (
        "parameters",
        "mci.2026-01-01",
        4325,
        4400,
    )
    assert change["triggers"] == [
        "birth_allowance",
        "childcare_allowance",
        "childcare_allowance_ending",
        "large_family_allowance",
    ]
    assert change["benefits"] == ["birth_allowance", "childcare_allowance", "large_family_allowance"]
    assert change["sentence"].startswith(
        "From 2026-01-01 on, mci is 4400; before, 4325. It concerns the triggers birth"
    )


def test_a_benefit_tells_its_clause_and_whom_it_concerns(terminal: Terminal) -> None:
    """A condition is told in words; who asks, and who is told on becoming entitled, is concerned."""
    new = edited(terminal, "benefits.yaml", "event.children >= 4", "event.children >= 3")
    ended = terminal.run("diff", str(SHIPPED["kz"]), str(new))
    assert (ended.code, ended.lines[:2]) == (0, ["pack kz", "  benefits"])
    assert " ".join(line.strip() for line in ended.lines[2:]) == (
        "large_family_allowance: what must hold is the event’s ‘children’ is at least 3; before, "
        "the event’s ‘children’ is at least 4. "
        "It concerns who asks `eligible` about it and the triggers large_family_allowance."
    )


def test_where_people_live_concerns_all_triggers_to_residents(terminal: Terminal) -> None:
    """No condition reads it, and those of another pack are concerned as well."""
    new = edited(terminal, "events/residence_registered.yaml", "area: event.area", "area: {value: '750000000'}")
    ended = terminal.run("diff", str(SHIPPED["kz"]), str(new), "--with", str(SHIPPED["alatau"]), "--json")
    [change] = ended.objects
    assert (
        change["about"] == "kz.residence.registered.sets.citizen.area" or change["about"] == "kz.residence.registered"
    )
    residents = {path.parent.name for path in SHIPPED["alatau"].glob("*/trigger.yaml")}
    assert residents <= set(change["triggers"])


def test_diff_of_a_pack_with_what_is_published(terminal: Terminal) -> None:
    """With one folder, the pack in the log is the older one; one trigger's folder says nothing of its pack."""
    published = write_town(terminal.folder / "published", NO_AGE)
    changed = write_town(terminal.folder / "changed", NO_AGE, (PACK, "messages: 3", "messages: 2"))
    env = {"HABARSHY_PACKS": str(published), **terminal.act("aida", "water", "author")}
    [change] = terminal.run("diff", str(changed), "--json", env=env).objects
    assert (change["group"], change["about"], change["after"]) == ("defaults", "cap", {"messages": 2, "days": 7})
    alone = terminal.run("diff", str(changed / "meter_check"), env=env)
    assert alone.lines == ["no difference in meaning"]
