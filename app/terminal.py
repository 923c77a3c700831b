"""What the commands share: data to stdout, talk to stderr, exit codes."""

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
    """One line of what was asked for, to stdout."""
    sys.stdout.write(line + "\n")


def data_json(value: Any) -> None:  # noqa: ANN401  (anything that JSON can say)
    """One compact JSON object, to stdout."""
    sys.stdout.write(_encode(value).decode() + "\n")


def talk(line: str) -> None:
    """One line for the person at the terminal, to stderr."""
    sys.stderr.write(line + "\n")


def stop(code: Exit, line: str) -> NoReturn:
    """Say why, and end with that code."""
    talk(line)
    raise SystemExit(int(code))
