"""When the thing itself happened that a nudge would ask for."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from domain.events import Effective
from domain.starts import Start
from domain.triggers import CORRECTION, Trigger


class Done(NamedTuple):
    """The thing itself happened at that time; `patient`: its trigger waits for late reports of it.

    `area`: it ends only what is about homes there; `theirs`: it is reported of the person, not of an area.
    """

    time: datetime
    patient: bool
    area: str | None = None
    theirs: bool = True


class Reported(Protocol):
    """A type -> what was reported of it; `elsewhen`: also to areas where the person lives at another time."""

    def __call__(self, type_: str, *, elsewhen: bool) -> Sequence[Effective]:
        """See above."""


def done_of(start: Start, trigger: Trigger, reported: Reported) -> list[Done]:
    """When the thing itself happened, before or after the event that the trigger starts on."""
    about_homes = start.fact.event.area is not None and not trigger.alone
    itself = None if trigger.alone else start.fact
    return [
        Done(
            later.event.time, bool(unless.grace), later.event.area if about_homes else None, later.event.area is None
        )
        for unless in trigger.unless
        for later in reported(unless.on, elsewhen=about_homes)
        if later is not itself and (unless.when is None or unless.when.holds(start.values, later.values))
    ]


def answers(by_type: Mapping[str, Sequence[Effective]], trigger: Trigger, id_of: Callable[[str], UUID]) -> list[Done]:
    """When the person answered any nudge of the occurrence; `id_of`: a step's name -> its nudge."""
    replies = [fact for type_ in trigger.answered_by for fact in by_type.get(type_, ())]
    names = (*trigger.step_names, CORRECTION) if replies else ()
    ids = {str(id_of(name)) for name in names}
    return [Done(fact.event.time, patient=False) for fact in replies if names_nudge(fact, ids)]


def moot_from(done: Sequence[Done]) -> datetime | None:
    """When the thing happened, after the deadline; with a grace, only what happened by the deadline counts."""
    return min((each.time for each in done if not each.patient), default=None)


def first_by(done: Sequence[Done]) -> datetime | None:
    """When the person first did it, in time or late; what happened to a whole area is nobody's doing."""
    return min((each.time for each in done if each.theirs), default=None)


def names_nudge(reply: Effective, ids: AbstractSet[str]) -> bool:
    """Whether a reply answers one of the nudges with these ids."""
    return str(reply.values.get("event.nudge")).lower() in ids
