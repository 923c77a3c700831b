"""Mails to officials about what waits for them or was decided: no nudges, never to a citizen's address."""

from collections.abc import Mapping
from uuid import UUID

from msgspec import Struct

from domain.facts.principals import Principal
from notifiers.port.interface import Accepted, Message
from notifiers.port.routes import Route
from streams.rules.context import WriteContext
from streams.storage.database import Priority

CHANNEL = "email"


class StaffNotice(Struct, frozen=True):
    """A mail to officials. `key`: the same for the same matter, so a provider that was asked twice sends it once."""

    key: str
    title: str
    text: str
    language: str


class StaffMail:
    """Sends them to registered contacts of principals."""

    def __init__(self, context: WriteContext) -> None:
        self._context = context

    async def send(self, notice: StaffNotice, to: Mapping[str, Principal], route: Route) -> list[str]:
        """Send it to those who have an address; return the names of those to whom it went."""
        sent = []
        for name, principal in sorted(to.items()):
            if CHANNEL not in principal.contacts:
                continue
            message = self._message(notice, principal)
            [outcome] = await route.choose(message.nudge, message.address).send([message])
            if isinstance(outcome, Accepted):
                sent.append(name)
        return sent

    def id_of(self, notice: StaffNotice, name: str) -> tuple[str, UUID]:
        """Return the pseudonym of an official, and the id of a notice to them."""
        names = self._context.names
        recipient = names.pseudonym(f"principal {name}")
        return recipient, names.nudge("staff", recipient, names.registry_stream("notice", notice.key), notice.key)

    def _message(self, notice: StaffNotice, to: Principal) -> Message:
        context = self._context
        recipient, id_ = self.id_of(notice, to.name)
        context.database.write(
            lambda connection: context.log.keys.ensure(connection, [recipient]), Priority.DISPATCH
        )  # the shipped fake seals its copy
        return Message(
            nudge=id_,
            attempt=1,
            channel=CHANNEL,
            recipient=recipient,
            address=to.contacts[CHANNEL],
            language=notice.language,
            text=notice.text,
            title=notice.title,
        )
