"""The executor of this machine's processes. They end with the process that has them, however that ends."""

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection

from app.tuning import calm_collector


@contextmanager
def process_executor(number: int) -> Iterator[Executor]:
    """Yield an executor of so many processes. At the end of the block, or of this process, they end at once."""
    spawn = get_context("spawn")
    alive, ours = spawn.Pipe(duplex=False)
    executor = ProcessPoolExecutor(number, mp_context=spawn, initializer=_begin, initargs=(alive,))
    try:
        yield executor
    finally:
        ours.close()
        executor.shutdown(cancel_futures=True)
        alive.close()


@contextmanager
def without_interrupts() -> Iterator[None]:
    """Keep Ctrl-C from processes that are started in the block: it is for the one that has them."""
    resource_tracker.ensure_running()  # which lets interrupts in again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])  # which a new process inherits for good
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(alive: Connection) -> None:
    calm_collector()
    threading.Thread(target=_end_with, args=(alive,), daemon=True).start()


def _end_with(alive: Connection) -> None:
    """End this process once the other end is closed, which also happens where its process is killed."""
    with suppress(EOFError, OSError):
        alive.recv()
    os._exit(0)
