"""The page that checks a message's authenticity, by the code or the link that stands in it; it is open to all."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import Response

from app.compose import Platform
from app.http import routes
from app.http.limits import mark_as_no_guess
from app.identity.authenticity_codes import AuthenticMessage, codes_in, is_code_marked, short_link_lookup
from app.identity.links import BadLink, OldLink
from app.pages.catalogues import Speech
from app.pages.layout import Pages, RoutedPages
from app.pages.life import word_for
from app.reports.life_words import CHANNELS
from domain.core.translatable import Said

Code = Annotated[str, Query()]
MOST_CHARACTERS = 2000
"""The most characters of a text: the longest shipped letters have 1,250 with their foot, where the code stands."""
LONGEST_TYPED_CODE = 14
"""A text of so many characters is a code that was typed, and no message that was pasted."""


class AuthenticityCheck(RoutedPages):
    """The page where codes and links are checked."""

    def __init__(self, pages: Pages, platform: Platform) -> None:
        self._pages, self._platform = pages, platform

    @routes.get("/check")
    def check(self, request: Request, code: Code = "") -> Response:
        """Say what was sent with the code or the link, or that nothing was, or that there is no code."""
        frame, code = self._pages.frame(request), code.strip()
        wrong = _wrong_with(code) if "code" in request.query_params else ""
        found = self._found(code) if code and not wrong else None
        rows = [] if found is None else list(_rows(found, frame.speech))
        links = self._platform.identity.links
        if found is not None or wrong or not (codes_in(code) or links.pasted(code)):
            mark_as_no_guess(request)
        own_page = found is None and links.is_own(code) and links.pasted(code) is None
        typed_wrong = found is None and not own_page and len(code) <= LONGEST_TYPED_CODE and not codes_in(code)
        return self._pages.respond(
            "check.html",
            frame,
            code=code,
            genuine=found is not None,
            own_page=own_page,
            typed_wrong=typed_wrong,
            no_code=_is_prose(code) and links.pasted(code) is None and not is_code_marked(code),
            errors={"code": frame.speech.tell(wrong)} if wrong else {},
            rows=rows,
        )

    def _found(self, code: str) -> AuthenticMessage | None:
        identity, books = self._platform.identity, self._platform.rules.context
        if (link := identity.links.pasted(code)) is None:
            return identity.codes.check(code)
        try:
            return identity.codes.sent(
                *identity.links.read_pasted(*link, self._platform.clock(), short_link_lookup(books))
            )
        except OldLink as old:  # it shows the message no longer, and is ours all the same
            return identity.codes.sent(old.nudge, old.recipient)
        except BadLink:
            return None


def _wrong_with(text: str) -> str:
    """Return the reason why a text is not looked at; empty where it is."""
    if not text:
        return Said("Write the code or paste the message")
    return Said("Write no more than 2,000 characters") if len(text) > MOST_CHARACTERS else ""


def _is_prose(text: str) -> bool:
    """Return True for words that were pasted, and not a code or an address alone."""
    return len(text) > LONGEST_TYPED_CODE and len(text.split()) > 1


def _rows(found: AuthenticMessage, speech: Speech) -> Iterator[tuple[str, str]]:
    """Return the rows to compare with the message."""
    office, short = speech.titled(found.office), speech.titled(found.short)
    named = f"{office} ({short})" if office and short and short != office else office
    yield speech.say("Office"), named or speech.say("none is named, because the message is confidential")
    yield speech.say("Sent"), speech.moment(found.at)
    yield speech.say("By"), word_for(CHANNELS, found.channel, speech)
    if found.title:
        yield speech.say("About"), speech.titled(found.title)
