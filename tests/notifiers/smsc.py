"""SMS centres for tests, on private ports of loopback: a real one (npm smpp) and one that follows a script."""

import asyncio
import json
import struct
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from enum import Enum
from pathlib import Path
from ssl import SSLContext
from typing import Any

from smpp34 import DeliverSm, SubmitSm, decode

from notifiers.port.contract import BUSY_MACHINE_SECONDS

PROGRAM = Path(__file__).parents[1] / "peers" / "smsc.js"


class RealCentre:
    """The npm server in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.port = 0
        self.events: list[dict[str, Any]] = []
        self._over = False
        self._changed = asyncio.Condition()

    async def listen(self) -> None:
        """Read what it tells, until it ends."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            async with self._changed:
                self.events.append(json.loads(line))
                self._changed.notify_all()
        async with self._changed:
            self._over = True
            self._changed.notify_all()

    async def told(self, what: str, times: int = 1) -> list[Any]:
        """Wait until it has told `what` so often; what it told."""
        async with asyncio.timeout(BUSY_MACHINE_SECONDS), self._changed:
            await self._changed.wait_for(lambda: len(self.of(what)) >= times or self._over)
        assert len(self.of(what)) >= times, "the npm server has ended: is it installed (make services)?"
        return self.of(what)

    def of(self, what: str) -> list[Any]:
        """What it has told of this kind of event."""
        return [event[what] for event in self.events if what in event]

    def control(self, **orders: object) -> None:
        """Have it do something."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(orders).encode() + b"\n")


@asynccontextmanager
async def real_centre(**options: object) -> AsyncIterator[RealCentre]:
    """The npm server with these options, killed at the end."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec("node", PROGRAM, json.dumps(options), stdin=pipe, stdout=pipe)
    centre = RealCentre(process)
    listening = asyncio.create_task(centre.listen())
    try:
        centre.port = (await centre.told("port"))[0]
        yield centre
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await listening
        process._transport.close()  # type: ignore[attr-defined]  # else its pipes are closed by the collector


class Act(Enum):
    """What a scripted centre does instead of answering."""

    IGNORE = "ignore"
    CLOSE = "close"


Answer = int | bytes | Act
_NAMES = {4: "submit", 6: "unbind", 9: "bind", 0x15: "enquire"}


class ScriptedCentre:
    """Answers each command by `script`: one answer for always, or a list whose last one stays.

    An answer is a command_status, raw bytes, or an act. `submits` and `heard` keep what came, `answered` the
    statuses of the answers to what it delivered.
    """

    def __init__(self, script: Mapping[str, Answer | Sequence[Answer]]) -> None:
        standard: dict[str, Answer | Sequence[Answer]] = {"bind": 0, "submit": 0, "enquire": 0, "unbind": 0}
        self._answers = {
            name: [answer] if isinstance(answer, int | bytes | Act) else list(answer)
            for name, answer in (standard | dict(script)).items()
        }
        self.port = 0
        self.submits: list[SubmitSm] = []
        self.heard: list[str] = []
        self.answered: list[tuple[int, int]] = []
        self.left: list[bytes] = []
        self.connections = 0
        self._ids = 0
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: list[asyncio.Task[None] | None] = []
        self._changed = asyncio.Condition()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk to one client until either side has enough."""
        self.connections += 1
        self._writers.append(writer)
        self._tasks.append(asyncio.current_task())
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._converse(reader, writer)
        writer.close()
        await self._tell()

    async def until(self, predicate: Any) -> None:
        """Wait until the predicate holds, looked at after each thing that happens."""
        async with asyncio.timeout(BUSY_MACHINE_SECONDS), self._changed:
            await self._changed.wait_for(predicate)

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        goes_on = True
        while goes_on:
            head = await reader.readexactly(16)
            length, command, status, sequence = struct.unpack(">IIII", head)
            whole = head + await reader.readexactly(length - 16)
            goes_on = self._handle(writer, command, status, sequence, whole)
            await self._tell()
            await writer.drain()

    def _handle(self, writer: asyncio.StreamWriter, command: int, status: int, sequence: int, whole: bytes) -> bool:
        if command & 0x80000000:
            self.answered.append((sequence, status))
            return True
        name = _NAMES[command]
        self.heard.append(name)
        if command == 4:
            submit = decode(whole)
            assert isinstance(submit, SubmitSm)
            self.submits.append(submit)
        answers = self._answers[name]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, bytes):
            writer.write(answer)
        elif isinstance(answer, int):
            writer.write(self.response(command, sequence, answer))
        return answer is not Act.CLOSE

    def response(self, command: int, sequence: int, status: int) -> bytes:
        """The answer to a command; a good one to submit_sm has the next id."""
        body = b""
        if command == 4 and status == 0:
            self._ids += 1
            body = b"%x\0" % self._ids
        if command == 9 and status == 0:
            body = b"smsc\0"
        return struct.pack(">IIII", 16 + len(body), command | 0x80000000, status, sequence) + body

    def say(self, data: bytes) -> None:
        """Send these bytes to the latest client."""
        self._writers[-1].write(data)

    def deliver(self, sequence: int, **fields: Any) -> None:
        """Send a deliver_sm to the latest client."""
        standard: dict[str, Any] = {"source_addr": "77012345678", "destination_addr": "1414", "source_addr_ton": 1}
        self.say(DeliverSm(**(standard | fields), sequence_number=sequence).encode())

    def hang_up(self) -> None:
        """Cut the latest connection."""
        self._writers[-1].transport.abort()

    async def close(self) -> None:
        """Cut every connection, and wait for their conversations to end."""
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*(task for task in self._tasks if task), return_exceptions=True)


@asynccontextmanager
async def scripted_centre(
    tls: SSLContext | None = None, **script: Answer | Sequence[Answer]
) -> AsyncIterator[ScriptedCentre]:
    """A centre that follows `script`."""
    centre = ScriptedCentre(script)
    server = await asyncio.start_server(centre.serve, "127.0.0.1", 0, ssl=tls)
    centre.port = server.sockets[0].getsockname()[1]
    try:
        yield centre
    finally:
        server.close()
        await centre.close()
