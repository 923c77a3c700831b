"""Addresses of HTTP servers that an operator sets, parsed as the clients that call them parse them.

An address is never judged by how it begins: `http://127.0.0.1:x@evil.example/` leads to evil.example (RFC 3986, 3.2).
"""

import re
from urllib.parse import urlsplit

from pydantic import HttpUrl, TypeAdapter, ValidationError

THIS_MACHINE = "127.0.0.1"
_WRITTEN = re.compile(r"[!-\[\]-~]+")
"""Printable ASCII without the backslash, which some clients read as a slash."""
_PARSE = TypeAdapter(HttpUrl).validate_python


def is_safe(url: str) -> bool:
    """Return True if nobody can read along on the way: it is https, or http to this machine.

    An account or a fragment in it is refused: they serve only to make an address look like another one.
    """
    if not _WRITTEN.fullmatch(url):
        return False
    try:
        parts, other = urlsplit(url), _PARSE(url)
        same = parts.hostname == other.host and (parts.port or other.port) == other.port
    except (ValueError, ValidationError):
        return False
    local = parts.scheme == "http" and parts.hostname == THIS_MACHINE
    return same and "#" not in url and "@" not in parts.netloc and (parts.scheme == "https" or local)


def safe_url(url: str) -> str:
    """Return the address, if it is safe. Raises ValueError."""
    if not is_safe(url):
        raise ValueError(f"it must be https:// and a host (or http://{THIS_MACHINE}), without an account or a #")
    return url


def safe_base(url: str) -> str:
    """Return the address, if it is safe and nothing but a host and a port. Raises ValueError."""
    parts = urlsplit(safe_url(url))
    if url != f"{parts.scheme}://{parts.netloc}":
        raise ValueError("it must have no account, no path and no parameters")
    return url
