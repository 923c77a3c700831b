"""An explanation as lines for a terminal: in English, with the words that its page has for rules and values."""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.pages.catalogues import OTHERWISE, Speech
from app.pages.life import told
from streams.explaining import Why
from streams.rules import Rules
from streams.writing import parts_of
from templates.render import Rendered

SPEECH: Final = Speech(OTHERWISE, ZoneInfo("UTC"))


def lines(found: Why, rules: Rules) -> Iterable[str]:
    """What happened, the rule, what it read, what became of it, and the words."""
    title, page = found.title.get("en") or next(iter(found.title.values())), told(found, rules, SPEECH)
    yield f"{title}: {found.trigger}.{found.step}, {found.state}"
    if found.cause is not None:
        name = found.cause_title.get("en", found.cause.type)
        yield f"What happened: {name} ({found.cause.time:%Y-%m-%d %H:%M}Z), reported by {found.cause.source}"
    if found.retired is not None:
        limit, day = found.retired.limit, found.retired.at
        yield f"Its content could be read for {limit} after its year, and is retired since {day:%Y-%m-%d}"
    yield f"The rule, version {found.version[:12]} of {found.agency}:"
    yield from (f"  {part}: {sentence}" for part, sentence in page.rule)
    yield "The data it read:"
    yield from (f"  {name}: {value}" for name, value in page.used)
    yield f"Due {found.due:%Y-%m-%d %H:%M}Z; what became of it:"
    for each in found.facts:
        detail = _digested(each.details) or each.details.get("reason") or each.details.get("channel") or ""
        yield f"  {each.at:%Y-%m-%d %H:%M}Z  {each.what}  {detail}{_silence(each.details)}".rstrip()
    yield from (f"It goes with it: {member}" for member in found.members)
    for words in found.words.values():
        yield from (f"The words ({words.language}, {by}): {_read(words, by)}" for by in _channels(found))


def _channels(found: Why) -> Iterable[str]:
    """By which it went, or would go if it went by SMS."""
    return dict.fromkeys(each.details["channel"] for each in found.facts if each.what == "attempted") or ("sms",)


def _read(words: Rendered, channel: str) -> str:
    text, title = parts_of(words, channel)
    return f"{title}\n{text}" if title else text


def _silence(details: Mapping[str, Any]) -> str:
    """When the next channel has its turn, and what would keep it from it."""
    if details.get("silent_at") is None:
        return ""
    awaited = "opened" if details.get("until_opened") else "delivered"
    return f"the next channel at {details['silent_at']:%Y-%m-%d %H:%M}Z unless {awaited} by then"


def _digested(details: Mapping[str, Any]) -> str:
    if "digest" not in details:
        return ""
    messages, days = details["messages"], details["days"]
    return f"in the digest {details['digest']}, because they had {messages} messages in {days} days"
