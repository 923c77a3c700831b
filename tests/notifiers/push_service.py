"""The npm package `web-push-testing`: a push service by other people, which decrypts what it is sent."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from notifiers.http.client import Answer, Http, Timeouts
from tests.notifiers.node import node


class PushService:
    """The service at this port: browsers subscribe there, and read what has come."""

    def __init__(self, port: int, http: Http) -> None:
        self.port = port
        self._http = http

    async def subscribe(self, key: str, *, through: int | None = None) -> str:
        """The address of a new browser that takes messages of this VAPID key only; by way of another port, if any."""
        found = (await self._ask("subscribe", userVisibleOnly="true", applicationServerKey=key))["data"]
        endpoint = f"http://127.0.0.1:{through or self.port}/notify/{found['clientHash']}"
        return json.dumps({"endpoint": endpoint, "keys": found["keys"]})

    async def read(self, address: str) -> list[dict[str, Any]]:
        """What that browser got, decrypted."""
        got = await self._ask("get-notifications", clientHash=_browser(address))
        return [json.loads(words) for words in got["data"]["messages"]]

    async def expire(self, address: str) -> None:
        """End that subscription."""
        await self._ask(f"expire-subscription/{_browser(address)}")

    async def _ask(self, what: str, **form: str) -> Any:
        kind = {"content-type": "application/x-www-form-urlencoded"}
        url = f"http://127.0.0.1:{self.port}/{what}"
        said = await self._http.request("POST", url, kind, urlencode(form).encode())
        assert isinstance(said, Answer)
        assert said.status == 200, said.body
        return json.loads(said.body) if said.body.startswith(b"{") else None


def _browser(address: str) -> str:
    return str(json.loads(address)["endpoint"].rpartition("/")[2])


@asynccontextmanager
async def push_service(at: datetime | None = None) -> AsyncIterator[PushService]:
    """A running service; `at`: the time by which it judges our tokens, instead of the machine's."""
    http = Http(Timeouts(20, 40))
    async with node("node_modules/web-push-testing/src/bin/server.js", "0", at=at) as port:
        yield PushService(port, http)
    await http.aclose()
