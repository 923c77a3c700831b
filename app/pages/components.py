"""The page that shows every component of the pages, in the reader's language, for whoever makes or checks a page."""

from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from app.backtests.chart import small
from app.http.openapi import Api
from app.http.routes import Routes
from app.pages.layout import Pages


def install_components(app: Api, pages: Pages) -> None:
    """Add the page of components to the application. It shows no data of anybody, so it needs no sign-in."""
    routes = Routes(response_class=HTMLResponse, include_in_schema=False)

    def components(request: Request) -> Response:
        """Show each component once."""
        frame = pages.frame(request)
        speech = frame.speech
        hours = [(f"{hour:02}:00", (hour * 7) % 24) for hour in range(24)]
        chart = small(speech.say("Sample"), speech.say("Hour"), speech.say("today"), hours, 6)
        return pages.respond("components.html", frame, chart=chart, number=speech.number)

    routes.add("/components", components, methods=["GET"])
    app.serve(routes)
