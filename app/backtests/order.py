"""The order of a backtest."""

from datetime import datetime

from msgspec import Struct

from app.compose import Platform
from domain.rules.built_in_triggers import DIGEST
from streams.rehearsal.backtest import Backtest, Question
from streams.rules.drafts import Draft, live, rules_with


class Order(Struct, frozen=True):
    """The order of a backtest, from which any process can do a part of it.

    `others`: all triggers in force are played beside the draft's, for what they take of the cap.
    """

    draft: Draft
    start: datetime
    end: datetime
    others: bool = False
    against: bool = False

    def question(self, platform: Platform) -> Question:
        """Return the same with all rules in it."""
        now, names, own = platform.rules.library.rules().governed, platform.identity.names, self.draft.names
        rules = rules_with(self.draft, now, self.start, names, others=self.others)
        spoken = own if self.others else own | {DIGEST}
        if not self.against:
            return Question(rules, spoken, self.start, self.end)
        before = live(self.draft, now)
        old = rules_with(before, now, self.start, names, others=self.others, besides=own)
        return Question(rules, spoken, self.start, self.end, old)


def made(platform: Platform, order: Order) -> Backtest:
    """Return the player of the order in this process."""
    return Backtest(platform.database, platform.log, order.question(platform))
