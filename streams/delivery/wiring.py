"""Build the objects of streams.delivery that need no notifier."""

from collections.abc import Mapping

from msgspec import Struct

from streams.delivery.inbound import wiring as inbound_wiring
from streams.delivery.inbound.webhooks import Hook
from streams.delivery.inbound.wiring import InboundParts
from streams.delivery.outcomes.receipts import Receipts
from streams.delivery.outcomes.suppression import BounceThreshold, SuppressionList
from streams.delivery.send.fake_outbox import FakeOutbox
from streams.delivery.send.trial_send import TrialSender
from streams.queues.dead_letters import DeadLetterQueue
from streams.rules.context import WriteContext


class DeliveryParts(Struct, frozen=True):
    """Receipts, the suppression list, what comes in, test sends, and the outbox of the fake providers."""

    receipts: Receipts
    suppression: SuppressionList
    inbound: InboundParts
    test_sends: TrialSender
    fake_outbox: FakeOutbox


def build(
    context: WriteContext, dead_letters: DeadLetterQueue, endurance: BounceThreshold, hooks: Mapping[str, Hook]
) -> DeliveryParts:
    """Return the objects of this package; `hooks`: agency -> where it is told of replies."""
    database, log, clock = context.database, context.log, context.clock
    receipts, suppression = Receipts(database, log, clock), SuppressionList(context, endurance)
    return DeliveryParts(
        receipts,
        suppression,
        inbound_wiring.build(context, receipts, suppression, dead_letters, hooks),
        TrialSender(context),
        FakeOutbox(database, log.keys),
    )
