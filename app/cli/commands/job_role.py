"""habarshy jobs, without a further command: work at long jobs, one of any number of processes."""

import typer

from app.cli.platform_options import TimedOptions
from app.logs import begin
from app.roles.sockets import HealthHost, HealthPort, health_listener
from app.terminal import talk


def jobs(
    context: typer.Context, health_port: HealthPort = None, health_host: HealthHost = "127.0.0.1", *, on: TimedOptions
) -> None:
    """Work at long jobs until it is stopped; any number of processes share them. Or list, confirm, pause … one."""
    if context.invoked_subcommand is not None:
        return
    from app.roles.job_role import work_at_jobs  # noqa: PLC0415  (a second of imports that its commands do not need)

    settings = on.settings
    begin("jobs", settings)
    work_at_jobs(settings, on.clock, health_listener(health_host, health_port))
    talk("stopped")
