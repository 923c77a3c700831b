"""Both ends of a wire in memory: what a link writes to, and a mail server that answers as it is told."""

import asyncio
from collections.abc import Callable, Iterator

from notifiers.email.smtp_link import Link
from tests.notifiers.letters import patient


class Wire(asyncio.Transport):
    """Carries up to `room` octets to the server, keeps the rest in its buffer."""

    def __init__(self, room: int = 10**9) -> None:
        super().__init__()
        self.written = b""  # all that the link has written
        self.room = room
        self.closed = False
        self.link: asyncio.BaseProtocol | None = None

    @property
    def carried(self) -> bytes:
        """What has left."""
        return self.written[: self.room]

    def widen(self) -> None:
        """The server reads on."""
        stuck, self.room = self.get_write_buffer_size() > 1, 10**9
        if stuck:
            assert isinstance(self.link, Link)
            self.link.resume_writing()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.link = protocol

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """So that a link hears of every octet that stays here."""
        assert (high, low) == (1, 0)

    def get_write_buffer_size(self) -> int:
        return 0 if self.closed else max(0, len(self.written) - self.room)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        before = self.get_write_buffer_size()
        self.written += bytes(data)
        if before <= 1 < self.get_write_buffer_size():
            assert isinstance(self.link, Link)
            self.link.pause_writing()

    def is_closing(self) -> bool:
        return self.closed

    def abort(self) -> None:
        self.closed = True


class Server:
    """Takes what comes over a wire; `decide` gives the answer to each command, of those that it may give to it."""

    REFUSALS = (
        b"450 4.2.0 later\r\n",
        b"550 5.1.1 no\r\n",
        b"421 4.3.2 closing\r\n",
        b"\xff\r\n",
        b"199 hm\r\n",
        b"",
    )

    def __init__(self, decide: Callable[[tuple[bytes, ...]], bytes], contents: list[bytes]) -> None:
        self.received: set[int] = set()
        self.answered: dict[int, bytes] = {}
        self._decide, self._contents = decide, contents
        self._read = 0
        self._sender = self._recipient = self._in_data = self._silent = False
        self._number = -1
        self._lines: list[bytes] = []

    def replies(self, carried: bytes) -> Iterator[bytes]:
        """What it says to what has come by now; nothing after it has fallen silent."""
        while (end := carried.find(b"\r\n", self._read)) >= 0:
            line, self._read = carried[self._read : end + 2], end + 2
            if self._in_data and line != b".\r\n":
                self._lines.append(line)
            else:
                said = self._letter() if self._in_data else self._command(line)
                yield b"" if self._silent else said

    def _command(self, line: bytes) -> bytes:
        match line[:4]:
            case b"RSET":
                self._sender = self._recipient = False
                return self._said(b"250 ok\r\n")
            case b"MAIL":
                assert not self._sender, "MAIL in the middle of a transaction"
                answer = self._said(b"250 ok\r\n")
                self._sender = answer[:1] == b"2"
            case b"RCPT":
                self._number = int(line.partition(b"<a")[2].partition(b"@")[0])
                answer = self._said(b"250 ok\r\n") if self._sender else b"503 5.5.1 who writes?\r\n"
                self._recipient = answer[:1] == b"2"
            case _:
                assert line == b"DATA\r\n"
                usual = (b"354 go on\r\n", b"554 5.5.1 nobody\r\n") if not self._recipient else (b"354 go on\r\n",)
                answer = self._said(*usual) if self._sender else b"503 5.5.1 who writes?\r\n"
                self._in_data, self._lines = answer[:1] == b"3", []
        return answer

    def _letter(self) -> bytes:
        content = b"".join(self._lines)
        if self._recipient:
            assert content == self._contents[self._number], "another letter, or half of it"
            assert self._number not in self.received, "twice"
            self.received.add(self._number)
        else:
            assert content == b"", "a letter for nobody"
        number, there = self._number, self._recipient
        self._sender = self._recipient = self._in_data = False
        answer = self._said(b"250 2.0.0 ok\r\n")
        if there:
            self.answered[number] = answer
        return answer

    def _said(self, *usual: bytes) -> bytes:
        answer = b"" if self._silent else self._decide((*usual, *self.REFUSALS))
        self._silent = not answer
        return answer


def link_over(wire: Wire, *, pipelining: bool) -> Link:
    """A link that is signed in."""
    return Link(wire, patient(), pipelining=pipelining)
