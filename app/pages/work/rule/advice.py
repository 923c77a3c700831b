"""Findings of lint, told of the form: beside a field nobody reads the names of the file's keys."""

import re
from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from app.pages.catalogues import Speech
from app.pages.life import category
from app.pages.pack_names import names_of
from app.pages.rule_words import in_words
from app.pages.work.drafts.stored_drafts import rule_of
from app.pages.work.rule.simple_fields import FIELDS
from domain.core.translatable import N_, Joined, Said, Words
from domain.rules.benefit_compiling import starts_on
from streams.rules.in_force import Rules
from templates.checks.placeholders import ASKS_CHOICE, ASKS_NEEDLESS, ASKS_TAKEN_OVER
from templates.checks.sample_check import LACKED, OF_SOME_EVENTS, OF_SOME_PEOPLE
from templates.checks.scaffold_text import COUNTED_FROM
from templates.checks.sense_check import LONG_AGO, MIDST, ONLY_LATER
from templates.checks.words_check import ONLY_THERE, OTHER_NUMBERS
from templates.reading.findings import Finding

_NO_TOPIC: Final = "no category of these packs' triggers is called {name!r}"
_KNOWN: Final = "{unknown}; known: {names}"
_KEYS: Final[Mapping[str, str]] = {
    **{name.rpartition(".")[2]: field.label for name, field in FIELDS.items()},
    "within": FIELDS["count.within"].label,
    "expires": N_("Until when may it still be sent?"),
}
"""Key of the file -> the label of its field on the form."""
ADVICE: Final[Mapping[str, str]] = {
    "{this} never holds together with {other}": N_("This can never be true together with: {other}"),
    "{this} never holds together with {other}, so nothing is ever sent": N_(
        "Nobody would get the message, for this can never be true together with: {other}"
    ),
    "{this} never holds, for `when` asks for {other}": N_(
        "This can never be true, for the condition of the whole rule asks: {other}"
    ),
    "{text!r} is a placeholder: write your own text before it is submitted": N_(
        "“{text}” is of the sample: write your own text"
    ),
    "{path!r} is no field of {name}": N_("The record that starts the rule does not say this: choose something else"),
    "there is no field {name}": N_("“{name}” does not stand in such a record: choose something else"),
    "{this} can never be true: an event has {bound} there": N_("This can never be true: no record has such a number"),
    "{step} is due at the same time as {other}: two messages at once": N_(
        "Another message goes at the same time: choose another time, or take one of them away"
    ),
    ASKS_NEEDLESS: N_("Say below which event makes the message needless, or tick that nothing does"),
    "{event} is also what starts this trigger, so any other event of it prevents the message: say with `when`"
    " which one counts": N_(
        "The same event starts the rule, so any other of its kind prevents the message: choose under “Only if”"
        " which one counts"
    ),
    ONLY_LATER: N_(
        "The rule starts on the same record: only a later one of its kind makes the message needless, and that one"
        " starts a message of its own. Choose the record that shows that the matter is settled, such as the payment"
        " of a fine, or say under “Only if” which one counts"
    ),
    "any {event} prevents the message, also one about another matter: say with `when` which one counts,"
    " such as {example}": N_(
        "Any other of its kind prevents the message, also one about another matter: choose under “Only if”"
        " which one counts"
    ),
    MIDST: N_(
        "The step counts from a day, and this begins at its hour on that day: what came earlier on that day does not"
        " count. Choose a day more"
    ),
    LONG_AGO: N_(
        "One of twenty years ago prevents the message too: say how long before it is due it may have happened at most"
    ),
    "{step} is due when it has expired already (expires: {expires})": N_(
        "When this step is due, the message is of no use any more: choose a later end, or an earlier time"
    ),
    "{step} is overdue when its event becomes known, and `catch_up: none` drops it": N_(
        "This step is overdue when its event becomes known, and then none goes: choose under"
        " “What few rules need” that the latest goes"
    ),
    "{name} waits for nothing: write it longer, and without a minus": N_(
        "Write a longer time here, after and not before"
    ),
    "working days and the days of an offset exclude each other: say one of them": N_(
        "Days and working days exclude each other: empty one of the two fields"
    ),
    "with `on`, the offset says only which year: write it in years, months or days, and the time in `at`": N_(
        "With a day of the year, say here years, months or days, and the time of day in its own field"
    ),
    "{text!r} is no span of up to a day; write one such as PT2H.": N_("Write a day at most, such as 2 hours"),
    "{path!r} is no date": N_("“{path}” is no date: choose a date"),
    "there is no second channel, so `{key}` changes nothing": N_(
        "There is no second way to send it, so this changes nothing: {key}"
    ),
    "an emergency says how long it is of use: add `expires`, such as PT1H": N_(
        "Danger to life or limb: say until when the message is of use, such as 1 hour"
    ),
    "an emergency goes at once, so `{key}` contradicts it": N_(
        "Danger to life or limb: the message goes at once, so leave this empty: {key}"
    ),
    "{step}: an emergency goes at once: count from event.time, by hours at most": N_(
        "Danger to life or limb: the message goes at once, so count from the time of the event, by hours at most"
    ),
    "an emergency that becomes known late is told late: leave `catch_up: none` out": N_(
        "Danger to life or limb: what becomes known late is told late, so do not choose that none goes"
    ),
    _NO_TOPIC: N_(
        "The test opts out of a topic that no rule has: make the usual tests anew, or choose another topic"
    ),
    "{host} is not among the pack's link_domains ({known})": N_(
        "{host} is not allowed: links may lead to {known}, and to what lies below them. The pack decides that;"
        " whoever runs the platform can add a site to it"
    ),
    "this file is missing: it holds the words in {language!r}": N_("There are no texts in this language yet"),
    "an emergency says what the danger is, so it cannot be discreet": N_(
        "Danger to life or limb: the message says what the danger is, so it cannot hide the substance"
    ),
}
"""A finding of lint -> the same, told of the form."""
_FIELDS: Final[Mapping[str, str]] = {
    **{key: _KEYS[key] for key in ("at_most", "every", "offset", "smooth", "url", "working_days")},
    "category": N_("Topic"),
    "channels": N_("By which ways, in which order?"),
    "class": N_("What kind of message is it, and how urgent?"),
    "from": N_("Last day to act, if it is another one"),
}
"""Key of the file that means one field only -> the label of that field."""
_TO_CHOOSE: Final[Mapping[str, str]] = {
    "category": N_("Choose the topic"),
    "class": N_("Choose what kind of message it is"),
    COUNTED_FROM: N_("Choose the date from which your text counts"),
}
"""Key that its author is asked to choose, or that is not there -> what is said at its field."""
_LACKING_KEY = "{name} is missing"
_UNWRITTEN = "{name} is missing in {languages}"
_TO_WRITE: Final[Mapping[str, str]] = {
    "title": N_("Write the title {language}"),
    "legal_basis": N_("Write the legal basis {language}"),
    "label": N_("Write the text of the button {language}"),
}
"""Text that has several languages -> what is said at the empty field of one of them."""
MISSING: Final[Mapping[str, str]] = {
    "subject": N_("There is no subject of the email"),
    "body": N_("There is no text of the email"),
    "sms": N_("There is no text of the SMS"),
    "push": N_("There is no text of the push message"),
    "title": N_("There is no first line of the push message"),
}
"""Part of the texts -> what is said where the rule sends it and it is not there."""
_PART = "{part} is missing, and the trigger's channels include {channel}"
_LACKING: Final[Mapping[str, str]] = {
    OF_SOME_EVENTS: N_(
        "“{value}” is not in every record, and nobody gets a message from a record without it: take it out,"
        " and put it in again with “Put in”, which copes with that"
    ),
    OF_SOME_PEOPLE: N_(
        "“{value}” is not known of everybody, and whoever has none gets no message: take it out,"
        " and put it in again with “Put in”, which copes with that"
    ),
}
"""The reason why a value may be missing -> what is said of the text that reads it."""
_FILTER = "the filter {name} takes {takes}, not {kind}"
_KINDS: Final[Mapping[str, str]] = {
    "string": N_("a text"),
    "integer": N_("a whole number"),
    "number": N_("a number"),
    "date": N_("a date"),
    "instant": N_("a moment"),
    "boolean": N_("yes or no"),
    "strings": N_("a list"),
}
"""Type of a value -> what it is, in words."""
_SPOKEN: Final[Mapping[str, str]] = {"kk": N_("in Kazakh"), "ru": N_("in Russian"), "en": N_("in English")}
_NAMED_VALUE = re.compile(r"(?:event|citizen|recipient|later|param|entitled)(?:\.\w+)+")


class Advice:
    """Tells findings of lint in the words of the forms. `files`: those of the draft that they are about."""

    def __init__(self, rules: Rules, speech: Speech, files: Mapping[str, str]) -> None:
        start = starts_on(rule_of(files).get("on"), rules.catalogue) or ""
        self._names = names_of(rules, speech, start)
        self._rules, self._speech = rules, speech
        self._words = in_words(rules.governed.contents, rules.catalogue, speech.language, start)

    def of_the_form(self, found: Finding) -> Finding:
        """Return a finding of the rule or of a test as its form says it."""
        meant = None if found.suggestion is None else str(self._given("", found.suggestion))
        if meant is not None and _template(found.message) == _NO_TOPIC:
            meant = category(meant, self._speech)
        return replace(found, message=self._said(found.message), suggestion=meant)

    def of_the_texts(self, found: Finding) -> Finding:
        """Return a finding of texts as their form says it."""
        return replace(found, message=self._told(found.message))

    def _said(self, message: str) -> str:
        if isinstance(message, Joined):
            first, *others = message.parts
            said = self._said(first)
            return said if _template(first) in ADVICE else Joined([said, *others], message.between)
        if not isinstance(message, Words):
            return Said(ADVICE[message]) if message in ADVICE else message
        template, given = message.template, message.given
        if template == ASKS_TAKEN_OVER:
            return Words(
                "Taken over from “{title}”: change it and save, or tick that it is right here too",
                title=self._title(str(given["name"])),
            )
        field = _FIELDS.get(str(given.get("name", "")))
        if field is not None and template == _LACKING_KEY:
            return Words("“{name}” is not filled in", name=Said(field))
        if field is not None and template == "{name}: {error}" and isinstance(error := given["error"], str):
            return self._said(error)  # the field is named in front of it, or it stands at the field
        told = {name: self._given(name, each) for name, each in given.items()}
        if template == _KNOWN and getattr(given["unknown"], "template", "") == _NO_TOPIC:
            told["names"] = ", ".join(category(each, self._speech) for each in str(given["names"]).split(", "))
        return Words(ADVICE.get(template, template), **told)

    def _title(self, trigger: str) -> str:
        """Return the title of a published trigger; its name where it is published no more."""
        fact = self._rules.governed.current(trigger)
        return trigger if fact is None else self._speech.titled(fact.rules["title"])

    def _given(self, name: str, value: object) -> object:
        """Return what stands in a finding as its reader calls it: a key of the file, a value, a condition."""
        if isinstance(value, Words):
            return self._said(value)
        if not isinstance(value, str):
            return value
        if name == "key" and value in _KEYS:
            return Said(_KEYS[value])
        if _NAMED_VALUE.fullmatch(value.strip("'")):
            return self._names.heading_of(value.strip("'"))
        return self._words.condition(value) if name in ("this", "other") and " " in value else value

    def _told(self, message: str) -> str:
        template, given = _template(message), getattr(message, "given", {})
        missing = MISSING.get(given["part"].rpartition(".")[2]) if template == _PART else None
        if template == _LACKING_KEY:  # only a push message has such keys
            missing = {"title": MISSING["title"], "body": MISSING["push"]}.get(given["name"])
        if missing is not None:
            return Said(missing)
        if template == _FILTER:
            return Words(
                "“| {name}” goes only with {takes}, and this value is {kind}",
                name=given["name"],
                takes=Joined([_kind(each) for each in given["takes"].parts if each in _KINDS], Words(" or ")),
                kind=_kind(given["kind"]),
            )
        if template == LACKED and isinstance(why := given["why"], Words):
            return Words(_LACKING[why.template], value=self._given("", given["variable"]))
        if template == ONLY_THERE:
            language = _SPOKEN.get(given["language"], given["language"])
            return Words(
                "“{value}” is missing here, and stands in the text {language}",
                value=self._given("", given["variable"]),
                language=Said(language),
            )
        if template == OTHER_NUMBERS:
            return Words(
                "{mine} stands here, and {theirs} in the text {language}: is it the same in both?",
                **{**given, "language": Said(_SPOKEN.get(given["language"], given["language"]))},
            )
        return self._said(message) if template in ADVICE else message  # else it names what stands in the text


def _template(message: str) -> str:
    return message.template if isinstance(message, Words) else str(message)


def _kind(type_: str) -> str:
    return Said(_KINDS.get(type_, type_))


def at_fields(found: Finding, at: str) -> list[tuple[str, Finding]]:
    """Return a finding of the rule at its field: of what lacks languages, one at the field of each.

    `at`: the name of the field that stands at the place of the finding.
    """
    template, given = _template(found.message), getattr(found.message, "given", {})
    if template == ASKS_NEEDLESS:
        return [("needless.none", found)]
    if template == ASKS_TAKEN_OVER:
        return [(f"right.{given['key']}", found)]
    asked = given.get({ASKS_CHOICE: "key", _LACKING_KEY: "name"}.get(template, ""), "")
    if asked in _TO_CHOOSE:
        return [(asked, replace(found, message=Said(_TO_CHOOSE[asked])))]
    group = at.rpartition(".")[0]
    if template == LONG_AGO and group:
        return [(f"{group}.before", found)]
    told = _TO_WRITE.get(group.rpartition(".")[2]) if template == _UNWRITTEN else None
    if told is None:
        return [(at, found)]
    return [
        (f"{group}.{each}", replace(found, message=Words(told, language=Said(_SPOKEN.get(each, each)))))
        for each in given["languages"].split(", ")
    ]
