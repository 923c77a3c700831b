"""Names of events, fields, values, benefits and offices as a reader calls them: from the packs, else our words."""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from app.pages.catalogues import Speech
from app.pages.naming import VALUES
from app.pages.rule_words import in_words
from domain.core.plain import PlainData
from domain.core.translatable import Lowered, Number, Titles
from domain.rules.event_types import Catalogue, EventType, field_titles
from streams.rules.in_force import Rules
from templates.words.field_words import field_word

_PSEUDONYM = re.compile(r"[0-9a-f]{32}")


class Names:
    """The names of things in the reader's language."""

    def __init__(
        self, contents: Iterable[Mapping[str, Any]], catalogue: Catalogue, speech: Speech, start: str = ""
    ) -> None:
        contents = list(contents)
        self.speech, self.types = speech, catalogue.types
        self._titles = in_words(contents, catalogue, speech.language, start).titles
        self._offices: dict[str, Titles] = {
            name: office["title"] for content in contents for name, office in (content.get("agencies") or {}).items()
        }

    def type(self, name: str) -> EventType | None:
        """Return the event type; None if no pack has it any more."""
        return self.types.get(name)

    def event(self, name: str) -> str:
        """Return an event type's title, as it stands within a sentence."""
        return Lowered(self._titles.get(name, name))

    def heading(self, event_type: str) -> str:
        """Return an event type's title by itself."""
        return self.speech.tell(self._titles.get(event_type, event_type))

    def benefit(self, name: str) -> str:
        """Return a benefit's title."""
        return self.speech.tell(self._titles.get(name, _spoken(name)))

    def by_office(self, types: Iterable[EventType], first: str = "") -> list[tuple[str, list[tuple[str, str]]]]:
        """Return event types under the offices that report them, each by name and title; `first`: an agency."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for each in types:
            groups.setdefault(each.agency, []).append((each.name, self.heading(each.name)))
        titled = [(agency != first, self.office(agency), agency) for agency in groups]
        return [(title, sorted(groups[agency], key=lambda each: each[1])) for _, title, agency in sorted(titled)]

    @property
    def search_words(self) -> Mapping[str, str]:
        """Return the everyday words by which lists find an event type, of all languages, by its name."""
        return {
            name: " ".join(word for words in type_.search_words.values() for word in words)
            for name, type_ in self.types.items()
        }

    def office(self, agency: str) -> str:
        """Return an agency's title."""
        return self.speech.titled(self._offices.get(agency, {})) or agency

    def field(self, dotted: str) -> str:
        """Return the name of a field, an attribute or a parameter, as it stands within a sentence."""
        root, _, field = dotted.partition(".")
        own = (field_word(field) if root != "param" else "") or _spoken(field)
        text = self._titles.get(dotted) or self.speech.say(own)
        return self.speech.tell(Lowered(text))

    def heading_of(self, dotted: str) -> str:
        """Return the name of a field as a heading."""
        text = self.field(dotted)
        return text[:1].upper() + text[1:]

    def heading_in(self, type_: EventType | None, path: str) -> str:
        """Return the name of a field of an event type as a heading: its own title, else as `heading_of`."""
        title = self.speech.titled(field_titles(type_.schema).get(path, {})) if type_ is not None else ""
        return title[:1].upper() + title[1:] or self.heading_of(f"event.{path}")

    def has_word(self, value: PlainData) -> bool:
        """Return True for a value of an enumeration."""
        return isinstance(value, str) and value in VALUES

    def value(self, value: PlainData) -> str:
        """Return a value as people write it."""
        speech = self.speech
        match value:
            case datetime():
                return speech.moment(value)
            case bool():
                return speech.say("yes") if value else speech.say("no")
            case int() | float():
                return speech.tell(Number(value))
            case list() | tuple():
                return ", ".join(map(self.value, value))
        return self._text(str(value))

    def _text(self, text: str) -> str:
        if is_pseudonym(text):
            return self.speech.say("a person named in the event")
        if (day := day_of(text)) is not None:
            return self.speech.day(day)
        if text in self.types:
            return f"«{self.heading(text)}»"
        return self.speech.say(VALUES[text]) if text in VALUES else text.replace("_", " ")


def names_of(rules: Rules, speech: Speech, start: str = "") -> Names:
    """Return the names by the rules in force. `start`: the event type whose fields are spoken of."""
    return Names(rules.governed.contents, rules.catalogue, speech, start)


def is_pseudonym(value: PlainData) -> bool:
    """Return True for a value that names a person."""
    return isinstance(value, str) and _PSEUDONYM.fullmatch(value) is not None


def day_of(value: PlainData) -> date | None:
    """Return the day that a value is; None if it is none."""
    if isinstance(value, datetime):
        return value.date()
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _spoken(name: str) -> str:
    return name.replace("_", " ").replace(".", " ")
