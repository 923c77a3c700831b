"""Republishing: a range of the log to a real Kafka once more, as the relay sent it, marked, and waking nobody."""

from datetime import timedelta

import msgspec
import pytest

from streams.kafka.brokers import Brokers
from streams.kafka.errors import KafkaUnavailable
from streams.kafka.republish import BadRange, BadTopic, Range, Republishing, checked, position_at
from streams.kafka.topics import Topics
from streams.queues.jobs import Job, JobState, Plan, plan_of
from streams.storage.leadership import Lane
from tests.streams.distributed import Country, Found, everyday
from tests.streams.rebuilding import unsaved
from tests.streams.working import counted_by_many
from tests.world import LONG_AGO, World, card, iin, registered


def work(land: Country, chosen: Range, job: int = 7, page: int = 3, counted: int = 1000) -> Republishing:
    """The work, in small pages."""
    return Republishing(
        land.platform.database,
        land.platform.identity.names,
        land.topics,
        land.topics.replays,
        chosen,
        job,
        page,
        counted,
    )


def whole(land: Country) -> Range:
    """All that there is."""
    with land.platform.database.reading() as connection:
        return checked(connection, Range(0, 10**9))


def same(records: list[Found]) -> list[tuple[int, bytes | None, bytes | None]]:
    """The records without their headers."""
    return [each[:3] for each in records]


def silent(_: Job) -> None:
    """Nobody looks at the progress."""


def test_a_replay_is_what_the_relay_sent_and_says_that_it_is_one(land: Country) -> None:
    """Keys, values and partitions are the relay's, in its order; each record names the job; no worker is woken."""
    land.take(*everyday(6))
    land.relayed()
    jobs, todo = land.platform.queues.jobs, work(land, whole(land))
    plan = plan_of(todo)
    job = jobs.add("replay kafka", Lane.KAFKA, {}, plan, "olga")
    assert counted_by_many(lambda: work(land, whole(land), counted=4)) == plan

    done = jobs.run(job.id, work(land, whole(land), job.id), silent)

    sent = land.records(land.topics.replays)
    assert same(sent) == same(land.records())
    assert {tuple(each.headers.items()) for each in sent} == {(("replay", str(job.id).encode()),)}
    assert (done.state, done.done, plan.unit) == (JobState.DONE, plan.count, "events")
    assert msgspec.json.decode(done.words) == {"topic": land.topics.replays, "records": len(sent)}
    todo.abandon()


def test_a_range_is_just_that(land: Country) -> None:
    """What lies before or behind the range is not sent, whether it is given by positions or by times."""
    land.take(*registered(iin(1), LONG_AGO))
    begin = land.clock() + timedelta(hours=1)
    land.clock.advance_to(begin)
    land.take(card(iin(1), "2025-07-20"))
    end = begin + timedelta(hours=1)
    land.clock.advance_to(end)
    land.take(card(iin(2), "2025-07-20"))
    with land.platform.database.reading() as connection:
        last = land.platform.log.facts.last_position(connection)
        edges = [position_at(connection, moment) for moment in (begin, end, end + timedelta(days=1))]
    assert edges == [last - 2, last - 1, last]

    step = work(land, Range(*edges[:2])).step("", unsaved)

    assert step.finished
    [record] = land.records(land.topics.replays)
    assert msgspec.json.decode(record.value or b"")["position"] == last - 1


def test_a_replay_goes_on_where_it_was(land: Country) -> None:
    """What another process sent up to the cursor is not sent again."""
    land.take(*everyday(4))
    first = work(land, whole(land))
    step = first.step(first.step("", unsaved).cursor, unsaved)
    first.abandon()
    second = work(land, whole(land))
    while not step.finished:
        step = second.step(step.cursor, unsaved)
    second.abandon()
    land.relayed()
    assert same(land.records(land.topics.replays)) == same(land.records())


def test_ranges_without_anything_are_refused(world: World) -> None:
    """A range the wrong way round, or with no life event in it, is refused in words."""
    world.take(*registered(iin(1)))
    with world.platform.database.reading() as connection:
        last = world.platform.log.facts.last_position(connection)
        for asked in (Range(5, 5), Range(5, 2)):
            with pytest.raises(BadRange, match="does not come after"):
                checked(connection, asked)
        for asked in (Range(0, 1), Range(last, last + 9)):
            with pytest.raises(BadRange, match="no life event was recorded"):
                checked(connection, asked)


def test_what_registries_send_in_is_no_place_for_replays(world: World) -> None:
    """The topics that hold people's data take no replay."""
    topics = Topics(Brokers("127.0.0.1:1"))
    for topic in (topics.life_in, topics.life_dead):
        todo = Republishing(world.platform.database, world.platform.identity.names, topics, topic, Range(0, 9), 1)
        with pytest.raises(BadTopic, match="registries"):
            plan_of(todo)


@pytest.mark.parametrize("topic", ["bad/topic", "", "..", "x" * 250, "қазақша"])
def test_what_no_topic_can_be_called_is_refused(world: World, topic: str) -> None:
    """A name that Kafka would refuse is refused while it is counted, before anybody agrees to anything."""
    topics = Topics(Brokers("127.0.0.1:1"))
    todo = Republishing(world.platform.database, world.platform.identity.names, topics, topic, Range(0, 9), 1)
    with pytest.raises(BadTopic, match="Latin letters"):
        plan_of(todo)


def test_a_kafka_that_is_away_fails_the_job_in_words(world: World) -> None:
    """Nothing listens: the job has failed, says why, and may be resumed."""
    world.take(*registered(iin(1)))
    topics = Topics(Brokers("127.0.0.1:1"), answer_seconds=0.5)
    todo = Republishing(
        world.platform.database, world.platform.identity.names, topics, topics.replays, Range(0, 9), 1
    )
    jobs = world.platform.queues.jobs
    job = jobs.add("replay kafka", Lane.KAFKA, {}, Plan("x", 1, "events", 1), "olga")
    with pytest.raises(KafkaUnavailable):
        jobs.run(job.id, todo, silent)
    assert (jobs.job(job.id).state, "does not answer" in jobs.job(job.id).words) == (JobState.FAILED, True)
