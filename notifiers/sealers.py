"""Encrypting push messages in processes beside ours: it costs more than all the rest, and threads don't share it.

A process ends when ours does, however that ends, for it then reads the end of its pipe.
"""

import asyncio
import signal
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec

from notifiers.sealing import CURVE, drawn, sealed

_MOST = 256  # jobs handed over at a time, so that nobody's waits for thousands of others
PATIENCE = 5.0
"""Seconds, for what takes a hundredth of one."""
_TO_START = 30.0


class Job(NamedTuple):
    """What is to be encrypted, and the browser's public key and secret."""

    content: bytes
    point: bytes
    auth: bytes

    def done(self) -> bytes | None:
        """The body of the request; None where the browser's key is none."""
        try:
            browser = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, self.point)
        except ValueError:
            return None
        return sealed(self.content, browser, self.point, self.auth, drawn())


class Sealer:
    """One process. Should it die, or answer nothing for `patience` seconds, the work goes on in ours."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._waiting: list[tuple[Job, asyncio.Future[bytes | None]]] = []
        self._pipe, theirs = get_context("spawn").Pipe()
        self._process = get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        self._working: asyncio.Task[None] | None = None

    async def ready(self) -> None:
        """Wait until it works."""
        await self._bodies([], _TO_START)

    async def sealed(self, job: Job) -> bytes:
        """The job done; those that come while others are being done are handed over together.

        Raises:
            ValueError: the browser's key is none.
        """
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((job, done))
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        result: bytes | None = await done
        if result is None:
            raise ValueError
        return result

    async def _work(self) -> None:
        while self._waiting:
            taken, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            jobs = [job for job, _ in taken]
            bodies = await self._bodies(jobs, self._patience)
            for (_, done), body in zip(taken, bodies, strict=True):
                if not done.done():  # its message may have been cancelled
                    done.set_result(body)

    async def _bodies(self, jobs: list[Job], patience: float) -> list[bytes | None]:
        """A process that hangs is killed, which ends every wait for its pipe."""
        killing = asyncio.get_running_loop().call_later(patience, self._process.kill)
        try:
            return await asyncio.to_thread(self._ask, jobs)
        finally:
            killing.cancel()

    def _ask(self, jobs: list[Job]) -> list[bytes | None]:
        try:
            self._pipe.send(jobs)
            bodies: list[bytes | None] = self._pipe.recv()
        except (OSError, EOFError):
            return [job.done() for job in jobs]
        return bodies

    async def aclose(self) -> None:
        """End the process; what it works on is finished before."""
        if self._working is not None:
            await self._working
        self._pipe.close()
        await asyncio.to_thread(self._process.join, self._patience)
        if self._process.is_alive():
            self._process.kill()


def _serve(pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to us too; what is under way is finished
    with suppress(EOFError, OSError):
        while True:
            jobs: list[Job] = pipe.recv()
            pipe.send([job.done() for job in jobs])
