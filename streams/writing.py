"""From a case to the message that a notifier carries."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from domain.channels import ADDRESS_OF
from domain.ids import traced
from domain.settle import Send
from notifiers.port import Action, Message
from streams.library import Rules
from streams.settling import Case
from streams.wording import AnswerUrl, render
from templates import footer
from templates.footer import Proof
from templates.questions import marked
from templates.render import Rendered

UnsubscribeUrl = Callable[[Case], str | None]
SeenUrl = Callable[[UUID, str, int], str]
ProofOf = Callable[[UUID, str, datetime], Proof]
"""What a message to a recipient carries of its own, from then on."""


class Writer(Struct, frozen=True):
    """Writes messages; `unsubscribe_url` gives the link with which a case's recipient stops its category.

    `answer_url`: the link to answer a nudge as its recipient with a code; `seen_url`: by which a device tells that it
    shows an attempt; `proof_of`: the message's own page and code.
    """

    unsubscribe_url: UnsubscribeUrl
    answer_url: AnswerUrl
    seen_url: SeenUrl | None = None
    proof_of: ProofOf | None = None

    def write(self, case: Case, rules: Rules, attempt: int, now: datetime, mark: str = "") -> Message:
        """The message of a case that is to be sent; an SMS says the `mark` that tells its question from others.

        Raises:
            WordsFailed: the words need a value that is missing, because it was erased or never reported.
        """
        assert isinstance(case.decision, Send)
        channel = case.decision.channel
        rendered = render(case, rules, now, self.answer_url, only=channel)
        address = str(case.recipient.get(ADDRESS_OF[channel]))
        text, title = parts_of(rendered, channel)
        if mark:
            text = marked(text, rendered.language, next(iter(case.settlement.trigger.replies)), mark)
        intent, trigger = case.nudge.intent, case.settlement.trigger
        message = Message(
            nudge=intent.id, attempt=attempt, channel=channel, recipient=case.recipient.pseudonym,
            address=address, language=rendered.language, text=text, title=title,
            html=rendered.html if channel == "email" else None, unsubscribe_url=self.unsubscribe_url(case),
            actions=tuple(Action(one.id, one.label, one.url) for one in rendered.actions),
            seen_url=self._seen(intent.id, case.recipient.pseudonym, attempt) if channel == "push" else None,
            owner=trigger.owner, klass=trigger.klass, expires=intent.expires,
            traceparent=traced(case.cause.traceparent if case.cause else None, str(intent.id), str(attempt)),
        )  # fmt: skip
        return (
            message if self.proof_of is None else _proven(message, self.proof_of(intent.id, message.recipient, now))
        )

    def _seen(self, nudge: UUID, recipient: str, attempt: int) -> str | None:
        return None if self.seen_url is None else self.seen_url(nudge, recipient, attempt)


def _proven(message: Message, proof: Proof) -> Message:
    """The message with its page and its code: in the data of a push, at the foot of a letter, in an SMS with room."""
    text, html, stops = message.text, message.html, message.unsubscribe_url is not None
    if message.channel == "email":
        text = footer.mail_text(text, message.language, proof, stops=stops)
        html = html and footer.mail_html(html, message.language, proof, stops=stops)
    elif message.channel == "sms" and proof.page.startswith("https:"):  # else nobody's telephone can reach it
        text = footer.sms(text, message.language, proof)
    return replace(message, text=text, html=html, page_url=proof.page, code=proof.code)


def parts_of(rendered: Rendered, channel: str) -> tuple[str, str]:
    """The text and the title that a channel carries."""
    match channel:
        case "push":
            return rendered.push_body, rendered.push_title
        case "sms":
            return rendered.sms, ""
        case _:
            return rendered.text, rendered.subject
