"""Which persons have to be played together, because somebody might be told too much about all of them."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from domain.overrides import OVERRIDES
from domain.rulebook import Defaults
from streams.backtest_results import Message, Own

_Counted = tuple[datetime, str]
"""When a message that counts went, and whom it concerned."""


def families(owns: Sequence[Own], defaults: Defaults) -> list[list[str]]:
    """Persons whose messages meet at a recipient whose cap has no room for all; each with whoever hangs on them.

    Where every message finds room among all that count at its recipient, it went as if it were alone.
    """
    crowded = {
        recipient
        for side in (_draft, _against)
        for recipient, counted in _counted(owns, side).items()
        if _is_crowded(counted, defaults)
    }
    return _connected([{own.person, *_recipients(own)} for own in owns], crowded) if crowded else []


def replayed(owns: Iterable[Own], together: Iterable[Own]) -> list[Own]:
    """The persons' parts, where they were played together as that came out.

    A family has recipients who were not looked at themselves: nothing concerns them, and they are left out.
    """
    found = {own.person: own for own in owns}
    return [*(found | {own.person: own for own in together if own.person in found}).values()]


def _draft(own: Own) -> Sequence[Message]:
    return own.played.messages


def _against(own: Own) -> Sequence[Message]:
    return own.against


def _recipients(own: Own) -> Iterator[str]:
    return (message.to for side in (own.played.messages, own.against) for message in side)


def _counted(owns: Iterable[Own], side: Callable[[Own], Sequence[Message]]) -> Mapping[str, list[_Counted]]:
    found: dict[str, list[_Counted]] = {}
    for own in owns:
        for message in side(own):
            if not message.digest and OVERRIDES[message.klass].counts:
                found.setdefault(message.to, []).append((message.at, own.person))
    return found


def _is_crowded(counted: list[_Counted], defaults: Defaults) -> bool:
    if len({person for _, person in counted}) == 1:
        return False
    times = sorted(at for at, _ in counted)
    days = timedelta(days=defaults.cap_days)
    return any(number - bisect_right(times, at - days) >= defaults.cap_messages for number, at in enumerate(times))


def _connected(groups: Iterable[set[str]], around: set[str]) -> list[list[str]]:
    """The groups that hang together, of which any member is in `around`."""
    family_of: dict[str, set[str]] = {}
    for group in groups:
        joined = set(group).union(*(family_of[each] for each in group if each in family_of))
        family_of.update(dict.fromkeys(joined, joined))
    found = {id(family): family for each, family in family_of.items() if each in around}
    return sorted(sorted(family) for family in found.values())
