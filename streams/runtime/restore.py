"""After a restore: an operator declares until when messages may have been sent that the restored log lacks."""

from datetime import datetime

from msgspec import Struct
from sqlalchemy import func, select

from domain.facts.governance import LogRestored
from domain.facts.principals import Principal
from domain.rules.triggers import RANKS
from projections.tables import due, erased, micros
from streams.log.recorder import FactRecorder
from streams.log.watermark import KnownFact, Watermark
from streams.rules.context import WriteContext
from streams.rules.publishing import Rulemaking, govern
from streams.storage.database import Priority


class Restored(Struct, frozen=True):
    """The effect of the declaration: of the deliveries due before `until`, `in_doubt` are not sent, `legal` ones are.

    Emergencies count as legal: both are sent, perhaps twice.

    `position`: of the newest fact in the log; `known`: the newest fact that this machine knew (None: no such fact).
    """

    until: datetime
    position: int
    in_doubt: int
    legal: int
    known: KnownFact | None


class Restoring:
    """Declares a restore; the dispatchers apply it to each delivery when it is due."""

    def __init__(self, context: WriteContext, watermark: Watermark) -> None:
        self._database, self._log, self._names = context.database, context.log, context.names
        self._watermark, self._clock = watermark, context.clock

    def scope(self, until: datetime | None = None) -> Restored:
        """Return the effect of declaring it. Default of `until`: now, or on SQLite the time of the watermark.

        (A SQLite database has no other sender, so nothing was sent after the watermark.)
        """
        known = self._watermark.known()
        with self._database.reading() as connection:
            alone = known.at if known is not None and self._database.sqlite else None
            moment = until or alone or self._clock()
            waiting = select(func.count()).select_from(due).where(due.c.due_at <= micros(moment))
            legal = connection.execute(waiting.where(due.c.rank <= RANKS["legal"])).scalar_one()
            every = connection.execute(waiting).scalar_one()
            return Restored(moment, FactRecorder.last_position(connection), every - legal, legal, known)

    def declare(self, restored: Restored, who: Principal) -> None:
        """Append the declaration to the log; a decision made meanwhile without it is made again."""

        def say(rules: Rulemaking) -> None:
            rules.restored().restore(LogRestored(self._clock(), who.name, restored.until, restored.position))

        govern(self._database, self._log, self._names, say, Priority.DISPATCH)

    def is_erased(self, person: str, at: datetime) -> bool:
        """Return whether the log has an erasure of the person at that time or later."""
        with self._database.reading() as connection:
            query = (
                select(func.count()).select_from(erased).where(erased.c.person == person, erased.c.at >= micros(at))
            )
            return bool(connection.execute(query).scalar_one())
