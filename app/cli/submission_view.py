"""Shows a submission to whoever approves it: its hash, what changes for citizens, and the words of what is new."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from app.cli.commands.diff import SAME, print_pack, print_trigger
from app.packs.version_diff import Version, changed_triggers, rule_sentences, version_of
from app.terminal import print_json, print_line
from domain.core.plain import PlainData
from domain.facts.governance import PackSubmitted, TriggerSubmitted
from domain.facts.submissions import Refusal, Subject, Submission
from domain.rules.errors import BadTrigger
from domain.rules.trigger_keys import TOLD_KEYS
from streams.rules.governed import Governed
from templates.authoring.pack_diff import pack_changes
from templates.authoring.value_words import said_plainly


def show_submission(now: Governed, submission: Submission, *, as_json: bool) -> None:
    """Print it, compared with what is published now."""
    if not as_json:
        print_line(f"{submission.about}, submitted by {submission.by[-1]}, hash {submission.hash}")
        if (refusal := submission.refused_before) is not None:
            print_line(f"  {refused_before(refusal)}")
        for each in submission.comments:
            print_line(f"  {each.by} wrote on {each.at:%Y-%m-%d}: {each.text}")
    fact = submission.fact
    if isinstance(fact, PackSubmitted):
        _show_pack(now, fact, as_json=as_json)
    else:
        _show_trigger(now, fact, as_json=as_json)


def refused_before(refusal: Refusal) -> str:
    """Say who refused this very content, when and why."""
    return f"this very content was refused by {refusal.by} on {refusal.at:%Y-%m-%d}: {refusal.reason}"


def _show_trigger(now: Governed, fact: TriggerSubmitted, *, as_json: bool) -> None:
    packs = {name: pack.content for name, pack in now.packs.items()}
    current = now.current(fact.trigger)
    old = version_of(list(packs.values()), [current] if current is not None else [])
    waiting = now.submitted.get(Subject("pack", fact.pack), ())
    if waiting and isinstance(waiting[-1].fact, PackSubmitted):
        packs = {**packs, fact.pack: waiting[-1].fact.content}
    new = version_of(list(packs.values()), [fact])
    if not old.triggers and not as_json:
        _show_new(new, fact)
        return
    try:
        found = dict(changed_triggers(old, new))
    except BadTrigger as bad:
        print_line(f"  it cannot be compared: {bad}")
        found = {}
    for trigger, differences in found.items():
        print_trigger(trigger, differences, as_json=as_json)
    if not old.triggers:
        for path, value in _flat({"rules": fact.rules, **fact.words}):
            print_json({"trigger": fact.trigger, "path": path, "new": value})
    elif not found and not as_json:
        print_line(f"  {SAME}")


def _show_new(new: Version, fact: TriggerSubmitted) -> None:
    """Print a trigger that has no earlier version: its rule in sentences, its other settings, and every text."""
    rules = dict(fact.rules)
    try:
        rule = list(rule_sentences(new.side(fact.trigger)))
    except BadTrigger as bad:
        print_line(f"  it cannot be put into words: {bad}")
    else:
        print_line(f"  {fact.trigger} is new:")
        for sentence in rule:
            print_line(f"    {sentence}")
        rules = {key: value for key, value in rules.items() if key not in TOLD_KEYS}
    for path, value in _rows({**{key.replace("_", " "): each for key, each in rules.items()}, **fact.words}):
        lines = [line for line in said_plainly(value).splitlines() if line.strip()]
        for at, line in enumerate(lines):
            print_line(f"    {path}: {line}" if at == 0 else f"      {line}")


def _show_pack(now: Governed, fact: PackSubmitted, *, as_json: bool) -> None:
    before = now.packs.get(fact.pack)
    old = {} if before is None else before.content
    if not as_json:
        found = list(changes(old, fact.content))
        _tell_pack(now, fact)
        for line in ["  in detail"] if found else [f"  {SAME}"]:
            print_line(line)
        for path, told in found:
            print_line(f"    {path}: {told}")
        return
    was, will_be = dict(_flat(_by_type(old))), dict(_flat(_by_type(fact.content)))
    for path in _changed(was, will_be):
        print_json({"pack": fact.pack, "path": path, "old": was.get(path), "new": will_be.get(path)})


def _tell_pack(now: Governed, fact: PackSubmitted) -> None:
    """Print in sentences what changes outside the triggers, and whom it concerns."""
    contents = {name: pack.content for name, pack in now.packs.items()}
    published = version_of(list(contents.values()), [each.fact for each in now.publications if not each.withdrawn])
    proposed = Version(list({**contents, fact.pack: fact.content}.values()), {}, published.every)
    try:
        sides = published.pack_side(contents.get(fact.pack, {})), proposed.pack_side(fact.content)
    except BadTrigger as bad:
        print_line(f"  it cannot be put into words: {bad}")
        return
    print_pack(fact.pack, pack_changes(*sides), as_json=False)


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Path -> what changes there from one content of a pack to another, as people write it."""
    was, will_be = dict(_rows(_by_type(old))), dict(_rows(_by_type(new)))
    for path in _changed(was, will_be):
        if path not in was:
            yield path, said_plainly(will_be[path])
        elif path not in will_be:
            yield path, f"{said_plainly(was[path])} → gone"
        else:
            yield path, _change(was[path], will_be[path])


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    same = {path for path in old.keys() & new.keys() if _exactly(old[path]) == _exactly(new[path])}
    return sorted((old.keys() | new.keys()) - same)


def _change(old: PlainData, new: PlainData) -> str:
    """Both as people write them; what only looks alike (1 and "1") as JSON writes it."""
    if (before := said_plainly(old)) != (after := said_plainly(new)):
        return f"{before} → {after}"
    return f"{_exactly(old)} → {_exactly(new)}"


def _exactly(value: PlainData) -> str:
    """Return the value as JSON, in which 1, "1" and true differ; in Python 1 equals True."""
    return msgspec.json.encode(value).decode()


def _by_type(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a pack's content with its event types under their names, so that a new one moves no other."""
    types = {event["type"]: event for event in content.get("events", ())}
    others = {name: value for name, value in content.items() if name != "events"}
    return {**others, "events": types} if types else others


def _flat(value: PlainData, path: str = "") -> Iterator[tuple[str, PlainData]]:
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _flat(inner, f"{path}.{name}" if path else str(name))
    elif path:  # a content that there is not yet has nothing in it
        yield path, value


def _rows(value: PlainData, path: str = "") -> Iterator[tuple[str, PlainData]]:
    """Yield paths and values as `_flat` does, but each item of a list of groups by itself."""
    for name, inner in _flat(value, path):
        if isinstance(inner, list | tuple) and any(isinstance(each, Mapping) for each in inner):
            for at, each in enumerate(inner, start=1):
                yield from _rows(each, f"{name}.{at}")
        else:
            yield name, inner
