"""Encrypting push messages in processes beside ours: it costs more than all the rest, and threads don't share it."""

import asyncio
from collections.abc import Sequence

from notifiers.push.sealer import Sealer, Waiting
from notifiers.push.sealer_jobs import Job

_MOST = 32  # jobs handed over at a time: then one sealer works on these while what another has done is being sent
PATIENCE = 5.0
"""Seconds, for what takes a hundredth of one."""


class Sealers:
    """A number of sealers.

    The jobs of one that died or hung go to the others; without any, this process does them.
    """

    def __init__(self, count: int, patience: float = PATIENCE) -> None:
        self._gathered: list[Waiting] = []
        self._each = [Sealer(patience, self._share_out) for _ in range(count)]

    @property
    def pids(self) -> list[int]:
        """Return the numbers of the processes that work."""
        return [each.pid for each in self._each if each.is_alive]

    async def start(self) -> None:
        """Begin the processes, and wait until they work."""
        await asyncio.gather(*(each.start() for each in self._each))

    async def sealed(self, job: Job) -> bytes:
        """Return the job done; those that come at the same time are handed over together.

        Raises:
            ValueError: the browser's key is none.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[bytes | None] = loop.create_future()
        if not self._gathered:
            loop.call_soon(self._hand_over)
        self._gathered.append((job, done))
        if len(self._gathered) >= _MOST:
            self._hand_over()
        result = await done
        if result is None:
            raise ValueError
        return result

    async def aclose(self) -> None:
        """End the processes; what they work on is finished before."""
        await asyncio.gather(*(each.aclose() for each in self._each))

    def _hand_over(self) -> None:
        gathered, self._gathered = self._gathered, []
        if gathered:
            self._share_out(gathered)

    def _share_out(self, jobs: Sequence[Waiting]) -> None:
        sealer = min((each for each in self._each if each.is_alive), key=lambda each: each.load, default=None)
        if sealer is not None:
            sealer.hand_over(jobs)
            return
        for job in jobs:
            asyncio.get_running_loop().call_soon(_do, job)  # one at a time, so that nobody else waits for all of them


def _do(waiting: Waiting) -> None:
    job, done = waiting
    if not done.done():  # its message may have been cancelled
        done.set_result(job.done())
