"""Sample: verify some persons each night, in the order of their pseudonyms, until everybody had a turn.

A sample begins where the last one ended. After one that found differences the next looks at the same persons again,
so that the finding stays until somebody has mended what it is about.
"""

import threading
from collections.abc import Callable

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from domain.core.translatable import Said
from projections import governance, history, positions
from streams.log.log import Log
from streams.planning.quarantine import unplannable_persons
from streams.queues import job_rows
from streams.queues.jobs import HoldsNothing, Job, JobState, Plan, Save, Step
from streams.replay.verify import Verified, compared
from streams.rules.in_force import Rules
from streams.rules.library import Library

KIND = "verify sample"
"""The kind of job (app/jobs/kinds.py)."""
PERSONS = 100
"""Persons in a step: a fraction of a second."""
PAUSE_S, PAUSES = 1.0, 10
"""Before each step others go first, for at most so many pauses."""
USUAL_RATE = 200.0


class SampleRequest(Struct, frozen=True):
    """The persons to look at: so many after that pseudonym; `job`: the number of the job."""

    after: str
    persons: int
    job: int


class SampleProgress(Struct, frozen=True):
    """The progress: the pseudonyms it began after and has come to, and whether it has begun anew at the first."""

    start: str
    after: str
    around: bool = False
    found: Verified = Verified()


class Sample(HoldsNothing):
    """The work of a job that verifies a sample. It changes nothing.

    Persons who wait for their plan and other jobs go first; `pause` lets them. `size`: persons in a step.
    """

    def __init__(
        self,
        log: Log,
        library: Library,
        request: SampleRequest,
        pause: Callable[[], object] = lambda: threading.Event().wait(PAUSE_S),
        size: int = PERSONS,
    ) -> None:
        self._log, self._library, self._request = log, library, request
        self._pause, self._size, self._pauses = pause, size, 0

    def count(self, cursor: str) -> Plan:  # noqa: ARG002  (counted in one step)
        """Return the number of persons."""
        what = Said("plan a sample of persons again, and compare with their messages")
        return Plan(what, self._request.persons, "persons", USUAL_RATE)

    def step(self, cursor: str, save: Save) -> Step:  # noqa: ARG002  (nothing is written besides the step)
        """Look at the next persons, unless others go first."""
        at = _progress(cursor) if cursor else SampleProgress(self._request.after, self._request.after)
        rules = self._library.rules()
        with self._log.database.reading() as connection:
            if not self._gives_way(connection, rules):
                self._pauses = 0
                return self._further(connection, at, rules)
        self._pauses += 1
        self._pause()
        return _step(at)

    def _gives_way(self, connection: Connection, rules: Rules) -> bool:
        """Return True if others go first, or the plans of these rules are not yet known to be asked for."""
        if governance.latest(connection) != rules.position or positions.position_of(
            connection, positions.PUBLICATION
        ):
            return True
        _, oldest = history.waiting(connection, unplannable_persons())
        busy = oldest is not None and oldest < history.AT_LEISURE
        others = busy or job_rows.others_under_way(connection, self._request.job)
        return others and self._pauses < PAUSES

    def _further(self, connection: Connection, at: SampleProgress, rules: Rules) -> Step:
        number = min(self._size, self._request.persons - at.found.persons)
        upto = at.start if at.around else None
        persons = history.persons_after(connection, at.after, number, upto) if number else []
        if not persons:
            ended = not number or at.around or not at.start
            return _step(at, finished=True) if ended else _step(replace(at, after="", around=True))
        found = compared(connection, self._log, persons, rules.rulebook, self._log.clock())
        return _step(replace(at, after=persons[-1], found=at.found.compared(found, len(persons))))


def start_of_next(last: Job | None) -> str:
    """Return the pseudonym after which the sample after that job begins; the first, if it cannot be read."""
    if last is None:
        return ""
    if not last.cursor:
        return str(last.arguments.get("after", ""))
    try:
        at = _progress(last.cursor)
    except msgspec.DecodeError:
        return ""
    return at.start if at.found.unlike else at.after


def last_found(connection: Connection) -> Verified:
    """Return the result of the last sample that is done; one that cannot be read found nothing."""
    job = job_rows.last_of(connection, KIND, [JobState.DONE])
    try:
        return Verified() if job is None else found_in(job.words)
    except msgspec.DecodeError:
        return Verified()


def found_in(words: str) -> Verified:
    """Return the result of a sample from the words of its job."""
    return msgspec.json.decode(words, type=Verified)


def _progress(cursor: str) -> SampleProgress:
    return msgspec.json.decode(cursor, type=SampleProgress)


def _step(at: SampleProgress, *, finished: bool = False) -> Step:
    cursor, done = msgspec.json.encode(at).decode(), at.found.persons
    if not finished:
        return Step(cursor, done)
    return Step(cursor, done, of=done, finished=True, words=msgspec.json.encode(at.found).decode())
