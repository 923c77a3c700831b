"""An explanation as lines for a terminal: in English, with the words that its page has for rules and values."""

from collections.abc import Iterable, Mapping
from datetime import tzinfo
from typing import Any

from app.moments import local_time
from app.pages.catalogues import DEFAULT_LANGUAGE, Speech
from app.pages.life import details_of
from app.terminal import counted
from streams.delivery.send.message import parts_of
from streams.queries.explain import Explanation
from streams.rules.in_force import Rules
from templates.words.rendering import Rendered


def explanation_lines(found: Explanation, rules: Rules) -> Iterable[str]:
    """Yield the event, the rule, the values that it read, the outcome, and the words."""
    zone = rules.defaults.zone
    page = details_of(found, rules, Speech(DEFAULT_LANGUAGE, zone))
    title = found.title.get("en") or next(iter(found.title.values()))
    yield f"{title}: {found.trigger}.{found.step}, {found.state}"
    if found.cause is not None:
        name = found.cause_title.get("en", found.cause.type)
        yield f"What happened: {name} ({local_time(found.cause.time, zone)}), reported by {found.cause.source}"
    if found.retired is not None:
        limit, day = found.retired.limit, found.retired.at
        yield f"Its content could be read for {limit} after its year, and is retired since {day:%Y-%m-%d}"
    yield f"The rule, version {found.version[:12]} of {found.agency}:"
    yield from (f"  {part}: {sentence}" for part, sentence in page.rule)
    yield "The data it read:"
    yield from (f"  {name}: {value}" for name, value in page.used)
    yield f"Due {local_time(found.due, zone)}; what became of it:"
    for each in found.facts:
        detail = _digested(each.details) or each.details.get("reason") or each.details.get("channel") or ""
        more = "; ".join(part for part in (detail, _silence(each.details, zone)) if part)
        yield f"  {local_time(each.at, zone)}  {each.what.replace('_', ' ')}  {more}".rstrip()
    yield from (f"It goes with it: {member}" for member in found.members)
    for words in found.words.values():
        yield from (f"The words ({words.language}, {by}): {_read(words, by)}" for by in _channels(found))


def _channels(found: Explanation) -> Iterable[str]:
    """Return the channels of the attempts, in order; SMS where there was none."""
    return dict.fromkeys(each.details["channel"] for each in found.facts if each.what == "attempted") or ("sms",)


def _read(words: Rendered, channel: str) -> str:
    text, title = parts_of(words, channel)
    return f"{title}\n{text}" if title else text


def _silence(details: Mapping[str, Any], zone: tzinfo) -> str:
    """Return the time of the next channel's turn, and the news that would prevent it."""
    if details.get("silent_at") is None:
        return ""
    awaited = "opened" if details.get("until_opened") else "delivered"
    return f"the next channel at {local_time(details['silent_at'], zone)} unless {awaited} by then"


def _digested(details: Mapping[str, Any]) -> str:
    if "digest" not in details:
        return ""
    messages, days = details["messages"], details["days"]
    had = f"{counted(messages, 'message')} in {counted(days, 'day')}"
    return f"in the digest {details['digest']}, because they had {had}"
