"""Renders a trigger's words for made-up events: a usual one, and the smallest that its schema allows.

What fails here would fail for citizens; what is too long for the smallest is too long for everybody, and what is too
long for a usual one is a warning.
"""

from collections.abc import Mapping
from typing import Any

from domain.core.sms import excess, segments
from domain.rules.event_types import Catalogue
from domain.rules.steps import named
from domain.rules.triggers import CORRECTION, Trigger
from templates.checks.pack_check import SmsLimit
from templates.checks.placeholders import is_of_the_scaffold
from templates.checks.possible_values import required_of
from templates.checks.sample_events import Samples, samples
from templates.checks.words_check import START, texts
from templates.reading.files import TriggerFiles
from templates.reading.findings import Report
from templates.reading.yaml_file import Document, Path
from templates.words.compiled_texts import NO_VALUE
from templates.words.rendering import Renderer, Short, WordsFailed

LIMITS: Mapping[str, int] = {"push_title": 50, "push_body": 150}
"""The characters that fit on the screen of a locked telephone; systems cut off the rest, each a little elsewhere."""
FEW = 20
"""So few characters are easily left out where they make an SMS cost a part more."""
SUBJECT = 78 - len("Subject: ")
"""A line of an email should have no more than 78 characters (RFC 5322, 2.1.1); lists of mails show about as many."""
_PATHS: Mapping[str, Path] = {
    "push_title": ("push", "title"),
    "push_body": ("push", "body"),
    "sms": ("sms",),
    "subject": ("subject",),
}


def check_samples(
    files: TriggerFiles, trigger: Trigger, catalogue: Catalogue, limit: SmsLimit, report: Report
) -> None:
    """Report words that fail for events that their schema allows, and words that are always too long.

    Words that fail for people of whom too little is known are a warning: others are told.
    """
    rules = files.rules.data
    words = {language: document.data for language, document in files.words.items()}
    renderer = Renderer(words, rules, offices=catalogue.offices)
    made = samples(rules["on"], catalogue, known_of(trigger, catalogue))
    for language, document in files.words.items():
        sample = _Sample(language, document, renderer, limit, report)
        for step, said in rules["due"].items():
            sample.check(step, made, ("steps", step))
            if "repeat" in (said or {}):
                sample.check(named(step, 2), made, ("steps", step))
        if rules.get(CORRECTION):
            sample.check(CORRECTION, made, (CORRECTION,))


PEOPLE = 1_000
"""The number of people for whom a price is told."""


def known_of(trigger: Trigger, catalogue: Catalogue) -> frozenset[str]:
    """The attributes of a person ("citizen.<name>") that the trigger asks for, or that its event always sets."""
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
    def __init__(
        self, language: str, document: Document, renderer: Renderer, limit: SmsLimit, report: Report
    ) -> None:
        self.language, self.document, self.renderer = language, document, renderer
        self.limit, self.report = limit, report

    def check(self, step: str, made: Samples, where: Path) -> None:
        """Report what is wrong with the words of a step, or with those of the correction."""
        correction = where == (CORRECTION,)
        try:
            usual = self.renderer.short(self.language, step, made.full, correction=correction)
        except WordsFailed as failed:
            self.report.add(self.document.finding(self.document.value(()), f"{failed.variable} {failed.problem}"))
            return
        try:
            smallest = self.renderer.short(self.language, step, made.smallest, correction=correction)
        except WordsFailed as failed:
            self._missing(failed, f"an event may lack {failed.variable}", "where an event lacks what it may lack")
        else:
            self._lengths(smallest, usual, where)
            self._of_a_stranger(step, made.stranger, correction=correction)

    def _of_a_stranger(self, step: str, values: Mapping[str, Any], *, correction: bool) -> None:
        try:
            self.renderer.short(self.language, step, values, correction=correction)
        except WordsFailed as failed:
            told = f"whoever has no {failed.variable} is told nothing"
            self._missing(failed, told, "where little is known of a person", warning=True)

    def _missing(self, failed: WordsFailed, why: str, otherwise: str, *, warning: bool = False) -> None:
        variable = failed.variable
        places = (
            self.document.inside(path, 1, variable)
            for path, text in texts((), self.document.data)
            if variable in text
        )
        message = f'{why}: write {{% if {variable} is defined %}}, or | default("…")'
        if failed.problem != NO_VALUE:
            message = f"{variable} {failed.problem}, {otherwise}"
        self.report.add(self.document.finding(next(places, START), message, warning=warning))

    def _lengths(self, smallest: Short, usual: Short, where: Path) -> None:
        for part, longest in LIMITS.items():
            shortest, likely = (len(getattr(rendered, part)) for rendered in (smallest, usual))
            seen = f"and {longest} are seen on a locked telephone"
            if shortest > longest:
                self._too_long(part, where, f"this comes to {shortest} characters or more, {seen}")
            elif likely > longest:
                self._too_long(part, where, f"this easily comes to {likely} characters, {seen}", warning=True)
        if (likely := len(usual.subject)) > SUBJECT:
            message = f"this easily comes to {likely} characters, and a subject's line has {SUBJECT} (RFC 5322)"
            self._too_long("subject", where, message, warning=True)
        shortest, likely = (len(segments(rendered.signed).parts) for rendered in (smallest, usual))
        if shortest > self.limit.parts:
            length = f"with office and code this comes to {len(smallest.signed)} characters or more"
            self._too_long("sms", where, f"{length}: {self._paid(shortest)}")
        elif likely > self.limit.parts:
            message = f"this easily comes to {_signed(usual)}: {self._paid(likely)}"
            self._too_long("sms", where, message, warning=True)
        elif 0 < (over := excess(usual.signed)) <= FEW and not is_of_the_scaffold(usual.sms):
            same = smallest.sms == usual.sms
            begins = f"these {_signed(usual)} are" if same else f"usually {_signed(usual)}, that is"
            message = f"{begins} {likely} SMS{self._priced(likely)}: {over} fewer would fit into {likely - 1}"
            self._too_long("sms", where, message + self._saved(), warning=True)

    def _saved(self) -> str:
        """Return the saving by one SMS less, in words; empty without a price."""
        return f", {self.limit.cost(PEOPLE)} less for {PEOPLE:,} people" if self.limit.price else ""

    def _priced(self, parts: int) -> str:
        return f" (for {self.limit.cost(parts)} each time)" if self.limit.price else ""

    def _paid(self, parts: int) -> str:
        return f"this needs {parts} SMS{self._priced(parts)}; the limit is {self.limit.parts}"

    def _too_long(self, part: str, where: Path, message: str, *, warning: bool = False) -> None:
        own = (*where, *_PATHS[part])
        place = self.document.value(own if own in self.document.values else _PATHS[part])
        self.report.add(self.document.finding(place, message, warning=warning))


def _signed(rendered: Short) -> str:
    """Return the length of an SMS with its office and code, in words."""
    return f"{len(rendered.signed)} characters with office and code"
