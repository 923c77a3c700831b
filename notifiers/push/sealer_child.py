"""A sealer's process: `python -m notifiers.push.sealer_child`, with a socket to its parent as standard input.

It ends when its parent does, however that ends, for it then reads the end of its socket. It is told no key of ours.
"""

import socket
import sys
from contextlib import suppress

from notifiers.push.sealer_jobs import LENGTH, framed, jobs_of


def _serve(ours: socket.socket) -> None:
    with suppress(OSError), ours.makefile("rb") as frames:
        while len(length := frames.read(LENGTH)) == LENGTH:
            jobs = jobs_of(frames.read(int.from_bytes(length)))
            ours.sendall(framed([job.done() for job in jobs]))


if __name__ == "__main__":
    _serve(socket.socket(fileno=sys.stdin.fileno()))
