"""Ports of loopback that are chosen before somebody listens there, and that nobody else gets meanwhile."""

from contextlib import ExitStack
from socket import SO_REUSEADDR, SO_REUSEPORT, SOL_SOCKET, socket


def kept_port() -> socket:
    """A port that stays ours although nobody listens there yet, or any more, until this socket is closed.

    Whoever says that addresses may be reused, as all servers do, can listen there beside it. The system gives it to
    nobody who asks for any port, neither to listen nor to call from; who calls it while nobody listens is refused.
    """
    kept = socket()
    for option in (SO_REUSEADDR, SO_REUSEPORT):
        kept.setsockopt(SOL_SOCKET, option, 1)
    kept.bind(("127.0.0.1", 0))
    return kept


def kept_ports(count: int, stack: ExitStack) -> list[int]:
    """The numbers of so many, which are let go of with the stack."""
    return [int(stack.enter_context(kept_port()).getsockname()[1]) for _ in range(count)]
