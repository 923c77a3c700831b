"""A process beside ours that encrypts push messages."""

import asyncio
import logging
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from notifiers.push.sealer_jobs import LENGTH, Job, bodies_of, framed

log = logging.getLogger("habarshy")

_TO_START = 30.0  # seconds
_OURS = str(Path(__file__).resolve().parents[2])

Waiting = tuple[Job, "asyncio.Future[bytes | None]"]
"""A job, and who waits for its body."""


class _Handed(NamedTuple):
    """The jobs of one frame, and the timer that kills the process if no answer comes in time."""

    jobs: Sequence[Waiting]
    killing: asyncio.TimerHandle


class Sealer:
    """Should it die, or be silent for `patience` seconds, which ends it, `back` is given what it had not done."""

    def __init__(self, patience: float, back: Callable[[Sequence[Waiting]], None]) -> None:
        self._patience = patience
        self._back = back
        self._handed: deque[_Handed] = deque()
        self._listening: asyncio.Task[None] | None = None
        self._closed = False
        self.load = 0

    @property
    def pid(self) -> int:
        """Return the process's number, once it was begun."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Return True if it takes jobs."""
        return self._listening is not None and not self._listening.done() and not self._writer.is_closing()

    async def start(self) -> None:
        """Begin the process, and wait until it works or half a minute is over."""
        if self._listening is not None:
            return
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = _begun(theirs)
        self._reader, self._writer = await asyncio.open_connection(sock=ours)
        self._writer.write(framed([]))
        killing = self._killing(_TO_START)
        await self._frame()
        killing.cancel()
        self._listening = asyncio.create_task(self._listen())

    def hand_over(self, jobs: Sequence[Waiting]) -> None:
        """Give it jobs; it does them in their order."""
        self._handed.append(_Handed(jobs, self._killing(self._patience)))
        self.load += len(jobs)
        self._writer.write(framed([job for job, _ in jobs]))

    async def aclose(self) -> None:
        """End the process; what it works on is finished before."""
        self._closed = True
        if self._listening is None:
            return
        if self.is_alive:
            self._writer.write_eof()
        killing = self._killing(self._patience)
        await self._listening
        killing.cancel()

    async def _listen(self) -> None:
        while (content := await self._frame()) is not None:
            jobs, killing = self._handed.popleft()
            killing.cancel()
            self.load -= len(jobs)
            for (_, done), body in zip(jobs, bodies_of(content), strict=True):
                if not done.done():  # its message may have been cancelled
                    done.set_result(body)
        self._writer.close()
        self._process.kill()  # it has nothing to say any more
        while self._handed:
            jobs, killing = self._handed.popleft()
            killing.cancel()
            self._back(jobs)
        await asyncio.to_thread(self._process.wait)
        if not self._closed:
            log.warning(
                "a process that encrypts push messages ended; until the next start its work is done without it"
            )

    async def _frame(self) -> bytes | None:
        """Return the next frame; None once the process has ended."""
        with suppress(asyncio.IncompleteReadError, OSError):
            length = int.from_bytes(await self._reader.readexactly(LENGTH))
            return await self._reader.readexactly(length)
        return None

    def _killing(self, patience: float) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(patience, self._process.kill)


def _begun(theirs: socket.socket) -> "subprocess.Popen[bytes]":
    """Without a variable of our environment but the way to the code, and in a session that no terminal interrupts."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "notifiers.push.sealer_child"],
        stdin=theirs.fileno(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PYTHONPATH": _OURS, "PYTHONUTF8": "1"},
        start_new_session=True,
    )
