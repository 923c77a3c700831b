"""Rendering: the message of a case, as a notifier carries it, and the attempt to send it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from domain.core.ids import traced
from domain.facts.facts import NudgeAttempted, NudgeWithheld
from domain.nudges.calendar_days import calendar_days
from domain.nudges.class_rules import CLASS_RULES
from domain.nudges.delivery import Due
from domain.nudges.settle import NotSentReason, Send
from domain.persons.channels import addresses
from domain.persons.hours import local_zone
from notifiers.port.interface import Action, Message
from streams.delivery.decide.case import Case
from streams.delivery.decide.rendering import AnswerUrl, render
from streams.delivery.decide.settling import unsent_fact
from streams.delivery.outcomes import conversations, outcome_facts
from streams.delivery.outcomes.attempts import Attempt, Intention, RoutedCase
from streams.delivery.outcomes.group_commit import IntendedAttempts
from streams.rules.context import WriteContext
from streams.rules.in_force import Rules
from templates.words import emblems, footer
from templates.words.footer import Foot, Proof
from templates.words.questions import with_mark
from templates.words.rendering import Rendered, WordsFailed, signed

UnsubscribeUrl = Callable[[Case], str | None]
SeenUrl = Callable[[UUID, str, int], str]
ProofOf = Callable[[UUID, str, datetime], Proof]
"""Makes the page and code that show a message to be authentic, of a nudge to a recipient from then on."""


class MessageBuilder(Struct, frozen=True):
    """Builds messages with their links.

    `unsubscribe_url`: stops the category for the case's recipient; `answer_url`: answers a nudge as its recipient
    with a code; `seen_url`: called by a device that shows an attempt; `proof_of`: the message's own page and code.
    """

    unsubscribe_url: UnsubscribeUrl
    answer_url: AnswerUrl
    seen_url: SeenUrl | None = None
    proof_of: ProofOf | None = None

    def build(self, case: Case, rules: Rules, attempt: int, now: datetime, mark: str = "") -> Message:
        """Return the message of a case that is sent; an SMS shows the `mark` that tells its question from others.

        Raises:
            WordsFailed: a value is missing, because it was erased or never reported.
        """
        assert isinstance(case.decision, Send)
        channel = case.decision.channel
        rendered = render(case, rules, now, self.answer_url, only=channel)
        device, address = next(iter(addresses(case.recipient, channel).items()), ("", ""))
        text, title = parts_of(rendered, channel)
        if mark:
            text = with_mark(text, rendered.language, next(iter(case.settlement.trigger.replies)), mark)
        intent, trigger, recipient = case.nudge.intent, case.settlement.trigger, case.recipient.pseudonym
        html, stop = rendered.html if channel == "email" else None, self.unsubscribe_url(case)
        proof = None if self.proof_of is None else self.proof_of(intent.id, recipient, now)
        if proof is not None:
            if channel == "email":
                text, html = _with_foot(text, rendered, _foot(case, rules, now, proof, stop, rendered))
            elif channel == "sms":
                text = with_code(text, rendered, proof.page, proof.code)
        return Message(
            nudge=intent.id,
            attempt=attempt,
            channel=channel,
            recipient=recipient,
            address=address,
            language=rendered.language,
            text=text,
            title=title,
            html=html,
            pictures=emblems.pictures(html) if html else {},
            unsubscribe_url=stop,
            actions=tuple(Action(one.id, one.label, one.url) for one in rendered.actions),
            seen_url=self._seen(intent.id, recipient, attempt) if channel == "push" else None,
            page_url=None if proof is None else proof.page,
            code="" if proof is None else proof.code,
            owner=trigger.owner,
            klass=trigger.klass,
            expires=intent.expires,
            device=device,
            traceparent=traced(case.cause.traceparent if case.cause else None, str(intent.id), str(attempt)),
        )

    def _seen(self, nudge: UUID, recipient: str, attempt: int) -> str | None:
        return None if self.seen_url is None else self.seen_url(nudge, recipient, attempt)


class WrittenMessage(Struct, frozen=True):
    """A message, None where a value for its words is missing; `mark`: tells its question from others.

    `defect`: what was raised instead, to be raised when its turn comes.
    """

    message: Message | None
    mark: str = ""
    defect: Exception | None = None


Messages = Mapping[Due, WrittenMessage]


class AttemptWriter:
    """Writes messages and makes attempts. `lease`: the time that an attempt may stay without an outcome."""

    def __init__(self, context: WriteContext, messages: MessageBuilder, lease: timedelta) -> None:
        self._database, self._log, self._names = context.database, context.log, context.names
        self._clock, self._messages, self._lease = context.clock, messages, lease

    def write_messages(self, cases: Sequence[Case], rules: Rules) -> Messages:
        """Return the messages of cases that are sent."""
        now, marks = self._clock(), dict[Due, str]()
        if asking := [case for case in cases if conversations.asks_by_sms(case)]:
            with self._database.reading() as connection:
                marks |= conversations.required_marks(connection, self._log, rules, self._names, asking, now)
        sent = {case.key: case for case in cases if isinstance(case.decision, Send)}
        return {key: self._write(case, rules, now, marks.get(key, "")) for key, case in sent.items()}

    def _write(self, case: Case, rules: Rules, now: datetime, mark: str) -> WrittenMessage:
        number = case.nudge.to(case.recipient.pseudonym).attempt + 1
        try:
            return WrittenMessage(self._messages.build(case, rules, number, now, mark), mark)
        except WordsFailed:
            return WrittenMessage(None)
        except Exception as defect:  # noqa: BLE001  (it stops the group of this message, and no other)
            return WrittenMessage(None, defect=defect)

    def attempts_of(self, routed: Sequence[RoutedCase], rules: Rules, messages: Messages) -> IntendedAttempts:
        """Return for each case an attempt, or a fact that records why it is not sent."""
        now = self._clock()
        return IntendedAttempts(
            [one.case for one in routed], [self._intention(one, messages, now) for one in routed], rules
        )

    def _intention(self, routed: RoutedCase, messages: Messages, now: datetime) -> Intention:
        case, provider = routed.case, routed.provider
        if not isinstance(case.decision, Send):
            return unsent_fact(case, now)
        if provider is None:
            return outcome_facts.unknown_without_retry(case.settlement, now)
        recipient, written = case.recipient.pseudonym, messages[case.key]
        message = written.message
        if written.defect is not None:
            raise written.defect
        if message is None:
            return NudgeWithheld(now, recipient, NotSentReason.UNREADABLE.value)
        until = now + self._lease
        fact = NudgeAttempted(
            now, recipient, message.attempt, message.channel, provider.name, until, message.language
        )
        return Attempt(case, message, fact, provider, written.mark)


def _foot(case: Case, rules: Rules, now: datetime, proof: Proof, stop: str | None, rendered: Rendered) -> Foot:
    mandatory = CLASS_RULES[case.settlement.trigger.klass].ignores_opt_out and not case.members
    return Foot(proof, stop, _has_day(case, rules, now), mandatory, rendered.head)


def _has_day(case: Case, rules: Rules, now: datetime) -> bool:
    """Return True if the message names a day to come; it stands on its page as a file for calendars."""
    if case.cause is None or case.members:
        return False
    zone = local_zone(case.recipient, rules.defaults)
    days = calendar_days(case.settlement.trigger, case.nudge.intent, case.cause.values, zone)
    return days is not None and days.last >= now.astimezone(zone).date()


def _with_foot(text: str, rendered: Rendered, foot: Foot) -> tuple[str, str | None]:
    """Return an email's text and HTML with what shows it to be genuine; a push carries that beside its text."""
    html = rendered.html and footer.mail_html(rendered.html, rendered.language, foot)
    return footer.mail_text(text, rendered.language, foot), html


def with_code(text: str, rendered: Rendered, page: str, code: str) -> str:
    """Return an SMS with its office, code and page; as it is where a telephone reaches no such page."""
    if not page.startswith("https:"):
        return text
    return footer.with_page(signed(text, rendered.language, rendered.office, code), page)


def parts_of(rendered: Rendered, channel: str) -> tuple[str, str]:
    """Return the text and the title that a channel carries."""
    match channel:
        case "push":
            return rendered.push_body, rendered.push_title
        case "sms":
            return rendered.sms, ""
        case _:
            return rendered.text, rendered.subject
