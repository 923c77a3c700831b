"""The options of a long-running role."""

import socket
from typing import Annotated

import typer

from app.cli.platform_options import TimedOptions
from app.logs import configure_logging
from app.roles.sockets import health_listener
from app.settings import Settings


class RoleOptions(TimedOptions, frozen=True):
    """The options of a role: its platform, its time, and where it answers about its health."""

    health_port: Annotated[
        int | None,
        typer.Option(
            "--health-port",
            min=0,
            max=65535,
            help="Answer /livez, /readyz, /health and /metrics here; 0: any free port.",
        ),
    ] = None
    health_host: Annotated[
        str, typer.Option("--health-host", help="The address of the health port; by default this machine only.")
    ] = "127.0.0.1"

    def begun(self, role: str) -> tuple[Settings, socket.socket | None]:
        """Log as the settings say; return these, and the open socket of the health port, if there is to be one."""
        settings = self.settings
        configure_logging(role, settings)
        return settings, health_listener(self.health_host, self.health_port)
