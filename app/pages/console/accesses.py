"""The page of accesses to personal data and of discarded dead letters, for auditors and operators.

It does not say whose data was read, only that it was one person's.
"""

from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import Response

from app.http import routes
from app.pages.catalogues import Speech
from app.pages.console.staff import ConsolePages, command_line
from app.pages.layout import Before
from app.pages.visits import query_of
from domain.facts.access_facts import LettersDropped
from streams.privacy.access_log import Account, latest_accounts


class AccessPage(ConsolePages):
    """The latest accesses, by anybody or by one principal."""

    @routes.get("/console/readings")
    def show(self, request: Request, before: Before = None) -> Response:
        """List the accesses, the latest first."""
        _, frame = self._staff.reader(request)
        by = query_of(request).get("by", "")[:100]
        found, on = latest_accounts(self._staff.platform.log, before, by)
        run = command_line("audit", "list", *(("--by", by) if by else ()))
        return self._staff.show(
            "accesses.html",
            frame,
            rows=[_row(each, frame.speech) for each in found],
            by=by,
            command=run,
            next=frame.address_with(before=str(on)) if on else "",
            verify=command_line("audit", "verify"),
            first=frame.path + (f"?{urlencode({'by': by})}" if by else "") if before else "",
        )


def _row(fact: Account, speech: Speech) -> dict[str, Any]:
    row = {"at": speech.moment(fact.at), "by": fact.by, "agency": fact.agency}
    if isinstance(fact, LettersDropped):
        given_up = speech.many("{count} dead letter given up", "{count} dead letters given up", fact.count)
        return row | {"what": f"{fact.kind}, {fact.cause}", "whose": given_up, "purpose": fact.reason}
    whose = speech.say("one person") if fact.person else speech.say("everybody")
    return row | {"what": fact.what, "whose": whose, "purpose": fact.purpose}
