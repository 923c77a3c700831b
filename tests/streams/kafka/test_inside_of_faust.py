"""What we change of Faust and aiokafka from inside; a test fails with the release in which it may go."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka.consumer.group_coordinator import GroupCoordinator  # type: ignore[import-untyped]  # it has no types
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread

from streams.kafka import worker


@pytest.mark.parametrize(
    ("of_theirs", "still_says", "ours"),
    [
        (AIOKafkaConsumerThread._create_worker_consumer, 'isolation_level: str = "read_uncommitted"', "_transport"),
        (GroupCoordinator._maybe_leave_group, "self._group_instance_id is None", "leave_group_when_stopped"),
        (GroupCoordinator, "idle_time >= self._max_poll_interval", "NEVER_SECONDS"),
    ],
    ids=["transactions of registries", "static members that leave", "polls that wait for polls"],
)
def test_what_is_changed_from_inside_is_still_needed(
    of_theirs: Callable[..., Any], still_says: str, ours: str
) -> None:
    """A release that offers what we change from inside is noticed, and our change may go.

    Faust reads committed transactions only where it writes in transactions itself; aiokafka lets no static member
    leave its group, and leaves it for a member that does not poll, which in a rebalance waits for Faust to poll.
    """
    assert hasattr(worker, ours)
    assert still_says in inspect.getsource(of_theirs), f"look whether {ours} in streams/kafka/worker.py may go"
