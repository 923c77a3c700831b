"""Pieces of longer SMS for tests: from whom, and what becomes of them."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from domain.core.events import LifeEvent
from notifiers.port.interface import Piece
from streams.storage.tables import pieces
from tests.world import LONG_AGO, World, event, few_triggers, iin, registered

AIGERIM, PHONE, STRANGER = iin(1), "+77011234567", "+77055555555"
ASKED = "2025-06-04T10:00+05:00"
PATIENCE, AGAIN = timedelta(minutes=10), timedelta(minutes=5)


async def asked(folder: Path, url: str = "") -> World:
    """Aigerim was asked something by SMS, so a text from her number is hers."""
    world = World(folder, url=url, packs=[few_triggers(folder, "work_offers_consent")])
    data, sms_only = {"registered_on": "2025-06-02", "insured_months": 0}, {"channels": ["sms"]}
    world.take(
        *registered(AIGERIM, LONG_AGO),
        event("citizen.preferences_changed", AIGERIM, "2024-01-03T00:00:00+05:00", sms_only, id="sms"),
        event("kz.social.unemployment_registered", AIGERIM, "2025-06-02T11:00:00+05:00", data, id="job"),
    )
    assert len(await world.settle(ASKED)) == 1
    return world


def beside(world: World, folder: Path) -> World:
    """Another process on the same database, whose clock says the same."""
    return World(folder, now=world.clock(), url=world.platform.settings.database)


def piece(number: int, text: str, total: int = 2, reference: int = 7, sender: str = PHONE) -> Piece:
    """A part of a longer SMS."""
    return Piece(
        sender=sender,
        receiver="1414",
        reference=reference,
        total=total,
        number=number,
        text=text,
        patience=PATIENCE,
        again=AGAIN,
    )


def come(world: World, *these: Piece) -> None:
    """These come to that process, by one provider."""
    for each in these:
        world.platform.delivery.inbound.receiving.reassembly.take("operator", each)


def texts(world: World) -> list[str]:
    """The messages that came in from people, in their order."""
    facts = (entry.fact for entry in world.entries())
    return [
        str(fact.values["event.text"])
        for fact in facts
        if isinstance(fact, LifeEvent) and fact.type == "citizen.message_received"
    ]


def kept(world: World) -> list[Any]:
    """What there is of pieces."""
    with world.platform.database.reading() as connection:
        return list(connection.execute(select(pieces)).all())
