"""habarshy worker: plans whom records wake, or takes in the events of registries."""

from typing import Annotated

import typer

from app.options import ClockTime, DatabaseUrl, KeyFile, clock_of, settings_of
from app.terminal import talk

FromKafka = Annotated[
    bool, typer.Option("--intake", help="Take in events from the topic life-events.in, and plan nothing.")
]


def worker(
    intake: FromKafka = False, clock: ClockTime = None, database: DatabaseUrl = None, key_file: KeyFile = None
) -> None:
    """Work on what comes through Kafka; as many as needed share the work."""
    from app.working import take_in, work  # noqa: PLC0415  (a second of imports that no other command needs)

    settings = settings_of(database, key_file)
    (take_in if intake else work)(settings, clock_of(clock))
    talk("stopped")
