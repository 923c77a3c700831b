"""Whatever lint says of a draft can be said in the reader's language."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

MARKED = {"N_", "Words", "Said", "Sentence", "Counted", "Joined"}
"""What makes a text translatable."""
WORD = re.compile(r"(?<![\w.])[A-Za-z]{2,}(?![\w.])")
FILES = [
    *(
        f"domain/rules/{name}.py"
        for name in ("trigger_compiling", "step_compiling", "compiler_base", "parts", "reply_fields")
    ),
    *(
        f"templates/checks/{name}_check.py"
        for name in (
            *("benefit", "cost", "event", "link", "literal", "pack", "reply", "retention", "sample", "sense"),
            *("services", "shape", "trigger", "words"),
        )
    ),
    "domain/core/timing.py",
    "domain/core/duration_hints.py",
    "domain/rules/benefits.py",
    *(f"streams/rehearsal/case_{name}.py" for name in ("events", "model", "reader")),
    *(f"templates/checks/{name}.py" for name in ("loader", "unfilled_places")),
    *(
        f"templates/reading/{name}.py"
        for name in ("attributes", "files", "findings", "mixed_alphabets", "value_kinds")
    ),
    *(f"templates/reading/{name}_shapes.py" for name in ("benefit", "event", "pack", "services", "trigger")),
    "templates/sandbox/trial.py",
    "templates/words/policy.py",
    "templates/words/syntax.py",
    "templates/authoring/condition_form.py",
]
"""What finds something in a pack, a trigger or its tests, or reads the fields of their forms."""
NO_SENTENCE = ("CannotEdit", "OverflowError", "compile", "Field", "optional")
"""Calls whose texts are none that a reader of a page meets."""


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def plain_sentences(node: ast.AST) -> Iterator[str]:
    """Yield the English sentences that no catalogue has."""
    if isinstance(node, ast.Call) and _called(node) in (*MARKED, *NO_SENTENCE):
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # a docstring
    text = ""
    if isinstance(node, ast.JoinedStr):
        text = " ".join(str(each.value) for each in node.values if isinstance(each, ast.Constant))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        text = node.value
    if " " in text and len(WORD.findall(text)) > 2 and not set("^()|\\") & set(text):
        yield text
    if not isinstance(node, ast.JoinedStr):
        for each in ast.iter_child_nodes(node):
            yield from plain_sentences(each)


@pytest.mark.parametrize("file", FILES)
def test_no_finding_is_a_plain_english_sentence(file: str) -> None:
    """Each text of more than two words is one that the catalogues have, so a page tells it in its language."""
    assert list(plain_sentences(ast.parse(Path(file).read_text("utf-8")))) == []
