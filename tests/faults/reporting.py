"""A registry that reports over HTTP."""

import json
import urllib.error
import urllib.request
from collections.abc import Sequence

from streams.intake.cloudevents import Envelope
from tests.app.terminal import ndjson
from tests.faults.site import Running, Site


class Registry:
    """Has a key for fines, and sends batches."""

    def __init__(self, here: Site) -> None:
        self._key = here.run("principals", "add", "registry", "--agency", "interior", "--scope", "events").lines[0]

    def report(self, api: Running, events: Sequence[Envelope]) -> int:
        """The status of the answer; 0: there was none."""
        api.says("listening")
        address = api.talk.split()[2].rstrip(";")
        body = json.dumps([json.loads(ndjson(each)) for each in events]).encode()
        request = urllib.request.Request(  # noqa: S310  (our own server)
            f"{address}/events",
            body,
            {
                "Authorization": f"Bearer {self._key}",
                "Content-Type": "application/cloudevents-batch+json",
            },
        )
        try:
            with urllib.request.urlopen(request) as answer:  # noqa: S310  (the same)
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0
