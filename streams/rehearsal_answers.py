"""What answers a message in a rehearsal: nobody who writes a case knows the ids of messages."""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from domain.events import Effective, LifeEvent
from domain.nudge import Nudge
from domain.replies import NUDGE, said
from domain.rulebook import Rulebook
from domain.triggers import Trigger
from streams.rehearsal_script import Reported


def answering(
    reported: Reported, nudges: Iterable[Nudge], trigger: Trigger, theirs: Sequence[Effective], rulebook: Rulebook
) -> Sequence[LifeEvent] | None:
    """The events, naming the latest nudge of the step that is answered; None for a code that answers nothing sent.

    A code becomes what it becomes on the platform: nothing where it was said before, and a consent is taken back.

    `theirs`: what is known of whoever answers.
    """
    found = [one for one in nudges if one.intent.step == reported.answers]
    if (reply := reported.reply) is not None:
        found = [one for one in found if one.to(reply.recipient).maybe_sent]
    latest = max(found, key=lambda one: (one.maybe_sent, one.intent.due, one.intent.id.int), default=None)
    if latest is None:
        return None if reply is not None else (reported.event,)
    if reply is None:
        fields = {owner: {**part, NUDGE: str(latest.intent.id)} for owner, part in reported.event.fields.items()}
        return (replace(reported.event, fields=fields),)
    asked = replace(reply, nudge=latest.intent.id)
    type_ = rulebook.catalogue.types[reported.event.type]
    return said(type_, asked, trigger.category, rulebook.names, theirs, rulebook.catalogue).events
