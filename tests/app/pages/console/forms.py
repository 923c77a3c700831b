"""Sends forms as a browser without scripts does."""

import re

import httpx2
from starlette.testclient import TestClient


def send(browser: TestClient, path: str, page: str, **fields: str) -> httpx2.Response:
    """Send a form of that page to that path."""
    csrf = re.search(r'name="csrf" value="([^"]+)"', browser.get(page).text)
    assert csrf is not None, page
    return browser.post(path, data={"csrf": csrf[1]} | fields)
