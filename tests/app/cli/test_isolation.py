"""Every command and every route is walked as somebody of another agency: nothing of the first is shown or changed.

What is not in these tables fails the walk, so that nobody can add a command or a route and forget to say who may.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import httpx2
import pytest
import uvloop
from starlette.testclient import TestClient

from app.cli.command_table import ALONE, COMMANDS, GROUPS
from app.clock import system_clock
from app.compose import Platform
from app.identity.principals import add
from domain.facts.principals import Principal, Role, Scope
from streams.log.recorder import FactRecorder
from streams.queues.dead_letters import Letter
from streams.queues.job_store import Jobs
from streams.queues.jobs import Plan
from streams.storage.leadership import Lane
from tests.app.http.test_routes import BODIES
from tests.app.http.wire import client_of, event, key_of, routes_of, served
from tests.app.test_governing import CASE, NO_AGE, WORSE, Office
from tests.templates.packs import write_town
from tests.world import World, iin
from tests.world import event as life

HOLDER = iin(1)
METER = life(
    "town.meter.installed",
    HOLDER,
    "2025-06-01T12:00:00+05:00",
    {"number": "SECRET-7", "valid_until": "2025-08-01", "fee": 100},
    id="meter-1",
)
THEIRS = ("meter_check", "water", "SECRET-7")
"""What another agency must not read in any answer: the trigger, its owner, and what it is about."""
AT = "--clock=2025-06-02T12:00+05:00"

REFUSED: Mapping[str, str] = {
    "diff": "{changed}/meter_check",
    "submit": "{changed}/meter_check",
    "approve": "meter_check",
    "publish": "meter_check",
    "withdraw": "meter_check",
    "pause": "meter_check",
    "resume": "meter_check",
    "test-send": "meter_check --to fred",
    "control": "agency water --stop --reason x",
    "backfill": "meter_check --since 2020-01-01 --yes",
    "repair": "--trigger meter_check --yes",
    "forecast": "--agency water",
    "backtest": "meter_check --from 2025-01-01 --to 2026-01-01 --json",
    "trail": "{person} --purpose x",
    "why": "{nudge} --purpose x",
    "eligible": "{person} --purpose x",
    "evidence": "{nudge} --out {folder}/evidence.zip --purpose x",
    "erase": "{person} --reason x --yes",
    "keys show": "",
    "keys rotate": "",
    "unknown": "--close --why x --yes",
    "restored": "--yes",
    "retire": "--yes",
    "dead-letters list": "",
    "dead-letters show": "{nudge}",
    "dead-letters retry": "{nudge} --yes",
    "dead-letters drop": "{nudge} --yes",
    "audit list": "",
    "replay views": "--all --yes",
    "replay kafka": "--from 1 --yes",
    "jobs show": "1",
    "jobs confirm": "1",
    "jobs pause": "1",
    "jobs resume": "1",
    "jobs cancel": "1",
}
"""What another agency's people may not do: command -> what else is said."""
THEIR_OWN: Mapping[str, str] = {"submissions": "", "rules": "", "intents": "--json", "jobs list": ""}
"""Lists: of these everybody sees what is their agency's, or what they asked for."""
BY_FILES = frozenset({"lint", "test", "new", "preview", "simulate", "demo", "config show"})
"""These read the files of who runs them, and no platform."""
OF_THE_MACHINE = frozenset(
    {
        "ingest",
        "run",
        "api",
        "relay",
        "worker",
        "dispatch",
        "migrate",
        "status",
        "schedule",
        "jobs",
        "mcp",
        "bounce",
        "bounces",
        "audit verify",
        "audit heads",
        "audit key",
        "replay",
        "principals add",
        "principals show",
        "principals remove",
    }
)
"""These are for who keeps the machine, and with it the key file, the settings and the file of principals.

Of agencies they show nothing: `status` counts for the whole platform,
`audit verify` and `replay --verify` print digests; `mcp` acts as one citizen.
"""


def commands() -> set[str]:
    """All commands that the command line has."""
    grouped = {f"{group} {name}" for group, (_, inner) in GROUPS.items() for name in inner}
    return {*COMMANDS, *grouped, *ALONE}


class Town(NamedTuple):
    """An office whose trigger told somebody, and has a version that waits; the nudge, and the person."""

    office: Office
    nudge: str
    person: str

    def run(self, who: str, command: str, more: str) -> tuple[int, list[str], str]:
        """Run a command as somebody."""
        filled = more.format(
            changed=self.office.changed, nudge=self.nudge, person=self.person, folder=self.office.terminal.folder
        )
        return self.office.run(who, *command.split(), *filled.split())

    @property
    def facts(self) -> int:
        """The position of the newest fact."""
        with self.office.terminal.database() as database, database.reading() as connection:
            return FactRecorder.last_position(connection)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """Made once: nobody of another agency changes anything about it."""
    office = Office(tmp_path_factory.mktemp("town"))
    terminal = office.terminal
    packs = {"HABARSHY_PACKS": str(office.published)}
    assert terminal.run("ingest", terminal.written("life.ndjson", METER), AT, env=packs).code == 0
    assert terminal.run("run", "--until-idle", AT, env=packs).code == 0
    assert office.run("aida", "submit", office.trigger).code == 0
    with terminal.database() as database:
        Jobs(database, system_clock).add("repair", Lane.NUDGES, {}, Plan("repair", 1, "persons", 1), "aida")
    [found, *_] = office.run("aida", "intents", "--json").objects
    return Town(office, str(found["id"]), str(found["person"]))


def test_every_command_has_its_place(town: Town) -> None:
    """No command is in none of the tables, nor in two."""
    assert town.facts > 3
    places = [*REFUSED, *THEIR_OWN, *BY_FILES, *OF_THE_MACHINE]
    assert sorted(places) == sorted(commands())


@pytest.mark.parametrize("command", REFUSED)
def test_another_agency_is_refused_by_the_command(town: Town, command: str) -> None:
    """Exit 4, not a line of data, no word about what it is, and not one fact more."""
    before = town.facts
    ended = town.run("fred", command, REFUSED[command])
    assert ended[:2] == (4, []), ended
    assert "SECRET" not in ended[2]
    assert town.facts == before


@pytest.mark.parametrize("command", THEIR_OWN)
def test_a_list_has_nothing_of_another_agency(town: Town, command: str) -> None:
    """The list is empty for them, and is not for the agency itself or an operator; nothing is written."""
    before = town.facts
    said = "No submissions wait.\n" if command == "submissions" else ""
    assert town.run("fred", command, THEIR_OWN[command]) == (0, [], said)
    assert town.facts == before
    assert town.run("aida", command, THEIR_OWN[command])[1] != []


@pytest.mark.parametrize(
    ("who", "code", "sees"),
    [
        ("aida", 0, True),
        ("olga", 0, True),
        ("fred", 0, False),
        ("", 4, False),
        ("nobody", 4, False),
    ],
)
def test_where_people_are_registered_plans_have_readers(town: Town, who: str, code: int, *, sees: bool) -> None:
    """`intents` shows an agency its own and an operator all; without a token it ends with 4."""
    ended = town.office.run(who, "intents", "--json")
    assert (ended.code, bool(ended.lines)) == (code, sees)


# The routes

ROUTES: Mapping[str, tuple[int, ...]] = {
    "POST /events": (403,),
    "GET /triggers": (200,),
    "POST /triggers/{name}/pause": (403,),
    "POST /triggers/{name}/resume": (403,),
    "GET /submissions": (200,),
    "POST /submissions/{name}/{hash}/approve": (403, 404),
    "POST /submissions/{name}/{hash}/refuse": (403, 404),
    "POST /submissions/{name}/{hash}/publish": (403, 404),
    "POST /lint": (200,),
    "POST /test": (200,),
    "POST /preview": (200,),
    "POST /submissions": (403,),
    "GET /statistics": (200,),
    "GET /jobs": (403,),
    "GET /jobs/{id}": (403,),
    "POST /jobs/{id}/pause": (403,),
    "GET /work": (200,),
    "GET /work/triggers/{name}": (403,),
}
"""What somebody of another agency gets: their own list, or a refusal."""
BY_PLACE: Mapping[str, tuple[int, ...]] = defaultdict(
    tuple,
    console=(403,),
    jobs=(403,),
    schedule=(403,),
    trails=(403,),
    backtests=(403, 404),
    work=(200, 303, 403, 404, 409, 422),
)
"""The same by the first word of a path; the workbench is for one's own, all others but backtests are operators'."""
DRAFTING = ("/test", "/preview", "/submissions")
"""These take a draft, and answer with what is in it: here a stranger's of the other agency's trigger."""
OF_A_CITIZEN = (
    "/persons",
    "/my",
    "/devices/",
    "/app.webmanifest",
    "/worker.js",
    "/components",
    "/m/",
    "/stop/",
    "/answer/",
    "/seen/",
    "/sign-in",
    "/sign-out",
    "/check",
    "/receipts/",
    "/gateways/",
    "/livez",
    "/readyz",
)
"""These know a citizen (by a portal's key, a session or a signed link) or a provider, or are the same for all.

None of them knows an agency.
"""


class Hall(NamedTuple):
    """A platform with two agencies, and another agency's browser, official and system."""

    platform: Platform
    browser: TestClient
    official: str
    system: str
    draft: Mapping[str, object]

    def ask(self, method: str, path: str) -> httpx2.Response:
        """Ask as whoever such a route is for."""
        filled = filled_in(path)
        if path.startswith(("/console", "/work")):
            csrf = re.search(r'name="csrf" value="([^"]+)"', self.browser.get("/work").text)
            fields = {"csrf": csrf[1] if csrf else "", "reason": "x"}
            return self.browser.request(method, filled, data=fields if method == "POST" else None)
        return self.ask_as(self.system if path in ("/events", "/statistics") else self.official, method, path)

    def ask_as(self, key: str, method: str, path: str) -> httpx2.Response:
        """Ask the API by a key or a token."""
        filled = filled_in(path)
        bodies: dict[str, object] = {
            **BODIES,
            "/events": event("town.meter.installed", data=METER.data),
            "/lint": {"files": {"a.yaml": "x"}},
            "/submissions/{name}/{hash}/publish": {},
            "/submissions/{name}/{hash}/refuse": {"reason": "the fee is wrong"},
            **dict.fromkeys(DRAFTING, self.draft),
            "/backtests": {**self.draft, "from": "2025-01-01", "to": "2025-02-01"},
        }
        query = "?from=2025-01-01&to=2025-12-31" if path == "/statistics" else ""
        kind = "application/cloudevents+json" if path == "/events" else "application/json"
        return client_of(served(self.platform)).request(
            method,
            filled + query,
            json=bodies.get(path) if method == "POST" else None,
            headers={"authorization": f"Bearer {key}"} | ({"content-type": kind} if method == "POST" else {}),
        )


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    """The trigger told somebody, a version of it waits, and there is a dead letter."""
    folder = tmp_path_factory.mktemp("hall")
    world = World(folder, packs=[write_town(folder, NO_AGE)])
    world.take(METER)
    uvloop.run(world.settle())
    uvloop.run(world.settle("2025-07-02T12:00:00+05:00"))
    assert world.sent or world.nudges()
    principals = world.platform.settings.principals
    fred = add(principals, Principal("fred", "finance", frozenset({Role.AUTHOR, Role.APPROVER})))
    browser = client_of(served(world.platform), accept="text/html")
    browser.post("/sign-in/token", data={"token": fred})
    letter = Letter("kafka.record", "persons/3/1", "not_json", b"\x92\xc0\xc4\x01x")
    world.platform.database.write(lambda connection: world.platform.queues.dead_letter_queue.put(connection, letter))
    yield Hall(world.platform, browser, fred, key_of(world.platform, "finance", *Scope), draft_in(folder))
    world.close()


def filled_in(path: str) -> str:
    """The path with something in each of its places."""
    places = {"name": "meter_check", "hash": "0" * 64, "id": "1"}
    return re.sub(r"\{(\w+)\}", lambda found: places.get(found[1], "0" * 8 + "-0000" * 3 + "-" + "0" * 12), path)


def draft_in(folder: Path) -> Mapping[str, object]:
    """The trigger with a change that nobody of its agency made, and with a test that it passes."""
    trigger = write_town(folder / "draft", NO_AGE, WORSE) / "meter_check"
    (trigger / "tests.yaml").write_text(CASE, encoding="utf-8")
    files = {each.name: each.read_text("utf-8") for each in trigger.iterdir()}
    return {"pack": "town", "trigger": "meter_check", "files": files}


def routes(platform: Platform) -> list[tuple[str, str]]:
    """Method and path of every route but those that know no agency."""
    found = [(method, each.path) for each in routes_of(served(platform)) for method in sorted(each.methods or ())]
    return [(method, path) for method, path in found if path != "/" and not path.startswith(OF_A_CITIZEN)]


def test_another_agency_gets_nothing_from_any_route(hall: Hall) -> None:
    """Every route that knows agencies refuses, or shows what is theirs; nothing is changed, and no answer tells."""
    walked = routes(hall.platform)
    assert len(walked) > 20
    before = hall.platform.log.facts.max_notification_id()
    for method, path in walked:
        expected = ROUTES.get(f"{method} {path}", BY_PLACE[path.split("/")[1]])
        answer = hall.ask(method, path)
        assert answer.status_code in expected, (method, path, answer.status_code, answer.text[:300])
        told = [word for word in THEIRS if word in answer.text]
        assert answer.status_code != 200 or path in DRAFTING or not told, (path, told)
    assert hall.platform.log.facts.max_notification_id() == before
    aida = add(hall.platform.settings.principals, Principal("aida", "water", frozenset({Role.AUTHOR})))
    assert "meter_check" in hall.ask_as(aida, "GET", "/triggers").text, "else this looked for the wrong words"
