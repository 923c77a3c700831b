"""Files that a command writes for a person are whole, or what was there before."""

import os
from pathlib import Path

import pytest

from app.terminal import Exit, write_file
from tests.faults.disks import disk


def test_a_full_disk_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    """Where there is no room, no half file stands under the name, and none is left beside it."""
    with disk(tmp_path / "small", 1) as small:
        page = small.folder / "report.html"
        write_file(page, "before", "--html")
        with pytest.raises(SystemExit) as ended:
            write_file(page, "x" * 2_000_000, "--html")
        assert ended.value.code == Exit.USAGE
        assert (page.read_text(), list(small.folder.iterdir())) == ("before", [page])


def test_a_device_gets_the_text_and_stays_a_device(tmp_path: Path) -> None:
    """What is no regular file is written to, and not replaced."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_file(pipe, "page", "--html")
    assert (os.read(reading, 10), pipe.is_fifo()) == (b"page", True)
    os.close(reading)
