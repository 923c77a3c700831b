"""The page that shows every component of the pages, in the reader's language, for whoever makes or checks a page."""

from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from app.http.openapi import Api
from app.http.routes import Routes
from app.pages.layout import Pages


def install_components(app: Api, pages: Pages) -> None:
    """Add the page of components to the application. It shows no data of anybody, so it needs no sign-in."""
    routes = Routes(response_class=HTMLResponse, include_in_schema=False)

    def components(request: Request) -> Response:
        """Show each component once."""
        return pages.respond("components.html", pages.frame(request))

    routes.add("/components", components, methods=["GET"])
    app.serve(routes)
