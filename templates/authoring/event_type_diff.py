"""Changes between two versions of an event type, in terms of meaning."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from domain.core.plain import PlainData
from templates.authoring.value_words import said_plainly

Content = Mapping[str, Any]
_WHOLE: Mapping[str, str] = {
    "subject": "the role of its subject",
    "area": "the field of its area",
    "ends_life": "that it ends a life",
    "agency": "the agency that reports it",
    "forbidden": "what it must never carry",
    "title": "its title",
    "search_words": "the words by which it is found",
    "retention": "for how long its content can be read",
    "ahead": "how far in the future it may be dated",
}


class TypeChange(Struct, frozen=True):
    """A difference in an event type; `field`: it is about a field of that path.

    `attributes`: those of a person that are set otherwise.
    """

    about: str
    sentence: str
    values: tuple[Any, Any]
    field: bool = False
    attributes: tuple[str, ...] = ()

    def names_read(self, type_: str) -> tuple[str, ...]:
        """Return the names under which whoever reads it reads it (see templates.checks.dependents)."""
        if self.attributes:
            return self.attributes
        return (f"{type_}.{self.about}",) if self.field else (type_,)


def type_changes(old: Content, new: Content) -> Iterator[TypeChange]:
    """Yield all differences between two versions of an event type."""
    for key, what in _WHOLE.items():
        if old.get(key) != new.get(key):
            yield TypeChange(key, change_in_words(what, old.get(key), new.get(key)), (old.get(key), new.get(key)))
    yield from _fields("", old["data"], new["data"])
    yield from _settings(old.get("sets") or {}, new.get("sets") or {})


def _fields(prefix: str, old: Content, new: Content) -> Iterator[TypeChange]:
    before, after = old.get("properties") or {}, new.get("properties") or {}
    for name in [*before, *(each for each in after if each not in before)]:
        path, one, other = prefix + name, before.get(name), after.get(name)
        if one is None or other is None:
            yield TypeChange(
                path, f"the field {path} is {'new' if one is None else 'gone'}.", (one, other), field=True
            )
            continue
        required = [name in (schema.get("required") or ()) for schema in (old, new)]
        if required[0] != required[1]:
            sentence = f"the field {path} {'must be there now' if required[1] else 'may be missing now'}."
            yield TypeChange(path, sentence, (required[0], required[1]), field=True)
        yield from _property(path, one, other)


def _property(path: str, one: Content, other: Content) -> Iterator[TypeChange]:
    for key in [*one, *(each for each in other if each not in one)]:
        if key not in ("properties", "required") and one.get(key) != other.get(key):
            values = (one.get(key), other.get(key))
            what = f"what people call {path}" if key == "x-title" else f"the {key} of {path}"
            yield TypeChange(path, change_in_words(what, *values), values, field=True)
    yield from _fields(f"{path}.", one, other)


def _settings(old: Content, new: Content) -> Iterator[TypeChange]:
    for role in [*old, *(each for each in new if each not in old)]:
        before, after = old.get(role) or {}, new.get(role) or {}
        for name in [*before, *(each for each in after if each not in before)]:
            if (values := (before.get(name), after.get(name)))[0] != values[1]:
                sentence = change_in_words(f"what it sets as {name} of the {role}", *values)
                yield TypeChange(f"sets.{role}.{name}", sentence, values, attributes=(f"citizen.{name}",))


def change_in_words(what: str, before: PlainData, after: PlainData) -> str:
    """Return the new and the old value in a sentence."""
    return f"{what} is {said_plainly(after)}; before, {said_plainly(before)}."
