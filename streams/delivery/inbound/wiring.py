"""Build the objects of streams.delivery.inbound."""

from collections.abc import Mapping

from msgspec import Struct

from streams.delivery.inbound.devices import DeviceStore
from streams.delivery.inbound.opt_outs import OptOuts
from streams.delivery.inbound.preferences import PreferenceStore
from streams.delivery.inbound.receiving import InboundMessages
from streams.delivery.inbound.replies import ReplyIntake
from streams.delivery.inbound.webhooks import Hook, Webhooks
from streams.delivery.outcomes.receipts import Receipts
from streams.delivery.outcomes.suppression import SuppressionList
from streams.queues.dead_letters import DeadLetterQueue
from streams.rules.context import WriteContext


class InboundParts(Struct, frozen=True):
    """The objects that take in reports, replies, opt-outs, preferences and devices, and tell agencies of replies."""

    receiving: InboundMessages
    replies: ReplyIntake
    opt_outs: OptOuts
    preferences: PreferenceStore
    devices: DeviceStore
    webhooks: Webhooks


def build(
    context: WriteContext,
    receipts: Receipts,
    suppression: SuppressionList,
    dead_letters: DeadLetterQueue,
    hooks: Mapping[str, Hook],
) -> InboundParts:
    """Return the objects of this package; `hooks`: agency -> where it is told of replies."""
    replies, opt_outs = ReplyIntake(context), OptOuts(context)
    return InboundParts(
        InboundMessages(context, receipts, suppression, replies, opt_outs, dead_letters.put),
        replies,
        opt_outs,
        PreferenceStore(context),
        DeviceStore(context),
        Webhooks(context, dead_letters, hooks),
    )
