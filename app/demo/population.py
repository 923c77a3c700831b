"""The people of the demo, with wishes that bring out every channel and language, and the news of their city."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain
from random import Random
from typing import Any

from msgspec import Struct

from app.simulation.city import city_news
from app.simulation.population import simulate
from streams.intake.cloudevents import Envelope, envelope_of, time_of

_CONTACT = "citizen.contact_changed"
_PREFERENCES = "citizen.preferences_changed"
_HAS_THE_APP = 0.35
_PREFERS_EMAIL = 0.35
_ENGLISH = 0.12
_NO_TRAFFIC_NEWS = 0.04
_LATE_RISER = 0.2
_LOST_THE_APP = 0.04


class Population(Struct, frozen=True):
    """Events in the order of their time: what the registries knew before the start, and what comes after it."""

    known: tuple[Envelope, ...]
    coming: tuple[Envelope, ...]


def population(citizens: int, seed: int, start: datetime, end: datetime) -> Population:
    """Return an invented population; the same arguments give the same events."""
    wishes = _ContactChoices(seed)
    lives = (wishes.of(event) for event in simulate(citizens, seed, start.date(), end.date()))
    return split_at(map(envelope_of, chain(lives, city_news(seed, start.date(), end.date()))), start)


def split_at(events: Iterable[Envelope], start: datetime) -> Population:
    """Return the events in the order of their time: those before the start, and the others."""
    ordered = sorted(events, key=lambda event: (time_of(event), event.id))
    known = tuple(event for event in ordered if time_of(event) < start)
    return Population(known, tuple(ordered[len(known) :]))


class _ContactChoices:
    """Changes how the simulated citizens are reached: some have the app, some prefer email, some read English."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._with_email: set[str] = set()

    def of(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return the event with the wishes of whom it is about."""
        changed = dict(event)
        if event["type"] == _CONTACT:
            changed["data"] = event["data"] | dict(self._contact(event))
        elif event["type"] == _PREFERENCES:
            changed["data"] = event["data"] | dict(self._preferences(event))
        return changed

    def _contact(self, event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        if event["data"]["email"]:
            self._with_email.add(event["subject"])
        has_it = self._draw(event, "lost") > _LOST_THE_APP and self._draw(event, "app") < _HAS_THE_APP
        if event["data"]["phone"] and has_it:
            yield "push", f"demo:{event['id']}"

    def _preferences(self, event: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        if self._draw(event, "lost") < _LOST_THE_APP:
            yield "channels", ["push"]
        elif event["subject"] in self._with_email and self._draw(event, "email") < _PREFERS_EMAIL:
            yield "channels", ["email"]
        if self._draw(event, "late") < _LATE_RISER:
            yield from (("quiet_from", "20:00"), ("quiet_to", "11:00"))
        if self._draw(event, "english") < _ENGLISH:
            yield "language", "en"
        if self._draw(event, "traffic") < _NO_TRAFFIC_NEWS:
            yield "opted_out", ["transport"]

    def _draw(self, event: Mapping[str, Any], wish: str) -> float:
        """Return a number for this citizen and wish, whatever else was drawn before."""
        return Random(f"{self._seed}:{event['subject']}:{wish}").random()  # noqa: S311  drawn to be repeated
