"""Plays what becomes of nudges on a virtual clock, with the functions that decide live and nothing to send with.

What is handed over is taken to arrive: nobody knows beforehand what providers will say.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import UUID

from domain import facts
from domain.afterwards import afterwards
from domain.cap import counted_from
from domain.deaths import Deaths, spoken_of
from domain.delivery import State
from domain.diff import diff
from domain.digest import is_digest
from domain.events import LifeEvent
from domain.facts import NudgeFact
from domain.history import History
from domain.nudge import Nudge, evolve
from domain.person import Person, person_as_of
from domain.plan import whole_plan
from domain.settle import Decision as Outcome
from domain.settle import Defer, Digest, Ledger, Reason, Send, Settlement, Withhold, recipients, settle
from domain.triggers import RANKS
from streams.cases import Case
from streams.playing_digest import PLAYED, go_together, join_digest, words_of
from streams.rules import Rules
from streams.wording import render
from templates.render import Rendered, WordsFailed


class Playing:
    """A few persons, what is known of them as of `now`, and their nudges."""

    def __init__(self, rules: Rules, now: datetime, persons: Iterable[str]) -> None:
        self.rules, self.now = rules, now
        self.nudges: dict[str, dict[UUID, Nudge]] = {person: {} for person in persons}
        self._persons: dict[str, tuple[History, Person]] = {}

    def history(self, person: str) -> History:
        """The person's history as it is known now; the same object until more is known."""
        raise NotImplementedError

    def planned_on(self, person: str) -> History:
        """As much of the history as can make any difference to the plan."""
        return self.history(person)

    def cause(self, about: str, stream: UUID) -> LifeEvent | None:
        """The event of that stream, behind a nudge that concerns that person."""
        raise NotImplementedError

    def kept(self, before: Nudge | None, nudge: Nudge, fact: NudgeFact, words: str) -> None:
        """Something became of a nudge."""

    def ended(
        self, nudge: Nudge, recipient: str, *, because: str | None, channel: str | None, text: str, digest: bool
    ) -> None:
        """A delivery has ended: sent by a channel in these words (or the digest's), or not, because of that."""

    def went(self, case: Case, channel: str, rendered: Rendered) -> None:
        """A message was handed over."""

    def lately(self, recipient: str) -> Iterable[datetime]:  # noqa: ARG002  (whoever knows of others overrides it)
        """Since when messages of others count towards the recipient's cap."""
        return ()

    def every(self) -> Iterator[Nudge]:
        """All nudges as they are now."""
        for theirs in self.nudges.values():
            yield from theirs.values()

    def find(self, id_: UUID) -> Nudge | None:
        """The nudge as it is now."""
        for theirs in self.nudges.values():
            if (found := theirs.get(id_)) is not None:
                return found
        return None

    def keep(self, id_: UUID, fact: NudgeFact, words: str = "") -> None:
        """One more fact of a nudge; `words` are what is read by it."""
        before = self.find(id_)
        nudge = evolve(before, id_, 1 if before is None else before.version + 1, fact)
        self.nudges[nudge.intent.person][id_] = nudge
        self.kept(before, nudge, fact, words)

    def next_due(self) -> datetime | None:
        """When the next delivery is to be looked at."""
        due = [one.due for nudge in self.every() for one in nudge.deliveries if one.due and one.digest is None]
        return min(due, default=None)

    def plan(self, person: str) -> None:
        """Bring the person's nudges to the plan of what is known now."""
        plan = whole_plan(self.planned_on(person), self.rules.rulebook)
        before = dict(self.nudges[person])
        changes = diff(plan, before, self.rules.rulebook, self.now)
        noted = list(afterwards(plan, before, changes, self.now))
        for change in [*sorted(changes, key=lambda each: getattr(each.fact, "due", self.now)), *noted]:
            self.keep(change.nudge, change.fact)

    def dispatch(self) -> None:
        """Settle whatever is due by now, in the order of dispatch."""
        due = [
            (one.due, RANKS[nudge.intent.klass], nudge.intent.id.int, one.recipient, nudge.intent.id)
            for nudge in self.every()
            for one in nudge.deliveries
            if one.due is not None and one.due <= self.now and one.digest is None
        ]
        for *_, recipient, id_ in sorted(due):
            self._settle(id_, recipient)

    def _settle(self, id_: UUID, recipient: str) -> None:
        nudge = self.find(id_)
        assert nudge is not None
        if is_digest(nudge.intent):
            go_together(self, self.settlement(nudge, recipient))
            return
        intent = nudge.intent
        whom: tuple[str, ...] = (recipient,)
        if recipient == intent.person and nudge.to(recipient).state is State.PLANNED:
            whom = self.recipients(nudge, self.now)
        for each in whom or (intent.person,):
            case = self.settlement(nudge, each)
            self.carry_out(self.case_of(case, settle(case, self.now) if whom else Withhold(Reason.NO_GUARDIAN)))

    def settlement(self, nudge: Nudge, recipient: str) -> Settlement:
        """What is decided about: the nudge for that recipient, at the time that it is."""
        ledger = Ledger(tuple(self.nudges[nudge.intent.person].values()), tuple(self._messages(recipient)))
        trigger = self.rules.rulebook.version(nudge.intent.version).trigger
        who, about, rules = self.person(recipient), nudge.intent.person, self.rules
        deaths, cause = Deaths(self.history(about), rules.rulebook), self.cause(about, nudge.intent.cause)
        mourned = deaths.mourned(cause, trigger) or any(
            self.person(each).died is not None for each in spoken_of(cause, trigger, rules.catalogue.types)
        )
        return Settlement(nudge, trigger, who, ledger, rules.controls, rules.defaults, mourned)

    def _messages(self, recipient: str) -> Iterator[datetime]:
        yield from self.lately(recipient)
        for nudge in self.every():
            at = counted_from(nudge.to(recipient), nudge.intent.klass)
            if at is not None:
                yield at

    def case_of(self, settlement: Settlement, decision: Outcome) -> Case:
        """The decision with all that its words need."""
        intent = settlement.nudge.intent
        about, cause = self.person(intent.person), self.cause(intent.person, intent.cause)
        return Case(settlement, about, cause, decision, self.history(intent.person))

    def recipients(self, nudge: Nudge, at: datetime) -> tuple[str, ...]:
        """Who is told of a nudge that is looked at for the first time."""
        trigger = self.rules.rulebook.version(nudge.intent.version).trigger
        return recipients(nudge, trigger, self.person(nudge.intent.person), self.rules.defaults, at)

    def person(self, pseudonym: str) -> Person:
        """The person whom everything known now makes."""
        history = self.history(pseudonym)
        known, person = self._persons.get(pseudonym, (None, None))
        if person is None or known is not history:
            person = person_as_of(pseudonym, history.facts, self.rules.catalogue)
            self._persons[pseudonym] = (history, person)
        return person

    def carry_out(self, case: Case) -> None:
        """Append what the decision is as a fact; what is to be sent counts as sent once it has its words."""
        intent, to = case.nudge.intent, case.recipient.pseudonym
        match case.decision:
            case Send(channel):
                self._send(case, channel)
            case Defer(until, reason):
                self.keep(intent.id, facts.NudgeDeferred(self.now, to, until, reason.value))
            case Digest() as digest:
                join_digest(self, case, digest)
            case Withhold(reason):
                self.end(case, facts.NudgeWithheld(self.now, to, reason.value), because=reason.value)
            case _:
                self.end(case, facts.NudgeExpired(self.now, to), because=State.EXPIRED.value)

    def _send(self, case: Case, channel: str) -> None:
        intent, to = case.nudge.intent, case.recipient.pseudonym
        try:
            rendered = render(case, self.rules, self.now, only=channel)
        except WordsFailed:
            reason = Reason.UNREADABLE.value
            self.end(case, facts.NudgeWithheld(self.now, to, reason), because=reason)
            return
        attempt = case.nudge.to(to).attempt + 1
        self.keep(intent.id, facts.NudgeAttempted(self.now, to, attempt, channel, PLAYED, self.now))
        sent = facts.NudgeSent(self.now, to, attempt, "")
        self.end(case, sent, channel=channel, text=words_of(rendered)[channel])
        self.went(case, channel, rendered)

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
        self.keep(case.nudge.intent.id, fact, text)
        to = case.recipient.pseudonym
        self.ended(case.nudge, to, because=because, channel=channel, text=text, digest=digest)
