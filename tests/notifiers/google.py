"""Google for tests: a service account, and `tests/peers/fcm.js`, which speaks HTTP/2 only."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from notifiers.http.client import Answer, Http, Timeouts
from notifiers.push.fcm import FcmNotifier
from tests.notifiers.authority import Authority
from tests.notifiers.browsers import Clock, fcm
from tests.notifiers.node import node


@dataclass(frozen=True)
class Google:
    """The files of both sides: our authority, what the server shows, the account's public key."""

    folder: Path
    authority: Path
    server: tuple[Path, Path]
    public: Path
    private: str

    def account(self, token_uri: str, **others: object) -> Path:
        """The service account's file, with other content where it matters."""
        content = {
            "type": "service_account",
            "project_id": "demo",
            "private_key_id": "1",
            "private_key": self.private,
            "client_email": "push@demo.test",
            "token_uri": token_uri,
            **others,
        }
        file = self.folder / "account.json"
        file.write_text(json.dumps({name: value for name, value in content.items() if value is not None}))
        return file

    @asynccontextmanager
    async def listening(self, mode: str = "") -> AsyncIterator[int]:
        """The port of FCM and of its token service."""
        async with node("fcm.js", *map(str, (*self.server, self.public)), mode) as port:
            yield port

    @asynccontextmanager
    async def sending(
        self, port: int, /, clock: Clock | None = None, *, tokens: int | None = None, **settings: object
    ) -> AsyncIterator[FcmNotifier]:
        """A notifier that sends to this port, and gets its tokens there or at another."""
        account = self.account(f"https://127.0.0.1:{tokens or port}/token")
        here: dict[str, object] = {"base_url": f"https://127.0.0.1:{port}", "ca_file": self.authority}
        async with fcm(account, clock, **here | settings) as notifier:
            yield notifier

    async def seen(self, port: int) -> dict[str, Any]:
        """What that server got: grants, sessions (this one too), protocols, messages."""
        http = Http(Timeouts(20, 40), authority=self.authority.read_bytes())
        said = await http.request("GET", f"https://127.0.0.1:{port}/seen", {})
        await http.aclose()
        assert isinstance(said, Answer)
        seen: dict[str, Any] = json.loads(said.body)
        return seen


def made_google(folder: Path) -> Google:
    """New keys and certificates in this folder."""
    key = rsa.generate_private_key(65537, 2048)
    authority = Authority(folder)
    leaf = authority.leaf()
    public = folder / "account.pub"
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return Google(folder, authority.file, (leaf.key, leaf.certificate), public, private)
