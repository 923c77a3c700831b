"""The sign of life that each role gives, in a thread of its own: also while its work waits."""

import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version

from app.compose import Platform
from streams.runtime.processes import EVERY, Process
from streams.storage.errors import SYSTEM_ERRORS

LEAVE_S = 2.0
"""The longest wait, in seconds, for a sign of life that is under way when the role ends."""


@contextmanager
def signs_of_life(platform: Platform, role: str) -> Iterator[None]:
    """Give signs of life during the block. Where the database is away, there are none meanwhile."""
    known = platform.runtime.processes
    process = Process(secrets.token_hex(8), role, socket.gethostname(), os.getpid(), version("habarshy"))
    ended = threading.Event()

    def sign() -> None:
        while True:
            with suppress(*SYSTEM_ERRORS):
                known.sign(process)
            if ended.wait(EVERY.total_seconds()):
                return

    thread = threading.Thread(target=sign, name="presence", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(LEAVE_S)
        with suppress(*SYSTEM_ERRORS):
            known.leave(process.id)
