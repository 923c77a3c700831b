"""A rule in a form: opening and saving it changes nothing, and a changed field changes its own value only."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from templates.authoring.trigger_form import BadValue, TriggerForm, value_meant
from templates.authoring.yaml_edit import CannotEdit, YamlText
from tests.templates.packs import SHIPPED

LANGUAGES = ("kk", "ru", "en")
RULES = sorted(path for pack in SHIPPED.values() for path in Path(pack).glob("*/trigger.yaml"))
OTHER: Mapping[str, str] = {
    "text": 'Жаңа мәтін: «ә», "б" {в}',
    "title": 'Жаңа атау: «ә», "б" {в}',
    "word": "kz.some.other",
    "name": "another_topic",
    "names": "person,event.number",
    "list": "email,push",
    "start": "becomes:birth_allowance",
    "condition": 'citizen.age >= 18 && event.kind == "passport, id"',
    "date": "2021-02-28",
    "day": "02-29",
    "clock": "23:59",
    "offset": "-P6Y4M",
    "duration": "P45D",
    "until": "event.some_on",
    "count": "-3",
    "flag": "yes",
}
"""Kind of a field -> a value that none of the shipped rules has there."""


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.parent.name)
def test_a_shipped_rule_survives_the_form(path: Path) -> None:
    """Saved as it was opened it is the same byte for byte; each changed field changes that value, and taking it back
    gives the same text again where it was there before.
    """
    text = path.read_text("utf-8")
    form = TriggerForm(text, LANGUAGES)
    assert form.with_changes(form.values) == (text, {})
    assert set(form.values) == set(form.parts), "there is no shipped value that its field cannot show"
    for name, part in form.parts.items():
        changed, wrong = form.with_changes({name: OTHER[part.kind]})
        assert wrong == {}
        before, after = YamlText(text), YamlText(changed)
        assert after.get(part.path) == value_meant(part, OTHER[part.kind], before.get(part.path))
        assert _without(after.data, part.path) == _without(before.data, part.path)
        assert _remarks(changed) == _remarks(text), name
        if before.get(part.path) is not None:
            back, _ = TriggerForm(changed, LANGUAGES).with_changes({name: form.values[name]})
            assert TriggerForm(back, LANGUAGES).values == form.values


def _without(data: Any, path: tuple[str | int, ...]) -> Any:
    """The data without what stands at a path, and without groups that have nothing else."""
    if isinstance(data, list):
        return [_without(each, path[1:] if path[:1] == (at,) else ()) for at, each in enumerate(data)]
    if not isinstance(data, dict):
        return data
    rest = {
        key: _without(each, path[1:] if path[:1] == (key,) else ()) for key, each in data.items() if path != (key,)
    }
    return {key: each for key, each in rest.items() if each not in ({}, None)}


def _remarks(text: str) -> list[str]:
    return [line.partition(" #")[2] or line for line in text.split("\n") if " #" in line or line.startswith("#")]


def test_what_the_form_does_not_know_is_shown_as_text_and_kept() -> None:
    """Keys of no field, unknown ones too, are listed with their text; an edit beside them leaves each letter."""
    text = (
        "# first\ntitle: {kk: A, ru: B, en: C}\nwith:\n  - {on: a.b, within: P9D}  # why\nstrange: &x [1, 2]\n"
        "due:\n  ask:  # the step\n    repeat: {every: P7D, at_most: 2}\n    at: '10:00'\n"
    )
    form = TriggerForm(text, LANGUAGES)
    assert dict(form.rest) == {
        "with": "- {on: a.b, within: P9D}",
        "strange": "&x [1, 2]",
    }
    assert (form.values["due.ask.repeat.every"], form.values["due.ask.repeat.at_most"]) == ("P7D", "2")
    assert [form.line(key) for key, _ in form.rest] == [4, 5]
    changed, wrong = form.with_changes({"due.ask.at": "11:30"})
    assert (changed, wrong) == (text.replace("'10:00'", "'11:30'"), {})


def test_what_a_field_does_not_take_is_said_and_changes_nothing() -> None:
    """An invalid date, time, day, duration, number, name and a title of 51 letters each have their own problem."""
    text = "title: {kk: A}\nreach: 2025-01-01\ndue:\n  first: {at: '10:00'}\n"
    form = TriggerForm(text, LANGUAGES)
    for name, typed in (
        ("reach", "2025-02-30"),
        ("due.first.at", "25:00"),
        ("due.first.on", "13-01"),
        ("due.first.offset", "P-3D"),
        ("due.first.working_days", "many"),
        ("category", "Өз тақырыбым"),
        ("title.kk", "ә" * 51),
        ("legal_basis.kk", "ә" * 301),
        ("count.nth", "third"),
        ("due.first.repeat.every", "P-7D"),
        ("expires", "-P3D"),
    ):
        changed, wrong = form.with_changes({name: typed})
        assert (changed, list(wrong)) == (text, [name]), typed


def test_steps_entries_and_buttons_come_and_go() -> None:
    """A new step, a new event and a new button are written as people write them, and go without a trace."""
    text = "due:\n  first: {at: '10:00'}\nchannels: [sms]\n"
    new = {
        "due.new.name": "second",
        "due.new.offset": "P3D",
        "unless.new.on": "kz.traffic.fine_paid",
        "unless.new.before": "P1Y",
        "actions.new.id": "pay",
        "actions.new.url": "https://egov.kz",
        "actions.new.label.kk": "Төлеу",
    }
    made, wrong = TriggerForm(text, LANGUAGES).with_changes(new)
    assert wrong == {}
    assert made == (
        "due:\n  first: {at: '10:00'}\n  second: {offset: P3D}\n"
        "unless: [{on: kz.traffic.fine_paid, within: {before: P1Y}}]\nchannels: [sms]\n"
        'actions: [{id: pay, url: "https://egov.kz", label: {kk: Төлеу}}]\n'
    )
    gone = {"due.second.gone": "yes", "unless.0.gone": "yes", "actions.0.gone": "yes"}
    assert TriggerForm(made, LANGUAGES).with_changes(gone) == (text, {})
    again = {
        "due.first.repeat.every": "P7D",
        "due.first.repeat.at_most": "3",
        "count.nth": "2",
        "count.within": "P1Y",
    }
    made, wrong = TriggerForm(text, LANGUAGES).with_changes(again)
    assert (wrong, "repeat: {every: P7D, at_most: 3}" in made, "count: {nth: 2, within: P1Y}" in made) == (
        {},
        True,
        True,
    )
    assert TriggerForm(made, LANGUAGES).with_changes(dict.fromkeys(again, "")) == (text, {})
    _, wrong = TriggerForm(text, LANGUAGES).with_changes({"due.first.gone": "yes"})
    assert list(wrong) == ["due.first.gone"], "a rule has at least one step"


A, B, C = "{on: a, grace: P1D}", "{on: b, grace: P1D}", "{on: c, grace: P1D}"
A_LONGER, A_OTHER = "{on: a, grace: P9D}", "{on: c, grace: P9D}"


@pytest.mark.parametrize(
    ("opened", "now", "name", "there"),
    [
        ([A, B], [A, B], "unless.1.grace", "unless.1.grace"),
        ([A, A], [A, A], "unless.1.gone", "unless.1.gone"),
        ([A, B], [B], "unless.1.grace", "unless.0.grace"),
        ([A, B], [B, C], "unless.1.gone", "unless.0.gone"),
        ([A, B], [B, A], "unless.0.grace", "unless.1.grace"),
        ([A, B], [A_LONGER, B], "unless.0.grace", "unless.0.grace"),
        ([A, B], [B], "unless.0.gone", ""),
        ([A, B], [], "unless.0.gone", ""),
        ([A, B], [A, B], "unless.7.gone", ""),
        ([A, B], [A], "unless.new.on", "unless.new.on"),
        ([A, B], [B], "unless.0.grace", None),
        ([A, B], [A_LONGER, B], "unless.0.gone", None),
        ([A], [A_OTHER], "unless.0.grace", None),
        ([A], [C], "unless.0.gone", None),
        ([A, A], [A], "unless.0.gone", None),
        ([A, A], [A], "unless.1.grace", None),
        ([A], [A], "due.first.at", "due.first.at"),
        ([A], [A], "due.second.at", None),
        ([A], [A], "due.second.gone", ""),
    ],
)
def test_an_entry_is_known_by_what_it_says(opened: list[str], now: list[str], name: str, there: str | None) -> None:
    """A change finds its entry where it stands now; an entry that is another one or is gone takes no change."""
    rule = "due: {first: {at: '10:00'}%s}\nunless: [%s]\n"
    mine = TriggerForm(rule % (", second: {at: '11:00'}", ", ".join(opened)), LANGUAGES)
    found = mine.names_in(TriggerForm(rule % ("", ", ".join(now)), LANGUAGES), [name])
    assert found == (None if there is None else {name: there} if there else {})


SELECTORS = "".join(chr(each) for each in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
"""Variation selectors: invisible, so no file of a pack may have them."""


@given(st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters=SELECTORS), min_size=1, max_size=30))
def test_any_text_is_written_so_that_it_is_read_back(typed: str) -> None:
    """Whatever somebody types into a text field stands in the file as exactly that, with the remarks around it."""
    text = "title: {kk: A, ru: 'B'}  # remark\nowner: x\n"
    for name in ("title.kk", "title.ru", "title.en"):
        changed, wrong = TriggerForm(text, LANGUAGES).with_changes({name: typed})
        assert wrong == {}
        assert YamlText(changed).get(("title", name[-2:])) == typed.strip()
        assert changed.endswith("  # remark\nowner: x\n")


def test_a_text_that_cannot_be_edited_so_is_refused() -> None:
    """Broken YAML, one key twice and too long a text are for the file; a value behind an alias is not changed."""
    for text in ("a: [", "a: 1\na: 2\n", "a: '" + "x" * 70_000 + "'\n"):
        with pytest.raises(CannotEdit):
            YamlText(text)
    aliased = YamlText("a: &one {x: 1}\nb: *one\n")
    for path in (("b", "x"), ("b",), ("a", "x")):
        with pytest.raises(CannotEdit):
            aliased.changed(path, 2)
    with pytest.raises(BadValue):
        value_meant(TriggerForm("a: 1\n", ()).parts["reach"], "soon")
