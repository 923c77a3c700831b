"""A rule in words that its reader understands: a row for each part of its clause."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from app.packs import version_diff
from app.packs.version_diff import start_of
from app.pages.catalogues import Speech
from app.pages.naming import VALUES
from app.reports.life_words import CHANNELS
from domain.core.translatable import N_, Titles, Words
from domain.facts.governance import TriggerPublished, TriggerSubmitted
from domain.rules.errors import BadTrigger
from domain.rules.event_types import Catalogue
from streams.rules.in_force import Rules
from streams.rules.trigger_history import agency_titles
from templates.authoring.rule_sentences import Part, RuleWords
from templates.authoring.trigger_diff import ComparedVersion

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
    "due": N_("When"),
    "unless": N_("Exception"),
    "replies": N_("What an answer does"),
    "expires": N_("How long it is of use"),
}


class Clause(Struct, frozen=True):
    """A rule: its clause, whose it is, its class, and by which law."""

    clause: Mapping[str, Any]
    agency: str
    klass: str
    legal_basis: Titles


def rule_in_words(rule: Clause, rules: Rules, speech: Speech) -> Iterator[tuple[str, str]]:
    """Yield a rule in plain words, in rows of a name and a value."""
    office = speech.titled(agency_titles(rules).get(rule.agency, {}))
    yield speech.say("Who made the rule"), office or rule.agency
    yield from ((speech.say(PARTS[part]), text) for part, text in parts_in_words(rule.clause, rules, speech))
    yield speech.say("Kind of message"), speech.say(CLASSES[rule.klass])
    yield speech.say("Legal basis"), speech.titled(rule.legal_basis)


def parts_in_words(clause: Mapping[str, Any], rules: Rules, speech: Speech) -> Iterator[tuple[Part, str]]:
    """Yield the sentences of a clause, each with what it is about."""
    words = in_words(rules.governed.contents, rules.catalogue, speech.language, start_of(clause))
    yield from ((part, speech.tell(sentence)) for part, sentence in words.parts(clause))


def full_clause(fact: TriggerPublished | TriggerSubmitted, rules: Rules, speech: Speech) -> Mapping[str, Any]:
    """Return the clause of a version, with what it leaves to its benefit to say if it fits the published packs."""
    side = compared_version(fact, rules, speech)
    return fact.rules if side is None else version_diff.clause_of(side)


def compared_version(
    fact: TriggerPublished | TriggerSubmitted, rules: Rules, speech: Speech
) -> ComparedVersion | None:
    """Return a version, ready to be described; None where it does not fit the published packs."""
    try:
        return version_diff.version_of(rules.governed.contents, [fact], VALUES).side(fact.trigger, speech.language)
    except BadTrigger:
        return None


def channels_row(rules: Mapping[str, Any], speech: Speech) -> tuple[str, str]:
    """Return how a rule's messages are sent, as a row of a name and a value."""
    first, *others = [speech.say(CHANNELS[each]) for each in rules["channels"]]
    unopened = rules.get("cascade") == "until_opened"
    words = (
        N_("{first}; only if it is not opened: {others}") if unopened else N_("{first}; only if that fails: {others}")
    )
    value = speech.tell(Words(words, first=first, others=", ".join(others))) if others else first
    return speech.say("How it is sent"), value


def in_words(
    contents: Iterable[Mapping[str, Any]], catalogue: Catalogue, language: str, start: str = ""
) -> RuleWords:
    """Return the wording of clauses for a page's reader, with our names of values: see `version_diff.in_words`."""
    return version_diff.in_words(contents, catalogue, language, start, VALUES)
