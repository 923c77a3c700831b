"""Build the objects of streams.runtime."""

from msgspec import Struct

from streams.delivery.inbound import receiving, webhooks
from streams.delivery.wiring import DeliveryParts
from streams.log.chain_builder import ChainBuilder
from streams.log.watermark import Watermark
from streams.log.wiring import LogParts
from streams.planning import areas, quarantine
from streams.planning.wiring import PlanningParts
from streams.queues.dead_letters import DeadLetterQueue, DeadLetters
from streams.rules.context import WriteContext
from streams.runtime.processes import Processes
from streams.runtime.restore import Restoring


class RuntimeParts(Struct, frozen=True):
    """The work beside (chain, watermark), the processes, and the tools for restores and dead letters."""

    chain_builder: ChainBuilder
    watermark: Watermark
    restore: Restoring
    dead_letters: DeadLetters
    processes: Processes


def build(
    context: WriteContext,
    log: LogParts,
    queue: DeadLetterQueue,
    planning: PlanningParts,
    delivery: DeliveryParts,
) -> RuntimeParts:
    """Return the objects of this package."""
    database, clock = context.database, context.clock
    kinds = {
        webhooks.KIND: webhooks.letter_kind(context),
        receiving.STRANGER: receiving.letters_from_strangers(delivery.inbound.receiving),
        areas.AREA: areas.letter_kind_of_areas(planning.areas.retry),
        **quarantine.letter_kinds(planning.planning),
    }
    return RuntimeParts(
        log.chain_builder,
        log.watermark,
        Restoring(context, log.watermark),
        DeadLetters(database, queue, kinds),
        Processes(database, clock),
    )
