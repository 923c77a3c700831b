"""habarshy demo: a family and an invented population live a year in a minute."""

import asyncio
import signal
import sys
from typing import Annotated

import typer
import uvloop

from app.terminal import Exit, print_line, stop, talk

Citizens = Annotated[int, typer.Option(min=1, max=5000, help="The number of people at the start.")]
Seed = Annotated[int, typer.Option(help="The random seed; the same seed gives the same people.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="The port of the page; 0 takes a free one.")]
Keep = Annotated[bool, typer.Option("--keep", help="Keep the database and its keys afterwards.")]
Fast = Annotated[bool, typer.Option("--fast", help="Play the year as fast as possible.")]
UntilDone = Annotated[bool, typer.Option("--until-done", help="Exit at the end of the year.")]

A_MINUTE = 60.0


def demo(
    citizens: Citizens = 200,
    seed: Seed = 5,
    port: Port = 0,
    keep: Keep = False,
    fast: Fast = False,
    until_done: UntilDone = False,
) -> None:
    """Run a simulated year in a minute and show it in the browser; sends nothing and needs no configuration."""
    from app.demo.show import Options, PortTaken, run_demo  # noqa: PLC0415  (the web server loads only where it is used)

    options = Options(
        citizens=citizens, seed=seed, port=port, keep=keep, seconds=0.0 if fast else A_MINUTE, until_done=until_done
    )

    async def run() -> None:
        stopped = asyncio.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(name, stopped.set)
        await run_demo(options, _announce, talk, stopped)

    try:
        uvloop.run(run())
    except PortTaken as taken:
        stop(Exit.UNAVAILABLE, str(taken))


def _announce(url: str) -> None:
    print_line(url)
    sys.stdout.flush()  # whoever reads our output must not wait for more of it
