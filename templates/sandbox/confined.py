"""A child process that answers questions under limits: whatever a question does to it, its parent lives on."""

import json
import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import IO, Any, Self, cast

import msgspec
from msgspec import Struct

from domain.core.plain import PlainData
from domain.core.translatable import N_, Said, Words
from templates.sandbox.confined_child import OUT_OF_MEMORY, TOO_LONG

CODE_FOLDER = str(Path(__file__).resolve().parents[2])
"""The folder of our packages, the child's only way to code: the current folder may be a stranger's."""
_AT_ONCE = 65536
"""Bytes that are read from a child in one go."""


class Limits(Struct, frozen=True):
    """The limits of a child: bytes of address space; for one answer, seconds of CPU (`work`) and of time (`wait`).

    `answer`: bytes that an answer may have.
    """

    memory: int = 768 * 1024 * 1024
    work: int = 2
    wait: int = 60
    answer: int = 4096


TOO_SLOW = N_("took longer than {most} seconds")


class ChildDied(Exception):
    """Raised when a confined child ended or was killed before it answered."""

    def __init__(self, reason: Said) -> None:
        super().__init__(f"The child {reason}. Look at what it was asked; the next question goes to a new child.")
        self.reason = reason


class _TimedOut(Exception):
    """The child took no more or said nothing by the deadline; it is to be ended."""


class Confined:
    """Asks a child one question at a time, and starts another after one that died.

    `module`: what the child runs, which calls `confined_child.serve`; `opening`: what each child is told first. The
    child gets no variable of our environment but the way to the code, may write no file, and whatever it began ends
    with it, unless that left its session. It runs as the same user, so native code in it could read what that user
    can and reach the network: the limits are against time, memory and output, not against such code. Entering it
    raises ChildDied where the opening alone is too much.
    """

    def __init__(self, module: str, opening: object, limits: Limits) -> None:
        self._module, self._opening, self._limits = module, opening, limits
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def ask(self, question: object, kind: PlainData = PlainData) -> PlainData:
        """Return the answer, plain data of that kind, as msgspec understands types.

        Raises:
            ChildDied: there is none.
        """
        return self._answer_of(self._child or self._start(), question, kind)

    def _start(self) -> "subprocess.Popen[bytes]":
        limits = map(str, (self._limits.memory, self._limits.work, self._limits.answer))
        child = subprocess.Popen(  # noqa: S603  (our own interpreter and module)
            [sys.executable, "-P", "-m", self._module, *limits],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={"PYTHONPATH": CODE_FOLDER, "PYTHONUTF8": "1"},
            bufsize=0,
            start_new_session=True,
        )
        os.set_blocking(cast("IO[bytes]", child.stdin).fileno(), False)
        self._child = child
        self._answer_of(child, self._opening, Any)
        return child

    def _answer_of(self, child: "subprocess.Popen[bytes]", said: object, kind: PlainData) -> PlainData:
        try:
            answer = self._exchanged(child, json.dumps(said).encode() + b"\n", monotonic() + self._limits.wait)
        except _TimedOut:
            self.end()
            raise ChildDied(Words(TOO_SLOW, most=self._limits.wait)) from None
        if not answer.endswith(b"\n"):
            raise ChildDied(self._reason(self.end()))
        try:
            return msgspec.json.decode(answer, type=kind)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            self.end()
            raise ChildDied(Said("gave an answer that nobody can read")) from None

    def _exchanged(self, child: "subprocess.Popen[bytes]", line: bytes, until: float) -> bytes:
        """Return the child's answer to a line, all by the same deadline: it may stop reading as well as answering."""
        to, answers = cast("IO[bytes]", child.stdin).fileno(), cast("IO[bytes]", child.stdout).fileno()
        left = memoryview(line)
        try:
            while left:
                _wait(to, select.POLLOUT, until)
                left = left[os.write(to, left) :]
        except BrokenPipeError:  # it is dead already
            pass
        answer = bytearray()
        while not answer.endswith(b"\n") and len(answer) <= self._limits.answer:
            _wait(answers, select.POLLIN, until)
            if not (more := os.read(answers, _AT_ONCE)):
                break
            answer += more
        return bytes(answer)

    def end(self) -> int | None:
        """End the child and whatever it began: its exit code, or the signal that ended it, negative.

        None where it had to be made to end.
        """
        child, self._child = self._child, None
        if child is None:
            return None
        cast("IO[bytes]", child.stdin).close()
        code = None
        with suppress(subprocess.TimeoutExpired):
            code = child.wait(timeout=1)
        with suppress(ProcessLookupError):  # nobody is left
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        cast("IO[bytes]", child.stdout).close()
        return code

    def _reason(self, code: int | None) -> Said:
        if code == -signal.SIGXCPU:
            return Words(TOO_SLOW, most=self._limits.work)
        if code in (OUT_OF_MEMORY, -signal.SIGKILL):  # killed by the system, when the machine itself has no more
            return Words("took more than {most} MB of memory", most=self._limits.memory // 1024 // 1024)
        if code == TOO_LONG:
            return Words("gave an answer of more than {most} kB", most=self._limits.answer // 1024)
        return Said("was brought down")


def _wait(pipe: int, ready_for: int, until: float) -> None:
    """Wait until the pipe is ready or its other end closed. Raises _Late where it was neither in time."""
    poll = select.poll()
    poll.register(pipe, ready_for)
    if not poll.poll(max(0, until - monotonic()) * 1000):
        raise _TimedOut
