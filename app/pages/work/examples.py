"""A draft's tests as examples: "a person who … gets … on …", made from a preview and edited by form."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, Final

import yaml
from fastapi import Query, Request
from fastapi.responses import Response
from msgspec.structs import replace

from app.http import routes
from app.http.problems import Problem
from app.packs.draft_bench import BadDraft, Text
from app.packs.draft_child import TESTS
from app.pages.catalogues import LANGUAGES, Speech
from app.pages.layout import Frame
from app.pages.life import category, shown
from app.pages.pack_names import Names, names_of
from app.pages.visits import Fields, Form, field_of
from app.pages.whole_numbers import whole_number
from app.pages.work.controls import Control, named, was_in
from app.pages.work.draft_pages import DraftPages
from app.pages.work.editing import both_texts
from app.pages.work.played import MOMENT, PlayedWords
from app.pages.work.sheets import Id, laid_out, rule_of, steps_of, text_of
from app.pages.work.words import PEOPLE, person, topics_of
from app.reports.life_words import CHANNELS
from domain.core.translatable import N_, Said
from domain.core.workdays import Workdays
from domain.facts.principals import Principal, Role, require
from domain.nudges.class_rules import CLASS_RULES
from domain.persons.channels import PUSH
from streams.rules.drafts import DraftChanged, StoredDraft
from streams.rules.in_force import Rules
from templates.authoring import typed_values
from templates.authoring.scaffold import Plan, sample_tests
from templates.authoring.yaml_edit import CannotEdit, YamlText
from templates.checks.loader import BUILT_IN
from templates.checks.personas import built_in
from templates.checks.sample_values import Inventor
from templates.checks.scaffold_text import CASES
from templates.reading.findings import Finding
from templates.reading.pack_content import group_at, items_of
from templates.reading.yaml_file import Path

At = Annotated[int, Query(ge=0, le=1000)]
_TYPED = re.compile(r"(\S+?)[ T,]+(\S+)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
AGO: Final = tuple(timedelta(days=days) for days in (0, 60, 120, 180, 240, 300, 360))
"""How long before today what happens in a new example may have happened: the latest day by which somebody hears of
it, as where a message is due on a day of the year that is over."""
_LATER: Final = (timedelta(days=1), timedelta(hours=1))
"""How long after an event the one may come that makes its message needless; the second where a day is too late."""
_MOST_NAME: Final = 200
_DEVICE: Final = "device"
"""The address of an example's device for push messages; a phone number and an email address everybody has."""
OF_A_PERSON: Final[Mapping[str, str]] = {
    "language": N_("Language"),
    "channels": N_("Reached by"),
    "push": N_("Has a device for push messages"),
    "born_on": N_("Date of birth"),
    "opted_out": N_("Opted out of these topics"),
    "consents": N_("Consented to offers on these topics"),
}


class Examples(DraftPages):
    """Makes and edits tests."""

    @routes.post("/work/drafts/{id}/examples")
    def make(self, request: Request, id: Id, fields: Form) -> Response:
        """Add a test of what an invented person hears; what happens to them is what it expects."""
        who, frame, sheet = self._enter(request, id, fields)
        require(who, Role.AUTHOR, sheet.agency, sheet.trigger)
        if field_of(fields, "then") == "samples":
            left = _without_samples(sheet, self._office.platform.rules.library.rules())
            self._sheets.save(sheet.id, sheet.revision, {**sheet.files, TESTS: left}, who)
            return self._office.go(f"/work/drafts/{sheet.id}/tests")
        persona = field_of(fields, "persona") if field_of(fields, "persona") in PEOPLE else next(iter(PEOPLE))
        back = f"/work/drafts/{sheet.id}/tests"
        with laid_out(self._bench, text_of(sheet)) as laid:
            if not is_playable(hindering := laid.hindering()):
                return self._office.go(f"{back}?done=not")
        played = with_plain_texts(sheet, hindering) if hindering else sheet
        if (then := field_of(fields, "then")) in ("typical", "anew", "replace"):
            return self._make_typical(sheet, played, frame.speech, who, then)
        if (
            found := self._example_of(played, persona, field_of(fields, "channel"), field_of(fields, "spoken"))
        ) is None:
            return self._office.go(f"{back}?done=no-event")
        case, expected = found
        number = len(_cases(sheet))
        called = frame.speech.say("Test {number}: {person}")
        name = called.format(number=number + 1, person=person(persona, frame.speech))
        made = {"name": name, **case, "expect": expected or [{"nothing": True}]}
        files = {**sheet.files, TESTS: _with_case(sheet, made)}
        if files[TESTS] == sheet.files.get(TESTS):
            return self._office.go(f"{back}?done=not")
        self._sheets.save(sheet.id, sheet.revision, files, who)
        done = "made" if _speaks(expected) else "silent"
        return self._office.go(f"/work/drafts/{sheet.id}/example?at={number}&done={done}")

    def _make_typical(
        self, sheet: StoredDraft, played_as: StoredDraft, speech: Speech, who: Principal, then: str
    ) -> Response:
        """Add the usual tests in place of those of the sample; what happens in each is what it expects.

        `played_as`: the draft with texts that can be rendered.
        A test that is there by that name stays as it is, unless it is to be made `anew`; of one that somebody has
        edited that is asked, unless they said to `replace` it.
        """
        back, rule = f"/work/drafts/{sheet.id}/tests", rule_of(sheet.files)
        channels, languages = [str(each) for each in items_of(rule.get("channels"))], self._languages
        found = None
        for persona in PEOPLE:
            found = self._example_of(played_as, persona, channels[0] if channels else "", languages[0]) or found
            if found is not None and _speaks(found[1]):
                break
        if found is None:
            return self._office.go(f"{back}?done=no-event")
        rules = self._office.platform.rules.library.rules()
        text = _without_samples(sheet, rules)
        for name, cases in typical(found[0], rule, names_of(rules, speech), languages):
            now = replace(sheet, files={**sheet.files, TESTS: text})
            there = [at for at, each in enumerate(_cases(now)) if group_at(each).get("name") == name]
            if there and then == "typical":
                continue
            if then == "anew" and any(_is_edited(_cases(now)[at], cases) for at in there):
                return self._office.go(f"{back}?done=edited")
            played = [(case, self._played(played_as, case)) for case in cases]
            case, expected = next((each for each in played if not _speaks(each[1])), played[0])
            usual = {"name": name, **case, "expect": expected or [{"nothing": True}]}
            if case["citizen"].get("opted_out"):
                now = replace(sheet, files={**sheet.files, TESTS: _without_other_topic(now, usual)})
                there = [at for at, each in enumerate(_cases(now)) if group_at(each).get("name") == name]
            text = now.files[TESTS]
            for at in reversed(there):
                text = _without(YamlText(text), at)
            text = _with_case(replace(now, files={**now.files, TESTS: text}), usual)
        if text == sheet.files.get(TESTS, ""):
            return self._office.go(f"{back}?done=there")
        self._sheets.save(sheet.id, sheet.revision, {**sheet.files, TESTS: text}, who)
        return self._office.go(f"{back}?done=typical")

    @property
    def _languages(self) -> Sequence[str]:
        return self._office.platform.rules.library.rules().defaults.languages

    def _example_of(
        self, sheet: StoredDraft, persona: str, channel: str, spoken: str
    ) -> tuple[dict[str, Any], list[dict[str, Any]] | None] | None:
        """Return a case of that person and what becomes of each message in it; None where no event speaks to them."""
        defaults = self._office.platform.rules.library.rules().defaults
        now = self._office.platform.clock().astimezone(defaults.zone)
        days = [_at_work(now - ago, defaults.workdays) for ago in AGO]
        with laid_out(self._bench, text_of(sheet)) as laid:
            told_on = [(day, event) for day in days if (event := laid.example(day, persona))]
        wants = _consents(rule_of(sheet.files))
        cases = (self._case(event, persona, channel, spoken, day, wants) for day, event in told_on)
        return self._first_that_speaks(sheet, cases) if told_on else None

    def _first_that_speaks(
        self, sheet: StoredDraft, cases: Iterable[dict[str, Any]]
    ) -> tuple[dict[str, Any], list[dict[str, Any]] | None]:
        """Return the first case in which somebody gets a message, with what becomes of each; else the first case."""
        played = []
        for case in cases:
            played.append((case, self._played(sheet, case)))
            if _speaks(played[-1][1]):
                return played[-1]
        return played[0]

    def _case(
        self,
        event: dict[str, Any],
        persona: str,
        channel: str,
        spoken: str,
        now: datetime,
        wants: Mapping[str, Sequence[str]],
    ) -> dict[str, Any]:
        rules = self._office.platform.rules.library.rules()
        zone, known = rules.defaults.zone, rules.catalogue.attributes
        attributes = next(each for each in built_in(now.date()) if each.name == persona).citizen
        citizen: dict[str, Any] = {
            "language": spoken if spoken in rules.defaults.languages else rules.defaults.languages[0],
            **_reached_by(channel if channel in CHANNELS else "sms"),
            **wants,
            **{name: value for name, value in attributes.items() if name in known},
        }
        if (area := event.pop("area")) is not None:
            citizen["area"] = event["data"][area.removeprefix("event.")]
        at = now.astimezone(zone).replace(second=0, microsecond=0)
        begun = at.replace(hour=9, minute=0)
        happened = {"at": begun.replace(hour=12).isoformat(timespec="minutes"), **event}
        return {
            "clock": begun.isoformat(timespec="minutes"),
            "citizen": citizen,
            "events": [happened],
        }

    @routes.get("/work/drafts/{id}/example")
    def page(self, request: Request, id: Id, at: At = 0, done: str = "") -> Response:
        """Show a test in a form."""
        who, frame, sheet = self._enter(request, id)
        return self._show(who, frame, sheet, at, done=done)

    def _show(
        self,
        who: Principal,
        frame: Frame,
        sheet: StoredDraft,
        at: int,
        typed: Fields | None = None,
        wrong: Mapping[str, str] | None = None,
        done: str = "",
    ) -> Response:
        text, case = _read(sheet, at)
        view = self._example(sheet, text, at, frame.speech, typed or {}, wrong or {})
        played = self._played(sheet, case)
        actual = [view.told.message(each) for each in played or ()]
        return self._progress.show(
            "example.html",
            frame,
            sheet,
            "test",
            at=at,
            title=str(case.get("name", "")),
            view=view,
            errors=named(wrong or {}, view.labels()),
            story=list(view.story()),
            actual=actual,
            playable=played is not None,
            same=played is not None and _plain(case.get("expect") or []) == _plain(played or [{"nothing": True}]),
            was=field_of(typed or {}, "was") or json.dumps(view.values, ensure_ascii=False),
            revision=field_of(typed or {}, "revision") or str(sheet.revision),
            author=Role.AUTHOR in who.roles,
            done=done,
        )

    def _example(
        self, sheet: StoredDraft, text: YamlText, at: int, speech: Speech, typed: Fields, wrong: Mapping[str, str]
    ) -> "Example":
        rules = self._office.platform.rules.library.rules()
        known = topics_of(rules.governed, speech, str(rule_of(sheet.files).get("category", "")))
        counted = _counted_from(sheet)
        return Example(text, at, names_of(rules, speech), steps_of(sheet.files), typed, wrong, known, counted)

    def _played(self, sheet: StoredDraft, case: Mapping[str, Any]) -> list[dict[str, Any]] | None:
        """Return what becomes of each message in a test; None where it cannot be played."""
        alone = [{"name": "x", **case, "expect": []}]
        files = {**sheet.files, TESTS: yaml.safe_dump(alone, allow_unicode=True, sort_keys=False)}
        try:
            with self._bench.laid(Text(sheet.pack, sheet.trigger, files)) as laid:
                return None if laid.hindering() else laid.endings()
        except BadDraft:
            return None

    @routes.post("/work/drafts/{id}/example")
    def save(self, request: Request, id: Id, fields: Form) -> Response:
        """Write what was changed; `happens`: also expect what really happens; `delete`: take the test away."""
        who, frame, sheet = self._enter(request, id, fields)
        at = int(field_of(fields, "at")) if re.fullmatch("[0-9]{1,3}", field_of(fields, "at")) else 0
        text, _ = _read(sheet, at)
        view = self._example(sheet, text, at, frame.speech, fields, {})
        then, back = field_of(fields, "then"), f"/work/drafts/{sheet.id}/tests"
        try:
            made = _without(text, at) if then == "delete" else self._changed(sheet, view, fields, at)
        except BadFields as bad:
            wrong = {name: frame.speech.tell(problem) for name, problem in bad.problems.items()}
            return self._show(who, frame, sheet, at, fields, wrong)
        except CannotEdit:
            problem = frame.speech.say("This can be changed only in the file")
            return self._show(who, frame, sheet, at, fields, {"name": problem})
        files = {**sheet.files, TESTS: made}
        try:
            self._sheets.save(sheet.id, whole_number(field_of(fields, "revision")), files, who)
        except DraftChanged as changed:
            return both_texts(self._progress, frame, changed.there, files)
        return self._office.go(back if then == "delete" else f"/work/drafts/{sheet.id}/example?at={at}&done=saved")

    def _changed(self, sheet: StoredDraft, view: "Example", fields: Fields, at: int) -> str:
        """Return the file of tests with what was typed, and if that was asked for, with what happens as expected."""
        made = view.changed(was_in(fields, view.values))
        made = view.with_event(made, field_of(fields, "more")) if field_of(fields, "more") else made
        if field_of(fields, "then") == "happens" and (played := self._played(sheet, made.data[at])) is not None:
            made = made.changed((at, "expect"), played or [{"nothing": True}])
        return made.text


def _at_work(moment: datetime, workdays: Workdays) -> datetime:
    """Return the time on that day, or on the last one before it on which, as on the next day, the state works."""
    day = workdays.rolled(moment.date(), "previous")
    while not workdays.is_working(day + _LATER[0]):
        day = workdays.moved(day, -1)
    return moment.replace(year=day.year, month=day.month, day=day.day)


def is_playable(findings: Iterable[Finding]) -> bool:
    """Return True if the rule can be played: what is wrong, if anything, is wrong with its texts alone."""
    return all(each.path.endswith(".md") for each in findings)


def with_plain_texts(sheet: StoredDraft, findings: Iterable[Finding]) -> StoredDraft:
    """Return the draft with texts that say nothing, also where a finding misses them.

    Which messages go does not depend on their texts.
    """
    texts: dict[str, Any] = {"subject": "x", "push": {"title": "x", "body": "x"}, "sms": "x"}
    if rule_of(sheet.files).get("correction") is True:
        texts["correction"] = {**texts, "body": "x"}
    written = f"---\n{yaml.safe_dump(texts)}---\nx\n"
    names = {each.path for each in findings} | {name for name in sheet.files if name.endswith(".md")}
    return replace(sheet, files={**sheet.files, **dict.fromkeys(names, written)})


def typical(
    case: Mapping[str, Any], rule: Mapping[str, Any], names: Names, languages: Sequence[str]
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield the usual tests of a rule, each with its name, by a case in which somebody hears of it.

    By each of its ways, in another language each; with each event after it that makes it needless; and for somebody
    who opted out of its topic. Of several cases of a test the first counts in which nobody hears.
    """
    say, citizen = names.speech.say, {name: value for name, value in case["citizen"].items() if name != "push"}
    channels = [str(each) for each in items_of(rule.get("channels"))] or list(citizen["channels"])
    for number, each in enumerate(channels):
        spoken = languages[number % len(languages)]
        called = say("Reached by {ways}").format(ways=shown(CHANNELS, each, names.speech))
        yield called, [{**case, "citizen": {**citizen, "language": spoken, **_reached_by(each)}}]
    for number, unless in _groups(rule.get("unless")):
        type_ = str(unless.get("on"))
        with suppress(CannotEdit, BadFields):
            text = YamlText(yaml.safe_dump([dict(case)], allow_unicode=True, sort_keys=False))
            example = Example(text, 0, names, (), {}, {})
            later = [example.with_event(text, type_, after).data[0] for after in _LATER]
            called = say("And then: {event}").format(event=names.heading(type_))
            yield f"{called} ({number + 1})" if _repeated(rule, type_) else called, later
    topic = str(rule.get("category", ""))
    called = say("Opted out of: {topic}").format(topic=category(topic, names.speech))
    yield called, [{**case, "citizen": {**case["citizen"], "opted_out": [topic]}}]


def _consents(rule: Mapping[str, Any]) -> Mapping[str, Sequence[str]]:
    """Return what a person has consented to who gets the messages of a rule: its topic, if it needs a consent."""
    urgency = CLASS_RULES.get(str(rule.get("class")))
    return {"consents": [str(rule.get("category", ""))]} if urgency and urgency.needs_consent else {}


def _reached_by(channel: str) -> dict[str, Any]:
    """Return what is known of a person who is reached by that channel alone."""
    return {"channels": [channel], "push": _DEVICE} if channel == PUSH else {"channels": [channel]}


def _repeated(rule: Mapping[str, Any], type_: str) -> bool:
    return [each.get("on") for _, each in _groups(rule.get("unless"))].count(type_) > 1


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
        for number, event in _groups(self._case.get("events")):
            yield f"events.{number}.at", (at, "events", number, "at")
            for name, value in group_at(event.get("data")).items():
                if isinstance(value, str | int | float):
                    yield f"events.{number}.data.{name}", (at, "events", number, "data", name)
        for number, _ in _groups(self._case.get("expect")):
            yield from ((f"expect.{number}.{key}", (at, "expect", number, key)) for key in ("at", "contains"))

    def at(self, line: int, column: int) -> str:
        """Return the name of the field whose value stands at a place of the file (from 1); empty for none."""
        return self._text.innermost(self._fields.items(), line, column)

    def story(self) -> Iterator[str]:
        """Yield the sentences of the test: who, what happens, what they get."""
        say, speech = self._speech.say, self._speech
        citizen = group_at(self._case.get("citizen"))
        spoken = LANGUAGES.get(str(citizen.get("language")), str(citizen.get("language", "")))
        ways = ", ".join(shown(CHANNELS, str(each), speech) for each in items_of(citizen.get("channels")))
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
        for number, event in _groups(self._case.get("events")):
            yield self._happens(event, self._counted if not number else ())
        for _, each in _groups(self._case.get("expect")):
            yield self.told.message(each)

    def _happens(self, event: Mapping[str, Any], counted: Sequence[str]) -> str:
        """Return the sentence about an event, with its dates on other days. `counted`: of _counted_from."""
        type_, data, at = str(event.get("type", "")), group_at(event.get("data")), str(event.get("at", ""))
        dates = [name for name, value in data.items() if _DAY.fullmatch(str(value)) and not at.startswith(str(value))]
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

    def about(self) -> Iterator[Control]:
        """Yield the fields about the person."""
        say = self._speech.say
        labels = {name: say(text) for name, text in OF_A_PERSON.items()}
        yield self._control("name", "text", say("What this test shows"))
        languages = [("", say("Not said")), *LANGUAGES.items()]
        yield self._control("citizen.language", "select", labels["language"], options=[("", languages)])
        ways = [(name, shown(CHANNELS, name, self._speech)) for name in ("push", "sms", "email")]
        yield self._ticks("citizen.channels", labels["channels"], ways)
        hint = say("Without one no push message arrives. A phone number and an email address everybody has here.")
        yield self._tick("citizen.push", labels["push"], _DEVICE, hint)
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
        groups = [list(self.about()), *(mine for _, mine in (*self.events(), *self.expects()))]
        return {each.name: each.label for mine in groups for each in mine}

    def events(self) -> Iterator[tuple[str, list[Control]]]:
        """Yield each event: its title and its fields."""
        say = self._speech.say
        for number, event in _groups(self._case.get("events")):
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

    def further(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Return the event types of which one more can be added, under the offices that report them."""
        known = self._names.types.values()
        return self._names.by_office(
            each for each in known if each.subject is not None and not each.name.startswith(f"{BUILT_IN}.")
        )

    def with_event(self, made: YamlText, name: str, after: timedelta = _LATER[0]) -> YamlText:
        """Return the test with one more event of that type, so long after the last one.

        What it says of the same things as the first event is the same: the fine that is paid is that fine.

        Raises:
            BadFields: there is no such type.
            CannotEdit: it can be added only in the file.
        """
        if all(name not in dict(events) for _, events in self.further()):
            raise BadFields({"more": Said("There is nothing of that name")})
        type_, events = self._names.types[name], [each for _, each in _groups(made.data[self._at].get("events"))]
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

    def expects(self) -> Iterator[tuple[str, list[Control]]]:
        """Yield each message that is expected: in words, and its fields."""
        say = self._speech.say
        for number, each in _groups(self._case.get("expect")):
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

    def changed(self, was: Mapping[str, str]) -> YamlText:
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
        if name.endswith("born_on") or (isinstance(before, str) and _DAY.fullmatch(before)):
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
        if _DAY.fullmatch(text):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise BadField(name, N_("Write a date as DD.MM.YYYY"))


def _speaks(expected: Sequence[Mapping[str, Any]] | None) -> bool:
    """Return True if somebody gets a message."""
    return any(not each.get("nothing") for each in expected or ())


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


def _read(sheet: StoredDraft, at: int) -> tuple[YamlText, dict[str, Any]]:
    """Return the tests and one of them. Raises Problem (404) where there is none, or none that a form can show."""
    try:
        text = YamlText(sheet.files.get(TESTS, ""))
    except CannotEdit:
        raise Problem(
            HTTPStatus.NOT_FOUND, Said("the tests can be edited only as a file"), kind="unknown-name"
        ) from None
    cases = text.data if isinstance(text.data, list) else []
    if at >= len(cases) or not isinstance(cases[at], dict):
        raise Problem(HTTPStatus.NOT_FOUND, Said("there is no such test"), kind="unknown-name")
    return text, cases[at]


def _cases(sheet: StoredDraft) -> list[Any]:
    try:
        return items_of(YamlText(sheet.files.get(TESTS, "")).data)
    except CannotEdit:
        return []


def stories(sheet: StoredDraft, names: Names) -> list[tuple[int, int, str, list[str]]]:
    """Return each test that a form can show: its number, its line, its name, its story."""
    try:
        text = YamlText(sheet.files.get(TESTS, ""))
    except CannotEdit:
        return []
    found_, steps, counted = [], steps_of(sheet.files), _counted_from(sheet)
    for at, case in enumerate(items_of(text.data)):
        if isinstance(case, dict):
            lines = text.lines((at,)) or (0, 0)
            story = Example(text, at, names, steps, {}, {}, counted=counted).story()
            found_.append((at, lines[0], str(case.get("name", "")), list(story)))
    return found_


def _counted_from(sheet: StoredDraft) -> list[str]:
    """Return the dates of the event that the steps of the draft's rule count from, by their names; also `time`."""
    steps = group_at(rule_of(sheet.files).get("due")).values()
    counted = [str(group_at(step).get("from") or "event.time") for step in steps]
    return list(dict.fromkeys(each.removeprefix("event.") for each in counted if each.startswith("event.")))


def _remarks(text: str) -> str:
    return "\n".join(line for line in text.split("\n") if line.startswith("#"))


def _without(text: YamlText, at: int) -> str:
    """Return the file without one of its tests; without the last one its remarks are left."""
    return text.changed((at,), None).text if len(text.data) > 1 else f"{_remarks(text.text)}\n"


def samples(sheet: StoredDraft, rules: Rules) -> list[int]:
    """Return the numbers of the tests that are still as a new draft begins with them."""
    return [at for at, each in enumerate(_cases(sheet)) if _is_sample(group_at(each), rules)]


def following_topic(files: Mapping[str, str], rules: Rules) -> Mapping[str, str]:
    """Return the files with the topic of the rule in those tests that a new draft begins with."""
    topic = rule_of(files).get("category")
    try:
        text = YamlText(files.get(TESTS, ""))
        for at, case in enumerate(items_of(text.data)):
            out = items_of(group_at(group_at(case).get("citizen")).get("opted_out"))
            if out and isinstance(topic, str) and _is_sample(group_at(case), rules):
                text = text.changed((at, "citizen", "opted_out"), [topic])
    except CannotEdit:
        return files
    return {**files, TESTS: text.text}


def _is_sample(case: Mapping[str, Any], rules: Rules) -> bool:
    """Return True for a test of a new draft that nobody has edited."""
    event = next((each for _, each in _groups(case.get("events"))), {})
    type_ = rules.catalogue.types.get(str(event.get("type")))
    if case.get("name") not in CASES or type_ is None:
        return False
    topic = next(iter(items_of(group_at(case.get("citizen")).get("opted_out"))), "")
    plan = Plan("", type_, "", frozenset(rules.catalogue.attributes), rules.defaults, "", topic=str(topic))
    return case == sample_tests(plan)[CASES.index(case["name"])]


def _without_samples(sheet: StoredDraft, rules: Rules) -> str:
    """Return the file without the tests that a new draft begins with, as far as nobody has edited them."""
    text = sheet.files.get(TESTS, "")
    for at in reversed(samples(sheet, rules)):
        text = _without(YamlText(text), at)
    return text


def _without_other_topic(sheet: StoredDraft, usual: Mapping[str, Any]) -> str:
    """Return the file without the usual test of an opt-out from another topic, if nobody has edited it."""
    text = sheet.files.get(TESTS, "")
    for at, each in reversed(list(enumerate(_cases(sheet)))):
        topic = items_of(group_at(group_at(each).get("citizen")).get("opted_out"))
        if (
            len(topic) == 1
            and topic != usual["citizen"]["opted_out"]
            and _without_topic(each) == _without_topic(usual)
        ):
            text = _without(YamlText(text), at)
    return text


def _is_edited(case: Mapping[str, Any], usual: Sequence[Mapping[str, Any]]) -> bool:
    """Return True if a test says something else of the person or of what happens than the usual ones."""
    apart = ("name", "expect")
    return _on_its_day(case, *apart) not in [_on_its_day(each, *apart) for each in usual]


def _without_topic(case: Mapping[str, Any]) -> str:
    """Return a usual test of an opt-out without its topic and the day on which it plays."""
    return _on_its_day(case, "name").replace(json.dumps(case["citizen"]["opted_out"][0]), "")


def _on_its_day(case: Mapping[str, Any], *apart: str) -> str:
    """Return a test without these keys, with days counted from the one on which it plays."""
    begins = str(case.get("clock"))[:10]

    def counted(day: re.Match[str]) -> str:
        try:
            return str((date.fromisoformat(day[0]) - date.fromisoformat(begins)).days)
        except ValueError:
            return day[0]

    text = json.dumps({name: each for name, each in case.items() if name not in apart}, sort_keys=True, default=str)
    return _DAY.sub(counted, text)


def _with_case(sheet: StoredDraft, case: dict[str, Any]) -> str:
    """Return the file of tests with one more; as it was where it cannot be added to."""
    before = sheet.files.get(TESTS, "")
    if not _cases(sheet):  # what stands there is remarks, and perhaps an empty list
        before = _remarks(before)
    dumped = yaml.safe_dump([case], allow_unicode=True, sort_keys=False, default_flow_style=None, width=110)
    text = f"{before.rstrip()}\n{dumped}" if before.strip() else dumped
    try:
        made = items_of(YamlText(text).data)
    except CannotEdit:
        return sheet.files.get(TESTS, "")
    return text if made == [*_cases(sheet), case] else sheet.files.get(TESTS, "")


def _groups(value: object) -> list[tuple[int, dict[str, Any]]]:
    """Return the entries of a list that are groups, each with its number."""
    return [(number, each) for number, each in enumerate(items_of(value)) if isinstance(each, dict)]


def _plain(expected: Sequence[Any]) -> list[dict[str, Any]]:
    """Return what is expected without the words that it must contain."""
    told_ = [each for each in expected if isinstance(each, Mapping)]
    return [{name: value for name, value in each.items() if name not in ("contains", "parts")} for each in told_]
