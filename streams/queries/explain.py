"""Explain why a nudge was planned and what happened to it, from the log alone."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from domain.core.events import LifeEvent
from domain.core.translatable import Titles
from domain.facts.facts import NUDGE_FACTS
from domain.nudges.delivery import Delivery, State
from domain.nudges.fact_names import name_of
from domain.nudges.nudge import Nudge, evolve
from domain.persons.history import History
from domain.persons.hours import local_zone
from domain.persons.person import citizen_values, person_as_of
from domain.planning.law import law_values, moment_of
from domain.planning.plan import Intent
from domain.rules.legal_basis import legal_basis_of, legal_basis_text
from domain.rules.steps import repetition_of
from domain.rules.trigger_keys import KEYS, TOLD_KEYS
from domain.rules.triggers import Trigger
from projections import nudges
from streams.delivery.decide.as_sent import last_attempt, planned_before
from streams.delivery.decide.case import Case
from streams.delivery.decide.decision_inputs import DecisionInputs
from streams.delivery.decide.rendering import render
from streams.log.loads import Retirement, retirement_of
from streams.log.log import Log
from streams.log.mapper import Entry
from streams.rules.in_force import Rules
from templates.words.rendering import Rendered, WordsFailed


class UnknownNudge(LookupError):
    """Raised for an id that no nudge has."""

    def __init__(self) -> None:
        super().__init__("No nudge has this id. `habarshy trail PERSON` lists those of a person.")


class RecordedFact(Struct, frozen=True):
    """One fact of the nudge: the time of its recording, its name, and its fields."""

    at: datetime
    what: str
    details: Mapping[str, Any]


class Explanation(Struct, frozen=True):
    """The explanation of a nudge.

    The intent is that of the last attempt: a revision that came afterwards changes nothing of what was sent.
    `clause`: the rule's own conditions (`when`, `with`, `count`, `unless`, the step's `due`); `used`: dotted name ->
    the value that they read; `words`: recipient -> their message (or their digest), absent if it can no longer be
    read; `alone`: the same as the nudge itself says it, where it goes with a digest; `digests`: recipient -> that
    digest; `members`: the nudges that ever belonged to this digest. `legal_basis`: in English, if it is written in
    English; `legal_basis_titles`: in each language. `called`: the person's given name at that time, if known.
    `retired`: since when, and under which retention limit, the content of the cause cannot be read.
    `decisive`: the names in `used` that decided whether the rule starts; `distinct`: those that tell this occurrence
    from others of its kind, such as the number of a fine; of an event about a place, what its message says of it.
    """

    nudge: UUID
    person: str
    trigger: str
    step: str
    version: str
    title: Mapping[str, str]
    agency: str
    klass: str
    legal_basis: str
    legal_basis_titles: Titles
    due: datetime
    expires: datetime | None
    state: str
    cause: LifeEvent | None
    cause_title: Mapping[str, str]
    clause: Mapping[str, Any]
    used: Mapping[str, Any]
    words: Mapping[str, Rendered]
    facts: tuple[RecordedFact, ...]
    members: tuple[UUID, ...] = ()
    alone: Mapping[str, Rendered] = {}
    digests: Mapping[str, UUID] = {}
    called: str = ""
    retired: Retirement | None = None
    decisive: tuple[str, ...] = ()
    distinct: tuple[str, ...] = ()

    @property
    def everybody(self) -> list[str]:
        """The pseudonyms of the person whom the nudge is about and of all recipients."""
        told = (str(fact.details["recipient"]) for fact in self.facts if "recipient" in fact.details)
        return sorted({self.person, *self.words, *told})

    @property
    def shown(self) -> list[str]:
        """The pseudonyms of all persons whose data the explanation shows: `everybody`, and persons in the cause."""
        persons = {} if self.cause is None else self.cause.persons
        said = (
            person
            for role, named in persons.items()
            if self.cause and self.cause.fields.get(role)
            for person in named
        )
        return sorted({*self.everybody, *said})


def explain(connection: Connection, log: Log, rules: Rules, id_: UUID, now: datetime) -> Explanation:
    """Return the explanation of one nudge. Raises UnknownNudge where there is none."""
    nudge = nudges.by_id(connection, [id_]).get(id_)
    if nudge is None:
        raise UnknownNudge
    reader = _Reader(connection, log, rules, now, log.streams(connection, [id_]))
    first = nudge.deliveries[0]
    sent = planned_before(reader.facts, nudge, reader.attempted(first))
    case, intent = reader.case(sent, first.recipient), sent.intent
    trigger = rules.rulebook.version(intent.version).trigger
    law = legal_basis_of(trigger.content)
    cause = case.cause
    type_ = rules.catalogue.types.get(cause.type) if cause else None
    used, called = _read(trigger, intent, cause, case.history, rules)
    return Explanation(
        nudge=id_,
        person=intent.person,
        trigger=intent.trigger,
        step=intent.step,
        version=intent.version,
        title=trigger.content["title"],
        agency=trigger.owner,
        klass=trigger.klass,
        legal_basis=legal_basis_text(law),
        legal_basis_titles=law,
        due=intent.due,
        expires=intent.expires,
        state=state_of(nudge),
        cause=cause,
        cause_title=type_.title if type_ else {},
        clause=_clause(trigger, intent.step),
        used=used,
        words=_words(reader, nudge, case),
        facts=tuple(_happened(reader.facts)),
        members=nudge.members,
        alone=_alone(reader, nudge),
        digests={one.recipient: one.digest for one in nudge.deliveries if one.digest is not None},
        called=called,
        retired=retirement_of(connection, log, cause.stream) if cause and cause.retired else None,
        decisive=decisive(trigger, intent.step),
        distinct=distinct(trigger, intent, cause, rules),
    )


GIVEN_NAME = "given_name"
"""The attribute of the packs with a person's first name."""
_CLAUSE = [name for name in KEYS if name in TOLD_KEYS - {"due", "replies"}]
"""The keys of a rule that an explanation shows: without `due`, of which it shows the nudge's step, and `replies`."""


def _clause(trigger: Trigger, step: str) -> dict[str, Any]:
    content = trigger.content
    clause = {name: content[name] for name in _CLAUSE if name in content}
    name, _ = repetition_of(step)
    due = content["due"].get(name)
    if trigger.entitlement is not None:  # what the trigger does not say, its benefit says
        clause.setdefault("to", sorted(trigger.to))
        for one in trigger.steps:
            due = {"from": one.source, **(due or {})} if one.name == name else due
    return clause | {"due": {name: due}}


def _read(
    trigger: Trigger, intent: Intent, cause: LifeEvent | None, known: History, rules: Rules
) -> tuple[dict[str, Any], str]:
    """Return the values that the rule read, by dotted name, and the person's given name at that time."""
    if cause is None:
        return {}, ""
    moment = moment_of(intent, cause, known, rules.rulebook)
    person = person_as_of(known.person, known.facts, rules.catalogue, moment)
    values = citizen_values(person.attributes, moment, local_zone(person, rules.defaults)) | cause.values
    values |= law_values(intent, cause, known, rules.rulebook)
    used = {name: values[name] for name in sorted(reads(trigger, intent.step)) if name in values}
    return used, str(person.get(GIVEN_NAME) or "")


def reads(trigger: Trigger, step: str) -> set[str]:
    """Return the dotted names that a trigger reads for one of its steps."""
    names = set(trigger.entitlement.benefit.reads if trigger.entitlement else ()) | set(trigger.occurrence)
    names |= set(trigger.when.reads if trigger.when else ())
    for one in trigger.steps:
        if one.name == repetition_of(step)[0]:
            names |= {one.source, *(one.when.reads if one.when else ())}
    needed = trigger.needs.together if trigger.needs else ()
    for when in [*(need.when for need in needed), *(unless.when for unless in trigger.unless)]:
        names |= set(when.reads if when else ())
    return names


def decisive(trigger: Trigger, step: str) -> tuple[str, ...]:
    """Return the dotted names of the event and the person on which it depends whether a trigger starts."""
    steps = [each.when for each in trigger.steps if each.name == repetition_of(step)[0]]
    benefit = [each.when for each in trigger.entitlement.benefit.conditions] if trigger.entitlement else []
    names = {name for when in (trigger.when, *steps, *benefit) if when is not None for name in when.reads}
    return tuple(sorted(name for name in names if name.startswith(("event.", "citizen."))))


def distinct(trigger: Trigger, intent: Intent, cause: LifeEvent | None, rules: Rules) -> tuple[str, ...]:
    """Return the dotted names of the event's values that tell this occurrence from others of its kind.

    Registries number what they announce for a place, but residents know it by what the message says: the street.
    """
    if cause is None or cause.area is None:
        return tuple(name for name in trigger.occurrence if name.startswith("event."))
    said = rules.renderers[intent.version].reads
    return tuple(name for name in cause.values if name in said)


def _words(reader: "_Reader", nudge: Nudge, first: Case) -> dict[str, Rendered]:
    """Return recipient -> message, as it was sent or would be now; `first`: the case of the first recipient."""
    found = {}
    for delivery in nudge.deliveries:
        sent, before = reader.sent(nudge, delivery), reader.attempted(delivery)
        as_now = sent is nudge and before is None and delivery is nudge.deliveries[0]
        case = first if as_now else reader.case(sent, delivery.recipient, before)
        with suppress(WordsFailed):
            found[delivery.recipient] = render(case, reader.rules, delivery.attempted_at or reader.now)
    return found


def _alone(reader: "_Reader", nudge: Nudge) -> dict[str, Rendered]:
    """Return recipient -> the message without the digest that it goes with; absent where it goes by itself."""
    found = {}
    for delivery in nudge.deliveries:
        if delivery.digest is not None:
            before = reader.attempted(delivery)
            case = reader.case(planned_before(reader.facts, nudge, before), delivery.recipient, before)
            with suppress(WordsFailed):
                found[delivery.recipient] = render(case, reader.rules, delivery.attempted_at or reader.now)
    return found


class _Reader(NamedTuple):
    """Reads cases. `facts`: the facts of the nudge that is explained."""

    connection: Connection
    log: Log
    rules: Rules
    now: datetime
    facts: Sequence[Entry]

    def attempted(self, delivery: Delivery) -> int | None:
        """Return the position of the delivery's last attempt; later facts were not known when it was rendered."""
        return last_attempt(self.facts, delivery)

    def sent(self, nudge: Nudge, delivery: Delivery) -> Nudge:
        """Return what the recipient really gets: the nudge as planned then, or the digest that it goes with."""
        if delivery.digest is None:
            return planned_before(self.facts, nudge, self.attempted(delivery))
        return nudges.by_id(self.connection, [delivery.digest])[delivery.digest]

    def case(self, nudge: Nudge, recipient: str, before: int | None = None) -> Case:
        """Return the case as of position `before`; for a digest with all its members of that time."""
        looking = DecisionInputs(self.connection, self.log, self.rules, self.now, before, whole=True)
        case = next(case for case in looking.cases([(nudge, recipient)]))
        together = sorted((*case.members, *case.leaving), key=lambda each: nudge.members.index(each.nudge.intent.id))
        return replace(case, members=tuple(together), leaving=())


def _happened(entries: Sequence[Entry]) -> Iterator[RecordedFact]:
    nudge: Nudge | None = None
    for entry in entries:
        fact = entry.fact
        if isinstance(fact, NUDGE_FACTS):
            names = [name for name in fact.__struct_fields__ if name != "at"]
            yield RecordedFact(fact.at, name_of(fact, nudge), {name: getattr(fact, name) for name in names})
            nudge = evolve(nudge, entry.originator_id, entry.originator_version, fact)


def seen_by(why: Explanation, nudge: Nudge, person: str, until: datetime) -> Explanation:
    """Return the explanation without the messages, choices and outcomes of other recipients.

    `until`: when the person ceased to be a guardian of whom it is about. What was done since, and what was planned
    since it went to them, is left out.
    """
    theirs = nudge.to(person)
    if nudge.gone and theirs not in nudge.deliveries:
        theirs = replace(theirs, state=State.CANCELLED)
    planned_until = max(until, theirs.attempted_at or until)
    return replace(
        why,
        state=state_of(replace(nudge, deliveries=(theirs,))),
        words={who: words for who, words in why.words.items() if who == person},
        alone={who: words for who, words in why.alone.items() if who == person},
        digests={who: digest for who, digest in why.digests.items() if who == person},
        facts=tuple(fact for fact in why.facts if _is_told(fact, person, until, planned_until)),
    )


def _is_told(fact: RecordedFact, person: str, until: datetime, planned_until: datetime) -> bool:
    if (recipient := fact.details.get("recipient")) is None:
        return fact.at <= planned_until
    done_at: datetime | None = fact.details.get("done_at")
    return bool(recipient == person) and (done_at is None or done_at < until)


def state_of(nudge: Nudge) -> str:
    """Return the nudge's state in one word, with the reason if there is one."""
    reasons = {one.reason for one in nudge.deliveries if one.reason and one.state is nudge.state}
    return f"{nudge.state.value} ({', '.join(sorted(reasons))})" if reasons else nudge.state.value
