"""Cursors: where a page of a list ended, opaque to whoever sends it back."""

import base64
from http import HTTPStatus
from uuid import UUID

from app.http.problems import Problem
from projections.inbox import Place

_TIME = 8


def cursor_of(place: Place | None) -> str:
    """Return the cursor; nothing where the list has ended."""
    if place is None:
        return ""
    return base64.urlsafe_b64encode(place.at.to_bytes(_TIME, signed=True) + place.nudge.bytes).decode().rstrip("=")


def place_of(cursor: str) -> Place | None:
    """Return the place to continue from; None for the beginning.

    Raises:
        Problem: 400 where the cursor was not given here.
    """
    if not cursor:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return Place(int.from_bytes(raw[:_TIME], signed=True), UUID(bytes=raw[_TIME:]))
    except ValueError:
        raise Problem(HTTPStatus.BAD_REQUEST, "the cursor is none that was given here", kind="bad-cursor") from None
