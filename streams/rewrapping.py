"""Wraps the keys of persons anew, so that an older master key is needed no more: the log is not touched."""

from collections.abc import Mapping

from sqlalchemy import Connection, bindparam, func, select

from projections.bulk import among
from streams.database import Database
from streams.keyring import Wrapper
from streams.keys import PersonKeys
from streams.tables import person_keys

BATCH = 1000


def by_version(connection: Connection) -> Mapping[int, int]:
    """Version of the master key -> how many keys it wraps."""
    query = select(person_keys.c.wrapped_by, func.count()).group_by(person_keys.c.wrapped_by)
    return dict(sorted((version, count) for version, count in connection.execute(query)))


class Rewrapping:
    """May be killed anywhere and begun again: each batch is a transaction, and what is left has an older version."""

    def __init__(self, database: Database, wrapper: Wrapper) -> None:
        self._database, self._wrapper = database, wrapper

    def run(self, batch: int = BATCH) -> int:
        """Wrap with the current version what an older one wraps; returns how many keys that were.

        Raises:
            WrongKeyFile: an older version is not known any more.
        """
        done, after = 0, ""
        while (last := self._database.write(lambda connection: self._batch(connection, after, batch))) is not None:  # noqa: B023  (runs at once)
            after, count = last
            done += count
        return done

    def _batch(self, connection: Connection, after: str, limit: int) -> tuple[str, int] | None:
        older = person_keys.c.wrapped_by != self._wrapper.current
        query = select(person_keys.c.person).where(older, person_keys.c.person > after)
        persons = list(connection.execute(query.order_by(person_keys.c.person).limit(limit)).scalars())
        if not persons:
            return None
        PersonKeys.hold(connection, persons)  # who is erased meanwhile comes before this, or after
        rows = connection.execute(person_keys.select().where(among(person_keys.c.person, persons), older)).all()
        anew = [self._anew(row.person, row.key_id, row.wrapped, row.wrapped_by) for row in rows]
        if anew:
            theirs = person_keys.update().where(person_keys.c.person == bindparam("whose"))
            connection.execute(theirs.values(wrapped=bindparam("now"), wrapped_by=bindparam("by")), anew)
        return persons[-1], len(anew)

    def _anew(self, person: str, key_id: bytes, wrapped: bytes, version: int) -> dict[str, object]:
        about = person.encode() + key_id
        key = self._wrapper.unwrap(version, wrapped, about)
        now = self._wrapper.wrap(key, about)
        return {"whose": person, "now": now.key, "by": now.version}
