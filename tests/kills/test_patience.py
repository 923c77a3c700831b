"""A campaign ends: whoever waits in it does so for a time, however long each look takes, and says what for."""

from threading import Event

import pytest

from streams.kafka.brokers import Brokers
from streams.kafka.producer import NotDelivered, Record, Sender
from tests.streams.distributed import eventually, lasting

NOBODY = Brokers("127.0.0.1:9")
A_LOOK, PATIENCE = 0.1, 0.3


def test_a_broker_that_never_comes_back_is_named() -> None:
    """What is sent to Kafka again and again until it takes it fails by Kafka's own reason once the time is over."""
    sender, tries = Sender(NOBODY, A_LOOK), [0]

    def send() -> int:
        tries[0] += 1
        return sender.send([Record("nowhere", None, b"")])

    with pytest.raises(NotDelivered, match=NOBODY.address):
        lasting(send, NotDelivered, PATIENCE)
    sender.close()
    assert 1 < tries[0] <= PATIENCE / A_LOOK + 1


def test_looks_that_take_long_are_fewer() -> None:
    """It is the time that is limited, and not the number of looks."""
    looks = [0]

    def never() -> bool:
        looks[0] += 1
        return Event().wait(A_LOOK)

    with pytest.raises(AssertionError, match=f"within {PATIENCE:g} seconds"):
        eventually(never, PATIENCE)
    assert 1 < looks[0] <= PATIENCE / A_LOOK + 1
