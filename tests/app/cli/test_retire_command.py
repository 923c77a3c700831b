"""habarshy retire: a plan, a typed number; and whoever asks why is told that the content was retired."""

import shutil
from datetime import datetime
from pathlib import Path

import pytest

from app.cli.explanation_lines import explanation_lines
from app.pages.catalogues import Speech
from app.pages.life import details_of
from domain.core.timing import zone_of
from domain.facts.principals import Principal, Role
from tests.app.pages.visitor import visiting
from tests.app.terminal import Terminal, begun
from tests.world import LONG_AGO, World, fine, iin, limited, registered

AIGERIM = iin(1)
NUMBER, FINED, AT = "KZ-4711-4711", "2024-03-01T12:00:00+05:00", "2026-01-02T12:00+05:00"
OMAR = Principal("omar", "platform", frozenset({Role.OPERATOR}))
SAID = {
    "en": "It was kept readable for 1 year after the year of the event; since 2 January 2026",
    "kk": "Ол оқиға болған жылдан кейін 1 жыл бойы оқылатын күйде сақталды; 2026\u202fж. 2 қаңтар",
    "ru": "Это можно было читать ещё 1 год после года события; с 2 января 2026",
}


@pytest.fixture
def lived(tmp_path: Path) -> Terminal:
    """A terminal on whose database Aigerim was fined, where fines may be read for a year."""
    return begun(tmp_path, _fined)


def _fined(terminal: Terminal) -> None:
    packs = {"HABARSHY_PACKS": str(limited(terminal.folder, fine_issued="P1Y"))}
    life = [*registered(AIGERIM, LONG_AGO), fine(AIGERIM, NUMBER, FINED, id="f-1")]
    assert terminal.run("ingest", terminal.written("life.ndjson", *life), env=packs).code == 0
    assert terminal.run("run", "--until-idle", "--clock", AT).code == 0


def test_content_is_retired_once_the_number_is_typed(lived: Terminal) -> None:
    """The plan changes nothing, another word declines; the right one destroys the keys, and only once."""
    plan = lived.run("retire", "--plan", "--json", "--clock", AT)
    assert plan.objects == [{"type": "kz.traffic.fine_issued", "year": 2024, "limit": "P1Y", "keys": 1, "facts": 1}]
    assert lived.run("retire", "--plan", "--json", "--clock", "2025-12-31T12:00+05:00").objects == []
    told = lived.run("retire", "--plan", "--clock", AT)
    assert (told.lines[0], told.talk) == (
        "kz.traffic.fine_issued of 2024 (limit P1Y): 1 key, one a person; 1 fact",
        "",
    )
    assert lived.run("retire", "--clock", AT, stdin=b"yes\n").code == 5
    assert NUMBER in str(lived.run("trail", AIGERIM, "--json").lines)
    done = lived.run("retire", "--json", "--clock", AT, stdin=b"1\n")
    assert done.objects == [{"type": "kz.traffic.fine_issued", "year": 2024, "limit": "P1Y", "keys": 1, "kept": 0}]
    assert NUMBER not in str(lived.run("trail", AIGERIM, "--json").lines)
    assert lived.run("retire", "--yes", "--json", "--clock", AT).objects == []
    assert "--verify" not in lived.run("audit", "verify").talk
    assert lived.run("audit", "verify", "--json").code == 0


def test_who_may_not_retire_does_not(lived: Terminal) -> None:
    """Where there are principals, an operator retires, and nobody else."""
    author, operator = lived.act("asel", "justice", "author"), lived.act("omar", "platform", "operator")
    for environment in ({}, author):
        assert lived.run("retire", "--yes", "--clock", AT, env=environment).code == 4
    assert lived.run("retire", "--yes", "--json", "--clock", AT, env=operator).objects != []


def test_a_restored_copy_is_retired_again(lived: Terminal) -> None:
    """What was retired since the backup can be read in the copy, until `restored` retires it again."""
    [file] = lived.folder.rglob("*.sqlite")
    copy = lived.folder / "copy"
    shutil.copy(file, copy)
    assert lived.run("retire", "--yes", "--clock", AT).code == 0
    for name in ("-wal", "-shm"):
        file.with_name(file.name + name).unlink(missing_ok=True)
    shutil.copy(copy, file)
    assert NUMBER in str(lived.run("trail", AIGERIM, "--json").lines)
    said = lived.run("restored", "--yes", "--json", "--clock", AT)
    assert (said.code, said.objects[-1]["retired"]) == (0, 1), said.talk
    assert NUMBER not in str(lived.run("trail", AIGERIM, "--json").lines)


@pytest.fixture
async def world(tmp_path: Path) -> World:
    """Aigerim was told of a fine whose content is retired by now."""
    packs, moment = [limited(tmp_path, fine_issued="P1Y")], "2024-03-01T13:30:00+05:00"
    made = World(tmp_path, packs=packs, key_file=tmp_path / "key", now=_at(FINED))
    made.take(*registered(AIGERIM, LONG_AGO), fine(AIGERIM, NUMBER, FINED, id="f-1"))
    assert len(await made.settle(moment)) == 1
    await made.settle(AT)
    made.platform.privacy.retention.retire(OMAR, made.platform.privacy.retention.scope())
    made.platform.replay.follower.drain()
    return made


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize("language", SAID)
async def test_why_says_that_it_was_retired(world: World, language: str) -> None:
    """Operators and citizens read since when the content is unreadable and under which limit, in their language."""
    why = world.why(world.nudge("issued").intent.id)
    assert why.retired is not None
    assert "event.number" not in why.used
    rules = world.platform.rules.library.rules()
    assert "Its content could be read for P1Y after its year, and is retired since 2026-01-02" in explanation_lines(
        why, rules
    )
    page = details_of(why, rules, Speech(language, zone_of("Asia/Almaty")))
    assert SAID[language] in page.recorded[-1][1]


async def test_what_one_takes_along_says_that_it_was_retired(world: World) -> None:
    """The file of a citizen has the event, and says of its content since when nobody can read it."""
    found = visiting(world, AIGERIM).get("/my/data.json").json()
    [fined] = [each for each in found["events"] if each["type"] == "kz.traffic.fine_issued"]
    assert fined["retired"] == {"at": "2026-01-02 07:00:00+00:00", "limit": "P1Y"}
    assert NUMBER not in str(found)
    assert sum(each["fact"] == "nudge-sent/1" for each in found["messages"]) == 1
