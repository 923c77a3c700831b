"""The relay: one record for each event and person, nothing personal, saved only once delivered, one active."""

import re
from collections import Counter

import msgspec
import pytest
from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from projections import positions
from streams.kafka.brokers import Brokers
from streams.kafka.errors import WrongPartitions
from streams.kafka.producer import NotDelivered, Record, Sender, producer_config
from streams.kafka.relay import READER, Relay
from streams.kafka.topics import PARTITIONS, Topics
from streams.storage.leadership import NeedsPostgres
from tests.streams.distributed import Country, eventually, everyday, running
from tests.streams.storing import NOW
from tests.world import LONG_AGO, World, annulled, card, corrected, iin, registered

AIGERIM, DANA = iin(1), iin(2)
CARD = card(AIGERIM, "2025-07-20")


def position(land: Country) -> int:
    """How far the relay has come, as the database has it."""
    with land.platform.database.reading() as connection:
        return positions.position_of(connection, READER)


def keys(land: Country) -> list[str]:
    """Who was woken, once for each record."""
    return [(record.key or b"").decode() for record in land.records()]


def test_each_event_wakes_each_person_named_once(land: Country) -> None:
    """There is one record for each event and person, and its value says position, type and time."""
    land.take(*registered(AIGERIM, LONG_AGO), CARD)
    land.relayed()
    assert keys(land) == [land.platform.identity.names.pseudonym(AIGERIM)] * 4
    values = [msgspec.json.decode(record.value or b"") for record in land.records()]
    assert [set(value) for value in values] == [{"position", "type", "time"}] * 4
    assert values[-1]["type"] == "kz.document.issued"
    assert [value["position"] for value in values] == sorted(value["position"] for value in values)


def test_an_annulment_wakes_whom_the_original_names(land: Country) -> None:
    """A revision that names nobody, or somebody else, wakes everybody whom any revision names."""
    other = corrected(CARD, 2)
    land.take(CARD)
    land.take(msgspec.structs.replace(other, subject=DANA))
    land.take(annulled(CARD, 3))
    land.relayed()
    aigerim, dana = land.platform.identity.names.pseudonym(AIGERIM), land.platform.identity.names.pseudonym(DANA)
    assert Counter(keys(land)) == {aigerim: 3, dana: 3}


def test_who_waits_in_the_database_is_woken(land: Country) -> None:
    """Whoever has an unplanned history row has a record, whatever came first, corrected or annulled."""
    for envelope in everyday(12):
        land.take(envelope)
    land.relayed()
    assert set(keys(land)) == set(land.platform.planning.planning.waiting())


def test_an_event_that_comes_by_another_load_wakes_again(land: Country) -> None:
    """What came by a historical load and then live is planned anew, so it is relayed anew."""
    land.platform.intake.accept([CARD], ahead_from=NOW)
    land.platform.intake.accept([CARD])
    land.relayed()
    assert len(keys(land)) == 2


def test_records_hold_nothing_personal(land: Country) -> None:
    """A record has a pseudonym, a number, a type and a time: nothing that would ever need erasing."""
    land.take(*everyday(3))
    land.relayed()
    for record in land.records():
        assert re.fullmatch(rb"[0-9a-f]{32}", record.key or b"")
        assert re.fullmatch(rb'\{"position":\d+,"type":"[a-z_.]+","time":"[0-9T:+Z-]+"\}', record.value or b"")
        assert record.headers == {}


def test_a_persons_records_stay_together(land: Country) -> None:
    """All records of a person are in one partition, where they stand in the order of the log."""
    land.take(*everyday(20))
    land.relayed()
    where = {(record.key, record.partition) for record in land.records()}
    assert len(where) == len({key for key, _ in where})
    assert len({partition for _, partition in where}) > 3


def test_what_was_not_saved_is_only_repeated(land: Country) -> None:
    """A relay that ends between sending and saving its position sends the page again, and loses nothing."""
    land.take(*everyday(5))
    land.relayed()
    before = Counter(keys(land))
    land.platform.database.write(lambda connection: positions.save(connection, READER, 0))
    land.relayed()
    assert Counter(keys(land)) == {key: 2 * count for key, count in before.items()}


def test_pages_end_where_the_next_begins(land: Country) -> None:
    """In pages of three facts there are the same records as in one."""
    land.take(*everyday(6))
    role = land.relay(page=3)
    with running(role.run, role.stop):
        eventually(lambda: role.active and not role.behind().count)
    small = Counter((record.key, record.value) for record in land.records())
    assert set(small.values()) == {1}
    land.platform.database.write(lambda connection: positions.save(connection, READER, 0))
    land.relayed()
    assert Counter((record.key, record.value) for record in land.records()) == dict.fromkeys(small, 2)


def test_nothing_is_saved_that_was_not_delivered(land: Country) -> None:
    """Where Kafka takes over no record, the position stays, and the relay says so and goes on trying."""
    land.take(*everyday(2))
    away = Topics(Brokers("127.0.0.1:1"), prefix=land.topics.prefix, answer_seconds=0.5)
    role = Relay(land.platform.database, land.platform.identity.names, away, land.clock, land.told.append)
    with running(role.run, role.stop):
        eventually(lambda: bool(land.told))
    assert "Kafka does not answer at 127.0.0.1:1" in land.told[-1]
    assert position(land) == 0
    assert not role.active


def test_a_delivery_report_that_fails_is_an_error(kafka: str) -> None:
    """A record for a topic that is not there is not delivered, and the sender says how many were not."""
    sender = Sender(Brokers(kafka), seconds=1)
    with pytest.raises(NotDelivered, match="1 records"):
        sender.send([Record("nobody-made-this-topic", b"k", b"v")])
    sender.close()


def test_a_second_relay_takes_over(land: Country) -> None:
    """While one relay is active another waits; when the first ends, the second relays what comes."""
    first, second = land.relay(), land.relay(other := land.process())
    with running(second.run, second.stop):
        eventually(lambda: second.active)
        with running(first.run, first.stop):
            eventually(lambda: "takes over" in land.told[-1])
            assert not first.active
            second.stop()
            eventually(lambda: first.active)
            land.take(*registered(AIGERIM, LONG_AGO))
            eventually(lambda: not first.behind().count)
    assert len(keys(land)) == 3
    other.database.close()


def test_another_number_of_partitions_stops_the_relay(land: Country) -> None:
    """With another number of partitions a person's records would move: the relay refuses, and says what to do."""
    admin = AdminClient({"bootstrap.servers": land.topics.address})
    for made in admin.create_topics([NewTopic(land.topics.persons, PARTITIONS // 2, 1)]).values():
        made.result()
    land.take(*registered(AIGERIM, LONG_AGO))
    with pytest.raises(WrongPartitions, match="has 6 partitions, not 12"):
        land.relay().run()
    assert position(land) == 0


@pytest.mark.parametrize("name", ["persons", "life_in"])
def test_a_topic_that_is_deleted_under_an_idle_relay_is_made_anew(land: Country, name: str) -> None:
    """Where somebody deletes a topic while there is nothing to relay, the relay makes it, and goes on."""
    role, admin, topic = land.relay(), AdminClient(land.topics.brokers.client()), getattr(land.topics, name)
    with running(role.run, role.stop):
        eventually(lambda: role.active and not role.behind().count)
        before = made_as(admin, topic)
        [gone] = admin.delete_topics([topic]).values()
        gone.result()
        eventually(lambda: made_as(admin, topic) not in ("", before))
        assert role.active


def test_no_producer_of_ours_has_kafka_make_topics(land: Country) -> None:
    """Where Kafka makes what it is asked for, a topic that was deleted would come back with one partition."""
    assert producer_config(land.topics.brokers)["allow.auto.create.topics"] is False


def made_as(admin: AdminClient, topic: str) -> str:
    """What Kafka calls the topic, another one each time that it is made; nothing where there is none."""
    [asked] = admin.describe_topics(TopicCollection([topic])).values()
    try:
        return str(asked.result().topic_id)
    except KafkaException:
        return ""


def test_how_far_the_relay_is_behind_is_known(land: Country) -> None:
    """Behind is a count and the age of the oldest event that waits."""
    land.take(*registered(AIGERIM, LONG_AGO))
    land.clock.advance_to(land.clock().replace(minute=5))
    assert land.relay().behind().seconds == 300.0
    assert land.relay().behind().count >= 3
    land.relayed()
    assert (land.relay().behind().count, land.relay().behind().seconds) == (0, 0.0)


def test_on_sqlite_there_is_no_relay(world: World) -> None:
    """SQLite has one process: a relay beside it is refused."""
    with pytest.raises(NeedsPostgres):
        Relay(
            world.platform.database, world.platform.identity.names, Topics(Brokers("127.0.0.1:1")), world.clock, print
        )
