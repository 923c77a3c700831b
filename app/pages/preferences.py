"""Preferences: language, channels, quiet hours and zone, topics, consents; and what the law makes mandatory."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Final
from zoneinfo import available_timezones

from fastapi import Query, Request
from fastapi.responses import Response

from app.compose import Platform
from app.http import routes
from app.pages import visits
from app.pages.catalogues import LANGUAGES
from app.pages.citizen_pages import CitizenPages
from app.pages.layout import Frame
from app.pages.life import category, word_for
from app.pages.visits import Fields, Form
from app.pages.zones import zone_groups
from app.reports.life_words import CHANNELS
from domain.core.translatable import N_
from domain.persons.channels import ADDRESS_OF, PUSH, addresses
from domain.persons.hours import local_zone, quiet_hours
from domain.persons.person import Person
from streams.queries.inbox import Topic

SAVED = "preferences-saved"
LATELY: Final = 100
"""So many of the latest messages say which topics come first."""
Zones = Annotated[str, Query(max_length=10)]
_LONG_ENOUGH: Final = 10
"""Characters of a telephone number, of which six are shown."""
_BRIEF: Final = {"push": N_("Push"), "sms": N_("SMS"), "email": N_("Email")}
_MISSING: Final = {
    "push": N_("no device yet"),
    "sms": N_("no telephone number is known"),
    "email": N_("no address is known"),
}
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


class PreferencesPage(CitizenPages):
    """The page of preferences."""

    @routes.get("/my/preferences")
    def show(self, request: Request, zones: Zones = "") -> Response:
        """Show the present choices; `zones=all`: with the time zones of all countries."""
        name, frame = self._visitor(request)
        person = self._platform.delivery.inbound.preferences.person(name)
        chosen, saved = _present_choices(person, self._platform), visits.told_once(request, SAVED) is not None
        return self._show(frame, person, chosen, saved=saved, all_zones=zones == "all")

    @routes.post("/my/preferences")
    def change(self, request: Request, fields: Form) -> Response:
        """Store the choices of the form."""
        name, frame = self._visitor(request, fields)
        person = self._platform.delivery.inbound.preferences.person(name)
        topics = self._platform.queries.inboxes.topics()
        wrong = _errors(fields, frame)
        wished = _choices_of_form(fields, topics, person)
        consents = [each.category for each in topics if each.offers and each.category in fields.get("consent", [])]
        if wrong:
            return self._show(frame, person, wished | {"consents": consents}, wrong)
        self._platform.delivery.inbound.preferences.prefer(name, wished)
        self._platform.delivery.inbound.preferences.consent(
            name, {*consents, *_unlisted(person.get("consents"), topics)}
        )
        if wished["language"] != person.get("language"):
            visits.remember_language(request, wished["language"])
        visits.tell_once(request, SAVED)
        return self._pages.go("/my/preferences")

    def _show(
        self,
        frame: Frame,
        person: Person,
        chosen: Mapping[str, Any],
        wrong: Mapping[str, str] | None = None,
        *,
        saved: bool = False,
        all_zones: bool = False,
    ) -> Response:
        speech, defaults = frame.speech, self._platform.rules.library.rules().defaults
        zone = local_zone(person, defaults)
        now = self._platform.clock()
        until = quiet_hours(person, defaults).ends_after(now, zone)
        topics = self._topics(person, frame)
        shown_topics = [each for each in topics if each["titles"]]
        return self._pages.respond(
            "preferences.html",
            frame,
            chosen=chosen,
            errors=dict(wrong or {}),
            saved=saved,
            spoken=defaults.languages,
            languages=LANGUAGES,
            channels=[_channel(each, person, frame) for each in CHANNELS],
            keepers=", ".join(self._sign_in_services()),
            groups=zone_groups(defaults.zone_name, str(chosen["zone"]), speech.language, everywhere=all_zones),
            all_zones=all_zones,
            topics=shown_topics,
            others=[each for each in shown_topics if not each["received"]],
            some_received=any(each["received"] for each in shown_topics),
            offers=[each for each in topics if each["offers"]],
            legal=[row for each in topics for row in each["legal"]],
            emergencies=[row for each in topics for row in each["emergencies"]],
            earliest=speech.moment(until or now),
            quiet=until is not None,
            local=speech.moment(now),
            cap=defaults.cap_messages,
            days=speech.number_of_days(defaults.cap_days),
        )

    def _topics(self, person: Person, frame: Frame) -> list[dict[str, Any]]:
        """Return the topics: those of which most messages came lately first, then by their names."""
        inboxes = self._platform.queries.inboxes
        received = Counter(each.category for each in inboxes.messages_page(person.pseudonym, None, LATELY)[0])
        topics = [_plain(each, frame) | {"received": received[each.category]} for each in inboxes.topics()]
        return sorted(topics, key=lambda each: (-each["received"], each["name"]))

    def _sign_in_services(self) -> list[str]:
        """Return the services by which citizens sign in: they tell the platform where messages go."""
        issuers = self._platform.settings.sign_in
        return [each.title or name for name, each in issuers.items() if each.who == "citizens"]


def _channel(channel: str, person: Person, frame: Frame) -> dict[str, Any]:
    """Return a channel with where its messages go, as far as others may see it."""
    speech, found, known = frame.speech, addresses(person, channel), person.get(ADDRESS_OF[channel])
    name = word_for(CHANNELS, channel, speech)
    if channel == PUSH:
        places = speech.many("{count} device", "{count} devices", len(found)) if found else ""
    else:
        places = masked(str(known)) if known else ""
    return {
        "value": channel,
        "name": name[:1].upper() + name[1:],
        "brief": speech.say(_BRIEF[channel]),
        "places": places,
        "refused": bool(known) and not found,
        "missing": speech.say(_MISSING[channel]),
    }


def masked(address: str) -> str:
    """Return a telephone number or an email of which a part is left out, enough for its owner to know it."""
    name, at, domain = address.rpartition("@")
    if at:
        return f"{name[:1]}…@{domain}"
    return f"{address[:2]} … {address[-4:]}" if len(address) >= _LONG_ENOUGH else "…"


def _present_choices(person: Person, platform: Platform) -> dict[str, Any]:
    defaults = platform.rules.library.rules().defaults
    hours = quiet_hours(person, defaults)
    channels = person.get("channels")
    return {
        "language": person.get("language") or defaults.language,
        "zone": person.get("zone") or defaults.zone_name,
        "quiet_from": f"{hours.start:%H:%M}",
        "quiet_to": f"{hours.end:%H:%M}",
        "channels": list(CHANNELS) if channels is None else channels,
        "opted_out": person.get("opted_out") or [],
        "consents": person.get("consents") or [],
    }


def _choices_of_form(fields: Fields, topics: list[Topic], person: Person) -> dict[str, Any]:
    """Return the choices of the form; categories that the page did not show stay as they were."""
    left = [each.category for each in topics if each.titles and each.category not in fields.get("topic", [])]
    before = person.get("opted_out")
    muted = _muted(fields, topics) if "by_shown" in fields else {each for each in before or () if "/" in each}
    return {
        "language": visits.field_of(fields, "language"),
        "zone": visits.field_of(fields, "zone"),
        "quiet_from": visits.field_of(fields, "quiet_from"),
        "quiet_to": visits.field_of(fields, "quiet_to"),
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
    if visits.field_of(fields, "language") not in LANGUAGES:
        wrong["language"] = say("Choose a language")
    if not fields.get("channel") or not set(fields["channel"]) <= set(CHANNELS):
        wrong["channel"] = say("Choose at least one channel")
    for name in ("quiet_from", "quiet_to"):
        if not _CLOCK.fullmatch(visits.field_of(fields, name)):
            wrong[name] = say("Write a time such as 21:00")
    begin, end = visits.field_of(fields, "quiet_from"), visits.field_of(fields, "quiet_to")
    if not wrong.keys() & {"quiet_from", "quiet_to"} and begin == end:
        wrong["quiet_to"] = say("Quiet hours must end at another time than they begin")
    if visits.field_of(fields, "zone") not in available_timezones():
        wrong["zone"] = say("Choose a time zone")
    return wrong


def _plain(topic: Topic, frame: Frame) -> dict[str, Any]:
    speech = frame.speech
    return {
        "category": topic.category,
        "name": category(topic.category, speech),
        "titles": "; ".join(map(speech.titled, topic.titles)),
        "offers": "; ".join(map(speech.titled, topic.offers)),
        "legal": [(speech.titled(title), speech.titled(law)) for title, law in topic.legal],
        "emergencies": [(speech.titled(title), speech.titled(law)) for title, law in topic.emergencies],
        "pairs": {f"{topic.category}/{channel}": word_for(CHANNELS, channel, speech) for channel in CHANNELS},
    }
