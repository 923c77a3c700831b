"""The issuer of the tests (OpenID Connect Core): discovery, code flow with PKCE, signed id_token, JWKS."""

import base64
import hashlib
import secrets
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from app.clock import Clock, system_clock

CLIENT, SECRET = "habarshy", "issuer-secret-of-the-tests"
_FORM = """<!doctype html><html lang="en"><title>Issuer</title><form method="post"><label>Who
<input name="who"></label><button>Go on</button></form></html>"""


class Issuer:
    """Says who signs in. `people`: what is typed -> their claims; `spoil`: changes claims before they are signed."""

    def __init__(self, people: Mapping[str, Mapping[str, Any]], clock: Clock = system_clock) -> None:
        self.people, self.clock, self.url = dict(people), clock, ""
        self.spoil: dict[str, Any] = {}
        self.key, self.foreign = RSAKey.generate_key(2048, {"kid": "1"}), RSAKey.generate_key(2048, {"kid": "1"})
        self.signs = self.key
        self._codes: dict[str, dict[str, str]] = {}

    def application(self) -> Starlette:
        """The routes."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.discovery),
                Route("/authorize", self.authorize, methods=["GET", "POST"]),
                Route("/token", self.token, methods=["POST"]),
                Route("/jwks", self.jwks),
            ]
        )

    async def discovery(self, _: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def jwks(self, _: Request) -> Response:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    async def authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        assert (asked["client_id"], asked["response_type"]) == (CLIENT, "code")
        assert asked["code_challenge_method"] == "S256"
        if request.method == "GET":
            return HTMLResponse(_FORM)
        [who] = parse_qs((await request.body()).decode())["who"]
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked | {"who": who}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}", 302)

    async def token(self, request: Request) -> Response:
        form = {name: each[0] for name, each in parse_qs((await request.body()).decode()).items()}
        asked = self._codes.pop(form["code"], None)
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        proof = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
        if asked is None or request.headers["authorization"] != f"Basic {basic}" or proof != asked["code_challenge"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(self.clock().timestamp())
        claims = {
            "iss": self.url,
            "sub": asked["who"],
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            **self.people[asked["who"]],
            **self.spoil,
        }
        signed = jwt.encode({"alg": "RS256", "kid": "1"}, claims, self.signs)
        return JSONResponse({"access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "id_token": signed})


@contextmanager
def serving(app: Any, listener: socket.socket | None = None) -> Iterator[str]:
    """Serve an application on a free port of this machine; gives its address."""
    listener = listener or socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="critical", access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def issuing(people: Mapping[str, Mapping[str, Any]]) -> Iterator[Issuer]:
    """An issuer that answers."""
    issuer = Issuer(people)
    with serving(issuer.application()) as url:
        issuer.url = url
        yield issuer
