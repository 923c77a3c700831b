"""The library: rules come from the log, every published version stays, and nothing is read from disk."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import to_builtins

from app.identity.log_codes import codes_by
from domain.core.ids import Names
from domain.facts.governance import PackPublished, TriggerPublished, TriggerWithdrawn
from streams.intake.cloudevents import Envelope
from streams.log.log import Log
from streams.log.person_keys import PersonKeys
from streams.rules.in_force import Rules
from streams.rules.library import Library, NothingPublished
from streams.rules.publishing import Publisher
from streams.storage.database import Database
from streams.storage.schema import migrate
from tests.beginnings import KEYRING, packs_in
from tests.templates.packs import KK, METER, PACK, RU, RULES, Change, write_town
from tests.world import LONG_AGO, NOON, World, card, event, fine, iin, registered

AIGERIM, DANA = iin(1), iin(2)
UNTIMED = ((RULES, " && citizen.age >= 18", ""), (PACK, "live_from: 2024-03-01\n", ""))
"""The small pack asks for no age, and looks from its publication on."""
NEW_WORDS: Change = (KK, "күніне дейін тексеріңіз", "күніне дейін міндетті түрде тексеріңіз")
LATER = datetime(2025, 7, 1, 7, tzinfo=UTC)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[World]:
    """A platform with the small pack, of which `tmp_path` is the folder."""
    world = World(tmp_path, packs=[write_town(tmp_path, *UNTIMED)])
    yield world
    world.close()


def publish(world: World, *packs: Path) -> int:
    """Publish packs now, as an empty log does."""
    platform = world.platform
    publisher = Publisher(platform.database, platform.log, platform.identity.names)
    return publisher.publish(packs_in(packs), by="tests", now=world.clock())


def meter(person: str, time: str) -> Envelope:
    """A meter was installed that is to be checked by the end of the year."""
    data = {"number": "M1", "valid_until": "2025-12-20", "fee": 7}
    return event("town.meter.installed", person, time, data, id=f"meter-{person[6:11]}-{time}")


def shown(rules: Rules) -> dict[str, Any]:
    """The rules as plain data."""
    versions = [
        (one.trigger.name, one.hash, one.published, one.reach, one.ahead_from)
        for one in rules.rulebook.versions.values()
    ]
    plain: dict[str, Any] = to_builtins(
        {
            "versions": versions,
            "types": rules.catalogue.types,
            "attributes": rules.catalogue.attributes,
            "defaults": rules.defaults,
            "stopped": sorted(rules.controls.stopped),
            "position": rules.position,
        }
    )
    return plain


def published(world: World) -> list[PackPublished | TriggerPublished]:
    """The publications in the log."""
    return [entry.fact for entry in world.entries() if isinstance(entry.fact, PackPublished | TriggerPublished)]


def test_an_empty_log_publishes_the_packs_once(town: World) -> None:
    """A new platform publishes its packs, as `pack`; one that is opened again does not."""
    assert {fact.by for fact in published(town)} == {"pack"}
    before = len(town.entries())
    World(town.file.parent, packs=[town.file.parent / "town"]).close()
    assert len(town.entries()) == before


def test_publishing_the_same_again_appends_nothing(town: World) -> None:
    """What has not changed is not a new version."""
    before = town.health().facts
    assert publish(town, town.file.parent / "town") == 0
    assert town.health().facts == before


def test_a_changed_trigger_alone_is_a_new_version(town: World, tmp_path: Path) -> None:
    """Of a pack in which one trigger changed, only that trigger is published."""
    assert publish(town, write_town(tmp_path / "new", *UNTIMED, NEW_WORDS)) == 1
    latest = published(town)[-1]
    assert isinstance(latest, TriggerPublished)
    assert (latest.trigger, latest.by, latest.at) == ("meter_check", "tests", NOON)
    assert len(town.platform.rules.library.rules().rulebook.versions) == 2


def test_a_new_version_leaves_pending_nudges_alone(town: World, tmp_path: Path) -> None:
    """What is planned stays with the version that planned it, also when its person is woken again."""
    town.take(meter(AIGERIM, "2025-06-02T13:00:00+05:00"))
    town.plan()
    before = town.pending()
    town.at(LATER)
    publish(town, write_town(tmp_path / "new", *UNTIMED, NEW_WORDS))
    old, new = (fact.hash for fact in published(town) if isinstance(fact, TriggerPublished))

    town.take(event("citizen.contact_changed", AIGERIM, "2025-07-01T20:00:00Z", {"phone": "+77011234567"}))
    town.take(meter(DANA, "2025-07-01T20:00:00Z"))
    town.plan()

    assert [intent for intent in town.pending() if intent.person == town.name(AIGERIM)] == before
    versions = {intent.person: intent.version for intent in town.pending()}
    assert versions == {town.name(AIGERIM): old, town.name(DANA): new}


async def test_every_nudge_is_written_in_its_versions_words(town: World, tmp_path: Path) -> None:
    """Words that changed after the plan are not those of the nudges that were planned before."""
    town.take(meter(AIGERIM, "2025-06-02T13:00:00+05:00"))
    town.plan()
    town.at(LATER)
    publish(town, write_town(tmp_path / "new", *UNTIMED, NEW_WORDS))
    contacts = [
        event("citizen.contact_changed", person, "2025-07-01T20:00:00Z", {"phone": "+77011234567"}, id=person[6:11])
        for person in (AIGERIM, DANA)
    ]
    town.take(*contacts, meter(DANA, "2025-07-01T20:00:00Z"))
    sent = await town.settle("2025-11-20T12:00+05:00")
    assert {message.recipient: "міндетті" in message.text for message in sent} == {
        town.name(AIGERIM): False,
        town.name(DANA): True,
    }


def test_an_earlier_version_published_again_is_the_latest(town: World, tmp_path: Path) -> None:
    """Going back to earlier words is a publication like any other."""
    publish(town, write_town(tmp_path / "new", *UNTIMED, NEW_WORDS))
    assert publish(town, town.file.parent / "town") == 1
    first, second, third = (fact.hash for fact in published(town) if isinstance(fact, TriggerPublished))
    assert first == third != second
    [applying] = town.platform.rules.library.rules().rulebook.applying("town.meter.installed", LATER, "anybody")
    assert applying.hash == first


def test_the_rules_are_the_same_after_reopening(town: World, tmp_path: Path) -> None:
    """Versions, event types, defaults and switches of the log are the same in the next process."""
    publish(town, write_town(tmp_path / "new", *UNTIMED, NEW_WORDS))
    town.control("agency", "water", stopped=True)
    town.control("trigger", "meter_check", stopped=True)
    town.control("trigger", "meter_check", stopped=False)
    before = shown(town.platform.rules.library.rules())

    again = World(town.file.parent)
    assert shown(again.platform.rules.library.rules()) == before
    assert before["stopped"] == [("agency", "water")]
    again.close()


def test_what_another_process_publishes_is_seen(town: World, tmp_path: Path) -> None:
    """A running platform applies what was published beside it, without a restart; until then it keeps what it has."""
    rules = town.platform.rules.library.rules()
    assert town.platform.rules.library.rules() is rules
    other = World(town.file.parent)
    publish(other, write_town(tmp_path / "new", *UNTIMED, NEW_WORDS))
    other.close()
    assert town.platform.rules.library.rules() is not rules
    assert len(town.platform.rules.library.rules().rulebook.versions) == 2


async def test_nothing_is_read_from_disk(town: World) -> None:
    """With the pack's folder gone, a new process plans, sends and explains as before, word by word."""
    contact = event("citizen.contact_changed", AIGERIM, "2025-06-01T00:00:00Z", {"phone": "+77011234567"})
    town.take(contact, meter(AIGERIM, "2025-06-02T13:00:00+05:00"))
    [message] = await town.settle("2025-11-20T12:00+05:00")
    before = town.why(message.nudge)
    shutil.rmtree(town.file.parent / "town")

    again = World(town.file.parent, now=town.clock())
    assert again.why(message.nudge) == before
    assert before.words[message.recipient].sms == message.text
    assert len(await again.settle("2025-12-19T12:00+05:00")) == 1
    again.close()


def test_a_log_without_packs_has_no_rules(tmp_path: Path) -> None:
    """Where nothing was published, asking for the rules says so."""
    database = Database(f"sqlite:///{tmp_path}/empty.sqlite")
    migrate(database)
    log = Log(database, PersonKeys(KEYRING), lambda: NOON, codes_by(KEYRING))
    with pytest.raises(NothingPublished, match="habarshy submit"):
        Library(database, log, Names(KEYRING.names)).rules()
    database.close()


async def test_a_withdrawn_trigger_ends_its_nudges_and_stops_nobody_else(tmp_path: Path) -> None:
    """Nudges of a trigger that was withdrawn are not sent, can be explained, and keep no others from going."""
    world = World(tmp_path)
    world.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-07-20"))
    world.at("2025-06-19T20:30:00+05:00")
    world.take(fine(AIGERIM, "1", "2025-06-19T20:30:00+05:00"))
    world.plan()
    nudge = world.nudge("month").intent.id
    world.govern("trigger", "identity_card_expiry", TriggerWithdrawn(world.clock(), "x", "identity_card_expiry"))
    sent = await world.settle("2025-06-20T09:00+05:00")
    assert [world.why(message.nudge).trigger for message in sent] == ["traffic_fine_discount"]
    assert world.why(nudge).trigger == "identity_card_expiry"
    world.close()


def test_a_pack_with_live_from_leaves_pending_nudges_alone_too(tmp_path: Path) -> None:
    """`live_from` is for the first version of a trigger: later ones look from their publication on."""
    town = World(tmp_path, packs=[write_town(tmp_path, UNTIMED[0])])
    data = {"number": "M1", "valid_until": "2025-12-20", "fee": 7}
    town.take(event("town.meter.installed", AIGERIM, "2025-05-01T00:00:00Z", data))
    town.plan()
    before = town.pending()
    town.at("2025-07-01T12:00+05:00")
    publish(town, write_town(tmp_path / "new", UNTIMED[0], (RULES, 'at: "09:00"', 'at: "10:00"')))
    town.take(event("citizen.contact_changed", AIGERIM, "2025-07-01T20:00:00Z", {"phone": "+77011234567"}))
    town.plan()
    assert len(before) == 2
    assert town.pending() == before
    town.close()


def test_what_a_pack_says_besides_its_triggers_is_in_everybodys_plan(town: World, tmp_path: Path) -> None:
    """Once it is published, what waits is what the rules give."""
    town.take(meter(iin(1), "2025-06-02T13:00:00+05:00"))
    town.plan()
    before = town.pending()
    publish(town, write_town(tmp_path / "west", *UNTIMED, (PACK, "zone: Asia/Almaty", "zone: Europe/Berlin")))
    town.plan()
    assert before != town.pending() == town.intents()


def test_a_pack_with_a_new_version_of_its_trigger_is_in_everybodys_plan_too(town: World, tmp_path: Path) -> None:
    """Who is under the earlier version is planned again by what the pack now says, whatever comes with it."""
    town.take(meter(iin(1), "2025-06-02T13:00:00+05:00"))
    town.plan()
    before = town.pending()
    town.at(LATER)
    west = (PACK, "zone: Asia/Almaty", "zone: Europe/Berlin")
    publish(town, write_town(tmp_path / "west", *UNTIMED, west, NEW_WORDS))
    town.plan()
    assert before != town.pending() == town.intents()


def test_an_event_type_never_loses_what_a_published_trigger_reads(tmp_path: Path) -> None:
    """A pack whose event types no longer fit a published version is refused, or that version still works."""
    town = World(tmp_path, packs=[write_town(tmp_path, *UNTIMED)])
    without = [
        (METER, "  required: [number, valid_until, fee]", "  required: [number, valid_until]"),
        (METER, "    fee: {type: integer, minimum: 0, x-of: public}\n", ""),
        (RULES, "when: event.fee > 0 && citizen.age >= 18\n", ""),
        UNTIMED[1],
    ]
    words = [
        (KK, ". {{ event.fee | money }}", ""),
        (KK, "- Бағасы: {{ event.fee | money }}\n", ""),
        (RU, ". {{ event.fee | money }}", ""),
        (RU, "- Цена: {{ event.fee | money }}\n", ""),
    ]
    with suppress(Exception):  # however it is refused
        publish(town, write_town(tmp_path / "new", *without, *words))
    assert town.platform.rules.library.rules().rulebook.applying(
        "town.meter.installed", NOON + timedelta(days=1), "anybody"
    )
    town.close()
