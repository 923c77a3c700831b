"""Which way each attempt went: by what channel and in what language, which the facts after it no longer say."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import Connection

from domain.built_in import DIGEST
from domain.facts import (
    NudgeAnswered,
    NudgeAttempted,
    NudgeDelivered,
    NudgeDone,
    NudgeFact,
    NudgeOpened,
    NudgeSent,
)
from streams.log import Log
from streams.mapper import Entry

TELLING = (NudgeSent, NudgeDelivered, NudgeOpened, NudgeAnswered, NudgeDone)
"""What an attempt came to, where it went well: each is counted by the way of its attempt."""
Whose = tuple[UUID, str]
"""A delivery: its nudge and its recipient."""


class Ways:
    """The ways of attempts, as `sms.kk`; only `sms` where nobody knows the language."""

    def __init__(self, attempts: Iterable[Entry] = ()) -> None:
        self._of: dict[tuple[Whose, int], str] = {}
        self._last: dict[Whose, str] = {}
        for entry in attempts:
            self.of(entry.originator_id, entry.fact)  # type: ignore[arg-type]  # of streams of nudges

    def of(self, nudge: UUID, fact: NudgeFact) -> str:
        """The way of the attempt that a fact is about, or that it is; empty where it is about none."""
        if isinstance(fact, NudgeAttempted):
            whose = (nudge, fact.recipient)
            self._of[whose, fact.attempt] = self._last[whose] = _way(fact)
            return self._last[whose]
        if isinstance(fact, NudgeAnswered):
            return self._last.get((nudge, fact.recipient), "")
        return self._of.get(((nudge, fact.recipient), fact.attempt), "") if isinstance(fact, TELLING) else ""


def attempts_before(connection: Connection, log: Log, entries: Sequence[Entry]) -> list[Entry]:
    """The attempts before the entries of the nudges of which these tell what came of an attempt not among them."""
    found = log.streams(connection, _untold(entries), (NudgeAttempted.TOPIC,))
    return [each for each in found if each.position < entries[0].position]


def _untold(entries: Iterable[Entry]) -> set[UUID]:
    ways, found = Ways(), set()
    for entry in entries:
        fact = entry.fact
        if isinstance(fact, NudgeAttempted):
            ways.of(entry.originator_id, fact)
        elif isinstance(fact, TELLING) and not ways.of(entry.originator_id, fact):
            found.add(entry.originator_id)
    return found


def _way(fact: NudgeAttempted) -> str:
    """What goes with a digest costs no message of its own."""
    channel = DIGEST if fact.provider == DIGEST else fact.channel
    return f"{channel}.{fact.language}" if fact.language else channel
