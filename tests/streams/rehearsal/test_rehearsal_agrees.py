"""A rehearsal and the live platform agree on the shipped packs: what is rehearsed is what people get."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path

import pytest
from msgspec.structs import replace

from domain.core.events import LifeEvent
from domain.nudges.nudge import Nudge
from notifiers.port.interface import Message
from streams.rehearsal.case_model import CITIZEN, Reported, TriggerTest
from streams.rehearsal.case_reader import read_cases
from streams.rehearsal.rehearse import rehearse
from streams.rehearsal.stage import NAMES, OPENING, Stage, stages
from templates.checks.loader import shipped
from templates.reading.findings import Report
from tests.beginnings import packs_in
from tests.templates.packs import SHIPPED
from tests.world import World, few_triggers

FROM_KZ: Mapping[str, Sequence[int]] = {
    "birth_allowance": (0, 3),
    "identity_card_expiry": (1, 5),
    "kindergarten_queue": (2,),
    "retirement_age": (3,),
    "traffic_fine_discount": (3, 4),
    "clinic_attachment": (1,),
    "work_offers_consent": (0, 1, 2, 3),
    "training_offer": (0, 1),
}
"""Some cases of some triggers of the country, by their numbers; of the city all are played."""
MORE = ("work_offers_consent", "training_offer")
SET_BY: Mapping[str, Sequence[str]] = {
    "citizen.contact_changed": ("phone", "email", "push"),
    "kz.citizen.registered": ("born_on",),
    "citizen.preferences_changed": ("language", "channels", "opted_out"),
    "kz.residence.registered": ("area",),
}
"""The events by which a person gets the attributes that a case gives them."""


_DAY = re.compile(r"\n\n[^\n]+:\n\S+/calendar\.ics$")


@cache
def staged() -> Mapping[str, Stage]:
    """Every trigger of the shipped packs by its name."""
    return {stage.trigger.name: stage for stage in stages(packs_in(shipped()))}


def cases() -> Iterator[tuple[str, str, int]]:
    """Pack, trigger and number of each case."""
    yield from (("kz", trigger, at) for trigger, numbers in FROM_KZ.items() for at in numbers)
    for path in sorted(SHIPPED["alatau"].glob("*/tests.yaml")):
        count = path.read_text(encoding="utf-8").count("\n- name:")
        yield from (("alatau", path.parent.name, at) for at in range(count))


@pytest.mark.parametrize(("pack", "trigger", "at"), list(cases()))
async def test_a_rehearsal_and_the_platform_say_the_same(tmp_path: Path, pack: str, trigger: str, at: int) -> None:
    """What is rehearsed is what planning and dispatch send from the same events: when, to whom, in which words."""
    stage = staged()[trigger]
    case = read_cases(SHIPPED[pack] / trigger / "tests.yaml", stage, Report())[at]
    endings = rehearse(stage, case).endings
    world = World(tmp_path, now=case.clock, packs=[few_triggers(tmp_path, *MORE), SHIPPED["alatau"]])
    store(world, [event for opening in case.openings for event in told(opening)])
    for moment in sorted({each.known for each in case.events} | {each.at for each in endings}):
        await arrive(world, case, moment)
    mine = {nudge.intent.id: nudge for nudge in ours(world, stage)}
    citizen = NAMES.pseudonym(CITIZEN)
    sent = [
        (mine[message.nudge].to(citizen).sent_at, mine[message.nudge].intent.step, message.channel, words(message))
        for message in world.sent
        if message.nudge in mine and message.recipient == citizen
    ]
    expected = [(each.at, each.step, each.channel, each.text) for each in endings if each.because is None]
    assert [each[:3] for each in sorted(sent)] == [each[:3] for each in sorted(expected)]
    assert all(text in all_of for (*_, text), (*_, all_of) in zip(sorted(sent), sorted(expected), strict=True))
    world.close()


def words(message: Message) -> str:
    """The words without an email's letterhead, day and foot, which are about this one message on the platform."""
    said = message.text.partition("\n\n-- \n")[0]
    return said if message.channel != "email" else _DAY.sub("", said.partition("\n\n")[2])


async def arrive(world: World, case: TriggerTest, moment: datetime) -> None:
    """The clock reaches the moment: what becomes known is stored or answered, and what is due goes."""
    world.at(moment)
    arrived = [each for each in case.events if each.known == moment]
    store(world, [each.event for each in arrived if each.reply is None])
    for each in arrived:
        answer(world, each)
    await world.settle()


def answer(world: World, reported: Reported) -> None:
    """An answer by code comes in: whoever matches replies to messages knows which nudge is meant."""
    platform = world.platform
    if reported.reply is not None:
        platform.delivery.inbound.replies.take(
            replace(reported.reply, nudge=world.nudge(str(reported.answers)).intent.id)
        )


def ours(world: World, stage: Stage) -> list[Nudge]:
    """The nudges of the rehearsed trigger: on the platform the others of the pack are at work as well."""
    return [nudge for nudge in world.nudges() if nudge.intent.trigger == stage.trigger.name]


def told(opening: LifeEvent) -> Iterator[LifeEvent]:
    """What is known of a person at the start, as citizens and registries tell it."""
    values = opening.fields["citizen"][OPENING]
    for type_, names in SET_BY.items():
        fields = {name: values[name] for name in names if name in values}
        if fields:
            id_ = f"{opening.id}-{type_}"
            yield replace(opening, type=type_, id=id_, source="/start", fields={"citizen": fields})
    if guardians := values.get("guardians"):
        persons = {**opening.persons, "guardians": tuple(guardians)}
        id_ = f"{opening.id}-guardians"
        yield replace(opening, type="citizen.guardian_appointed", id=id_, source="/start", persons=persons, fields={})


def store(world: World, events: list[LifeEvent]) -> None:
    """Take in events that are checked already."""
    names = world.platform.identity.names
    placed = [replace(event, stream=names.stream(event.source, event.id)) for event in events]
    outcomes = world.platform.intake.store(placed) if placed else []
    assert all(each.accepted for each in outcomes)


RENEWED = """\
- name: renewed after one of the parents was told, while the other was not to be disturbed
  clock: 2026-01-05T09:00+05:00
  citizen: {language: ru, channels: [sms], born_on: "2009-05-05", guardians: [$mother, $father]}
  persons: {mother: {channels: [sms]}, father: {channels: [sms], quiet_from: "08:00", quiet_to: "12:00"}}
  events:
    - at: 2026-01-06T12:00+05:00
      type: kz.document.issued
      data: {kind: identity_card, number: "031234567", issued_on: "2016-03-10", expires_on: "2026-03-10"}
    - at: 2026-02-08T10:30+05:00
      type: kz.document.issued
      data: {kind: identity_card, number: "057654321", issued_on: "2026-02-08", expires_on: "2036-02-08"}
  expect: []
"""


def test_what_one_parent_was_told_and_was_done_is_not_rehearsed_to_the_other(tmp_path: Path) -> None:
    """As live: that it was done after one of them had been told is known, so the other is not sent after it."""
    stage, path = staged()["identity_card_expiry"], tmp_path / "tests.yaml"
    path.write_text(RENEWED, encoding="utf-8")
    [case] = read_cases(path, stage, Report())
    first = [each for each in rehearse(stage, case).endings if each.step == "month" and each.at.year == 2026]
    assert {(each.recipient, each.because) for each in first} == {("$mother", None), ("$father", "done")}
