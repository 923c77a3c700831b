"""habarshy relay: tells Kafka whom each event woke."""

from app.cli.platform_options import TimedOptions
from app.logs import begin
from app.roles.sockets import HealthHost, HealthPort, health_listener
from app.terminal import talk


def relay(health_port: HealthPort = None, health_host: HealthHost = "127.0.0.1", *, on: TimedOptions) -> None:
    """Relay the log to Kafka; one process is active, others wait to take over."""
    from app.roles.kafka_roles import relay_log  # noqa: PLC0415  (imports that no other command needs)

    settings = on.settings
    begin("relay", settings)
    relay_log(settings, on.clock, health_listener(health_host, health_port))
    talk("stopped")
