import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator

import pytest

from notifiers.push.sealer_jobs import Job
from notifiers.push.sealers import Sealers
from notifiers.push.sealing import octets
from tests.notifiers.browsers import Browser

BROWSER = Browser()
PARENT = """
import asyncio
import uvloop
from notifiers.push.sealers import Sealers

async def main():
    sealers = Sealers(2)
    await sealers.start()
    print(*sealers.pids, flush=True)
    await asyncio.Event().wait()

uvloop.run(main())
"""


def job(number: int) -> Job:
    """Words for the browser."""
    return Job(b'{"body":"%d","rest":"%b"}' % (number, b"x" * 3900), octets(BROWSER.key.public_key()), BROWSER.auth)


@pytest.fixture
async def sealers() -> AsyncIterator[Sealers]:
    """Two that work, and are soon given up."""
    made = Sealers(2, patience=0.3)
    await made.start()
    yield made
    await made.aclose()


async def read(sealers: Sealers, count: int) -> list[str]:
    """What the browser reads of so many jobs, given at once."""
    bodies = await asyncio.gather(*(sealers.sealed(job(number)) for number in range(count)))
    return [BROWSER.read(body)["body"] for body in bodies]


async def test_each_gets_its_own(sealers: Sealers) -> None:
    """However many jobs come at once, each comes back to who gave it."""
    assert await read(sealers, 600) == [str(number) for number in range(600)]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
@pytest.mark.parametrize("many", [1, 2])
async def test_the_work_goes_on_without_them(sealers: Sealers, how: signal.Signals, many: int) -> None:
    """When one or all of the processes die or hang, nothing is lost and nobody waits longer than their patience."""
    gone = sealers.pids[:many]
    for pid in gone:
        os.kill(pid, how)
    async with asyncio.timeout(60):
        for _ in range(2):
            assert await read(sealers, 300) == [str(number) for number in range(300)]
    assert len(gone) == many
    assert set(gone).isdisjoint(sealers.pids)


async def test_one_killed_at_its_work_loses_none_of_it(sealers: Sealers) -> None:
    """What a process had been given and not done when it was killed is done nevertheless."""
    reading = asyncio.create_task(read(sealers, 600))
    await asyncio.sleep(0)  # the jobs are given
    await asyncio.sleep(0)  # and handed over
    os.kill(sealers.pids[0], signal.SIGKILL)
    assert await reading == [str(number) for number in range(600)]


async def test_a_cancelled_message_holds_nobody(sealers: Sealers) -> None:
    """A job whose message is cancelled is dropped, and the others come back."""
    first = asyncio.create_task(sealers.sealed(job(1)))
    others = asyncio.create_task(read(sealers, 3))
    await asyncio.sleep(0)
    first.cancel()
    assert await others == ["0", "1", "2"]


async def test_after_closing_it_works_in_ours() -> None:
    """A job that comes after closing, or before the start, is done nevertheless, and no process is left."""
    sealers = Sealers(2)
    assert await read(sealers, 2) == ["0", "1"]
    await sealers.start()
    pids = sealers.pids
    await sealers.aclose()
    assert await read(sealers, 2) == ["0", "1"]
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_they_end_with_their_parent() -> None:
    """A platform that is killed leaves no process behind."""
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", PARENT, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    async with asyncio.timeout(60):
        pids = [int(word) for word in (await parent.stdout.readline()).split()]
        ends = [ended(pid) for pid in pids]
        parent.kill()
        await asyncio.gather(*ends, parent.wait())
    assert len(pids) == 2


def ended(pid: int) -> asyncio.Future[None]:
    """Done once that process has ended, whosever child it is."""
    loop, file = asyncio.get_running_loop(), os.pidfd_open(pid)
    end: asyncio.Future[None] = loop.create_future()

    def note() -> None:
        loop.remove_reader(file)
        os.close(file)
        end.set_result(None)

    loop.add_reader(file, note)
    return end


async def test_a_key_that_is_none_fails_alone(sealers: Sealers) -> None:
    """A point off the curve is refused, and what was handed over with it is done."""
    good, bad = job(1), job(2)._replace(point=b"\x04" + b"\x01" * 64)
    outcomes = await asyncio.gather(
        sealers.sealed(good), sealers.sealed(bad), sealers.sealed(good), return_exceptions=True
    )
    assert [type(each) for each in outcomes] == [bytes, ValueError, bytes]
