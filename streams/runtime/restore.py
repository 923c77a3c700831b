"""After a restore: somebody says until when messages may have been sent that the restored log does not know."""

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, func, select

from domain.core.ids import Names
from domain.facts.governance import LogRestored
from domain.facts.principals import Principal
from domain.rules.triggers import RANKS
from projections.tables import due, erased, micros
from streams.log.log import Log
from streams.log.recorder import FactRecorder
from streams.log.watermark import Known, Watermark
from streams.rules.publishing import append_governance, govern, read_governed
from streams.storage.database import Database, Priority


class Restored(Struct, frozen=True):
    """What saying it does: `in_doubt` deliveries that wait since before `until` are not sent; `legal` ones are.

    Emergencies count as legal: both go, perhaps twice.

    `position`: of the newest fact in the log; `known`: what this machine knew to be there (None: nothing).
    """

    until: datetime
    position: int
    in_doubt: int
    legal: int
    known: Known | None


class Restoring:
    """Says it once; the dispatchers do what follows, as each delivery has its turn."""

    def __init__(
        self, database: Database, log: Log, names: Names, watermark: Watermark, clock: Callable[[], datetime]
    ) -> None:
        self._database, self._log, self._names, self._watermark = database, log, names, watermark
        self._clock = clock

    def scope(self, until: datetime | None = None) -> Restored:
        """What would follow. Without `until` it is now, or on SQLite, where nobody else sends, what is known here."""
        known = self._watermark.known()
        with self._database.reading() as connection:
            alone = known.at if known is not None and self._database.sqlite else None
            moment = until or alone or self._clock()
            waiting = select(func.count()).select_from(due).where(due.c.due_at <= micros(moment))
            legal = connection.execute(waiting.where(due.c.rank <= RANKS["legal"])).scalar_one()
            every = connection.execute(waiting).scalar_one()
            return Restored(moment, FactRecorder.last_position(connection), every - legal, legal, known)

    def say(self, restored: Restored, who: Principal) -> None:
        """Append it to the log: whoever decides without knowing it does so once more."""

        def work(connection: Connection) -> None:
            before, now = read_governed(connection, self._log), self._clock()
            fact = LogRestored(now, who.name, restored.until, restored.position)
            append_governance(connection, self._log, self._names, [fact], before, now)

        govern(self._database, work, Priority.DISPATCH)

    def is_erased(self, person: str, at: datetime) -> bool:
        """Whether the log knows that they were erased then."""
        with self._database.reading() as connection:
            query = (
                select(func.count()).select_from(erased).where(erased.c.person == person, erased.c.at >= micros(at))
            )
            return bool(connection.execute(query).scalar_one())
