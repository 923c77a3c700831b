"""The tree of a condition is read in one pass."""

import tracemalloc

from domain.conditions.language import Conditions
from domain.conditions.tree import tree_of

CONDITIONS = Conditions({"event.kind": "string", "event.marks": "strings"})


def nested(depth: int) -> bytes:
    """A condition of so many sums within each other, serialised."""
    text = "'" + "a" * 100 + "'"
    for _ in range(depth):
        text = f"{text} + '{'a' * 100}'"
    serialised = CONDITIONS.compile(f"{text} == event.kind")._expression.serialize()
    assert isinstance(serialised, bytes)
    return serialised


def peak(serialised: bytes) -> int:
    """The most bytes that reading it takes."""
    tracemalloc.start()
    tree_of(serialised)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def test_reading_a_nested_condition_takes_memory_as_its_length() -> None:
    """No part is copied for each part that it stands in: thrice as deep takes three times as much, not nine times."""
    peak(nested(1))  # what is made once
    shallow, deep = peak(nested(8)), peak(nested(24))
    assert deep < 4 * shallow
