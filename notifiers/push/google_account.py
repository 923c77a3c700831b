"""The account at Google that sends: its JSON file, and the access tokens that it is given (RFC 7523)."""

import asyncio
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from notifiers.http.addresses import safe_url
from notifiers.http.client import Answer, Http
from notifiers.http.refusals import refusal
from notifiers.port.interface import Reason, RetryLater

_SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_FORM = {"content-type": "application/x-www-form-urlencoded"}
_ASSERTED = timedelta(hours=1)  # the most that Google takes
_LONGEST = 86_400
_USED = 0.9  # of its life; a token that expires under way would be refused
_TOKEN = re.compile(r"[!-~]{1,8192}")


class ServiceAccount(msgspec.Struct, frozen=True):
    """A service account's JSON file, as far as it is needed here."""

    client_email: str
    private_key: str
    token_uri: str
    project_id: str = ""
    private_key_id: str | None = None

    def __repr__(self) -> str:
        return f"ServiceAccount(client_email={self.client_email!r})"

    def key(self) -> RSAPrivateKey:
        """Return the private key. Raises ValueError if it is none."""
        try:
            key = load_pem_private_key(self.private_key.encode(), password=None)
        except (ValueError, TypeError):
            key = None
        if not isinstance(key, RSAPrivateKey):
            raise ValueError("private_key is not an RSA key in PEM")  # noqa: TRY004  the file is wrong, not the program
        return key


def service_account(path: Path) -> ServiceAccount:
    """Return the account in a file. Raises ValueError, naming what is wrong with it."""
    try:
        account = msgspec.json.decode(path.read_bytes(), type=ServiceAccount)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise ValueError(f"the file is not a service account: {error}") from None
    account.key()
    try:
        safe_url(account.token_uri)
    except ValueError as error:
        raise ValueError(f"the file's token_uri: {error}") from None
    return account


class _Grant(msgspec.Struct):
    access_token: str
    expires_in: float


class AccessTokens:
    """The token that a request carries: kept for most of its life, and asked for once, however many wait for it."""

    def __init__(self, account: ServiceAccount, http: Http, clock: Callable[[], datetime]) -> None:
        self._account = account
        self._key = account.key()
        self._http = http
        self._clock = clock
        self._kept: tuple[str, datetime] | None = None
        self._asking: asyncio.Task[str | RetryLater] | None = None

    async def current(self) -> str | RetryLater:
        """Return a token that is still good; RetryLater, whatever went wrong, for no message has gone."""
        if self._kept is not None and self._clock() < self._kept[1]:
            return self._kept[0]
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(self._asking)

    def forget(self, token: str) -> None:
        """Ask for another next time: this one was refused."""
        if self._kept is not None and self._kept[0] == token:
            self._kept = None

    async def _ask(self) -> str | RetryLater:
        form = urlencode({"grant_type": _GRANT, "assertion": self._assertion()}).encode()
        answer = await self._http.request("POST", self._account.token_uri, _FORM, form)
        if isinstance(answer, Answer):
            return self._granted(answer)
        return answer if isinstance(answer, RetryLater) else RetryLater(None, answer.reason)

    def _assertion(self) -> str:
        now = self._clock()
        claims = {
            "iss": self._account.client_email,
            "scope": _SCOPE,
            "aud": self._account.token_uri,
            "iat": int(now.timestamp()),
            "exp": int((now + _ASSERTED).timestamp()),
        }
        headers = {"kid": self._account.private_key_id} if self._account.private_key_id else None
        return jwt.encode(claims, self._key, algorithm="RS256", headers=headers)

    def _granted(self, answer: Answer) -> str | RetryLater:
        if answer.status // 100 != 2:  # noqa: PLR2004  the class of success
            refused = refusal(answer, self._clock(), {})
            if isinstance(refused, RetryLater):
                return refused
            return RetryLater(None, Reason.NOT_ADMITTED, str(answer.status))
        try:
            grant = msgspec.json.decode(answer.body, type=_Grant)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return RetryLater(None, Reason.GARBLED)
        if not _TOKEN.fullmatch(grant.access_token) or not 0 < grant.expires_in < float("inf"):
            return RetryLater(None, Reason.GARBLED)
        life = timedelta(seconds=min(grant.expires_in, _LONGEST) * _USED)
        self._kept = (grant.access_token, self._clock() + life)
        return grant.access_token
