"""Common parts of the long-running roles: waiting for services to return, and stopping on request."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import make_url

from app.clock import Clock
from app.compose import Platform, compose
from app.roles.waiting import wait_for_database
from app.settings import Settings
from app.terminal import talk
from streams.kafka.errors import KafkaUnavailable
from streams.kafka.topics import Topics
from streams.storage.errors import Backoff
from streams.storage.leadership import NeedsPostgres

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def compose_when_available(settings: Settings, clock: Clock) -> Platform:
    """Return the platform, as soon as its database answers.

    Raises:
        NeedsPostgres: it is on SQLite.
        BadSettings, DatabaseUnavailable, …: as `compose`, where waiting does not help.
    """
    if on_sqlite(settings):
        raise NeedsPostgres
    return wait_for_database(lambda: compose(settings, clock))


def on_sqlite(settings: Settings) -> bool:
    """Return True if the database is a file, for which nobody waits."""
    return make_url(settings.database).get_backend_name() == "sqlite"


def wait_for_topics(topics: Topics) -> None:
    """Return once Kafka answers and has the topics.

    Raises:
        KafkaFailure: another than KafkaUnavailable, which waiting does not heal.
    """
    backoff = Backoff(talk)
    while True:
        try:
            altered = topics.ensure()
        except KafkaUnavailable as error:
            threading.Event().wait(backoff.next_pause(str(error)))
        else:
            for each in altered:
                talk(each)
            return


@contextmanager
def stop_on_signal(stop: Callable[[], object]) -> Iterator[None]:
    """The first SIGINT or SIGTERM calls `stop`, the second one ends at once."""

    def asked(*_: object) -> None:
        for each in STOP_SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        stop()

    before = {each: signal.signal(each, asked) for each in STOP_SIGNALS}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def stop_event(first: Callable[[], object] = lambda: None) -> Iterator[asyncio.Event]:
    """Yield an event of the running loop that the first SIGINT or SIGTERM sets; the second one ends at once.

    `first`: called in the loop before it is set.
    """
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()

    def stop() -> None:
        first()
        stopped.set()

    with stop_on_signal(lambda: loop.call_soon_threadsafe(stop)):
        yield stopped
