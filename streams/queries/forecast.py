"""Forecast: what is due in the next days, when it would go, by which channel and at what cost; nothing is invented.

How many are due is counted, all of them. When and whether they go is shown by a sample of recipients, each with all
that is due to them, decided by `settle` at its time; where few are due that is everybody, and nothing is estimated.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from domain.core.sms import segments
from domain.nudges.cap import ON_ITS_WAY, window_start
from domain.nudges.class_overrides import OVERRIDES
from domain.nudges.digest import goes_on
from domain.nudges.forecast import Forecast, Went, spread
from domain.nudges.settle import (
    Decision,
    Defer,
    Digest,
    Expire,
    Ledger,
    Reason,
    Send,
    Withhold,
    settle,
)
from domain.persons.channels import reachable
from domain.persons.hours import local_zone
from domain.rules.built_in_triggers import DIGEST, DIGEST_TRIGGER
from domain.rules.triggers import RANKS
from projections import nudges, upcoming
from projections.lanes import lane_of
from projections.nudges import Due
from projections.tables import micros, moment
from streams.delivery.decide.case import Case
from streams.delivery.decide.decision_inputs import DecisionInputs
from streams.delivery.decide.rendering import render
from streams.log.log import Log
from streams.rules.in_force import Rules
from streams.rules.library import Library
from streams.rules.switches import Off, read_off
from streams.storage.database import Database
from templates.words.rendering import WordsFailed

SAMPLE, OF_A_TRIGGER = 5000, 50
LOOKS = 20
"""How often a delivery may be put off before it is left where it is."""


class Foreseen(Struct, frozen=True):
    """A forecast; `share`: what part of the recipients the sample is.

    `held_back`: how many deliveries wait for what is stopped, whether the dispatcher has looked at them or not; they
    are not among the due. `stopped`: what is stopped, the latest first.
    """

    forecast: Forecast
    share: float
    held_back: int
    stopped: Sequence[Off]
    rules: Rules


class Forecasting:
    """Looks ahead; it reads, and changes nothing."""

    def __init__(
        self, database: Database, log: Log, library: Library, clock: Callable[[], datetime], sample: int = SAMPLE
    ) -> None:
        self._database, self._log, self._library, self._clock = database, log, library, clock
        self._sample = sample

    def forecast(self, span: timedelta, agency: str | None = None) -> Foreseen:
        """What is due until then, what is overdue now included; `agency`: only what that one sends."""
        now, rules = self._clock(), self._library.rules()
        until, names = micros(now + span), _Lanes(rules, agency)
        with self._database.reading() as connection:
            every = upcoming.by_hour(connection, until)
            total = sum(many for _, _, many in every)
            counted = [row for row in every if row[1] in names]
            share = min(1.0, self._sample / total) if total else 1.0
            rows = upcoming.of_some(connection, until, _pseudonym_at(share))
            sample = list(_Outlook(connection, self._log, rules, now).of(rows))
            seen = {went.trigger for went in sample}
            for lane in sorted({lane for _, lane, _ in counted if names[lane] not in seen}):
                some = upcoming.of_lane(connection, until, lane, OF_A_TRIGGER)
                sample += _Outlook(connection, self._log, rules, now).of(some)
            marked = sum(many for lane, many in upcoming.held_back(connection) if lane in names)
            stopped = read_off(connection, self._log)
        due = [(moment(hour * upcoming.HOUR), names[lane], many) for hour, lane, many in counted]
        found = spread(due, sample, now)
        return Foreseen(found, share, marked + round(found.held_back), stopped, rules)


class _Lanes(dict[int, str]):
    """Lane of the due table -> its trigger, of those of the agency."""

    def __init__(self, rules: Rules, agency: str | None) -> None:
        triggers = [DIGEST_TRIGGER, *(each.trigger for each in rules.rulebook.versions.values())]
        super().__init__(
            (lane_of(each.name, rank), each.name)
            for each in triggers
            if agency in {None, each.owner}
            for rank in RANKS.values()
        )


def _pseudonym_at(share: float) -> str:
    """What so many of all pseudonyms come before."""
    return "g" if share >= 1 else f"{int(share * 16**8):08x}"


class _Outlook:
    """Lets time go by for some deliveries: what settle says of each when its turn comes."""

    def __init__(self, connection: Connection, log: Log, rules: Rules, now: datetime) -> None:
        self._connection, self._rules, self._now = connection, rules, now
        self._looking = DecisionInputs(connection, log, rules, now)
        self._sent: dict[str, list[datetime]] = {}
        self._parts: dict[tuple[str, str, str], list[int]] = {}
        self._digests: set[tuple[str, datetime]] = set()

    def of(self, rows: Sequence[tuple[int, Due]]) -> Iterator[Went]:
        """What becomes of them, in the order of their time."""
        cases = self._cases(rows)
        turns = [(max(turn.due, self._now), number, turn) for number, turn in enumerate(cases)]
        heapq.heapify(turns)
        while turns:
            at, number, turn = heapq.heappop(turns)
            decision = self._decision(turn.case, at)
            if isinstance(decision, Defer) and decision.reason is Reason.STOPPED:
                yield Went(turn.case.nudge.intent.trigger, turn.due, at, stopped=True, of=turn.of)
            elif isinstance(decision, Defer) and turn.looks < LOOKS:
                later = replace(turn, looks=turn.looks + 1, deferred=decision.reason.value)
                heapq.heappush(turns, (decision.until, number, later))
            else:
                yield replace(self._went(turn, decision, at), of=turn.of)

    def _cases(self, rows: Sequence[tuple[int, Due]]) -> list["_Turn"]:
        found = nudges.by_id(self._connection, [due.nudge for _, due in rows])
        at = {(due.nudge, due.recipient): moment(time) for time, due in rows}
        cases = list(self._looking.cases([(found[due.nudge], due.recipient) for _, due in rows]))
        several = Counter(_row(case, at) for case in cases)
        return [_Turn(case, at[row], several[row]) for case in cases for row in [_row(case, at)]]

    def _decision(self, case: Case, at: datetime) -> Decision:
        if isinstance(case.decision, Withhold) and case.decision.reason is Reason.NO_GUARDIAN:
            return case.decision
        who = case.recipient.pseudonym
        if who not in self._sent:
            since = window_start(self._rules.defaults, self._now)
            self._sent[who] = [each for each in case.settlement.ledger.messages if each > since and each != self._now]
        messages = tuple(each for each in self._sent[who] if each <= at or each == ON_ITS_WAY)
        ledger = Ledger(case.settlement.ledger.nudges, messages)
        return settle(replace(case.settlement, ledger=ledger), at)

    def _went(self, turn: "_Turn", decision: Decision, at: datetime) -> Went:
        case = turn.case
        went = Went(case.nudge.intent.trigger, turn.due, at, deferred=turn.deferred)
        match decision:
            case Send(channel):
                self._count(case, at)
                return replace(went, channel=channel, parts=self._sms(case, at) if channel == "sms" else 0)
            case Digest(day=day):
                goes = goes_on(day, local_zone(case.recipient, self._rules.defaults))
                return self._digested(case, replace(went, at=goes, deferred=DIGEST))
            case Withhold(why):
                return replace(went, withheld=why.value)
            case Expire():
                return replace(went, withheld=Reason.EXPIRED.value)
            case Defer(_, why):
                return replace(went, withheld=why.value)

    def _digested(self, case: Case, went: Went) -> Went:
        """The first that goes with a digest stands for its message; the others go along."""
        who = case.recipient.pseudonym
        if (who, went.at) in self._digests:
            return went
        self._digests.add((who, went.at))
        self._sent[who].append(went.at)
        channel = next(iter(reachable(case.recipient, DIGEST_TRIGGER.channels, (), DIGEST, always=False)), "")
        return replace(went, channel=channel, parts=1 if channel == "sms" else 0)

    def _count(self, case: Case, at: datetime) -> None:
        if OVERRIDES[case.settlement.trigger.klass].counts:
            self._sent[case.recipient.pseudonym].append(at)

    def _sms(self, case: Case, at: datetime) -> float:
        """How many parts the words have; of many alike, the average of the first."""
        intent = case.nudge.intent
        kind = (intent.trigger, intent.step, str(case.recipient.get("language")))
        known = self._parts.setdefault(kind, [])
        if len(known) < LOOKS:
            try:
                known.append(len(segments(render(case, self._rules, at, only="sms").sms).parts))
            except WordsFailed:
                known.append(0)
        return sum(known) / len(known)


def _row(case: Case, at: Container[tuple[UUID, str]]) -> tuple[UUID, str]:
    """The row that the case is of: a guardian's first is the child's."""
    own = (case.nudge.intent.id, case.recipient.pseudonym)
    return own if own in at else (case.nudge.intent.id, case.nudge.intent.person)


class _Turn(Struct, frozen=True):
    """A case on its way through time; `of`: how many there are of its row, `looks`: how often it was put off."""

    case: Case
    due: datetime
    of: int
    looks: int = 0
    deferred: str = ""
