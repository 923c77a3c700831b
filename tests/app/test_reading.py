"""Commands that only read: they make nothing, say what is missing, and end well whatever becomes of their output."""

from pathlib import Path

import pytest

from tests.app.terminal import Terminal, begun
from tests.templates.packs import PACK, write_town
from tests.world import LONG_AGO, card, iin, registered

AIGERIM = iin(1)
LIFE = (*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-07-20"))
MAY = "--clock=2025-05-01T12:00+05:00"
READING = (
    ["status"],
    ["trail", AIGERIM],
    ["trail", "f" * 32],
    ["intents"],
    ["intents", "--json"],
    ["why", "00000000-0000-0000-0000-000000000007"],
)


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal in an empty folder."""
    return Terminal(tmp_path)


@pytest.fixture
def lived(tmp_path: Path) -> Terminal:
    """A terminal on whose database Aigerim's card is known."""
    return begun(tmp_path, _lived)


def _lived(terminal: Terminal) -> None:
    assert terminal.run("ingest", terminal.written("life.ndjson", *LIFE), MAY).code == 0


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
def test_who_reads_where_nothing_is_stored_makes_nothing(terminal: Terminal, arguments: list[str]) -> None:
    """Without a database, exit 3, a sentence that says what to do, and not one new file or folder."""
    ended = terminal.run(*arguments)
    assert (ended.code, ended.lines) == (3, [])
    assert f"Nothing is stored at {terminal.folder}/data/habarshy/habarshy.sqlite" in ended.talk
    assert "habarshy ingest" in ended.talk
    assert list(terminal.folder.iterdir()) == []


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
def test_a_file_without_our_tables_stays_as_it_is(terminal: Terminal, arguments: list[str]) -> None:
    """An empty file at the database's place is no database: exit 3, and it is still empty."""
    file = terminal.folder / "other.sqlite"
    file.touch()
    assert terminal.run(*arguments, f"--database=sqlite:///{file}").code == 3
    assert [path.name for path in terminal.folder.iterdir()] == [file.name]
    assert file.read_bytes() == b""


def test_who_reads_makes_no_keys(lived: Terminal) -> None:
    """A key file that is missing is named, not replaced by a new one with which nothing can be read."""
    key = lived.folder / "data" / "habarshy" / "key"
    key.unlink()
    ended = lived.run("status")
    assert (ended.code, ended.lines, key.exists()) == (3, [], False)
    assert f"The key file {key} is missing" in ended.talk


@pytest.mark.parametrize("arguments", [["ingest", "-"], ["run", "--until-idle"]], ids=" ".join)
def test_who_stores_or_sends_makes_the_database(terminal: Terminal, arguments: list[str]) -> None:
    """The first `ingest` or `run` makes what is missing; from then on there is something to read."""
    assert terminal.run(*arguments, stdin=b"").code == 0
    assert terminal.run("status").code == 0


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("HABARSHY_DATABSE", "no setting is called HABARSHY_DATABSE (did you mean HABARSHY_DATABASE?)"),
        ("habarshy_provider", "no setting is called habarshy_provider (did you mean HABARSHY_PROVIDERS?)"),
        ("HABARSHY_", "no setting is called HABARSHY_."),
    ],
)
def test_a_misspelt_variable_is_not_ignored(lived: Terminal, name: str, said: str) -> None:
    """An unknown HABARSHY_ variable ends every command that has settings with 2, and with what was meant."""
    for command in ("status", "intents", "config"):
        arguments = [command, *(["show"] if command == "config" else [])]
        ended = lived.run(*arguments, env={name: "anything"})
        assert (ended.code, ended.lines) == (2, [])
        assert said in ended.talk


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HABARSHY_TOKEN", "240"),
        ("HABARSHY_KAFKA", "kafka:9092"),
        ("habarshy_lease_seconds", "240"),
        ("UNHABARSHY_X", "240"),
    ],
)
def test_other_variables_are_left_alone(lived: Terminal, name: str, value: str) -> None:
    """Variables of ours that are no settings, in whatever case, and those of others stop nothing."""
    assert lived.run("status", env={name: value}).code == 0


def test_run_ends_with_how_it_stands(lived: Terminal) -> None:
    """With --json it ends with the figures of `status --json` and what it `done`; else with two sentences."""
    [stands] = lived.run("run", "--until-idle", "--json", "--clock=2025-06-20T12:00+05:00").objects
    assert stands["nudges"] == {"sent": 1, "planned": 2}
    [status] = lived.run("status", "--json", "--clock=2025-06-20T12:00+05:00").objects
    assert [each["kind"] for each in status.pop("findings")] == ["not_running"]
    assert status.pop("processes") == [], "it has ended"
    assert stands == status | {"done": stands["done"]}
    again = lived.run("run", "--until-idle", "--clock=2025-06-20T12:00+05:00")
    assert (again.code, again.lines) == (0, [])
    assert [line.partition(":")[0] for line in again.talk.splitlines()] == ["done", "now, in nudges"]


@pytest.mark.parametrize(
    "arguments", [["intents"], ["status"], ["trail", AIGERIM], ["simulate", "--citizens=3000"]], ids=" ".join
)
def test_an_output_that_takes_no_more_is_told_in_a_sentence(lived: Terminal, arguments: list[str]) -> None:
    """As a process, on a full disk: exit 3 and one sentence, whether the first line fails or the last."""
    with Path("/dev/full").open("wb") as full:
        process = lived.start(*arguments, stdout=full)
        said = process.communicate(timeout=120)[1].decode()
    assert (process.returncode, said) == (3, "the output cannot be written: No space left on device\n")


def test_packs_without_defaults_are_refused_and_not_published(terminal: Terminal) -> None:
    """A pack that leaves out language, zone and quiet hours ends with 1 and a sentence, and nothing stays of it."""
    town = write_town(terminal.folder)
    text = (town / PACK).read_text()
    start, end = text.index("defaults:"), text.index("area_levels")
    (town / PACK).write_text(text[:start] + text[end:])
    ended = terminal.run("run", "--until-idle", env={"HABARSHY_PACKS": str(town)})
    assert (ended.code, ended.lines) == (1, [])
    assert "None of the packs has `defaults`" in ended.talk
    (town / PACK).write_text(text)
    assert terminal.run("run", "--until-idle", env={"HABARSHY_PACKS": str(town)}).code == 0
    [stands] = terminal.run("status", "--json").objects
    assert stands["facts"] == 3, "the built-in pack, the mended one and its trigger"
