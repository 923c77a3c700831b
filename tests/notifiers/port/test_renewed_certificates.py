"""Certificates that are renewed while a dispatcher runs: the next connection has the new ones."""

import shutil
from pathlib import Path

from notifiers.email.config import Security
from notifiers.port.interface import Accepted, Reason, RetryLater
from notifiers.port.links import ClientTls
from tests.notifiers.authority import END, Authority
from tests.notifiers.conftest import Certificate
from tests.notifiers.letters import email_to, letter
from tests.notifiers.peers import Box, real


async def test_an_authority_that_was_replaced_is_trusted_without_a_restart(
    tmp_path: Path, certificate: Certificate, authority: Authority
) -> None:
    """A mail server with a certificate of a new authority gets letters as soon as the file holds that authority."""
    trusted = Path(shutil.copy(authority.file, tmp_path / "trusted.pem"))
    async with (
        real(Box(), tls_from_start=certificate.server()) as port,
        email_to(port, security=Security.TLS, ca_file=trusted) as notifier,
    ):
        assert await notifier.send([letter()]) == [RetryLater(None, Reason.NOT_ADMITTED)]
        shutil.copy(certificate.authority, trusted)
        assert [type(each) for each in await notifier.send([letter()])] == [Accepted]


def test_a_renewed_pair_is_shown_once_both_files_are_there(tmp_path: Path, authority: Authority) -> None:
    """Between the new certificate and its new key, and while a file is missing, the old pair is shown."""
    old, new = authority.leaf(until=END.replace(year=END.year - 1)), authority.leaf()
    shown, key = tmp_path / "ours.pem", tmp_path / "ours.key"
    shutil.copy(old.certificate, shown)
    shutil.copy(old.key, key)
    tls = ClientTls(authority.file, shown, key)
    first = tls()
    assert tls() is first
    shutil.copy(new.certificate, shown)
    assert tls() is first
    key.unlink()
    assert tls() is first
    shutil.copy(new.key, key)
    renewed = tls()
    assert renewed is not first
    assert tls() is renewed
