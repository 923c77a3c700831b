import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from notifiers.email_config import EmailConfigError, Limits, Security
from notifiers.port import Accepted, Outcome, Reason, RetryLater
from tests.notifiers.conftest import Certificate
from tests.notifiers.letters import config, email_to, letter
from tests.notifiers.peers import Act, Box, real, scripted

NOT_ADMITTED = RetryLater(None, Reason.NOT_ADMITTED)


def clerk(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, secret: object) -> AuthResult:
    """Lets in who knows the password."""
    return AuthResult(success=secret == LoginPassword(b"habarshy", b"correct horse"), handled=False)


async def test_starttls(certificate: Certificate) -> None:
    """With STARTTLS the letter travels encrypted, and the server is known by its certificate."""
    box = Box()
    settings = {"security": Security.STARTTLS, "tls": certificate.client()}
    async with (
        real(box, tls_context=certificate.server(), require_starttls=True) as port,
        email_to(port, **settings) as notifier,
    ):
        outcomes = await notifier.send([letter(), letter()])
    assert [type(outcome) for outcome in outcomes] == [Accepted] * 2
    assert all(session.ssl for session in box.sessions)


async def test_tls_from_the_start(certificate: Certificate) -> None:
    """With TLS nothing is said before the handshake."""
    box = Box()
    async with (
        real(box, tls_from_start=certificate.server()) as port,
        email_to(port, security=Security.TLS, tls=certificate.client()) as notifier,
    ):
        (outcome,) = await notifier.send([letter()])
    assert isinstance(outcome, Accepted)
    assert len(box.envelopes) == 1


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


async def test_starttls_is_never_waived(certificate: Certificate) -> None:
    """A server without STARTTLS gets no letter in the clear, whoever took the offer out of its answer."""
    box = Box()
    async with real(box) as port, email_to(port, security=Security.STARTTLS, tls=certificate.client()) as notifier:
        (outcome,) = await notifier.send([letter()])
    assert outcome == NOT_ADMITTED
    assert box.envelopes == []


async def test_a_hung_handshake_is_left(certificate: Certificate) -> None:
    """A server that never answers the handshake is left within the limit."""
    settings = {"security": Security.TLS, "tls": certificate.client(), "limits": {"connect": 0.2}}
    async with scripted(greeting=Act.HANG) as peer, email_to(peer.port, **settings) as notifier:
        (outcome,) = await notifier.send([letter()])
    assert outcome == RetryLater(None, Reason.TIMED_OUT)


async def signed_in(certificate: Certificate, password: str) -> Outcome:
    """What becomes of a letter at a server that asks for a password."""
    settings = {
        "security": Security.STARTTLS,
        "tls": certificate.client(),
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
        email_to(port, security=Security.STARTTLS, tls=certificate.client()) as notifier,
    ):
        (outcome,) = await notifier.send([letter()])
    assert outcome == RetryLater(None, Reason.NOT_ADMITTED, "530 5.7.0")


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"sender": "nobody"}, "address"),
        ({"sender": "a@b.test\r\nBcc: x@y.test"}, "address"),
        ({"reply_to": "nobody"}, "address"),
        ({"sender_name": "Habarshy\r\nBcc: x@y.test"}, "name"),
        ({"username": "habarshy", "password": "x"}, "clear"),
        ({"connections": 0}, "connection"),
        ({"limits": {"final": 0.0}}, "limit"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, object], problem: str) -> None:
    """Wrong settings are refused at the start, and the error names what to correct."""
    with pytest.raises(EmailConfigError, match=problem):
        config(25, **settings)


def test_the_password_is_not_shown() -> None:
    """Settings can be printed without giving the password away."""
    settings = config(25, security=Security.TLS, username="habarshy", password="correct horse")
    assert "correct horse" not in repr(settings)


def test_the_longest_send_can_be_known() -> None:
    """Whoever holds a lease can ask how long a send may take."""
    assert Limits(connect=1, envelope=2, final=3, begin=4).send == 10
