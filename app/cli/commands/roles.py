"""habarshy relay, worker, and jobs without a further command: one of several processes, until it is stopped."""

from typing import Annotated

import typer

from app.cli.role_options import RoleOptions
from app.terminal import talk

FromKafka = Annotated[
    bool, typer.Option("--intake", help="Take in events from the topic life-events.in, and plan nothing.")
]


def relay(*, on: RoleOptions) -> None:
    """Relay the log to Kafka; one process is active, others wait to take over."""
    from app.roles.kafka_roles import relay_log  # noqa: PLC0415  (imports that no other command needs)

    settings, health = on.begun("relay")
    relay_log(settings, on.clock, health)
    talk("stopped")


def worker(intake: FromKafka = False, *, on: RoleOptions) -> None:
    """Plan what arrives through Kafka; any number of workers share the load."""
    from app.roles.kafka_roles import plan_woken, take_in  # noqa: PLC0415  (a second of imports that no other command needs)

    settings, health = on.begun("intake" if intake else "worker")
    (take_in if intake else plan_woken)(settings, on.clock, health)
    talk("stopped")


def jobs(context: typer.Context, *, on: RoleOptions) -> None:
    """Work at long jobs until it is stopped; any number of processes share them. Or list, confirm, pause … one."""
    if context.invoked_subcommand is not None:
        return
    from app.roles.job_role import work_at_jobs  # noqa: PLC0415  (a second of imports that its commands do not need)

    settings, health = on.begun("jobs")
    work_at_jobs(settings, on.clock, health)
    talk("stopped")
