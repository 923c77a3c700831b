"""Providers that run in Node, each a process of its own on a free port of loopback."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

PEERS = Path(__file__).parents[1] / "peers"
_PATIENCE = 60


@asynccontextmanager
async def node(script: str, *arguments: str, at: datetime | None = None) -> AsyncIterator[int]:
    """The port on which this script of `tests/peers` listens; the process ends with the context.

    `at`: the time at which it checks what was signed, instead of the machine's.
    """
    standing = ("-r", str(PEERS / "calendar.js")) if at else ()
    environment = os.environ | ({"PEER_TIME": f"{at.timestamp() * 1000:.0f}"} if at else {})
    process = await asyncio.create_subprocess_exec(
        "node",
        "-r",
        str(PEERS / "loopback.js"),
        *standing,
        str(PEERS / script),
        *arguments,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_PATIENCE):
            while not (line := await process.stdout.readline()).startswith(b"listening "):
                assert line, f"{script} ended before it listened"
        yield int(line.split()[1])
    finally:
        process.kill()
        await process.communicate()
