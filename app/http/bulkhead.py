"""Work that takes long (lint, tests, previews, backtests, forecasts) has a small pool of its own, as a bulkhead.

Sync routes share the threads of this process. What is heavy takes at most `AT_ONCE` of them, so that citizens, events
and probes never wait for it; each official has one turn at a time, so that officials do not wait for one another.
Source: RFC 6585 (429), RFC 9110 (Retry-After).
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus

from fastapi import Request
from fastapi.params import Depends

from app.http.access import Access
from app.http.problems import Problem
from app.packs import draft_children
from domain.core.translatable import Words

AT_ONCE = draft_children.AT_ONCE
"""So many heavy requests are worked at, in this process."""
MOST_OF_ONE = 16
"""So many of one principal may be worked at or wait; a page with previews in frames asks for about ten."""
RETRY_SECONDS = "5"


class Bulkhead:
    """Hands out turns. `asked`: how many each principal has or waits for; `official_of`: the visitor of a page."""

    def __init__(self, access: Access, official_of: Callable[[Request], str]) -> None:
        self._access, self._official_of, self._pool = access, official_of, asyncio.Semaphore(AT_ONCE)
        self._own: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(1))
        self.asked: Counter[str] = Counter()

    @property
    def turn(self) -> Depends:
        """Return the dependency by which a heavy route or router waits for its turn."""
        return Depends(self._turn, scope="function")

    async def _turn(self, request: Request) -> AsyncIterator[None]:
        caller = self._access.caller_if_known(request)
        who = self._official_of(request) if caller is None else caller.name
        if not who:  # the route refuses them
            yield
            return
        if self.asked[who] >= MOST_OF_ONE:
            detail = Words(
                "{count} of your requests for tests, previews or reports are under way; wait for their answers",
                count=MOST_OF_ONE,
            )
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, detail, headers={"Retry-After": RETRY_SECONDS})
        self.asked[who] += 1
        try:
            async with self._own[who], self._pool:
                yield
        finally:
            self.asked[who] -= 1
            if not self.asked[who]:
                del self.asked[who], self._own[who]
