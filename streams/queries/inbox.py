"""A citizen's own view of their messages, sent and planned, and of all data about them."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import cache, partial
from operator import attrgetter
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct
from sqlalchemy import Connection

from domain.core.events import PUBLIC, Effective
from domain.core.translatable import Titles
from domain.facts.access_facts import PersonViewed
from domain.facts.facts import NudgeDone
from domain.nudges.delivery import State
from domain.nudges.digest import goes_with
from domain.nudges.nudge import Nudge
from domain.persons.guardianship import NEVER, OPEN
from domain.persons.person import person_as_of
from domain.rules.event_types import NO_OFFICE
from domain.rules.legal_basis import legal_basis_of
from domain.rules.triggers import Class
from projections import inbox, nudges, trail
from projections.inbox import Place
from projections.tables import micros, moment
from streams.delivery.inbound.receiving import TYPE as MESSAGE_RECEIVED
from streams.log.loads import retirement_of
from streams.log.mapper import Entry
from streams.planning import histories
from streams.queries.explain import Explanation, UnknownNudge, explain, seen_by
from streams.queries.inbox_cards import Card, cards, guarded_until
from streams.rules.context import WriteContext
from streams.rules.in_force import Rules
from streams.rules.trigger_history import agency_titles, rules_of

_A_DAY = timedelta(days=1)
"""The day of a message ends for its reader, who may be in another zone, up to so long after the message itself."""
_MOST_UNSETTLED = 300


class SentMessage(Struct, frozen=True):
    """A message that was sent to the person. `office`: titles of its agency; empty for a digest of several.

    `emblem`: the icon of its agency.

    `digest`: the digest that it went with; `members`: what went with this digest, each with its title.
    """

    nudge: UUID
    at: datetime
    channel: str
    state: str
    title: Titles
    office: Titles
    category: str
    klass: str
    emblem: str = ""
    digest: UUID | None = None
    members: tuple[tuple[UUID, Titles], ...] = ()


class PlannedMessage(Struct, frozen=True):
    """A planned message: its due time and title."""

    nudge: UUID
    due: datetime
    title: Titles
    office: Titles
    klass: str
    emblem: str = ""


class Topic(Struct, frozen=True):
    """A category that can be chosen, with the titles of its triggers in force.

    `offers`: triggers that need a consent. `legal`: title and law of triggers that the state is obliged to send;
    `emergencies`: title and law of warnings of danger to life, which are also sent in quiet hours.
    """

    category: str
    titles: tuple[Titles, ...]
    offers: tuple[Titles, ...]
    legal: tuple[tuple[Titles, Titles], ...]
    emergencies: tuple[tuple[Titles, Titles], ...] = ()


class NotTheirs(LookupError):
    """Raised for a message that is not the person's, or does not exist."""

    def __init__(self) -> None:
        super().__init__("No message of yours has this id; `inbox` lists them.")


class Inboxes:
    """Reads what a person may see of their own data."""

    def __init__(self, context: WriteContext) -> None:
        self._database, self._log = context.database, context.log
        self._library, self._clock = context.library, context.clock

    def messages_page(
        self, person: str, before: Place | None = None, limit: int = 20, *, nested: bool = False
    ) -> tuple[list[SentMessage], Place | None]:
        """Return a page of the person's messages, latest first, and the place of the next page (None: no more).

        `nested`: what went with a digest stands among its members only, so that each message stands once.
        """
        rules = self._library.rules()
        with self._database.reading() as connection:
            rows = _received(connection, person, before, limit + 1, nested=nested)
            look = _PageReader(connection, self, rules)
            shown = [look.sent(row, nudge, person) for row, nudge in rows[:limit]]
        last = rows[limit - 1][0] if len(rows) > limit else None
        return shown, None if last is None else Place(last.at, last.nudge)

    def unsettled(self, person: str) -> list[SentMessage]:
        """Return the messages of each matter in which something may still be to do, the latest first, no digests.

        Where there are very many, the latest of them are looked at.
        """
        rules = self._library.rules()
        lasting = {each.trigger.name for each in rules.rulebook.publications if each.trigger.act_by is not None}
        since = micros(self._clock() - _A_DAY)
        with self._database.reading() as connection:
            rows = inbox.unsettled(connection, person, since, lasting, _MOST_UNSETTLED)
            found = nudges.by_id(connection, [row.nudge for row in rows])
            things = {found[row.nudge].thing for row in rows if row.may_be_open}
            look = _PageReader(connection, self, rules)
            return [
                look.sent(row, nudge, person)
                for row in rows
                if (nudge := found[row.nudge]).thing in things and not nudge.members
            ]

    def cards(self, person: str, ids: Iterable[UUID], zone: ZoneInfo) -> dict[UUID, Card]:
        """Return nudge -> what the message is about, for messages of the person, whose days begin in that zone."""
        with self._database.reading() as connection:
            return cards(connection, self._log, self._library.rules(), person, ids, zone)

    def attempt(self, person: str, nudge: UUID) -> tuple[UUID, int, State]:
        """Return the nudge that went out for this one (itself, or its digest), its last attempt and its state."""
        with self._database.reading() as connection:
            found = nudges.by_id(connection, [nudge])[nudge].to(person)
            if found.digest is not None:
                nudge, found = found.digest, nudges.by_id(connection, [found.digest])[found.digest].to(person)
        return nudge, found.attempt, found.state

    def planned_messages(self, person: str) -> list[PlannedMessage]:
        """Return what is planned for the person and not sent, the next first."""
        rules = self._library.rules()
        with self._database.reading() as connection:
            theirs = nudges.of_persons(connection, [person])[person].values()
            look = _PageReader(connection, self, rules)
            waiting = sorted(
                (nudge for nudge in theirs if nudge.pending),
                key=lambda each: (_due(each, person), each.intent.id.int),
            )
            return [
                PlannedMessage(
                    nudge.intent.id,
                    _due(nudge, person),
                    about["title"],
                    about["office"],
                    about["klass"],
                    about["emblem"],
                )
                for nudge in waiting
                if (about := look.about(nudge))["category"]
            ]

    def why(self, person: str, nudge: UUID) -> Explanation:
        """Return the explanation of a nudge to or about the person, without what belongs to other recipients.

        Raises:
            NotTheirs: it is not the person's, or there is none.
        """
        rules = self._library.rules()
        with self._database.reading() as connection:
            found = nudges.by_id(connection, [nudge]).get(nudge)
            if (
                found is None
                or not concerns(found, person)
                or nudges.is_from_before_erasure(connection, found, person)
            ):
                raise NotTheirs
            try:
                why = explain(connection, self._log, rules, nudge, self._clock())
            except UnknownNudge:
                raise NotTheirs from None
            told = self._told_until(connection, person, [found], rules)
        return seen_by(why, found, person, told[nudge])

    def offices(self) -> Mapping[str, Titles]:
        """Return agency -> its titles."""
        return agency_titles(self._library.rules())

    def everything(self, person: str) -> dict[str, Any]:
        """Return all facts that concern the person, in the order of the log, and their attributes: a copy for them.

        Facts of other recipients of the same messages are left out.
        """
        rules = self._library.rules()
        with self._database.reading() as connection:
            known = histories.histories(connection, self._log, [person], rules.rulebook)[person]
            theirs = nudges.of_persons(connection, [person])[person]
            events = [_event(fact, person) | self._retired(connection, fact) for fact in known.facts]
            streams = self._log.streams(connection, list(theirs))
            others = [entry for entry in self._about(connection, person) if entry.originator_id not in theirs]
            done = {entry.originator_id for entry in others if isinstance(entry.fact, NudgeDone)}
            told = self._told_until(connection, person, nudges.by_id(connection, list(done)).values(), rules)
        attributes = person_as_of(person, known.facts, rules.catalogue).attributes
        of_theirs = [entry for entry in streams if getattr(entry.fact, "recipient", person) == person]
        to_them = [
            entry
            for entry in others
            if getattr(entry.fact, "recipient", None) == person
            and not (isinstance(entry.fact, NudgeDone) and entry.fact.done_at >= told.get(entry.originator_id, NEVER))
        ]
        facts = [
            {"message": entry.originator_id, "fact": entry.fact.TOPIC, **builtins_of(entry.fact)}
            for entry in sorted((*of_theirs, *to_them), key=attrgetter("position"))
        ]
        readings = [builtins_of(entry.fact) for entry in others if isinstance(entry.fact, PersonViewed)]
        return {"known": attributes, "events": events, "messages": facts, "readings": readings}

    def _told_until(
        self, connection: Connection, person: str, found: Iterable[Nudge], rules: Rules
    ) -> dict[UUID, datetime]:
        """Return nudge -> until when the person is told of whom it is about: as a guardian, or always of themself."""
        about = {nudge.intent.id: nudge.intent.person for nudge in found}
        others = set(about.values()) - {person}
        children = histories.personal_revisions_of(connection, self._log, others, rules.rulebook) if others else {}
        until = guarded_until(children, person, rules)
        return {id_: until.get(child, OPEN) for id_, child in about.items()}

    def _retired(self, connection: Connection, fact: Effective) -> dict[str, Any]:
        """Return the event's retirement (time and limit), or an empty mapping."""
        if fact.event.retired is None:
            return {}
        found = retirement_of(connection, self._log, fact.event.stream)
        return {"retired": builtins_of(found)}

    def _about(self, connection: Connection, person: str) -> Iterator[Entry]:
        """Yield all facts of the person's trail, such as messages about others to them and readings of their data."""
        after = 0
        while positions := trail.positions(connection, person, after=after):
            yield from self._log.read(connection, positions)
            after = positions[-1]

    def topics(self) -> list[Topic]:
        """Return what can be chosen, by category. Answers to a person's own SMS are no topic."""
        rules = self._library.rules()
        by_category: dict[str, list[Mapping[str, Any]]] = {}
        for version in sorted(rules.rulebook.versions.values(), key=lambda each: each.published):
            content = version.trigger.content
            if not version.withdrawn and "category" in content and content.get("on") != MESSAGE_RECEIVED:
                by_category.setdefault(str(content["category"]), []).append(content)
        return [_topic(category, contents) for category, contents in sorted(by_category.items())]

    def content(self, connection: Connection, rules: Rules, version: str) -> Mapping[str, Any]:
        """Return the rules of a trigger version as plain data."""
        return rules_of(connection, self._log, rules.rulebook, version) or {}


def concerns(nudge: Nudge, person: str) -> bool:
    """Return True if the nudge goes to the person or is about them."""
    return person == nudge.intent.person or any(one.recipient == person for one in nudge.deliveries)


def _received(
    connection: Connection, person: str, before: Place | None, limit: int, *, nested: bool
) -> list[tuple[inbox.Received, Nudge]]:
    """Return the next rows with their nudges; `nested`: without those that went with a digest."""
    rows: list[tuple[inbox.Received, Nudge]] = []
    while len(rows) < limit:
        page = inbox.page(connection, person, before, limit)
        found = nudges.by_id(connection, [row.nudge for row in page])
        apart = [row for row in page if not nested or found[row.nudge].to(person).digest is None]
        rows += [(row, found[row.nudge]) for row in apart]
        if len(page) < limit:
            break
        before = Place(page[-1].at, page[-1].nudge)
    return rows[:limit]


class _PageReader:
    """Looks up what the nudges of one page are about, each trigger version once."""

    def __init__(self, connection: Connection, inboxes: Inboxes, rules: Rules) -> None:
        self._connection, self._rules = connection, rules
        self._content = cache(partial(inboxes.content, connection, rules))

    def sent(self, row: inbox.Received, nudge: Nudge, person: str) -> SentMessage:
        found = nudges.by_id(self._connection, nudge.members)
        members = [found[id_] for id_ in nudge.members if id_ in found and goes_with(found[id_], nudge)]
        return SentMessage(
            row.nudge,
            moment(row.at),
            row.channel,
            row.state,
            **self.about(nudge),
            digest=nudge.to(person).digest,
            members=tuple((each.intent.id, self.about(each)["title"]) for each in members),
        )

    def about(self, nudge: Nudge) -> dict[str, Any]:
        content = self._content(nudge.intent.version)
        office = self._rules.catalogue.offices.get(str(content.get("owner")), NO_OFFICE)
        return {
            "title": content.get("title", {}),
            "office": office.title,
            "emblem": office.emblem,
            "category": str(content.get("category", "")),
            "klass": nudge.intent.klass,
        }


def _event(fact: Effective, person: str) -> dict[str, Any]:
    """Return the public part of an event and the person's own part, without those of other persons."""
    event = fact.event
    mine = {PUBLIC, *event.role_of(person)}
    parts = {owner: part for owner, part in event.fields.items() if owner in mine}
    return {"type": event.type, "time": event.time, "source": event.source, "id": fact.original_id, "data": parts}


def builtins_of(fact: object) -> dict[str, Any]:
    """Return a fact's fields by name."""
    return {name: getattr(fact, name) for name in getattr(fact, "__struct_fields__", ())}


def _due(nudge: Nudge, person: str) -> datetime:
    """Return the due time of the delivery to this person, or of the nudge."""
    return nudge.to(person).due or nudge.intent.due


def _topic(category: str, contents: list[Mapping[str, Any]]) -> Topic:
    by_title = {tuple(sorted(content["title"].items())): content for content in contents}
    each_once = list(by_title.values())

    def titles(*classes: Class) -> tuple[Titles, ...]:
        return tuple(content["title"] for content in each_once if content["class"] in classes)

    def by_law(klass: Class) -> tuple[tuple[Titles, Titles], ...]:
        return tuple(
            (content["title"], legal_basis_of(content)) for content in each_once if content["class"] == klass
        )

    return Topic(
        category=category,
        titles=titles("service", "reminder"),
        offers=titles("offer"),
        legal=by_law("legal"),
        emergencies=by_law("emergency"),
    )
