"""The page on reliability names tests that exist."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`(tests/[a-z_/]+\.py)(?:::(\w+))?`")
PROMISES = 9


def test_every_test_that_the_page_names_exists() -> None:
    """Each promise and each fault is held by a test, which is where the page says."""
    page = (ROOT / "docs/reliability.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| ")][1:]
    assert [line.split("|")[1].strip() for line in rows[:PROMISES]] == [str(at) for at in range(1, PROMISES + 1)]
    for row in rows:
        assert NAMED.search(row) or row.startswith(("| fault |", "| |")), row
    for file, name in NAMED.findall(page):
        names = {
            each.name
            for each in ast.walk(ast.parse((ROOT / file).read_text()))
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert not name or name in names, f"{file}::{name}"
