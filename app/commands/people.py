"""habarshy trail and habarshy why: what happened to a person, and why they were told."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any
from uuid import UUID

import typer

from app.compose import Platform, compose
from app.looking import Purpose, looker
from app.options import AsJson, ClockTime, DatabaseUrl, KeyFile, PersonId, clock_of, settings_of
from app.persons import pseudonym_of
from app.plain import as_plain, entry_plain
from app.terminal import Exit, data, data_json, stop
from domain.events import LifeEvent
from projections import trail as view
from streams.explaining import UnknownNudge, Why, explain
from streams.mapper import Entry
from streams.writing import parts_of
from templates.render import Rendered

NudgeId = Annotated[str, typer.Argument(metavar="NUDGE", help="The id of a nudge.")]


def trail(
    person: PersonId, purpose: Purpose = None, as_json: AsJson = False, database: DatabaseUrl = None,
    key_file: KeyFile = None,
) -> None:  # fmt: skip
    """Print every fact that concerns a person, in the order of the log."""
    settings = settings_of(database, key_file)
    look = looker(settings, purpose)
    platform = compose(settings, clock_of(None), make=False)
    pseudonym = pseudonym_of(person, platform.names)
    platform.follower.drain()
    with platform.database.reading() as connection:
        known = view.is_known(connection, pseudonym)
    look.note(platform, pseudonym, "trail")
    for entry in _entries(platform, pseudonym) if known else ():
        if as_json:
            data_json(entry_plain(entry))
        else:
            data(_line(entry))
    platform.database.close()
    if not known:
        stop(Exit.CHECK_FAILED, "nothing is known about this person")


def _entries(platform: Platform, pseudonym: str) -> Iterable[Entry]:
    after = 0
    while True:
        with platform.database.reading() as connection:
            positions = view.positions(connection, pseudonym, after=after)
            entries = platform.log.read(connection, positions)
        if not entries:
            return
        yield from entries
        after = entries[-1].position


def _line(entry: Entry) -> str:
    fact: Any = entry.fact
    if isinstance(fact, LifeEvent):
        mark = "" if fact.revision == 1 else f" (revision {fact.revision}{', annulled' if fact.annuls else ''})"
        return f"{entry.position:>8}  {fact.time:%Y-%m-%d %H:%M}Z  {fact.type}{mark}"
    detail = getattr(fact, "reason", None) or getattr(fact, "step", None) or getattr(fact, "channel", "")
    name = getattr(fact, "trigger", "")
    return f"{entry.position:>8}  {fact.at:%Y-%m-%d %H:%M}Z  {fact.TOPIC}  {name} {detail}  {entry.originator_id}"


def why(
    nudge: NudgeId, purpose: Purpose = None, as_json: AsJson = False, clock: ClockTime = None,
    database: DatabaseUrl = None,
    key_file: KeyFile = None,
) -> None:  # fmt: skip
    """Explain a nudge: the facts, the rule, its version, the data used, the words, the legal basis."""
    id_, now = nudge_id(nudge), clock_of(clock)
    settings = settings_of(database, key_file)
    look = looker(settings, purpose)
    platform = compose(settings, now, make=False)
    try:
        with platform.database.reading() as connection:
            found = explain(connection, platform.log, platform.library.rules(), id_, now())
        look.note(platform, found.person, "why")
    except UnknownNudge as unknown:
        stop(Exit.CHECK_FAILED, str(unknown))
    finally:
        platform.database.close()
    if as_json:
        data_json(as_plain(found))
    else:
        for line in _told(found):
            data(line)


def nudge_id(text: str) -> UUID:
    """The id of a nudge as it was given."""
    try:
        return UUID(text)
    except ValueError:
        stop(Exit.USAGE, f"NUDGE: {text!r} is no id; one is written 3f2b8c1e-5d7a-9c41-8e02-6b1f0a9d4c55")


def _told(found: Why) -> Iterable[str]:
    title = found.title.get("en") or next(iter(found.title.values()))
    yield f"{title}: {found.trigger}.{found.step}, {found.state}"
    if found.cause is not None:
        name = found.cause_title.get("en", found.cause.type)
        yield f"What happened: {name} ({found.cause.time:%Y-%m-%d %H:%M}Z), reported by {found.cause.source}"
    if found.retired is not None:
        limit, day = found.retired.limit, found.retired.at
        yield f"Its content could be read for {limit} after its year, and is retired since {day:%Y-%m-%d}"
    yield f"The rule, version {found.version[:12]} of {found.agency}:"
    yield from (f"  {name}: {value}" for name, value in found.clause.items())
    yield "The data it read:"
    yield from (f"  {name} = {value}" for name, value in found.used.items())
    yield f"Legal basis: {found.legal_basis}"
    yield f"Due {found.due:%Y-%m-%d %H:%M}Z; what became of it:"
    for each in found.facts:
        detail = _digested(each.details) or each.details.get("reason") or each.details.get("channel") or ""
        yield f"  {each.at:%Y-%m-%d %H:%M}Z  {each.what}  {detail}{_silence(each.details)}"
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
