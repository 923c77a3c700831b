"""Recording: the transactions that append decisions, attempts and outcomes to the log."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from itertools import chain

from msgspec.structs import replace
from sqlalchemy import Connection

from projections import history, nudges
from streams.delivery.decide.case import new_deliveries
from streams.delivery.decide.digesting import Decided, append_decided, without_room
from streams.delivery.decide.overflow import Overflow
from streams.delivery.outcomes import conversations
from streams.delivery.outcomes.attempts import Attempt
from streams.delivery.outcomes.group_commit import AttemptOutcomes, CommittedNudges, GroupCommit, IntendedAttempts
from streams.delivery.outcomes.hand_over_journal import HandOverJournal
from streams.delivery.outcomes.outcome_facts import Outcomes
from streams.delivery.outcomes.receipt_facts import Receipt
from streams.delivery.outcomes.receipts import Receipts
from streams.delivery.outcomes.references import Parts
from streams.delivery.outcomes.suppression import SuppressionList
from streams.delivery.outcomes.unconfirmed import UnconfirmedCommits
from streams.log.appending import NOTHING_UNCONDITIONAL, Unconditional, append_if_unmoved, record, unrecorded
from streams.log.chain import StoredFact
from streams.log.watermark import Watermark
from streams.planning.person_plans import RulesMoved, refuse_moved_rules
from streams.rules.context import WriteContext
from streams.storage.database import Priority


class Recorder:
    """Appends facts about deliveries; with an outcome, the receipts that came before it.

    `receipts` and `suppression` learn from what is recorded; `unconfirmed` keeps what is left when the database goes
    away, and `journal` what is open when the process is killed.
    """

    def __init__(
        self,
        context: WriteContext,
        receipts: Receipts,
        suppression: SuppressionList,
        watermark: Watermark,
        journal: HandOverJournal,
    ) -> None:
        self._database, self._log, self._names, self._clock = (
            context.database,
            context.log,
            context.names,
            context.clock,
        )
        self.receipts, self.suppression, self._watermark = receipts, suppression, watermark
        self.journal = journal
        self._group = GroupCommit(self._commit)
        self.unconfirmed = UnconfirmedCommits(context)

    def append_decisions(
        self, decided: Sequence[Decided], rules: int | None = None, parts: Parts | None = None
    ) -> None:
        """Append decisions about nudges that have not changed since they were read.

        `rules`: the position of the rules that they were made by; None: no rule changes them. `parts`: the providers'
        names for the parts of long messages among them.

        Raises:
            RulesMoved: other rules are in force by now; nothing is appended.
        """
        self._write(lambda connection: self._decisions(connection, decided, rules, parts or {}))

    async def commit_attempts(self, intended: IntendedAttempts) -> list[Attempt]:
        """Commit attempts, together with others; return those that may be handed over now.

        Raises:
            OlderLog: the database was restored while this process ran.
            RulesMoved: other rules are in force by now; nothing is committed.
        """
        attempts, settled = intended.attempts, self.unconfirmed.settled
        self.journal.note_withdrawn([settled.popleft() for _ in range(len(settled))])
        self.journal.note_intended(attempts)
        kept: CommittedNudges = {}
        try:
            with self.unconfirmed.remembering(intended.claimed, attempts):
                kept = await self._group.commit_attempts(intended)
        except RulesMoved:
            self.journal.note_withdrawn(attempts)
            raise
        self.journal.note_withdrawn(attempt for attempt in attempts if attempt.nudge not in kept)
        return [replace(attempt, committed=kept[attempt.nudge]) for attempt in attempts if attempt.nudge in kept]

    def expecting_outcomes(self) -> AbstractContextManager[None]:
        """Let commits wait a moment for the outcomes that come of this block."""
        return self._group.expecting_outcomes()

    async def commit_outcomes(self, answers: AttemptOutcomes) -> None:
        """Commit the outcomes of attempts, together with others."""
        await self._group.commit_outcomes(answers)
        self.journal.note_ended(answers.outcomes.attempts)

    def _write(self, work: Callable[[Connection], list[Receipt]]) -> None:
        self.suppression.suppress_reported(self._database.write(work, Priority.DISPATCH))

    def _decisions(
        self, connection: Connection, decided: Sequence[Decided], rules: int | None, parts: Parts
    ) -> list[Receipt]:
        kept = append_decided(connection, self._log, self._names, decided)
        if rules is not None:
            refuse_moved_rules(connection, rules)
        appended = [(nudge.intent.id, fact) for nudge, fact in decided if not isinstance(fact, Overflow)]
        return self.receipts.record_early(
            connection, Outcomes([(id_, fact) for id_, fact in appended if id_ in kept], parts)
        )

    def _commit(self, intended: IntendedAttempts | None, answers: AttemptOutcomes | None) -> CommittedNudges:
        """Commit attempts and outcomes together; return the nudges that attempts were appended to."""
        kept, newest, receipts = self._database.write(
            lambda connection: self._append_both(connection, intended, answers), Priority.DISPATCH
        )
        self._watermark.note(newest)
        self.suppression.suppress_reported(receipts)
        return kept

    def _append_both(
        self, connection: Connection, intended: IntendedAttempts | None, answers: AttemptOutcomes | None
    ) -> tuple[CommittedNudges, StoredFact | None, list[Receipt]]:
        """Append attempts, and behind them outcomes; attempts lock persons, so they come first."""
        if intended is None:
            return {}, None, [] if answers is None else self._append_outcomes(connection, answers)
        if answers is None or answers.may_be_recorded:
            kept, newest = self._append_attempts(connection, intended, NOTHING_UNCONDITIONAL)
            return kept, newest, [] if answers is None else self._append_outcomes(connection, answers)
        kept, newest = self._append_attempts(
            connection, intended, Unconditional(answers.outcomes.facts, answers.known)
        )
        return kept, newest, self.receipts.record_early(connection, answers.outcomes)

    def _append_attempts(
        self, connection: Connection, intended: IntendedAttempts, always: Unconditional
    ) -> tuple[CommittedNudges, StoredFact | None]:
        """Append the attempts that still hold.

        Their nudges and members have not changed, nothing was recorded of the persons since the decision, the cap has
        room, and a question by SMS is told from others at its number.
        Where the rules have changed since the decision, nothing is appended: a stop is obeyed at the next send.
        Whoever appends holds the log until they commit, so a stop is either committed before and seen here, or comes
        after this append.

        Raises:
            OlderLog: the database was restored while this process ran.
            RulesMoved: other rules are in force.
        """
        cases, attempts, now = intended.cases, intended.attempts, self._clock()
        self._watermark.check(connection, self._watermark.known())
        concerned = frozenset[str]().union(*(case.rests_on for case in cases))
        self._log.keys.hold(connection, concerned)  # nobody else sends to them, or records anything of them
        told = history.with_events_after(connection, concerned, min((case.as_of for case in cases), default=0))
        again = {
            case.nudge.intent.id
            for case in (cases if told else ())
            if any(told.get(each, 0) > case.as_of for each in case.rests_on)
        }
        again |= without_room(connection, [attempt.case.settlement for attempt in attempts], now)
        left = [attempt for attempt in attempts if attempt.nudge not in again]
        again |= conversations.unmarked(connection, self._log, intended.rules, self._names, left, now)
        decided = [
            (case.nudge, intention.fact if isinstance(intention, Attempt) else intention)
            for case, intention in zip(cases, intended.intentions, strict=True)
            if case.nudge.intent.id not in again
        ]
        going = [case for case in cases if case.nudge.intent.id not in again]
        decided += new_deliveries([*going, *chain.from_iterable(case.members for case in going)], now)
        tied = {attempt.nudge: [member.nudge for member in attempt.case.members] for attempt in attempts}
        conversations.note_attempts(connection, self._names, attempts, now)
        kept = append_decided(connection, self._log, self._names, decided, tied, always)
        nudges.release(connection, [case.key for case in cases if case.nudge.intent.id in again])
        refuse_moved_rules(connection, intended.rules.position)
        return kept, self._watermark.newest(connection)

    def _append_outcomes(self, connection: Connection, answers: AttemptOutcomes) -> list[Receipt]:
        """Append outcomes; return the receipts that were known before them."""
        outcomes = answers.outcomes
        if not answers.may_be_recorded:
            append_if_unmoved(connection, self._log, (), always=Unconditional(outcomes.facts, answers.known))
            return self.receipts.record_early(connection, outcomes)
        nudges.held(connection, {id_ for id_, _ in outcomes.facts})
        return self._append(connection, replace(outcomes, facts=unrecorded(connection, self._log, outcomes.facts)))

    def _append(self, connection: Connection, outcomes: Outcomes) -> list[Receipt]:
        record(connection, self._log, outcomes.facts)
        return self.receipts.record_early(connection, outcomes)
