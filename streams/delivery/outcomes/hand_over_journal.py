"""The hand-over journal: a file that tells, after a kill, which attempts a provider may have got.

Attempts are committed in large groups, so many have no outcome when a process is killed. Most of them have not been
handed to a provider by then, and others were answered. A line goes into the file before each commit of attempts,
before each hand-over, and after each answer. Lines are written, not synced: they outlive the process, and not the
machine. So nobody trusts a file from before its last start. A process holds a lock on its file as long as it lives.
"""

import fcntl
import logging
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, cast
from weakref import finalize

import msgspec
from msgspec import Struct, field
from sqlalchemy.engine import make_url

from domain.facts.facts import NudgeFact, NudgeFailed, NudgeSent, NudgeUnknown
from projections.handed_over import AttemptId
from projections.tables import micros
from streams.delivery.outcomes.attempts import Attempt
from streams.delivery.outcomes.outcome_facts import Outcomes

logger = logging.getLogger("habarshy")
BOOT_ID_FILE = Path("/proc/sys/kernel/random/boot_id")
COMPACT_BYTES, ID_DIGITS = 1 << 20, 12
"""Bytes from which on the file is written anew with what is open, and digits of the database's digest in its name."""
_OUTCOMES = {fact.TOPIC: fact for fact in (NudgeSent, NudgeFailed, NudgeUnknown)}


class State(StrEnum):
    """The last that a journal says of an attempt."""

    INTENDED = "intended"
    HANDED = "handed"
    ANSWERED = "answered"
    ENDED = "ended"


class OpenAttempt(NamedTuple):
    """An attempt as one process made it; `until`: the end of its lease (microseconds).

    Where its commit failed, another process may make an attempt of the same number, which has another lease.
    """

    attempt: AttemptId
    until: int


class JournalLine(Struct, array_like=True):
    """A line: attempts, and what is known of them.

    `answers`: of attempts that were answered, the topic and the fact of each; `parts`: their providers' names for the
    parts of long messages.
    """

    state: State
    attempts: Sequence[OpenAttempt]
    answers: Sequence[tuple[str, msgspec.Raw]] = ()
    parts: Sequence[tuple[str, str, AttemptId]] = ()


class Unfinished(Struct, frozen=True):
    """The attempts of dead processes: `kept_back` were surely not handed over, `handed` were and have no answer.

    `answered`: those with an answer, and the outcomes as facts; `parts`: by whose names for the parts of them.
    """

    kept_back: frozenset[OpenAttempt] = frozenset()
    handed: frozenset[OpenAttempt] = frozenset()
    answered: Mapping[OpenAttempt, NudgeFact] = field(default_factory=dict)
    parts: Mapping[tuple[str, str], AttemptId] = field(default_factory=dict)

    @property
    def all_attempts(self) -> frozenset[OpenAttempt]:
        """Return all of them."""
        return self.kept_back | self.handed | self.answered.keys()


NOTHING_UNFINISHED = Unfinished()


class HandOverJournal:
    """The journal of one dispatcher, made with its first line.

    `beside`: the file next to which it lies, None for no journal; `url`: of the database.
    """

    def __init__(self, beside: Path | None, url: str) -> None:
        self._beside = beside if _boot_id() else None
        self._prefix = "" if beside is None else f"{beside.name}.in-flight-{_digest(url)}-"
        self._file: Path | None = None
        self._descriptor, self._size = -1, 0
        self._let_go: Callable[[], object] = lambda: None
        self._open: dict[OpenAttempt, JournalLine] = {}
        self._answered: dict[AttemptId, OpenAttempt] = {}

    @property
    def is_kept(self) -> bool:
        """Return whether it will be known after a kill what was not handed over."""
        return self._beside is not None

    def note_intended(self, attempts: Iterable[Attempt]) -> None:
        """Note attempts before their commit."""
        self._note(JournalLine(State.INTENDED, [open_attempt(each) for each in attempts]))

    def note_withdrawn(self, attempts: Iterable[Attempt]) -> None:
        """Note attempts that were not committed."""
        self._note(JournalLine(State.ENDED, [open_attempt(each) for each in attempts]))

    def note_handed_over(self, attempts: Iterable[Attempt]) -> None:
        """Note attempts before they are handed to their provider."""
        self._note(JournalLine(State.HANDED, [open_attempt(each) for each in attempts]))

    def note_answered(self, attempts: Iterable[Attempt], outcomes: Outcomes) -> None:
        """Note the outcomes of attempts before their commit."""
        self._answered |= {each.id: open_attempt(each) for each in attempts}
        facts = [(fact.TOPIC, msgspec.Raw(msgspec.json.encode(fact))) for _, fact in outcomes.by_attempt]
        parts = [(provider, name, attempt) for (provider, name), attempt in outcomes.part_names.items()]
        self._note(JournalLine(State.ANSWERED, [self._answered[each] for each in outcomes.attempts], facts, parts))

    def note_ended(self, attempts: Iterable[AttemptId]) -> None:
        """Note attempts whose outcomes are committed."""
        ended = [self._answered.pop(each) for each in attempts if each in self._answered]
        self._note(JournalLine(State.ENDED, ended))

    def close(self) -> None:
        """Delete the file if nothing is open."""
        if not self._open:
            self._drop()

    @contextmanager
    def unfinished(self) -> Iterator[Unfinished]:
        """Yield what dead processes of this machine left; their files are deleted if the block ends well."""
        dead = list(self._dead())
        try:
            yield _unfinished([line for _, descriptor in dead for line in _lines(descriptor)])
            for file, _ in dead:
                file.unlink(missing_ok=True)
        finally:
            for _, descriptor in dead:
                os.close(descriptor)

    def answers(self) -> Unfinished:
        """Return what is answered by the journals of all processes of this machine, also of those that live."""
        lines = list[JournalLine]()
        for file in self._files():
            with suppress(OSError), file.open("rb") as opened:  # its process may delete it meanwhile
                lines += _lines(opened.fileno())
        told = _unfinished(lines)
        return Unfinished(answered=told.answered, parts=told.parts)

    def _note(self, line: JournalLine) -> None:
        if self._beside is None or not line.attempts:
            return
        try:
            if self._file is None:
                self._begin(self._beside)
            self._write(line)
            self._remember(line)
            if self._size > COMPACT_BYTES:
                self._write_anew(self._beside)
        except OSError as error:
            self._give_up(error)

    def _begin(self, beside: Path) -> None:
        """Begin a file. It gets its name once it is locked: nobody takes it for that of a dead process."""
        descriptor, name = tempfile.mkstemp(prefix=f".{self._prefix}", dir=beside.parent)
        self._file, self._size = Path(name), 0
        self._descriptor, self._let_go = descriptor, finalize(self, os.close, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._file = self._file.rename(self._file.with_name(self._file.name.removeprefix(".")))
        self._write(_boot_id())

    def _write(self, line: JournalLine | str) -> None:
        encoded = msgspec.json.encode(line) + b"\n"
        while encoded:
            written = os.write(self._descriptor, encoded)
            self._size += written
            encoded = encoded[written:]

    def _remember(self, line: JournalLine) -> None:
        for one in _single(line):
            if line.state is State.ENDED:
                self._open.pop(one.attempts[0], None)
            else:
                self._open[one.attempts[0]] = one

    def _write_anew(self, beside: Path) -> None:
        """Replace the file by one with only what is open. The new one is complete before the old one goes."""
        file, let_go = self._file, self._let_go
        self._begin(beside)
        for line in self._open.values():
            self._write(line)
        if file is not None:
            file.unlink()
        let_go()

    def _give_up(self, error: OSError) -> None:
        """Go on without the journal: what it does not have is unknown after a kill."""
        self._beside = None
        self._drop()
        logger.warning("after a kill more messages would be unknown, for there is no hand-over journal: %s", error)

    def _drop(self) -> None:
        if self._file is not None:
            self._file.unlink(missing_ok=True)
        self._let_go()
        self._file, self._open = None, {}

    def _files(self) -> list[Path]:
        return [] if self._beside is None else sorted(self._beside.parent.glob(f"{self._prefix}*"))

    def _dead(self) -> Iterator[tuple[Path, int]]:
        """Yield the files whose processes are dead, locked."""
        for file in self._files():
            with suppress(OSError):
                descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    os.close(descriptor)
                    continue
                yield file, descriptor


def open_attempt(attempt: Attempt) -> OpenAttempt:
    """Return the attempt as the journal names it."""
    return OpenAttempt(attempt.id, micros(attempt.fact.until))


def _single(line: JournalLine) -> Iterator[JournalLine]:
    """Yield a line for each of the attempts."""
    for number, attempt in enumerate(line.attempts):
        parts = [part for part in line.parts if part[2][:3] == attempt.attempt[:3]]
        yield JournalLine(line.state, [attempt], line.answers[number : number + 1], parts)


def _boot_id() -> str:
    """Return the name of the machine's present run; an empty text where it has none."""
    try:
        return BOOT_ID_FILE.read_text().strip()
    except OSError:
        return ""


def _digest(url: str) -> str:
    return sha256(make_url(url).set(password=None).render_as_string().encode()).hexdigest()[:ID_DIGITS]


def _lines(descriptor: int) -> list[JournalLine]:
    """Return the complete lines of a file; none if it is from before the machine's last start, or is damaged."""
    with os.fdopen(os.dup(descriptor), "rb") as file:
        boot, *lines = file.read().split(b"\n")[:-1] or [b'""']  # behind the last line end is what was torn
    try:
        if not _boot_id() or msgspec.json.decode(boot) != _boot_id():
            return []
        return [msgspec.json.decode(line, type=JournalLine) for line in lines]
    except msgspec.MsgspecError:
        return []


def _unfinished(lines: Iterable[JournalLine]) -> Unfinished:
    """Return what the lines say in the end."""
    last = {one.attempts[0]: one for line in lines for one in _single(line)}
    by = {state: [one for one in last.values() if one.state is state] for state in State}
    return Unfinished(
        frozenset(one.attempts[0] for one in by[State.INTENDED]),
        frozenset(one.attempts[0] for one in by[State.HANDED]),
        {one.attempts[0]: _fact(*one.answers[0]) for one in by[State.ANSWERED]},
        {(provider, name): attempt for one in by[State.ANSWERED] for provider, name, attempt in one.parts},
    )


def _fact(topic: str, raw: msgspec.Raw) -> NudgeFact:
    return cast("NudgeFact", msgspec.json.decode(raw, type=_OUTCOMES[topic]))
