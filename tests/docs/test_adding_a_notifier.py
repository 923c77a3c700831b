"""The page about notifiers is true: its class keeps the contract, and its entry point is used."""

import hmac
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from domain.facts.receipts import ReceiptStatus
from notifiers.port.interface import Report
from notifiers.port.kinds import Call, NotTheirs

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/adding-a-notifier.md").read_text()


def test_the_notifier_of_the_page_keeps_the_contract(tmp_path: Path) -> None:
    """Whoever copies the page's code into a file has a notifier that passes every test of the contract."""
    (tmp_path / "test_board.py").write_text(
        "".join(re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
    )
    asking = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto"]
    path = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([*asking, tmp_path], cwd=tmp_path, env=path, capture_output=True, check=False)  # noqa: S603  (ourselves)
    assert done.returncode == 0, done.stdout.decode()
    assert int(re.findall(r"(\d+) passed", done.stdout.decode())[0]) >= 14


def test_the_kind_of_the_page_hears_its_board(tmp_path: Path) -> None:
    """What the page's board signs is a report, and what anybody else signs is not."""
    code, hears, *_ = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    path = tmp_path / "board_notifier.py"
    path.write_text(code + hears)
    spec = spec_from_file_location("board_notifier", path)
    assert spec is not None
    assert spec.loader is not None
    board: Any = module_from_spec(spec)
    spec.loader.exec_module(board)
    options = board.KIND.options(room="hall", secret="a secret of the board")
    body = b'["key-1"]'
    signature = hmac.digest(b"a secret of the board", body, "sha256").hex()
    call = Call({"x-board-signature": signature}, {}, body, datetime(2025, 6, 2, tzinfo=UTC))
    assert board.KIND.read_call(options, call) == [Report("key-1", ReceiptStatus.OPENED)]
    with pytest.raises(NotTheirs):
        board.KIND.read_call(options, replace(call, headers={}))


def test_the_group_of_the_page_is_the_one_that_is_read() -> None:
    """Our own kinds are found by the group that the page tells others to use."""
    [group] = re.findall(r'entry-points\."([^"]+)"', PAGE)
    assert {"smtp", "smpp", "http_sms", "web_push", "fcm"} <= set(entry_points(group=group).names)
