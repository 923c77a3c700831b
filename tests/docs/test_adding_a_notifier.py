"""The page about notifiers is true: its class keeps the contract, and its entry point is used."""

import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/adding-a-notifier.md").read_text()


def test_the_notifier_of_the_page_keeps_the_contract(tmp_path: Path) -> None:
    """Whoever copies the page's code into a file has a notifier that passes every test of the contract."""
    code, contract = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "test_board.py").write_text(code + contract)
    asking = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto"]
    path = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([*asking, tmp_path], cwd=tmp_path, env=path, capture_output=True, check=False)  # noqa: S603  (ourselves)
    assert done.returncode == 0, done.stdout.decode()
    assert int(re.findall(r"(\d+) passed", done.stdout.decode())[0]) >= 10


def test_the_group_of_the_page_is_the_one_that_is_read() -> None:
    """Our own kinds are found by the group that the page tells others to use."""
    [group] = re.findall(r'entry-points\."([^"]+)"', PAGE)
    assert {"smtp", "smpp", "http_sms", "web_push", "fcm"} <= set(entry_points(group=group).names)
