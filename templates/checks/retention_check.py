"""Checks the limits of event types: what nobody may read any more is what nothing pending can depend on."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from domain.core.timing import DAY_SECONDS, Offset, parse_offset
from domain.core.translatable import N_, Said, Words
from domain.rules.event_types import Catalogue, EventType
from domain.rules.steps import Step
from domain.rules.triggers import EXPIRES_AFTER, Trigger
from templates.reading.files import PackFiles, plain
from templates.reading.yaml_file import Document

MONTH, LONGEST_MONTH = 30, 31
"""Days of a month, where it counts how short it may be and how long."""
LONGEST_YEAR = 366
WORKING = 2
"""Days that a working day may take, with week-ends and holidays."""


_TO_PROVE: Mapping[str, str] = {
    "legal": N_("{trigger} is a legal notice, {must}"),
    "emergency": N_("{trigger} is an emergency, {must}"),
}
"""Class of a trigger whose messages must be proven to have been given -> the sentence that says so."""


class ReadingTrigger(Struct, frozen=True):
    """A trigger that reads a type, and the days around the event for which it needs the content."""

    trigger: str
    days: int
    to_prove: str  # the sentence that says that it must be proven to have been given; empty: it need not be


def check_limits(packs: Sequence[PackFiles], triggers: Iterable[Trigger], catalogue: Catalogue) -> None:
    """Report limits that a type cannot have, and such as are too short for the triggers that read it."""
    readers = _readers(triggers)
    proven = _proven(packs)
    for document in (document for files in packs for document in files.events):
        type_ = catalogue.types.get(str(plain(document).get("type")))
        if type_ is None or type_.retention is None:
            continue
        for problem in _unlimited(type_, catalogue, readers):
            document.note(("retention",), problem, key=True)
        _check_length(document, type_.retention, readers.get(type_.name, []), proven)


def _proven(packs: Iterable[PackFiles]) -> str | None:
    """Return the time for which legal notices must be proven, from the first pack that sets it."""
    said = (plain(files.pack).get("legal_proof") for files in packs)
    return next((each for each in said if isinstance(each, str)), None)


def _unlimited(
    type_: EventType, catalogue: Catalogue, readers: Mapping[str, Sequence[ReadingTrigger]]
) -> Iterator[Said]:
    """Yield the reasons why the content is needed for as long as anybody lives."""
    if type_.subject is None:
        yield Said(
            "an event about an area is about nobody: nothing of it is sealed, so nothing can become unreadable"
        )
    if type_.ends_life:
        yield Said("it ends a life, and that is asked for ever after")
    if names := sorted({each.attribute for settings in type_.sets.values() for each in settings}):
        yield Words("it sets {names} on a person, which is read as long as they live", names=", ".join(names))
    for name, benefit in catalogue.benefits.items():
        if type_.name == benefit.on or type_.name in benefit.had_by:
            yield Words("the benefit {name} asks for it, however long ago it was", name=name)
    for each in readers.get(type_.name, ()):
        if each.days < 0:
            yield Words(
                "answers to {trigger} become such events, and are compared with it whenever it is planned",
                trigger=each.trigger,
            )


def _check_length(document: Document, limit: Offset, readers: Iterable[ReadingTrigger], proven: str | None) -> None:
    place, shortest = document.value(("retention",)), limit.months * MONTH + limit.months // 2
    for each in readers:
        if each.days > shortest:
            message = Words("{trigger} depends on it for up to {days} days", trigger=each.trigger, days=each.days)
            document.note_at(place, message, _limit_of(each.days))
        if each.to_prove and proven is None:
            must = Said("and no pack.yaml says (legal_proof) how long it must be proven")
            document.note_at(place, Words(each.to_prove, trigger=each.trigger, must=must))
        elif each.to_prove and proven is not None and limit.months < parse_offset(proven).months:
            must = Words("which must be proven for {proven} (legal_proof)", proven=proven)
            document.note_at(place, Words(each.to_prove, trigger=each.trigger, must=must), proven)


def _limit_of(days: int) -> str:
    """Return the shortest limit in whole years that is not shorter."""
    return f"P{-(-days // 365)}Y"


def _readers(triggers: Iterable[Trigger]) -> dict[str, list[ReadingTrigger]]:
    found: dict[str, list[ReadingTrigger]] = {}
    for trigger in triggers:
        for name, days in _read(trigger):
            found.setdefault(name, []).append(ReadingTrigger(trigger.name, days, _TO_PROVE.get(trigger.klass, "")))
    return found


def _read(trigger: Trigger) -> Iterator[tuple[str, int]]:
    """Yield each type that the trigger reads with the days for which that matters; below 0: always."""
    needs = trigger.needs
    within = [_days(each.within) for each in needs.together] if needs else []
    counted = _days(needs.count.within) if needs and needs.count else 0
    span = max((_span(step, trigger) for step in trigger.steps), default=0) + max(within, default=0) + counted
    names = {trigger.on} | {each.on for each in (needs.together if needs else ())}
    names |= {each.on for each in trigger.unless if each.within is None or each.within.before is None}
    yield from ((name, span) for name in sorted(names))
    for each in trigger.unless:  # whatever happened earlier prevents nothing
        if each.within is not None and each.within.before is not None:
            yield each.on, _days(each.within.before) + _waiting(trigger)
    yield from ((name, -1) for name in sorted(set(trigger.replies.values())))


def _span(step: Step, trigger: Trigger) -> int:
    """Return the days after (or before) the date from which the step counts, until its message is no longer on its
    way.
    """
    series, days = step.series, _days(step.offset) + (LONGEST_YEAR if step.day else 0)
    if series is not None:
        days += WORKING * abs(series.working_days)
        days += _days(series.repeat.every) * (series.repeat.at_most - 1) if series.repeat else 0
    return days + _waiting(trigger)


def _waiting(trigger: Trigger) -> int:
    """Return the days for which a message may still be on its way after its deadline."""
    grace = max((_days(each.grace) for each in trigger.unless), default=0)
    expiry = trigger.expiry
    return grace + (_days(expiry.offset) if expiry and expiry.offset else EXPIRES_AFTER.days)


def _days(offset: Offset) -> int:
    """Return the most days that an offset may be, in either direction."""
    return abs(offset.months) * LONGEST_MONTH + abs(offset.days) + -(-abs(offset.seconds) // DAY_SECONDS)
