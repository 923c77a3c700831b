"""habarshy simulate: a seeded population."""

from typing import Annotated

import typer

from app.moments import day_of
from app.simulation.population import EmptySpan, simulate
from app.terminal import Exit, print_json, stop

Citizens = Annotated[int, typer.Option(min=1, help="The number of people at the start.")]
Seed = Annotated[int, typer.Option(help="The random seed; the same seed gives the same people.")]
From = Annotated[str, typer.Option("--from", metavar="DATE", help="The first day.")]
To = Annotated[str, typer.Option("--to", metavar="DATE", help="The day after the last day.")]


def simulate_command(
    citizens: Citizens = 200, seed: Seed = 1, start: From = "2025-01-01", end: To = "2026-01-01"
) -> None:
    """Write the life events of a simulated population, as NDJSON of CloudEvents."""
    try:
        events = simulate(citizens, seed, day_of(start, "--from"), day_of(end, "--to"))
    except EmptySpan:
        stop(Exit.USAGE, f"--to: {end} is not after --from {start}, so nobody lives a day between them")
    for event in events:
        print_json(event)
