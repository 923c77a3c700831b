"""Pictures of agencies' emblems for emails; `make picture` draws them anew.

They travel inside the letter: a picture that a site serves tells who reads when, and many programs do not load it.
"""

import re
from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).with_name("pictures")
DEFAULT_EMBLEM: Final = "landmark"
"""Stands for an agency without an emblem, or with one of a later release."""
_SOURCE = re.compile(r' src="cid:([a-z0-9-]+)@emblem"')


@cache
def source(emblem: str) -> str:
    """Return the address of the picture within its letter (RFC 2392)."""
    return f"cid:{emblem if (FOLDER / f'{emblem}.png').is_file() else DEFAULT_EMBLEM}@emblem"


def pictures(html: str) -> dict[str, bytes]:
    """Return Content-ID -> PNG of all emblems that a letter shows."""
    return {f"{name}@emblem": _picture(name) for name in _SOURCE.findall(html)}


def in_page(html: str) -> str:
    """Return the letter with its pictures in it, as browsers can show it."""
    return _SOURCE.sub(lambda found: f' src="data:image/png;base64,{b64encode(_picture(found[1])).decode()}"', html)


@cache
def _picture(name: str) -> bytes:
    return (FOLDER / f"{name}.png").read_bytes()
