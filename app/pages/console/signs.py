"""The signs by which an operator sees how the platform stands. The worst of them is how it stands as a whole.

The limits are those of deploy/alerts.yaml: what calls an operator in the night is bold here too.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import IntEnum

from msgspec import Struct

from app.pages.catalogues import Speech
from app.pages.console.staff import length
from domain.core.translatable import N_
from streams.kafka.lag import Lag
from streams.queries.health import Status, Trend
from streams.queries.provider_health import RecentRecords
from streams.queues.jobs import Job

SOON, LATE = timedelta(minutes=1), timedelta(minutes=5)
LONG = timedelta(minutes=10)


SWITCHES = "/switches"


class Level(IntEnum):
    """The severity of a sign."""

    GOOD = 0
    NOTE = 1
    BAD = 2


class Sign(Struct, frozen=True):
    """A part of the platform. `facts`: what is known, `since`: since when it is so, `todo`: what to do about it."""

    name: str
    level: Level
    state: str
    facts: tuple[str, ...] = ()
    since: datetime | None = None
    todo: str = ""
    command: str = ""
    path: str = ""


class Seen(Struct, frozen=True):
    """Everything that the signs are made from.

    `older`: the time of the newest fact that an old copy of the database lacks.

    `unseen`: providers whose recent work is not known; `began`: the start of the process that looks.
    """

    now: datetime
    standing: Status
    views: Lag
    relay: Lag | None
    workers: Sequence[Lag] | None
    workers_away: str
    unchained: int
    chained_at: datetime | None
    trends: Mapping[str, Trend]
    sounded: datetime | None
    embedded: bool
    lately: RecentRecords
    jobs: Sequence[Job]
    alone: frozenset[int]
    older: datetime | None = None
    unseen: tuple[str, ...] = ()
    began: datetime | None = None


class Teller:
    """Tells signs in the words of one language."""

    def __init__(self, seen: Seen, speech: Speech) -> None:
        self._seen, self._speech, self._say = seen, speech, speech.say

    def waits(
        self, name: str, sounding: str, count: int, seconds: float, limit: timedelta, todo: str, run: str
    ) -> Sign:
        """Return the sign of something that goes through a queue; after `limit` it is bad."""
        say, waited = self._say, timedelta(seconds=seconds)
        if not count:
            return Sign(name, Level.GOOD, say("Nothing waits"))
        level = Level.BAD if waited > limit else Level.NOTE if waited > min(SOON, limit / 2) else Level.GOOD
        state = say("Behind") if level else say("At work")
        facts = [self.with_number(self._say("{count} waiting"), count)]
        if seconds >= 1:
            facts.append(say("the oldest for {time}").format(time=length(seconds, self._speech)))
        facts += self._trend(self._seen.trends.get(sounding))
        since = self._seen.now - waited if level else None
        return Sign(name, level, state, tuple(facts), since, todo if level else "", run if level else "")

    def _trend(self, trend: Trend | None) -> Iterator[str]:
        if trend is None:
            return
        by = self._speech.number(round(abs(trend.a_minute), 1))
        if trend.empty_in is not None:
            yield self._say("fewer by {count} a minute").format(count=by)
            yield self._say("done in {time}").format(time=length(trend.empty_in.total_seconds(), self._speech))
        elif trend.a_minute > 0:
            yield self._say("more by {count} a minute").format(count=by)
        else:
            yield self._say("neither more nor fewer")

    def with_number(self, text: str, count: int) -> str:
        """Return the text with the number in it."""
        return text.format(count=self._speech.number(count))


LEVELS = {
    Level.GOOD: (N_("Works"), "good"),
    Level.NOTE: (N_("Look at it"), "note"),
    Level.BAD: (N_("Act now"), "bad"),
}
