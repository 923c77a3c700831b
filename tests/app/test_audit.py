"""`habarshy audit` and `evidence`: whether the log is as it was written, what to deposit, and proof of one nudge."""

import json
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace

from domain.facts.chain import CODED, Block
from streams.log.signing import Signer
from tests.app.terminal import Terminal, begun
from tests.streams.undoing import back_to
from tests.world import LONG_AGO, card, iin, registered

AIGERIM = iin(1)
MAY = "--clock=2025-05-01T12:00+05:00"


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal on whose database Aigerim's card is known and planned, all of it in the chain."""
    return begun(tmp_path, _lived)


def _lived(terminal: Terminal) -> None:
    life = (*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-07-20"))
    assert terminal.run("ingest", terminal.written("life.ndjson", *life), MAY).code == 0
    assert terminal.run("run", "--until-idle", MAY).code == 0


def altered(terminal: Terminal, statement: str) -> None:
    """Alter the database behind the platform's back."""
    with closing(sqlite3.connect(terminal.folder / "data/habarshy/habarshy.sqlite")) as connection, connection:
        connection.execute(statement)


def test_a_log_as_it_was_written_passes(terminal: Terminal) -> None:
    """After a run every fact is in the chain, and nothing is wrong with it."""
    ended = terminal.run("audit", "verify", "--json")
    [counts] = ended.objects
    assert ended.code == 0
    assert (counts["blocks"], counts["unchained"], counts["findings"]) == (1, 0, 0)
    assert counts["facts"] > 10


def test_what_was_altered_is_named_by_its_position(terminal: Terminal) -> None:
    """A changed fact: exit 1, one line that names position and block; as JSON too."""
    altered(terminal, "UPDATE log SET state = state || x'00' WHERE position = 3")
    ended = terminal.run("audit", "verify")
    assert ended.code == 1
    assert ended.lines[0] == "position 3, block 1: changed: the fact is not the one that was there"
    assert terminal.run("audit", "verify", "--json").objects[0] == {"what": "changed", "block": 1, "position": 3}


def test_what_is_not_yet_chained_is_said(terminal: Terminal) -> None:
    """Facts that came after the last block were not checked, and that is said; they fail nothing."""
    later = terminal.written("later.ndjson", card(AIGERIM, "2035-07-20", number="N2"))
    assert terminal.run("ingest", later, MAY).code == 0
    ended = terminal.run("audit", "verify")
    assert (ended.code, ended.talk) == (
        0,
        "not checked, at the end of the log and in no block yet: 1 fact\n",
    )


FORGED = """
    INSERT INTO log
    SELECT (SELECT max(position) + 1 FROM log), planned.originator_id, 2,
        'nudge-cancelled/1', x'92d6ff683d4bf0a0', NULL
    FROM log AS planned WHERE planned.topic = 'nudge-planned/1' ORDER BY planned.position DESC LIMIT 1
"""


def test_a_forged_fact_is_named_before_and_after_the_next_run(terminal: Terminal) -> None:
    """A row written without the key fails the audit before and after a run; no replay, rotation or copy mends it."""
    before = terminal.run("status", "--json", MAY).objects[0]["nudges"]
    altered(terminal, FORGED)
    ended = terminal.run("audit", "verify")
    [line, _] = ended.lines
    assert (ended.code, line.split(": ")[1]) == (1, "forged")
    assert line.split(", ")[1].startswith("in no block")
    assert terminal.run("run", "--until-idle", MAY).code == 0
    assert terminal.run("keys", "rotate").code == 0
    assert terminal.run("replay", "--verify").code == 0
    assert terminal.run("status", "--json", MAY).objects[0]["nudges"] == before
    copy = terminal.folder / "copy.sqlite"
    altered(terminal, f"VACUUM INTO '{copy}'")
    for more in ((), (f"--database=sqlite:///{copy}", f"--key-file={terminal.folder / 'data/habarshy/key'}")):
        ended = terminal.run("audit", "verify", *more)
        assert (ended.code, ended.lines[0].split(": ")[1]) == (1, "forged")


def test_an_older_log_gets_its_codes_by_migrate(terminal: Terminal) -> None:
    """`migrate` says how many facts a signed block proves and how many nothing does; the audit then passes."""
    later = terminal.written("later.ndjson", card(AIGERIM, "2035-07-20", number="N2"))
    assert terminal.run("ingest", later, MAY).code == 0
    with closing(sqlite3.connect(terminal.folder / "data/habarshy/habarshy.sqlite")) as connection, connection:
        connection.executescript(";".join(back_to("0023")))
        signer = Signer(bytes.fromhex(json.loads((terminal.folder / "data/habarshy/key").read_text())["sealing"]))
        [row] = connection.execute("SELECT * FROM blocks").fetchall()
        marks = row[10].removesuffix(CODED)
        block = replace(Block(*row[:8]), marks=sha256(marks).digest())
        given = (marks, block.marks, signer.sign(block.head))
        connection.execute("UPDATE blocks SET marks = ?, marks_digest = ?, signature = ?", given)
    ended = terminal.run("migrate")
    facts = row[3]
    assert ended.code == 0
    said = f"{facts + 1} facts got a code; as a signed block says: {facts}; in no signed block, so that nothing"
    assert said in ended.talk
    assert terminal.run("audit", "verify").code == 0
    assert terminal.run("status").code == 0


def test_an_audit_from_behind_the_chain_is_a_wrong_use(terminal: Terminal) -> None:
    """A position behind the chain's end is refused with that end: it is no finding, and nothing was checked."""
    upto = terminal.run("audit", "heads", "--json").objects[0]["upto"]
    ended = terminal.run("audit", "verify", "--from", str(upto + 1))
    assert (ended.code, ended.lines) == (2, [])
    assert f"{upto + 1} is behind the end of the chain, position {upto}" in ended.talk
    assert terminal.run("audit", "verify", "--from", str(upto)).code == 0


def test_a_deposited_head_finds_a_log_that_was_cut_off(terminal: Terminal) -> None:
    """What `audit heads` printed is what `audit verify --head` takes, and a chain without that block fails."""
    deposited = terminal.folder / "heads.ndjson"
    ended = terminal.run("audit", "heads", "--json")
    deposited.write_text("\n".join(ended.lines))
    assert terminal.run("audit", "verify", "--head", str(deposited)).code == 0
    altered(terminal, "DELETE FROM blocks")
    altered(terminal, "DELETE FROM log")
    assert terminal.run("audit", "verify").code == 0
    ended = terminal.run("audit", "verify", "--head", str(deposited))
    assert (ended.code, ended.lines[0].split(":")[:2]) == (1, ["block 1", " cut-off"])


@pytest.mark.parametrize("content", ["", "{}", "no head", '{"block": 1}'])
def test_a_file_without_heads_is_refused(terminal: Terminal, content: str) -> None:
    """What is no deposited head is a mistake of usage, named with its file."""
    file = terminal.folder / "heads.ndjson"
    file.write_text(content)
    ended = terminal.run("audit", "verify", "--head", str(file))
    assert (ended.code, ended.lines) == (2, [])
    assert str(file) in ended.talk


def test_the_public_half_of_the_key_is_shown(terminal: Terminal) -> None:
    """`audit key` prints what heads are checked with, and nothing of the secret."""
    [shown] = terminal.run("audit", "key").lines
    [head] = terminal.run("audit", "heads", "--json").objects
    kept = json.loads((terminal.folder / "data/habarshy/key").read_text())
    assert shown == head["public_key"]
    assert len(bytes.fromhex(shown)) == 32
    assert shown not in kept.values()


def test_a_key_file_without_a_key_that_signs_is_completed_by_migrate(terminal: Terminal) -> None:
    """A key file from before there were heads says so, and `migrate` adds what is missing."""
    file = terminal.folder / "data/habarshy/key"
    kept = json.loads(file.read_text())
    del kept["sealing"]
    file.write_text(json.dumps(kept))
    ended = terminal.run("audit", "key")
    assert ended.code == 2
    assert "habarshy migrate" in ended.talk
    assert terminal.run("migrate").code == 0
    assert terminal.run("audit", "key").code == 0


@pytest.mark.parametrize(
    "command", [["audit", "verify"], ["audit", "heads"], ["evidence", "0" * 32, "--out=e"]], ids=" ".join
)
def test_where_nothing_is_stored_nothing_is_made(tmp_path: Path, command: list[str]) -> None:
    """Without a database: exit 3, and not one new file."""
    terminal = Terminal(tmp_path)
    assert terminal.run(*command).code == 3
    assert list(tmp_path.iterdir()) == []


def a_nudge(terminal: Terminal) -> str:
    """The id of a nudge to Aigerim."""
    return str(terminal.run("intents", "--json").objects[0]["id"])


def test_evidence_is_written_to_a_new_file_for_its_owner(terminal: Terminal) -> None:
    """It says the digest of the file and how to check it; nobody else can read it, and it is never replaced."""
    out = terminal.folder / "evidence"
    ended = terminal.run("evidence", a_nudge(terminal), "--out", str(out), "--json")
    [said] = ended.objects
    assert (ended.code, said["sha256"]) == (0, sha256(out.read_bytes()).hexdigest())
    assert "docs/verify_evidence.py" in ended.talk
    assert out.stat().st_mode & 0o777 == 0o600
    before = out.read_bytes()
    assert terminal.run("evidence", a_nudge(terminal), "--out", str(out)).code == 2
    assert out.read_bytes() == before


def test_evidence_has_a_letter_beside_it(terminal: Terminal) -> None:
    """It is for its owner only, in the language that was asked for, and never in the place of another file."""
    out, letter, nudge = terminal.folder / "evidence", terminal.folder / "letter.html", a_nudge(terminal)
    unknown = terminal.run("evidence", nudge, "--out", str(out), "--html", str(letter), "--language", "de")
    assert (unknown.code, out.exists(), letter.exists()) == (2, False, False)
    asked = ("evidence", nudge, "--out", str(out), "--html", str(letter), "--language", "ru")
    assert terminal.run(*asked).code == 0
    assert letter.stat().st_mode & 0o777 == 0o600
    text = letter.read_text(encoding="utf-8")
    assert '<html lang="ru">' in text
    assert sha256(out.read_bytes()).hexdigest() in text
    out.unlink()
    assert (terminal.run(*asked).code, out.exists()) == (2, False)


def test_evidence_puts_what_it_shows_into_the_chain(terminal: Terminal) -> None:
    """What waited for its block is in one afterwards."""
    nudge = a_nudge(terminal)
    later = terminal.written("later.ndjson", card(AIGERIM, "2035-07-20", number="N2"))
    assert terminal.run("ingest", later, MAY).code == 0
    assert terminal.run("evidence", nudge, "--out", str(terminal.folder / "evidence")).code == 0
    assert terminal.run("audit", "verify", "--json").objects[-1]["unchained"] == 0


@pytest.mark.parametrize(
    ("nudge", "code", "words"),
    [("nonsense", 2, "'nonsense' is no id"), ("00000000-0000-0000-0000-000000000007", 1, "habarshy trail PERSON")],
)
def test_evidence_of_no_nudge_writes_nothing(terminal: Terminal, nudge: str, code: int, words: str) -> None:
    """An id that is none, or nobody's: the exit code, what to do, and no file."""
    out = terminal.folder / "evidence"
    ended = terminal.run("evidence", nudge, "--out", str(out))
    assert (ended.code, ended.lines, out.exists()) == (code, [], False)
    assert words in ended.talk


def test_there_is_no_evidence_of_an_altered_log(terminal: Terminal) -> None:
    """Where the log is not as it was written: exit 3, how to find out where, and no file."""
    nudge, out = a_nudge(terminal), terminal.folder / "evidence"
    altered(terminal, "UPDATE log SET originator_version = 9 WHERE position = 1")
    ended = terminal.run("evidence", nudge, "--out", str(out))
    assert (ended.code, out.exists()) == (3, False)
    assert "habarshy audit verify" in ended.talk
