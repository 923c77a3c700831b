"""The command line: exit codes, data on stdout, talk on stderr, and the same answer for people and machines."""

import json
import os
import re
import subprocess
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import make_url

from app.cli.command_table import DESTRUCTIVE
from app.clock import VirtualClock
from app.compose import compose
from app.identity.key_file import load_keyring
from app.roles.run_lock import run_lock
from app.settings import load_settings
from app.terminal import Exit
from domain.core.ids import Names
from streams.storage.database import Database
from tests.app.terminal import Ended, Terminal, begun, ndjson
from tests.templates.packs import RULES, write_town
from tests.world import LONG_AGO, card, event, iin, registered

AIGERIM, DANA = iin(1), iin(2)
CARD = card(AIGERIM, "2025-07-20")
LIFE = (*registered(AIGERIM, LONG_AGO), CARD)
MAY, JUNE = "--clock=2025-05-01T12:00+05:00", "--clock=2025-06-20T12:00+05:00"


@pytest.fixture
def empty(tmp_path: Path) -> Terminal:
    """A terminal in an empty folder."""
    return Terminal(tmp_path)


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal on whose database the shipped packs are published, and nobody is known."""
    return begun(tmp_path, _published)


def _published(terminal: Terminal) -> None:
    assert terminal.run("ingest", terminal.written("nothing.ndjson"), MAY).code == 0


@pytest.fixture
def lived(tmp_path: Path) -> Terminal:
    """A terminal on whose database Aigerim's card is known."""
    return begun(tmp_path, _lived)


def _lived(terminal: Terminal) -> None:
    assert terminal.run("ingest", terminal.written("life.ndjson", *LIFE), MAY).code == 0


def summary(ended: Ended) -> dict[str, int]:
    """The last line of `ingest --json`."""
    found: dict[str, int] = ended.objects[-1]
    return found


def pseudonym(terminal: Terminal, person: str) -> str:
    """The person's pseudonym under the terminal's key file."""
    keyring = load_keyring(terminal.folder / "data" / "habarshy" / "key", create=False)
    return Names(keyring.names).pseudonym(person)


def month(terminal: Terminal) -> str:
    """The id of the nudge a month before the card expires."""
    [found] = [one["id"] for one in terminal.run("intents", "--json").objects if one["step"] == "month"]
    return str(found)


def test_ingest_says_what_it_did_and_ends_well(terminal: Terminal) -> None:
    """New events: the counts are the last line, and the exit code is 0; duplicates alone are no failure."""
    file = terminal.written("life.ndjson", *LIFE)
    first, again = (terminal.run("ingest", file, "--json") for _ in range(2))
    assert (first.code, summary(first)) == (0, {"accepted": 4, "duplicates": 0, "rejected": 0})
    assert (again.code, summary(again)) == (0, {"accepted": 0, "duplicates": 4, "rejected": 0})
    assert first.talk == again.talk == ""


def test_what_ingest_refuses_is_named_and_the_rest_goes_in(terminal: Terminal) -> None:
    """A refused line is named by file, line and field, as talk and as JSON; exit 1; the other lines are stored."""
    broken = event("kz.document.isued", DANA, "2025-01-01T00:00:00Z", {})
    file = terminal.written("some.ndjson", CARD, "", "{nope", broken)
    ended = terminal.run("ingest", file, "--json")
    assert (ended.code, summary(ended)) == (1, {"accepted": 1, "duplicates": 0, "rejected": 2})
    assert [(one["file"], one["line"], one["field"], one["code"]) for one in ended.objects[:-1]] == [
        (file, 3, "$", "bad_json"),
        (file, 4, "type", "unknown_type"),
    ]
    assert f"{file}:4: type: no event type has this name (did you mean 'kz.document.issued'?)" in ended.talk
    assert len(terminal.run("trail", AIGERIM, "--json").lines) == 1


def test_ingest_reads_standard_input_and_several_files(terminal: Terminal) -> None:
    """`-` is standard input; several files are one load with one summary."""
    lines = b"\n".join(map(ndjson, LIFE[:2]))
    assert summary(terminal.run("ingest", "-", "--json", stdin=lines)) == {
        "accepted": 2,
        "duplicates": 0,
        "rejected": 0,
    }
    files = [terminal.written("one", *LIFE[:3]), terminal.written("two", CARD)]
    assert summary(terminal.run("ingest", *files, "--json")) == {"accepted": 2, "duplicates": 2, "rejected": 0}


def test_a_file_as_windows_writes_it_is_taken_in(terminal: Terminal) -> None:
    """A byte order mark before the first line and lines that end with CR LF are no part of the events."""
    lines = b"\xef\xbb\xbf" + b"\r\n".join(map(ndjson, LIFE[:2])) + b"\r\n"
    assert summary(terminal.run("ingest", "-", stdin=lines)) == {"accepted": 2, "duplicates": 0, "rejected": 0}


def test_a_missing_file_stores_nothing(empty: Terminal) -> None:
    """When one of the files is missing, none is read: exit 2, and its name."""
    ended = empty.run("ingest", empty.written("life", *LIFE), "/no/such/file")
    assert (ended.code, ended.lines) == (2, [])
    assert "/no/such/file: no such file" in ended.talk
    assert empty.run("trail", AIGERIM).code == 3, "there is no database either"
    assert f"{empty.folder}: is a folder" in empty.run("ingest", str(empty.folder)).talk


def test_a_historical_load_plans_what_is_ahead(terminal: Terminal) -> None:
    """--historical: of the steps only those due after now are intents."""
    file = terminal.written("life.ndjson", *LIFE)
    assert terminal.run("ingest", "--historical", "--clock=2025-07-01", file).code == 0
    assert {one["step"] for one in terminal.run("intents", "--json").objects} == {"week", "day"}


def test_intents_are_sorted_and_need_no_run(lived: Terminal) -> None:
    """Every intent of the stored facts, by id, without state or position; a run before changes not a byte."""
    before = lived.run("intents", "--json")
    ids = [UUID(one["id"]).bytes for one in before.objects]
    assert ids == sorted(ids)
    assert {one["step"] for one in before.objects} == {"month", "week", "day"}
    assert set(before.objects[0]) == {
        "id",
        "person",
        "trigger",
        "version",
        "occurrence",
        "step",
        "due",
        "expires",
        "class",
        "channels",
        "cause",
        "moot_from",
    }
    assert lived.run("run", "--until-idle", JUNE).code == 0
    assert lived.run("intents", "--json").lines == before.lines
    assert [line.split()[-1] for line in lived.run("intents").lines] == [one["id"] for one in before.objects]


def test_run_until_idle_plans_sends_and_stops(lived: Terminal) -> None:
    """`run --until-idle` sends what is due by the clock and leaves nothing waiting."""
    ended = lived.run("run", "--until-idle", JUNE)
    done, now = ended.talk.splitlines()
    counts = "3 nudges planned, 1 message sent, 0 attempts failed, 0 attempts with an unknown outcome"
    counts += ", 0 messages withheld, 0 messages expired, 0 nudges cancelled"
    assert (ended.code, done) == (0, f"done: {counts}; 0 deliveries held back by what is stopped")
    assert now == "now, in nudges: 2 planned, 1 sent; next due: 2025-07-13 09:00+05:00"
    [status] = lived.run("status", "--json", JUNE).objects
    assert status["nudges"] == {"sent": 1, "planned": 2}
    assert (status["unplanned"], status["due_now"], status["open_attempts"], status["views_behind"]) == (0, 0, 0, 0)
    told = dict(line.split(": ", 1) for line in lived.run("status", JUNE).lines)
    assert told["BAD"].startswith("The platform is not running: nothing is planned or sent. ")
    assert (told["nudges"], told["next due"]) == ("2 planned, 1 sent", "2025-07-13 09:00+05:00")
    [provider] = [told[name] for name in told if re.fullmatch(r"provider \w+ \(sms\)", name)]
    assert provider == "works; 1 attempt in the last hour, none failed"
    assert re.match(r"held back, unplanned, .*dead events", told["none"])


def test_status_says_so_where_nothing_is_wrong(lived: Terminal) -> None:
    """Whoever looks for trouble reads in the first line that there is none, as on the console."""
    lived.run("run", "--until-idle", JUNE)
    data = lived.folder / "data" / "habarshy"
    settings = load_settings(database=f"sqlite:///{data / 'habarshy.sqlite'}", key_file=data / "key")
    on = compose(settings, VirtualClock(datetime.fromisoformat(JUNE.partition("=")[2])))
    with closing(on.database), run_lock(on.database.engine.url):
        on.queries.backlog.take()
        assert lived.run("status", JUNE).lines[0] == "OK: everything works"


def test_a_second_run_is_told_that_one_is_at_work(lived: Terminal) -> None:
    """One run a database: the second ends with 3 and says why."""
    url = f"sqlite:///{lived.folder / 'data' / 'habarshy' / 'habarshy.sqlite'}"
    database = Database(url)
    with run_lock(database.engine.url):
        ended = lived.run("run", "--until-idle", JUNE)
    database.close()
    assert (ended.code, ended.lines) == (3, [])
    assert "Another habarshy run" in ended.talk
    assert lived.run("run", "--until-idle", JUNE).code == 0


def test_a_person_is_named_in_three_ways(lived: Terminal) -> None:
    """A trail is found by national id, by pseudonym, and by either on standard input."""
    name = pseudonym(lived, AIGERIM)
    found = [
        lived.run("trail", AIGERIM),
        lived.run("trail", name),
        lived.run("trail", "-", stdin=f"{AIGERIM}\n".encode()),
        lived.run("trail", "-", stdin=name.encode()),
    ]
    assert {each.code for each in found} == {0}
    assert len({tuple(each.lines) for each in found}) == 1
    assert len(found[0].lines) == len(LIFE)
    assert AIGERIM not in "".join(found[0].lines)


def test_a_trail_has_everything_that_concerns_a_person(lived: Terminal) -> None:
    """Life events and the facts of nudges, in the order of the log, with their data."""
    lived.run("run", "--until-idle", JUNE)
    facts = lived.run("trail", AIGERIM, "--json").objects
    assert [one["fact"] for one in facts] == [
        *["life/1"] * 4,
        *["nudge-planned/1"] * 3,
        "nudge-attempted/1",
        "nudge-sent/1",
    ]
    assert [one["position"] for one in facts] == sorted(one["position"] for one in facts)
    assert facts[3]["data"]["holder"] == {"number": "N1"}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["trail", DANA], 1),
        (["trail", "f" * 32], 1),
        (["trail", "somebody"], 2),
        (["trail"], 2),
        (["why", "00000000-0000-0000-0000-000000000007"], 1),
        (["why", "something"], 2),
        (["why"], 2),
        (["intents", "--clock=yesterday"], 2),
        (["run", "--until-idle", "--clock=25 June"], 2),
        (["ingest"], 2),
        (["nothing"], 2),
        (["status", "--nothing"], 2),
        (["--help"], 0),
        (["config", "--help"], 0),
        (["simulate", "--from=2025-01-01", "--to=2025-01-01"], 2),
        (["simulate", "--from=soon"], 2),
        (["simulate", "--citizens=0"], 2),
        (["status", "--database=sqlite:////no/such/folder/x.sqlite"], 3),
    ],
)
def test_a_command_that_cannot_be_done_says_so(lived: Terminal, arguments: list[str], code: int) -> None:
    """Nothing found ends with 1, a wrong use with 2, what is unavailable with 3; the reason is on stderr."""
    ended = lived.run(*arguments)
    assert ended.code == code
    assert ended.lines == [] or code == 0
    assert ended.talk.strip() != "" or code == 0
    assert "Traceback" not in ended.talk


def test_help_shows_what_may_be_typed(terminal: Terminal) -> None:
    """A flag takes no value, what may be left out is in one pair of brackets, and what may come again has dots."""
    for command, usage in (
        (["diff"], "diff [OPTIONS] {OLD} [NEW]"),
        (["lint"], "lint [OPTIONS] {PACK|TRIGGER_FOLDER}..."),
        (["replay", "views"], "replay views [OPTIONS] [NAME]..."),
        (["keys"], "keys [OPTIONS] COMMAND [ARGS]..."),
    ):
        lines = terminal.run(*command, "--help").lines
        assert [line.strip().partition(" ")[2] for line in lines if "Usage" in line] == [f"root {usage}"]
        assert not [line for line in lines if "bool" in line]


def test_why_tells_people_and_machines(lived: Terminal) -> None:
    """The reason for a nudge: rule, data, law, life and words, in lines and in one JSON object."""
    lived.run("run", "--until-idle", JUNE)
    nudge = month(lived)
    told, [plain] = "\n".join(lived.run("why", nudge, JUNE).lines), lived.run("why", nudge, "--json", JUNE).objects
    for part in (
        "Identity card renewal",
        "sent",
        "Expiry date: 20 July 2025",
        "When: It is due 30 days before the event’s expiry date, at 09:00",
        "73-V",
        "attempted  sms",
        "(2025-01-10 12:00+05:00)",
    ):
        assert part in told
    assert (plain["nudge"], plain["step"], plain["state"], plain["class"]) == (nudge, "month", "sent", "reminder")
    assert plain["used"]["event.expires_on"] == "2025-07-20"
    [words] = plain["words"].values()
    assert words["sms"] in told
    assert AIGERIM not in told + json.dumps(plain)
    assert not set("{}[]'") & set(told), "nothing as Python writes it"


@pytest.mark.parametrize(
    "arguments",
    [
        ["intents"],
        ["trail", AIGERIM],
        ["status"],
        ["config", "show"],
        ["config", "show", "--origin"],
        ["ingest", "life.ndjson"],
    ],
)
def test_json_is_compact_one_object_a_line(lived: Terminal, arguments: list[str]) -> None:
    """`--json` prints nothing but compact JSON objects, one a line."""
    here = [str(lived.folder / part) if part.endswith(".ndjson") else part for part in arguments]
    ended = lived.run(*here, "--json")
    assert ended.lines
    for line, parsed in zip(ended.lines, ended.objects, strict=True):
        assert isinstance(parsed, dict)
        assert line == json.dumps(parsed, ensure_ascii=False, separators=(",", ":"))


def test_a_broken_pack_is_shown_by_file_line_and_column(empty: Terminal) -> None:
    """A pack with a mistake ends with 1 and the place of the mistake, and nothing is published."""
    town = write_town(empty.folder, (RULES, "event.fee > 0", "event.fees > 0"))
    ended = empty.run("run", "--until-idle", env={"HABARSHY_PACKS": str(town)})
    assert (ended.code, ended.lines) == (1, [])
    assert f"{town}/{RULES}:8:7: " in ended.talk
    assert "event.fee" in ended.talk


def test_the_same_key_file_gives_the_same_pseudonyms(lived: Terminal) -> None:
    """In another database with the same key file, events have the same ids, people and nudges."""
    other = f"--database=sqlite:///{lived.folder}/other.sqlite"
    assert lived.run("ingest", lived.written("life.ndjson", *LIFE), other, MAY).code == 0
    assert lived.run("intents", "--json", other).lines == lived.run("intents", "--json").lines


@pytest.mark.parametrize(
    ("content", "mode", "problem"),
    [
        ("nonsense", 0o600, "damaged"),
        ("{}", 0o600, "damaged"),
        (None, 0o644, "others can read it"),
    ],
)
def test_a_bad_key_file_is_a_wrong_use(lived: Terminal, content: str | None, mode: int, problem: str) -> None:
    """A damaged key file, which has to be restored, or one that others can read, ends with 2, and nothing is read."""
    key = lived.folder / "data" / "habarshy" / "key"
    if content is not None:
        key.write_text(content)
    key.chmod(mode)
    ended = lived.run("status")
    assert (ended.code, ended.lines) == (2, [])
    assert problem in ended.talk
    assert ("backup" in ended.talk) is (problem == "damaged")


def test_a_simulation_can_be_taken_in(terminal: Terminal) -> None:
    """`simulate` writes events that `ingest` takes, the same ones for the same seed."""
    arguments = ["simulate", "--citizens=3", "--seed=5", "--from=2025-01-01", "--to=2025-03-01"]
    lines = terminal.run(*arguments).lines
    assert lines == terminal.run(*arguments).lines
    ended = terminal.run("ingest", "-", "--json", stdin="\n".join(lines).encode())
    assert (ended.code, summary(ended)["accepted"]) == (0, len(lines))


def test_a_known_failure_shows_no_traceback(terminal: Terminal) -> None:
    """As a process: a known failure ends with its code and one sentence that says what to do."""
    process = terminal.start("status", env={"HABARSHY_LEASE_SECONDS": "soon"})
    out, said = process.communicate(timeout=120)
    assert (process.returncode, out) == (2, b"")
    assert said.decode().startswith("The settings cannot be used: lease_seconds")
    assert b"Traceback" not in said


def test_the_lock_is_not_needed_elsewhere() -> None:
    """Only a SQLite file needs the lock of one run."""
    elsewhere = make_url("postgresql://host/db")
    with run_lock(elsewhere), run_lock(elsewhere):
        pass


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file::memory:?uri=true",
        "sqlite:///file:log?mode=memory&uri=true",
    ],
)
def test_a_database_in_memory_is_refused(empty: Terminal, url: str) -> None:
    """What would be gone with the process is no place for a log: the command says so and ends with 2."""
    ended = empty.run("status", f"--database={url}")
    assert (ended.code, "database: SQLite keeps it in a file" in ended.talk) == (2, True)


def test_a_line_without_end_is_refused_and_the_rest_goes_in(terminal: Terminal) -> None:
    """A line longer than any event is refused by its number; the lines after it keep theirs."""
    file = terminal.written("life.ndjson", "x" * 3_000_000, *registered(AIGERIM), "{nope")
    ended = terminal.run("ingest", file)
    assert json.loads(ended.lines[-1]) == {"accepted": 3, "duplicates": 0, "rejected": 2}
    assert "life.ndjson:1: " in ended.talk
    assert "life.ndjson:5: " in ended.talk


def test_the_last_line_of_ingest_is_json_for_people_too(terminal: Terminal) -> None:
    """`ingest` ends with its counts as JSON, with and without --json (design, section 8)."""
    ended = terminal.run("ingest", terminal.written("life.ndjson", *registered(AIGERIM), "{nope"))
    assert json.loads(ended.lines[-1]) == {"accepted": 3, "duplicates": 0, "rejected": 1}


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("foo", "database: this is no kind of database"),
        ("mysql://host/db", "database: 'mysql' is no kind of database"),
        ("postgresql://u:hunter2@host/db", "database: 'postgresql' is no kind"),
        ("postgresql+asyncpg://u:hunter2@host/db", "'postgresql+asyncpg' is no kind"),
        ("u:hunter2@host/db", "database: this is no kind"),
        ("u:hunter2://host/db", "database: this is no kind"),
        ("postgresql+psycopg://u:hunter2@host:x/db", "database: this postgresql+psycopg URL cannot be read"),
        ("sqlite:/tmp/hunter2", "database: this is no kind"),
        ("", "database: this is no kind"),
    ],
)
@pytest.mark.parametrize("command", [["status"], ["config", "show"]])
def test_a_database_that_nobody_knows_is_a_wrong_setting(
    empty: Terminal, command: list[str], url: str, said: str
) -> None:
    """What is no URL of a database that can be used ends with 2 and how to write one; no password is repeated."""
    ended = empty.run(*command, env={"HABARSHY_DATABASE": url})
    assert (ended.code, ended.lines) == (2, [])
    assert said in ended.talk
    assert "write sqlite:////PATH/FILE or postgresql+psycopg://USER@HOST/NAME" in ended.talk
    assert "hunter2" not in ended.talk


def test_a_key_file_elsewhere_is_enough_for_a_first_use(empty: Terminal) -> None:
    """With only the key file set, the default database is made in its default folder."""
    assert empty.run("run", "--until-idle", f"--key-file={empty.folder}/key").code == 0


def test_a_wrong_key_file_writes_nothing(terminal: Terminal) -> None:
    """With another key file than the database's, `ingest` ends with 2, and the right one still reads everything."""
    file = terminal.written("life.ndjson", *registered(AIGERIM, LONG_AGO))
    assert terminal.run("ingest", file).code == 0
    another = terminal.folder / "another"
    load_keyring(another, create=True)
    wrong = terminal.run("ingest", file, f"--key-file={another}")
    assert (wrong.code, terminal.run("trail", AIGERIM).code) == (2, 0)


def test_who_has_seen_enough_may_leave(terminal: Terminal) -> None:
    """As a process: when the reader of the output goes, the command ends quietly and well."""
    process = terminal.start("simulate", "--citizens=2000")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=120), said) == (0, b"")


def test_a_closed_output_is_read_by_nobody(lived: Terminal) -> None:
    """As a process whose supervisor closed standard output and errors: it does its work and ends well."""
    closed = f"exec {sys.executable} -m app intents >&- 2>&-"
    wanted = {**os.environ, **lived.environment}
    environment = {name: value for name, value in wanted.items() if value is not None}
    ended = subprocess.run(["/bin/sh", "-c", closed], env=environment, check=False, timeout=120)  # noqa: S603  (ourselves)
    assert ended.returncode == 0


def test_a_terminal_without_kazakh_letters_stops_nothing(terminal: Terminal) -> None:
    """As a process, where the output has no such letters: they are escaped, and JSON stays the same JSON."""
    arguments = ("simulate", "--citizens=2", "--seed=5", "--from=2025-01-01", "--to=2025-02-01")
    said = terminal.start(*arguments, env={"PYTHONIOENCODING": "ascii"}).communicate(timeout=120)[0].decode("ascii")
    assert [json.loads(line) for line in said.splitlines()] == terminal.run(*arguments).objects
    assert "\\u04" in said


@pytest.mark.parametrize("meanwhile", ["app.cli.main", "app.compose"])
def test_a_command_interrupted_while_it_starts_ends_without_a_word(meanwhile: str) -> None:
    """As a process: Ctrl-C in the second in which everything is imported ends with 130, and no traceback."""
    begun = f"""
import sys
sys.argv = ["habarshy", "status"]
class Impatient:
    def find_spec(self, name, *_):
        if name == "{meanwhile}":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Impatient())
from app.__main__ import main
main()
"""
    ended = subprocess.run([sys.executable, "-c", begun], check=False, capture_output=True, timeout=120)  # noqa: S603  (ourselves)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, b"", b"")


def test_an_unknown_command_suggests_none_that_destroys_something(tmp_path: Path) -> None:
    """`serve` resembles `erase`; what cannot be taken back is never suggested, and a harmless command still is."""
    for mistyped in (*(name[:-1] for name in DESTRUCTIVE), "serve"):
        found = Terminal(tmp_path).run(mistyped)
        assert found.code == Exit.USAGE
        assert [name for name in DESTRUCTIVE if f"'{name}'" in found.talk] == [], mistyped
    assert "'lint'" in Terminal(tmp_path).run("lin").talk
