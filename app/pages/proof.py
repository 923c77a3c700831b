"""The letter of proof of one nudge, to be read and printed: what its file of proof says, and how to check that."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from msgspec import Struct

from app.pages.catalogues import LANGUAGES, Speech
from app.pages.layout import self_contained_page
from app.pages.life import details_of, word_for
from app.pages.messages import channels_of, text_and_title
from app.pages.pack_names import names_of
from app.reports.life_words import CHANNELS
from domain.core.translatable import N_
from domain.facts.chain import Block
from domain.rules.event_types import NO_OFFICE
from projections.tables import moment
from streams.queries.evidence import Evidence
from streams.rules.in_force import Rules

ABOUT: Final[Mapping[str, str]] = {
    "rule": N_("the rule"),
    "event": N_("the event"),
    "person": N_("the person"),
    "nudge": N_("the message"),
}
"""Kind of a fact in evidence -> its words."""


class ProofFile(Struct, frozen=True):
    """The file of proof: its name, its SHA-256, the public key that signed it, and the time when it was made."""

    name: str
    digest: str
    key: str
    made_at: datetime


class Sent(Struct, frozen=True):
    """A message that a recipient was sent."""

    rows: tuple[tuple[str, str], ...]
    language: str
    caption: str
    text: str


def proof_letter(found: Evidence, file: ProofFile, rules: Rules, speech: Speech) -> str:
    """Return the letter as a page that needs no other file."""
    why, say = found.why, speech.say
    return self_contained_page(
        "proof.html",
        speech,
        title=speech.titled(why.title) or say("Daily summary"),
        office=names_of(rules, speech).office(why.agency) if why.agency else say("Daily summary"),
        emblem=rules.catalogue.offices.get(why.agency, NO_OFFICE).emblem or "bell",
        about=[(say("Id of the message"), str(why.nudge)), (say("This proof was made"), speech.moment(file.made_at))],
        sent=list(_sent(found, speech)),
        told=details_of(why, rules, speech),
        version=why.version,
        facts=[
            (str(each.entry.position), word_for(ABOUT, each.of, speech), each.stored[3], str(each.block))
            for each in found.facts
        ],
        blocks=[_block(each.block, speech) for each in found.chain],
        file=file,
    )


def _block(block: Block, speech: Speech) -> tuple[tuple[str, str], ...]:
    return (
        (speech.say("Block"), str(block.number)),
        (speech.say("When"), speech.moment(moment(block.at))),
        (speech.say("Facts"), speech.number(block.count)),
        (speech.say("Its digest"), block.digest.hex()),
        (speech.say("Digest of its facts"), block.root.hex()),
    )


def _sent(found: Evidence, speech: Speech) -> Iterator[Sent]:
    channels = channels_of(found.why)
    by = ", ".join(word_for(CHANNELS, each, speech) for each in channels) or speech.say("not sent")
    for recipient, words in found.why.words.items():
        text, caption = text_and_title(words, channels)
        rows = (
            (speech.say("Recipient"), recipient),
            (speech.say("By"), by),
            (speech.say("Language"), LANGUAGES.get(words.language, words.language)),
        )
        yield Sent(rows, words.language, caption, text)
