"""Errors as people read them; programs get the problem documents of app/http/problems.py."""

from http import HTTPStatus
from urllib.parse import urlencode

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool

from app.http.problems import DAMAGED, Problem
from app.pages.catalogues import Speech
from app.pages.layout import Frame, Pages, wants_page
from app.pages.places import base_of, only_reads
from app.pages.reasons import as_sentence
from app.pages.visits import SignInNeeded, form_of_ended_visit, principal_of
from domain.core.translatable import N_


class ErrorPages:
    """Shows a problem as a page to browsers, and as a problem document to programs."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def answer(self, request: Request, problem: Problem) -> Response:
        """Return the page, or the problem document."""
        if not wants_page(request):
            return problem.response()
        above, _, _ = request.url.path.rpartition("/")
        if problem.status is HTTPStatus.METHOD_NOT_ALLOWED and above.startswith("/work/"):
            return self._pages.go(above)  # an address that takes forms was opened anew: their page is above it
        frame = self._pages.frame(request)
        title, lead = _words(problem, frame)
        page = self._pages.respond(
            "problem.html",
            frame,
            problem.status,
            title=title,
            lead=lead,
            error=int(problem.status),
            detail=_detail(problem, frame.speech) if frame.official else "",
            spoken=frame.speech.language_of(problem.detail),
            base=base_of(request),
            auditor=only_reads(principal_of(request)),
            sign_in=bool(_kind(problem)) and not (frame.citizen or frame.official),
        )
        page.headers.update(problem.headers)
        return page

    def install(self, app: FastAPI) -> None:
        """Send visitors without a session to the sign-in and back, with the text they wrote. Programs get 401."""
        app.add_exception_handler(SignInNeeded, self._sign_in)

    async def _sign_in(self, request: Request, _: Exception) -> Response:
        if not wants_page(request):
            return Problem(HTTPStatus.UNAUTHORIZED, "sign in first", kind="sign-in-needed").response()
        if written := await form_of_ended_visit(request):
            frame = await run_in_threadpool(self._pages.frame, request)
            return self._pages.respond("over.html", frame, HTTPStatus.UNAUTHORIZED, written=written)
        wished = f"?{urlencode({'next': request.url.path})}" if request.method == "GET" else ""
        return self._pages.go(f"/sign-in{wished}")


_TRY_LATER = N_("Nothing is lost. Try again in a few minutes.")
_WORDS = {
    HTTPStatus.NOT_FOUND: (N_("Page not found"), N_("Check the address, or begin with your messages.")),
    HTTPStatus.UNAUTHORIZED: (
        N_("You cannot do that here"),
        N_("It is not yours, or the form is too old. Open its page again."),
    ),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (
        N_("This is too long"),
        N_("Go back, shorten what you wrote, and send it again. Nothing was changed."),
    ),
    HTTPStatus.TOO_MANY_REQUESTS: (N_("Too many tries"), N_("Wait a minute, then try again.")),
    HTTPStatus.SERVICE_UNAVAILABLE: (N_("The service does not answer now"), _TRY_LATER),
    HTTPStatus.INTERNAL_SERVER_ERROR: (N_("Something is wrong on our side"), _TRY_LATER),
}
_LEAD_FOR_OFFICIALS = N_("Check the address, or begin with one of the pages above.")
"""To officials, who have no messages here."""
_DEFAULT_WORDS = (
    N_("This did not work"),
    N_("What was sent cannot be read. Go back and try again; nothing was changed."),
)
_UNREADABLE = (
    N_("What was recorded cannot be read"),
    N_("Trying again will not help. Tell the people who run this service; nothing was changed."),
)
"""For a fact in the log that cannot be read; officials also read what an operator does."""
_BY_KIND = {
    "bad-link": (
        N_("The link does not work"),
        N_(
            "It is damaged, too old, or was not copied whole. Open the message again and use the link in it, "
            "or sign in: your messages are there too."
        ),
    ),
    "not-yours": (
        N_("This link is not yours"),
        N_(
            "It came in a message to somebody else, and you have signed in as yourself. Nothing was shown and "
            "nothing was changed. Whoever got the message can open it. If it was you, sign out first."
        ),
    ),
    "no-day": (
        N_("There is no day for your calendar"),
        N_("The message names no day, the day is past, or the thing was done. The message itself is still there."),
    ),
    "unknown-draft": (
        N_("There is no such draft"),
        N_("It may have been deleted. The list of rules shows the drafts of your agency."),
    ),
    "sign-in": (N_("Signing in did not work"), N_("Nothing was changed. Sign in once more.")),
    "nobody-here": (
        N_("You cannot sign in this way"),
        N_(
            "The service that confirmed who you are named nobody whom we may let in. Sign in another way, or ask "
            "that service."
        ),
    ),
}
"""The words by kind of problem; a visitor who has not signed in is asked to."""


def _kind(problem: Problem) -> str:
    """Return the problem's kind if it is in `_BY_KIND`; else empty."""
    kind = problem.type.rpartition(":")[2]
    return kind if kind in _BY_KIND else ""


def _detail(problem: Problem, speech: Speech) -> str:
    """Return what the problem says of this request; empty where it only repeats its status."""
    if problem.detail == problem.status.description:
        return ""
    return as_sentence(" ".join(speech.tell(problem.detail).split()))


def _words(problem: Problem, frame: Frame) -> tuple[str, str]:
    speech, found = frame.speech, _WORDS.get(problem.status, _DEFAULT_WORDS)
    if kind := _kind(problem):
        found = _BY_KIND[kind]
    elif problem.type.endswith(f":{DAMAGED}"):
        found = _UNREADABLE
    elif problem.status is HTTPStatus.FORBIDDEN:
        found = _WORDS[HTTPStatus.UNAUTHORIZED]
    title, lead = found
    if frame.official and problem.status is HTTPStatus.NOT_FOUND and not kind:
        lead = _LEAD_FOR_OFFICIALS
    return speech.say(title), speech.say(lead)
