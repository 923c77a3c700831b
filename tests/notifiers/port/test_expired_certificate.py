"""A certificate that has expired: who speaks HTTP hands nothing over to its bearer, and what was to go waits."""

import ssl
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from notifiers.port.interface import Message, Notifier, Reason, RetryLater
from tests.notifiers.authority import END, Authority
from tests.notifiers.browsers import Browser, push, web_push
from tests.notifiers.gateway import gateway, sms_by
from tests.notifiers.google import made_google
from tests.notifiers.sms_helpers import sms

Case = tuple[AbstractAsyncContextManager[Notifier], Message]
EXPIRED = datetime(2021, 1, 1, tzinfo=UTC)


def to_a_browser(folder: Path, port: int, authority: Path) -> Case:
    """Web Push."""
    here = f"https://127.0.0.1:{port}"
    return web_push(folder, port, hosts=(here,), ca_file=authority), push(Browser().address(f"{here}/push/1"))


def to_an_app(folder: Path, port: int, authority: Path) -> Case:
    """FCM, and before it Google's token service."""
    (folder / "google").mkdir()
    return made_google(folder / "google").sending(port, ca_file=authority), push("phone-1:APA91b")


def by_a_gateway(_folder: Path, port: int, authority: Path) -> Case:
    """SMS over HTTP."""
    return sms_by(f"https://127.0.0.1:{port}/send", ca_file=authority), sms()


@pytest.mark.parametrize("case", [to_a_browser, to_an_app, by_a_gateway])
@pytest.mark.parametrize("until", [END, EXPIRED], ids=["good", "expired"])
async def test_an_expired_certificate_gets_nothing(
    tmp_path: Path, case: Callable[[Path, int, Path], Case], until: datetime
) -> None:
    """Whoever has a good certificate is asked; once it has expired nobody is, and the message waits."""
    authority = Authority(tmp_path)
    leaf, context = authority.leaf(until=until), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf.certificate, leaf.key)
    async with gateway(tls=context) as peer:
        opened, message = case(tmp_path, peer.port, authority.file)
        async with opened as notifier:
            outcomes = await notifier.send([message])
    assert bool(peer.requests) is (until is END)
    assert (outcomes == [RetryLater(None, Reason.NOT_ADMITTED)]) is (until is EXPIRED)
