"""habarshy api: registries report events over HTTP, citizens stop messages."""

import ipaddress
import signal
import socket
from typing import Annotated

import typer

from app.cli.role_options import RoleOptions
from app.compose import compose
from app.roles.lifecycle import compose_when_available, on_sqlite
from app.roles.sockets import BACKLOG, listen
from app.terminal import talk

Host = Annotated[str, typer.Option("--host", help="The address to listen on; by default this machine only.")]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="The port to listen on; 0 takes a free one.")]


def api(host: Host = "127.0.0.1", port: Port = 8000, *, on: RoleOptions) -> None:
    """Serve the HTTP API and the pages; `habarshy principals add` makes the keys of registries."""
    import uvicorn  # noqa: PLC0415  (a second of imports that no other command needs)
    from prometheus_client import CollectorRegistry  # noqa: PLC0415  (the same)
    from uvicorn.config import LOGGING_CONFIG  # noqa: PLC0415  (the same)

    from app.http.role import GRACE, ServedRole, serving_health  # noqa: PLC0415  (the same)
    from app.server import application  # noqa: PLC0415  (the same)

    settings, health = on.begun("api")
    platform = (compose if on_sqlite(settings) else compose_when_available)(settings, on.clock)
    listener = listen(host, port)
    registry = CollectorRegistry()
    config = uvicorn.Config(
        application(platform, registry),
        log_level="warning",
        access_log=False,  # a path may hold the secret of a stop link
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=GRACE,
        log_config=None if settings.log_format == "json" else LOGGING_CONFIG,
        forwarded_allow_ips=settings.proxies,
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end the same way as by Ctrl-C, and close the database
    _announce(host, listener)
    try:
        with serving_health(
            ServedRole("api", platform, registry=registry, collectors=[platform.intake.accepted]), health
        ):
            uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        talk("stopped")
    finally:
        platform.database.close()


def _announce(host: str, listener: socket.socket) -> None:
    shown = f"[{host}]" if ":" in host else host
    talk(f"listening on http://{shown}:{listener.getsockname()[1]}; Ctrl-C stops")
    if not _only_here(host):
        talk("keys and pages go over this address in clear; put a proxy with TLS before it")


def _only_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
