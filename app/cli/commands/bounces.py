"""habarshy bounce and bounces: what mail servers send back, one mail from a pipe or all of a Maildir."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import format_exception
from typing import Annotated

import typer
import uvloop

from app.cli.platform_options import TimedOptions
from app.cli.principal_session import open_platform
from app.providers import channel_of
from app.roles.bounce_import import NoMaildir, import_bounces
from app.settings import BadSettings, Settings
from app.terminal import Exit, print_json, stop, talk
from notifiers.email.bounces import MOST_BYTES, NoBounceError, reports_in
from notifiers.port.interface import Inbound
from streams.storage.errors import SYSTEM_ERRORS, summary

Maildir = Annotated[
    Path, typer.Argument(metavar="MAILDIR", help="The folder into which the mail server puts bounces.")
]
Provider = Annotated[
    str | None,
    typer.Option(
        "--provider", metavar="NAME", help="The provider that sent the mail; needed where there are several."
    ),
]


def bounce(provider: Provider = None, *, on: TimedOptions) -> None:
    """Record one bounced mail from standard input, for a mail server's pipe; exit 75 asks it to try again."""
    mail = _mail()
    try:
        reports = reports_in(mail)
    except NoBounceError as error:
        talk(str(error))
        return
    try:
        if reports:
            with _inbound(provider, on) as inbound:
                uvloop.run(inbound.reported(reports))
    except Exception as failure:  # noqa: BLE001  nothing of this is the mail's fault, and any other code would lose it
        stop(Exit.TRY_AGAIN, _words(failure))


def bounces(maildir: Maildir, provider: Provider = None, *, on: TimedOptions) -> None:
    """Record the new bounces in a Maildir, and mark each as read once it is stored."""
    with _inbound(provider, on) as inbound:
        try:
            counts = uvloop.run(import_bounces(maildir, inbound, talk))
        except NoMaildir as error:
            stop(Exit.USAGE, str(error))
        except OSError as error:
            stop(Exit.UNAVAILABLE, f"what was not stored stays where it is: {error.strerror or error}")
    print_json(counts)
    if counts["unreadable"]:
        raise typer.Exit(Exit.CHECK_FAILED)


def _words(failure: Exception) -> str:
    """Return the sentence of a known failure; a defect shows its traceback."""
    from app.cli.failures import exit_for  # noqa: PLC0415  (it imports nearly everything, and hardly any mail fails)

    if isinstance(failure, SYSTEM_ERRORS):
        return summary(failure)
    if isinstance(failure, OSError):
        return str(failure)
    known = exit_for(failure)
    return "".join(format_exception(failure)) if known is None else known[1]


def _mail() -> bytes:
    """Return the beginning of what comes in; the rest is read too, for some servers mind a pipe that closes early."""
    mail = sys.stdin.buffer.read(MOST_BYTES)
    while sys.stdin.buffer.read(MOST_BYTES):
        pass
    return mail


@contextmanager
def _inbound(provider: str | None, on: TimedOptions) -> Iterator[Inbound]:
    name = _named(on.settings, provider)
    with open_platform(on) as platform:
        yield platform.delivery.inbound.receiving.inbound_of(name)


def _named(settings: Settings, provider: str | None) -> str:
    """Return the provider by that name, or the only one of the email channel."""
    known = [name for name, each in settings.providers.items() if channel_of(each) == "email"]
    if provider is None and len(known) == 1:
        return known[0]
    if provider is None or provider not in known:
        listed = ", ".join(sorted(known)) or "none"
        raise BadSettings(f"--provider must name a provider of the email channel; there are: {listed}")
    return provider
