import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator

import pytest

from notifiers.sealers import Job, Sealer
from notifiers.sealing import octets
from tests.notifiers.browsers import Browser

BROWSER = Browser()
PARENT = """
import asyncio
from notifiers.sealers import Sealer

async def main():
    sealer = Sealer()
    await sealer.ready()
    print("ready", flush=True)
    await asyncio.Event().wait()

if __name__ == "__main__":
    asyncio.run(main())
"""


def job(number: int) -> Job:
    """Words for the browser."""
    return Job(b'{"body":"%d","rest":"%b"}' % (number, b"x" * 3900), octets(BROWSER.key.public_key()), BROWSER.auth)


@pytest.fixture
async def sealer() -> AsyncIterator[Sealer]:
    """A process that works."""
    made = Sealer(patience=0.3)
    await made.ready()
    yield made
    await made.aclose()


async def read(sealer: Sealer, count: int) -> list[str]:
    """What the browser reads of so many jobs, given at once."""
    bodies = await asyncio.gather(*(sealer.sealed(job(number)) for number in range(count)))
    return [BROWSER.read(body)["body"] for body in bodies]


async def test_each_gets_its_own(sealer: Sealer) -> None:
    """However many jobs come at once, each comes back to who gave it."""
    assert await read(sealer, 600) == [str(number) for number in range(600)]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
async def test_the_work_goes_on_without_it(sealer: Sealer, how: signal.Signals) -> None:
    """When the process dies or hangs, nothing is lost and nobody waits longer than its patience."""
    assert sealer._process.pid
    os.kill(sealer._process.pid, how)
    async with asyncio.timeout(60):
        for _ in range(2):
            assert await read(sealer, 300) == [str(number) for number in range(300)]


async def test_a_cancelled_message_holds_nobody(sealer: Sealer) -> None:
    """A job whose message is cancelled is dropped, and the others come back."""
    first = asyncio.create_task(sealer.sealed(job(1)))
    others = asyncio.create_task(read(sealer, 3))
    await asyncio.sleep(0)
    first.cancel()
    assert await others == ["0", "1", "2"]


async def test_after_closing_it_works_in_ours() -> None:
    """A job that comes after closing is done nevertheless."""
    sealer = Sealer()
    await sealer.aclose()
    assert await read(sealer, 2) == ["0", "1"]
    assert not sealer._process.is_alive()


async def test_it_ends_with_its_parent() -> None:
    """A platform that is killed leaves no process behind."""
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", PARENT, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    async with asyncio.timeout(60):
        assert await parent.stdout.readline() == b"ready\n"
        parent.kill()
        assert await parent.stdout.read() == b""  # the end: whoever inherited the pipe has ended too
        await parent.wait()


async def test_a_key_that_is_none_fails_alone(sealer: Sealer) -> None:
    """A point off the curve is refused, and what was handed over with it is done."""
    good, bad = job(1), job(2)._replace(point=b"\x04" + b"\x01" * 64)
    outcomes = await asyncio.gather(
        sealer.sealed(good), sealer.sealed(bad), sealer.sealed(good), return_exceptions=True
    )
    assert [type(each) for each in outcomes] == [bytes, ValueError, bytes]
