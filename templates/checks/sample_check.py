"""Renders a trigger's words for made-up events: a usual one, and the smallest that its schema allows.

What fails here would fail for citizens; what is too long for the smallest is too long for everybody, and what is too
long for a usual one is a warning.
"""

import re
from collections.abc import Mapping
from typing import Any

from domain.core.sms import excess, segments, spelt
from domain.core.translatable import N_, Joined, Number, Said, Words
from domain.rules.event_types import Catalogue
from domain.rules.steps import named
from domain.rules.triggers import CORRECTION, Trigger
from templates.checks.pack_check import SmsLimit
from templates.checks.placeholders import is_of_the_scaffold
from templates.checks.possible_values import required_of
from templates.checks.sample_events import Samples, samples
from templates.checks.words_check import START, texts, without_values
from templates.reading.files import TriggerFiles, plain
from templates.reading.yaml_file import Document, Path
from templates.words.compiled_texts import NO_VALUE
from templates.words.rendering import SHORT, Rendered, Renderer, WordsFailed, signed

LIMITS: Mapping[str, int] = {"push_title": 50, "push_body": 150}
"""The characters that fit on the screen of a locked telephone; systems cut off the rest, each a little elsewhere."""
FEW_CHARACTERS = 20
"""So few characters are easily left out where they make an SMS cost a part more."""
SUBJECT = 78 - len("Subject: ")
"""A line of an email should have no more than 78 characters (RFC 5322, 2.1.1); lists of mails show about as many."""
_PATHS: Mapping[str, Path] = {
    "push_title": ("push", "title"),
    "push_body": ("push", "body"),
    "sms": ("sms",),
    "subject": ("subject",),
}


def check_samples(files: TriggerFiles, trigger: Trigger | None, catalogue: Catalogue, limit: SmsLimit) -> None:
    """Report words that fail for events that their schema allows, and words that are always too long.

    Words that fail for people of whom too little is known are a warning: others are told. Of a language whose words
    have an error already, only an SMS is reported that is too long even without its values; so of all languages
    where the rule does not compile (`trigger` is None).
    """
    report = files.rules.report
    sound = {
        language: document
        for language, document in files.words.items()
        if trigger is not None and not report.about([document.path])
    }
    if trigger is not None:
        _check_sound(files, sound, trigger, catalogue, limit)
    for language in sorted(files.words.keys() - sound.keys()):
        _check_bare(language, files.words[language], limit)


def _check_sound(
    files: TriggerFiles,
    sound: Mapping[str, Document],
    trigger: Trigger,
    catalogue: Catalogue,
    limit: SmsLimit,
) -> None:
    """Report what is wrong with the words of those languages, as samples show it."""
    rules, words = files.rules.data, {language: document.data for language, document in sound.items()}
    # no short text shows a button, and a rule with an error may have one without words
    renderer = Renderer(words, {**rules, "actions": []}, offices=catalogue.offices)
    made = samples(rules["on"], catalogue, known_of(trigger, catalogue))
    for language, document in sound.items():
        sample = _Sample(language, document, renderer, limit)
        for step, said in rules["due"].items():
            sample.check(step, made, ("steps", step))
            if "repeat" in (said or {}):
                sample.check(named(step, 2), made, ("steps", step))
        if rules.get(CORRECTION):
            sample.check(CORRECTION, made, (CORRECTION,))


def _check_bare(language: str, document: Document, limit: SmsLimit) -> None:
    """Report each SMS that is too long whatever its values and its office are."""
    for path, text in texts((), plain(document)):
        least = signed(without_values(text), language, office="")
        if path[-1:] == ("sms",) and (parts := len(segments(least).parts)) > limit.parts:
            document.note(path, _too_many(len(least), parts, limit))


def _too_many(count: int, parts: int, limit: SmsLimit) -> Words:
    return Words(TOO_MANY, count=count, paid=_paid(parts, limit))


def _paid(parts: int, limit: SmsLimit) -> Words:
    return Words("this needs {parts}; the limit is {most}", parts=_priced(parts, limit), most=limit.parts)


def _priced(parts: int, limit: SmsLimit) -> Words:
    """Return a number of SMS, with its price if the pack states one."""
    if not limit.price:
        return Words("{parts} SMS", parts=parts)
    return Words("{parts} SMS (for {cost} each time)", parts=parts, cost=limit.cost(parts))


TOO_MANY = N_("with office and code this comes to {count} characters or more: {paid}")
"""An error that does not keep the words from being rendered: an SMS has more parts than the pack allows."""
ONE_LESS = N_("this is {parts} SMS ({length}): {over} fewer would make it {fewer}")
USUALLY_ONE_LESS = N_("this is usually {parts} SMS ({length}): {over} fewer would make it {fewer}")
"""Warnings: an SMS has one part more for a few characters."""
LACKED = N_('{why}: write {{% if {variable} is defined %}}, or | default("…")')
"""A text reads a value that may be missing; `why` is one of the two below."""
OF_SOME_EVENTS = N_("an event may lack {variable}")
OF_SOME_PEOPLE = N_("whoever has no {variable} is told nothing")
_CYRILLIC = re.compile("[\u0400-\u04ff]")
PRICED_PEOPLE = 1_000
"""The number of people for whom a price is told."""


def saves_a_part(message: Said) -> bool:
    """Return True if a message says how few characters less would save a part of an SMS."""
    inner = getattr(message, "given", {}).get("message", message)  # the price goes round it
    return getattr(inner, "template", "") in (ONE_LESS, USUALLY_ONE_LESS)


def known_of(trigger: Trigger, catalogue: Catalogue) -> frozenset[str]:
    """Return the attributes of a person ("citizen.<name>") that the trigger needs, or that its event always sets."""
    asked = trigger.reads | (trigger.entitlement.benefit.reads if trigger.entitlement else frozenset())
    known = {name for name in asked if name.startswith("citizen.")}
    type_ = catalogue.kinds[trigger.on]
    sure = required_of(type_)
    known |= {
        f"citizen.{each.attribute}"
        for role in trigger.to
        for each in type_.sets.get(role, ())
        if each.path is None or each.path in sure
    }
    return frozenset(
        known | ({"citizen.born_on", "citizen.age"} if known & {"citizen.born_on", "citizen.age"} else set())
    )


class _Sample:
    def __init__(self, language: str, document: Document, renderer: Renderer, limit: SmsLimit) -> None:
        self.language, self.document, self.renderer = language, document, renderer
        self.limit = limit

    def check(self, step: str, made: Samples, where: Path) -> None:
        """Report what is wrong with the words of a step, or with those of the correction."""
        correction = where == (CORRECTION,)
        try:
            usual = self._rendered(step, made.full, correction=correction)
        except WordsFailed as failed:
            self.document.note((), _failed(failed))
            return
        try:
            smallest = self._rendered(step, made.smallest, correction=correction)
        except WordsFailed as failed:
            told = Words(OF_SOME_EVENTS, variable=failed.variable)
            self._missing(failed, told, Words("where an event lacks what it may lack"))
        else:
            self._lengths(smallest, usual, where)
            self._of_a_stranger(step, made.stranger, correction=correction)

    def _rendered(self, step: str, values: Mapping[str, Any], *, correction: bool) -> Rendered:
        return self.renderer.render(self.language, step, values, correction=correction, only=SHORT)

    def _of_a_stranger(self, step: str, values: Mapping[str, Any], *, correction: bool) -> None:
        try:
            self._rendered(step, values, correction=correction)
        except WordsFailed as failed:
            told = Words(OF_SOME_PEOPLE, variable=failed.variable)
            self._missing(failed, told, Words("where little is known of a person"), warning=True)

    def _missing(self, failed: WordsFailed, why: str, otherwise: str, *, warning: bool = False) -> None:
        variable = failed.variable
        places = (
            self.document.inside(path, 1, variable)
            for path, text in texts((), self.document.data)
            if variable in text
        )
        message = Words(LACKED, why=why, variable=variable)
        if failed.problem != NO_VALUE:
            message = Words("{failed}, {where}", failed=_failed(failed), where=otherwise)
        self.document.note_at(next(places, START), message, warning=warning)

    def _lengths(self, smallest: Rendered, usual: Rendered, where: Path) -> None:
        self._length_of_push(smallest, usual, where)
        if (likely := len(usual.subject)) > SUBJECT:
            message = Words(
                "this easily comes to {count} characters, and a subject's line has {most} (RFC 5322)",
                count=likely,
                most=SUBJECT,
            )
            self._too_long("subject", where, message, warning=True)
        self._length_of_sms(smallest, usual, where)

    def _length_of_push(self, smallest: Rendered, usual: Rendered, where: Path) -> None:
        for part, longest in LIMITS.items():
            shortest, likely = (len(getattr(rendered, part)) for rendered in (smallest, usual))
            seen = Words("and {count} are seen on a locked telephone", count=longest)
            if shortest > longest:
                message = Words("this comes to {count} characters or more, {seen}", count=shortest, seen=seen)
                self._too_long(part, where, message)
            elif likely > longest:
                message = Words("this easily comes to {count} characters, {seen}", count=likely, seen=seen)
                self._too_long(part, where, message, warning=True)

    def _length_of_sms(self, smallest: Rendered, usual: Rendered, where: Path) -> None:
        shortest, likely = (len(segments(rendered.signed()).parts) for rendered in (smallest, usual))
        if shortest > self.limit.parts:
            self._too_long("sms", where, _too_many(len(smallest.signed()), shortest, self.limit))
        elif likely > self.limit.parts:
            message = Words(
                "this easily comes to {length}: {paid}", length=_signed(usual), paid=_paid(likely, self.limit)
            )
            self._too_long("sms", where, message, warning=True)
        elif is_of_the_scaffold(usual.sms):
            return
        elif (
            not 0 < (over := excess(usual.signed())) <= FEW_CHARACTERS
            and (latin := _in_latin(smallest, usual)) < likely
        ):
            message = Words(
                "a value in Cyrillic letters, such as a name, makes this {parts}; in Latin letters it"
                " would be {fewer}",
                parts=_priced(likely, self.limit),
                fewer=latin,
            )
            self._too_long("sms", where, message, warning=True)
        elif 0 < over <= FEW_CHARACTERS:
            self._too_long("sms", where, self._with_saving(_few_over(smallest, usual, over)), warning=True)

    def _with_saving(self, message: Words) -> Words:
        """Return the message with the saving by one SMS less; as it is without a price."""
        if not self.limit.price:
            return message
        saved = self.limit.cost(PRICED_PEOPLE)
        return Words(
            "{message}, {saved} less for {people} people", message=message, saved=saved, people=Number(PRICED_PEOPLE)
        )

    def _too_long(self, part: str, where: Path, message: Said, *, warning: bool = False) -> None:
        own = (*where, *_PATHS[part])
        self.document.note(own if own in self.document.values else _PATHS[part], message, warning=warning)


def _few_over(smallest: Rendered, usual: Rendered, over: int) -> Words:
    """Return that an SMS has one part more for so few characters."""
    parts, length = len(segments(usual.signed()).parts), _signed(usual)
    is_fixed = smallest.sms == usual.sms
    return Words(ONE_LESS if is_fixed else USUALLY_ONE_LESS, parts=parts, length=length, over=over, fewer=parts - 1)


def _in_latin(smallest: Rendered, usual: Rendered) -> int:
    """Return how many SMS it would be with values in Latin letters; as many as it is if its own text has others."""
    text = usual.signed()
    if segments(smallest.signed()).encoding == segments(text).encoding:
        return len(segments(text).parts)
    return len(segments(spelt(_CYRILLIC.sub("x", text))).parts)


def _signed(rendered: Rendered) -> str:
    """Return the length of an SMS with its office and code, in words."""
    return Words("{count} characters with office and code", count=len(rendered.signed()))


def _failed(failed: WordsFailed) -> Joined:
    return Joined([failed.variable, failed.problem])
