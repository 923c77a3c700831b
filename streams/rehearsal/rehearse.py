"""Rehearse a trigger's cases on a virtual clock, with the functions that decide in production.

Answers in a case name a step, because their author cannot know ids of messages. `Prevention` and `Hurdles` find out
why a plan leaves a nudge out or plans nothing: they plan again without what could prevent it.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.conditions.cost import TooCostly
from domain.core.events import Effective, LifeEvent
from domain.core.translatable import Said, Words
from domain.facts import facts
from domain.facts.facts import NudgeFact
from domain.nudges.delivery import State
from domain.nudges.digest import is_digest
from domain.nudges.fact_names import name_of
from domain.nudges.nudge import Nudge, content_of, evolve
from domain.nudges.settle import NotSentReason
from domain.persons.history import History, history_of
from domain.persons.replies import effect_of
from domain.planning.plan import Intent, whole_plan
from domain.rules.built_in_triggers import DIGEST
from domain.rules.reply_fields import NUDGE
from domain.rules.rulebook import Rulebook, Version
from domain.rules.steps import Series
from domain.rules.triggers import Trigger
from streams.rehearsal.case_model import CITIZEN, Decision, Ending, RehearsedCase, Reported, TriggerTest
from streams.rehearsal.playing import HowEnded, VirtualRun
from streams.rehearsal.stage import NAMES, OPENING, Stage


def events_of_answer(
    reported: Reported, nudges: Iterable[Nudge], trigger: Trigger, theirs: Sequence[Effective], rulebook: Rulebook
) -> Sequence[LifeEvent] | None:
    """Return the events of an answer to the latest nudge of its step; None for a code that answers nothing sent.

    A code becomes the same events as on the platform: none if it was given before; a consent can be withdrawn.

    `theirs`: the facts of the person who answers.
    """
    found = [one for one in nudges if one.intent.step == reported.answers]
    if (reply := reported.reply) is not None:
        found = [one for one in found if one.to(reply.recipient).maybe_sent]
    latest = max(found, key=lambda one: (one.maybe_sent, one.intent.due, one.intent.id.int), default=None)
    if latest is None:
        return None if reply is not None else (reported.event,)
    if reply is None:
        fields = {owner: {**part, NUDGE: str(latest.intent.id)} for owner, part in reported.event.fields.items()}
        return (replace(reported.event, fields=fields),)
    asked = replace(reply, nudge=latest.intent.id)
    type_ = rulebook.catalogue.types[reported.event.type]
    return effect_of(type_, asked, trigger.category, rulebook.names, theirs, rulebook.catalogue).events


PAST, WHEN, NEEDS = "past", "when", "needs"
"""Reasons for no plan: due before `ahead_from` or reach; `when` does not hold; another needed event is missing."""
ROLE, NOT_THERE, LATER, NO_EVENT, UNDATED = "role", "not_there", "later", "no_event", "undated"
"""Reasons for no plan: another role, another residence, an event too late, no event, or a missing value."""
_ALWAYS = datetime.min.replace(tzinfo=UTC)


class Prevented(Struct, frozen=True):
    """A nudge that the plan left out, and the reason."""

    intent: Intent
    reason: str


class Prevention:
    """Finds the nudges that an `unless`, an answer or a death keeps out of a person's plan."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._rulebook = rulebook
        self._undying = _without_deaths(rulebook)
        self._unprevented = _without_deaths(_without_unless(rulebook))

    def possible_and_prevented(self, history: History) -> tuple[set[UUID], list[Prevented]]:
        """Return the ids of all possible nudges, and those of them that are left out."""
        planned = {one.id for one in whole_plan(history, self._rulebook).intents}
        spared = {one.id for one in whole_plan(history, self._undying).intents}
        possible = whole_plan(history, self._unprevented).intents
        out = [one for one in possible if one.id not in planned]
        found = [
            Prevented(one, (NotSentReason.DIED if one.id in spared else NotSentReason.DONE).value) for one in out
        ]
        return {one.id for one in possible}, found


def _without_unless(book: Rulebook) -> Rulebook:
    """Return the rulebook with triggers that no event prevents; their waiting times stay, so due times are equal."""
    return _with(book, lambda each: replace(each, trigger=_unprevented(each.trigger)))


def _unprevented(trigger: Trigger) -> Trigger:
    steps = tuple(replace(step, series=_unanswered(step.series)) for step in trigger.steps)
    return replace(trigger, unless=tuple(replace(unless, on="") for unless in trigger.unless), steps=steps)


def _unanswered(series: Series | None) -> Series | None:
    if series is None or series.repeat is None:
        return series
    return replace(series, repeat=replace(series.repeat, until_answered=False))


def _without_deaths(book: Rulebook) -> Rulebook:
    types = {name: replace(type_, ends_life=False) for name, type_ in book.catalogue.types.items()}
    catalogue = replace(book.catalogue, types=types)
    return Rulebook(catalogue, book.defaults, book.names, book.publications)


class Hurdles:
    """Finds the reason why some triggers plan nothing for a person."""

    def __init__(self, rulebook: Rulebook, names: Collection[str]) -> None:
        book = _with(rulebook, lambda version: version, names)
        self._book, self._on = book, {each.trigger.on for each in book.versions.values()}
        self._alone = any(each.trigger.alone for each in book.versions.values())
        self._tries: list[tuple[str, Rulebook]] = []
        for reason, without in _REMOVED_IN_TURN:
            book = without(book)
            self._tries.append((reason, book))

    def last_hurdle(self, history: History, events: Sequence[LifeEvent]) -> str:
        """Return the last hurdle that must be removed before anything is planned.

        `events`: all events of the person, including those that become known after the history ends.
        """
        known = [fact.event for fact in history.everything if fact.event.type in self._on]
        if not known and not self._alone:
            return LATER if any(event.type in self._on for event in events) else NO_EVENT
        for reason, book in self._tries:
            with suppress(TooCostly):
                if whole_plan(history, book).intents:
                    return reason
        return next(self._unstarted(history.person, known), UNDATED)

    def _unstarted(self, person: str, known: Iterable[LifeEvent]) -> Iterator[str]:
        """Yield the reasons why nothing starts, regardless of conditions and times."""
        triggers = [version.trigger for version in self._book.versions.values()]
        for event in known:
            roles = event.role_of(person)
            if event.area is None and all(
                trigger.to.isdisjoint(roles) for trigger in triggers if trigger.on == event.type
            ):
                yield ROLE
            if event.area is not None:
                yield NOT_THERE


def _with(book: Rulebook, change: Callable[[Version], Version], names: Collection[str] | None = None) -> Rulebook:
    versions = [version for version in book.publications if names is None or version.trigger.name in names]
    return Rulebook(book.catalogue, book.defaults, book.names, [change(version) for version in versions])


_REMOVED_IN_TURN: Sequence[tuple[str, Callable[[Rulebook], Rulebook]]] = (
    (NotSentReason.DONE.value, _without_unless),
    (NotSentReason.DIED.value, _without_deaths),
    (PAST, partial(_with, change=lambda each: replace(each, reach=_ALWAYS, ahead_from=_ALWAYS))),
    (WHEN, partial(_with, change=lambda each: replace(each, trigger=replace(each.trigger, when=None)))),
    (NEEDS, partial(_with, change=lambda each: replace(each, trigger=replace(each.trigger, needs=None)))),
)
"""The hurdles in the order in which they are removed, each with a function that removes it from a rulebook."""


def decision_of(
    now: datetime, before: Nudge | None, nudge: Nudge, fact: NudgeFact, words: str, prevented: str | None
) -> Decision:
    """Return the line about a fact; `before`, `nudge`: the states; `prevented`: why the plan no longer has it."""
    until, reason = None, None
    match fact:
        case facts.NudgePlanned():
            until = fact.due
        case facts.NudgeCancelled():
            reason = prevented
        case facts.NudgeDeferred():
            until, reason = fact.until, fact.reason
        case facts.NudgeDigested():
            until, reason = (
                fact.until,
                Words("{messages} messages in {days} days", messages=fact.messages, days=fact.days),
            )
        case facts.NudgeWithheld():
            reason = fact.reason
    channel = nudge.to(fact.recipient).channel if isinstance(fact, facts.NudgeSent) else None
    about = DIGEST if is_digest(nudge.intent) else nudge.intent.step
    return Decision(now, name_of(fact, before), about, nudge.intent.id, until, reason, channel, words)


def revision(event: LifeEvent) -> str | None:
    """Return that the event corrects or annuls another, or None."""
    if event.corrects is None:
        return None
    of = event.corrects
    return Words("annuls {event}", event=of) if event.annuls else Words("corrects {event}", event=of)


def rehearse(stage: Stage, case: TriggerTest) -> RehearsedCase:
    """Play a case from its clock's start until nothing is left to happen."""
    return _Rehearsal(stage, case).play()


class _Rehearsal(VirtualRun):
    def __init__(self, stage: Stage, case: TriggerTest) -> None:
        super().__init__(stage.rules(case.clock), case.clock, case.names)
        self.case, self.trigger = case, stage.trigger
        self.prevention = Prevention(self.rules.rulebook)
        self.known: list[LifeEvent] = []
        self.histories: dict[str, History] = {}
        self.prevented: dict[UUID, Prevented] = {}
        self.noticed: dict[UUID, datetime] = {}
        self.decided: dict[tuple[UUID, str], Ending] = {}
        self.decisions: list[Decision] = []

    def play(self) -> RehearsedCase:
        waiting = deque(sorted(self.case.events, key=lambda each: each.known))
        self.known += self.case.openings
        if self.trigger.alone:  # attributes alone may entitle the citizen, before anything happens
            for person in self.nudges:
                self.plan(person)
        while (moment := self._next(waiting)) is not None:
            self.now = max(self.now, moment)
            self._learn(waiting)
            self.dispatch()
        endings = sorted(self._endings(), key=lambda each: (each.at, each.step, each.recipient, each.text))
        return RehearsedCase(
            tuple(endings), tuple(decision for decision in self.decisions if self._is_shown(decision))
        )

    def _next(self, waiting: Sequence[Reported]) -> datetime | None:
        """Return the next time at which something becomes known or due."""
        due = self.next_due()
        return min([*([due] if due else []), *(reported.known for reported in waiting)], default=None)

    def _learn(self, waiting: deque[Reported]) -> None:
        before = len(self.known)
        while waiting and waiting[0].known <= self.now:
            reported = waiting.popleft()
            theirs = self.history(reported.reply.recipient).facts if reported.reply is not None else ()
            events = events_of_answer(reported, self.all_nudges(), self.trigger, theirs, self.rules.rulebook)
            if events is None:
                self.decisions.append(
                    Decision(self.now, "unasked", reported.event.type, reason=Said("nothing had gone"))
                )
                continue
            self.known += events
            self.histories.clear()
            self.decisions += [Decision(self.now, "known", event.type, reason=revision(event)) for event in events]
        if len(self.known) > before:
            for person in self.nudges:
                self.plan(person)

    def plan(self, person: str) -> None:
        self._notice(self.history(person))
        super().plan(person)

    def history(self, person: str) -> History:
        """Return the history as planning reads it: all revisions of events that name the person in any revision."""
        if (found := self.histories.get(person)) is None:
            theirs = {(event.source, event.original) for event in self.known if person in event.everybody}
            recorded = [event for event in self.known if (event.source, event.original) in theirs]
            areas = [event for event in self.known if event.area is not None]
            found = self.histories[person] = history_of(person, recorded, self.rules.catalogue, areas)
        return found

    def cause(self, _: str, stream: UUID) -> LifeEvent | None:
        return next((event for event in self.known if event.stream == stream), None)

    def other_messages(self, recipient: str) -> Iterable[datetime]:
        return [self.now] * (self.case.sent_lately if self.case.names[recipient] == CITIZEN else 0)

    def _notice(self, history: History) -> None:
        possible, prevented = self.prevention.possible_and_prevented(history)
        for id_ in possible:
            self.noticed.setdefault(id_, self.now)
        for each in prevented:
            intent = each.intent
            if intent.id not in self.prevented and intent.id not in self.nudges[intent.person]:
                left_out = Decision(self.now, "prevented", intent.step, intent.id, intent.due, each.reason)
                self.decisions.append(left_out)
        others = {id_: each for id_, each in self.prevented.items() if each.intent.person != history.person}
        self.prevented = others | {each.intent.id: each for each in prevented}

    def on_fact(self, before: Nudge | None, nudge: Nudge, fact: NudgeFact, words: str) -> None:
        prevented = self.prevented.get(nudge.intent.id)
        why = None if prevented is None else prevented.reason
        self.decisions.append(decision_of(self.now, before, nudge, fact, words, why))

    def on_end(self, nudge: Nudge, recipient: str, how: HowEnded) -> None:
        name, intent = self.case.names[recipient], nudge.intent
        self.decided[intent.id, recipient] = Ending(
            self.now, intent.step, name, how.channel, how.text, how.because, how.digest
        )

    def _endings(self) -> Iterator[Ending]:
        """Yield the ends of the nudges about the citizen under test, and of those that would have reached them."""
        citizen = NAMES.pseudonym(CITIZEN)
        for nudge in (nudge for nudge in self.all_nudges() if not is_digest(nudge.intent)):
            ended = [
                self.decided[nudge.intent.id, one.recipient]
                for one in nudge.deliveries
                if one.state is not State.CANCELLED and (nudge.intent.id, one.recipient) in self.decided
            ]
            yield from [one for one in ended if citizen == nudge.intent.person or one.recipient == CITIZEN]
            if not ended:
                yield from self._unplanned(nudge)
        known = {nudge.intent.id for nudge in self.all_nudges()}
        yield from (
            one
            for left_out in self.prevented.values()
            if left_out.intent.id not in known
            for one in self._unplanned(_as_planned(left_out.intent))
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
        """Return True if a decision is about the citizen under test or for them."""
        if decision.nudge is None:
            return decision.about != OPENING
        concerned = {
            person
            for nudge in self.all_nudges()
            if nudge.intent.id == decision.nudge
            for person in (nudge.intent.person, *(one.recipient for one in nudge.deliveries))
        } | {left_out.intent.person for id_, left_out in self.prevented.items() if id_ == decision.nudge}
        return NAMES.pseudonym(CITIZEN) in concerned and decision.what != "attempted"


def _as_planned(intent: Intent) -> Nudge:
    return evolve(None, intent.id, 1, facts.NudgePlanned(intent.due, **content_of(intent)))
