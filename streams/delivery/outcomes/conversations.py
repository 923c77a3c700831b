"""Conversations: which messages and questions went to a telephone number, so that a text from it is understood."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, delete, select

from domain.core.ids import Names
from domain.nudges.delivery import Due, State
from domain.nudges.nudge import Nudge
from domain.nudges.reply_meaning import OpenQuestion
from domain.nudges.settle import Send
from domain.persons.channels import ADDRESS_OF
from domain.persons.replies import CONSENT
from projections import nudges
from projections.bulk import replace_rows
from projections.tables import micros, moment
from streams.delivery.decide.case import Case
from streams.delivery.outcomes.attempts import Attempt
from streams.log.log import Log
from streams.rules.in_force import Rules
from streams.rules.trigger_history import rules_of
from streams.storage.advisory_locks import take_turns
from streams.storage.tables import conversations

SMS = "sms"
REMEMBERED = timedelta(days=90)
"""The time in which a message may still be answered."""
MOST_MESSAGES = 50
LOCK_BYTES = 8
"""As many of a number's hash name its lock: the database has locks of 64 bits."""


class SentText(Struct, frozen=True):
    """A message that went to a number; `mark` tells its question, if it asks one, from others at the number."""

    nudge: UUID
    recipient: str
    at: datetime
    mark: str


def messages_to(connection: Connection, number: bytes) -> list[SentText]:
    """Return the messages that went to a number, the last one first."""
    table = conversations
    query = select(table.c.nudge, table.c.recipient, table.c.at, table.c.mark).where(table.c.number == number)
    rows = connection.execute(query.order_by(table.c.at.desc(), table.c.nudge).limit(MOST_MESSAGES))
    return [SentText(row.nudge, row.recipient, moment(row.at), row.mark) for row in rows]


def tidy(connection: Connection, now: datetime) -> None:
    """Delete messages older than REMEMBERED."""
    connection.execute(delete(conversations).where(conversations.c.at < micros(now - REMEMBERED)))


class Questions(Struct, frozen=True):
    """The questions that wait for an answer, and those that have one; of a repeated question, the last.

    An answered question that has expired takes no other answer, except one that withdraws a consent.
    """

    open: Sequence[OpenQuestion]
    answered: Sequence[OpenQuestion]


def questions_among(
    connection: Connection, log: Log, rules: Rules, messages: Sequence[SentText], now: datetime
) -> Questions:
    """Return the questions among the messages that were sent."""
    found = nudges.by_id(connection, [message.nudge for message in messages])
    known = [message for message in messages if message.nudge in found]
    done = [message for message in known if found[message.nudge].to(message.recipient).state is State.ANSWERED]
    answered = {(found[message.nudge].intent.occurrence, message.recipient) for message in done}
    waiting = [
        message
        for message in known
        if _may_be_answered(found[message.nudge], message.recipient, now)
        and (found[message.nudge].intent.occurrence, message.recipient) not in answered
    ]

    def questions(of: Sequence[SentText]) -> Sequence[OpenQuestion]:
        return _questions(connection, log, rules, of, found)

    last = (
        question if _may_be_answered(found[question.nudge], question.recipient, now) else _expired(question)
        for question in questions(done)
    )
    return Questions(questions(waiting), [question for question in last if question.replies])


def _expired(question: OpenQuestion) -> OpenQuestion:
    """Nothing is agreed to any more; of a consent that it may have got, the other answers take it back."""
    codes = question.replies.items()
    left = {code: type_ for code, type_ in codes if type_ != CONSENT} if CONSENT in question.replies.values() else {}
    return replace(question, replies=left)


def _questions(
    connection: Connection, log: Log, rules: Rules, messages: Sequence[SentText], found: Mapping[UUID, Nudge]
) -> list[OpenQuestion]:
    questions: dict[UUID, OpenQuestion] = {}
    for message in messages:
        nudge = found[message.nudge]
        if replies := _replies(connection, log, rules, nudge):
            about = nudge.intent.occurrence
            questions.setdefault(about, OpenQuestion(message.nudge, message.recipient, message.mark, replies, about))
    return list(questions.values())


def _may_be_answered(nudge: Nudge, recipient: str, now: datetime) -> bool:
    delivery, expires = nudge.to(recipient), nudge.intent.expires
    return delivery.maybe_sent and not nudge.gone and (expires is None or now < expires)


def _replies(connection: Connection, log: Log, rules: Rules, nudge: Nudge) -> dict[str, str]:
    content = rules_of(connection, log, rules.rulebook, nudge.intent.version) or {}
    return dict(content.get("replies") or {})


def note_attempts(connection: Connection, names: Names, attempts: Iterable[Attempt], now: datetime) -> None:
    """Store the numbers to which messages go by SMS."""
    sms = [attempt for attempt in attempts if attempt.message.channel == SMS]
    rows = [
        (
            names.number_hash(attempt.message.address),
            attempt.nudge,
            attempt.message.recipient,
            micros(now),
            attempt.mark or (names.mark(attempt.nudge) if attempt.case.settlement.trigger.replies else ""),
        )
        for attempt in sms
    ]
    replace_rows(connection, conversations, rows)


def required_marks(
    connection: Connection, log: Log, rules: Rules, names: Names, cases: Iterable[Case], now: datetime
) -> dict[Due, str]:
    """Return delivery -> the mark that its SMS must show, as another question is open at its number."""
    found: dict[Due, str] = {}
    numbers = _OpenMarks(connection, log, rules, now)
    for case in filter(asks_by_sms, cases):
        intent, number = case.nudge.intent, names.number_hash(str(case.recipient.get(ADDRESS_OF[SMS])))
        others = numbers.other_marks(number, intent.occurrence)
        mark = mark_of(names, intent.id, others)
        numbers.note(number, intent.occurrence, mark)
        if others:
            found[case.key] = mark
    return found


def unmarked(
    connection: Connection, log: Log, rules: Rules, names: Names, attempts: Iterable[Attempt], now: datetime
) -> set[UUID]:
    """Return the nudges whose question does not show the mark that tells it from another one at its number.

    That one was written at the same time. From here to the end of the transaction nobody else asks at these numbers.
    """
    asking = sorted((attempt for attempt in attempts if asks_by_sms(attempt.case)), key=lambda attempt: attempt.mark)
    for number in sorted({names.number_hash(attempt.message.address) for attempt in asking}):
        take_turns(connection, int.from_bytes(number[:LOCK_BYTES], signed=True))
    found, numbers = set[UUID](), _OpenMarks(connection, log, rules, now)
    for attempt in asking:
        about, number = attempt.case.nudge.intent.occurrence, names.number_hash(attempt.message.address)
        others = numbers.other_marks(number, about)
        if others and (not attempt.mark or attempt.mark in others):
            found.add(attempt.nudge)
        else:
            numbers.note(number, about, attempt.mark or names.mark(attempt.nudge))
    return found


class _OpenMarks:
    """The marks of the open questions at telephone numbers, with those that are noted."""

    def __init__(self, connection: Connection, log: Log, rules: Rules, now: datetime) -> None:
        self._connection, self._log, self._rules, self._now = connection, log, rules, now
        self._marks: dict[bytes, dict[UUID, str]] = {}

    def other_marks(self, number: bytes, about: UUID) -> list[str]:
        """Return the marks of the questions at the number that are about something else."""
        if number not in self._marks:
            sent = messages_to(self._connection, number)
            questions = questions_among(self._connection, self._log, self._rules, sent, self._now).open
            self._marks[number] = {question.about: question.mark for question in questions}
        return [mark for each, mark in self._marks[number].items() if each != about]

    def note(self, number: bytes, about: UUID, mark: str) -> None:
        """Note the question that goes to the number as well."""
        self._marks[number][about] = mark


def asks_by_sms(case: Case) -> bool:
    """Return whether the case asks a question by SMS."""
    return bool(case.settlement.trigger.replies) and isinstance(case.decision, Send) and case.decision.channel == SMS


def mark_of(names: Names, nudge: UUID, taken: Iterable[str]) -> str:
    """Return the mark of a question: the next one that no other open question at its number has."""
    others: Collection[str] = frozenset(taken)
    first = int(names.mark(nudge))
    marks = (str(10 + (first - 10 + step) % 90) for step in range(90))
    return next((mark for mark in marks if mark not in others), str(first))
