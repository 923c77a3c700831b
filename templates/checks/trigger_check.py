"""Checks a trigger's rules: their shape, the names they use, and that they compile; all findings at once."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from copy import deepcopy
from typing import Any

from pydantic import ValidationError

from domain.core.plain import PlainData
from domain.core.translatable import Joined, Words
from domain.rules.benefit_compiling import starts_on
from domain.rules.compiler_base import ENTITLED
from domain.rules.errors import BadTrigger
from domain.rules.event_types import Catalogue
from domain.rules.trigger_compiling import ONCE, compile_trigger
from domain.rules.trigger_keys import KEYS
from domain.rules.triggers import COMPLETE, Trigger
from templates.checks.cost_check import check_cost
from templates.checks.other_packs import Elsewhere
from templates.checks.sense_check import check_sense
from templates.checks.shape_check import check_shape
from templates.reading.findings import closest
from templates.reading.pack_content import keys_of
from templates.reading.trigger_shapes import TriggerShape
from templates.reading.yaml_file import Document, Path, Place

_OTHERS = ("with", "unless")
"""The keys that list other events."""
_HARMLESS: Mapping[str, Any] = {
    "title": {"en": "-"},
    "owner": "-",
    "legal_basis": "-",
    "category": "any",
    "class": "service",
    "channels": ["email"],
}
_QUOTED = re.compile(r"'([^']+)'")
_NO_FIELD = re.compile("there is no field|is no field of")
MOST_NAMED = 20
"""So many fields are named in an error at most."""
_ROOTED = re.compile(r"(?:event|citizen|later|param|entitled)\.")


def check_rules(
    document: Document, name: str, catalogue: Catalogue, broken: frozenset[str], elsewhere: Elsewhere
) -> Trigger | None:
    """Report what is wrong with trigger.yaml. `broken`: event types that exist, but cannot be used to compile;
    `elsewhere`: packs that may have a type which is in none of these.

    Gives the trigger of that name, where it can be compiled as it is.
    """
    if document.data is None:
        return None
    wrong = check_shape(document, TriggerShape)
    rules = _compilable(document.data, wrong) if wrong else document.data
    if rules is None or broken & set(_types(rules, catalogue)):
        return None
    try:
        trigger = compile_trigger(name, rules, catalogue)
    except BadTrigger as first:
        for bad in (first, *first.others):
            place, in_condition = place_of(document, bad, ("when",)), bad.path[-1] == "when"
            if (pack := elsewhere.pack_with(quoted_in(bad) or "")) is not None:
                document.note_at(
                    place,
                    Words("{problem}; {pack} has it: name that pack too", problem=bad.problem, pack=pack),
                    show_line=in_condition,
                )
            else:
                meant = _meant(bad, rules, catalogue)
                others = [*_roles(bad, rules, catalogue), *_fields(bad, rules, catalogue)] if meant is None else []
                document.note_at(place, Joined([bad.problem, *others], "; "), meant, show_line=in_condition)
    else:
        if not check_cost(document, trigger) and not wrong:
            check_sense(document, trigger, catalogue)
            return trigger
    return None


def _compilable(data: PlainData, wrong: list[Path]) -> dict[str, PlainData] | None:
    """Return the rules that compiling reads, without their errors; None where that leaves nothing to compile."""
    rules = without_paths(data, wrong)
    if isinstance(rules, dict):
        rules = {**_HARMLESS} | {key: rules[key] for key in rules if key in KEYS and KEYS[key].compiled}
    try:
        TriggerShape.model_validate(rules)
    except ValidationError:
        return None
    return dict(rules)


def without_paths(data: PlainData, wrong: Iterable[Path]) -> PlainData:
    """Return a copy of the data without what is at these paths."""
    rest = deepcopy(data)
    for path in sorted(wrong, reverse=True):  # from the end of a list, so that the others keep their places
        _drop(rest, path)
    return rest


def _drop(rules: PlainData, path: Path) -> bool:
    """Take out what is at a path; whether there was anything."""
    inner = rules
    for part in path[:-1]:
        inner = inner[part] if part in keys_of(inner) else None
    if not path or path[-1] not in keys_of(inner):
        return False
    del inner[path[-1]]
    return True


def _types(rules: dict[str, Any], catalogue: Catalogue) -> list[str]:
    """Return the event types, and the benefit, that the rules name."""
    on = rules["on"]
    started = [starts_on(on, catalogue) or "", *on.values()] if isinstance(on, dict) else [on]
    others = (each["on"] for key in _OTHERS for each in rules.get(key, ()))
    return [*started, *others, *(rules.get("replies") or {}).values()]


def quoted_in(bad: BadTrigger) -> str | None:
    """Return the name that the problem is about."""
    quoted = _QUOTED.search(bad.problem)
    return quoted[1] if quoted else None


def place_of(document: Document, bad: BadTrigger, texts: Collection[str]) -> Place:
    """Return the place of the problem; `texts`: the keys that hold CEL, in which a name can be searched for."""
    if bad.path[-1] not in texts:
        return document.value(bad.path)
    quoted = quoted_in(bad) or ""
    return document.inside(bad.path, bad.line, quoted if _ROOTED.match(quoted) else "", bad.column)


def _roles(bad: BadTrigger, rules: dict[str, Any], catalogue: Catalogue) -> Iterator[Words]:
    """Yield the list of the event's roles, for an author who wrote a role that resembles none of them."""
    type_ = catalogue.kinds[str(starts_on(rules["on"], catalogue))] if bad.path == ("to",) else None
    if type_ is not None and type_.roles:
        yield Words("it names {names}", names=", ".join(sorted(type_.roles)))


def _fields(bad: BadTrigger, rules: dict[str, Any], catalogue: Catalogue) -> Iterator[Words]:
    """Yield the list of the fields of an event, for an author who wrote one that resembles none of them."""
    root, dot, _ = (quoted_in(bad) or "").partition(".")
    if not dot or root not in ("event", "later") or not _NO_FIELD.search(bad.problem):
        return
    of = rules[bad.path[0]][bad.path[1]] if root == "later" and bad.path[0] in _OTHERS else rules
    type_ = catalogue.kinds[str(starts_on(of["on"], catalogue))]
    names = sorted(f"{root}.{name}" for name in type_.variables())
    listed = Words("there are: {names}", names=", ".join(names[:MOST_NAMED]))
    more = len(names) - MOST_NAMED
    yield Words("{listed} and {count} more", listed=listed, count=more) if more > 0 else listed


def _meant(bad: BadTrigger, rules: dict[str, Any], catalogue: Catalogue) -> str | None:
    if (quoted := quoted_in(bad)) is None or quoted == COMPLETE:
        return None
    if bad.path[0] == "on" and isinstance(rules["on"], dict):
        return closest(quoted, catalogue.benefits)
    if bad.path[-1] == "on" or bad.path[0] == "replies":
        return closest(quoted, catalogue.types)
    type_ = catalogue.kinds[str(starts_on(rules["on"], catalogue))]
    if bad.path == ("to",):
        return closest(quoted, type_.roles)
    other = rules[bad.path[0]][bad.path[1]] if bad.path[0] in _OTHERS and len(bad.path) > 1 else rules
    later = catalogue.kinds[str(starts_on(other["on"], catalogue))]
    names = [f"event.{name}" for name in type_.variables()] + [f"later.{name}" for name in later.variables()]
    names += [COMPLETE] if "with" in rules else []
    names += [ONCE] if bad.path == ("occurrence",) else []
    names += ENTITLED if isinstance(rules["on"], dict) else ()
    role, dot, field = quoted.partition(".")
    inner = field if dot and role in type_.roles else quoted  # child.born_on, where the event says when it was born
    if f"event.{inner}" in names:
        return f"event.{inner}"
    return closest(quoted, [*names, *catalogue.citizen_variables(), *catalogue.parameter_variables()])
