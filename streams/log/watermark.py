"""The watermark: the newest fact that this machine knows, kept outside the database so that a restore is noticed."""

import logging
import os
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec
from sqlalchemy import Connection, select

from domain.core.ids import Position
from domain.facts.chain import leaf
from domain.facts.governance import LogRestored
from projections.tables import governance
from streams.log import chain
from streams.log.chain import StoredFact
from streams.log.log import Log
from streams.log.recorder import FactRecorder, first_fact
from streams.storage.database import Database
from streams.storage.tables import stream_of

logger = logging.getLogger("habarshy")
LINE_BYTES, ID_DIGITS, OWNER_ONLY = 256, 16, 0o600
"""The length of the file in bytes, the digits of the log's digest in its name, and its mode."""


class OlderLog(Exception):
    """Raised when the database is an older copy, without a fact that this machine knows."""

    def __init__(self, known: "KnownFact") -> None:
        super().__init__(
            f"The database is an older copy, without fact {known.position} of {known.at:%F %T}Z. Run `habarshy"
            " restored` to go on."
        )
        self.known = known


class KnownFact(msgspec.Struct, frozen=True):
    """A fact that was in the log at that time: its position, and its digest as the chain has it."""

    position: Position
    digest: str
    at: datetime


class Watermark:
    """Keeps the newest known fact, and checks that the log still has it. Without a file it does nothing.

    `beside`: the file next to which this machine keeps what it knows; None where it keeps nothing.

    A sender notes its attempts before it hands them over, so the watermark covers everything that was sent. The file
    is not synced to the disk: it guards against an older database, not against a loss of power.
    """

    def __init__(self, database: Database, log: Log, beside: Path | None, clock: Callable[[], datetime]) -> None:
        self._database, self._log, self.beside, self._clock = database, log, beside, clock
        self._lock = threading.Lock()
        self._file: Path | None = None
        self._known: KnownFact | None = None

    def look(self) -> None:
        """Check the log, then note its newest fact. Raises OlderLog, as `check` does."""
        known = self.known()
        with self._database.reading() as connection:
            self.check(connection, known)
            newest = self.newest(connection)
        self.note(newest)

    def check(self, connection: Connection, known: KnownFact | None) -> None:
        """Check that the log has the `known` fact, or that a restore was declared since.

        `known` must be read before the connection's snapshot: a later one may be newer than the snapshot.

        Raises:
            OlderLog: neither is so.
        """
        if known is None or _digest(chain.fact_at(connection, known.position)) == known.digest:
            return
        if (said := self._restore_declared_at(connection)) is None or said < known.at:
            raise OlderLog(known)
        self._known = None

    def known(self) -> KnownFact | None:
        """Return the newest known fact, or None."""
        if self._known is None and self._file is None and self.beside is not None:
            with self._lock, self._database.reading() as connection:
                self._open(connection)
        return self._known

    def newest(self, connection: Connection) -> StoredFact | None:
        """Return the newest fact, to be noted after this transaction's commit; None without a file."""
        if self.beside is None or (row := FactRecorder.newest(connection)) is None:
            return None
        return Position(row[0]), stream_of(row[1]).bytes, *row[2:5]

    def note(self, newest: StoredFact | None) -> None:
        """Keep this fact as the newest known one, unless a newer one is known."""
        if newest is None:
            return
        known = KnownFact(newest[0], _digest(newest), self._clock())
        with self._lock:
            if self._known is not None and known.position <= self._known.position:
                return
            self._known = known
            if self._file is not None:
                self._keep(self._file, known)

    def _restore_declared_at(self, connection: Connection) -> datetime | None:
        query = select(governance.c.position).where(governance.c.topic == LogRestored.TOPIC)
        entries = self._log.read(connection, connection.execute(query).scalars())
        return max((entry.fact.at for entry in entries if isinstance(entry.fact, LogRestored)), default=None)

    def _open(self, connection: Connection) -> None:
        """Open the log's file, named by the digest of its first fact, which copies and backups share."""
        row = first_fact(connection, 0, None, ())
        first = None if row is None else chain.fact_at(connection, row[0])
        if self.beside is None or first is None:
            return
        self._file = self.beside.with_name(f"{self.beside.name}.known-{_digest(first)[:ID_DIGITS]}")
        try:
            line = self._file.read_bytes() if self._file.exists() else b""
            self._known = msgspec.json.decode(line, type=KnownFact) if line else None
        except (OSError, msgspec.DecodeError) as error:
            self._give_up(error)

    def _keep(self, file: Path, known: KnownFact) -> None:
        """Overwrite the file at its constant length, which needs no room on a full disk."""
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, OWNER_ONLY)
            try:
                os.pwrite(descriptor, msgspec.json.encode(known).ljust(LINE_BYTES - 1) + b"\n", 0)
            finally:
                os.close(descriptor)
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        """Warn once and go on without the file: messages matter more than noticing a restore."""
        self.beside = None
        logger.warning("a restore of the database would not be noticed: %s", error)


def _digest(fact: StoredFact | None) -> str:
    return "" if fact is None else leaf(*fact).hex()
