"""Preferences: language, channels, quiet hours and zone, topics, consents; and what the law makes mandatory."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from zoneinfo import available_timezones

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.compose import Platform
from app.http.routes import Routes
from app.pages import visits
from app.pages.catalogues import LANGUAGES
from app.pages.layout import Frame, Pages
from app.pages.life import CHANNELS, category, shown
from app.pages.readers import visitor
from app.pages.visits import Fields, Form
from domain.persons.hours import local_zone, quiet_hours
from domain.persons.person import Person
from streams.queries.inbox import Topic

SAVED = "preferences-saved"
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


class Preferring:
    """The page of preferences."""

    def __init__(self, platform: Platform, pages: Pages) -> None:
        self._platform, self._pages = platform, pages

    def routes(self) -> Routes:
        """Return the routes."""
        routes = Routes(response_class=HTMLResponse, include_in_schema=False)
        routes.add("/my/preferences", self.show, methods=["GET"])
        routes.add("/my/preferences", self.change, methods=["POST"])
        return routes

    def show(self, request: Request) -> Response:
        """Show the present choices."""
        name, frame = visitor(request, self._platform, self._pages)
        person = self._platform.delivery.inbound.preferences.person(name)
        return self._show(
            frame, person, _chosen(person, self._platform), saved=visits.told_once(request, SAVED) is not None
        )

    def change(self, request: Request, fields: Form) -> Response:
        """Choose."""
        name, frame = visitor(request, self._platform, self._pages)
        visits.require_form(request, fields)
        person = self._platform.delivery.inbound.preferences.person(name)
        topics = self._platform.queries.inboxes.topics()
        wrong = _errors(fields, frame)
        wished = _wished(fields, topics, person)
        consents = [each.category for each in topics if each.offers and each.category in fields.get("consent", [])]
        if wrong:
            return self._show(frame, person, wished | {"consents": consents}, wrong)
        self._platform.delivery.inbound.preferences.prefer(name, wished)
        self._platform.delivery.inbound.preferences.consent(
            name, {*consents, *_unlisted(person.get("consents"), topics)}
        )
        if wished["language"] != person.get("language"):
            visits.remember_language(request, wished["language"])
        headers = {"Cache-Control": "no-store"}
        visits.tell_once(request, SAVED)
        return RedirectResponse(f"{self._pages.root}/my/preferences", HTTPStatus.SEE_OTHER, headers)

    def _show(
        self,
        frame: Frame,
        person: Person,
        chosen: Mapping[str, Any],
        wrong: Mapping[str, str] | None = None,
        *,
        saved: bool = False,
    ) -> Response:
        speech, defaults = frame.speech, self._platform.rules.library.rules().defaults
        zone = local_zone(person, defaults)
        now = self._platform.clock()
        until = quiet_hours(person, defaults).ends_after(now, zone)
        topics = [_plain(each, frame) for each in self._platform.queries.inboxes.topics()]
        return self._pages.respond(
            "preferences.html",
            frame,
            HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK,
            chosen=chosen,
            errors=dict(wrong or {}),
            saved=saved,
            spoken=defaults.languages,
            languages=LANGUAGES,
            channels=[(each, shown(CHANNELS, each, speech)) for each in CHANNELS],
            zones=_zones(defaults.zone, str(chosen["zone"])),
            topics=[each for each in topics if each["titles"]],
            offers=[each for each in topics if each["offers"]],
            legal=[row for each in topics for row in each["legal"]],
            emergencies=[row for each in topics for row in each["emergencies"]],
            earliest=speech.moment(until or now),
            quiet=until is not None,
            zone=zone.key,
            local=speech.moment(now),
            cap=defaults.cap_messages,
            days=speech.length(defaults.cap_days),
        )


def _chosen(person: Person, platform: Platform) -> dict[str, Any]:
    defaults = platform.rules.library.rules().defaults
    hours = quiet_hours(person, defaults)
    channels = person.get("channels")
    return {
        "language": person.get("language") or defaults.language,
        "zone": person.get("zone") or defaults.zone,
        "quiet_from": f"{hours.start:%H:%M}",
        "quiet_to": f"{hours.end:%H:%M}",
        "channels": list(CHANNELS) if channels is None else channels,
        "opted_out": person.get("opted_out") or [],
        "consents": person.get("consents") or [],
    }


def _wished(fields: Fields, topics: list[Topic], person: Person) -> dict[str, Any]:
    """Return the choices of the form; categories that the page did not show stay as they were."""
    left = [each.category for each in topics if each.titles and each.category not in fields.get("topic", [])]
    before = person.get("opted_out")
    muted = _muted(fields, topics) if "by_shown" in fields else {each for each in before or () if "/" in each}
    return {
        "language": _one(fields, "language"),
        "zone": _one(fields, "zone"),
        "quiet_from": _one(fields, "quiet_from"),
        "quiet_to": _one(fields, "quiet_to"),
        "channels": [each for each in CHANNELS if each in fields.get("channel", [])],
        "opted_out": sorted({*left, *muted, *_unlisted(before, topics)}),
    }


def _muted(fields: Fields, topics: list[Topic]) -> set[str]:
    """Topic and channel, as in `health/sms`, of those that the page shows."""
    pairs = {f"{each.category}/{channel}" for each in topics if each.titles for channel in CHANNELS}
    return pairs - set(fields.get("by", ()))


def _unlisted(before: list[str] | None, topics: list[Topic]) -> set[str]:
    return {each for each in before or () if "/" not in each} - {
        each.category for each in topics if each.titles or each.offers
    }


def _errors(fields: Fields, frame: Frame) -> dict[str, str]:
    say, wrong = frame.speech.say, {}
    if _one(fields, "language") not in LANGUAGES:
        wrong["language"] = say("Choose a language")
    if not fields.get("channel") or not set(fields["channel"]) <= set(CHANNELS):
        wrong["channel"] = say("Choose at least one channel")
    for name in ("quiet_from", "quiet_to"):
        if not _CLOCK.fullmatch(_one(fields, name)):
            wrong[name] = say("Write a time such as 21:00")
    if not wrong.keys() & {"quiet_from", "quiet_to"} and _one(fields, "quiet_from") == _one(fields, "quiet_to"):
        wrong["quiet_to"] = say("Quiet hours must end at another time than they begin")
    if _one(fields, "zone") not in available_timezones():
        wrong["zone"] = say("Choose a time zone")
    return wrong


def _one(fields: Fields, name: str) -> str:
    return (fields.get(name) or [""])[0]


def _zones(default: str, chosen: str) -> list[str]:
    """Return the time zones of the pack's part of the world, and the chosen one."""
    part = default.partition("/")[0] + "/"
    return sorted({chosen, *(each for each in available_timezones() if each.startswith(part))})


def _plain(topic: Topic, frame: Frame) -> dict[str, Any]:
    speech = frame.speech
    return {
        "category": topic.category,
        "name": category(topic.category, speech),
        "titles": "; ".join(map(speech.titled, topic.titles)),
        "offers": "; ".join(map(speech.titled, topic.offers)),
        "legal": [(speech.titled(title), speech.titled(law)) for title, law in topic.legal],
        "emergencies": [(speech.titled(title), speech.titled(law)) for title, law in topic.emergencies],
        "pairs": {f"{topic.category}/{channel}": shown(CHANNELS, channel, speech) for channel in CHANNELS},
    }
