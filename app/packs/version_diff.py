"""Versions of triggers and packs side by side: what changes for citizens between them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from domain.core.translatable import Joined, Words
from domain.facts.governance import TriggerPublished, TriggerSubmitted
from domain.rules.event_types import Catalogue, field_titles
from domain.rules.trigger_compiling import compile_trigger
from templates.authoring.pack_diff import PackSide
from templates.authoring.rule_sentences import RuleWords
from templates.authoring.trigger_diff import Change, ComparedVersion, changes
from templates.checks.dependents import Dependents
from templates.checks.loader import TriggerSource
from templates.reading.catalogue import catalogue_of
from templates.words.field_words import FIELDS, field_word

ENGLISH = "en"
NOTHING_NAMED: Mapping[str, str] = {}


class Version(Struct, frozen=True):
    """Packs as they were at one time: their contents, and the triggers to be compared.

    `every`: these and all others, which may depend on what changes; `pack`: the content of the pack that is compared
    as a whole (None: a trigger is). `named`: as `in_words`.
    """

    contents: Sequence[Mapping[str, Any]]
    triggers: Mapping[str, TriggerSource]
    every: Mapping[str, TriggerSource]
    pack: Mapping[str, Any] | None = None
    named: Mapping[str, str] = NOTHING_NAMED

    def side(self, name: str, language: str = "") -> ComparedVersion:
        """Return a trigger ready to be compared. `language`: of a page's reader; empty: English, names as written."""
        catalogue, source = catalogue_of(self.contents), self.triggers[name]
        words = in_words(self.contents, catalogue, language, start_of(source.rules), self.named) if language else None
        words = words or rule_words(self.contents, catalogue)
        return ComparedVersion(source, compile_trigger(name, source.rules, catalogue), words)

    def pack_side(self, pack: Mapping[str, Any]) -> PackSide:
        """Return the pack, ready to be compared, with what depends on it."""
        catalogue = catalogue_of(self.contents)
        triggers = [(compile_trigger(name, each.rules, catalogue), each) for name, each in self.every.items()]
        return PackSide(pack, Dependents(catalogue, triggers), rule_words(self.contents, catalogue))


READ_OF = ("event", "later", "entitled")
"""What rules read an event's fields of."""


def rule_words(
    contents: Iterable[Mapping[str, Any]], catalogue: Catalogue, language: str = ENGLISH, start: str = ""
) -> RuleWords:
    """Return the wording of clauses, with the titles of these packs in that language.

    `start`: the event type that a clause starts on, whose fields then have its own titles.
    """
    titles = {type_.name: _title(type_.title, language) for type_ in catalogue.types.values()} | {
        f"citizen.{attribute}": _title(declared["title"], language)
        for content in contents
        for attribute, declared in (content.get("attributes") or {}).items()
    }
    titles |= {benefit.name: _title(benefit.title, language) for benefit in catalogue.benefits.values()} | {
        f"param.{name}": _title(each.content["title"], language) for name, each in catalogue.parameters.items()
    }
    return RuleWords({"citizen.age": Words("Age")} | titles | _field_titles(catalogue, language, start))


def start_of(clause: Mapping[str, Any]) -> str:
    """Return the event type that a clause starts on; empty where it starts on an entitlement."""
    on = clause.get("on")
    return on if isinstance(on, str) else ""


def in_words(
    contents: Iterable[Mapping[str, Any]],
    catalogue: Catalogue,
    language: str,
    start: str = "",
    named: Mapping[str, str] = NOTHING_NAMED,
) -> RuleWords:
    """Return the wording of clauses, with the titles of the packs and our words for fields and values.

    `start`: the event type that a clause starts on, whose fields then have its own titles. `named`: value -> its
    name, in English.
    """
    titles = rule_words(contents, catalogue, language, start).titles
    paths = {path for type_ in catalogue.types.values() for path in type_.fields if "." in path}
    texts = {**FIELDS, **{path: word for path in paths if (word := field_word(path))}}
    fields = {f"{root}.{name}": Words(text) for name, text in texts.items() for root in READ_OF}
    values = {f'"{value}"': Words(text) for value, text in named.items()}
    return RuleWords({**fields, **values, **titles})


def _field_titles(catalogue: Catalogue, language: str, start: str) -> dict[str, str]:
    """Return the titles of fields: those on which all event types with such a field agree, and those of `start`."""
    of_types = {type_.name: field_titles(type_.schema) for type_ in catalogue.types.values()}
    found: dict[str, set[str]] = {}
    for type_ in catalogue.types.values():
        for path in (*type_.fields, *type_.roles):
            title = of_types[type_.name].get(path)
            found.setdefault(path, set()).add("" if title is None else _title(title, language))
    agreed = {path: min(titles) for path, titles in found.items() if len(titles) == 1 and "" not in titles}
    own = {f"event.{path}": _title(title, language) for path, title in of_types.get(start, {}).items()}
    return {f"{root}.{path}": title for root in READ_OF for path, title in agreed.items()} | own


def version_of(
    contents: Sequence[Mapping[str, Any]],
    facts: Iterable[TriggerPublished | TriggerSubmitted],
    named: Mapping[str, str] = NOTHING_NAMED,
) -> Version:
    """Packs and triggers as the log has them. `named`: as `in_words`."""
    triggers = {fact.trigger: source_of(fact) for fact in facts}
    return Version(contents, triggers, triggers, named=named)


def source_of(fact: TriggerPublished | TriggerSubmitted) -> TriggerSource:
    """Return the trigger as the log has it."""
    words = {language: dict(texts) for language, texts in fact.words.items()}
    return TriggerSource(fact.trigger, dict(fact.rules), words, fact.hash)


def changed_triggers(old: Version, new: Version, language: str = "") -> Iterator[tuple[str, list[Change]]]:
    """Yield each trigger that differs, with the changes for citizens; `language`: as `side`."""
    for name in sorted(old.triggers.keys() | new.triggers.keys()):
        if name not in new.triggers:
            yield name, [Change("who", "", Words("This trigger is gone."))]
        elif name not in old.triggers:
            told = Joined([Words("This trigger is new."), *rule_sentences(new.side(name, language))])
            yield name, [Change("who", "", told)]
        elif differences := changes(old.side(name, language), new.side(name, language)):
            yield name, differences


def rule_sentences(side: ComparedVersion) -> Iterator[str]:
    """Return a trigger's rule, sentence by sentence."""
    return side.words.sentences(clause_of(side))


def clause_of(side: ComparedVersion) -> Mapping[str, Any]:
    """Return a trigger's rule, with what it leaves to its benefit to say."""
    to = {} if side.trigger.entitlement is None else {"to": sorted(side.trigger.to)}
    return {**side.source.rules, **to}


def _title(title: Mapping[str, str], language: str) -> str:
    return title.get(language) or title.get(ENGLISH) or next(iter(title.values()))
