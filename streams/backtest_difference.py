"""What a draft would change: who would be told and was not, who would be told no more, and why."""

from collections.abc import Iterator, Mapping
from uuid import UUID

from domain.built_in import DIGEST
from domain.history import History
from domain.rulebook import Rulebook
from streams.backtest_results import Difference, Message, Played
from streams.rehearsal_prevention import Prevention

GAINS, LOSES, MOVED, REWORDED, SAME = "gains", "loses", "moved", "reworded", "same"
NO_RULE = "no_rule"
"""Why nothing is planned where neither an `unless` nor a death prevents it: the rule does not speak of it."""
_Key = tuple[UUID, str]


def differences(
    draft: Played, live: Played, histories: tuple[History, History], rulebooks: tuple[Rulebook, Rulebook]
) -> Iterator[Difference]:
    """The differences between what two rulebooks say to a person; of each the history at the end, and the rules."""
    new, old = _by_key(draft), _by_key(live)
    if new.keys() - old.keys():
        reasons = _Reasons(live, histories[1], rulebooks[1])
        yield from (Difference(GAINS, new[key], reasons.why(key)) for key in new if key not in old)
    if old.keys() - new.keys():
        reasons = _Reasons(draft, histories[0], rulebooks[0])
        yield from (Difference(LOSES, old[key], reasons.why(key)) for key in old if key not in new)
    for key in new.keys() & old.keys():
        yield Difference(_change(new[key], old[key]), new[key])


def _by_key(played: Played) -> Mapping[_Key, Message]:
    """Nudge and recipient -> the message; a digest is only the way in which others go."""
    return {(one.nudge, one.to): one for one in played.messages if one.trigger != DIGEST}


def _change(new: Message, old: Message) -> str:
    if (new.at, new.channel) != (old.at, old.channel):
        return MOVED
    return SAME if new.words == old.words else REWORDED


class _Reasons:
    """Why one rulebook does not send what another does."""

    def __init__(self, played: Played, history: History, rulebook: Rulebook) -> None:
        self._unsent = {(one.nudge, one.to): one for one in played.unsent}
        self._elsewhere = {one.nudge: one for one in played.unsent}
        _, prevented = Prevention(rulebook).of(history)
        self._prevented = {each.intent.id: each.reason for each in prevented}

    def why(self, key: _Key) -> str:
        found = self._unsent.get(key) or self._elsewhere.get(key[0])
        if found is not None:
            return found.what if found.reason is None else found.reason
        return self._prevented.get(key[0], NO_RULE)
