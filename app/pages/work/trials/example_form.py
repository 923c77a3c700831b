"""A test as an example: its story in words, and the form in which it is edited."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from app.packs.draft_child import TESTS
from app.pages.catalogues import LANGUAGES, Speech
from app.pages.life import category, word_for
from app.pages.pack_names import Names
from app.pages.visits import Fields, field_of
from app.pages.work.drafts.controls import Control
from app.pages.work.drafts.stored_drafts import steps_of
from app.pages.work.trials.case_file import DAY, counted_from, numbered_groups
from app.pages.work.trials.played import MOMENT, PlayedWords
from app.reports.life_words import CHANNELS
from domain.core.translatable import N_, Said
from streams.rules.drafts import StoredDraft
from templates.authoring import typed_values
from templates.authoring.yaml_edit import CannotEdit, YamlText
from templates.checks.loader import BUILT_IN
from templates.checks.sample_values import Inventor
from templates.reading.pack_content import group_at, items_of
from templates.reading.yaml_file import Path

_TYPED = re.compile(r"(\S+?)[ T,]+(\S+)")
LATER: Final = (timedelta(days=1), timedelta(hours=1))
"""How long after an event the one may come that makes its message needless; the second where a day is too late."""
_MOST_NAME: Final = 200
DEVICE: Final = "device"
"""The address of an example's device for push messages; a phone number and an email address everybody has."""
OF_A_PERSON: Final[Mapping[str, str]] = {
    "language": N_("Language"),
    "channels": N_("Reached by"),
    "push": N_("Has a device for push messages"),
    "born_on": N_("Date of birth"),
    "opted_out": N_("Opted out of these topics"),
    "consents": N_("Consented to offers on these topics"),
}


class BadField(ValueError):
    """Raised for what a field does not take."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(problem)
        self.name, self.problem = name, problem if isinstance(problem, Said) else Said(problem)


class BadFields(ValueError):
    """Raised for all fields that do not take what was typed: name -> what is wrong."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(*problems.values())
        self.problems = problems


class Example:
    """A test: its story in words, and its fields."""

    def __init__(
        self,
        text: YamlText,
        at: int,
        names: Names,
        steps: Sequence[str],
        typed: Fields,
        wrong: Mapping[str, str],
        topics: Sequence[tuple[str, str]] = (),
        counted: Sequence[str] = (),
    ) -> None:
        self._text, self._at, self._names, self._typed, self._wrong = text, at, names, typed, wrong
        self._topics, self._counted = topics, counted
        self._case: dict[str, Any] = text.data[at]
        self._speech: Speech = names.speech
        self.told = PlayedWords(names, steps)
        self._fields = dict(self._paths())
        self.values = {name: _written(text.get(path)) for name, path in self._fields.items()}

    def _paths(self) -> Iterator[tuple[str, Path]]:
        at = self._at
        yield "name", (at, "name")
        yield from ((f"citizen.{name}", (at, "citizen", name)) for name in OF_A_PERSON)
        for number, event in numbered_groups(self._case.get("events")):
            yield f"events.{number}.at", (at, "events", number, "at")
            for name, value in group_at(event.get("data")).items():
                if isinstance(value, str | int | float):
                    yield f"events.{number}.data.{name}", (at, "events", number, "data", name)
        for number, _ in numbered_groups(self._case.get("expect")):
            yield from ((f"expect.{number}.{key}", (at, "expect", number, key)) for key in ("at", "contains"))

    def at(self, line: int, column: int) -> str:
        """Return the name of the field whose value stands at a place of the file (from 1); empty for none."""
        return self._text.innermost(self._fields.items(), line, column)

    def story(self) -> Iterator[str]:
        """Yield the sentences of the test: who, what happens, what they get."""
        say, speech = self._speech.say, self._speech
        citizen = group_at(self._case.get("citizen"))
        spoken = LANGUAGES.get(str(citizen.get("language")), str(citizen.get("language", "")))
        ways = ", ".join(word_for(CHANNELS, str(each), speech) for each in items_of(citizen.get("channels")))
        who = [say("A person who reads {language}").format(language=spoken)] if spoken else [say("A person")]
        who += [say("reached by {ways}").format(ways=ways)] if ways else []
        who += (
            [say("born on {day}").format(day=self._names.value(citizen["born_on"]))] if "born_on" in citizen else []
        )
        if out := items_of(citizen.get("opted_out")):
            topics = ", ".join(category(str(each), speech) for each in out)
            who.append(say("who opted out of: {topics}").format(topics=topics))
        if wanted := items_of(citizen.get("consents")):
            topics = ", ".join(category(str(each), speech) for each in wanted)
            who.append(say("who consented to offers on: {topics}").format(topics=topics))
        yield ", ".join(who)
        for number, event in numbered_groups(self._case.get("events")):
            yield self._happens(event, self._counted if not number else ())
        for _, each in numbered_groups(self._case.get("expect")):
            yield self.told.message(each)

    def _happens(self, event: Mapping[str, Any], counted: Sequence[str]) -> str:
        """Return the sentence about an event, with its dates on other days. `counted`: of counted_from."""
        type_, data, at = str(event.get("type", "")), group_at(event.get("data")), str(event.get("at", ""))
        dates = [name for name, value in data.items() if DAY.fullmatch(str(value)) and not at.startswith(str(value))]
        said = f"{self.told.moment(at)}: {self._names.heading(type_)}"
        if not dates:
            return said
        mark = self._speech.say("counted from here")
        told = [
            f"{self._names.heading_in(self._names.type(type_), name)}: {self._names.value(data[name])}"
            + (f" – {mark}" if name in counted else "")
            for name in dates
        ]
        return f"{said}{f' – {mark}' if 'time' in counted else ''} ({', '.join(told)})"

    def person_fields(self) -> Iterator[Control]:
        """Yield the fields about the person."""
        say = self._speech.say
        labels = {name: say(text) for name, text in OF_A_PERSON.items()}
        yield self._control("name", "text", say("What this test shows"))
        languages = [("", say("Not said")), *LANGUAGES.items()]
        yield self._control("citizen.language", "select", labels["language"], options=[("", languages)])
        ways = [(name, word_for(CHANNELS, name, self._speech)) for name in ("push", "sms", "email")]
        yield self._ticks("citizen.channels", labels["channels"], ways)
        hint = say("Without one no push message arrives. A phone number and an email address everybody has here.")
        yield self._tick("citizen.push", labels["push"], DEVICE, hint)
        yield self._control(
            "citizen.born_on", "short", labels["born_on"], hint=say("A date such as 30.12.1991 or 1991-12-30.")
        )
        yield self._ticks("citizen.opted_out", labels["opted_out"], self._topics)
        yield self._ticks("citizen.consents", labels["consents"], self._topics)

    def _tick(self, name: str, label: str, ticked: str, hint: str) -> Control:
        """Return a field that is filled or not: what stands in the file stays, or else `ticked` is written."""
        there = bool(self._typed.get(name)) if f"{name}.shown" in self._typed else bool(self.values.get(name))
        return self._control(name, "tick", label, value=there, more=self.values.get(name) or ticked, hint=hint)

    def _ticks(self, name: str, label: str, options: Sequence[tuple[str, str]]) -> Control:
        """Return a field of which several may be chosen; what stands in the file and is no option is one too."""
        ticked = f"{name}.shown" in self._typed
        chosen = self._typed.get(name, []) if ticked else [each for each in self._value(name).split(",") if each]
        odd = [(each, each) for each in chosen if each not in dict(options)]
        return self._control(name, "ticks", label, options=[*options, *odd], value=chosen)

    def labels(self) -> dict[str, str]:
        """Return the label of each field, by its name."""
        groups = [list(self.person_fields()), *(mine for _, mine in (*self.events(), *self.expected_messages()))]
        return {each.name: each.label for mine in groups for each in mine}

    def events(self) -> Iterator[tuple[str, list[Control]]]:
        """Yield each event: its title and its fields."""
        say = self._speech.say
        for number, event in numbered_groups(self._case.get("events")):
            under = f"events.{number}"
            hint = say("Such as 2026-03-02 12:00.")
            mine = [self._control(f"{under}.at", "short", say("When does it happen?"), hint=hint)]
            names = [name for name in group_at(event.get("data")) if f"{under}.data.{name}" in self._fields]
            mine += [self._datum(f"{under}.data.{name}", name, str(event.get("type", ""))) for name in names]
            yield self._names.heading(str(event.get("type", ""))), mine

    def _datum(self, field: str, name: str, event: str) -> Control:
        """Return the field of a value that the record says: a choice, where there is a list of them."""
        type_ = self._names.type(event)
        label = self._names.heading_in(type_, name)
        schema = type_.schema.get("properties", {}).get(name, {}) if type_ is not None else {}
        listed = [str(each) for each in schema.get("enum", ()) if isinstance(each, str)]
        if self._value(field) not in listed:
            return self._control(field, "short", label)
        return self._control(
            field, "select", label, options=[("", [(each, self._names.value(each)) for each in listed])]
        )

    @property
    def search_words(self) -> Mapping[str, str]:
        """Return the everyday words by which a further event type is found, by its name."""
        return self._names.search_words

    def addable_events(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Return the event types of which one more can be added, under the offices that report them."""
        known = self._names.types.values()
        return self._names.by_office(
            each for each in known if each.subject is not None and not each.name.startswith(f"{BUILT_IN}.")
        )

    def with_event(self, made: YamlText, name: str, after: timedelta = LATER[0]) -> YamlText:
        """Return the test with one more event of that type, so long after the last one.

        What it says of the same things as the first event is the same: the fine that is paid is that fine.

        Raises:
            BadFields: there is no such type.
            CannotEdit: it can be added only in the file.
        """
        if all(name not in dict(events) for _, events in self.addable_events()):
            raise BadFields({"more": Said("There is nothing of that name")})
        type_, events = (
            self._names.types[name],
            [each for _, each in numbered_groups(made.data[self._at].get("events"))],
        )
        first, last = group_at(events[0] if events else {}), _moment_in(events[-1].get("at") if events else "")
        try:
            at = last + after
        except OverflowError:
            raise CannotEdit("the event before is on the last day of the calendar") from None
        same = group_at(first.get("data"))
        invented = Inventor(at.date()).data(type_.schema, optional=False)
        role = {"as": first["as"]} if first.get("as") in type_.roles else {}
        theirs = {type_.subject, role.get("as")}
        data = {field: same.get(field, value) for field, value in invented.items() if field not in theirs}
        event = {"at": at.isoformat(timespec="minutes"), "type": name, **role, "data": data}
        return made.changed((self._at, "events", len(events)), event)

    def expected_messages(self) -> Iterator[tuple[str, list[Control]]]:
        """Yield each message that is expected: in words, and its fields."""
        say = self._speech.say
        for number, each in numbered_groups(self._case.get("expect")):
            under, mine = f"expect.{number}", []
            if each.get("at"):
                mine.append(
                    self._control(f"{under}.at", "short", say("When?"), hint=say("Such as 2026-03-02 12:00."))
                )
            if not each.get("nothing"):
                mine.append(self._control(f"{under}.contains", "text", say("Its text contains")))
            yield self.told.message(each), mine

    def _value(self, name: str) -> str:
        return (self._typed[name] or [""])[0] if name in self._typed else self.values.get(name, "")

    def _control(self, name: str, kind: str, label: str, **more: Any) -> Control:
        value = more.pop("value", self._value(name))
        return Control(name=name, kind=kind, label=label, value=value, error=self._wrong.get(name, ""), **more)

    def with_typed_values(self, was: Mapping[str, str]) -> YamlText:
        """Return the text with what was typed.

        Raises:
            BadFields: some fields do not take it.
            CannotEdit: it can be changed only in the file.
        """
        made, wrong = self._text, dict[str, str]()
        for name, path in self._fields.items():
            ticked = f"{name}.shown" in self._typed
            if name not in self._typed and not ticked:
                continue
            sent = ",".join(self._typed.get(name, [])) if ticked else field_of(self._typed, name)
            if sent != was.get(name, ""):
                try:
                    made = made.changed(path, self._meant(name, sent, self._text.get(path)))
                except BadField as bad:
                    wrong[bad.name] = bad.problem
        if wrong:
            raise BadFields(wrong)
        return made

    @staticmethod
    def _meant(name: str, sent: str, before: object) -> Any:  # noqa: ANN401  (plain data)
        if name == "name" and not 0 < len(sent) <= _MOST_NAME:
            raise BadField(name, N_("Write a name of 200 letters at most"))
        if not sent and ".data." not in name:
            return None
        if name.endswith(".at"):
            return _moment_of(name, sent, str(before))
        if name.endswith(("channels", "opted_out", "consents")):
            return [each.strip() for each in sent.split(",") if each.strip()]
        if name.endswith("born_on") or (isinstance(before, str) and DAY.fullmatch(before)):
            return _day_of(name, sent)
        if isinstance(before, int):
            return sent.lower() in ("true", "yes") if isinstance(before, bool) else _number_of(name, sent)
        return sent


def _number_of(name: str, sent: str) -> int:
    try:
        return int(typed_values.whole(sent))
    except typed_values.NotANumber as bad:
        raise BadField(name, bad.problem) from None


def _day_of(name: str, sent: str) -> str:
    text = typed_values.day(sent)
    try:
        if DAY.fullmatch(text):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise BadField(name, N_("Write a date as DD.MM.YYYY"))


def _moment_of(name: str, sent: str, before: str) -> str:
    """Return a moment as tests write it; the offset from UTC is that of the one before."""
    if (typed := _TYPED.fullmatch(sent)) is None:
        if re.fullmatch(r"[+-]P[0-9A-Z]+", sent) or MOMENT.fullmatch(sent):
            return sent
        raise BadField(name, N_("Write a date and a time such as 2026-03-02 12:00"))
    zone = known[3] if (known := MOMENT.fullmatch(before)) else "+05:00"
    day, clock = typed_values.day(typed[1]), typed_values.clock(typed[2])
    moment = f"{day}T{clock}{zone}"
    try:
        if MOMENT.fullmatch(moment) and datetime.fromisoformat(moment).tzinfo:
            return moment
    except ValueError:
        pass
    raise BadField(name, N_("Write a date and a time such as 2026-03-02 12:00"))


def _moment_in(text: object) -> datetime:
    """Return the moment that a test names.

    Raises:
        CannotEdit: it is none that a day can be added to.
    """
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        raise CannotEdit("the time of the event before is no moment") from None


def _written(value: object) -> str:
    """Return a value as its field shows it."""
    if isinstance(value, list):
        return ",".join(map(str, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    found_ = MOMENT.fullmatch(str(value))
    return f"{found_[1]} {found_[2]}" if found_ else "" if value is None else str(value)


def stories(draft: StoredDraft, names: Names) -> list[tuple[int, int, str, list[str]]]:
    """Return each test that a form can show: its number, its line, its name, its story."""
    try:
        text = YamlText(draft.files.get(TESTS, ""))
    except CannotEdit:
        return []
    found_, steps, counted = [], steps_of(draft.files), counted_from(draft)
    for at, case in enumerate(items_of(text.data)):
        if isinstance(case, dict):
            lines = text.lines((at,)) or (0, 0)
            story = Example(text, at, names, steps, {}, {}, counted=counted).story()
            found_.append((at, lines[0], str(case.get("name", "")), list(story)))
    return found_
