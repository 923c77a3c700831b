"""Rehearses a trigger's cases on a virtual clock, with the functions that decide live and nothing to send with."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from uuid import UUID

from domain import facts
from domain.delivery import State
from domain.digest import is_digest
from domain.events import LifeEvent
from domain.facts import NudgeFact
from domain.history import History, history_of
from domain.nudge import Nudge, content_of, evolve
from domain.plan import Intent
from streams.playing import Playing
from streams.rehearsal_answers import answering
from streams.rehearsal_prevention import Prevented, Prevention
from streams.rehearsal_script import CITIZEN, Case, Decision, Ending, Played, Reported
from streams.rehearsal_stage import NAMES, OPENING, Stage
from streams.rehearsal_telling import revision, told


def rehearse(stage: Stage, case: Case) -> Played:
    """Play a case from its clock's start until nothing is left to happen."""
    return _Rehearsal(stage, case).play()


class _Rehearsal(Playing):
    def __init__(self, stage: Stage, case: Case) -> None:
        super().__init__(stage.rules(case.clock), case.clock, case.names)
        self.case, self.trigger = case, stage.trigger
        self.prevention = Prevention(self.rules.rulebook)
        self.known: list[LifeEvent] = []
        self.histories: dict[str, History] = {}
        self.prevented: dict[UUID, Prevented] = {}
        self.noticed: dict[UUID, datetime] = {}
        self.decided: dict[tuple[UUID, str], Ending] = {}
        self.decisions: list[Decision] = []

    def play(self) -> Played:
        waiting = deque(sorted(self.case.events, key=lambda each: each.known))
        self.known += self.case.openings
        if self.trigger.alone:  # who the citizen is may entitle them, before anything happens
            for person in self.nudges:
                self.plan(person)
        while (moment := self._next(waiting)) is not None:
            self.now = max(self.now, moment)
            self._learn(waiting)
            self.dispatch()
        endings = sorted(self._endings(), key=lambda each: (each.at, each.step, each.recipient, each.text))
        return Played(tuple(endings), tuple(each for each in self.decisions if self._is_shown(each)))

    def _next(self, waiting: Sequence[Reported]) -> datetime | None:
        """The clock jumps to what becomes known next, or to what is due."""
        due = self.next_due()
        return min([*([due] if due else []), *(each.known for each in waiting)], default=None)

    def _learn(self, waiting: deque[Reported]) -> None:
        before = len(self.known)
        while waiting and waiting[0].known <= self.now:
            reported = waiting.popleft()
            if (events := self._answering(reported)) is None:
                self.decisions.append(Decision(self.now, "unasked", reported.event.type, reason="nothing had gone"))
                continue
            self.known += events
            self.histories.clear()
            self.decisions += [Decision(self.now, "known", event.type, reason=revision(event)) for event in events]
        if len(self.known) > before:
            for person in self.nudges:
                self.plan(person)

    def _answering(self, reported: Reported) -> Sequence[LifeEvent] | None:
        theirs = self.history(reported.reply.recipient).facts if reported.reply is not None else ()
        return answering(reported, self.every(), self.trigger, theirs, self.rules.rulebook)

    def plan(self, person: str) -> None:
        self._notice(self.history(person))
        super().plan(person)

    def history(self, person: str) -> History:
        """As planning reads it: every revision of whatever names the person in any."""
        if (found := self.histories.get(person)) is None:
            theirs = {(event.source, event.original) for event in self.known if person in event.everybody}
            recorded = [event for event in self.known if (event.source, event.original) in theirs]
            areas = [event for event in self.known if event.area is not None]
            found = self.histories[person] = history_of(person, recorded, self.rules.catalogue, areas)
        return found

    def cause(self, _: str, stream: UUID) -> LifeEvent | None:
        return next((event for event in self.known if event.stream == stream), None)

    def lately(self, recipient: str) -> Iterable[datetime]:
        return [self.now] * (self.case.sent_lately if self.case.names[recipient] == CITIZEN else 0)

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

    def kept(self, _: Nudge | None, nudge: Nudge, fact: NudgeFact, words: str) -> None:
        prevented = self.prevented.get(nudge.intent.id)
        self.decisions.append(told(self.now, nudge, fact, words, None if prevented is None else prevented.reason))

    def ended(
        self, nudge: Nudge, recipient: str, *, because: str | None, channel: str | None, text: str, digest: bool
    ) -> None:
        name, intent = self.case.names[recipient], nudge.intent
        self.decided[intent.id, recipient] = Ending(self.now, intent.step, name, channel, text, because, digest)

    def _endings(self) -> Iterator[Ending]:
        """What became of the nudges of the citizen under test, and of those that would have reached them."""
        citizen = NAMES.pseudonym(CITIZEN)
        for nudge in (each for each in self.every() if not is_digest(each.intent)):
            ended = [
                self.decided[nudge.intent.id, one.recipient]
                for one in nudge.deliveries
                if one.state is not State.CANCELLED and (nudge.intent.id, one.recipient) in self.decided
            ]
            yield from [one for one in ended if citizen == nudge.intent.person or one.recipient == CITIZEN]
            if not ended:
                yield from self._unplanned(nudge)
        known = {nudge.intent.id for nudge in self.every()}
        yield from (
            one
            for each in self.prevented.values()
            if each.intent.id not in known
            for one in self._unplanned(_as_planned(each.intent))
        )

    def _unplanned(self, nudge: Nudge) -> Iterator[Ending]:
        intent, citizen = nudge.intent, NAMES.pseudonym(CITIZEN)
        prevented = self.prevented.get(intent.id)
        due = intent.due if prevented is None else prevented.intent.due
        at = max(due, self.noticed.get(intent.id, due))
        if citizen in (intent.person, *self.recipients(nudge, at)):
            because = State.CANCELLED.value if prevented is None else prevented.reason
            yield Ending(at, intent.step, CITIZEN, because=because)

    def _is_shown(self, decision: Decision) -> bool:
        """Whether a decision is about the citizen under test, or for them."""
        if decision.nudge is None:
            return decision.about != OPENING
        concerned = {
            person
            for nudge in self.every()
            if nudge.intent.id == decision.nudge
            for person in (nudge.intent.person, *(one.recipient for one in nudge.deliveries))
        } | {each.intent.person for id_, each in self.prevented.items() if id_ == decision.nudge}
        return NAMES.pseudonym(CITIZEN) in concerned and decision.what != "attempted"


def _as_planned(intent: Intent) -> Nudge:
    return evolve(None, intent.id, 1, facts.NudgePlanned(intent.due, **content_of(intent)))
