"""Build the objects of streams.log."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from streams.log.chain_builder import ChainBuilder
from streams.log.log import Log
from streams.log.person_keys import PersonKeys
from streams.log.row_codes import RowCodes
from streams.log.signing import Signer
from streams.log.watermark import Watermark
from streams.storage.database import Database


class LogParts(Struct, frozen=True):
    """The log, the builder of its chain, and the watermark by which an older copy of it is noticed."""

    log: Log
    chain_builder: ChainBuilder
    watermark: Watermark


class LogKeys(Struct, frozen=True):
    """The keys and codes that the log takes from the key file.

    `persons`: the keys that seal what is about a person; `codes`: of its rows; `sealing`: signs the blocks of the
    chain, empty for no chain; `file`: the watermark is kept next to it, None for no watermark.
    """

    persons: PersonKeys
    codes: RowCodes
    sealing: bytes
    file: Path | None


def build(database: Database, keys: LogKeys, clock: Callable[[], datetime]) -> LogParts:
    """Return the objects of this package."""
    log = Log(database, keys.persons, clock, keys.codes)
    signer = Signer(keys.sealing) if keys.sealing else None
    return LogParts(log, ChainBuilder(database, signer, clock), Watermark(database, log, keys.file, clock))
