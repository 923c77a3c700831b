"""How what registries report reaches the platform: by Intake or by Kafka, again and again until it is taken."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Lock

import msgspec

from streams.intake.cloudevents import Envelope
from streams.intake.intake import IntakeOutcome
from streams.kafka.producer import NotDelivered, Record, Sender
from tests.kills.land import PATIENCE, Land
from tests.kills.registries import Report
from tests.streams.distributed import lasting

STRUCTURED = [("content-type", b"application/cloudevents+json")]
TOGETHER = 200


class Feeding:
    """Reports in the background, whatever happens meanwhile; `done` counts what is worth to be known."""

    def __init__(self, land: Land, done: Counter[str]) -> None:
        self._land, self._done = land, done
        self._sender, self._sending = Sender(land.topics.brokers), Lock()
        self._pool = ThreadPoolExecutor(1)
        self._going: Future[None] = Future()

    def begin(self, come: Sequence[Report]) -> None:
        """Report what has arrived; who gets no answer does so again."""
        self._going = self._pool.submit(self._feed, come)

    def finish(self) -> None:
        """Wait until all of it was taken."""
        self._going.result()

    def close(self) -> None:
        """No more will come."""
        self._pool.shutdown()
        self._sender.close()

    def _feed(self, come: Sequence[Report]) -> None:
        self._accept([report.envelope for report in come if not report.by_kafka])
        self.send(
            [
                Record(self._land.topics.life_in, None, _structured(report.envelope), STRUCTURED)
                for report in come
                if report.by_kafka
            ]
        )

    def _accept(self, envelopes: Sequence[Envelope]) -> None:
        for start in range(0, len(envelopes), TOGETHER):
            part = envelopes[start : start + TOGETHER]
            for outcome in self._land.lasting(partial(self._accepted, part)):
                assert outcome.refused is None, outcome.refused

    def _accepted(self, envelopes: Sequence[Envelope]) -> Sequence[IntakeOutcome]:
        return self._land.platform.intake.accept(envelopes)

    def send(self, records: Sequence[Record]) -> None:
        """Send to Kafka, as soon as it takes them.

        Raises:
            NotDelivered: it takes none for too long.
        """
        with self._sending:
            lasting(partial(self._sender.send, records), NotDelivered, PATIENCE)


def _structured(envelope: Envelope) -> bytes:
    found = {name: value for name, value in msgspec.to_builtins(envelope).items() if value not in (None, False)}
    return msgspec.json.encode(found)
