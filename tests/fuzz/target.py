"""What a fuzzing target is: a parser of something that strangers send, and what it may never do."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

Try = Callable[[bytes], None]
"""Gives the parser some bytes; whatever comes out of it as an exception is a defect."""


class Target(NamedTuple):
    """`prepare` makes the try, in a folder of its own; `seeds`: inputs to begin with; `words`: what they are made of.

    `slow`: so many of a usual target's inputs take as long as one of these.
    """

    prepare: Callable[[Path], Try]
    seeds: Sequence[bytes]
    words: Sequence[str] = ()
    slow: int = 1


class Broken(AssertionError):
    """A promise about what came out does not hold."""

    def __init__(self, what: str) -> None:
        super().__init__(f"A promise about what came out does not hold: {what}.")


def promised(what: str, *, kept: bool) -> None:
    """Raise Broken where it is not."""
    if not kept:
        raise Broken(what)


def text_of(data: bytes) -> str:
    """The bytes as a text, in which there may be halves of characters."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")
