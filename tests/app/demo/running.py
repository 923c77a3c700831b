"""A demo in the test's own process, from the end of its year on."""

import asyncio
import queue
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx2
from msgspec import Struct

from app.clock import fixed
from app.compose import Platform, compose
from app.demo.show import END, Options, run_demo
from app.identity.key_file import load_keyring
from app.settings import Settings

PATIENCE = 120.0
OVER = "The year is over. The page stays until Ctrl-C."


class Lived(Struct, frozen=True):
    """A demo whose year is over: a client for its pages, its data, and what it said."""

    client: httpx2.Client
    platform: Platform
    announced: list[str]


@contextmanager
def running(options: Options) -> Iterator[list[str]]:
    """The demo in a thread of its own, from the end of its year until the block is left; gives what it announced."""
    said: queue.Queue[str] = queue.Queue()
    announced: list[str] = []
    loop, stopped = asyncio.new_event_loop(), asyncio.Event()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(run_demo(options, announced.append, said.put, stopped))

    with ThreadPoolExecutor(max_workers=1) as pool:
        ended = pool.submit(run)
        ended.add_done_callback(lambda _: said.put(OVER))
        while said.get(timeout=PATIENCE) != OVER:
            pass
        if ended.done():
            ended.result()
        try:
            yield announced
        finally:
            loop.call_soon_threadsafe(stopped.set)


def reopened(folder: Path) -> Platform:
    """The platform on what a demo has kept in that folder."""
    (home,) = folder.iterdir()
    settings = Settings.model_construct(database=f"sqlite:///{home / 'habarshy.sqlite'}")
    return compose(settings, fixed(END), load_keyring(home / "key", create=False))
