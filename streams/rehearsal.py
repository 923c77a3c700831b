"""Rehearses a trigger's cases on a virtual clock, with the functions that decide live and nothing to send with."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from domain import facts
from domain.cap import counted_from
from domain.delivery import State
from domain.diff import diff
from domain.digest import is_digest
from domain.events import LifeEvent
from domain.facts import NudgeFact
from domain.history import History, history_of
from domain.nudge import Nudge, content_of, evolve
from domain.person import Person, person_as_of
from domain.plan import Intent, whole_plan
from domain.settle import Decision as Outcome
from domain.settle import Defer, Digest, Ledger, Reason, Send, Settlement, Withhold, recipients, settle
from domain.triggers import CLASSES
from streams.rehearsal_answers import answering
from streams.rehearsal_digest import go_together, join_digest, words_of
from streams.rehearsal_prevention import Prevented, Prevention
from streams.rehearsal_script import CITIZEN, Case, Decision, Ending, Played, Reported
from streams.rehearsal_stage import NAMES, OPENING, Stage
from streams.rehearsal_telling import revision, told
from streams.settling import Case as Settled
from streams.wording import render
from templates.render import WordsFailed

_RANK: Mapping[str, int] = {klass: rank for rank, klass in enumerate(CLASSES)}


def rehearse(stage: Stage, case: Case) -> Played:
    """Play a case from its clock's start until nothing is left to happen."""
    return _Rehearsal(stage, case).play()


class _Rehearsal:
    def __init__(self, stage: Stage, case: Case) -> None:
        self.case, self.trigger = case, stage.trigger
        self.rules = stage.rules(case.clock)
        self.prevention = Prevention(self.rules.rulebook)
        self.now = case.clock
        self.known: list[LifeEvent] = []
        self.nudges: dict[str, dict[UUID, Nudge]] = {person: {} for person in case.names}
        self.prevented: dict[UUID, Prevented] = {}
        self.noticed: dict[UUID, datetime] = {}
        self.decided: dict[tuple[UUID, str], Ending] = {}
        self.decisions: list[Decision] = []

    def play(self) -> Played:
        waiting = deque(sorted(self.case.events, key=lambda each: each.known))
        self.known += self.case.openings
        if self.trigger.alone:  # who the citizen is may entitle them, before anything happens
            for person in self.nudges:
                self._plan(person)
        while (moment := self._next(waiting)) is not None:
            self.now = max(self.now, moment)
            self._learn(waiting)
            self._dispatch()
        endings = sorted(self._endings(), key=lambda each: (each.at, each.step, each.recipient, each.text))
        return Played(tuple(endings), tuple(each for each in self.decisions if self._is_shown(each)))

    def _next(self, waiting: Sequence[Reported]) -> datetime | None:
        """The clock jumps to what becomes known next, or to what is due."""
        due = [one.due for nudge in self._all() for one in nudge.deliveries if one.due and one.digest is None]
        return min([*due, *(each.known for each in waiting)], default=None)

    def _all(self) -> Iterator[Nudge]:
        return (nudge for theirs in self.nudges.values() for nudge in theirs.values())

    def _learn(self, waiting: deque[Reported]) -> None:
        before = len(self.known)
        while waiting and waiting[0].known <= self.now:
            reported = waiting.popleft()
            if (event := self._answering(reported)) is None:
                self.decisions.append(Decision(self.now, "unasked", reported.event.type, reason="nothing had gone"))
                continue
            self.known.append(event)
            self.decisions.append(Decision(self.now, "known", event.type, reason=revision(event)))
        if len(self.known) > before:
            for person in self.nudges:
                self._plan(person)

    def _answering(self, reported: Reported) -> LifeEvent | None:
        theirs = self._history(reported.reply.recipient).facts if reported.reply is not None else ()
        return answering(reported, self._all(), self.trigger, theirs, self.rules.rulebook)

    def _plan(self, person: str) -> None:
        history = self._history(person)
        plan = whole_plan(history, self.rules.rulebook)
        self._notice(history)
        changes = diff(plan, self.nudges[person], self.rules.rulebook, self.now)
        for change in sorted(changes, key=lambda each: getattr(each.fact, "due", self.now)):
            self.keep(change.nudge, change.fact)

    def _history(self, person: str) -> History:
        """The person's history as planning reads it: every revision of whatever names them in any."""
        theirs = {(event.source, event.original) for event in self.known if person in event.everybody}
        recorded = [event for event in self.known if (event.source, event.original) in theirs]
        areas = [event for event in self.known if event.area is not None]
        return history_of(person, recorded, self.rules.catalogue, areas)

    def _notice(self, history: History) -> None:
        possible, prevented = self.prevention.of(history)
        for id_ in possible:
            self.noticed.setdefault(id_, self.now)
        for each in prevented:
            self._note_prevented(each)
        others = {id_: each for id_, each in self.prevented.items() if each.intent.person != history.person}
        self.prevented = others | {each.intent.id: each for each in prevented}

    def _note_prevented(self, each: Prevented) -> None:
        intent = each.intent
        if intent.id not in self.prevented and intent.id not in self.nudges[intent.person]:
            left_out = Decision(self.now, "prevented", intent.step, intent.id, intent.due, each.reason)
            self.decisions.append(left_out)

    def find(self, id_: UUID) -> Nudge | None:
        """The nudge as it is now."""
        return next((nudge for nudge in self._all() if nudge.intent.id == id_), None)

    def keep(self, id_: UUID, fact: NudgeFact, words: str = "") -> None:
        """One more fact of a nudge; `words` are what is read by it."""
        before = self.find(id_)
        nudge = evolve(before, id_, 1 if before is None else before.version + 1, fact)
        self.nudges[nudge.intent.person][id_] = nudge
        prevented = self.prevented.get(id_)
        self.decisions.append(told(self.now, nudge, fact, words, None if prevented is None else prevented.reason))

    def _dispatch(self) -> None:
        due = [
            (one.due, _RANK[nudge.intent.klass], nudge.intent.id.int, one.recipient)
            for nudge in self._all() for one in nudge.deliveries
            if one.due is not None and one.due <= self.now and one.digest is None
        ]  # fmt: skip
        for _, _, id_, recipient in sorted(due):
            self._settle(UUID(int=id_), recipient)

    def _settle(self, id_: UUID, recipient: str) -> None:
        nudge = self.find(id_)
        assert nudge is not None
        if is_digest(nudge.intent):
            go_together(self, self.settlement(nudge, recipient))
            return
        intent = nudge.intent
        whom: tuple[str, ...] = (recipient,)
        if recipient == intent.person and nudge.to(recipient).state is State.PLANNED:
            whom = self._recipients(nudge, self.now)
        for each in whom or (intent.person,):
            case = self.settlement(nudge, each)
            self.carry_out(self.case_of(case, settle(case, self.now) if whom else Withhold(Reason.NO_GUARDIAN)))

    def settlement(self, nudge: Nudge, recipient: str) -> Settlement:
        """What is decided about: the nudge for that recipient, at the time that it is."""
        ledger = Ledger(tuple(self.nudges[nudge.intent.person].values()), tuple(self._messages(recipient)))
        trigger = self.rules.rulebook.version(nudge.intent.version).trigger
        who = self._person(recipient)
        return Settlement(nudge, trigger, who, ledger, self.rules.controls, self.rules.defaults)

    def _messages(self, recipient: str) -> Iterator[datetime]:
        if self.case.names[recipient] == CITIZEN:
            yield from [self.now] * self.case.sent_lately
        own = (counted_from(nudge.to(recipient), CLASSES[_RANK[nudge.intent.klass]]) for nudge in self._all())
        yield from (at for at in own if at is not None)

    def case_of(self, settlement: Settlement, decision: Outcome) -> Settled:
        """The decision with all that its words need."""
        intent = settlement.nudge.intent
        cause = next((event for event in self.known if event.stream == intent.cause), None)
        person = self._person(intent.person)
        return Settled(settlement, person, cause, decision, self._history(intent.person))

    def _recipients(self, nudge: Nudge, at: datetime) -> tuple[str, ...]:
        return recipients(nudge, self.trigger, self._person(nudge.intent.person), self.rules.defaults, at)

    def _person(self, pseudonym: str) -> Person:
        return person_as_of(pseudonym, self._history(pseudonym).facts, self.rules.catalogue)

    def carry_out(self, case: Settled) -> None:
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

    def _send(self, case: Settled, channel: str) -> None:
        intent, to = case.nudge.intent, case.recipient.pseudonym
        try:
            text = words_of(render(case, self.rules, self.now))[channel]
        except WordsFailed:
            reason = Reason.UNREADABLE.value
            self.end(case, facts.NudgeWithheld(self.now, to, reason), because=reason)
            return
        attempt = case.nudge.to(to).attempt + 1
        attempted = facts.NudgeAttempted(self.now, to, attempt, channel, "rehearsal", self.now)
        self.keep(intent.id, attempted)
        self.end(case, facts.NudgeSent(self.now, to, attempt, ""), channel=channel, text=text)

    def end(
        self, case: Settled, fact: NudgeFact, *, because: str | None = None, channel: str | None = None,
        text: str = "", digest: bool = False,
    ) -> None:  # fmt: skip
        """The last fact of a delivery, and how it ended."""
        intent, to = case.nudge.intent, case.recipient.pseudonym
        self.keep(intent.id, fact, text)
        ending = Ending(self.now, intent.step, self.case.names[to], channel, text, because, digest)
        self.decided[intent.id, to] = ending

    def _endings(self) -> Iterator[Ending]:
        """What became of the nudges of the citizen under test, and of those that would have reached them."""
        citizen = NAMES.pseudonym(CITIZEN)
        for nudge in (each for each in self._all() if not is_digest(each.intent)):
            ended = [
                self.decided[nudge.intent.id, one.recipient] for one in nudge.deliveries
                if one.state is not State.CANCELLED and (nudge.intent.id, one.recipient) in self.decided
            ]  # fmt: skip
            yield from [one for one in ended if citizen == nudge.intent.person or one.recipient == CITIZEN]
            if not ended:
                yield from self._unplanned(nudge)
        known = {nudge.intent.id for nudge in self._all()}
        yield from (one for each in self.prevented.values() if each.intent.id not in known
                    for one in self._unplanned(_as_planned(each.intent)))  # fmt: skip

    def _unplanned(self, nudge: Nudge) -> Iterator[Ending]:
        intent, citizen = nudge.intent, NAMES.pseudonym(CITIZEN)
        prevented = self.prevented.get(intent.id)
        due = intent.due if prevented is None else prevented.intent.due
        at = max(due, self.noticed.get(intent.id, due))
        if citizen in (intent.person, *self._recipients(nudge, at)):
            because = State.CANCELLED.value if prevented is None else prevented.reason
            yield Ending(at, intent.step, CITIZEN, because=because)

    def _is_shown(self, decision: Decision) -> bool:
        """Whether a decision is about the citizen under test, or for them."""
        if decision.nudge is None:
            return decision.about != OPENING
        concerned = {
            person for nudge in self._all() if nudge.intent.id == decision.nudge
            for person in (nudge.intent.person, *(one.recipient for one in nudge.deliveries))
        } | {each.intent.person for id_, each in self.prevented.items() if id_ == decision.nudge}  # fmt: skip
        return NAMES.pseudonym(CITIZEN) in concerned and decision.what != "attempted"


def _as_planned(intent: Intent) -> Nudge:
    return evolve(None, intent.id, 1, facts.NudgePlanned(intent.due, **content_of(intent)))
