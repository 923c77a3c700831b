"""The file of a draft's tests, changed as text: cases added and taken out, and those that a new draft begins with."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from http import HTTPStatus
from typing import Any

import yaml

from app.http.problems import Problem
from app.packs.draft_child import TESTS
from app.pages.work.drafts.stored_drafts import rule_of
from domain.core.translatable import Said
from streams.rules.drafts import StoredDraft
from streams.rules.in_force import Rules
from templates.authoring.scaffold import Plan, sample_tests
from templates.authoring.yaml_edit import CannotEdit, YamlText
from templates.checks.scaffold_text import CASES
from templates.reading.pack_content import group_at, items_of

DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def case_at(draft: StoredDraft, at: int) -> tuple[YamlText, dict[str, Any]]:
    """Return the tests and one of them. Raises Problem (404) where there is none, or none that a form can show."""
    try:
        text = YamlText(draft.files.get(TESTS, ""))
    except CannotEdit:
        raise Problem(
            HTTPStatus.NOT_FOUND, Said("the tests can be edited only as a file"), kind="unknown-name"
        ) from None
    cases = text.data if isinstance(text.data, list) else []
    if at >= len(cases) or not isinstance(cases[at], dict):
        raise Problem(HTTPStatus.NOT_FOUND, Said("there is no such test"), kind="unknown-name")
    return text, cases[at]


def cases_of(draft: StoredDraft) -> list[Any]:
    """Return the tests; none where their file cannot be read."""
    try:
        return items_of(YamlText(draft.files.get(TESTS, "")).data)
    except CannotEdit:
        return []


def counted_from(draft: StoredDraft) -> list[str]:
    """Return the dates of the event that the steps of the draft's rule count from, by their names; also `time`."""
    steps = group_at(rule_of(draft.files).get("due")).values()
    counted = [str(group_at(step).get("from") or "event.time") for step in steps]
    return list(dict.fromkeys(each.removeprefix("event.") for each in counted if each.startswith("event.")))


def _remarks(text: str) -> str:
    return "\n".join(line for line in text.split("\n") if line.startswith("#"))


def without_case(text: YamlText, at: int) -> str:
    """Return the file without one of its tests; without the last one its remarks are left."""
    return text.changed((at,), None).text if len(text.data) > 1 else f"{_remarks(text.text)}\n"


def sample_numbers(draft: StoredDraft, rules: Rules) -> list[int]:
    """Return the numbers of the tests that are still as a new draft begins with them."""
    return [at for at, each in enumerate(cases_of(draft)) if _is_sample(group_at(each), rules)]


def with_topic_of_rule(files: Mapping[str, str], rules: Rules) -> Mapping[str, str]:
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
    event = next((each for _, each in numbered_groups(case.get("events"))), {})
    type_ = rules.catalogue.types.get(str(event.get("type")))
    if case.get("name") not in CASES or type_ is None:
        return False
    topic = next(iter(items_of(group_at(case.get("citizen")).get("opted_out"))), "")
    plan = Plan("", type_, "", frozenset(rules.catalogue.attributes), rules.defaults, "", topic=str(topic))
    return case == sample_tests(plan)[CASES.index(case["name"])]


def without_samples(draft: StoredDraft, rules: Rules) -> str:
    """Return the file without the tests that a new draft begins with, as far as nobody has edited them."""
    text = draft.files.get(TESTS, "")
    for at in reversed(sample_numbers(draft, rules)):
        text = without_case(YamlText(text), at)
    return text


def without_other_topic(draft: StoredDraft, usual: Mapping[str, Any]) -> str:
    """Return the file without the usual test of an opt-out from another topic, if nobody has edited it."""
    text = draft.files.get(TESTS, "")
    for at, each in reversed(list(enumerate(cases_of(draft)))):
        topic = items_of(group_at(group_at(each).get("citizen")).get("opted_out"))
        if (
            len(topic) == 1
            and topic != usual["citizen"]["opted_out"]
            and _without_topic(each) == _without_topic(usual)
        ):
            text = without_case(YamlText(text), at)
    return text


def is_edited(case: Mapping[str, Any], usual: Sequence[Mapping[str, Any]]) -> bool:
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
    return DAY.sub(counted, text)


def with_case(draft: StoredDraft, case: dict[str, Any]) -> str:
    """Return the file of tests with one more; as it was where it cannot be added to."""
    before = draft.files.get(TESTS, "")
    if not cases_of(draft):  # what stands there is remarks, and perhaps an empty list
        before = _remarks(before)
    dumped = yaml.safe_dump([case], allow_unicode=True, sort_keys=False, default_flow_style=None, width=110)
    text = f"{before.rstrip()}\n{dumped}" if before.strip() else dumped
    try:
        made = items_of(YamlText(text).data)
    except CannotEdit:
        return draft.files.get(TESTS, "")
    return text if made == [*cases_of(draft), case] else draft.files.get(TESTS, "")


def numbered_groups(value: object) -> list[tuple[int, dict[str, Any]]]:
    """Return the entries of a list that are groups, each with its number."""
    return [(number, each) for number, each in enumerate(items_of(value)) if isinstance(each, dict)]


def without_words(expected: Sequence[Any]) -> list[dict[str, Any]]:
    """Return what is expected without the words that it must contain."""
    told_ = [each for each in expected if isinstance(each, Mapping)]
    return [{name: value for name, value in each.items() if name not in ("contains", "parts")} for each in told_]
