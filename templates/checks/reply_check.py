"""Checks a trigger's replies: that its SMS says how to answer, and that no answer leads round in a circle."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from domain.conditions.pattern_cost import validator_of
from domain.core.translatable import Words
from domain.persons.replies import Reply, code_meant, data_of, spelt
from domain.rules.event_types import Catalogue
from domain.rules.reply_fields import why_no_reply
from templates.reading.files import TriggerFiles, plain
from templates.reading.findings import closest
from templates.reading.pack_content import items_of
from templates.reading.value_kinds import CODE
from templates.reading.yaml_file import Path

SOMETIME = datetime(2026, 5, 1, 9, tzinfo=UTC)


def check_replies(files: TriggerFiles, catalogue: Catalogue) -> None:
    """Report replies that nobody can give, or that become events which their type refuses."""
    rules, document, replies = plain(files.rules), files.rules, _replies(plain(files.rules))
    for at, code in _buttons(rules):
        if code_meant(code, replies) is None:
            message = Words("no reply of the trigger is called {name!r}", name=code)
            document.note(("actions", at, "reply"), message, closest(code, replies))
    by_sms, buttons = "sms" in items_of(rules.get("channels")), {code for _, code in _buttons(rules)}
    for code, name in replies.items():
        if not by_sms and not any(spelt(code) == spelt(each) for each in buttons):
            message = Words(
                "nobody can answer {code!r}: the channels have no sms, and no action has `reply: {code}`", code=code
            )
            document.note(("replies", code), message)
        if problem := _refused(code, name, rules, catalogue):
            document.note(("replies", code), problem)
        for language in files.words if by_sms else ():
            _check_told(files, language, code)


def _replies(rules: Mapping[str, Any]) -> dict[str, str]:
    """Return the replies that are written as they should be."""
    found = rules.get("replies")
    return {
        code: name
        for code, name in (found.items() if isinstance(found, dict) else ())
        if isinstance(name, str) and re.fullmatch(CODE, code)
    }


def _buttons(rules: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """Yield the actions that answer, by their place in the list, and the code of each."""
    for at, action in enumerate(items_of(rules.get("actions"))):
        if isinstance(action, dict) and isinstance(code := action.get("reply"), str):
            yield at, code


def _refused(code: str, name: str, rules: Mapping[str, Any], catalogue: Catalogue) -> Words | None:
    """Return the error if the event's own schema refuses the data of a reply; None if it accepts them."""
    type_ = catalogue.types.get(name)
    if type_ is None or why_no_reply(type_) is not None or not isinstance(rules.get("category"), str):
        return None  # said where the trigger is compiled
    data = data_of(type_, Reply(UUID(int=1), "", code, SOMETIME, ""), rules["category"])
    wrong = next(iter(validator_of(type_.schema).iter_errors(data)), None)
    if wrong is None:
        return None
    field = str(next(iter(wrong.instance_path), "data"))
    given = {"event": name, "field": field, "value": str(data.get(field))}
    return Words("{event} refuses {field!r} as a reply fills it: {value!r}", **given)


def _check_told(files: TriggerFiles, language: str, code: str) -> None:
    document, said = files.words[language], re.compile(rf"(?<!\w){re.escape(code)}(?!\w)", re.IGNORECASE)
    for path, text in _sms(plain(document)):
        if not said.search(text):
            document.note(path, Words("the SMS never says that {code!r} can be answered", code=code))


def _sms(words: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Yield the SMS, and those of steps that have their own; a correction asks nothing."""
    steps = words.get("steps")
    named = steps.items() if isinstance(steps, dict) else ()
    for path, texts in ((), words), *((("steps", step), own) for step, own in named):
        if isinstance(texts, dict) and isinstance(text := texts.get("sms"), str):
            yield (*path, "sms"), text


def check_circles(triggers: Sequence[TriggerFiles]) -> None:
    """Report replies that start another trigger whose replies, perhaps after more of them, lead back."""
    rules = [(files, plain(files.rules)) for files in triggers]
    leads: dict[str, set[str]] = {}
    for _, each in rules:
        if isinstance(on := each.get("on"), str):
            leads.setdefault(on, set()).update(_replies(each).values())
    for files, each in rules:
        on = each.get("on")
        if not isinstance(on, str):  # what somebody is entitled to is no answer
            continue
        for code, name in _replies(each).items():
            if name != on and on in _reached(name, leads):
                message = Words("answers to what {event} starts give {first} again: a circle", event=name, first=on)
                files.rules.note(("replies", code), message)


def _reached(start: str, leads: Mapping[str, set[str]]) -> set[str]:
    """Return the event types that follow from one, reply by reply."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = leads.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found
