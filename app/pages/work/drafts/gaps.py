"""The gaps between the tests of a draft and its rule: exceptions without a test, and tests of former exceptions."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from app.packs.draft_child import TESTS
from app.pages.pack_names import Names
from app.pages.work.drafts.stored_drafts import rule_of
from templates.authoring.yaml_edit import CannotEdit, YamlText
from templates.reading.pack_content import group_at, items_of


class Gaps(NamedTuple):
    """`untested`: the event of each exception without a test; `outdated`: number and name of each needless test."""

    untested: Sequence[str]
    outdated: Sequence[tuple[int, str]]


def gaps_in(files: Mapping[str, str], names: Names) -> Gaps:
    """Return where the tests among a draft's files do not fit its rule; nothing where they cannot be read."""
    try:
        cases = items_of(YamlText(files.get(TESTS, "")).data)
    except CannotEdit:
        return Gaps([], [])
    rule = rule_of(files)
    played = [_types(group_at(case)) for case in cases]
    shown = {type_ for types in played for type_ in _besides(types, rule.get("on"))}
    exceptions = dict.fromkeys(str(group_at(each).get("on")) for each in items_of(rule.get("unless")))
    outdated = [
        (at, str(group_at(cases[at]).get("name", "")))
        for at, types in enumerate(played)
        if any(_is_needless(type_, rule, names) for type_ in types[1:])
    ]
    return Gaps([names.heading(each) for each in exceptions if each not in shown], outdated)


def _types(case: Mapping[str, Any]) -> list[str]:
    return [str(group_at(each).get("type")) for each in items_of(case.get("events"))]


def _besides(types: Sequence[str], begins: object) -> Iterator[str]:
    """Yield the types of events without the first one on which the rule begins."""
    first = next((at for at, type_ in enumerate(types) if type_ == begins), None)
    yield from (type_ for at, type_ in enumerate(types) if at != first)


def _is_needless(type_: str, rule: Mapping[str, Any], names: Names) -> bool:
    """Return True for a later event that the rule does not name, and that changes nothing known of a person."""
    known = names.type(type_)
    if known is None or known.sets or known.ends_life:
        return False
    return type_ not in re.findall(r"[\w.]+", json.dumps(rule, ensure_ascii=False, default=str))
