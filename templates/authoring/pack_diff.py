"""Changes between two versions of a pack outside its triggers, in terms of meaning, and the triggers that they
concern.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from msgspec import Struct

from domain.conditions.language import essence
from domain.core.plain import PlainData
from templates.authoring.event_type_diff import change_in_words, type_changes
from templates.authoring.rule_sentences import RuleWords
from templates.checks.dependents import Dependents

PackGroup = Literal["defaults", "event types", "attributes", "parameters", "benefits", "services"]
PACK_GROUPS: tuple[PackGroup, ...] = ("defaults", "event types", "attributes", "parameters", "benefits", "services")
_OWN = "Who chose no {what} of their own is concerned"
_DEFAULTS: Mapping[str, tuple[str, str]] = {
    "language": ("The language of messages", _OWN.format(what="language")),
    "languages": ("The languages of all words", "Everybody is concerned"),
    "zone": ("The time zone", _OWN.format(what="time zone") + ": when messages are due, quiet hours, birthdays"),
    "quiet_hours": ("The time in which nobody is disturbed", _OWN.format(what="quiet hours")),
    "cap": ("The most messages that reach one person", "Everybody is concerned, but never by a legal message"),
    "age_of_majority": ("The age from which people are told themselves", "Who is between both ages is concerned"),
}
_OF_PACK: Mapping[str, tuple[str, str]] = {
    "holidays": ("The calendar of working days", "Every trigger that counts working days is concerned"),
    "area_levels": ("How area codes nest", "The residents of all areas are concerned"),
    "live_from": (
        "The day from which its versions look and send",
        "Whatever happened between both days is concerned",
    ),
    "emergencies": (
        "Who may warn of danger to life or limb, and of what",
        "Everybody is concerned: such messages override quiet hours, opt-outs, caps and rates",
    ),
    "legal_proof": ("For how long legal notices must be proven", "Every limit of content is concerned"),
    "national_id": ("The rule for national ids", "Every event that names somebody is concerned"),
}
Content = Mapping[str, Any]


class PackChange(Struct, frozen=True):
    """A difference outside the triggers: a sentence for people, both values, and who reads it."""

    group: PackGroup
    about: str
    sentence: str
    before: Any = None
    after: Any = None
    triggers: tuple[str, ...] = ()
    benefits: tuple[str, ...] = ()


class PackSide(Struct, frozen=True):
    """A version of a pack: its content as in the log, what depends on it, and the English titles of what it names."""

    content: Content
    dependents: Dependents
    words: RuleWords

    def group(self, key: str) -> Content:
        """Return a group of the content by name; events by their type, services by their id."""
        found: Any = self.content.get(key) or {}
        if key == "services":
            found = found.get("services") or []
        if isinstance(found, list):
            return {str(each.get("type") or each.get("id")): each for each in found}
        return dict(found)


def pack_changes(old: PackSide, new: PackSide) -> list[PackChange]:
    """Return all differences between two versions of a pack outside their triggers, group by group."""
    comparison = _Comparison(old, new)
    return [
        *comparison.defaults(),
        *comparison.events(),
        *comparison.attributes(),
        *comparison.parameters(),
        *comparison.benefits(),
        *comparison.services(),
    ]


class _Comparison:
    def __init__(self, old: PackSide, new: PackSide) -> None:
        self.old, self.new = old, new

    def _read(self, group: PackGroup, about: str, sentence: str, values: tuple[Any, Any], *names: str) -> PackChange:
        """Return a change with those who read any of these names, before or after."""
        sides = (self.old.dependents, self.new.dependents)
        triggers = sorted(set[str]().union(*(side.triggers(*names) for side in sides)))
        benefits = sorted(set[str]().union(*(side.benefits(*names) for side in sides)))
        asked = ["who asks `eligible` about it"] if group == "benefits" else []
        said = f"{sentence} {_concerned(asked, triggers, benefits)}"
        return PackChange(group, about, said, *values, tuple(triggers), tuple(benefits))

    def _pairs(self, key: str) -> Iterator[tuple[str, Any, Any]]:
        """Yield the differences within a group of either side: the name and both contents."""
        before, after = self.old.group(key), self.new.group(key)
        for name in [*before, *(each for each in after if each not in before)]:
            if before.get(name) != after.get(name):
                yield name, before.get(name), after.get(name)

    def defaults(self) -> Iterator[PackChange]:
        """Yield changes of the defaults, and of the values for the whole pack."""
        for name, one, other in self._pairs("defaults"):
            what, whom = _DEFAULTS[name]
            sentence = change_in_words(what, _default(name, one), _default(name, other))
            yield PackChange("defaults", name, f"{sentence} {whom}.", one, other)
        for name, (what, whom) in _OF_PACK.items():
            one, other = self.old.content.get(name), self.new.content.get(name)
            if one != other:
                sentence = change_in_words(what, _default(name, one), _default(name, other))
                yield PackChange("defaults", name, f"{sentence} {whom}.", one, other)

    def events(self) -> Iterator[PackChange]:
        """Yield changes of event types: new and removed ones, their fields and effects."""
        for name, one, other in self._pairs("events"):
            if one is None or other is None:
                sentence = f"The event type {name} is {'new' if one is None else 'gone'}."
                yield self._read("event types", name, sentence, (None, None), name)
                continue
            for change in type_changes(one, other):
                about = f"{name}.{change.about}" if change.field else name
                yield self._read(
                    "event types", about, f"{name}: {change.sentence}", change.values, *change.names_read(name)
                )

    def attributes(self) -> Iterator[PackChange]:
        """Yield changes of a person's attributes."""
        for name, one, other in self._pairs("attributes"):
            kinds = tuple(None if each is None else each["type"] for each in (one, other))
            if kinds[0] != kinds[1]:
                sentence = change_in_words(f"The attribute {name}", *kinds)
                yield self._read("attributes", name, sentence, (kinds[0], kinds[1]), f"citizen.{name}")

    def parameters(self) -> Iterator[PackChange]:
        """Yield the values of the law, day by day."""
        for name, one, other in self._pairs("parameters"):
            before, after = ((each or {}).get("values") or {} for each in (one, other))
            for day in sorted({*before, *after}):
                if before.get(day) != after.get(day):
                    sentence = change_in_words(f"From {day} on, {name}", before.get(day), after.get(day))
                    values = (before.get(day), after.get(day))
                    yield self._read("parameters", f"{name}.{day}", sentence, values, f"param.{name}")

    def benefits(self) -> Iterator[PackChange]:
        """Yield changes of benefits and their conditions."""
        for name, one, other in self._pairs("benefits"):
            if one is None or other is None:
                sentence = f"The benefit {name} is {'new' if one is None else 'gone'}."
                yield self._read("benefits", name, sentence, (None, None), f"benefit.{name}")
                continue
            for key in [*one, *(each for each in other if each not in one)]:
                if _essence(one.get(key)) != _essence(other.get(key)):
                    said = [
                        self._said(side, key, each.get(key)) for side, each in ((self.old, one), (self.new, other))
                    ]
                    sentence = f"{name}: {change_in_words(_BENEFIT.get(key, key), *said)}"
                    values = (one.get(key), other.get(key))
                    yield self._read("benefits", f"{name}.{key}", sentence, values, f"benefit.{name}")

    @staticmethod
    def _said(side: PackSide, key: str, value: PlainData) -> PlainData:
        if key == "conditions":
            return [side.words.condition(each["when"]) for each in value or ()]
        if key == "unless":
            return [side.words.title(each["on"]) for each in value or ()]
        return value

    def services(self) -> Iterator[PackChange]:
        """Yield changes of the links that nudges and assistants show."""
        for name, one, other in self._pairs("services"):
            links = tuple(None if each is None else each.get("link") for each in (one, other))
            if links[0] != links[1]:
                sentence = change_in_words(f"The link of {name}", *links)
                yield PackChange("services", name, sentence, links[0], links[1])


_BENEFIT: Mapping[str, str] = {
    "on": "what it is about",
    "to": "whose it is",
    "from": "its first day",
    "until": "the day on which it is over",
    "conditions": "what must hold",
    "unless": "by what it was had already",
    "amount": "the amount",
    "amount_as_of": "by the law of which day the amount goes",
    "per": "how often it is paid",
    "clause": "the law",
    "agency": "the agency",
    "title": "the title",
}


_EXPRESSIONS = ("when", "amount")
"""The keys of a benefit that hold CEL."""


def _essence(value: PlainData) -> PlainData:
    """Return the value, but for the layout of the texts in it."""
    if isinstance(value, dict):
        return {
            key: essence(each) if key in _EXPRESSIONS and isinstance(each, str) else _essence(each)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [_essence(each) for each in value]
    return " ".join(value.split()) if isinstance(value, str) else value


def _default(name: str, value: PlainData) -> PlainData:
    """Return a default as people say it."""
    if value is None:
        return None
    if name == "quiet_hours":
        return f"{value['from']} to {value['to']}"
    if name == "emergencies":
        return f"{', '.join(value['agencies'])} of {', '.join(value['categories'])}"
    return f"{value['messages']} in {value['days']} days" if name == "cap" else value


def _concerned(asked: list[str], triggers: list[str], benefits: list[str]) -> str:
    found = [*asked, *([f"the triggers {', '.join(triggers)}"] if triggers else [])]
    found += [f"the benefits {', '.join(benefits)}"] if benefits else []
    return f"It concerns {' and '.join(found)}." if found else "No trigger and no benefit reads it."
