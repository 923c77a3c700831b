"""A wire on loopback that carries, swallows, breaks in the moment after a word has passed, or is gone."""

import ctypes
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

PIECE = 65_536
ATTACH_FILTER = 26  # SO_ATTACH_FILTER of <asm-generic/socket.h>
DROP_ALL = ctypes.create_string_buffer(
    struct.pack("HBBI", 0x06, 0, 0, 0)
)  # one instruction of Linux's BPF: keep no octet


class Wire:
    """Every connection to `port` goes on to the target.

    `swallows`: what is sent into it arrives nowhere, and nothing comes back. `word`, `breaks`: so many times, the
    connection is lost after the target has got this word, before its answer is back.
    """

    def __init__(self, target: int) -> None:
        self._target, self.swallows = target, False
        self.word, self.breaks, self.broken = b"", 0, 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = [self._listener]
        self._threads: list[threading.Thread] = []
        self._begin(self._listen)

    def close(self) -> None:
        """Everything ends."""
        for each in self._open:
            _hang_up(each)
        for thread in self._threads:
            thread.join()

    def vanish(self) -> None:
        """Like a host without power: no packet from either side is even acknowledged, and nobody is told."""
        program = struct.pack("HP", 1, ctypes.addressof(DROP_ALL))
        for each in self._open:
            try:
                each.setsockopt(socket.SOL_SOCKET, ATTACH_FILTER, program)
            except OSError:
                if each.fileno() >= 0:  # one that is closed has gone already
                    raise

    def _begin(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments)  # type: ignore[arg-type]  # a method of ours
        self._threads.append(thread)
        thread.start()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                here, _ = self._listener.accept()
                there = socket.create_connection(("127.0.0.1", self._target))
                self._open += [here, there]
                self._begin(self._carry, here, there)
                self._begin(self._carry, there, here)

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(PIECE):
                if self.swallows:
                    continue
                target.sendall(data)
                if self.breaks and self.word in data:
                    self.breaks, self.broken = self.breaks - 1, self.broken + 1
                    _hang_up(source)  # the target finishes what it was told
        for each in (source, target):
            _hang_up(each)


def _hang_up(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


@contextmanager
def wire(target: int) -> Iterator[Wire]:
    """One, to this port of loopback."""
    made = Wire(target)
    try:
        yield made
    finally:
        made.close()
