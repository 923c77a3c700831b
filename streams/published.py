"""The published version of a trigger, as it was written; read from the log, never from disk."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection

from domain.governance import PackPublished, TriggerPublished, TriggerWithdrawn
from projections import governance
from streams.log import Log
from templates.loader import TriggerSource


class Published(Struct, frozen=True):
    """What is published: each pack's content, and each trigger's latest version by name."""

    packs: Sequence[Mapping[str, Any]]
    triggers: Mapping[str, TriggerSource]


def published(connection: Connection, log: Log) -> Published:
    """All that is published now."""
    packs: dict[str, Mapping[str, Any]] = {}
    triggers: dict[str, TriggerSource] = {}
    for entry in log.read(connection, governance.positions(connection)):
        match entry.fact:
            case PackPublished() as fact:
                packs[fact.pack] = fact.content
            case TriggerPublished() as fact:
                words = {language: dict(texts) for language, texts in fact.words.items()}
                triggers[fact.trigger] = TriggerSource(fact.trigger, dict(fact.rules), words, fact.hash)
            case TriggerWithdrawn() as fact:
                triggers.pop(fact.trigger, None)
    return Published(list(packs.values()), triggers)
