"""Wraps the keys of persons with the current master key, so that older ones can go; the log is not touched."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, Table, bindparam, func, select

from projections.bulk import among
from streams.log.master_key import Wrapper
from streams.log.person_keys import Period, PersonKeys
from streams.storage.database import Database
from streams.storage.tables import period_keys, person_keys

BATCH = 1000


def by_version(connection: Connection) -> Mapping[int, int]:
    """Return the number of keys that each version of the master key wraps."""
    found: Counter[int] = Counter()
    for table in (person_keys, period_keys):
        query = select(table.c.wrapped_by, func.count()).group_by(table.c.wrapped_by)
        for version, count in connection.execute(query):
            found[version] += count
    return dict(sorted(found.items()))


class Rewrapping:
    """Wraps in batches, each a transaction. After a crash it goes on with the keys that have an older version."""

    def __init__(self, database: Database, wrapper: Wrapper) -> None:
        self._database, self._wrapper = database, wrapper

    def run(self, batch: int = BATCH) -> int:
        """Wrap all keys of older versions with the current one; return their count.

        Raises:
            WrongKeyFile: an older version is not in the key file any more.
        """
        return sum(self._run(table, batch) for table in (person_keys, period_keys))

    def _run(self, table: Table, batch: int) -> int:
        done, after = 0, ""
        while last := self._database.write(lambda connection: self._batch(connection, table, after, batch)):  # noqa: B023  (runs at once)
            after, count = last
            done += count
        return done

    def _batch(self, connection: Connection, table: Table, after: str, limit: int) -> tuple[str, int] | None:
        older = table.c.wrapped_by != self._wrapper.current
        query = select(table.c.person).where(older, table.c.person > after).distinct()
        persons = list(connection.execute(query.order_by(table.c.person).limit(limit)).scalars())
        if not persons:
            return None
        PersonKeys.hold(connection, persons)  # an erasure waits for this, or is done already
        rows = connection.execute(table.select().where(among(table.c.person, persons), older)).all()
        if anew := [self._anew(row) for row in rows]:
            theirs = table.update().where(table.c.person == bindparam("whose"), table.c.key_id == bindparam("which"))
            connection.execute(theirs.values(wrapped=bindparam("now"), wrapped_by=bindparam("by")), anew)
        return persons[-1], len(anew)

    def _anew(self, row: Row[Any]) -> dict[str, object]:
        holder = Period(row.person, row.type, row.year).holder if "type" in row._fields else row.person
        about = holder.encode() + row.key_id
        key = self._wrapper.unwrap(row.wrapped_by, row.wrapped, about)
        now = self._wrapper.wrap(key, about)
        return {"whose": row.person, "which": row.key_id, "now": now.key, "by": now.version}
