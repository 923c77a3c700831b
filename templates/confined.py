"""A child process that answers questions under limits: whatever a question does to it, its parent lives on."""

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

from msgspec import Struct

from templates.confined_child import LARGEST_ANSWER, OUT_OF_MEMORY

OURS = str(Path(__file__).resolve().parents[1])
"""Where our packages are; nothing else leads a child to code: the folder we are run in is a stranger's."""


class Limits(Struct, frozen=True):
    """What a child may take: bytes of address space in all; for one answer, seconds of work and seconds in all."""

    memory: int = 768 * 1024 * 1024
    work: int = 2
    wait: int = 20


class Died(Exception):
    """The child {reason}. Look at what it was asked; the next question goes to a new child."""

    def __init__(self, reason: str) -> None:
        super().__init__((type(self).__doc__ or "").format(reason=reason))
        self.reason = reason


class Confined:
    """Asks a child one question at a time, and starts another after one that died.

    `module`: what the child runs, which calls `confined_child.serve`; `opening`: what each child is told first. The
    child gets no variable of our environment but the way to the code, and may write no file. Entering it raises Died
    where the opening alone is too much.
    """

    def __init__(self, module: str, opening: object, limits: Limits) -> None:
        self._module, self._opening, self._limits = module, opening, limits
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._child = self._start()
        self._told(self._child, self._opening)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def ask(self, question: object) -> Any:  # noqa: ANN401  (plain data)
        """The answer, plain data.

        Raises:
            Died: there is none.
        """
        if self._child is None:
            self._child = self._start()
            self._told(self._child, self._opening)
        return self._told(self._child, question)

    def _start(self) -> "subprocess.Popen[bytes]":
        limits = (str(self._limits.memory), str(self._limits.work))
        return subprocess.Popen(  # noqa: S603  (our own interpreter and module)
            [sys.executable, "-P", "-m", self._module, *limits], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, cwd="/", env={"PYTHONPATH": OURS, "PYTHONUTF8": "1"},
        )  # fmt: skip

    def _told(self, child: "subprocess.Popen[bytes]", said: object) -> Any:  # noqa: ANN401  (plain data)
        to, answers = cast("IO[bytes]", child.stdin), cast("IO[bytes]", child.stdout)
        late = False
        try:
            to.write(json.dumps(said).encode() + b"\n")
            to.flush()
            late = not select.select([answers], [], [], self._limits.wait)[0]
        except BrokenPipeError:  # it is dead already
            pass
        answer = b"" if late else os.read(answers.fileno(), LARGEST_ANSWER)
        if not answer.endswith(b"\n"):
            raise Died(self._reason(late=late))
        return json.loads(answer)

    def _end(self) -> int:
        """Its exit code, or the signal that ended it, negative; a child that does not end by itself is made to."""
        child, self._child = self._child, None
        if child is None:
            return 0
        cast("IO[bytes]", child.stdin).close()
        try:
            code = child.wait(timeout=1)
        except subprocess.TimeoutExpired:
            child.kill()
            code = child.wait()
        cast("IO[bytes]", child.stdout).close()
        return code

    def _reason(self, *, late: bool) -> str:
        code = self._end()
        if late or code == -signal.SIGXCPU:
            return f"took longer than {self._limits.wait if late else self._limits.work} seconds"
        if code in (OUT_OF_MEMORY, -signal.SIGKILL):  # killed by the system, when the machine itself has no more
            return f"took more than {self._limits.memory // 1024 // 1024} MB of memory"
        return "was brought down"
