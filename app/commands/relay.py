"""habarshy relay: tells Kafka whom each event woke."""

from app.options import ClockTime, DatabaseUrl, KeyFile, clock_of, settings_of
from app.terminal import talk


def relay(clock: ClockTime = None, database: DatabaseUrl = None, key_file: KeyFile = None) -> None:
    """Relay the log to Kafka. One is active; others wait, and one of them takes over."""
    from app.roles import composed, stopping, topics_of  # noqa: PLC0415  (drivers that other commands do not need)
    from streams.relay import Relay  # noqa: PLC0415  (the same)

    settings = settings_of(database, key_file)
    topics = topics_of(settings)
    platform = composed(settings, clock_of(clock))
    role = Relay(platform.database, platform.names, topics, platform.clock, talk)
    with stopping(role.stop):
        role.run()
    platform.database.close()
    talk("stopped")
