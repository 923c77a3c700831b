"""A confined child without any whitelist: what a hole in the checks would let through, run by tests."""

import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from jinja2 import ChainableUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from templates.sandbox.confined_child import serve
from templates.words.compiled_texts import BadWords, PlainText


def answer(question: Mapping[str, Any]) -> object:
    """What became of a text or a misdeed; without either, the names in the environment."""
    for name, misdeed in MISDEEDS.items():
        if name in question:
            return misdeed(question[name])
    if "text" not in question:
        return sorted(os.environ)
    environment = ImmutableSandboxedEnvironment(undefined=ChainableUndefined)
    environment.filters |= {"date": str, "money": str}
    try:
        PlainText(environment.from_string(question["text"]).generate, "").render({})
    except BadWords as bad:
        return [bad.variable, bad.problem]
    return None


def _written(path: Path) -> str:
    try:
        path.write_text("mine")
    except OSError as error:
        return type(error).__name__
    return "written"


def _said(answer: str) -> NoReturn:
    """Say that as an answer, and read no more until the alarm, so that no test waits for ever."""
    os.write(1, answer.encode())
    signal.alarm(PATIENCE)
    while True:
        signal.pause()


def _forked(fifo: str) -> str:
    """Begin a process that holds the fifo open."""
    held = os.open(fifo, os.O_WRONLY)
    try:
        if os.fork() == 0:
            signal.alarm(PATIENCE)
            signal.pause()
    except OSError as error:
        return type(error).__name__
    os.close(held)
    return "forked"


def _opened(files: int) -> str:
    try:
        for _ in range(files):
            os.dup(0)
    except OSError as error:
        return type(error).__name__
    return "opened"


PATIENCE = 240
"""Seconds."""
MISDEEDS: Mapping[str, Callable[[Any], object]] = {
    "write": lambda path: _written(Path(path)),
    "say": _said,
    "fork": _forked,
    "open": _opened,
}


if __name__ == "__main__":
    serve(lambda _: answer)
