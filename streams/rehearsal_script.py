"""What a rehearsal is about, as plain data: the cases that are played, and what came of them."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct

from domain.events import LifeEvent
from domain.replies import Reply

CITIZEN = "$citizen"
"""The citizen under test."""
NOT_APPLICABLE = "not_applicable"
"""Why nothing is sent where nothing was ever planned."""


class Reported(Struct, frozen=True):
    """A life event, and when it becomes known; `answers`: the step whose nudge it names, once it was planned.

    `reply`: it is an answer by code, to be made into the event that the trigger names for it.
    """

    event: LifeEvent
    known: datetime
    answers: str | None = None
    reply: Reply | None = None


class Expected(Struct, frozen=True):
    """A message that goes, or one that does not (`nothing`); None and () accept anything."""

    line: int
    at: datetime | None
    step: str | None
    to: str | None
    channel: str | None
    contains: tuple[str, ...]
    least: int
    most: int | None
    nothing: bool
    because: str | None
    digest: bool = False


class Case(Struct, frozen=True):
    """One test of a trigger.

    `openings`: what is known of the persons at the start; `names`: pseudonym -> `$child`; `sent_lately`: so many
    messages of other triggers count towards the cap of the citizen under test, whenever one is due.
    """

    path: str
    line: int
    name: str
    clock: datetime
    zone: ZoneInfo
    openings: tuple[LifeEvent, ...]
    events: tuple[Reported, ...]
    expected: tuple[Expected, ...]
    names: Mapping[str, str]
    sent_lately: int = 0

    def when(self, moment: datetime) -> str:
        """The moment in the zone of the citizen under test."""
        return moment.astimezone(self.zone).isoformat(timespec="minutes")


class Ending(Struct, frozen=True):
    """What became of a nudge for one recipient: sent by a channel in these words, or not, `because` of that.

    `at`: when it was sent or decided on; where it never came to that, when it would have been due. `digest`: it went
    with the digest, whose words these are.
    """

    at: datetime
    step: str
    recipient: str
    channel: str | None = None
    text: str = ""
    because: str | None = None
    digest: bool = False


class Decision(Struct, frozen=True):
    """One thing that happened, in the order of the clock; `nudge` is None for what became known."""

    at: datetime
    what: str
    about: str
    nudge: UUID | None = None
    until: datetime | None = None
    reason: str | None = None
    channel: str | None = None
    text: str = ""


class Played(Struct, frozen=True):
    """A rehearsed case: how each of the citizen's nudges ended, by time, and every decision on the way."""

    endings: tuple[Ending, ...]
    decisions: tuple[Decision, ...]
