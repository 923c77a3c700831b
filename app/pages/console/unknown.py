"""Unknown outcomes in a browser: how many there are of each cause, provider, channel and age; a job settles them."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import Request
from fastapi.responses import Response

from app.http import routes
from app.pages.catalogues import Speech
from app.pages.console.staff import ConsolePages
from app.pages.life import word_for
from app.reports.life_words import CHANNELS, REASON_WORDS
from domain.core.translatable import N_
from streams.replay.unknown_outcomes import OutcomeKind

AGES: Final[Mapping[str, str]] = {
    "under an hour": N_("under an hour old"),
    "under a day": N_("under a day old"),
    "under a week": N_("under a week old"),
    "older": N_("older than a week"),
}


class UnknownPage(ConsolePages):
    """The list of the kinds; each leads to the form of the job that settles it."""

    @routes.get("/console/unknown")
    def kinds(self, request: Request) -> Response:
        """List all kinds of unknown outcomes, the largest first."""
        _, frame = self._staff.operator(request)
        found = self._staff.platform.replay.unknown_outcomes.counts()
        rows = [_row(kind, count, frame.speech) for kind, count in found.most_common()]
        return self._staff.show("unknown.html", frame, groups=rows, total=found.total())


def _row(kind: OutcomeKind, count: int, speech: Speech) -> dict[str, Any]:
    chosen = {"cause": kind.cause, "provider": kind.provider, "channel": kind.channel}
    return {
        "cause": word_for(REASON_WORDS, kind.cause, speech),
        "code": kind.cause,
        "provider": kind.provider or "—",
        "channel": word_for(CHANNELS, kind.channel, speech),
        "age": speech.say(AGES[kind.age]),
        "count": speech.number(count),
        "ask": {"kind": "resolve-unknown"} | {name: value for name, value in chosen.items() if value},
    }
