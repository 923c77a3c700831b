import asyncio
import threading
from collections import Counter

import httpx2
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.compose import Platform
from app.http.access import Access
from app.http.bulkhead import AT_ONCE, MOST_OF_ONE, Bulkhead
from app.http.problems import install_problem_handlers
from app.identity.principals import add
from app.packs.draft_bench import Bench
from app.pages.visits import official_of
from app.server import application
from domain.facts.principals import Principal, Role
from tests.app.http.test_admission import PARTS
from tests.app.http.wire import client_of, routes_of

OTHERS = {"/lint", "/statistics", "/console/forecast"}
"""Heavy work that needs no bench."""
MANY = 40


def official(platform: Platform, name: str) -> str:
    """The token of an official who may do everything."""
    return add(platform.settings.principals, Principal(name, "interior", frozenset(Role)))


async def test_officials_starve_nobody(platform: Platform) -> None:
    """Many heavy requests take few threads, one of each official; who asks for too much gets 429, others answers."""
    app, access = FastAPI(), Access(platform.settings.principals)
    install_problem_handlers(app)
    bulkhead, begun, free = Bulkhead(access, official_of), threading.Semaphore(0), threading.Event()
    at_work, most = Counter[str](), Counter[str]()

    def work(who: str) -> str:
        at_work[who] += 1
        most[who] = max(most[who], at_work[who])
        most["all"] = max(most["all"], at_work.total())
        begun.release()
        free.wait()
        at_work[who] -= 1
        return who

    app.add_api_route("/work", work, methods=["GET"], dependencies=[bulkhead.turn])
    app.add_api_route("/stop", lambda: "stopped", methods=["GET"])
    tokens = {name: official(platform, name) for name in ("saule", "dana", "asel")}
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://testserver") as client:

        async def ask(who: str) -> httpx2.Response:
            headers = {"authorization": f"Bearer {tokens[who]}"}
            return await client.get("/work", params={"who": who}, headers=headers)

        asked = [asyncio.create_task(ask("saule")) for _ in range(MANY)]
        asked += [asyncio.create_task(ask(name)) for name in ("dana", "asel")]
        for _ in range(AT_ONCE):
            await asyncio.to_thread(begun.acquire)
        light = await asyncio.gather(*(client.get("/stop") for _ in range(MANY)))
        free.set()
        answers = await asyncio.gather(*asked)
    assert {each.status_code for each in light} == {200}
    assert most == Counter(saule=1, dana=1, asel=1, all=AT_ONCE)
    assert Counter(each.status_code for each in answers) == {200: MOST_OF_ONE + 2, 429: MANY - MOST_OF_ONE}
    refused = next(each for each in answers if each.status_code == 429)
    assert refused.headers["retry-after"].isdecimal()
    assert not bulkhead.asked


def test_every_heavy_route_is_in_the_pool(platform: Platform) -> None:
    """Every route of whatever has a bench takes a turn, by token or by visit; no other route ever waits for one."""
    app, token = application(platform), official(platform, "saule")
    visitor = client_of(app, authorization=f"Bearer {token}")
    assert visitor.post("/sign-in/token", data={"token": token}).status_code == 303
    app.state.bulkhead.asked["saule"] = MOST_OF_ONE
    bulkhead = {path for method, path, bench in _routes(app) if _is_refused(visitor, method, path)}
    benches = {path for _, path, bench in _routes(app) if bench}
    assert len(benches) > 10
    assert bulkhead == benches | OTHERS


def _routes(app: FastAPI) -> list[tuple[str, str, bool]]:
    """Method, path, and whether its page or call has a bench."""
    found = []
    for route in routes_of(app):
        of = vars(getattr(route.endpoint, "__self__", None) or object)
        bench = any(isinstance(each, Bench) for each in of.values())
        found += [(method, route.path, bench) for method in route.methods or ()]
    return found


def _is_refused(client: TestClient, method: str, path: str) -> bool:
    answer = client.request(
        method, path.format_map(PARTS), json={} if not path.startswith(("/work", "/my")) else None
    )
    return answer.status_code == 429
