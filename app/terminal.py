"""What the commands share: data to stdout, talk to stderr, exit codes."""

import os
import sys
from enum import IntEnum
from typing import Any, NoReturn

import msgspec

_encode = msgspec.json.Encoder(enc_hook=str).encode


class Exit(IntEnum):
    """The exit codes (docs/cli.md)."""

    OK = 0
    CHECK_FAILED = 1
    USAGE = 2
    UNAVAILABLE = 3
    NOT_ALLOWED = 4
    DECLINED = 5


def data(line: str) -> None:
    """One line of what was asked for, to stdout; whoever has seen enough of it may leave."""
    try:
        sys.stdout.write(line + "\n")
    except BrokenPipeError:
        leave_quietly()


def leave_quietly() -> NoReturn:
    """End well, because nobody reads on."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(int(Exit.OK))


def data_json(value: Any) -> None:  # noqa: ANN401  (anything that JSON can say)
    """One compact JSON object, to stdout."""
    data(_encode(value).decode())


def talk(line: str) -> None:
    """One line for the person at the terminal, to stderr."""
    sys.stderr.write(line + "\n")


def stop(code: Exit, line: str) -> NoReturn:
    """Say why, and end with that code."""
    talk(line)
    raise SystemExit(int(code))
