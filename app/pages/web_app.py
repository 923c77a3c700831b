"""The citizens' pages as an app to install: the web app manifest, and the service worker that shows notifications.

Sources: Web Application Manifest (W3C), Service Workers (W3C).
"""

import json
from http import HTTPStatus
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request, Response

from app.http import routes
from app.pages.catalogues import Speech, language_among
from app.pages.layout import Pages

WORKER = Path(__file__).parent / "worker.js"
_NO_SNIFFING = {"X-Content-Type-Options": "nosniff"}
_WORKER_HEADERS = {
    "Cache-Control": "no-cache",  # a mended worker is taken at the next visit
    "Content-Security-Policy": "default-src 'none'; connect-src 'self'",
    **_NO_SNIFFING,
}
_BRAND = "#00563f"


class WebApp(routes.Routed, include_in_schema=False):
    """Serves what a browser needs to install the pages. Neither says anything of its visitor."""

    def __init__(self, pages: Pages) -> None:
        self._pages, self._worker = pages, WORKER.read_bytes()

    @routes.get("/app.webmanifest")
    def manifest(self, request: Request) -> Response:
        """Return the manifest in the language of the page that names it."""
        language = language_among(request.query_params.get("language", ""))  # no visit is read or written
        content = json.dumps(self._manifest(language), ensure_ascii=False)
        headers = {"Cache-Control": "no-cache", **_NO_SNIFFING}
        return Response(content, HTTPStatus.OK, headers, media_type="application/manifest+json")

    @routes.get("/worker.js")
    def worker(self) -> Response:
        """Return the service worker. It stands at the root, for a worker rules only what is beside and below it."""
        return Response(self._worker, HTTPStatus.OK, _WORKER_HEADERS, media_type="text/javascript; charset=utf-8")

    def _manifest(self, language: str) -> dict[str, Any]:
        root, say = self._pages.root, Speech(language, ZoneInfo("UTC")).say
        return {
            "id": f"{root}/my",
            "lang": language,
            "dir": "ltr",
            "name": say("Habarshy: messages from the state"),
            "short_name": say("Habarshy"),
            "description": say("What the state can do for you, and what you should not miss"),
            "start_url": f"{root}/my",
            "scope": f"{root}/",
            "display": "standalone",
            "background_color": "#ffffff",
            "theme_color": _BRAND,
            "icons": [
                {"src": f"{root}/static/icon-192.png", "sizes": "192x192", "type": "image/png"},
                {"src": f"{root}/static/icon-512.png", "sizes": "512x512", "type": "image/png"},
                {
                    "src": f"{root}/static/icon-512-maskable.png",
                    "sizes": "512x512",
                    "type": "image/png",
                    "purpose": "maskable",
                },
                {"src": f"{root}/static/icon.svg", "sizes": "any", "type": "image/svg+xml"},
            ],
        }
