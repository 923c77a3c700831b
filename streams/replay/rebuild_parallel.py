"""Parts of a rebuild that several processes do at once: nudges by their ids, residents by their pseudonyms.

Pseudonyms are hashes and nudges' ids begin like them, so equal ranges hold about equally many. A part is read and
folded while others write, and is written in one transaction with a row that says it is done. So no part is in the
shadow twice, even if a process is killed.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from enum import StrEnum
from typing import NamedTuple, Protocol

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import IntegrityError

from domain.core.ids import first_id_of_share
from projections import residents
from streams.log.log import Log
from streams.planning.histories import EVERYBODY
from streams.planning.residences import ResidenceRows
from streams.replay import rebuild_fold
from streams.replay.shadow import parts, standing
from streams.storage.database import Database

Store = Callable[[Connection], None]


class PartKind(StrEnum):
    """The kinds of work that are divided into parts."""

    NUDGES = "nudges"
    RESIDENTS = "residents"


class Part(NamedTuple):
    """The `number`th (from 0) of `of` parts, by the facts up to the position `upto`."""

    what: PartKind
    number: int
    of: int
    upto: int


class PartExecutor(Protocol):
    """The other processes that do parts."""

    def submit(self, shadow: str, parts: Sequence[Part]) -> Sequence[Future[None]]:
        """Begin the first of these parts of the shadow of that name, as many as there are processes.

        A part that fails there remains to be done.
        """

    def close(self) -> None:
        """End the processes."""


class NoExecutor:
    """No other process: this one does everything."""

    def submit(self, _shadow: str, _parts: Sequence[Part]) -> Sequence[Future[None]]:
        """Begin nothing."""
        return ()

    def close(self) -> None:
        """Do nothing."""


class LocalParts:
    """Does parts in this process."""

    def __init__(self, log: Log, residing: ResidenceRows) -> None:
        self._log, self._residing = log, residing

    def do(self, views: Database, shadow: str, part: Part) -> None:
        """Do a part and add it to the shadow, unless it is done already or another shadow has replaced this one."""
        facts, store = self._nudges(part) if part.what is PartKind.NUDGES else self._residents(views, part)

        def write(connection: Connection) -> None:
            _note(connection, shadow, part, facts)
            store(connection)

        with suppress(_NotOurs):
            views.write(write)

    def _nudges(self, part: Part) -> tuple[int, Store]:
        after, upto = (
            first_id_of_share(at, part.of) if 0 < at < part.of else None for at in (part.number, part.number + 1)
        )
        with self._log.database.reading() as facts:
            folded = rebuild_fold.read_nudges(facts, after, upto, part.upto)
        return folded.facts, lambda connection: rebuild_fold.store_nudges(connection, folded)

    def _residents(self, views: Database, part: Part) -> tuple[int, Store]:
        share = EVERYBODY.shares(part.of)[part.number]
        with views.reading() as shadow, self._log.database.reading() as facts:
            found = rebuild_fold.residences_between(shadow, facts, self._log, self._residing, share.after, share.upto)
        return 0, lambda connection: residents.store(connection, found)


class _NotOurs(Exception):
    """Raised if another process has done the part, or the shadow was replaced."""


def _note(views: Connection, shadow: str, part: Part, facts: int) -> None:
    """Record the part as done, before its rows: another process with the same part waits here for our commit."""
    try:
        views.execute(parts.insert().values(kind=part.what.value, number=part.number, facts=facts))
    except IntegrityError:
        raise _NotOurs from None
    if views.execute(select(standing.c.name)).scalar() != shadow:
        raise _NotOurs


def parts_left(views: Connection, what: PartKind, of: int, upto: int) -> list[Part]:
    """Return the parts that remain to be done."""
    done = set(views.execute(select(parts.c.number).where(parts.c.kind == what.value)).scalars())
    return [Part(what, number, of, upto) for number in range(of) if number not in done]


def facts_done(views: Connection) -> int:
    """Return the number of facts in the parts that are done."""
    return int(views.execute(select(func.coalesce(func.sum(parts.c.facts), 0))).scalar_one())
