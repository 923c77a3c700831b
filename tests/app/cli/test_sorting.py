"""Sorting by way of the disk: the same order, in memory that does not grow with the number of lines."""

import tracemalloc
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from app.cli.sorting import sorted_lines

LINES = st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"])))


@given(LINES, st.integers(1, 5))
def test_the_order_is_that_of_sorting_at_once(lines: list[str], run: int) -> None:
    """However many runs it takes, and however often a line comes, what comes out is the sorted list."""
    assert list(sorted_lines(lines, run)) == sorted(lines)


def test_memory_is_bounded_by_a_run() -> None:
    """Some 60 MB of lines pass through less than 5 MB."""
    tracemalloc.start()
    before = ""
    for line in sorted_lines(_many(200_000), run=5_000):
        assert before < line
        before = line
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


def _many(count: int) -> Iterator[str]:
    """Distinct lines of some 300 characters in no order."""
    return (f"{number * 7_919 % count:010d}{'x' * 290}" for number in range(count))
