"""Plan: histories of 20 facts of 15 types, on one core, decoded facts in.

Against 50 triggers on these types, and against 200 on four times as many: the index by type leaves the same work.
"""

import statistics
from datetime import UTC, datetime, time, timedelta

from msgspec.structs import replace

from benchmarks.measuring import Row, seconds, sized
from domain.core.events import LifeEvent
from domain.core.ids import Names
from domain.core.timing import QuietHours
from domain.persons.history import History, history_of
from domain.planning.plan import plan
from domain.rules.event_types import Catalogue, EventType, event_type_of
from domain.rules.rulebook import Defaults, Rulebook, Version
from domain.rules.trigger_compiling import compile_trigger

TYPES, TRIGGERS, FACTS, PERSONS, ROUNDS = 15, 50, 20, sized(400, least=20), sized(7)
KINDS = "abcd"
NAMES = Names(b"k" * 32)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def measure() -> tuple[list[Row], dict[str, float]]:
    rows, notes = [], {}
    for triggers, types, target in ((TRIGGERS, TYPES, 4000), (4 * TRIGGERS, 4 * TYPES, 3000)):
        rate, intents = _rate(_rulebook(triggers, types))
        rows.append(Row(f"plan, 20 facts × {triggers} triggers", rate, "histories/s", target))
        notes[f"intents a history, {triggers} triggers"] = intents
    return rows, notes


def _rate(rulebook: Rulebook) -> tuple[float, float]:
    """Histories a second, and intents a history."""
    recorded = [(NAMES.pseudonym(str(number)), _facts(number)) for number in range(PERSONS)]
    rates, intents = [], 0
    for _ in range(ROUNDS):
        histories = [history_of(person, map(replace, facts), rulebook.catalogue) for person, facts in recorded]
        assert all(fact.values for history in histories for fact in history.facts)  # decoded facts in
        found: list[int] = []
        rates.append(PERSONS / seconds(lambda: found.append(_planned(histories, rulebook))))  # noqa: B023  (runs at once)
        intents = found[0]
    return statistics.median(rates), intents / PERSONS


def _planned(histories: list[History], rulebook: Rulebook) -> int:
    return sum(len(plan(history, rulebook)) for history in histories)


def _rulebook(triggers: int, types: int) -> Rulebook:
    catalogue = Catalogue({f"t{n}": _type(n) for n in range(types)}, {"born_on": "date", "zone": "string"})
    versions = [
        Version(compile_trigger(f"trigger{n}", _trigger(n, types), catalogue), f"{n:064x}", n, LONG_AGO, LONG_AGO)
        for n in range(triggers)
    ]
    defaults = Defaults("kk", ("kk",), "Asia/Almaty", QuietHours(time(21), time(9)), 3, 7, 18)
    return Rulebook(catalogue, defaults, NAMES, versions)


def _type(number: int) -> EventType:
    text = {"type": "string"}
    properties = {"kind": text, "number": text, "expires_on": {"type": "string", "format": "date"}}
    sets = {"citizen": {"born_on": "event.expires_on"}} if number == 0 else {}
    schema = {"type": "object", "properties": properties}
    return event_type_of(
        {"type": f"t{number}", "title": {}, "agency": "a", "subject": "citizen", "data": schema, "sets": sets}
    )


def _trigger(number: int, types: int) -> dict[str, object]:
    type_ = f"t{number % types}"
    due = {
        "month": {"from": "event.expires_on", "offset": "-P30D", "at": "09:00"},
        "week": {"from": "event.expires_on", "offset": "-P7D", "at": "09:00"},
    }
    unless = {"on": type_, "when": "later.kind == event.kind && later.expires_on > event.expires_on"}
    return {
        "owner": "o",
        "category": "c",
        "class": "reminder",
        "on": type_,
        "channels": ["sms"],
        "due": due,
        "when": f'event.kind == "{KINDS[number % 4]}" && citizen.age >= 16',
        "occurrence": "event.number",
        "unless": [unless],
    }


def _facts(person: int) -> list[LifeEvent]:
    pseudonym = NAMES.pseudonym(str(person))
    return [_fact(person, pseudonym, number) for number in range(FACTS)]


def _fact(person: int, pseudonym: str, number: int) -> LifeEvent:
    year = 1980 + person % 10 if number == 0 else 2020 + (number * 37 + person) % 10
    part = {
        "kind": KINDS[(number * 3 + person) % 4],
        "number": f"{person}-{number}",
        "expires_on": f"{year}-0{1 + person % 9}-1{number % 10}",
    }
    return LifeEvent(
        stream=NAMES.stream("s", f"{person}-{number}"),
        source="s",
        id=f"{person}-{number}",
        type=f"t{number % TYPES}",
        time=datetime(2010, 1, 1, tzinfo=UTC) + timedelta(days=30 * number + person),
        persons={"citizen": (pseudonym,)},
        fields={"citizen": part},
    )
