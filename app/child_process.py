"""A process beside this one, at the other end of a pipe. It ends with the one that has it, however that ends."""

import signal
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import get_context, resource_tracker
from typing import Any


class Beside:
    """It runs `serve`, with its end of the pipe first; Ctrl-C is for the one that has it alone."""

    def __init__(self, serve: Callable[..., None], *given: object) -> None:
        start = get_context("spawn")
        self._pipe, theirs = start.Pipe()
        self._process = start.Process(target=serve, args=(theirs, *given), daemon=True)
        resource_tracker.ensure_running()  # which lets interrupts in again
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])  # which it inherits for good
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()

    def tell(self, what: object) -> None:
        """Have it do something; where it died, `hear` says so."""
        with suppress(OSError):
            self._pipe.send(what)

    @property
    def has_told(self) -> bool:
        """Return True if `hear` would not wait."""
        return self._pipe.poll()

    def hear(self) -> Any:  # noqa: ANN401  (whatever it says)
        """Return the next object from the child.

        Raises:
            Gone: it died.
        """
        try:
            return self._pipe.recv()
        except (EOFError, OSError):
            raise Gone from None

    def end(self) -> None:
        """Let it end what it is at."""
        self._pipe.close()
        self._process.join()

    def stop(self) -> None:
        """End it at once; for what only reads."""
        self._process.terminate()
        self.end()


class Gone(Exception):
    """The process beside this one has died."""
