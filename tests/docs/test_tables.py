"""Each table is a view, which is rebuilt and compared, or is not and the documentation says why."""

import re
from pathlib import Path

from projections.tables import metadata
from streams.replay.rebuild_compare import COMPARED
from streams.storage import tables

PAGE = Path(__file__).parents[2] / "docs" / "history.md"
_, _, SECTION = PAGE.read_text().partition("### What is a view, and what is not")
SECTION, _, _ = SECTION.partition("\n## ")


def listed(heading: str) -> list[str]:
    """The tables in the first column of the table with that heading."""
    _, _, rows = SECTION.partition(f"| {heading} |")
    rows, _, _ = rows.partition("\n\n")
    return [name for row in rows.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])]


def test_every_view_is_rebuilt_and_listed() -> None:
    """What the documentation calls views is what a rebuild compares."""
    assert sorted(listed("view")) == sorted(table.name for table in COMPARED)


def test_every_other_table_is_listed_with_why() -> None:
    """A table that is added is a view, or the page says why it is none; and the page names no table twice."""
    assert tables.log.name in metadata.tables
    assert sorted([*listed("view"), *listed("table")]) == sorted(metadata.tables)
