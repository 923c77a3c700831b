"""Plays the digest: what exceeds the cap joins it, and goes with it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.digest import mirrored, travels
from domain.facts import NudgeAttempted, NudgeDeferred, NudgeFact, NudgeSent, NudgeWithheld
from domain.nudge import Nudge
from domain.settle import Decision, Defer, Digest, Send, Settlement, Withhold
from streams.cases import Case, decide_digest
from streams.overflow import Desk, Overflow
from streams.rules import Rules
from streams.wording import readable, render
from templates.render import Rendered

PLAYED = "played"
"""The provider of whatever is sent only on a virtual clock."""


class Book(Protocol):
    """Where whoever plays keeps the nudges."""

    now: datetime
    rules: Rules

    def find(self, id_: UUID) -> Nudge | None:
        """The nudge as it is now."""

    def keep(self, id_: UUID, fact: NudgeFact, words: str = "") -> None:
        """One more fact of a nudge."""

    def end(
        self,
        case: Case,
        fact: NudgeFact,
        *,
        because: str | None = None,
        channel: str | None = None,
        text: str = "",
        digest: bool = False,
    ) -> None:
        """The last fact of a delivery, and how it ended."""

    def went(self, case: Case, channel: str, rendered: Rendered) -> None:
        """A message was handed over."""

    def settlement(self, nudge: Nudge, recipient: str) -> Settlement:
        """What is decided about."""

    def case_of(self, settlement: Settlement, decision: Decision) -> Case:
        """The decision with all that its words need."""

    def carry_out(self, case: Case) -> None:
        """Do what was decided."""


def join_digest(book: Book, case: Case, decision: Digest) -> None:
    """It exceeds the cap: the first digest that has room takes it along."""
    desk, id_ = Desk(book.rules.rulebook.names, book.find), case.nudge.intent.id
    fact = desk.place(Overflow(case.settlement, decision, book.now))
    if isinstance(fact, NudgeWithheld):
        book.end(case, fact, because=fact.reason)
        return
    book.keep(id_, fact)
    for digest, each in desk.facts({id_}):
        book.keep(digest, each)


def go_together(book: Book, digest: Settlement) -> None:
    """A digest is due: whatever leaves it ends or waits by itself, and the others with it."""
    found = (book.find(id_) for id_ in digest.nudge.members)
    travelling = [one for one in found if one is not None and travels(one, digest.nudge)]
    to = digest.person.pseudonym
    settlements = [book.settlement(one, to) for one in travelling]
    case = readable(decide_digest(digest, settlements, book.now, book.case_of), book.rules, book.now)
    for each in case.leaving:
        book.carry_out(each)
    match case.decision:
        case Send(channel):
            _send(book, case, channel)
        case Defer(until, reason):
            book.keep(digest.nudge.intent.id, NudgeDeferred(book.now, to, until, reason.value))
        case Withhold(reason):
            _end(book, case, NudgeWithheld(book.now, to, reason.value), because=reason.value)


def _send(book: Book, case: Case, channel: str) -> None:
    to, id_ = case.recipient.pseudonym, case.nudge.intent.id
    rendered = render(case, book.rules, book.now)
    attempt = case.nudge.to(to).attempt + 1
    attempted = NudgeAttempted(book.now, to, attempt, channel, PLAYED, book.now)
    book.keep(id_, attempted)
    for each in case.members:
        theirs = mirrored(attempted, each.nudge.to(to))
        if theirs is not None:
            book.keep(each.nudge.intent.id, theirs)
    _end(book, case, NudgeSent(book.now, to, attempt, ""), channel=channel, text=words_of(rendered)[channel])
    book.went(case, channel, rendered)


def _end(
    book: Book, case: Case, fact: NudgeFact, *, because: str | None = None, channel: str | None = None, text: str = ""
) -> None:
    """The digest ends, and with it what goes with it."""
    book.keep(case.nudge.intent.id, fact)
    for each in case.members:
        now = book.find(each.nudge.intent.id) or each.nudge
        theirs = mirrored(fact, now.to(case.recipient.pseudonym))
        if theirs is not None:
            book.end(each, theirs, because=because, channel=channel, text=text, digest=channel is not None)


def words_of(rendered: Rendered) -> Mapping[str, str]:
    """Channel -> what is read there."""
    return {
        "sms": rendered.sms,
        "push": f"{rendered.push_title}\n{rendered.push_body}",
        "email": f"{rendered.subject}\n\n{rendered.text}",
    }
