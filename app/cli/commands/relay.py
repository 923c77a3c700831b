"""habarshy relay: tells Kafka whom each event woke."""

from app.cli.options import ClockTime, DatabaseUrl, KeyFile, clock_of
from app.logs import begin
from app.roles.sockets import HealthHost, HealthPort, health_listener
from app.settings import settings_of
from app.terminal import talk


def relay(
    health_port: HealthPort = None,
    health_host: HealthHost = "127.0.0.1",
    clock: ClockTime = None,
    database: DatabaseUrl = None,
    key_file: KeyFile = None,
) -> None:
    """Relay the log to Kafka; one process is active, others wait to take over."""
    from app.roles.kafka_roles import relay_log  # noqa: PLC0415  (imports that no other command needs)

    settings = settings_of(database, key_file)
    begin("relay", settings)
    relay_log(settings, clock_of(clock), health_listener(health_host, health_port))
    talk("stopped")
