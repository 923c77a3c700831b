"""What each fact means for the views that follow the log: trail and statistics."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from msgspec import Struct

from domain.accounting import ACCOUNTING_FACTS
from domain.events import LifeEvent
from domain.facts import NUDGE_FACTS, NudgeDone, NudgeFact, NudgePlanned, NudgeUndone
from projections.statistics import Key
from projections.trail import Step
from streams.mapper import Entry
from streams.ways import Ways


class Subject(Struct, frozen=True):
    """Whom and what a nudge is about: what facts after the first no longer say."""

    person: str
    trigger: str


class Page(Struct, frozen=True):
    """What a page of the log adds to the views that follow it."""

    steps: list[Step]
    counts: Counter[Key]


def unnamed(entries: Iterable[Entry]) -> set[UUID]:
    """The nudges whose subject must be looked up, because the page does not begin with their planning."""
    first: dict[UUID, Entry] = {}
    for entry in entries:
        if isinstance(entry.fact, NUDGE_FACTS):
            first.setdefault(entry.originator_id, entry)
    return {id_ for id_, entry in first.items() if not isinstance(entry.fact, NudgePlanned)}


def page_of(entries: Sequence[Entry], known: Mapping[UUID, Subject], before: Iterable[Entry] = ()) -> Page:
    """What the entries add; `known`: the subjects of the `unnamed` nudges; `before`: the `attempts_before` them."""
    page, subjects, ways = Page([], Counter()), dict[UUID, Subject | NudgePlanned](known), Ways(before)
    for entry in entries:
        fact = entry.fact
        if isinstance(fact, NudgePlanned):  # most of all facts, of which the fewest questions are asked
            subjects[entry.originator_id] = fact
            page.steps.append((fact.person, entry.position, fact.TOPIC))
            page.counts[_day(fact), fact.trigger, _NAMES[fact.TOPIC]] += 1
        elif isinstance(fact, LifeEvent):
            _add(page, sorted(fact.everybody), entry.position, fact.TOPIC, (fact.time.date(), "", fact.type))
        elif isinstance(fact, NUDGE_FACTS):
            about = subjects[entry.originator_id]
            recipient = getattr(fact, "recipient", None)
            whom = [about.person] if recipient in (None, about.person) else sorted((about.person, recipient))
            way = ways.of(entry.originator_id, fact)
            number = -1 if isinstance(fact, NudgeUndone) else 1
            _add(page, whom, entry.position, fact.TOPIC, (_day(fact), about.trigger, _what(fact, way)), number)
        elif isinstance(fact, ACCOUNTING_FACTS) and fact.person:
            page.steps.append((fact.person, entry.position, fact.TOPIC))
    return page


def _add(page: Page, persons: Iterable[str], position: int, topic: str, key: Key, number: int = 1) -> None:
    for person in persons:
        page.steps.append((person, position, topic))
    page.counts[key] += number


def _day(fact: NudgeFact) -> date:
    """When it was recorded; what people did counts on the day on which they did it."""
    at: datetime = fact.done_at if isinstance(fact, NudgeDone) else fact.at
    return at.date()


def _what(fact: NudgeFact, way: str) -> str:
    """The fact's name, with its way or reason where it has one: `sent.sms.kk`, `withheld.opted_out`."""
    name, detail = _NAMES[fact.TOPIC], way or getattr(fact, "reason", None)
    return f"{name}.{detail}" if detail else name


_NAMES = {each.TOPIC: each.TOPIC.removeprefix("nudge-").removesuffix("/1") for each in NUDGE_FACTS}
_NAMES[NudgeUndone.TOPIC] = _NAMES[NudgeDone.TOPIC]  # it takes one away
