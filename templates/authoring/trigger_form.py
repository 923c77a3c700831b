"""A trigger's rule as fields of a form: what each holds, and what a change of it makes of the text.

Only a field that somebody changed is written, where it stands (templates/authoring/yaml_edit.py). What no field shows
is listed as text and stays as it is.
"""

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import count
from typing import Any, Final

from msgspec import Struct

from domain.core.plain import PlainData
from domain.core.timing import parse_day_of_year, parse_offset
from domain.core.translatable import N_, Said
from templates.authoring import typed_values
from templates.authoring.internal_names import proposed
from templates.authoring.yaml_edit import CannotEdit, YamlText
from templates.checks.pack_check import TITLE
from templates.checks.scaffold_text import NEEDLESS, remarked
from templates.reading.pack_content import group_at, items_of
from templates.reading.trigger_shapes import (
    ActByShape,
    CountShape,
    RepeatShape,
    StepShape,
    TriggerShape,
    UnlessShape,
    WindowShape,
)
from templates.reading.value_kinds import CLOCK, EDGES, NAME, Shape
from templates.reading.yaml_file import Path

MOST_TEXT = 300
"""Characters of a title or a legal basis."""
NEW: Final = ("new", "new-2")
"""In place of the name of a step, or of the number of an entry, that is to be added: two can be in one save."""
CHANNELS: Final = ("push", "sms", "email")


UNITS: Final[Mapping[str, str]] = {
    "D": N_("days"),
    "W": N_("weeks"),
    "M": N_("months"),
    "Y": N_("years"),
    "TH": N_("hours"),
    "TM": N_("minutes"),
}
"""Unit of a length of time, behind its P -> its name."""


class Part(Struct, frozen=True):
    """A field: its name in the form, where its value stands in the file, and of what kind it is."""

    name: str
    path: Path
    kind: str


class BadValue(ValueError):
    """Raised for a value that a field does not take; its text says what to write, in words that can be translated."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem if isinstance(problem, Said) else Said(problem)


def _keys(shape: type[Shape]) -> list[str]:
    return [field.alias or name for name, field in shape.model_fields.items()]


_ORDERS: Final[Mapping[str, list[str]]] = {
    "": _keys(TriggerShape),
    "due": _keys(StepShape),
    "unless": _keys(UnlessShape),
    "act_by": _keys(ActByShape),
    "within": _keys(WindowShape),
    "repeat": _keys(RepeatShape),
    "count": _keys(CountShape),
}
_OF_STEP: Final = (
    ("from", "word"),
    ("offset", "offset"),
    ("on", "day"),
    ("at", "clock"),
    ("working_days", "count"),
    ("when", "condition"),
    ("smooth", "duration"),
)
_OF_REPEAT: Final = (("every", "duration"), ("at_most", "count"), ("until", "word"))
_OF_COUNT: Final = (("nth", "count"), ("within", "duration"))
_OF_UNLESS: Final = (("on", "word"), ("when", "condition"), ("grace", "duration"))
_WITHIN: Final = (("before", "duration"), ("after", "duration"))
_OF_NEW: Final = {
    "due": (("name", "word"), *_OF_STEP),
    "unless": (*_OF_UNLESS, *_WITHIN),
    "actions": (("id", "word"), ("url", "word")),
}
_ALONE: Final = (
    ("category", "name"),
    ("class", "word"),
    ("on", "start"),
    ("when", "condition"),
    ("to", "names"),
    ("occurrence", "names"),
    ("smooth", "duration"),
    ("reach", "date"),
    ("ahead_from", "date"),
    ("expires", "until"),
    ("catch_up", "word"),
    ("channels", "list"),
    ("cascade_after", "duration"),
    ("cascade", "word"),
    ("minors", "word"),
    ("discreet", "flag"),
    ("correction", "flag"),
)


def parts_of(data: Mapping[str, Any], languages: Sequence[str]) -> list[Part]:
    """Return the fields for a rule: those that every rule has, and those of its steps and its `unless`."""
    parts = [
        Part(f"{key}.{each}", (key, each), kind)
        for key, kind in (("title", "title"), ("legal_basis", "text"))
        for each in languages
    ]
    parts += [Part(key, (key,), kind) for key, kind in _ALONE]
    parts += [
        Part("act_by.from", ("act_by", "from"), "word"),
        Part("act_by.offset", ("act_by", "offset"), "duration"),
    ]
    parts += [Part(f"count.{key}", ("count", key), kind) for key, kind in _OF_COUNT]
    for step in group_at(data, "due"):
        parts += [Part(f"due.{step}.{key}", ("due", step, key), kind) for key, kind in _OF_STEP]
        parts += [Part(f"due.{step}.repeat.{key}", ("due", step, "repeat", key), kind) for key, kind in _OF_REPEAT]
    unless = data.get("unless")
    for at in range(len(unless) if isinstance(unless, list) else 0):
        parts += [Part(f"unless.{at}.{key}", ("unless", at, key), kind) for key, kind in _OF_UNLESS]
        parts += [Part(f"unless.{at}.{side}", ("unless", at, "within", side), kind) for side, kind in _WITHIN]
    actions = data.get("actions")
    for at, action in enumerate(actions if isinstance(actions, list) else ()):
        if not isinstance(action, dict):
            continue
        parts += [Part(f"actions.{at}.label.{each}", ("actions", at, "label", each), "text") for each in languages]
        leads = [key for key in ("url", "service") if key in action] or ([] if "reply" in action else ["url"])
        parts += [Part(f"actions.{at}.{key}", ("actions", at, key), "word") for key in leads]
    return parts


def new_parts_of(languages: Sequence[str]) -> list[Part]:
    """Return the fields for what may be added; they stand nowhere in the file yet."""
    labels = [(f"label.{each}", "text") for each in languages]
    return [
        Part(f"{group}.{each}.{key}", (), kind)
        for group, kinds in _OF_NEW.items()
        for each in NEW
        for key, kind in (*kinds, *(labels if group == "actions" else ()))
    ]


def field_text(part: Part, value: PlainData) -> str | None:
    """Return a value as its field shows it, empty where there is none; None where the field cannot show it."""
    if value is None:
        return ""
    match part.kind:
        case "names" | "list":
            items = [value] if isinstance(value, str) and part.kind == "names" else value
            good = isinstance(items, list) and all(isinstance(each, str) and "," not in each for each in items)
            return ",".join(items) if good and isinstance(items, list) else None
        case "flag":
            return "yes" if value is True else None
        case "count":
            return str(value) if isinstance(value, int) and not isinstance(value, bool) else None
        case "start" if isinstance(value, dict) and len(value) == 1:
            [(edge, benefit)] = value.items()
            return f"{edge}:{benefit}" if edge in EDGES and isinstance(benefit, str) else None
    return value if isinstance(value, str) else None


def value_meant(part: Part, text: str, before: PlainData = None) -> PlainData:  # noqa: PLR0911  (one for each kind)
    """Return the value that a field's text means; None where it is empty. `before`: the value that stood there.

    Raises:
        BadValue: the field does not take it.
    """
    text = " ".join(text.split("\n")).strip() if part.kind in ("text", "title") else text.strip()
    text = _AS_TYPED.get(part.kind, str)(text)
    if not text:
        return None
    match part.kind:
        case "names" if "," not in text and not isinstance(before, list):
            return text
        case "names" | "list":
            return text.split(",")
        case "flag" | "count":
            return True if part.kind == "flag" else _count(text)
        case "start" if ":" in text:
            edge, _, benefit = text.partition(":")
            return {edge: benefit}
        case "until" if text.startswith(("event.", "citizen.", "entitled.")):
            return text
    _check(part.kind, text)
    return text


_AS_TYPED: Final[Mapping[str, Callable[[str], str]]] = {
    "date": typed_values.day,
    "clock": typed_values.clock,
    "day": typed_values.day_of_year,
}
"""Kind of a field -> what makes of a text as people type it the one that files write."""


_MOST = 999


def _count(text: str) -> int:
    try:
        count = int(typed_values.whole(text))
    except typed_values.NotANumber as bad:
        raise BadValue(bad.problem) from None
    if abs(count) > _MOST:
        raise BadValue(N_("Write a smaller number"))
    return count


def _matches(pattern: str) -> Callable[[str], object]:
    return re.compile(pattern).fullmatch


def _is_short(text: str) -> bool:
    return len(text) <= MOST_TEXT


_LENGTH = N_("Write a number, and choose days, months or years")
_CHECKS: Final[Mapping[str, tuple[str, Callable[[str], object]]]] = {
    "date": (N_("Write a date as DD.MM.YYYY"), lambda text: date.fromisoformat(text).isoformat() == text),
    "clock": (N_("Write a time of day such as 09:00"), _matches(CLOCK)),
    "day": (N_("Write month and day such as 08-15"), parse_day_of_year),
    "offset": (_LENGTH, lambda text: [parse_offset(text)]),
    "duration": (_LENGTH, lambda text: text[0] != "-" and [parse_offset(text)]),
    "until": (_LENGTH, lambda text: text[0] != "-" and [parse_offset(text)]),
    "name": (
        N_("Write a name of small Latin letters, digits and underscores, such as lost_passport"),
        lambda text: re.fullmatch(NAME, text) and _is_short(text),
    ),
    "text": (N_("Write 300 characters at most"), _is_short),
    "title": (N_("Write 50 characters at most: lists show no more"), lambda text: len(text) <= TITLE),
    "word": (N_("Write 300 characters at most"), _is_short),
}
"""Kind of a field -> what to write in it, and what fails or gives nothing for anything else."""


def _check(kind: str, text: str) -> None:
    if (found := _CHECKS.get(kind)) is None:
        return
    problem, good = found
    try:
        if good(text):
            return
    except ValueError:
        pass
    raise BadValue(problem)


_OPENS: Final[Mapping[str, str]] = {f"unless.{each}.on": N_("Choose what has been recorded") for each in NEW}
"""Field without which nothing is added -> what is said where only other fields of the addition are filled."""


_OF_ENTRIES: Final[Mapping[str, str]] = {"due": "", "unless": "on", "actions": "id"}
"""Key that holds entries -> the key by which an edited entry is still the same one; steps have names."""


class TriggerForm:
    """A rule in a form. `values`: name of a field -> its text; what no field can show is in `rest`."""

    def __init__(self, text: str, languages: Sequence[str]) -> None:
        """Read the text.

        Raises:
            CannotEdit: it can be edited only as a file.
        """
        self.yaml = YamlText(text)
        if not isinstance(self.yaml.data, dict):
            raise CannotEdit("the file has no keys")
        self.parts = {part.name: part for part in parts_of(self.yaml.data, languages)}
        self.new_parts = {part.name: part for part in new_parts_of(languages)}
        shown_ = {
            name: None if self.yaml.is_shared(part.path) else field_text(part, self.yaml.get(part.path))
            for name, part in self.parts.items()
        }
        empty = self.to_choose
        self.values = {name: "" if name in empty else text for name, text in shown_.items() if text is not None}

    @property
    def rest(self) -> Iterator[tuple[str, str]]:
        """Yield what no field shows: its key, and its text."""
        covered = {self.parts[name].path for name in self.values}
        yield from self._uncovered((), self.yaml.data, covered)

    def _uncovered(self, path: Path, value: PlainData, covered: set[Path]) -> Iterator[tuple[str, str]]:
        inner = list(
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        if path in covered or path == ("owner",) or (path[:1] == ("actions",) and path[-1] == "id"):
            return
        if path and not any(each[: len(path)] == path for each in covered):
            if value not in (None, {}):
                yield ".".join(map(str, path)), self.yaml.source(path)
            return
        for key, each in inner:
            yield from self._uncovered((*path, key), each, covered)

    def line(self, key: str) -> int:
        """Return the line of the file (from 1) at which a key stands that `rest` names."""
        path: Path = tuple(int(each) if each.isdecimal() else each for each in key.split("."))
        place = self.yaml.lines(path) or self.yaml.lines(path[:1])
        return place[0] if place else 1

    @property
    def asks_needless(self) -> bool:
        """Return True while the sample's question stands there what makes the message needless."""
        return _without_question(self.yaml.text) != self.yaml.text

    @property
    def _remarks(self) -> Mapping[str, str]:
        """Return the keys of which a remark asks: key -> the rule that its value is from, if any."""
        return dict(filter(None, map(remarked, self.yaml.text.split("\n"))))

    @property
    def taken_over(self) -> Mapping[str, str]:
        """Return the keys of which a remark asks if they are right here too: key -> the rule that they are from."""
        return {key: like for key, like in self._remarks.items() if like}

    @property
    def to_choose(self) -> Container[str]:
        """Return the keys that the author is asked to choose: their fields begin empty.

        Who is asked from which date a step counts is asked for the days too, for those of the sample mean nothing.
        """
        asked = {key for key, like in self._remarks.items() if not like}
        return asked | {f"{key.removesuffix('from')}offset" for key in asked if key.endswith(".from")}

    def with_changes(self, changes: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        """Return the text with these fields changed, and the problem of each field that does not take its text.

        A name under `due.new` or `unless.new` (see NEW) adds a step or an entry; `due.NAME.gone` and
        `unless.NUMBER.gone` take one away; `right.KEY` says that what is taken over is right.
        """
        made, wrong = self.yaml, dict[str, str]()
        if changes.get("needless.none") or any(changes.get(f"unless.{each}.on") for each in NEW):
            made = YamlText(_without_question(made.text))
        if answered := {key for key in self._remarks if _is_answered(key, changes)}:
            lines = made.text.split("\n")
            made = YamlText("\n".join(each for each in lines if (remarked(each) or ("",))[0] not in answered))
        for name, text in changes.items():
            if (part := self.parts.get(name)) is None:
                continue
            try:
                before = self.yaml.get(part.path)
                made = self._set(made, part.path, value_meant(part, text, before))
            except BadValue as bad:
                wrong[name] = bad.problem
            except CannotEdit:
                wrong[name] = Said("This can be changed only in the file")
        gone = [name.split(".") for name, text in changes.items() if name.endswith(".gone") and text]
        for under in sorted(gone, key=lambda each: (len(each[1]), each[1]), reverse=True):
            made = self._without(made, under, wrong)
        return self._with_new(made, changes, wrong).text, wrong

    def names_in(self, there: "TriggerForm", names: Iterable[str]) -> dict[str, str] | None:
        """Return the changes by these names with their names in another form of the rule.

        An entry of a list is known by what it says, wherever it stands now. What both take away is left out. None
        where a field cannot be shown there, or where an entry is another one or is gone.
        """
        found = dict[str, str]()
        for name in names:
            group, at, key = [*name.split(".", 2), "", ""][:3]
            if at in NEW or name == "needless.none" or group == "right":
                found[name] = name
                continue
            now = name
            if group in _OF_ENTRIES:
                mine, theirs = (_entries(form.yaml.data, group) for form in (self, there))
                if at not in mine or (key == "gone" and _is_only_taken_away(mine[at], mine, theirs)):
                    continue
                place = _place_in(theirs, mine, at, group)
                if place is None or (key == "gone" and theirs[place] != mine[at]):
                    return None
                now = f"{group}.{place}.{key}"
            if key != "gone" and now not in there.values:
                return None
            found[name] = now
        return found

    @staticmethod
    def _set(made: YamlText, path: Path, value: PlainData) -> YamlText:
        group = str(path[-2] if path[-2:-1] in (("within",), ("repeat",)) else path[0])
        made = made.changed(path, value, _ORDERS[""] if len(path) == 1 else _ORDERS.get(group, ()))
        is_step = path[0] == "due" and len(path) == 3  # noqa: PLR2004  (due, its name, a key)
        if value is None and len(path) > 1 and not is_step and made.get(path[:-1]) == {}:
            return made.changed(path[:-1], None)  # a group without keys says nothing
        return made

    @staticmethod
    def _without(made: YamlText, name: Sequence[str], wrong: dict[str, str]) -> YamlText:
        path: Path = (name[0], name[1] if name[0] == "due" else int(name[1]))
        if made.get(path[:1]) is None or (name[0] != "due" and made.get(path) is None):
            return made
        try:
            last = len(made.get(path[:1])) == 1
            if last and name[0] == "due":
                wrong[".".join(name)] = Said("A rule has at least one step")
                return made
            return made.changed(path[:1] if last else path, None)
        except CannotEdit:
            wrong[".".join(name)] = Said("This can be changed only in the file")
            return made

    def _with_new(self, made: YamlText, changes: Mapping[str, str], wrong: dict[str, str]) -> YamlText:
        typed = {name: text.strip() for name, text in changes.items() if text.strip()}
        for under in (f"{group}.{each}" for group in _OF_ENTRIES for each in NEW):
            new = {
                name.removeprefix(f"{under}."): text for name, text in typed.items() if name.startswith(f"{under}.")
            }
            if not new:
                continue
            if (problem := _OPENS.get(f"{under}.on")) and "on" not in new:
                wrong[f"{under}.on"] = Said(problem)
            elif under.startswith("due."):
                made = self._with_step(made, under, new, wrong)
            elif under.startswith("unless."):
                value = self._new(new, under, _OF_UNLESS, wrong)
                within = self._new(new, under, _WITHIN, wrong)
                made = self._added(made, "unless", under, value | ({"within": within} if within else {}), wrong)
            else:
                made = self._added(made, "actions", under, self._button(made, under, new, wrong), wrong)
        return made

    def _with_step(self, made: YamlText, under: str, new: Mapping[str, str], wrong: dict[str, str]) -> YamlText:
        steps = group_at(made.get(("due",)))
        step = new.get("name") or _free(_named_by(new.get("offset", "")), steps)
        if not re.fullmatch(NAME, step) or step in steps or len(step) > MOST_TEXT:
            wrong[f"{under}.name"] = Said("Write another name of small Latin letters, digits and underscores")
            return made
        return self._changed(made, ("due", step), under, self._new(new, under, _OF_STEP, wrong), wrong)

    def _button(self, made: YamlText, under: str, new: Mapping[str, str], wrong: dict[str, str]) -> dict[str, Any]:
        labels = {name.removeprefix("label."): text for name, text in new.items() if name.startswith("label.")}
        title = next(iter(sorted(labels.values(), key=lambda each: not each.isascii())), "")
        listed = items_of(made.get(("actions",)))
        taken = {str(each.get("id")) for each in listed if isinstance(each, dict)}
        named = {"id": proposed(title, taken) or _free("button", taken), **new}
        button = self._new(named, under, (("id", "name"), ("url", "word")), wrong)
        return button | ({"label": labels} if labels else {})

    def _added(
        self, made: YamlText, group: str, under: str, value: dict[str, Any], wrong: dict[str, str]
    ) -> YamlText:
        """Return the rule with one more entry of a list."""
        return self._changed(made, (group, len(items_of(made.get((group,))))), under, value, wrong)

    @staticmethod
    def _changed(made: YamlText, path: Path, under: str, value: dict[str, Any], wrong: dict[str, str]) -> YamlText:
        try:
            return made.changed(path, value, _ORDERS[""])
        except CannotEdit:
            wrong[under] = Said("This can be changed only in the file")
            return made

    @staticmethod
    def _new(
        new: Mapping[str, str], under: str, kinds: Sequence[tuple[str, str]], wrong: dict[str, str]
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, kind in kinds:
            try:
                value = value_meant(Part("", (), kind), new.get(key, ""))
            except BadValue as bad:
                wrong[f"{under}.{key}"] = bad.problem
                continue
            found |= {} if value is None else {key: value}
        return found

    def at(self, line: int, column: int) -> str:
        """Return the name of the field whose value stands at a place of the file (from 1); empty for none.

        What stands at the name of a step or of another group is about one of its fields: of a step, when it is due.
        """
        own = [(name, part.path) for name, part in self.parts.items()]
        due_first = sorted(own, key=lambda each: not (each[1][0] == "due" and each[1][-1] == "offset"))
        groups = [(name, path[:-1]) for name, path in due_first if len(path) > 1]
        return self.yaml.innermost([*own, *groups], line, column)


def _named_by(offset: str) -> str:
    """Return a name for a step by when it is due: `after_14_days`; `step` where that is not said in one number."""
    found = re.fullmatch(r"(-?)P(T?)([0-9]+)([YMWDH])", offset)
    if found is None or f"{found[2]}{found[4]}" not in UNITS:
        return "step"
    return f"{'before' if found[1] else 'after'}_{int(found[3])}_{UNITS[found[2] + found[4]]}"


def _free(name: str, taken: Container[str]) -> str:
    """Return the name, with a number where another one has it."""
    numbered = (name if number == 1 else f"{name}_{number}" for number in count(1))
    return next(each for each in numbered if each not in taken)


def _entries(rule: Mapping[str, Any], group: str) -> Mapping[str, PlainData]:
    """Return the steps of a rule by their names, or the entries of a list by their numbers."""
    listed = rule.get(group)
    if group == "due":
        return {str(name): each for name, each in group_at(rule, group).items()}
    return {str(at): each for at, each in enumerate(listed if isinstance(listed, list) else ())}


def _place_in(theirs: Mapping[str, PlainData], mine: Mapping[str, PlainData], at: str, group: str) -> str | None:
    """Return where an entry stands now; None where that is not sure."""
    if group == "due" or _entries_stay(mine, theirs, _OF_ENTRIES[group]):
        return at if at in theirs else None
    places = [place for place, each in theirs.items() if each == mine[at]]
    return places[0] if len(places) == 1 and list(mine.values()).count(mine[at]) == 1 else None


def _entries_stay(mine: Mapping[str, PlainData], theirs: Mapping[str, PlainData], key: str) -> bool:
    """Return True if each entry of a list is where it was, as it was or with other values."""
    before, now = list(mine.values()), list(theirs.values())
    return len(before) == len(now) and all(
        old == new or (old not in now and new not in before and group_at(old).get(key) == group_at(new).get(key))
        for old, new in zip(before, now, strict=True)
    )


def _is_only_taken_away(entry: PlainData, mine: Mapping[str, PlainData], theirs: Mapping[str, PlainData]) -> bool:
    """Return True if an entry is gone and nothing else has come."""
    now = theirs.values()
    return entry not in now and all(each in mine.values() for each in now)


def _is_answered(key: str, changes: Mapping[str, str]) -> bool:
    """Return True if the changes say that what is taken over is right, or set it, or take its step away."""
    said = (f"right.{key}", f"{key.rpartition('.')[0]}.gone")
    return any(map(changes.get, said)) or any(each == key or each.startswith(f"{key}.") for each in changes)


def _without_question(text: str) -> str:
    """Return the text without the remarks of the sample that ask what makes the message needless."""
    lines = text.split("\n")
    at = next((at for at, line in enumerate(lines) if line.strip() == NEEDLESS), None)
    if at is None:
        return text
    more = at + 1 < len(lines) and lines[at + 1].startswith("#   - {on: some.event")
    return "\n".join([*lines[:at], *lines[at + (2 if more else 1) :]])
