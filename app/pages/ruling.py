"""A rule in words that its reader understands: a row for each part of its clause."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from app.packs.version_diff import READ_OF, rule_words
from app.pages.catalogues import Speech
from app.pages.naming import VALUES
from domain.core.translatable import N_, Words
from domain.rules.event_types import Catalogue, Titles
from streams.rules.in_force import Rules
from streams.rules.trigger_history import pack_titles
from templates.authoring.rule_sentences import Part, RuleWords
from templates.words.field_words import FIELDS, field_word

CLASSES: Final[Mapping[str, str]] = {
    "emergency": N_("danger to life"),
    "legal": N_("required by law"),
    "service": N_("about a service"),
    "reminder": N_("reminder"),
    "offer": N_("offer"),
}
PARTS: Final[Mapping[Part, str]] = {
    "start": N_("The rule"),
    "to": N_("Who is told"),
    "due": N_("When it is sent"),
    "unless": N_("When it is not sent"),
    "replies": N_("What an answer does"),
    "expires": N_("How long it is of use"),
}


class Clause(Struct, frozen=True):
    """A rule: its clause, whose it is, its class, and by which law."""

    clause: Mapping[str, Any]
    agency: str
    klass: str
    legal_basis: Titles


def rule_told(rule: Clause, rules: Rules, speech: Speech) -> Iterator[tuple[str, str]]:
    """Yield a rule in plain words, in rows of a name and a value."""
    office = speech.titled(pack_titles(rules, "agencies").get(rule.agency, {}))
    yield speech.say("Who made the rule"), office or rule.agency
    words = in_words(rules.governed.contents, rules.catalogue, speech.language, start_of(rule.clause))
    for part, sentence in words.parts(rule.clause):
        yield speech.say(PARTS[part]), speech.tell(sentence)
    yield speech.say("Kind of message"), speech.say(CLASSES[rule.klass])
    yield speech.say("Legal basis"), speech.titled(rule.legal_basis)


def start_of(clause: Mapping[str, Any]) -> str:
    """Return the event type that a clause starts on; empty where it starts on an entitlement."""
    on = clause.get("on")
    return on if isinstance(on, str) else ""


def in_words(
    contents: Iterable[Mapping[str, Any]], catalogue: Catalogue, language: str, start: str = ""
) -> RuleWords:
    """Return the wording of clauses, with the titles of the packs and our words for fields and values.

    `start`: the event type that a clause starts on, whose fields then have its own titles.
    """
    titles = rule_words(contents, catalogue, language, start).titles
    paths = {path for type_ in catalogue.types.values() for path in type_.fields if "." in path}
    texts = {**FIELDS, **{path: word for path in paths if (word := field_word(path))}}
    fields = {f"{root}.{name}": Words(text) for name, text in texts.items() for root in READ_OF}
    values = {f'"{value}"': Words(text) for value, text in VALUES.items()}
    return RuleWords({**fields, **values, **titles})
