"""Connecting to an SMS centre and binding there, and doing so again after the link was lost."""

import asyncio
import logging
import ssl
from collections.abc import Callable

from notifiers.port.interface import Reason, RetryLater
from notifiers.port.links import NoLinkError, TlsContext
from notifiers.sms.smpp import pdus
from notifiers.sms.smpp.config import SmppOptions
from notifiers.sms.smpp.link import Arrivals, Link
from notifiers.sms.smpp.outbox import Outbox, Part
from notifiers.sms.smpp.pace import Pace
from notifiers.sms.smpp.status import BOUND_ELSEWHERE, OK, no_bind

log = logging.getLogger("habarshy")


async def dial(options: SmppOptions, tls: ssl.SSLContext | None, link: Link) -> None:
    """Connect the link and bind it within `limits.connect` seconds. Raises NoLinkError."""
    try:
        async with asyncio.timeout(options.limits.connect):
            await asyncio.get_running_loop().create_connection(lambda: link, options.host, options.port, ssl=tls)
            await _bind(options, link)
    except BaseException as fault:
        link.end(Reason.CLOSED)
        error = _no_link(fault)
        if error is fault:
            raise
        raise error from None  # the cause may quote the account


def _no_link(fault: BaseException) -> BaseException:
    match fault:
        case TimeoutError():
            return NoLinkError(Reason.TIMED_OUT)
        case ssl.SSLError():
            return NoLinkError(Reason.NOT_ADMITTED, "TLS")
        case OSError() | UnicodeError():  # the latter: a host name that is none
            return NoLinkError(Reason.UNREACHABLE)
        case _:
            return fault


async def _bind(options: SmppOptions, link: Link) -> None:
    password = options.password.get_secret_value()
    answer = await link.ask(lambda number: pdus.bind(options.system_id, password, options.system_type, number))
    if answer is None:
        raise NoLinkError(link.lost.result())
    if answer.status != OK:
        raise NoLinkError(*no_bind(answer.status))
    if answer.command != pdus.BIND_TRANSCEIVER_RESP:
        raise NoLinkError(Reason.GARBLED)


class Keeper:
    """Keeps one link up from `begin` to `aclose`, and gives it what is put into the outbox.

    A link that has lived for a while is followed by another at once; after one that has not, we rest, each time
    longer. `jitter` spreads those rests: it is given seconds and gives seconds. `elsewhere`: another process has the
    only link that the account may have.
    """

    def __init__(
        self, options: SmppOptions, tls: TlsContext, arrivals: Arrivals, jitter: Callable[[float], float]
    ) -> None:
        self._options = options
        self._tls = tls
        self._arrivals = arrivals
        self._jitter = jitter
        self._outbox = Outbox()
        self._pace = Pace(options.window)
        self._link: Link | None = None
        self._task: asyncio.Task[None] | None = None
        self._resting: RetryLater | None = None
        self._known = asyncio.Event()
        """Set unless a link is being opened: then there is one, or it is known why there is none."""
        self._failures = 0
        self._closed = False
        self.elsewhere = False

    def begin(self) -> None:
        """Connect, if that has not begun yet."""
        if self._task is None and not self._closed:
            self._task = asyncio.get_running_loop().create_task(self._keep())

    async def ready(self) -> RetryLater | None:
        """Wait until the link is open, or until it is known that it cannot be opened now; return why."""
        self.begin()
        await self._known.wait()
        return RetryLater(None, Reason.CLOSED) if self._closed else self._resting

    def put(self, parts: list[Part]) -> None:
        """Write these parts as soon as there is room; those that cannot be written are settled at once."""
        self.begin()
        self._outbox.put(parts)
        if self._closed:
            self._outbox.refuse(RetryLater(None, Reason.CLOSED))
        elif self._resting is not None:
            self._outbox.refuse(self._resting)
        elif self._link is not None:
            self._link.pump()

    async def aclose(self) -> None:
        """Wait for the answers under way, unbind from the centre, and end."""
        self._closed = True
        self._known.set()
        self._outbox.refuse(RetryLater(None, Reason.CLOSED))
        if self._link is not None:
            await self._link.leave()
            self._outbox.refuse(RetryLater(None, Reason.CLOSED))  # what the centre has put off meanwhile
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _keep(self) -> None:
        while not self._closed:
            lost = await self._one_link()
            if self._failures:
                await self._rest(lost)

    async def _one_link(self) -> RetryLater:
        """Open a link and keep it until it is lost; return the reason why it ended or could not be opened."""
        link = Link(self._options, self._outbox, self._pace, self._arrivals)
        self._known.clear()
        try:
            await dial(self._options, self._tls(), link)
        except NoLinkError as error:
            self._failures += 1
            self._note_elsewhere(elsewhere=error.detail == BOUND_ELSEWHERE)
            return RetryLater(None, error.reason, error.detail)
        self._note_elsewhere(elsewhere=False)
        self._link = link
        self._known.set()
        link.pump()
        try:
            await asyncio.wait([link.lost])
        finally:
            self._link = None
            link.end(Reason.CLOSED)
        self._failures = 0 if link.proved else self._failures + 1
        return RetryLater(None, link.lost.result())

    def _note_elsewhere(self, *, elsewhere: bool) -> None:
        if elsewhere and not self.elsewhere:
            log.warning("the SMS centre has a link with this account: what is due by it is left to whoever has it")
        self.elsewhere = elsewhere

    async def _rest(self, why: RetryLater) -> None:
        self._resting = why
        self._known.set()
        self._outbox.refuse(why)
        limits = self._options.limits
        seconds = min(limits.longest_rest, limits.rest * 2 ** min(self._failures - 1, 20))
        await asyncio.sleep(self._jitter(seconds))
        self._resting = None
