"""Who read whose data, and who gave up dead letters, when and why: for auditors and operators.

Whose data it was is not said, only that it was one person's.
"""

from collections import deque
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from app.pages.catalogues import Speech
from app.pages.console.staff import Staff, command
from domain.accounting import LettersDropped
from streams.viewing import Account, accounts

LATEST = 200


class ReadingPage:
    """The latest readings, by anybody or by one."""

    def __init__(self, staff: Staff) -> None:
        self._staff = staff

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)
        router.add_api_route("/console/readings", self.show, methods=["GET"])
        return router

    def show(self, request: Request) -> Response:
        """The latest first."""
        who, frame = self._staff.reader(request)
        by = request.query_params.get("by", "").strip()[:100]
        latest: deque[Account] = deque(maxlen=LATEST)
        count = 0
        for each in accounts(self._staff.platform.log):
            if by in ("", each.by):
                latest.append(each)
                count += 1
        rows = [_row(each, frame.speech) for each in reversed(latest)]
        run = command("audit", "list", *(("--by", by) if by else ()))
        return self._staff.show(
            "readings.html", frame, who, rows=rows, count=frame.speech.number(count), by=by, command=run,
            shown=frame.speech.number(len(rows)), verify=command("audit", "verify"),
        )  # fmt: skip


def _row(fact: Account, speech: Speech) -> dict[str, Any]:
    row = {"at": speech.moment(fact.at), "by": fact.by, "agency": fact.agency}
    if isinstance(fact, LettersDropped):
        given_up = speech.many("{count} dead letter given up", "{count} dead letters given up", fact.count)
        return row | {"what": f"{fact.kind}, {fact.cause}", "whose": given_up, "purpose": fact.reason}
    whose = speech.say("one person") if fact.person else speech.say("everybody")
    return row | {"what": fact.what, "whose": whose, "purpose": fact.purpose}
