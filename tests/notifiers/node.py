"""Providers that run in Node, each a process of its own on a free port of loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

PEERS = Path(__file__).parents[1] / "peers"
_PATIENCE = 60


@asynccontextmanager
async def node(script: str, *arguments: str) -> AsyncIterator[int]:
    """The port on which this script of `tests/peers` listens; the process ends with the context."""
    process = await asyncio.create_subprocess_exec(
        "node", "-r", str(PEERS / "loopback.js"), str(PEERS / script), *arguments, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_PATIENCE):
            while not (line := await process.stdout.readline()).startswith(b"listening "):
                assert line, f"{script} ended before it listened"
        yield int(line.split()[1])
    finally:
        process.kill()
        await process.communicate()
