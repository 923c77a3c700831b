"""The order of a backtest: which draft is played, by which rules, from when to when."""

from datetime import datetime

from msgspec import Struct

from domain.core.ids import Names
from domain.rules.built_in_triggers import DIGEST
from streams.rehearsal.backtest import BacktestQuestion
from streams.rules.drafts import Draft, live, rules_with
from streams.rules.governed import Governed


class Order(Struct, frozen=True):
    """The order of a backtest, from which any process can do a part of it.

    `now`: the rules in force when it was asked, so that all processes play by the same; `others`: all triggers in
    force are played beside the draft's, for what they take of the cap; `against`: compare with what is in force.
    """

    draft: Draft
    now: Governed
    start: datetime
    end: datetime
    others: bool = False
    against: bool = False

    def question(self, names: Names) -> BacktestQuestion:
        """Return the same with all rules in it."""
        own = self.draft.names
        rules = rules_with(self.draft, self.now, self.start, names, others=self.others)
        spoken = own if self.others else own | {DIGEST}
        if not self.against:
            return BacktestQuestion(rules, spoken, self.start, self.end)
        before = live(self.draft, self.now)
        old = rules_with(before, self.now, self.start, names, others=self.others, besides=own)
        return BacktestQuestion(rules, spoken, self.start, self.end, old)
