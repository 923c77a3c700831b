"""What decisions read: the few facts that can change a person, for the same decisions as from whole histories."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from sqlalchemy import event as hook

from app.simulation.city import CITY, city_news
from domain.nudges.delivery import Due
from domain.nudges.digest import is_digest
from domain.nudges.nudge import Nudge
from domain.nudges.settle import Ledger, Settlement, decision_to_leave_digest, settle
from domain.persons.history import History
from streams.delivery.decide.case import Case
from streams.delivery.decide.decision_inputs import DecisionInputs
from streams.delivery.decide.rendering import render
from streams.delivery.decide.settling import read_claim
from streams.intake.cloudevents import Envelope, envelope_of
from streams.rules.in_force import Rules
from templates.checks.loader import shipped
from templates.words.rendering import Rendered, WordsFailed
from tests.streams.years import END, SINCE, START, past
from tests.world import LONG_AGO, World, birth, card, event, iin, registered


def changes(random: Random, persons: Sequence[str]) -> Iterator[Envelope]:
    """What may happen to anybody: moves, wishes, guardians, deaths, and payments that change nothing about them."""
    for number, person in enumerate(persons):
        for nth in range(random.randrange(5)):
            time = (START + timedelta(days=random.randrange(-300, 60), minutes=nth)).isoformat()
            might: list[tuple[str, dict[str, Any]]] = [
                ("kz.pension.contribution_received", {"employer": "a firm", "received_on": time[:10]}),
                ("citizen.contact_changed", {"phone": None, "push": "a device"}),
                ("citizen.preferences_changed", {"language": "ru", "zone": "Europe/Berlin"}),
                ("citizen.preferences_changed", {"quiet_from": "06:00", "quiet_to": "22:00"}),
                ("citizen.consent_given", {"categories": ["work"]}),
                ("citizen.guardian_appointed", {"guardians": [random.choice(persons)]}),
                ("kz.residence.registered", {"kind": "moved", "area": CITY, "address": "1"}),
                ("kz.civil.death_registered", {"died_on": time[:10]}),
            ]
            type_, data = random.choice(might)
            yield event(type_, person, time, data, id=f"change-{number}-{nth}")


def country(folder: Path, seed: int) -> World:
    """Families and a city with both packs; what happened to them is told in any order, some of it twice."""
    world, random = World(folder, now=START, packs=shipped()), Random(seed)  # noqa: S311  (a test's)
    told = [each.envelope for each in past(seed, citizens=6)]
    persons = sorted({each.subject for each in told if each.subject})
    told += changes(random, persons)
    told += (envelope_of(msgspec.to_builtins(each)) for each in city_news(seed, SINCE, END.date()))
    told += random.sample(told, 20)
    random.shuffle(told)
    world.take(*told)
    world.plan()
    return world


def bare(case: Case) -> Case:
    """Return the case and its members without their histories."""
    members, leaving = (tuple(map(bare, each)) for each in (case.members, case.leaving))
    return replace(case, history=History("", ()), members=members, leaving=leaving)


def decided(world: World, found: Sequence[Nudge], now: datetime, *, whole: bool) -> list[tuple[Case, Rendered | str]]:
    """Return the cases of these nudges as of a time, with their words, or why they have none."""
    rows = [(nudge, each.recipient) for nudge in found for each in nudge.deliveries]
    rules = world.platform.rules.library.rules()
    with world.platform.database.reading() as connection:
        cases = list(DecisionInputs(connection, world.platform.log, rules, now, whole=whole).cases(rows))
    return [(bare(case), said(case, rules, now)) for case in cases]


def with_all_nudges(case: Case, found: Sequence[Nudge]) -> Settlement:
    """Return what a case was decided on, with all nudges of its person."""
    theirs = tuple(each for each in found if each.intent.person == case.nudge.intent.person)
    return replace(case.settlement, ledger=Ledger(theirs, case.settlement.ledger.messages))


def said(case: Case, rules: Rules, now: datetime) -> Rendered | str:
    """Return the words of a case, or why it has none."""
    try:
        return render(case, rules, now)
    except WordsFailed as failed:
        return str(failed)


@pytest.mark.parametrize("seed", range(3))
async def test_decisions_recipients_and_words_are_those_of_whole_histories(tmp_path: Path, seed: int) -> None:
    """Whatever happened to people, in whatever order it was told, the facts left out change no decision, no word."""
    world = country(tmp_path, seed)
    for days in range(0, 30, 5):
        await world.settle(START + timedelta(days=days))
    found, renderers = world.nudges(), world.platform.rules.library.rules().renderers
    for now in (world.clock(), world.clock() + timedelta(days=20, hours=15)):
        assert decided(world, found, now, whole=False) == decided(world, found, now, whole=True)
        for case, _ in decided(world, found, now, whole=True):
            everything = with_all_nudges(case, found)
            assert settle(everything, now) == settle(case.settlement, now)
            assert decision_to_leave_digest(everything, now) == decision_to_leave_digest(case.settlement, now)
    said_by_law = {renderers[each.intent.version].reads_law for each in found if not is_digest(each.intent)}
    assert said_by_law == {True, False}
    assert any(is_digest(each.intent) for each in found)
    world.close()


@contextmanager
def statements(world: World) -> Iterator[list[str]]:
    """All that is asked of the database meanwhile."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    hook.listen(world.platform.database.engine, "before_cursor_execute", note)
    yield asked
    hook.remove(world.platform.database.engine, "before_cursor_execute", note)


def test_a_decision_looks_at_no_nudge_about_another_thing(world: World) -> None:
    """However many nudges a person has, a decision on one looks at those about the same thing."""
    world.at("2025-07-15T12:00+05:00")
    world.take(*registered(iin(1), LONG_AGO), *(card(iin(1), "2025-07-20", number=f"N{each}") for each in range(4)))
    world.plan()
    every = world.nudges()
    rows, rules = [(each, each.intent.person) for each in every], world.platform.rules.library.rules()
    with world.platform.database.reading() as connection:
        cases = list(DecisionInputs(connection, world.platform.log, rules, world.clock()).cases(rows))
    looked_at = {case.nudge.thing: {each.thing for each in case.settlement.ledger.nudges} for case in cases}
    assert looked_at == {each.thing: {each.thing} for each in every}
    assert len(looked_at) == 4
    with world.platform.database.reading() as connection:
        inputs = DecisionInputs(connection, world.platform.log, rules, world.clock())
        list(inputs.cases(rows[:1]))
    assert set(inputs.ledgers) == {every[0].thing}, "the others are not even read"


def paid(person: str, months: int) -> list[Envelope]:
    """A contribution in each of so many months, which changes nothing about the person."""
    days = [f"2024-{month:02d}-01" for month in range(1, months + 1)]
    return [
        event(
            "kz.pension.contribution_received",
            person,
            f"{day}T00:00:00+05:00",
            {"employer": "a firm", "received_on": day},
            id=f"paid-{person[6:11]}-{day}",
        )
        for day in days
    ]


def claimed(world: World) -> tuple[list[Case], int]:
    """Decide on all that is due; return the cases, and how often the database was asked."""
    world.plan()
    due = [Due(each.intent.id, each.intent.person) for each in world.nudges() if each.intent.due <= world.clock()]
    rules = world.platform.rules.library.rules()
    with statements(world) as asked, world.platform.database.reading() as connection:
        cases = read_claim(connection, world.platform.log, rules, due, world.clock()).cases
    return cases, len([each for each in asked if each.startswith("SELECT")])


def types_of(case: Case) -> list[str]:
    """Return the types of the facts that were read of a case's person."""
    return [fact.event.type for fact in case.history.facts]


def test_a_batch_reads_only_what_can_change_its_persons(world: World) -> None:
    """What a person is told about and what they are paid is no part of what is read of them for a decision."""
    world.take(*registered(iin(1), LONG_AGO), card(iin(1), "2025-07-02"), *paid(iin(1), 12))
    [case], _ = claimed(world)
    assert types_of(case) == ["kz.citizen.registered", "citizen.contact_changed", "citizen.preferences_changed"]
    assert case.cause is not None
    assert case.cause.type == "kz.document.issued"


def test_words_that_read_the_law_have_the_whole_history(world: World) -> None:
    """An amount rests on whatever its benefit says, so nothing is left out of the history for its words."""
    world.take(*registered(iin(1), LONG_AGO), birth(iin(2), iin(1), "2025-05-31"), *paid(iin(1), 2))
    [case] = [case for case in claimed(world)[0] if case.nudge.intent.trigger == "birth_allowance"]
    assert types_of(case).count("kz.pension.contribution_received") == 2


def test_the_statements_of_a_batch_do_not_grow_with_it(tmp_path: Path) -> None:
    """Thirty deliveries are decided on with as many statements as three, and these are few."""
    asked = []
    for persons in (3, 30):
        world = World(tmp_path / str(persons))
        for number in range(1, persons + 1):
            world.take(*registered(iin(number), LONG_AGO), card(iin(number), "2025-07-02"), *paid(iin(number), 3))
        cases, count = claimed(world)
        assert len(cases) == persons
        asked.append(count)
        world.close()
    assert asked[0] == asked[1] <= 10
