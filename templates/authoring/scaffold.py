"""The files of a new trigger, and of a new pack: they pass lint and test before anybody changes them.

The words of a new trigger, and the files of a new pack.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import yaml
from msgspec import Struct

from domain.rules.event_types import EventType
from domain.rules.rulebook import Defaults
from templates.checks.sample_values import Inventor
from templates.checks.scaffold_text import ASKED, CASES, COUNTED_FROM, DAY, NEEDLESS, remark_of, title_of

_AROUND: Mapping[str, tuple[str, str]] = {
    "kk": ("Сәлеметсіз бе!", "Не істеу керек"),
    "ru": ("Здравствуйте!", "Что нужно сделать"),
    "en": ("Hello,", "What to do"),
}
_WORDS = """\
---
subject: "TITLE"
push:
  title: "TITLE"
  body: "{asked.short}"
sms: "{asked.short}"
---
{greeting}

{asked.changed}

**{to_do}**

1. {asked.first}
2. {asked.second}
"""


def law_of(language: str) -> str:
    """Return the placeholder that asks the author for the law, in that language, else in English."""
    return ASKED.get(language, ASKED["en"]).law


def words_of(language: str, title: str) -> str:
    """Return the words file of a new trigger with that title: in English, where there is none of the language."""
    known = language if language in ASKED else "en"
    greeting, to_do = _AROUND[known]
    written = _WORDS.format(asked=ASKED[known], greeting=greeting, to_do=to_do)
    return written.replace("TITLE", title)


PACK_FILES: Mapping[str, str] = {
    "pack.yaml": """\
# yaml-language-server: $schema=SCHEMAS/pack.schema.json
pack: PACK
title: {kk: PACK, ru: PACK, en: PACK}
national_id: kz.iin
defaults:
  language: kk
  languages: [kk, ru, en]
  zone: Asia/Almaty
  quiet_hours: {from: "21:00", to: "09:00"}
  cap: {messages: 3, days: 7}
  age_of_majority: 18
link_domains: [egov.kz, gov.kz]  # where words and buttons may lead
agencies:
  library: {title: {kk: Кітапхана, ru: Библиотека, en: Library}}
""",
    "events/card_issued.yaml": """\
# yaml-language-server: $schema=SCHEMAS/event.schema.json
type: PACK.library.card_issued
title: {kk: Оқырман билеті берілді, ru: Выдан читательский билет, en: Library card issued}
agency: library
subject: reader
data:
  type: object
  additionalProperties: false
  required: [number, valid_until]
  properties:
    number: {type: string, minLength: 1}
    valid_until: {type: string, format: date, x-of: public}
""",
}


_CLASSES = ("service", "legal", "reminder", "offer")
_BORN_ON = "1990-05-05"
_CHOSEN_BY_TEST = ("language", "channels", "opted_out", "zone", "quiet_from", "quiet_to", "guardians")


class Plan(Struct, frozen=True):
    """The plan of a new trigger: its name, the event type on which it starts, and its owner.

    `schema`: the path by which editors find the schemas, from the trigger's folder. `titles` and `law`: language ->
    title, legal basis, as far as there are any yet. `topic`: what a citizen opts out of. `taken_over`: the keys whose
    values are those of the trigger `like`. `to_choose`: the keys whose values the author is asked to choose.
    `channels`: the ways by which it is sent.
    """

    name: str
    type: EventType
    owner: str
    attributes: frozenset[str]
    defaults: Defaults
    schema: str
    titles: Mapping[str, str] = {}
    law: Mapping[str, str] = {}
    topic: str = "general"
    urgency: str = "service"
    like: str = ""
    taken_over: Sequence[str] = ()
    to_choose: Sequence[str] = ()
    channels: Sequence[str] = ("sms", "email")

    def remark(self, key: str) -> list[str]:
        """Return the line that asks if the value of a key is right here too, or to choose it; none of another key."""
        if key in self.taken_over:
            return [remark_of(key, self.like)]
        return [remark_of(key, "")] if key in self.to_choose else []

    def title(self, language: str) -> str:
        """Return the title as it stands between double quotes of YAML.

        Where other languages have one, it asks for this one; where none has, it is the name as words.
        """
        other = ASKED.get(language, ASKED["en"]).title if any(self.titles.values()) else title_of(self.name)
        return _in_quotes(self.titles.get(language) or other)[1:-1]

    @property
    def recipient(self) -> str | None:
        """Return the role that is told: not the dead, nor a child born with the event.

        None: the residents of an area.
        """
        type_ = self.type
        if type_.subject is None:
            return None
        born = any(setting.attribute == "born_on" for setting in type_.sets.get(type_.subject, ()))
        others = sorted((role for role in type_.roles if role != type_.subject), key=lambda role: type_.roles[role])
        return others[0] if others and (born or type_.ends_life) else type_.subject

    @property
    def clock(self) -> time:
        """Return the time of day at which the message goes: after the quiet hours."""
        quiet = self.defaults.quiet_hours
        return max(time(10), quiet.end) if quiet.end < quiet.start else time(10)


def trigger_files(plan: Plan) -> dict[str, str]:
    """Return the files of a trigger, by name."""
    words = {f"{language}.md": words_of(language, plan.title(language)) for language in plan.defaults.languages}
    return {"trigger.yaml": _rules(plan), **words, "tests.yaml": _tests(plan)}


def pack_files(name: str, schemas: str) -> dict[str, str]:
    """Return the files of a pack with one event type and no trigger yet, by path.

    `schemas`: where those for editors are, from the pack's folder.
    """
    above = {path: "../" * path.count("/") for path in PACK_FILES}
    return {
        path: text.replace("PACK", name).replace("SCHEMAS", above[path] + schemas)
        for path, text in PACK_FILES.items()
    }


def _rules(plan: Plan) -> str:
    titles = ", ".join(f"{each}: {_quoted(plan, each)}" for each in plan.defaults.languages)
    to = [] if plan.recipient is None else [f"to: {plan.recipient}"]
    return "\n".join(
        [
            f"# yaml-language-server: $schema={plan.schema}/trigger.schema.json",
            f"title: {{{titles}}}",
            f"owner: {plan.owner}",
            *plan.remark("legal_basis"),
            "legal_basis:",
            *(f"  {each}: {_in_quotes(plan.law.get(each) or law_of(each))}" for each in plan.defaults.languages),
            *plan.remark("category"),
            f"category: {plan.topic}  # what a citizen opts out of",
            *plan.remark("class"),
            f"class: {plan.urgency}  # or {', '.join(each for each in _CLASSES if each != plan.urgency)}",
            f"on: {plan.type.name}",
            *to,
            *(plan.remark(COUNTED_FROM) if "date" in plan.type.variables().values() else []),
            "due:",
            f'  first: {{from: event.time, offset: P1D, at: "{plan.clock:%H:%M}"}}  # the day after',
            "expires: P14D  # two weeks later it is not worth sending",
            NEEDLESS,
            "#   - {on: some.event.type}",
            f"channels: [{', '.join(plan.channels)}]",
            "",
        ]
    )


def _in_quotes(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _quoted(plan: Plan, language: str) -> str:
    return f'"{plan.title(language)}"' if language in plan.titles else plan.title(language)


def sample_tests(plan: Plan) -> list[dict[str, Any]]:
    """Return the tests of a new trigger, one for each of CASES."""
    languages = plan.defaults.languages
    by_sms, by_email, opted_out = CASES
    return [
        _case(plan, by_sms, {"language": languages[0], "channels": ["sms"]}, "sms"),
        _case(plan, by_email, {"language": languages[-1], "channels": ["email"]}, "email"),
        _case(
            plan,
            opted_out,
            {"language": languages[0], "channels": ["sms"], "opted_out": [plan.topic]},
            None,
        ),
    ]


def _tests(plan: Plan) -> str:
    cases = sample_tests(plan)
    head = f"# yaml-language-server: $schema={plan.schema}/tests.schema.json\n"
    return head + yaml.safe_dump(cases, allow_unicode=True, sort_keys=False, default_flow_style=None, width=110)


def _case(plan: Plan, name: str, citizen: Mapping[str, Any], channel: str | None) -> dict[str, Any]:
    more = {"born_on": _BORN_ON} if "born_on" in plan.attributes else {}
    if plan.type.area is not None:
        more["area"] = _area(plan)
    due = _moment(plan, DAY + timedelta(days=1), plan.clock)
    expected: dict[str, Any] = {"at": due, "step": "first"}
    expected |= {"nothing": True, "because": "opted_out"} if channel is None else {"channel": channel}
    return {
        "name": name,
        "clock": _moment(plan, DAY, time(9)),
        "citizen": {**citizen, **more},
        "events": [_event(plan)],
        "expect": [expected],
    }


def _event(plan: Plan) -> dict[str, Any]:
    role = plan.recipient
    played = {} if role in (None, plan.type.subject) else {"as": role}
    data = {name: value for name, value in _data(plan).items() if name != role}
    event = {"at": _moment(plan, DAY, time(12)), "type": plan.type.name, **played, "data": data}
    return event if data else {name: value for name, value in event.items() if name != "data"}


def _data(plan: Plan) -> dict[str, Any]:
    """Return the data of an event: what is required, and nothing that changes what is known of the citizen."""
    schema = plan.type.schema
    inventor = Inventor(DAY)
    data, full = inventor.data(schema, optional=False), inventor.data(schema)
    settings = [each for role in plan.type.sets.values() for each in role if each.path is not None]
    chosen = {str(each.path).removeprefix("event.") for each in settings if each.attribute in _CHOSEN_BY_TEST}
    missing = [name for name in full if name not in data and name not in chosen]
    for name in missing[: max(0, schema.get("minProperties", 0) - len(data))]:
        data[name] = full[name]
    for each in plan.type.sets.get(plan.recipient or "", ()):
        if each.attribute == "born_on" and each.path is not None:
            data[each.path.removeprefix("event.")] = _BORN_ON
    return data


def _area(plan: Plan) -> str:
    return str(_data(plan)[str(plan.type.area).removeprefix("event.")])


def _moment(plan: Plan, day: date, clock: time) -> str:
    return datetime.combine(day, clock, plan.defaults.zone).isoformat(timespec="minutes")


def first_type(types: Sequence[EventType]) -> EventType | None:
    """Return the default event type of a new trigger: the first about a person that lives on."""
    return next((each for each in types if each.subject is not None and not each.ends_life), None)
