"""The workbench's names for things, in the reader's language."""

from collections.abc import Iterable, Mapping
from typing import Final

from app.pages.catalogues import Speech
from app.pages.life import STATES as LIFE
from app.pages.life import category, word_for
from app.reports.life_words import CHANNELS, REASON_WORDS
from domain.core.translatable import N_, Words
from domain.nudges.settle import PAUSED
from domain.rules.built_in_triggers import DIGEST
from streams.rules.governed import Governed
from templates.checks.loader import BUILT_IN

DONE: Final[Mapping[str, str]] = {
    "submitted": N_("handed in"),
    "approved": N_("approved"),
    "refused": N_("refused"),
    "commented": N_("commented on"),
    "published": N_("published"),
    "reach moved": N_("its reach was moved"),
    "withdrawn": N_("withdrawn"),
    "paused": N_("paused"),
    "resumed": N_("resumed"),
    "sent as test": N_("sent to a colleague as a test"),
    "stopped": N_("stopped by an operator"),
    "let go on": N_("let go on by an operator"),
}
STATES: Final[Mapping[str, tuple[str, str]]] = {
    "live": (N_("live"), "good"),
    "paused": (N_("paused"), "bad"),
    "stopped": (N_("stopped"), "bad"),
    "withdrawn": (N_("withdrawn"), ""),
    "waiting": (N_("waits for approval"), "note"),
    "approved": (N_("approved, not published"), "note"),
    "refused": (N_("refused"), "bad"),
    "draft": (N_("draft"), ""),
}
WHAT: Final[Mapping[str, str]] = {**LIFE, "attempted": N_("handed over")}
"""What became of messages, in counts."""

PUBLISHERS: Final[Mapping[str, str]] = {"pack": N_("shipped with the platform")}
"""Who publishes without being a person."""
PEOPLE: Final[Mapping[str, str]] = {
    "adult": N_("A woman of 34"),
    "pensioner": N_("A man of 67"),
    "parent": N_("A mother of 29"),
    "minor": N_("A boy of 12"),
    "sparse": N_("Nothing is known"),
}
"""The invented people for whom drafts are previewed."""


def not_among(name: str, known: Iterable[str]) -> str:
    """Say that a part of an address, made by hand, is none of those that there are."""
    return Words("{name}: must be one of {names}", name=name, names=", ".join(known))


def publisher_in_words(name: str, speech: Speech) -> str:
    """Return who published a version."""
    return word_for(PUBLISHERS, name, speech) if name in PUBLISHERS else name


def person_in_words(name: str, speech: Speech) -> str:
    """Return who an invented person is."""
    return word_for(PEOPLE, name, speech)


def people(speech: Speech) -> list[tuple[str, str]]:
    """Return the invented people: each by name and in words."""
    return [(name, person_in_words(name, speech)) for name in PEOPLE]


def topics_of(now: Governed, speech: Speech, *more: str) -> list[tuple[str, str]]:
    """Return the topics of what is published, and these: each by name and in words, by its words."""
    known = {str(each.fact.rules["category"]) for each in now.publications if each.fact.pack != BUILT_IN}
    named = ((each, category(each, speech)) for each in known.union(more) - {""})
    return sorted(named, key=lambda each: each[1])


def reason_in_words(word: str, speech: Speech) -> str:
    """Return the reason in words."""
    return word_for(REASON_WORDS, word, speech)


def channel_in_words(word: str, speech: Speech) -> str:
    """Return the name of the channel, or of the digest."""
    return word_for({**CHANNELS, DIGEST: N_("daily summary")}, word, speech) if word else speech.say("not known")


def share_in_words(share: float, speech: Speech) -> str:
    """Return the share of all persons in words."""
    return speech.say("everybody") if share == 1 else f"{speech.number(round(share * 100, 4))}\u202f%"


def state_of(now: Governed, trigger: str) -> str:
    """Return the state of the published trigger; empty where it was never published."""
    if now.current(trigger) is None:
        return "withdrawn" if any(each.fact.trigger == trigger for each in now.publications) else ""
    if ("trigger", trigger) in now.stopped:
        return "stopped"
    return "paused" if (PAUSED, trigger) in now.stopped else "live"
