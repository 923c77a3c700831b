"""Republish: a range of the log from PostgreSQL to Kafka, as the job does it, marked as a replay."""

from benchmarks.measuring import Row, seconds, sized
from benchmarks.production import copied, topics, waiting
from streams.kafka.republish import Range, Republishing
from streams.queues.jobs import Step
from tests.services import kafka, postgres

EVENTS, ROUNDS = sized(40_000), sized(3)


def measure() -> tuple[list[Row], dict[str, float]]:
    with (
        postgres.server(lasting=True) as server,
        kafka.server() as broker,
        waiting(server, EVENTS) as at,
        copied(server, at) as on,
    ):
        to = topics(broker)
        last = on.log.facts.max_notification_id() or 0
        chosen = Range(0, last)
        works = [
            Republishing(on.database, on.identity.names, to, to.replays, chosen, number) for number in range(ROUNDS)
        ]
        found = sorted(map(_once, works))
    taken, count = found[ROUNDS // 2]
    return [Row("replay of a range to Kafka", count / taken, "records/s", 30_000)], {"records": count}


def _once(work: Republishing) -> tuple[float, int]:
    steps = [work.step("", _unsaved)]  # makes the topic, and is not measured

    def rest() -> None:
        while not steps[-1].finished:
            steps.append(work.step(steps[-1].cursor, _unsaved))

    taken = seconds(rest)
    first, whole = (int(step.cursor.split()[2]) for step in (steps[0], steps[-1]))
    return taken, whole - first


def _unsaved(_connection: object, _step: Step) -> None:
    """Nobody keeps the job."""
