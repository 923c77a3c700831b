"""The loop that serves everybody waits for no database: a form's work is done in a thread."""

import asyncio

from sqlalchemy import event

from app.identity.principals import add
from domain.facts.principals import Principal, Role
from tests.app.http.test_routes import FILLED
from tests.app.http.wire import routes_of, served
from tests.app.pages.work.workshop import Workshop, signed_in


def test_no_form_makes_the_loop_wait_for_the_database(quiet: Workshop) -> None:
    """Whatever form an official sends, no connection is used by the thread that serves all the others."""
    platform = quiet.world.platform
    waited: set[str] = set()
    now = [""]

    @event.listens_for(platform.database.engine, "begin")
    def _begun(_: object) -> None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return
        waited.add(now[0])

    token = add(platform.settings.principals, Principal("zhan", "health", frozenset(Role)))
    everything = Workshop(quiet.world, quiet.base, {"zhan": token})
    somebody = signed_in(everything, "zhan")
    forms = {route.path for route in routes_of(served(platform)) if "POST" in (route.methods or ())}
    for path in sorted(each for each in forms if each.startswith(("/work", "/console"))):
        now[0] = path
        somebody.post(path.format(**FILLED), what="channel:sms", reason="a test", share="1", kind="x", cause="x")
    assert sorted(waited) == []
