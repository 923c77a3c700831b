"""Play nudges on a virtual clock, with the functions that decide in production and without a notifier.

A message that is handed over counts as delivered, since a provider's answer cannot be foreseen. Messages that exceed
the cap join a digest and are sent with it.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from domain.core.events import LifeEvent
from domain.facts.facts import (
    NudgeAttempted,
    NudgeDeferred,
    NudgeExpired,
    NudgeFact,
    NudgeSent,
    NudgeWithheld,
)
from domain.nudges.cap import counted_from
from domain.nudges.delivery import State
from domain.nudges.diff import diff
from domain.nudges.digest import goes_with, is_digest, member_fact
from domain.nudges.later_completion import completion_changes
from domain.nudges.nudge import Nudge, evolve
from domain.nudges.settle import (
    Decision,
    Defer,
    Digest,
    Ledger,
    NotSentReason,
    Send,
    Settlement,
    Withhold,
    recipients,
    settle,
)
from domain.persons.history import History
from domain.persons.person import Person, person_as_of
from domain.planning.deaths import Deaths, spoken_of
from domain.planning.plan import Plan, whole_plan
from domain.rules.triggers import RANKS
from streams.delivery.decide.case import Case, decide_digest, new_deliveries
from streams.delivery.decide.overflow import DigestAllocator, Overflow
from streams.delivery.decide.rendering import render, without_unrenderable
from streams.rules.in_force import Rules
from templates.words.rendering import Rendered, WordsFailed

PLAYED = "played"
"""The provider of messages that are sent only on a virtual clock."""


class HowEnded(Struct, frozen=True):
    """The end of a delivery: sent by a channel with this text, or not (`because`); `digest`: as a part of one."""

    because: str | None = None
    channel: str | None = None
    text: str = ""
    digest: bool = False


def words_of(rendered: Rendered) -> Mapping[str, str]:
    """Return channel -> text."""
    return {
        "sms": rendered.signed(),
        "push": f"{rendered.push_title}\n{rendered.push_body}",
        "email": f"{rendered.subject}\n\n{rendered.text}",
    }


class VirtualRun:
    """A few persons, their histories as known at `now`, and their nudges."""

    def __init__(self, rules: Rules, now: datetime, persons: Iterable[str]) -> None:
        self.rules, self.now = rules, now
        self.nudges: dict[str, dict[UUID, Nudge]] = {person: {} for person in persons}
        self._persons: dict[str, tuple[History, Person]] = {}

    def history(self, person: str) -> History:
        """Return the person's history as known now; the same object until more is known."""
        raise NotImplementedError

    def planned_on(self, person: str) -> History:
        """Return the part of the history that can change the plan."""
        return self.history(person)

    def cause(self, about: str, stream: UUID) -> LifeEvent | None:
        """Return the event of that stream, the cause of a nudge about that person."""
        raise NotImplementedError

    def on_fact(self, before: Nudge | None, nudge: Nudge, fact: NudgeFact, words: str) -> None:
        """Note a new fact of a nudge. Does nothing unless overridden."""

    def on_end(self, nudge: Nudge, recipient: str, how: HowEnded) -> None:
        """Note the end of a delivery. Does nothing unless overridden."""

    def on_sent(self, case: Case, channel: str, rendered: Rendered) -> None:
        """A message was handed over."""

    def other_messages(self, recipient: str) -> Iterable[datetime]:  # noqa: ARG002  (for classes that override it)
        """Return the times from which other messages, not played here, count towards the recipient's cap."""
        return ()

    def all_nudges(self) -> Iterator[Nudge]:
        """Yield all nudges as they are now."""
        for theirs in self.nudges.values():
            yield from theirs.values()

    def find(self, id_: UUID) -> Nudge | None:
        """Return the nudge as it is now."""
        for theirs in self.nudges.values():
            if (found := theirs.get(id_)) is not None:
                return found
        return None

    def apply(self, id_: UUID, fact: NudgeFact, words: str = "") -> None:
        """Apply one more fact to a nudge; `words`: the text of the message, if the fact sends one."""
        before = self.find(id_)
        nudge = evolve(before, id_, 1 if before is None else before.version + 1, fact)
        self.nudges[nudge.intent.person][id_] = nudge
        self.on_fact(before, nudge, fact, words)

    def next_due(self) -> datetime | None:
        """Return the time of the next due delivery, or None."""
        due = [one.due for nudge in self.all_nudges() for one in nudge.deliveries if one.due and one.digest is None]
        return min(due, default=None)

    def plan(self, person: str) -> None:
        """Bring the person's nudges to the plan by what is known now."""
        self.bring_to_plan(self.nudges[person].copy(), whole_plan(self.planned_on(person), self.rules.rulebook))

    def bring_to_plan(self, before: Mapping[UUID, Nudge], plan: Plan) -> None:
        """Bring these nudges of a person to the plan that was made for them."""
        changes = diff(plan, before, self.rules.rulebook, self.now)
        noted = list(completion_changes(plan, before, changes, self.now))
        for change in [*sorted(changes, key=lambda each: getattr(each.fact, "due", self.now)), *noted]:
            self.apply(change.nudge, change.fact)

    def dispatch(self) -> None:
        """Decide on all due deliveries, in the order of dispatch, and carry the decisions out."""
        due = [
            (one.due, RANKS[nudge.intent.klass], nudge.intent.id.int, one.recipient, nudge.intent.id)
            for nudge in self.all_nudges()
            for one in nudge.deliveries
            if one.due is not None and one.due <= self.now and one.digest is None
        ]
        for *_, recipient, id_ in sorted(due):
            self._settle(id_, recipient)

    def _settle(self, id_: UUID, recipient: str) -> None:
        nudge = self.find(id_)
        assert nudge is not None
        if is_digest(nudge.intent):
            self._go_together(self.settlement(nudge, recipient))
            return
        whom = (nudge.is_undivided and self.recipients(nudge, self.now)) or (recipient,)
        cases = [
            self.case_of(case, settle(case, self.now)) for case in (self.settlement(nudge, each) for each in whom)
        ]
        for case in cases:
            self.carry_out(case)
        self._add_recipients(cases)

    def _add_recipients(self, cases: Iterable[Case]) -> None:
        for nudge, fact in new_deliveries(cases, self.now):
            self.apply(nudge.intent.id, fact)

    def settlement(self, nudge: Nudge, recipient: str) -> Settlement:
        """Return the input of a decision: the nudge for that recipient, as of now."""
        ledger = Ledger(tuple(self.nudges[nudge.intent.person].values()), tuple(self._messages(recipient)))
        trigger = self.rules.rulebook.version(nudge.intent.version).trigger
        who, about, rules = self.person(recipient), nudge.intent.person, self.rules
        deaths, cause = Deaths(self.history(about), rules.rulebook), self.cause(about, nudge.intent.cause)
        mourned = deaths.is_mourned(cause, trigger) or any(
            self.person(mentioned).died is not None for mentioned in spoken_of(cause, trigger, rules.catalogue.types)
        )
        goes_to = self.recipients(nudge, self.now)
        return Settlement(nudge, trigger, who, ledger, rules.controls, rules.defaults, goes_to, mourned)

    def _messages(self, recipient: str) -> Iterator[datetime]:
        yield from self.other_messages(recipient)
        for nudge in self.all_nudges():
            at = counted_from(nudge.to(recipient), nudge.intent.klass)
            if at is not None:
                yield at

    def case_of(self, settlement: Settlement, decision: Decision) -> Case:
        """Return the decision with all that its words need."""
        intent = settlement.nudge.intent
        about, cause = self.person(intent.person), self.cause(intent.person, intent.cause)
        return Case(settlement, about, cause, decision, self.history(intent.person))

    def recipients(self, nudge: Nudge, at: datetime) -> tuple[str, ...]:
        """Return those to whom the nudge goes."""
        trigger = self.rules.rulebook.version(nudge.intent.version).trigger
        about = self.person(nudge.intent.person)
        return recipients(nudge, trigger, about, self.rules.defaults, at, self.person)

    def person(self, pseudonym: str) -> Person:
        """Return the person folded from everything known now."""
        history = self.history(pseudonym)
        known, person = self._persons.get(pseudonym, (None, None))
        if person is None or known is not history:
            person = person_as_of(pseudonym, history.facts, self.rules.catalogue)
            self._persons[pseudonym] = (history, person)
        return person

    def carry_out(self, case: Case) -> None:
        """Apply the decision as a fact; a message counts as sent once it is rendered."""
        intent, to = case.nudge.intent, case.recipient.pseudonym
        match case.decision:
            case Send(channel):
                self._send(case, channel)
            case Defer(until, reason):
                self.apply(intent.id, NudgeDeferred(self.now, to, until, reason.value))
            case Digest() as digest:
                self._join_digest(case, digest)
            case Withhold(reason):
                self._withhold(case, NudgeWithheld(self.now, to, reason.value))
            case _:
                self._end(case, NudgeExpired(self.now, to), HowEnded(State.EXPIRED.value))

    def _send(self, case: Case, channel: str) -> None:
        to = case.recipient.pseudonym
        try:
            rendered = render(case, self.rules, self.now, only=channel)
        except WordsFailed:
            self._withhold(case, NudgeWithheld(self.now, to, NotSentReason.UNREADABLE.value))
            return
        attempted = self._attempted(case, channel)
        self.apply(case.nudge.intent.id, attempted)
        sent = NudgeSent(self.now, to, attempted.attempt, "")
        self._end(case, sent, HowEnded(channel=channel, text=words_of(rendered)[channel]))
        self.on_sent(case, channel, rendered)

    def _attempted(self, case: Case, channel: str) -> NudgeAttempted:
        to = case.recipient.pseudonym
        return NudgeAttempted(self.now, to, case.nudge.to(to).attempt + 1, channel, PLAYED, self.now)

    def _withhold(self, case: Case, fact: NudgeWithheld) -> None:
        self._end(case, fact, HowEnded(fact.reason))

    def _end(self, case: Case, fact: NudgeFact, how: HowEnded) -> None:
        """Apply the last fact of a delivery, and note how it ended."""
        self.apply(case.nudge.intent.id, fact, how.text)
        self.on_end(case.nudge, case.recipient.pseudonym, how)

    def _join_digest(self, case: Case, decision: Digest) -> None:
        """Put a message that exceeds the cap into the first digest that has room."""
        allocator, id_ = DigestAllocator(self.rules.rulebook.names, self.find), case.nudge.intent.id
        fact = allocator.place(Overflow(case.settlement, decision, self.now))
        if isinstance(fact, NudgeWithheld):
            self._withhold(case, fact)
            return
        self.apply(id_, fact)
        for digest, gathered in allocator.facts({id_}):
            self.apply(digest, gathered)

    def _go_together(self, digest: Settlement) -> None:
        """Carry out a due digest: members that leave it end or wait on their own, the others share its outcome."""
        found = (self.find(id_) for id_ in digest.nudge.members)
        travelling = [one for one in found if one is not None and goes_with(one, digest.nudge)]
        to = digest.person.pseudonym
        settlements = [self.settlement(one, to) for one in travelling]
        case = without_unrenderable(decide_digest(digest, settlements, self.now, self.case_of), self.rules, self.now)
        for member in case.leaving:
            self.carry_out(member)
        self._add_recipients(case.leaving)
        match case.decision:
            case Send(channel):
                self._send_digest(case, channel)
                self._add_recipients(case.members)
            case Defer(until, reason):
                self.apply(digest.nudge.intent.id, NudgeDeferred(self.now, to, until, reason.value))
            case Withhold(reason):
                self._end_digest(case, NudgeWithheld(self.now, to, reason.value), HowEnded(reason.value))

    def _send_digest(self, case: Case, channel: str) -> None:
        to = case.recipient.pseudonym
        rendered = render(case, self.rules, self.now)
        attempted = self._attempted(case, channel)
        self.apply(case.nudge.intent.id, attempted)
        for member in case.members:
            if (theirs := member_fact(attempted, member.nudge.to(to))) is not None:
                self.apply(member.nudge.intent.id, theirs)
        how = HowEnded(channel=channel, text=words_of(rendered)[channel], digest=True)
        self._end_digest(case, NudgeSent(self.now, to, attempted.attempt, ""), how)
        self.on_sent(case, channel, rendered)

    def _end_digest(self, case: Case, fact: NudgeFact, how: HowEnded) -> None:
        """End the digest and its members."""
        self.apply(case.nudge.intent.id, fact)
        for member in case.members:
            now = self.find(member.nudge.intent.id) or member.nudge
            if (theirs := member_fact(fact, now.to(case.recipient.pseudonym))) is not None:
                self._end(member, theirs, how)
