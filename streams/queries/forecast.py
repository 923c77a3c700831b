"""Forecast the load of the next days: what is due, when it would go, by which channel and at what cost.

All due deliveries are counted. When and whether they go is decided by `settle` for a sample of recipients, each with
all their due deliveries; if few are due, the sample is everybody and nothing is estimated.
"""

import heapq
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from domain.core.sms import segments
from domain.nudges.cap import ON_ITS_WAY, window_start
from domain.nudges.class_rules import CLASS_RULES
from domain.nudges.delivery import Due
from domain.nudges.digest import due_on
from domain.nudges.forecast import Forecast, SampledDelivery, spread
from domain.nudges.nudge import Nudge, evolve
from domain.nudges.settle import Decision, Defer, Digest, Expire, Ledger, NotSentReason, Send, Withhold, settle
from domain.persons.channels import reachable
from domain.persons.hours import local_zone
from domain.rules.built_in_triggers import DIGEST, DIGEST_TRIGGER
from domain.rules.triggers import RANKS
from projections import history, nudges, upcoming
from projections.lanes import lane_of
from projections.tables import micros, moment
from streams.delivery.decide.case import Case, new_deliveries
from streams.delivery.decide.decision_inputs import DecisionInputs
from streams.delivery.decide.rendering import render
from streams.log.log import Log
from streams.planning.quarantine import unplannable_persons
from streams.rules.aggregates import ActiveStop
from streams.rules.context import WriteContext
from streams.rules.in_force import Rules
from streams.rules.switches import read_active_stops
from templates.words.rendering import WordsFailed

SAMPLE, OF_A_TRIGGER = 5000, 50
MOST_DEFERRALS = 20
"""The number of times a delivery is deferred before the forecast stops following it."""


_Row = tuple[UUID, str]
"""The nudge and the recipient of a delivery that is due."""


class ForecastResult(Struct, frozen=True):
    """A forecast; `share`: the part (0 to 1) of the recipients that is in the sample.

    `held_back`: number of deliveries that wait because something is stopped (marked by the dispatcher or not); they
    are not counted as due; `held_back_now`: those of them that the dispatcher has marked, as `status` counts them.
    `stopped`: the kill switches and pauses, the latest first. `unplanned`: facts about persons that no plan has taken
    in: what they bring is not counted.
    """

    forecast: Forecast
    share: float
    held_back: int
    stopped: Sequence[ActiveStop]
    rules: Rules
    held_back_now: int = 0
    unplanned: int = 0


class Forecaster:
    """Makes forecasts, without writing anything."""

    def __init__(self, context: WriteContext, sample: int = SAMPLE) -> None:
        self._database, self._log, self._library = context.database, context.log, context.library
        self._clock, self._sample = context.clock, sample

    def forecast(self, span: timedelta, agency: str | None = None) -> ForecastResult:
        """Return the forecast of the span, including what is overdue now; `agency`: only its nudges."""
        now, rules = self._clock(), self._library.rules()
        until, names = micros(now + span), _lanes(rules, agency)
        with self._database.reading() as connection:
            every = upcoming.by_hour(connection, until)
            total = sum(many for _, _, many in every)
            counted = [row for row in every if row[1] in names]
            share = min(1.0, self._sample / total) if total else 1.0
            rows = upcoming.sample_of_recipients(connection, until, _pseudonym_at(share))
            sample = list(_Simulation(connection, self._log, rules, now).of(rows))
            seen = {went.trigger for went in sample}
            for lane in sorted({lane for _, lane, _ in counted if names[lane] not in seen}):
                some = upcoming.of_lane(connection, until, lane, OF_A_TRIGGER)
                sample += _Simulation(connection, self._log, rules, now).of(some)
            marked = sum(many for lane, many in upcoming.held_back(connection) if lane in names)
            stopped = read_active_stops(connection, self._log)
            unplanned = history.waiting(connection, unplannable_persons())[0]
        due = [(moment(hour * upcoming.HOUR), names[lane], many) for hour, lane, many in counted]
        found = spread(due, sample, now)
        return ForecastResult(found, share, marked + round(found.held_back), stopped, rules, marked, unplanned)


def _lanes(rules: Rules, agency: str | None) -> dict[int, str]:
    """Return lane of the due table -> its trigger, for the agency's triggers (None: of all agencies)."""
    triggers = [DIGEST_TRIGGER, *(version.trigger for version in rules.rulebook.versions.values())]
    return {
        lane_of(trigger.name, rank): trigger.name
        for trigger in triggers
        if agency in {None, trigger.owner}
        for rank in RANKS.values()
    }


def _pseudonym_at(share: float) -> str:
    """Return the pseudonym that this share of all pseudonyms comes before."""
    return "g" if share >= 1 else f"{int(share * 16**8):08x}"


class _Simulation:
    """Simulates time for some deliveries: `settle` decides on each when its turn comes."""

    def __init__(self, connection: Connection, log: Log, rules: Rules, now: datetime) -> None:
        self._connection, self._rules, self._now = connection, rules, now
        self._looking = DecisionInputs(connection, log, rules, now)
        self._sent: dict[str, list[datetime]] = {}
        self._parts: dict[tuple[str, str, str], list[int]] = {}
        self._digests: set[tuple[str, datetime]] = set()

    def of(self, rows: Sequence[tuple[int, Due]]) -> Iterator[SampledDelivery]:
        """Yield the outcomes of the deliveries, in the order of time."""
        cases = self._cases(rows)
        turns = [(max(turn.due, self._now), number, turn) for number, turn in enumerate(cases)]
        heapq.heapify(turns)
        while turns:
            at, number, turn = heapq.heappop(turns)
            decision = self._decision(turn.case, at)
            if isinstance(decision, Defer) and decision.reason is NotSentReason.STOPPED:
                yield SampledDelivery(turn.case.nudge.intent.trigger, turn.due, at, stopped=True, of=turn.of)
            elif isinstance(decision, Defer) and turn.looks < MOST_DEFERRALS:
                later = replace(turn, looks=turn.looks + 1, deferred=decision.reason.value)
                heapq.heappush(turns, (decision.until, number, later))
            else:
                yield replace(self._outcome(turn, decision, at), of=turn.of)

    def _cases(self, rows: Sequence[tuple[int, Due]]) -> list["_Upcoming"]:
        found = nudges.by_id(self._connection, [due.nudge for _, due in rows])
        at = {(due.nudge, due.recipient): moment(time) for time, due in rows}
        cases = list(self._looking.cases([(found[due.nudge], due.recipient) for _, due in rows]))
        in_rows = [*((case, _row(case, at)) for case in cases), *self._joining(cases, at)]
        several = Counter(row for _, row in in_rows)
        return [_Upcoming(case, at[row], several[row]) for case, row in in_rows]

    def _joining(self, cases: Sequence[Case], at: Container[_Row]) -> Iterator[tuple[Case, _Row]]:
        """Yield a case for whoever has become a recipient: they are told when the first of the others is."""
        for nudge, fact in new_deliveries(cases, self._now):
            if (row := _first_row(nudge)) in at:
                joined = evolve(nudge, nudge.intent.id, nudge.version, fact)
                yield from ((case, row) for case in self._looking.cases([(joined, fact.recipient)]))

    def _decision(self, case: Case, at: datetime) -> Decision:
        who = case.recipient.pseudonym
        if who not in self._sent:
            since = window_start(self._rules.defaults, self._now)
            self._sent[who] = [sent for sent in case.settlement.ledger.messages if sent > since and sent != self._now]
        messages = tuple(sent for sent in self._sent[who] if sent <= at or sent == ON_ITS_WAY)
        ledger = Ledger(case.settlement.ledger.nudges, messages)
        return settle(replace(case.settlement, ledger=ledger), at)

    def _outcome(self, turn: "_Upcoming", decision: Decision, at: datetime) -> SampledDelivery:
        case = turn.case
        went = SampledDelivery(case.nudge.intent.trigger, turn.due, at, deferred=turn.deferred)
        match decision:
            case Send(channel):
                if CLASS_RULES[case.settlement.trigger.klass].counts:
                    self._sent[case.recipient.pseudonym].append(at)
                return replace(went, channel=channel, parts=self._sms(case, at) if channel == "sms" else 0)
            case Digest(day=day):
                goes = due_on(day, local_zone(case.recipient, self._rules.defaults))
                return self._digested(case, replace(went, at=goes, deferred=DIGEST))
            case Withhold(why):
                return replace(went, withheld=why.value)
            case Expire():
                return replace(went, withheld=NotSentReason.EXPIRED.value)
            case Defer(_, why):
                return replace(went, withheld=why.value)

    def _digested(self, case: Case, went: SampledDelivery) -> SampledDelivery:
        """Return the outcome in a digest: its first member counts as the message, the others cost nothing."""
        who = case.recipient.pseudonym
        if (who, went.at) in self._digests:
            return went
        self._digests.add((who, went.at))
        self._sent[who].append(went.at)
        channel = next(iter(reachable(case.recipient, DIGEST_TRIGGER.channels, (), DIGEST, always=False)), "")
        return replace(went, channel=channel, parts=1 if channel == "sms" else 0)

    def _sms(self, case: Case, at: datetime) -> float:
        """Return the number of SMS parts; for many alike the average of the first ones."""
        intent = case.nudge.intent
        kind = (intent.trigger, intent.step, str(case.recipient.get("language")))
        known = self._parts.setdefault(kind, [])
        if len(known) < MOST_DEFERRALS:
            try:
                known.append(len(segments(render(case, self._rules, at, only="sms").signed()).parts))
            except WordsFailed:
                known.append(0)
        return sum(known) / len(known)


def _row(case: Case, at: Container[_Row]) -> _Row:
    """Return the row that the case belongs to; a case of a guardian may belong to the child's row."""
    own = (case.nudge.intent.id, case.recipient.pseudonym)
    return own if own in at else (case.nudge.intent.id, case.nudge.intent.person)


def _first_row(nudge: Nudge) -> _Row:
    """Return the row of the delivery that is looked at first."""
    waiting = [(one.due, one.recipient) for one in nudge.deliveries if one.due is not None and one.digest is None]
    return nudge.intent.id, min(waiting)[1]


class _Upcoming(Struct, frozen=True):
    """A case in the simulation; `of`: number of cases of its row; `looks`: number of times it was deferred."""

    case: Case
    due: datetime
    of: int
    looks: int = 0
    deferred: str = ""
