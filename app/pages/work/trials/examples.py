"""A draft's tests as examples: "a person who … gets … on …", made from a preview and edited by form."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import yaml
from fastapi import Query, Request
from fastapi.responses import Response
from msgspec.structs import replace

from app.http import routes
from app.packs.draft_bench import BadDraft, DraftText
from app.packs.draft_child import TESTS
from app.pages.catalogues import Speech
from app.pages.layout import Frame
from app.pages.pack_names import names_of
from app.pages.visits import Fields, Form, field_of
from app.pages.whole_numbers import whole_number
from app.pages.work.drafts.controls import labelled_errors, original_values
from app.pages.work.drafts.draft_pages import DraftPages
from app.pages.work.drafts.editing import show_both_texts
from app.pages.work.drafts.stored_drafts import Id, laid_out, rule_of, steps_of, text_of
from app.pages.work.trials.case_file import (
    case_at,
    cases_of,
    counted_from,
    is_edited,
    with_case,
    without_case,
    without_other_topic,
    without_samples,
    without_words,
)
from app.pages.work.trials.example_form import LATER, BadFields, Example
from app.pages.work.trials.usual_cases import consents_for, person_reached_by, usual_cases
from app.pages.work.words import PEOPLE, person_in_words, topics_of
from app.reports.life_words import CHANNELS
from domain.core.workdays import Workdays
from domain.facts.principals import Principal, Role, require
from streams.rules.drafts import DraftChanged, StoredDraft
from templates.authoring.yaml_edit import CannotEdit, YamlText
from templates.checks.personas import built_in
from templates.reading.findings import Finding
from templates.reading.pack_content import group_at, items_of

At = Annotated[int, Query(ge=0, le=1000)]
AGO: Final = tuple(timedelta(days=days) for days in (0, 60, 120, 180, 240, 300, 360))
"""How long before today what happens in a new example may have happened: the latest day by which somebody hears of
it, as where a message is due on a day of the year that is over."""


class Examples(DraftPages):
    """Makes and edits tests."""

    @routes.post("/work/drafts/{id}/examples")
    def make(self, request: Request, id: Id, fields: Form) -> Response:
        """Add a test of what an invented person hears; what happens to them is what it expects."""
        who, frame, draft = self._enter(request, id, fields)
        require(who, Role.AUTHOR, draft.agency, draft.trigger)
        if field_of(fields, "then") == "samples":
            left = without_samples(draft, self._office.platform.rules.library.rules())
            self._drafts.save(draft.id, draft.revision, {**draft.files, TESTS: left}, who)
            return self._office.go(f"/work/drafts/{draft.id}/tests")
        persona = field_of(fields, "persona") if field_of(fields, "persona") in PEOPLE else next(iter(PEOPLE))
        back = f"/work/drafts/{draft.id}/tests"
        with laid_out(self._bench, text_of(draft)) as laid:
            if not is_playable(hindering := laid.blocking_play()):
                return self._office.go(f"{back}?done=not")
        played = with_plain_texts(draft, hindering) if hindering else draft
        if (then := field_of(fields, "then")) in ("typical", "anew", "replace"):
            return self._make_typical(draft, played, frame.speech, who, then)
        if (
            found := self._example_of(played, persona, field_of(fields, "channel"), field_of(fields, "spoken"))
        ) is None:
            return self._office.go(f"{back}?done=no-event")
        case, expected = found
        number = len(cases_of(draft))
        called = frame.speech.say("Test {number}: {person}")
        name = called.format(number=number + 1, person=person_in_words(persona, frame.speech))
        made = {"name": name, **case, "expect": expected or [{"nothing": True}]}
        files = {**draft.files, TESTS: with_case(draft, made)}
        if files[TESTS] == draft.files.get(TESTS):
            return self._office.go(f"{back}?done=not")
        self._drafts.save(draft.id, draft.revision, files, who)
        done = "made" if _speaks(expected) else "silent"
        return self._office.go(f"/work/drafts/{draft.id}/example?at={number}&done={done}")

    def _make_typical(
        self, draft: StoredDraft, played_as: StoredDraft, speech: Speech, who: Principal, then: str
    ) -> Response:
        """Add the usual tests in place of those of the sample; what happens in each is what it expects.

        `played_as`: the draft with texts that can be rendered.
        A test that is there by that name stays as it is, unless it is to be made `anew`; of one that somebody has
        edited that is asked, unless they said to `replace` it.
        """
        back, rule = f"/work/drafts/{draft.id}/tests", rule_of(draft.files)
        channels, languages = [str(each) for each in items_of(rule.get("channels"))], self._languages
        found = None
        for persona in PEOPLE:
            found = self._example_of(played_as, persona, channels[0] if channels else "", languages[0]) or found
            if found is not None and _speaks(found[1]):
                break
        if found is None:
            return self._office.go(f"{back}?done=no-event")
        rules = self._office.platform.rules.library.rules()
        text = without_samples(draft, rules)
        for name, cases in usual_cases(found[0], rule, names_of(rules, speech), languages):
            now = replace(draft, files={**draft.files, TESTS: text})
            there = [at for at, each in enumerate(cases_of(now)) if group_at(each).get("name") == name]
            if there and then == "typical":
                continue
            if then == "anew" and any(is_edited(cases_of(now)[at], cases) for at in there):
                return self._office.go(f"{back}?done=edited")
            played = [(case, self._played(played_as, case)) for case in cases]
            case, expected = next((each for each in played if not _speaks(each[1])), played[0])
            usual = {"name": name, **case, "expect": expected or [{"nothing": True}]}
            if case["citizen"].get("opted_out"):
                now = replace(draft, files={**draft.files, TESTS: without_other_topic(now, usual)})
                there = [at for at, each in enumerate(cases_of(now)) if group_at(each).get("name") == name]
            text = now.files[TESTS]
            for at in reversed(there):
                text = without_case(YamlText(text), at)
            text = with_case(replace(now, files={**now.files, TESTS: text}), usual)
        if text == draft.files.get(TESTS, ""):
            return self._office.go(f"{back}?done=there")
        self._drafts.save(draft.id, draft.revision, {**draft.files, TESTS: text}, who)
        return self._office.go(f"{back}?done=typical")

    @property
    def _languages(self) -> Sequence[str]:
        return self._office.platform.rules.library.rules().defaults.languages

    def _example_of(
        self, draft: StoredDraft, persona: str, channel: str, spoken: str
    ) -> tuple[dict[str, Any], list[dict[str, Any]] | None] | None:
        """Return a case of that person and what becomes of each message in it; None where no event speaks to them."""
        defaults = self._office.platform.rules.library.rules().defaults
        now = self._office.platform.clock().astimezone(defaults.zone)
        days = [_at_work(now - ago, defaults.workdays) for ago in AGO]
        with laid_out(self._bench, text_of(draft)) as laid:
            told_on = [(day, event) for day in days if (event := laid.example(day, persona))]
        wants = consents_for(rule_of(draft.files))
        cases = (self._case(event, persona, channel, spoken, day, wants) for day, event in told_on)
        return self._first_that_speaks(draft, cases) if told_on else None

    def _first_that_speaks(
        self, draft: StoredDraft, cases: Iterable[dict[str, Any]]
    ) -> tuple[dict[str, Any], list[dict[str, Any]] | None]:
        """Return the first case in which somebody gets a message, with what becomes of each; else the first case."""
        played = []
        for case in cases:
            played.append((case, self._played(draft, case)))
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
            **person_reached_by(channel if channel in CHANNELS else "sms"),
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
        who, frame, draft = self._enter(request, id)
        return self._show(who, frame, draft, at, done=done)

    def _show(
        self,
        who: Principal,
        frame: Frame,
        draft: StoredDraft,
        at: int,
        typed: Fields | None = None,
        wrong: Mapping[str, str] | None = None,
        done: str = "",
    ) -> Response:
        text, case = case_at(draft, at)
        view = self._example(draft, text, at, frame.speech, typed or {}, wrong or {})
        played = self._played(draft, case)
        actual = [view.told.message(each) for each in played or ()]
        expected, happens = without_words(case.get("expect") or []), without_words(played or [{"nothing": True}])
        return self._progress.show(
            "example.html",
            frame,
            draft,
            "test",
            at=at,
            title=str(case.get("name", "")),
            view=view,
            errors=labelled_errors(wrong or {}, view.labels()),
            story=list(view.story()),
            actual=actual,
            playable=played is not None,
            same=played is not None and expected == happens,
            was=field_of(typed or {}, "was") or json.dumps(view.values, ensure_ascii=False),
            revision=field_of(typed or {}, "revision") or str(draft.revision),
            author=Role.AUTHOR in who.roles,
            done=done,
        )

    def _example(
        self, draft: StoredDraft, text: YamlText, at: int, speech: Speech, typed: Fields, wrong: Mapping[str, str]
    ) -> "Example":
        rules = self._office.platform.rules.library.rules()
        known = topics_of(rules.governed, speech, str(rule_of(draft.files).get("category", "")))
        counted = counted_from(draft)
        return Example(text, at, names_of(rules, speech), steps_of(draft.files), typed, wrong, known, counted)

    def _played(self, draft: StoredDraft, case: Mapping[str, Any]) -> list[dict[str, Any]] | None:
        """Return what becomes of each message in a test; None where it cannot be played."""
        alone = [{"name": "x", **case, "expect": []}]
        files = {**draft.files, TESTS: yaml.safe_dump(alone, allow_unicode=True, sort_keys=False)}
        try:
            with self._bench.laid(DraftText(draft.pack, draft.trigger, files)) as laid:
                return None if laid.blocking_play() else laid.first_test_outcomes()
        except BadDraft:
            return None

    @routes.post("/work/drafts/{id}/example")
    def save(self, request: Request, id: Id, fields: Form) -> Response:
        """Write what was changed; `happens`: also expect what really happens; `delete`: take the test away."""
        who, frame, draft = self._enter(request, id, fields)
        at = int(field_of(fields, "at")) if re.fullmatch("[0-9]{1,3}", field_of(fields, "at")) else 0
        text, _ = case_at(draft, at)
        view = self._example(draft, text, at, frame.speech, fields, {})
        then, back = field_of(fields, "then"), f"/work/drafts/{draft.id}/tests"
        try:
            made = without_case(text, at) if then == "delete" else self._changed(draft, view, fields, at)
        except BadFields as bad:
            wrong = {name: frame.speech.tell(problem) for name, problem in bad.problems.items()}
            return self._show(who, frame, draft, at, fields, wrong)
        except CannotEdit:
            problem = frame.speech.say("This can be changed only in the file")
            return self._show(who, frame, draft, at, fields, {"name": problem})
        files = {**draft.files, TESTS: made}
        try:
            self._drafts.save(draft.id, whole_number(field_of(fields, "revision")), files, who)
        except DraftChanged as changed:
            return show_both_texts(self._progress, frame, changed.there, files)
        return self._office.go(back if then == "delete" else f"/work/drafts/{draft.id}/example?at={at}&done=saved")

    def _changed(self, draft: StoredDraft, view: "Example", fields: Fields, at: int) -> str:
        """Return the file of tests with what was typed, and if that was asked for, with what happens as expected."""
        made = view.with_typed_values(original_values(fields, view.values))
        made = view.with_event(made, field_of(fields, "more")) if field_of(fields, "more") else made
        if field_of(fields, "then") == "happens" and (played := self._played(draft, made.data[at])) is not None:
            made = made.changed((at, "expect"), played or [{"nothing": True}])
        return made.text


def _at_work(moment: datetime, workdays: Workdays) -> datetime:
    """Return the time on that day, or on the last one before it on which, as on the next day, the state works."""
    day = workdays.rolled(moment.date(), "previous")
    while not workdays.is_working(day + LATER[0]):
        day = workdays.moved(day, -1)
    return moment.replace(year=day.year, month=day.month, day=day.day)


def is_playable(findings: Iterable[Finding]) -> bool:
    """Return True if the rule can be played: what is wrong, if anything, is wrong with its texts alone."""
    return all(each.path.endswith(".md") for each in findings)


def with_plain_texts(draft: StoredDraft, findings: Iterable[Finding]) -> StoredDraft:
    """Return the draft with texts that say nothing, also where a finding misses them.

    Which messages go does not depend on their texts.
    """
    texts: dict[str, Any] = {"subject": "x", "push": {"title": "x", "body": "x"}, "sms": "x"}
    if rule_of(draft.files).get("correction") is True:
        texts["correction"] = {**texts, "body": "x"}
    written = f"---\n{yaml.safe_dump(texts)}---\nx\n"
    names = {each.path for each in findings} | {name for name in draft.files if name.endswith(".md")}
    return replace(draft, files={**draft.files, **dict.fromkeys(names, written)})


def _speaks(expected: Sequence[Mapping[str, Any]] | None) -> bool:
    """Return True if somebody gets a message."""
    return any(not each.get("nothing") for each in expected or ())
