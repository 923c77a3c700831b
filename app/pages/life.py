"""The story of a nudge and the reason why it was sent, in words that a citizen reads in their own language."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from msgspec import Struct

from app.packs.version_diff import start_of
from app.pages.catalogues import Speech
from app.pages.pack_names import Names, names_of
from app.pages.rule_words import Clause, rule_in_words
from app.reports.life_words import CHANNELS, REASON_WORDS
from domain.core.timing import parse_offset
from domain.core.translatable import N_
from streams.log.loads import Retirement
from streams.queries.explain import Explanation, RecordedFact
from streams.rules.in_force import Rules

STATES: Final[Mapping[str, str]] = {
    "planned": N_("planned"),
    "deferred": N_("put off"),
    "digested": N_("goes with a daily summary"),
    "attempted": N_("being sent"),
    "sent": N_("sent"),
    "delivered": N_("delivered"),
    "opened": N_("opened"),
    "answered": N_("answered"),
    "resolved": N_("decided by an operator"),
    "failed": N_("did not arrive"),
    "unknown": N_("not known whether it arrived"),
    "withheld": N_("not sent"),
    "expired": N_("no longer useful, not sent"),
    "cancelled": N_("cancelled"),
    "found_wrong": N_("found to be wrong after it was sent"),
    "right_after_all": N_("found to be right after all"),
    "event_corrected": N_("the data it rests on was corrected after it was sent"),
    "no_further_attempt": N_("no further attempt"),
    "rescheduled": N_("planned anew"),
    "renewed": N_("tried anew"),
    "gathered": N_("one more message goes with it"),
    "done": N_("done afterwards"),
    "undone": N_("not done, as it was thought"),
}
_TIMED: Final[Mapping[str, str]] = {
    "planned": N_("planned for {time}"),
    "deferred": N_("put off until {time}"),
    "digested": N_("goes with a daily summary, on {time}"),
    "rescheduled": N_("planned anew for {time}"),
    "done": N_("done afterwards, on {time}"),
}
"""State of a nudge that names another time than its own -> the words with that time."""
CATEGORIES: Final[Mapping[str, str]] = {
    "business": N_("Business"),
    "documents": N_("Documents"),
    "education": N_("Kindergarten and school"),
    "environment": N_("Air and environment"),
    "family": N_("Family"),
    "general": N_("General"),
    "health": N_("Health"),
    "housing": N_("Housing"),
    "military": N_("Military registration"),
    "pension": N_("Pension"),
    "safety": N_("Safety"),
    "sms_replies": N_("Replies to your SMS"),
    "social": N_("Social support"),
    "taxes": N_("Taxes"),
    "transport": N_("Transport"),
    "utilities": N_("Light, water, heating"),
    "work": N_("Work"),
    "work_offers": N_("Offers of work"),
    "digest": N_("Daily summary"),
}


class TimelineEntry(Struct, frozen=True):
    """A fact of a nudge's life: the time and the words."""

    at: str
    words: str


def word_for(table: Mapping[str, str], word: str, speech: Speech) -> str:
    """Return a word of ours as people say it; what has none is shown as it is."""
    return speech.say(table[word]) if word in table else word.replace("_", " ")


def category(name: str, speech: Speech) -> str:
    """Return a category's name."""
    text = word_for(CATEGORIES, name, speech)
    return text[:1].upper() + text[1:]


def line_of(happened: RecordedFact, speech: Speech) -> TimelineEntry:
    """Return a fact as a line."""
    details = happened.details
    words = word_for(STATES, happened.what, speech)
    when = details.get("done_at") or details.get("due") or details.get("until")
    if happened.what in _TIMED and isinstance(when, datetime):
        words = speech.say(_TIMED[happened.what]).format(time=speech.moment(when))
    if details.get("channel"):
        words += f": {word_for(CHANNELS, details['channel'], speech)}"
    if details.get("reason"):
        words += f": {word_for(REASON_WORDS, details['reason'], speech)}"
    return TimelineEntry(speech.moment(happened.at), words)


class Details(Struct, frozen=True):
    """The reasons for a nudge, by parts. Each row is a name and a value."""

    recorded: tuple[tuple[str, str], ...]
    rule: tuple[tuple[str, str], ...]
    used: tuple[tuple[str, str], ...]
    life: tuple[TimelineEntry, ...]


def details_of(why: Explanation, rules: Rules, speech: Speech) -> Details:
    """Return the details of the page that says why."""
    names = names_of(rules, speech, start_of(why.clause))
    rule = Clause(why.clause, why.agency, why.klass, why.legal_basis_titles)
    return Details(
        tuple(_recorded(why, names)),
        tuple(rule_in_words(rule, rules, speech)),
        tuple((names.heading_of(name), names.value(value)) for name, value in why.used.items()),
        tuple(line_of(each, speech) for each in why.facts),
    )


def _recorded(why: Explanation, names: Names) -> Iterator[tuple[str, str]]:
    speech, say = names.speech, names.speech.say
    if why.cause is None:
        yield say("What was recorded"), say("It can no longer be read")
        return
    type_ = names.type(why.cause.type)
    yield say("What was recorded"), speech.titled(why.cause_title) or why.cause.type
    yield say("When"), speech.moment(why.cause.time)
    if type_ is not None:
        yield say("By which office"), names.office(type_.agency)
    if why.retired is not None:
        yield say("What exactly"), retired_in_words(why.retired, speech)


def retired_in_words(retired: Retirement, speech: Speech) -> str:
    """Return the time since when an event's content is unreadable, and the reason."""
    months = parse_offset(retired.limit).months
    if months % 12:
        length = speech.many("{count} month", "{count} months", months)
    else:
        length = speech.many("{count} year", "{count} years", months // 12)
    text = speech.say(
        "It was kept readable for {length} after the year of the event; since {date} nobody can read it"
    )
    return text.format(length=length, date=speech.moment(retired.at))
