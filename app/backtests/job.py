"""A backtest as a job: part after part, so that others see how far it is; it keeps counts, and nobody's data."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct, convert

from app.backtests.order import Order
from app.backtests.run import BacktestRun
from app.compose import Platform
from app.executors.executor import JobWorkers
from domain.core.translatable import Words
from streams.queues.jobs import Plan, Save, Step
from streams.rehearsal.backtest_results import Tally
from streams.rehearsal.rehearse import LATER, NO_EVENT
from streams.rules.drafts import Draft
from templates.checks.loader import TriggerSource
from templates.checks.pack_check import sms_limit_of

PARTS = 16
A_SECOND = 1.0
"""Parts, where nothing was measured yet."""
NOT_HAPPENED = frozenset({LATER, NO_EVENT})
"""Outcomes of those to whom nothing happened on these days, as far as was known, on which the rule begins."""


class BacktestArguments(Struct, frozen=True):
    """The arguments of a backtest: the version, the agency, the span; `against`: compared with what is in force."""

    agency: str
    pack: str
    trigger: str
    hash: str
    rules: dict[str, Any]
    words: dict[str, dict[str, Any]]
    start: datetime
    end: datetime
    caps: bool = False
    against: bool = False

    def order(self, platform: Platform) -> Order:
        """Return the order that a backtest plays."""
        now = platform.rules.library.rules().governed
        source = TriggerSource(self.trigger, self.rules, self.words, self.hash)
        draft = Draft(self.pack, now.packs[self.pack].content, (source,))
        return Order(draft, now, self.start, self.end, self.caps, self.against)


class BacktestCounts(Struct, frozen=True):
    """The results of a backtest. Rows are what was counted, and how often; `price`: of a part of an SMS."""

    persons: int
    facts: int
    people: int
    along: int
    messages: list[tuple[str, str, int]]
    parts: list[tuple[str, int, int]]
    steps: list[tuple[str, int]]
    days: list[tuple[str, str, int]]
    hours: list[tuple[str, int]]
    deferred: list[tuple[str, int]]
    withheld: list[tuple[str, int]]
    ended: list[tuple[str, int]]
    changes: list[tuple[str, str, int]]
    digest: str
    price: float | None
    outcomes: list[tuple[str, int]] = []

    @property
    def happened(self) -> bool:
        """Return True if something on which the rule begins happened and was known on these days."""
        return any(many for outcome, many in self.outcomes if outcome not in NOT_HAPPENED)


def counts(tally: Tally, price: float | None) -> BacktestCounts:
    """Return the counts of a tally, without samples and examples: these are people's, and need a purpose."""
    return BacktestCounts(
        tally.persons,
        tally.facts,
        tally.people,
        tally.along,
        sorted((*key, many) for key, many in tally.messages.items()),
        sorted((*key, many) for key, many in tally.parts.items()),
        sorted((step, many) for (_, step), many in tally.steps.items()),
        sorted((*key, many) for key, many in tally.days.items()),
        sorted(tally.hours.items()),
        tally.deferred.most_common(),
        tally.withheld.most_common(),
        tally.ended.most_common(),
        sorted((*key, many) for key, many in tally.changes.items()),
        f"{tally.digest:032x}",
        price,
        tally.outcomes.most_common(),
    )


class BacktestWork:
    """Plays it. What was counted so far is at hand only here: another process that takes the job up begins anew."""

    def __init__(self, platform: Platform, arguments: Mapping[str, Any]) -> None:
        self._platform = platform
        self._asked = convert({name: each for name, each in arguments.items() if name != "job"}, BacktestArguments)
        self._playing: BacktestRun | None = None
        self._parts: Iterator[int] = iter(())
        self._cursor, self._workers = "", JobWorkers(platform, 0)

    def count(self, cursor: str) -> Plan:  # noqa: ARG002  (there are as many for everybody)
        """Return the plan: a fixed number of parts of all persons."""
        return Plan(Words("backtest {trigger}", trigger=self._asked.trigger), PARTS, "parts", A_SECOND)

    def step(self, cursor: str, save: Save) -> Step:  # noqa: ARG002  (nothing is written)
        """Play the next part; the last one's cursor is what came of all."""
        playing = self._playing
        if playing is None or cursor != self._cursor:
            playing = self._begin()
        if (done := next(self._parts, None)) is not None:
            self._cursor = str(done)
            return Step(self._cursor, done, playing.of)
        price = sms_limit_of(self._platform.rules.library.rules().governed.packs[self._asked.pack].content).price
        found = counts(playing.tally(), price)
        return Step(msgspec.json.encode(found).decode(), playing.of, playing.of, finished=True)

    def _begin(self) -> BacktestRun:
        self._workers.close()
        order = self._asked.order(self._platform)
        playing = self._playing = BacktestRun(self._platform, order, PARTS, self._workers.begun())
        self._parts, self._cursor = playing.parts(), ""
        return playing

    def rest(self) -> None:
        """Leave the cluster, if there is one: who takes the job up begins anew."""
        self._workers.close()
        self._playing = None

    def abandon(self) -> None:
        """Leave the cluster, if there is one; a backtest leaves nothing behind."""
        self._workers.close()


def parse_arguments(arguments: Mapping[str, Any]) -> BacktestArguments | None:
    """Parse the arguments of a job; None where somebody changed them in the database, and they cannot be read."""
    try:
        return convert(dict(arguments), BacktestArguments)
    except msgspec.ValidationError:
        return None


def parse_counts(cursor: str) -> BacktestCounts | None:
    """Parse the results of a job that is done; None where somebody changed them, and they cannot be read."""
    try:
        return msgspec.json.decode(cursor, type=BacktestCounts)
    except (msgspec.DecodeError, UnicodeError):
        return None
