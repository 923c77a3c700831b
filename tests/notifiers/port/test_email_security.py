import ssl
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from pydantic import ValidationError

from notifiers.email.config import Security
from notifiers.email.notifier import KIND
from notifiers.port.interface import Accepted, Outcome, Reason, RetryLater
from notifiers.port.kinds import Tools
from tests.notifiers.conftest import Certificate
from tests.notifiers.inbound import Kept
from tests.notifiers.letters import AT, config, email_to, letter
from tests.notifiers.peers import Act, Box, Scripted, real

NOT_ADMITTED = RetryLater(None, Reason.NOT_ADMITTED)
TOOLS = Tools(lambda: AT, Kept())


def clerk(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, secret: object) -> AuthResult:
    """Lets in who knows the password."""
    return AuthResult(success=secret == LoginPassword(b"habarshy", b"correct horse"), handled=False)


LONG = "long " * 50_000


async def test_starttls(certificate: Certificate) -> None:
    """With STARTTLS letters travel encrypted, long ones too, and the server is known by its certificate."""
    box = Box()
    settings: dict[str, Any] = {"security": Security.STARTTLS, "ca_file": certificate.authority}
    async with (
        real(box, tls_context=certificate.server(), require_starttls=True) as port,
        email_to(port, **settings) as notifier,
    ):
        outcomes = await notifier.send([letter(), letter(text=LONG), letter()])
    assert [type(outcome) for outcome in outcomes] == [Accepted] * 3
    assert len(box.envelopes) == 3
    assert all(session.ssl for session in box.sessions)


async def test_tls_from_the_start(certificate: Certificate) -> None:
    """With TLS nothing is said before the handshake."""
    box = Box()
    async with (
        real(box, tls_from_start=certificate.server()) as port,
        email_to(port, security=Security.TLS, ca_file=certificate.authority) as notifier,
    ):
        outcomes = await notifier.send([letter(), letter(text=LONG), letter()])
    assert [type(outcome) for outcome in outcomes] == [Accepted] * 3
    assert len(box.envelopes) == 3


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
async def test_an_unknown_certificate_gets_nothing(certificate: Certificate, security: Security) -> None:
    """A server that cannot prove its name gets no letter, and the letter is put off."""
    box = Box()
    start, later = (certificate.server() if security is way else None for way in (Security.TLS, Security.STARTTLS))
    async with (
        real(box, tls_from_start=start, tls_context=later) as port,
        email_to(port, security=security) as notifier,
    ):
        (outcome,) = await notifier.send([letter()])
    assert outcome == NOT_ADMITTED
    assert box.envelopes == []


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
async def test_an_expired_certificate_gets_nothing(tmp_path: Path, security: Security) -> None:
    """A server whose certificate has run out gets no letter, and the letter is put off."""
    box, expired = Box(), Certificate(tmp_path, days=30)
    start, later = (expired.server() if security is way else None for way in (Security.TLS, Security.STARTTLS))
    async with (
        real(box, tls_from_start=start, tls_context=later) as port,
        email_to(port, security=security, ca_file=expired.authority) as notifier,
    ):
        (outcome,) = await notifier.send([letter()])
    assert (outcome, box.envelopes) == (NOT_ADMITTED, [])


async def test_starttls_is_never_waived(certificate: Certificate) -> None:
    """A server without STARTTLS gets no letter in the clear, whoever took the offer out of its answer."""
    box = Box()
    async with (
        real(box) as port,
        email_to(port, security=Security.STARTTLS, ca_file=certificate.authority) as notifier,
    ):
        (outcome,) = await notifier.send([letter()])
    assert outcome == NOT_ADMITTED
    assert box.envelopes == []


async def test_a_hung_handshake_is_left(scripted: Scripted, certificate: Certificate) -> None:
    """A server that never answers the handshake is left within the limit."""
    settings: dict[str, Any] = {
        "security": Security.TLS,
        "ca_file": certificate.authority,
        "limits": {"connect": 0.2},
    }
    async with scripted(greeting=Act.HANG) as peer, email_to(peer.port, **settings) as notifier:
        (outcome,) = await notifier.send([letter()])
    assert outcome == RetryLater(None, Reason.TIMED_OUT)


async def signed_in(certificate: Certificate, password: str) -> Outcome:
    """What becomes of a letter at a server that asks for a password."""
    settings: dict[str, Any] = {
        "security": Security.STARTTLS,
        "ca_file": certificate.authority,
        "username": "habarshy",
        "password": password,
    }
    async with (
        real(Box(), tls_context=certificate.server(), auth_required=True, authenticator=clerk) as port,
        email_to(port, **settings) as notifier,
    ):
        (outcome,) = await notifier.send([letter()])
        return outcome


async def test_sign_in(certificate: Certificate) -> None:
    """The right password lets the letter through."""
    assert isinstance(await signed_in(certificate, "correct horse"), Accepted)


async def test_a_wrong_password_fails_no_message(certificate: Certificate) -> None:
    """With a wrong password the letters wait for the operator."""
    assert await signed_in(certificate, "wrong") == RetryLater(None, Reason.NOT_ADMITTED, "535")


async def test_a_server_that_wants_a_password_we_lack(certificate: Certificate) -> None:
    """Without credentials the letters wait too."""
    async with (
        real(Box(), tls_context=certificate.server(), auth_required=True, authenticator=clerk) as port,
        email_to(port, security=Security.STARTTLS, ca_file=certificate.authority) as notifier,
    ):
        (outcome,) = await notifier.send([letter()])
    assert outcome == RetryLater(None, Reason.NOT_ADMITTED, "530 5.7.0")


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"sender": "nobody"}, "sender\n.*address"),
        ({"sender": "a@b.test\r\nBcc: x@y.test"}, "sender\n.*address"),
        ({"reply_to": "nobody"}, "reply_to\n.*address"),
        ({"bounces": "nobody"}, "bounces\n.*address"),
        ({"bounces": "b" * 19 + "@gov.test"}, "bounces\n.*18 characters"),
        ({"sender_name": "Habarshy\r\nBcc: x@y.test"}, "sender_name\n.*unprintable"),
        ({"username": "habarshy", "password": "x"}, "clear"),
        ({"client_key_file": "key.pem"}, "client_cert_file"),
        ({"connections": 0}, "connections\n"),
        ({"limit_seconds": 0}, "limit_seconds\n"),
        ({"port": 70_000}, "port\n"),
        ({"host": ""}, "host\n"),
        ({"pasword": "correct horse"}, "pasword\n"),
    ],
)
def test_options_that_cannot_work_are_refused(settings: dict[str, object], problem: str) -> None:
    """Wrong options are refused at the start, and the error names what to correct and repeats no value."""
    with pytest.raises(ValidationError, match=problem) as error:
        config(25, **settings)
    assert "correct horse" not in str(error.value)


@pytest.mark.parametrize("option", ["ca_file", "client_cert_file"])
@pytest.mark.parametrize("content", [None, b"no PEM"])
def test_tls_files_that_cannot_be_used_are_named(tmp_path: Path, option: str, content: bytes | None) -> None:
    """A certificate that is missing or broken stops the start, by the name of its option."""
    file = tmp_path / "tls.pem"
    if content is not None:
        file.write_bytes(content)
    options = config(25, security=Security.TLS, **{option: file})
    with pytest.raises(ValueError, match=option):
        KIND.make(options, TOOLS)


async def test_we_show_our_certificate(certificate: Certificate) -> None:
    """A server that asks for a certificate of ours gets it, and without one lets nothing in."""
    context = certificate.server()
    context.load_verify_locations(certificate.authority)
    context.verify_mode = ssl.CERT_REQUIRED
    options: dict[str, Any] = {"security": Security.TLS, "ca_file": certificate.authority}
    ours: dict[str, Any] = {"client_cert_file": certificate.authority, "client_key_file": certificate.key}
    async with real(Box(), tls_from_start=context) as port:
        async with email_to(port, **options, **ours) as notifier:
            (shown,) = await notifier.send([letter()])
        async with email_to(port, **options) as notifier:
            (without,) = await notifier.send([letter()])
    assert isinstance(shown, Accepted)
    assert isinstance(without, RetryLater)


def test_the_password_is_not_shown() -> None:
    """Options can be printed without giving the password away."""
    options = config(25, security=Security.TLS, username="habarshy", password="correct horse")
    assert "correct horse" not in f"{options!r}{options}"


def test_the_longest_send_can_be_known() -> None:
    """Whoever holds a lease can ask how long a send may take."""
    assert config(25, limit_seconds=3).limits.send == 12


def test_a_kind_of_provider() -> None:
    """The options of an operator make a notifier of the email channel."""
    notifier = KIND.make(KIND.options.model_validate({"host": "mail.test", "sender": "a@gov.test"}), TOOLS)
    assert (KIND.channel, notifier.channel) == ("email", "email")
