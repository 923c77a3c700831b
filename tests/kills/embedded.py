"""The embedded run: what happened, once each and in its order, on one file that nobody kills."""

from collections import deque
from collections.abc import Sequence
from datetime import datetime

from app.clock import fixed
from app.compose import Platform, compose
from app.settings import load_settings
from domain.facts.governance import TriggerPublished, TriggerReachChanged
from streams.intake.cloudevents import Envelope
from tests.kills.land import Land
from tests.kills.registries import START
from tests.streams.governors import append

Publication = TriggerPublished | TriggerReachChanged


def take_all(land: Land, database: str, events: Sequence[Envelope], published: Sequence[Publication]) -> None:
    """Take it in: what was published comes after all that had happened by then, and before the rest."""
    packs = ":".join(map(str, land.packs))
    platform = compose(load_settings(database=database, key_file=land.key_file, packs=packs), fixed(START))
    happened = deque(events)
    for fact in published:
        _accept(platform, _until(fact.at, happened))
        append(platform, fact)
    _accept(platform, happened)
    platform.database.close()


def _until(at: datetime, happened: deque[Envelope]) -> list[Envelope]:
    found: list[Envelope] = []
    while happened and datetime.fromisoformat(happened[0].time) <= at:
        found.append(happened.popleft())
    return found


def _accept(platform: Platform, happened: Sequence[Envelope]) -> None:
    assert all(outcome.accepted for outcome in platform.intake.accept(happened))
