"""The confined children that work at drafts: started when they are first needed, and used again."""

import atexit
from functools import cache
from queue import LifoQueue
from typing import Any

import msgspec
from msgspec import Struct

from app.packs.draft_child import Comparison, DraftTask
from domain.core.plain import PlainData
from domain.core.translatable import Words, of_plain
from templates.reading.findings import Finding
from templates.sandbox.confined import ChildDied, Confined, Limits

CHILD = "app.packs.draft_child"
AT_ONCE = 2
"""So many drafts are worked at, in this process."""
MOST_QUESTIONS = 200
"""After so many a child is replaced, so that what it keeps in memory counts against nobody's draft."""
LIMITS = Limits(memory=1024 * 1024 * 1024, work=20, wait=60, answer=16 * 1024 * 1024)
TOO_MUCH = Words("the draft takes more than its share of time or memory")


class ChildFinding(Struct, frozen=True):
    """A finding as a child tells it; `message` as domain.core.translatable makes plain data of it."""

    path: str
    line: int
    column: int
    message: Any
    suggestion: str | None
    warning: bool
    placeholder: bool

    def finding(self) -> Finding:
        """Return the finding with a translatable message."""
        return Finding(
            self.path, self.line, self.column, of_plain(self.message), self.suggestion, self.warning, self.placeholder
        )


class Children:
    """A pool of child processes; a caller waits while all are busy. Threads may share it."""

    def __init__(self, many: int = AT_ONCE, limits: Limits = LIMITS, child: str = CHILD) -> None:
        self._free: LifoQueue[tuple[Confined, int]] = LifoQueue()  # the one that was used last knows the draft
        for _ in range(many):
            self._free.put((Confined(child, None, limits), 0))

    def ask(self, question: DraftTask | Comparison, kind: PlainData) -> PlainData:
        """Return the answer. Raises Died where there is none; the next question goes to a new child."""
        confined, asked = self._free.get()
        try:
            return confined.ask(msgspec.to_builtins(question), kind)
        except ChildDied:
            asked = MOST_QUESTIONS
            raise
        finally:
            if asked >= MOST_QUESTIONS:
                confined.end()
                asked = -1
            self._free.put((confined, asked + 1))

    def findings(self, question: DraftTask) -> tuple[Finding, ...]:
        """Return the findings in the draft; where its child died, the finding that it takes too much."""
        try:
            return tuple(each.finding() for each in self.ask(question, list[ChildFinding]))
        except ChildDied:
            return (too_much(question.folder),)

    def changes(self, comparison: Comparison) -> list[tuple[str, str]]:
        """Return the group and the sentence of each change; one that says it where the child died."""
        try:
            found = self.ask(comparison, list[tuple[str, Any]])
        except ChildDied:
            return [("who", TOO_MUCH)]
        return [(group, of_plain(sentence)) for group, sentence in found]

    def end(self) -> None:
        """End those that nobody uses; the next question starts another one."""
        free = [self._free.get() for _ in range(self._free.qsize())]
        for confined, _ in free:
            confined.end()
            self._free.put((confined, 0))


@cache
def children() -> Children:
    """Return the pool of this process; it ends with it."""
    made = Children()
    atexit.register(made.end)
    return made


def too_much(folder: str) -> Finding:
    """Return the finding of a draft in a folder whose child died."""
    return Finding(f"{folder}/trigger.yaml", 1, 1, TOO_MUCH)
