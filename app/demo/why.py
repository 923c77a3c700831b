"""The answer to "why did I get this?", in words that a citizen can read."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import yaml
from msgspec import Struct
from sqlalchemy import Connection

from app.demo.board import Told
from app.demo.packs import ENGLISH, published_titles
from app.demo.reading import Reader
from app.reports.life_words import at, reason, told
from domain.core.plain import PlainData
from projections import nudges
from streams.queries.explain import Explanation, explain
from streams.rules.in_force import Rules
from templates.authoring.rule_sentences import RuleWords

_PSEUDONYM = re.compile(r"[0-9a-f]{32}")


class Life(Struct, frozen=True):
    """A fact of the nudge's life, as a sentence."""

    at: datetime
    words: str


class WhyPage(Struct, frozen=True):
    """The content of the page about one nudge; `used`: title -> the value that the rule read."""

    why: Explanation
    titles: Mapping[str, str]
    name: str
    office: str
    recorded: str
    recorded_by: str
    rule: tuple[str, ...]
    clause: str
    used: Mapping[str, str]
    told: tuple[Told, ...]
    not_sent: str | None
    life: tuple[Life, ...]


class Explainer:
    """Explains nudges; `zone` is the one in which times are shown."""

    def __init__(self, reader: Reader, zone: ZoneInfo) -> None:
        self._reader, self._zone = reader, zone
        named = published_titles(reader.platform, "attributes")
        self._attributes = {"citizen.age": "Age"} | {f"citizen.{name}": title for name, title in named.items()}

    def page(self, id_: UUID) -> WhyPage:
        """Return the page of one nudge.

        Raises:
            UnknownNudge: there is none.
        """
        platform = self._reader.platform
        rules = platform.rules.library.rules()
        with platform.database.reading() as connection:
            why = explain(connection, platform.log, rules, id_, self._reader.year.now)
            messages = self._reader.told(connection, nudges.by_id(connection, [id_])[id_])
            return self._page(connection, rules, why, tuple(messages))

    def _page(self, connection: Connection, rules: Rules, why: Explanation, messages: tuple[Told, ...]) -> WhyPage:
        cause = why.cause
        events = {name: type_.title[ENGLISH] for name, type_ in rules.catalogue.types.items()}
        titles = events | self._attributes
        words = RuleWords(titles)
        offices = self._reader.offices
        type_ = rules.catalogue.types.get(cause.type) if cause else None
        return WhyPage(
            why=why,
            titles=why.title,
            office=offices.get(why.agency, why.agency),
            name=self._reader.names(connection, [why.person]).get(why.person, "somebody"),
            recorded=titles.get(cause.type, cause.type) if cause else "Nothing that can still be read",
            recorded_by=offices.get(type_.agency, type_.agency) if type_ else "",
            rule=tuple(words.sentences(why.clause)),
            clause=_as_written(why.clause),
            used=dict(self._used(connection, why.used, words)),
            told=messages,
            not_sent=_withheld(why),
            life=tuple(Life(each.at, told(each, self._zone)) for each in why.facts),
        )

    def _used(self, connection: Connection, used: Mapping[str, Any], words: RuleWords) -> Iterator[tuple[str, str]]:
        for name, value in used.items():
            yield words.heading(name), self._value(connection, value)

    def _value(self, connection: Connection, value: PlainData) -> str:
        if isinstance(value, datetime):
            return at(value, self._zone)
        text = str(value)
        if _PSEUDONYM.fullmatch(text):
            return self._reader.names(connection, [text]).get(text, "somebody")
        try:
            day = date.fromisoformat(text)
        except ValueError:
            return text.replace("_", " ")
        return f"{day.day} {day:%b %Y}"


def _as_written(clause: Mapping[str, Any]) -> str:
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in clause.items()}
    written = yaml.safe_dump(plain, allow_unicode=True, sort_keys=False, width=100).strip()
    return written.replace("'on':", "on:")  # YAML 1.1 takes it for a truth value; triggers are not read so


def _withheld(why: Explanation) -> str | None:
    """Return the reason why the nudge was withheld; None where it was not."""
    reasons = [reason(each.details["reason"]) for each in why.facts if each.what == "withheld"]
    return reasons[-1] if reasons else None
