"""The browsers of some citizens: a push service by other people decrypts what comes, and each has its own manner."""

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import httpx2
from fastapi import FastAPI

from notifiers.http.client import Answer, Http, Timeouts
from tests.notifiers.http_peers import RecordedRequest, answer, heard
from tests.notifiers.push_service import PushService

FATES = ("taken", "lost", "taken", "busy", "taken", "taken")
"""What becomes of each push, one after the other; `lost`: the service has it, and its answer gets lost."""
MANNERS = ("tells", "hides", "tells", "gone")
"""What browsers do: tell what they show, show it and tell nobody, or they have unsubscribed."""
_BUSY, _OUR_SITE = 503, "http://127.0.0.1:8000"
_PASSED_ON = ("authorization", "content-encoding", "content-type", "ttl", "topic", "urgency")


class Browsers:
    """Stands before the push service, counts what comes, and each push takes `pause` seconds."""

    def __init__(self, service: PushService, pause: float) -> None:
        self.port, self.topics = 0, Counter[str]()
        self._service, self.pause = service, pause
        self._http, self._fates = Http(Timeouts(20, 40)), itertools.cycle(FATES)
        self._addresses: dict[str, str] = {}
        self._telling: set[str] = set()
        self._shown: dict[str, list[dict[str, Any]]] = {}
        self._site: httpx2.AsyncClient | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def subscribe(self, key: str, count: int) -> list[str]:
        """So many browsers, whose pushes come by way of here: their addresses."""
        found = [await self._service.subscribe(key, through=self.port) for _ in range(count)]
        for number, address in enumerate(found):
            path = urlsplit(json.loads(address)["endpoint"]).path
            self._addresses[path] = address
            match MANNERS[number // len(MANNERS) % len(MANNERS)]:
                case "gone":
                    await self._service.expire(address)
                case "tells":
                    self._telling.add(path)
        return found

    def visit(self, site: FastAPI) -> None:
        """Tell this site from now on what is shown."""
        transport = httpx2.ASGITransport(app=site, raise_app_exceptions=False)  # an error of the site's is a 500
        self._site = httpx2.AsyncClient(transport=transport, base_url=_OUR_SITE)

    @property
    def telling(self) -> bool:
        """Whether one of them is about to tell something."""
        return bool(self._tasks)

    def shown(self) -> Counter[str]:
        """How often each message came to a browser and was decrypted there, by the tag under which it is shown."""
        return Counter(message["tag"] for messages in self._shown.values() for message in messages)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """What dispatchers send."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while said := await self._answer(await heard(reader)):
                writer.write(said)
                await writer.drain()

    async def aclose(self) -> None:
        """End what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.aclose()

    async def _answer(self, push: RecordedRequest) -> bytes:
        fate = next(self._fates)
        self.topics[push.headers["topic"]] += 1
        if fate == "busy":
            return answer(_BUSY)
        await asyncio.sleep(self.pause)
        path = push.line.split()[1]
        headers = {name: push.headers[name] for name in _PASSED_ON}
        said = await self._http.request("POST", f"http://127.0.0.1:{self._service.port}{path}", headers, push.body)
        assert isinstance(said, Answer)
        if said.status // 100 == 2:
            await self._show(path)
        return b"" if fate == "lost" else answer(said.status)

    async def _show(self, path: str) -> None:
        known = self._shown.get(path, [])
        there = await self._service.read(self._addresses[path])
        self._shown[path] = max(known, there, key=len)
        if path in self._telling:
            self._tell(there[len(known) :])

    def _tell(self, messages: Sequence[dict[str, Any]]) -> None:
        for message in messages:
            task = asyncio.get_running_loop().create_task(self._post(urlsplit(message["seen"]).path))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _post(self, path: str) -> None:
        """Once: a service worker does not ask what came of it."""
        assert self._site is not None
        await self._site.post(path)
