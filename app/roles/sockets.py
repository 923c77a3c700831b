"""Sockets that are opened before anything else is done, so that a port that is taken stops the start."""

import socket

from app.terminal import Exit, stop, talk

BACKLOG = 2048


def listen(host: str, port: int, option: str = "--port") -> socket.socket:
    """Return the open socket; `option` is what chose the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        stop(Exit.UNAVAILABLE, f"cannot listen on {host} port {port}: {error.strerror}; choose another with {option}")


def health_listener(host: str, port: int | None) -> socket.socket | None:
    """Return the open socket of the health port, if there is to be one."""
    if port is None:
        return None
    listener = listen(host, port, "--health-port")
    talk(f"health on http://{host}:{listener.getsockname()[1]}")
    return listener
