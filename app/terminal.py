"""Output of the commands: data to stdout, messages to stderr, exit codes."""

import codecs
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import IntEnum
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn, TextIO

import msgspec

from app.identity import private_files
from app.visible import escaped, visible
from domain.core.plain import PlainData
from streams.storage.severity import Failed, Warned

TALK = "habarshy.role"
_LEVELS: Mapping[type[str], int] = {Failed: logging.ERROR, Warned: logging.WARNING}
_encode = msgspec.json.Encoder(enc_hook=str).encode


class Exit(IntEnum):
    """The exit codes (docs/cli.md)."""

    OK = 0
    CHECK_FAILED = 1
    USAGE = 2
    UNAVAILABLE = 3
    NOT_ALLOWED = 4
    DECLINED = 5
    DEFECT = 70  # EX_SOFTWARE of sysexits.h: a worker ends with it by itself (streams/kafka/worker.py)
    TRY_AGAIN = 75  # EX_TEMPFAIL of sysexits.h: a mail server keeps what it piped, and comes again


def open_standard() -> None:
    """Have standard output and errors take everything.

    Where a supervisor closed one nobody reads it, and no other file takes its place. What the terminal has no letters
    for is escaped, as JSON does it.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        codecs.register_error("as-json", _escaped)
        sys.stdout.reconfigure(errors="as-json")
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  (until the end)


def _escaped(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return escaped(error.object[error.start : error.end]), error.end


def print_line(line: str) -> None:
    """Write a line of output to stdout; end quietly where its reader has gone."""
    with handling_output_errors():
        sys.stdout.write(visible(line) + "\n")


def counted(count: int, one: str, several: str = "") -> str:
    """Return a count with its word: "1 trigger", "2 triggers"; `several` where that is not the word with an s."""
    return f"{count:,} {one if count == 1 else several or one + 's'}"


def in_red(line: str, stream: TextIO) -> str:
    """Return the line in bold red where the stream is a terminal, unless NO_COLOR is set (no-color.org)."""
    return f"\x1b[1;31m{line}\x1b[0m" if stream.isatty() and not os.environ.get("NO_COLOR") else line


def write_file(file: Path, text: str, option: str) -> None:
    """Write the file of an option, whole or not at all; what is a device or a pipe gets the text as it is."""
    try:
        if file.exists() and not file.is_file():
            file.write_text(text, encoding="utf-8")
        else:
            private_files.replace(file, text)
    except OSError as error:
        stop(Exit.USAGE, f"{option}: {file} cannot be written: {error.strerror}")


@contextmanager
def handling_output_errors() -> Iterator[None]:
    """End the command quietly where nobody reads on, and with a sentence where the output takes no more."""
    try:
        yield
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is buffered has nowhere to go
        if isinstance(error, BrokenPipeError):
            raise SystemExit(int(Exit.OK)) from None
        stop(Exit.UNAVAILABLE, f"the output cannot be written: {error.strerror}")


def print_json(value: PlainData) -> None:
    """Write a compact JSON object to stdout."""
    print_line(compact(value))


def print_json_or_lines(plain: PlainData, *lines: str, as_json: bool) -> None:
    """Write output to stdout: `plain` as a JSON object for programs, or the lines for people."""
    if as_json:
        print_json(plain)
    else:
        for line in lines:
            print_line(line)


def compact(value: PlainData) -> str:
    """Return the value as one line of compact JSON."""
    return _encode(value).decode()


def talk(line: str) -> None:
    """Write one line for the person at the terminal, to stderr.

    Where there is a log (see app.logs) it is a record of it, as severe as the line says.
    """
    log = logging.getLogger(TALK)
    if log.handlers:
        log.log(_LEVELS.get(type(line), logging.INFO), "%s", visible(line))
    else:
        _say(visible(line))


def warn(line: str) -> None:
    """Write a line that must not be missed: like `talk`, but in red at a terminal and as a warning in a log."""
    log = logging.getLogger(TALK)
    if log.handlers:
        log.warning("%s", line)
    else:
        _say(in_red(line, sys.stderr))


def _say(line: str) -> None:
    """Write a message; where it has no room, or nobody reads on, the work goes on without it."""
    try:
        sys.stderr.write(line + "\n")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    except OSError:
        return


def confirm(wish: str, word: str, *, yes: bool) -> None:
    """Go on only if the user types that word (a count, a name); `yes`: they agreed by an option.

    Where nobody is at the terminal, the command ends as declined.
    """
    if yes:
        return
    sys.stderr.write(f"{visible(wish)}? Type {visible(word)} to go on: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != word:
        stop(Exit.DECLINED, "nothing was done (--yes does not ask)")


def stop(code: Exit, line: str) -> NoReturn:
    """Say why, and end with that code."""
    talk(line if code in (Exit.OK, Exit.DECLINED) else Failed(line))
    raise SystemExit(int(code))
