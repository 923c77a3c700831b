"""The inside of a confined child: its limits, and the questions it answers over its standard input and output."""

import json
import os
import resource
import sys
from collections.abc import Callable
from math import ceil
from time import process_time
from typing import Any

from domain.core.plain import PlainData

OUT_OF_MEMORY, TOO_LONG = 97, 98
"""The exit codes of a child that ran into its limit of memory, and of one whose answer is too long."""
MOST_FILES = 16
"""Open at once, with the three that everybody has: words need none, but modules are read when they are first used."""

Answer = Callable[[Any], object]


def serve(prepare: Callable[[Any], Answer]) -> None:
    """Answer questions, one JSON line each, until there are no more; answers are plain data, a line each.

    `prepare` gets what the child is told first. The limits stand on the command line: bytes of memory, seconds of
    work, and bytes of an answer.
    """
    memory, work, longest = map(int, sys.argv[1:])
    limit_process(memory)
    questions = sys.stdin.buffer
    try:
        answer = prepare(_limited(questions.readline(), work))
        _reply(None, longest)
        for question in questions:
            _reply(answer(_limited(question, work)), longest)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)


def limit_process(memory: int) -> None:
    """Limit this process for good: its bytes of address space; no file is written, no process or thread begun.

    The kernel lets root begin processes in spite of RLIMIT_NPROC (setrlimit(2)).
    """
    for limit, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, MOST_FILES),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(limit, (most, most))


def _limited(question: bytes, work: int) -> PlainData:
    """Return the question; from now on there are so many seconds for it, and then the system ends us."""
    resource.setrlimit(resource.RLIMIT_CPU, (ceil(process_time()) + work, resource.RLIM_INFINITY))
    return json.loads(question)


def _reply(answer: object, longest: int) -> None:
    line = json.dumps(answer).encode() + b"\n"
    if len(line) > longest:
        os._exit(TOO_LONG)
    left = memoryview(line)
    while left:
        left = left[os.write(1, left) :]
