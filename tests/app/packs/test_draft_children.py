"""Confined children work at drafts: what a draft brings is evaluated there, and never in the server's process."""

import ast
from pathlib import Path

import pytest
from msgspec.structs import replace

from app.packs.draft_child import Comparison, DraftTask
from app.packs.draft_children import LIMITS, TOO_MUCH, Children
from domain.core.translatable import Counted, Joined, Lowered, Number, Said, Words, as_plain, of_plain
from templates.checks.loader import TriggerSource

ROOT = Path(__file__).parents[3]
RECKLESS = "tests.app.packs.reckless_draft_child"
EVALUATES = {
    "examine",
    "Previewer",
    "try_case",
    "stages",
    "read_cases",
    "tried",
    "tried_here",
    "load_packs",
    "compared",
}
"""What evaluates conditions, patterns or words that a draft brings."""


def test_a_draft_that_takes_too_much_is_one_finding() -> None:
    """Its child ends, the draft has a finding, and the next draft is looked at by a new child."""
    children = Children(1, LIMITS, RECKLESS)
    greedy, modest = (DraftTask("lint", (), f"/drafts/kz/{name}") for name in ("greedy", "modest"))
    found = [children.findings(each) for each in (modest, greedy, modest)]
    children.end()
    assert [len(each) for each in found] == [0, 1, 0]
    assert str(found[1][0]) == (
        "/drafts/kz/greedy/trigger.yaml:1:1: the draft takes more than its share of time or memory"
    )


def test_a_comparison_that_takes_too_much_is_one_change() -> None:
    """An approver reads that the version takes too much; one that does not compile is told in a sentence."""
    trigger = TriggerSource("greedy", {}, {}, "0" * 64)
    children = Children(1, LIMITS, RECKLESS)
    assert children.changes(Comparison([], None, trigger, "en")) == [("who", TOO_MUCH)]
    children.end()
    unfit = replace(trigger, rules={"on": "kz.nothing"})
    assert children_say(Comparison([], None, unfit, "en")) == ["It does not work with what is published"]


def children_say(comparison: Comparison) -> list[str]:
    """What a real child says of it, up to the colon."""
    children = Children(1)
    said = [str(sentence).partition(":")[0] for _, sentence in children.changes(comparison)]
    children.end()
    return said


def test_a_child_is_used_again() -> None:
    """Whoever asks next does not wait for the start of another one."""
    children = Children(1, LIMITS, RECKLESS)
    children.findings(DraftTask("lint", (), "modest"))
    [(first, _)] = children._free.queue
    process = first._child
    children.findings(DraftTask("lint", (), "modest"))
    assert process is not None
    assert first._child is process
    children.end()


def test_no_page_and_no_call_evaluates_a_draft() -> None:
    """Neither the pages nor the API import what does: they ask a confined child."""
    files = [*ROOT.glob("app/http/**/*.py"), *ROOT.glob("app/pages/**/*.py"), ROOT / "app/packs/draft_bench.py"]
    imports = {
        (str(path.relative_to(ROOT)), name.name)
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    assert len(files) > 50
    assert {(path, name) for path, name in imports if name in EVALUATES} == set()


@pytest.mark.parametrize(
    "text",
    [
        Words("unknown {what}: {name!r}", what=Said("field"), name="nunber"),
        Counted("{count} day", "{count} days", 3),
        Joined([Lowered(Said("A sentence")), "x"], Said(" or ")),
        Number(43250),
        "plain",
    ],
    ids=lambda text: type(text).__name__,
)
def test_a_finding_is_said_in_every_language_as_before(text: str) -> None:
    """What a child says of a draft can be said in other languages, as if it had been said here."""
    again = of_plain(as_plain(text))
    assert (again, type(again)) == (text, type(text))
