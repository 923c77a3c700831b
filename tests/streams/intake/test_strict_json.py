import json
from collections.abc import Callable

import pytest

from app.http import binding
from streams.intake.cloudevents import Refused, read_envelope
from streams.kafka.consume_intake import read_record
from streams.kafka.worker import IncomingRecord
from tests.app.http.wire import event, headers_of

TWICE = json.dumps(event()["data"])[:-1] + ', "amount": 5}'
WHOLE = json.dumps(event(data=None))[:-1] + f', "data": {TWICE}}}'
KAFKA = [(f"ce_{name}", str(value).encode()) for name, value in event(data=None).items()]


def batch() -> None:
    """Read it in a batch."""
    [read] = binding.batched(f"[{WHOLE}]".encode(), [], 1)
    assert isinstance(read, Refused)
    raise read


WAYS: dict[str, Callable[[], object]] = {
    "a line of a file": lambda: read_envelope(WHOLE.encode()),
    "http, structured": lambda: binding.structured(WHOLE.encode(), []),
    "http, batched": batch,
    "http, binary": lambda: binding.binary(TWICE.encode(), headers_of(event()).items()),
    "kafka, structured": lambda: read_record(
        IncomingRecord(0, 0, None, WHOLE.encode(), [("content-type", b"application/cloudevents+json")])
    ),
    "kafka, binary": lambda: read_record(IncomingRecord(0, 0, None, TWICE.encode(), KAFKA)),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_key_that_stands_twice_is_refused_on_every_way_in(way: str) -> None:
    """An event that can be read in two ways is refused alike, however it comes, and no key or value is repeated."""
    with pytest.raises(Refused) as refused:
        WAYS[way]()
    assert (refused.value.field, refused.value.code) == ("data" if "binary" in way else "$", "bad_json")
    assert refused.value.reason == "the same key stands twice in one object; keep one of them"
