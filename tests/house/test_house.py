"""The house rules that a linter cannot hold."""

import ast
import re
import subprocess
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = ("domain", "projections", "templates", "notifiers", "streams", "app")


def _files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text())
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_test_says_what_it_promises() -> None:
    """Each test has a docstring of one sentence."""
    silent = [
        f"{path.relative_to(ROOT)}:{function.name}"
        for path in _files("tests")
        for function in _functions(path)
        if function.name.startswith("test_") and not (ast.get_docstring(function) or "").rstrip().endswith(".")
    ]
    assert silent == []


def test_no_test_patches_sleeps_or_skips() -> None:
    """Tests use shipped fakes and virtual clocks; nothing is patched, slept through or skipped."""
    words = (
        "monkey" + "patch",
        "mock." + "patch",
        "mark." + "skip",
        "pytest." + "skip",
        "mark." + "xfail",
        "time." + "sleep",
    )
    found = [
        f"{path.relative_to(ROOT)}: {word}" for path in _files("tests") for word in words if word in path.read_text()
    ]
    assert found == []


@pytest.mark.parametrize("name", OURS)
def test_each_of_our_packages_has_one_owner(name: str) -> None:
    """No other distribution installs a package of one of our names over ours."""
    assert packages_distributions().get(name, ["habarshy"]) == ["habarshy"]


def test_nothing_in_the_tree_names_a_download_address() -> None:
    """The lock file has hashes and no addresses, so that every machine may use its own registry."""
    lock = (ROOT / "requirements.lock").read_text()
    assert "--hash=sha256:" in lock
    assert "://" not in lock


def test_nothing_happens_at_import() -> None:
    """Importing all our modules opens no file for writing, no socket and no database."""
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in _files(*OURS) if path.stem != "__main__"
    ]
    watch = (
        "import sys\n"
        "def hook(name, args):\n"
        "    writes = name == 'open' and isinstance(args[1], str) and set(args[1]) & set('wax+')\n"
        "    if writes or name in ('socket.connect', 'socket.bind', 'sqlite3.connect', 'subprocess.Popen'):\n"
        "        raise SystemExit(f'{name} {args}')\n"
        "sys.dont_write_bytecode = True\n"
        "import domain\n"
        "sys.addaudithook(hook)\n"
        f"import {', '.join(name.removesuffix('.__init__') for name in names)}\n"
    )
    done = subprocess.run([ROOT / ".venv/bin/python", "-c", watch], cwd=ROOT, capture_output=True, check=False)  # noqa: S603  (ourselves)
    assert done.returncode == 0, done.stderr.decode()


def test_only_one_module_decodes_the_log() -> None:
    """Nobody reads a fact of the log but by the module that says of a damaged one where it stands."""
    decoders = {"decode", "decode_head", "decode_life"}
    home = {ROOT / "streams" / "log" / name for name in ("decoding.py", "mapper.py")}
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in _files(*OURS)
        if path not in home
        for node in ast.walk(ast.parse(path.read_text()))
        if (
            isinstance(node, ast.ImportFrom)
            and node.module == "streams.log.mapper"
            and decoders & {each.name for each in node.names}
        )
        or (isinstance(node, ast.Attribute) and node.attr in decoders and ast.unparse(node.value) == "mapper")
    ]
    assert found == []


def test_one_function_says_which_zone_is_a_persons() -> None:
    """Whoever asks for somebody's zone asks domain/persons/hours.py: two answers gave two ages of one person."""
    asking = [path for path in _files(*OURS) if "zone_or(" in path.read_text(encoding="utf-8")]
    named = {str(path.relative_to(ROOT)) for path in asking}
    assert named == {"domain/persons/hours.py", "domain/core/timing.py", "streams/rehearsal/case_events.py"}


_QUESTION = re.compile(r"(What|Whether|How|Who|Whom|Whose|When|Which|Where|Why)\b")


def test_docstrings_are_statements() -> None:
    """Under one docstring in a hundred begins with a question word: it says what a thing does or holds."""
    described = [
        (path, node, text)
        for path in _files(*OURS)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and (text := ast.get_docstring(node))
    ]
    questions = [
        f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}: {text.splitlines()[0]}"
        for path, node, text in described
        if _QUESTION.match(text)
    ]
    assert len(questions) * 100 < len(described), "\n".join(questions)


def test_exceptions_carry_their_own_message() -> None:
    """No message is formatted from a class's docstring, which is gone under `python -OO`."""
    reading = [str(path.relative_to(ROOT)) for path in _files(*OURS) if "__doc__" in path.read_text()]
    assert reading == []


def test_no_server_waits_without_end_for_its_requests() -> None:
    """Whatever answers over HTTP says how long requests under way may keep it from stopping."""
    calls = [
        node for path in _files(*OURS) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)
    ]
    servers = [each for each in calls if ast.unparse(each.func) == "uvicorn.Config"]
    assert servers
    assert all("timeout_graceful_shutdown" in {given.arg for given in each.keywords} for each in servers)
