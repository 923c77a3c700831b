"""habarshy worker: plans whom records wake, or takes in the events of registries."""

from typing import Annotated

import typer

from app.cli.platform_options import TimedOptions
from app.logs import begin
from app.roles.sockets import HealthHost, HealthPort, health_listener
from app.terminal import talk

FromKafka = Annotated[
    bool, typer.Option("--intake", help="Take in events from the topic life-events.in, and plan nothing.")
]


def worker(
    intake: FromKafka = False,
    health_port: HealthPort = None,
    health_host: HealthHost = "127.0.0.1",
    *,
    on: TimedOptions,
) -> None:
    """Plan what arrives through Kafka; any number of workers share the load."""
    from app.roles.kafka_roles import plan_woken, take_in  # noqa: PLC0415  (a second of imports that no other command needs)

    role = take_in if intake else plan_woken
    settings = on.settings
    begin("intake" if intake else "worker", settings)
    role(settings, on.clock, health_listener(health_host, health_port))
    talk("stopped")
