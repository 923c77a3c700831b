"""The trial of words in a confined child: what kills the child is a finding, and never more than that."""

import contextlib
import os
import select
from pathlib import Path
from threading import Thread

import pytest

from templates.checks.loader import examine
from templates.sandbox.confined import ChildDied, Confined, Limits
from templates.sandbox.confined_child import limit_process
from templates.sandbox.trial import MOST_DEATHS, trial_findings
from tests.templates.packs import FILES, KK, RU, SHIPPED, Change, write_town

RECKLESS = "tests.templates.reckless_child"
NOBODY = 65534
LIMITS = Limits(memory=512 * 1024 * 1024, work=1, wait=240)
PATIENT = Limits(memory=512 * 1024 * 1024, work=60, wait=240)
"""For what dies of something else than its time, however busy the machine is."""
MEMORY = "took more than 512 MB of memory"
TIME = "took longer than 1 seconds"
HOSTILE = [
    ("{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}", TIME),
    ("{{ 7 ** (7 ** 9) }}", TIME),
    ("{{ (range(90000) | list | batch(2) | list | string * 9) | wordwrap(1) | length }}", TIME),
    ("{{ 'a' * 10 ** 9 }}", MEMORY),
    ("{{ '{:>999999999}'.format(1) }}", MEMORY),
    ("{{ '%999999999d' % 1 }}", MEMORY),
    ("{{ 'a'.center(999999999) }}", MEMORY),
    ("{% set n = namespace(a='x') %}{% for i in range(64) %}{% set n.a = n.a ~ n.a %}{% endfor %}", MEMORY),
    ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "was brought down"),
]


def tried_town(folder: Path, *changes: Change, child: str = RECKLESS) -> list[str]:
    """What trying out the words of the changed pack finds, with paths from its folder."""
    pack = write_town(folder, *changes)
    packs, _ = examine([pack])
    return [str(finding).removeprefix(f"{pack}/") for finding in trial_findings(packs, PATIENT, child=child)]


@pytest.mark.parametrize("pack", SHIPPED.values(), ids=SHIPPED)
def test_the_shipped_words_pass(pack: Path) -> None:
    """Every text of the shipped packs is rendered in the child, and none of them comes near a limit."""
    packs, _ = examine([pack])
    assert trial_findings(packs) == ()


@pytest.mark.parametrize(("text", "reason"), HOSTILE, ids=[text[:40] for text, _ in HOSTILE])
def test_words_that_escape_every_check_kill_a_child_and_nothing_else(text: str, reason: str) -> None:
    """Without any whitelist, what would hang or fill the machine ends with its child, and the next one answers."""
    with Confined(RECKLESS, None, LIMITS if reason == TIME else PATIENT) as confined:
        with pytest.raises(ChildDied, match=reason):
            confined.ask({"text": text})
        assert confined.ask({"text": "harmless"}) is None


def test_each_text_that_kills_is_a_finding_in_its_place(tmp_path: Path) -> None:
    """Blame is exact: file, line and column of the text, and the texts after it are tried all the same."""
    assert tried_town(
        tmp_path,
        (KK, 'title: "Есептегішті тексеріңіз"', "title: \"{{ 'a' * 10 ** 9 }}\""),
        (KK, "Соңғы күн. № {{ event.number }}", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"),
        (RU, 'title: "Поверьте счётчик"', 'title: "{% for a in range(99999) %}{{ a }}{% endfor %}"'),
    ) == [
        f"{KK}:4:10: these words are refused: trying them out {MEMORY}",
        f"{KK}:8:14: these words are refused: trying them out was brought down",
        f"{RU}:4:10: the text comes out longer than 65536 bytes",
    ]


def test_a_pack_full_of_killers_keeps_nobody_waiting(tmp_path: Path) -> None:
    """After so many deaths the rest is not tried: the pack is refused anyway."""
    bomb = "{{ 'a' * 10 ** 9 }}"
    texts = {name: FILES[name].replace("{{ event.number }}", bomb) for name in (KK, RU)}
    texts = {name: text.replace("{{ event.valid_until | date }}", bomb) for name, text in texts.items()}
    found = tried_town(tmp_path, *((name, FILES[name], text) for name, text in texts.items()))
    assert found[0] == f"{KK}:2:10: these words are refused: trying them out {MEMORY}"
    assert len(found) == MOST_DEATHS
    assert sum(text.count(bomb) for text in texts.values()) > MOST_DEATHS


def test_what_no_whitelist_sees_is_found_too(tmp_path: Path) -> None:
    """A body that passes every check and comes out too long only as HTML is refused before any citizen gets it."""
    many = "Бағасы" + "&" * 19_000
    assert tried_town(tmp_path, (KK, "- Бағасы", f"- {many}"), child="templates.sandbox.trial_child") == [
        f"{KK}:18:1: the text comes out longer than 65536 bytes"
    ]


def test_the_child_knows_nothing_of_our_environment(tmp_path: Path) -> None:
    """No token, address or password of the platform is there to be read, and no file can be written."""
    with Confined(RECKLESS, None, LIMITS) as confined:
        assert set(confined.ask({})) <= {"PYTHONPATH", "PYTHONUTF8", "LC_CTYPE"}
        assert confined.ask({"write": str(tmp_path / "mine")}) == "OSError"
        assert (tmp_path / "mine").read_bytes() == b""


def test_a_child_that_stops_reading_keeps_nobody_waiting() -> None:
    """A question that is longer than a pipe takes ends with the same deadline as an answer that does not come."""
    with Confined(RECKLESS, None, Limits(wait=60)) as confined:
        assert confined.ask({"say": "null\n"}) is None
        confined._limits = Limits(wait=1)
        with pytest.raises(ChildDied, match="took longer than 1 seconds"):
            confined.ask({"text": "a" * 300_000})
        confined._limits = Limits(wait=60)  # the start of a child counts as well
        assert confined.ask({"text": "harmless"}) is None


@pytest.mark.parametrize("answer", ["not json\n", "null\nnull\n", "[" * 4000 + "\n", "[1, 2]\n", '["a"]\n'])
def test_an_answer_that_nobody_can_read_is_a_death(answer: str) -> None:
    """Whatever a child says, its parent asks on: a new child answers the next question."""
    with Confined(RECKLESS, None, LIMITS) as confined:
        with pytest.raises(ChildDied, match="gave an answer that nobody can read"):
            confined.ask({"say": answer}, tuple[str, str] | None)
        assert confined.ask({"text": "harmless"}) is None


@pytest.mark.parametrize("dies", [True, False])
def test_what_a_child_began_ends_with_it(tmp_path: Path, dies: bool) -> None:  # noqa: FBT001  (a parameter)
    """No process of a child outlives it, whether it was brought down or is done."""
    os.mkfifo(fifo := tmp_path / "fifo")
    held = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    with Confined(RECKLESS, None, Limits(work=1, wait=60)) as confined:
        assert confined.ask({"fork": str(fifo)}) in ("forked", "BlockingIOError")  # root's may be any number
        if dies:
            confined._limits = Limits(wait=2)  # whoever is left holds the pipe of its answers, too
            with pytest.raises(ChildDied):
                confined.ask({"text": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"})
            assert ended(held)
    assert ended(held)
    os.close(held)


def ended(fifo: int) -> bool:
    """Whether nobody holds the other end any more, long before it would end by itself."""
    poll = select.poll()
    poll.register(fifo, 0)
    return bool(poll.poll(60_000))


def test_a_child_has_few_files() -> None:
    """It cannot open files and sockets without end."""
    with Confined(RECKLESS, None, LIMITS) as confined:
        assert confined.ask({"open": 100}) == "OSError"


@pytest.mark.parametrize("module", ["msgspec.py", "json.py", "templates.py", "sitecustomize.py"])
def test_code_in_the_current_folder_is_never_run(tmp_path: Path, module: str) -> None:
    """A pack's folder may hold a module by any name: trying out the pack's words runs our own."""
    ran = tmp_path / "ran"
    (tmp_path / module).write_text(f"open({str(ran)!r}, 'w')\n")
    with contextlib.chdir(tmp_path):
        with Confined("templates.sandbox.trial_child", [], LIMITS):
            pass
        with Confined(RECKLESS, None, LIMITS) as confined:
            assert confined.ask({"text": "harmless"}) is None
    assert not ran.exists()


def test_a_child_that_cannot_even_start_is_one_finding(tmp_path: Path) -> None:
    """A child that ends before the first text is said once, not once a text."""
    assert tried_town(tmp_path, child="tests.templates.no_such_child") == [
        "pack.yaml:1:1: trying out the words was brought down before the first of them"
    ]


def test_a_child_of_an_ordinary_user_begins_no_process() -> None:
    """Under its limits neither a process nor a thread is begun."""
    child = os.fork()
    if child == 0:  # nothing but the limits may decide how it ends
        os._exit(_refusals())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _refusals() -> int:
    """Return 0 where everything is refused."""
    if os.geteuid() == 0:
        os.setuid(NOBODY)  # the limit of processes does not hold for root
    limit_process(1 << 40)
    try:
        if os.fork() == 0:
            os._exit(0)
    except BlockingIOError:
        pass
    else:
        return 1
    try:
        Thread(target=int).start()
    except RuntimeError:
        return 0
    return 2
