"""Test sends: a trigger's text to a colleague, by the real provider, before any citizen reads it."""

import re

from msgspec import Struct

from domain.core.translatable import Words
from domain.facts.governance import SentAsTest
from domain.facts.principals import NotAllowed, Principal
from domain.facts.submissions import check_acting
from notifiers.port.interface import Action, Message, Outcome
from notifiers.port.routes import Route
from streams.delivery.send.message import parts_of
from streams.rules.context import WriteContext
from streams.rules.publishing import Rulemaking, govern
from streams.storage.database import Priority
from templates.words import emblems
from templates.words.rendering import Rendered

MARK = "[TEST]"
"""The beginning of each test send, so that it is not mistaken for a message of the state."""


class TrialMessage(Struct, frozen=True):
    """The text of a version of a trigger on one channel; `owner`: the agency that owns the trigger."""

    trigger: str
    hash: str
    owner: str
    channel: str
    rendered: Rendered


class TrialSender:
    """Sends them, each recorded by a fact that names the sender, the trigger and the colleague, but no address."""

    def __init__(self, context: WriteContext) -> None:
        self._database, self._log = context.database, context.log
        self._names, self._clock = context.names, context.clock

    async def send(self, trial: TrialMessage, to: Principal, who: Principal, route: Route) -> Outcome:
        """Send it to the colleague's registered contact.

        Raises:
            NotAllowed: the trigger or the colleague is another agency's, or there is no contact for the channel.
        """
        check_acting(who, trial.owner, trial.trigger)
        if to.agency != who.agency:
            raise NotAllowed(Words("{name} is not a colleague of yours, but works at another agency", name=to.name))
        if trial.channel not in to.contacts:
            raise NotAllowed(
                Words("{name} has no registered contact for {channel}", name=to.name, channel=trial.channel)
            )
        recipient = self._names.pseudonym(f"principal {to.name}")
        number = govern(
            self._database,
            self._log,
            self._names,
            lambda rules: self._note(rules, trial, to, who, recipient),
            Priority.DISPATCH,
        )
        message = self._message(trial, to, recipient, number)
        [outcome] = await route.choose(message.nudge, message.address).send([message])
        return outcome

    def _note(self, rules: Rulemaking, trial: TrialMessage, to: Principal, who: Principal, recipient: str) -> int:
        """Append the fact, and make a key with which the fake seals its copy; return the number of the test send."""
        trigger = rules.trigger(trial.trigger)
        trigger.send_as_test(
            SentAsTest(self._clock(), who.name, to.name, trial.trigger, trial.hash, trial.channel), who
        )
        self._log.keys.ensure(rules.connection, [recipient])
        return trigger.version

    def _message(self, trial: TrialMessage, to: Principal, recipient: str, number: int) -> Message:
        text, title = parts_of(trial.rendered, trial.channel)
        html = re.sub(r"(<body[^>]*>)", rf"\1<p>{MARK}</p>", trial.rendered.html, count=1)
        about = self._names.registry_stream("trigger", trial.trigger)
        return Message(
            nudge=self._names.nudge(trial.trigger, recipient, about, f"test {number}"),
            attempt=1,
            channel=trial.channel,
            recipient=recipient,
            address=to.contacts[trial.channel],
            language=trial.rendered.language,
            text=f"{MARK} {text}",
            title=f"{MARK} {title}" if title else "",
            html=html if trial.channel == "email" else None,
            pictures=emblems.pictures(html) if trial.channel == "email" else {},
            actions=tuple(Action(one.id, one.label, one.url) for one in trial.rendered.actions),
        )
