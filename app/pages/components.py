"""The page that shows every component of the pages, in the reader's language, for whoever makes or checks a page."""

from fastapi import Request
from fastapi.responses import Response

from app.backtests.chart import small
from app.http import routes
from app.pages.layout import Pages, RoutedPages


class Components(RoutedPages):
    """The page. It shows no data of anybody, so it needs no sign-in."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    @routes.get("/components")
    def components(self, request: Request) -> Response:
        """Show each component once."""
        frame = self._pages.frame(request)
        speech = frame.speech
        hours = [(f"{hour:02}:00", (hour * 7) % 24) for hour in range(24)]
        chart = small(speech.say("Sample"), speech.say("Hour"), speech.say("today"), hours, 6)
        return self._pages.respond("components.html", frame, chart=chart, number=speech.number)
