"""Drafts as they are being written: the files of a trigger, kept for its agency until it is submitted."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Row, delete, func, select, update

from domain.principals import NotAllowed, Principal, Role
from projections.bulk import insert_rows
from projections.tables import micros, moment
from streams.database import Database
from streams.recorder import take_turns
from streams.tables import drafts

DRAFTS_LOCK = 0x4841_4245


class Sheet(Struct, frozen=True):
    """A draft. `files`: name -> text; `revision`: how often it was saved; `version`: see streams/tables.py."""

    id: int
    agency: str
    pack: str
    trigger: str
    files: Mapping[str, str]
    revision: int
    version: str
    made_by: str
    made_at: datetime
    changed_by: str
    changed_at: datetime


class UnknownSheet(LookupError):
    """There is no draft {id}. It may have been deleted; the workbench lists those of your agency."""

    def __init__(self, id_: int) -> None:
        super().__init__((type(self).__doc__ or "").format(id=id_))


class SheetExists(Exception):
    """Your agency has a draft of {trigger} already, by {by}. Go on with that one, or delete it first."""

    def __init__(self, there: Sheet) -> None:
        super().__init__((type(self).__doc__ or "").format(trigger=there.trigger, by=there.changed_by))
        self.there = there


class SheetMoved(Exception):
    """{by} changed this draft while you were editing. Merge both versions, and save again."""

    def __init__(self, there: Sheet) -> None:
        super().__init__((type(self).__doc__ or "").format(by=there.changed_by))
        self.there = there


class Sheets:
    """Keeps them; only authors and approvers of the agency come near."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock

    def all(self, agency: str) -> list[Sheet]:
        """Those of an agency, by trigger."""
        query = select(drafts).where(drafts.c.agency == agency).order_by(drafts.c.trigger)
        with self._database.reading() as connection:
            return [_sheet(row) for row in connection.execute(query)]

    def find(self, id_: int, who: Principal) -> Sheet:
        """The draft.

        Raises:
            NotAllowed: it is another agency's.
            UnknownSheet: there is none.
        """
        with self._database.reading() as connection:
            return _checked(_one(connection, id_), who)

    def of(self, trigger: str, version: str) -> Sheet | None:
        """The draft that was submitted as that version and is still as it was then."""
        query = select(drafts).where(drafts.c.trigger == trigger, drafts.c.version == version)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else _sheet(row)

    def add(self, who: Principal, pack: str, trigger: str, files: Mapping[str, str]) -> Sheet:
        """A new draft of the principal's agency.

        Raises:
            NotAllowed: they are no author.
            SheetExists: their agency has one of that name.
        """
        _require_author(who)

        def work(connection: Connection) -> Sheet:
            take_turns(connection, DRAFTS_LOCK)
            known = select(drafts).where(drafts.c.agency == who.agency, drafts.c.trigger == trigger)
            if (row := connection.execute(known).first()) is not None:
                raise SheetExists(_sheet(row))
            id_ = connection.execute(select(func.coalesce(func.max(drafts.c.id), 0))).scalar_one() + 1
            now, text = micros(self._clock()), msgspec.json.encode(files).decode()
            row_ = (id_, who.agency, pack, trigger, text, 1, "", who.name, now, who.name, now)
            insert_rows(connection, drafts, [row_])
            return _one(connection, id_)

        return self._database.write(work)

    def save(self, id_: int, revision: int, files: Mapping[str, str], who: Principal) -> Sheet:
        """Keep other files; `revision`: of what they were made from. The same again changes nothing.

        Raises:
            NotAllowed: it is another agency's, or they are no author.
            SheetMoved: somebody has saved others meanwhile.
            UnknownSheet: there is none.
        """
        _require_author(who)

        def work(connection: Connection) -> Sheet:
            take_turns(connection, DRAFTS_LOCK)
            there = _checked(_one(connection, id_), who)
            if there.files == files:
                return there
            if there.revision != revision:
                raise SheetMoved(there)
            return _changed(
                connection,
                there,
                {
                    "files": msgspec.json.encode(files).decode(),
                    "revision": revision + 1,
                    "version": "",
                    "changed_by": who.name,
                    "changed_at": micros(self._clock()),
                },
            )

        return self._database.write(work)

    def submitted(self, sheet: Sheet, version: str) -> None:
        """Note as what it was submitted, if nobody has changed it since."""
        these = update(drafts).where(drafts.c.id == sheet.id, drafts.c.revision == sheet.revision)
        self._database.write(lambda connection: connection.execute(these.values(version=version)))

    def drop(self, id_: int, who: Principal) -> None:
        """Delete it.

        Raises:
            NotAllowed: it is another agency's, or they are no author.
            UnknownSheet: there is none.
        """
        _require_author(who)

        def work(connection: Connection) -> None:
            take_turns(connection, DRAFTS_LOCK)
            _checked(_one(connection, id_), who)
            connection.execute(delete(drafts).where(drafts.c.id == id_))

        self._database.write(work)


def _require_author(who: Principal) -> None:
    if Role.AUTHOR not in who.roles:
        raise NotAllowed(f"{who.name} is not an {Role.AUTHOR}")


def _checked(sheet: Sheet, who: Principal) -> Sheet:
    """The draft, which is their agency's."""
    if sheet.agency != who.agency:
        raise NotAllowed(f"the draft belongs to another agency than yours ({who.agency})")
    return sheet


def _one(connection: Connection, id_: int) -> Sheet:
    row = connection.execute(select(drafts).where(drafts.c.id == id_)).first()
    if row is None:
        raise UnknownSheet(id_)
    return _sheet(row)


def _changed(connection: Connection, sheet: Sheet, values: Mapping[str, Any]) -> Sheet:
    connection.execute(update(drafts).where(drafts.c.id == sheet.id).values(values))
    return _one(connection, sheet.id)


def _sheet(row: Row[Any]) -> Sheet:
    given = dict(row._mapping) | {  # noqa: SLF001  (public, so named by the library)
        "files": msgspec.json.decode(row.files),
        "made_at": moment(row.made_at),
        "changed_at": moment(row.changed_at),
    }
    return Sheet(**given)
