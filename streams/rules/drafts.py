"""Drafts: the stored files of a trigger being written, and the rules as they would be with a draft published."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, Row, delete, func, select, update

from domain.core.ids import Names
from domain.core.translatable import Said, Words
from domain.facts.governance import TriggerPublished
from domain.facts.principals import NotAllowed, Principal, Role, other_agency
from domain.rules.benefit_compiling import BadBenefit
from domain.rules.errors import BadTrigger
from domain.rules.event_types import Catalogue
from domain.rules.rulebook import Rulebook, Version
from projections import positions
from projections.bulk import insert_rows
from projections.tables import micros, moment
from streams.intake.validation import Checker
from streams.rules.aggregates import Publication
from streams.rules.governed import Governed
from streams.rules.in_force import Rules, renderers_of
from streams.rules.publishing import publication, submission_of
from streams.storage.advisory_locks import take_turns
from streams.storage.database import Database
from streams.storage.tables import draft_saves, drafts
from templates.checks.loader import TriggerSource
from templates.reading.catalogue import catalogue_of, defaults_of

NOBODY = "draft"


class DoesNotFit(Exception):
    """Raised when a trigger or benefit does not work with the event types of the draft and of the published packs."""

    def __init__(self, name: str, problem: Exception, *, of_the_draft: bool) -> None:
        remedy = (
            "Publish what it needs of other packs first"
            if of_the_draft
            else "Keep in the draft's pack what it reads, or play the draft alone, without --with-caps"
        )
        super().__init__(
            f"{name} does not work with the event types of the draft and of what is published ({problem}). {remedy}."
        )


class Draft(Struct, frozen=True):
    """Triggers of one pack, and the pack's other content."""

    pack: str
    content: Mapping[str, Any]
    triggers: tuple[TriggerSource, ...]

    @staticmethod
    def published(fact: TriggerPublished, content: Mapping[str, Any]) -> "Draft":
        """Return a published trigger as a draft of its pack."""
        return Draft(fact.pack, content, (_source(fact),))

    @property
    def names(self) -> frozenset[str]:
        """The names of its triggers."""
        return frozenset(trigger.name for trigger in self.triggers)


def live(draft: Draft, now: Governed) -> Draft:
    """Return the published versions of the draft's triggers (if any), with the published content of their pack."""
    found = [fact for name in sorted(draft.names) if (fact := now.current(name)) is not None]
    pack = now.packs.get(draft.pack)
    return Draft(draft.pack, draft.content if pack is None else pack.content, tuple(map(_source, found)))


def _source(fact: TriggerPublished) -> TriggerSource:
    return TriggerSource(fact.trigger, dict(fact.rules), dict(fact.words), fact.hash)


def rules_with(
    draft: Draft,
    now: Governed,
    at: datetime,
    names: Names,
    *,
    others: bool = False,
    besides: frozenset[str] = frozenset(),
) -> Rules:
    """Return the rules as if the draft were first published at `at`; `others`: together with all other live triggers.

    The other triggers count as published before `at` and look ahead from there. `besides`: names of triggers to leave
    out of the others.

    Raises:
        DoesNotFit: a trigger, or a benefit, does not work with these event types.
        NoDefaults: no pack says language, zone and quiet hours.
    """
    contents = {**{pack.pack: pack.content for pack in now.packs.values()}, draft.pack: draft.content}
    every = list(contents.values())
    catalogue, defaults = _catalogue(every), defaults_of(every)
    facts = [_published(trigger, draft, at) for trigger in draft.triggers]
    if others:
        facts += [_running(fact, at) for fact in _current(now) if fact.trigger not in draft.names | besides]
    versions = [_version(Publication(0, fact), catalogue, draft) for fact in facts]
    return Rules(
        catalogue=catalogue,
        defaults=defaults,
        rulebook=Rulebook(catalogue, defaults, names, versions),
        checker=Checker(catalogue, names, bool),
        renderers=renderers_of(facts, catalogue, defaults),
    )


def _catalogue(contents: Sequence[Mapping[str, Any]]) -> Catalogue:
    try:
        return catalogue_of(contents)
    except BadBenefit as bad:
        raise DoesNotFit(str(bad.path[0]), bad, of_the_draft=True) from None


def _version(publication: Publication, catalogue: Catalogue, draft: Draft) -> Version:
    name = publication.fact.trigger
    try:
        return publication.version(catalogue)
    except BadTrigger as bad:
        raise DoesNotFit(name, bad, of_the_draft=name in draft.names) from None


def _published(source: TriggerSource, draft: Draft, at: datetime) -> TriggerPublished:
    return publication(submission_of(source, draft.pack, NOBODY, at), draft.content, (), NOBODY, at)


def _current(now: Governed) -> list[TriggerPublished]:
    names = dict.fromkeys(publication.fact.trigger for publication in now.publications)
    return [fact for name in names if (fact := now.current(name)) is not None]


def _running(fact: TriggerPublished, at: datetime) -> TriggerPublished:
    return replace(fact, reach=min(fact.reach, at), ahead_from=max(fact.ahead_from, at), share=1.0)


DRAFTS_LOCK = 0x4841_4245
MOST_KEPT = 20
"""Saves of a draft that are kept after another one has replaced them, besides the last one of each person."""


class StoredDraft(Struct, frozen=True):
    """A stored draft. `files`: name -> text; `revision`: count of saves; `version`: see streams/storage/tables.py."""

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


class EarlierSave(Struct, frozen=True):
    """A revision that a save of a draft replaced: its files, and who had saved them when."""

    revision: int
    files: Mapping[str, str]
    changed_by: str
    changed_at: datetime


class UnknownDraft(LookupError):
    """Raised for an id that no draft has."""


class DraftExists(Exception):
    """Raised when the agency already has a draft of that trigger."""

    def __init__(self, there: StoredDraft) -> None:
        super().__init__(
            f"Your agency has a draft of {there.trigger} already, by {there.changed_by}."
            " Go on with that one, or delete it first."
        )
        self.there = there


class DraftChanged(Exception):
    """Raised when somebody else saved the draft since it was read."""

    def __init__(self, there: StoredDraft) -> None:
        super().__init__(
            f"{there.changed_by} changed this draft while you were editing. Merge both versions, and save again."
        )
        self.there = there


class DraftStore:
    """Stores drafts. Only members of the draft's agency may read one, and only its authors may change it."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock

    def all(self, agency: str) -> list[StoredDraft]:
        """Return the agency's drafts, by trigger."""
        query = select(drafts).where(drafts.c.agency == agency).order_by(drafts.c.trigger)
        with self._database.reading() as connection:
            return [_stored(row) for row in connection.execute(query)]

    def find(self, id_: int, who: Principal) -> StoredDraft:
        """Return the draft.

        Raises:
            NotAllowed: it is another agency's.
            UnknownDraft: there is none.
        """
        with self._database.reading() as connection:
            return _checked(_one(connection, id_), who)

    def earlier(self, id_: int, who: Principal) -> list[EarlierSave]:
        """Return what the last saves of the draft replaced, the newest first. Raises as `find` does."""
        query = select(draft_saves).where(draft_saves.c.draft == id_).order_by(draft_saves.c.revision.desc())
        with self._database.reading() as connection:
            _checked(_one(connection, id_), who)
            return [
                EarlierSave(row.revision, msgspec.json.decode(row.files), row.changed_by, moment(row.changed_at))
                for row in connection.execute(query)
            ]

    def written(self, id_: int, who: Principal) -> tuple[StoredDraft, tuple[str, ...]]:
        """Return the draft, and all who began or saved it. Raises as `find` does.

        Both are read at once: a draft that is deleted afterwards would name fewer who wrote it.
        """
        query = select(draft_saves.c.changed_by).where(draft_saves.c.draft == id_).distinct()
        with self._database.reading() as connection:
            stored = _checked(_one(connection, id_), who)
            before = connection.execute(query).scalars()
            return stored, tuple(sorted({stored.made_by, stored.changed_by, *before}))

    def of(self, trigger: str, version: str) -> StoredDraft | None:
        """Return the draft that was submitted as that version, if it has not changed since."""
        query = select(drafts).where(drafts.c.trigger == trigger, drafts.c.version == version)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else _stored(row)

    def add(self, who: Principal, pack: str, trigger: str, files: Mapping[str, str]) -> StoredDraft:
        """Add a draft for the principal's agency.

        Raises:
            NotAllowed: they are no author.
            DraftExists: their agency has one of that name.
        """
        _require_author(who)

        def work(connection: Connection) -> StoredDraft:
            take_turns(connection, DRAFTS_LOCK)
            known = select(drafts).where(drafts.c.agency == who.agency, drafts.c.trigger == trigger)
            if (row := connection.execute(known).first()) is not None:
                raise DraftExists(_stored(row))
            id_ = _new_id(connection)
            now, text = micros(self._clock()), msgspec.json.encode(files).decode()
            row_ = (id_, who.agency, pack, trigger, text, 1, "", who.name, now, who.name, now)
            insert_rows(connection, drafts, [row_])
            return _one(connection, id_)

        return self._database.write(work)

    def save(self, id_: int, revision: int, files: Mapping[str, str], who: Principal) -> StoredDraft:
        """Replace the files; `revision`: the revision that was edited. Saving equal files changes nothing.

        What is replaced is kept, see `earlier`.

        Raises:
            NotAllowed: it is another agency's, or they are no author.
            DraftChanged: somebody else saved the draft meanwhile.
            UnknownDraft: there is none.
        """
        _require_author(who)

        def work(connection: Connection) -> StoredDraft:
            take_turns(connection, DRAFTS_LOCK)
            there = _checked(_one(connection, id_), who)
            if there.files == files:
                return there
            if there.revision != revision:
                raise DraftChanged(there)
            _keep(connection, there)
            text, now = msgspec.json.encode(files).decode(), micros(self._clock())
            changes = {"files": text, "revision": revision + 1, "version": "", "changed_by": who.name}
            connection.execute(update(drafts).where(drafts.c.id == id_).values(**changes, changed_at=now))
            return _one(connection, id_)

        return self._database.write(work)

    def submitted(self, stored: StoredDraft, version: str) -> None:
        """Record the version as which the draft was submitted, unless it has changed since."""
        these = update(drafts).where(drafts.c.id == stored.id, drafts.c.revision == stored.revision)
        self._database.write(lambda connection: connection.execute(these.values(version=version)))

    def drop(self, id_: int, who: Principal) -> None:
        """Delete it.

        Raises:
            NotAllowed: it is another agency's, or they are no author.
            UnknownDraft: there is none.
        """
        _require_author(who)

        def work(connection: Connection) -> None:
            take_turns(connection, DRAFTS_LOCK)
            _checked(_one(connection, id_), who)
            connection.execute(delete(drafts).where(drafts.c.id == id_))
            connection.execute(delete(draft_saves).where(draft_saves.c.draft == id_))

        self._database.write(work)


def _require_author(who: Principal) -> None:
    if Role.AUTHOR not in who.roles:
        raise NotAllowed(Words("{name} is not an {role}", name=who.name, role=Role.AUTHOR))


def _checked(stored: StoredDraft, who: Principal) -> StoredDraft:
    """Return the draft if it belongs to the principal's agency."""
    if stored.agency != who.agency:
        raise other_agency(Said("the draft"), who)
    return stored


def _new_id(connection: Connection) -> int:
    """Return an id that no draft has had, so that a page of a deleted draft saves over no other one.

    The counter is newer than the drafts: the highest id of these counts too.
    """
    stored: int = connection.execute(select(func.coalesce(func.max(drafts.c.id), 0))).scalar_one()
    id_ = max(positions.hold(connection, positions.DRAFTS), stored) + 1
    positions.save(connection, positions.DRAFTS, id_)
    return id_


def _one(connection: Connection, id_: int) -> StoredDraft:
    row = connection.execute(select(drafts).where(drafts.c.id == id_)).first()
    if row is None:
        raise UnknownDraft(
            Words(
                "There is no draft {id}. It may have been deleted; the workbench lists those of your agency.", id=id_
            )
        )
    return _stored(row)


def _keep(connection: Connection, stored: StoredDraft) -> None:
    """Keep a revision that is about to be replaced; of older ones only the last few, and the last of each person."""
    files = msgspec.json.encode(stored.files).decode()
    row = (stored.id, stored.revision, files, stored.changed_by, micros(stored.changed_at))
    insert_rows(connection, draft_saves, [row])
    of_it, oldest = draft_saves.c.draft == stored.id, stored.revision - MOST_KEPT
    last = select(func.max(draft_saves.c.revision)).where(of_it).group_by(draft_saves.c.changed_by)
    over = (of_it, draft_saves.c.revision <= oldest, draft_saves.c.revision.not_in(last))
    connection.execute(delete(draft_saves).where(*over))


def _stored(row: Row[Any]) -> StoredDraft:
    given = dict(row._mapping) | {  # noqa: SLF001  (public, so named by the library)
        "files": msgspec.json.decode(row.files),
        "made_at": moment(row.made_at),
        "changed_at": moment(row.changed_at),
    }
    return StoredDraft(**given)
