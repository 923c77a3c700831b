"""The lists beside the key file: who was erased, and what was retired, for a copy of the database that is older."""

import os
from datetime import UTC, datetime
from pathlib import Path

from app.identity import retired_list
from app.identity.erased_list import Erased, list_path
from app.identity.private_files import append
from app.terminal import compact
from streams.privacy.retention import Over

AT = datetime(2026, 3, 2, tzinfo=UTC)


def over(year: int) -> Over:
    """Content of that year, to be retired."""
    return Over("kz.health.visited", year, "P5Y", 1, 1)


def test_half_a_line_spoils_no_other(tmp_path: Path) -> None:
    """What is retired after a machine went down in a line, or had no more room for it, is retired after a restore."""
    key = tmp_path / "key"
    retired_list.add(key, [over(2019), over(2020)], AT)
    os.truncate(retired_list.list_path(key), retired_list.list_path(key).stat().st_size - 5)

    retired_list.add(key, [over(2021)], AT)
    assert {year for _, year in retired_list.periods(key)} == {2019, 2021}


def test_a_list_has_a_line_for_each(tmp_path: Path) -> None:
    """Lines that are whole follow each other as they are; a new list is its owner's alone."""
    path = list_path(tmp_path / "key")
    lines = [compact(Erased(person * 32, AT)) for person in "ab"]
    for line in lines:
        append(path, [line])
    assert path.read_text().splitlines() == lines
    assert path.stat().st_mode & 0o777 == 0o600
