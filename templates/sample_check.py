"""Renders a trigger's words for made-up events: one with every field, and the smallest that its schema allows.

What fails here would fail for citizens; what is too long here is too long for everybody.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from domain.benefits import starts_on
from domain.event_types import Catalogue
from domain.sms import segments
from domain.triggers import CORRECTION
from templates.files import TriggerFiles
from templates.findings import Report
from templates.render import Rendered, Renderer, WordsFailed, context
from templates.words_check import START, law_variables, texts
from templates.yaml_file import Document, Path

MOMENT = datetime(2026, 5, 1, 9, tzinfo=UTC)
SMS_PARTS = 2
_SHORTEST: Mapping[str, Any] = {
    "string": "x", "date": "2026-05-01", "integer": 1, "number": 1.0, "boolean": True, "strings": (),
    "instant": MOMENT,
}  # fmt: skip


LIMITS: Mapping[str, int] = {"push_title": 50, "push_body": 150}
"""What fits on the screen of a locked telephone."""
_PATHS: Mapping[str, Path] = {"push_title": ("push", "title"), "push_body": ("push", "body"), "sms": ("sms",)}


def check_samples(files: TriggerFiles, catalogue: Catalogue, report: Report) -> None:
    """Report words that fail for events that their schema allows, and words that are always too long."""
    rules = files.rules.data
    renderer = Renderer({language: document.data for language, document in files.words.items()}, rules)
    full, smallest = samples(rules["on"], catalogue)
    for language, document in files.words.items():
        sample = _Sample(language, document, renderer, report)
        for step in rules["due"]:
            sample.check(step, full, smallest, ("steps", step))
        if rules.get(CORRECTION):
            sample.check(CORRECTION, full, smallest, (CORRECTION,))


def samples(on: Any, catalogue: Catalogue) -> tuple[dict[str, Any], dict[str, Any]]:  # noqa: ANN401  (as in the file)
    """What the words of a trigger `on` that may read: of an event with every field, and of the smallest event."""
    type_ = catalogue.types[str(starts_on(on, catalogue))]
    event = {f"event.{name}": _SHORTEST[kind] for name, kind in type_.variables().items()}
    event |= {f"event.{name}": value for name, value in _chosen("", type_.schema)}
    citizen = {name: _SHORTEST[kind] for name, kind in catalogue.citizen_variables().items()}
    absent = [f"event.{name}" for name in _optional("", type_.schema)]
    smallest = {
        name: value for name, value in event.items() if not any(f"{name}.".startswith(f"{each}.") for each in absent)
    }
    law = {name: _SHORTEST[kind] for name, kind in law_variables(on, catalogue).items()}
    return context(event, citizen, citizen, MOMENT, law), context(smallest, citizen, citizen, MOMENT, law)


def _chosen(prefix: str, schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The shortest values where the schema leaves less choice than the type."""
    for name, prop in schema.get("properties", {}).items():
        yield from _chosen(f"{prefix}{name}.", prop)
        if allowed := prop.get("enum") or [prop[key] for key in ("const", "minimum") if key in prop]:
            yield prefix + name, min((each for each in allowed if each is not None), key=lambda each: len(str(each)))
        elif "minLength" in prop:
            yield prefix + name, "x" * prop["minLength"]


def _optional(prefix: str, schema: Mapping[str, Any]) -> Iterator[str]:
    for name, prop in schema.get("properties", {}).items():
        if name not in schema.get("required", ()) or isinstance(prop["type"], list):
            yield prefix + name
        yield from _optional(f"{prefix}{name}.", prop)


class _Sample:
    def __init__(self, language: str, document: Document, renderer: Renderer, report: Report) -> None:
        self.language, self.document, self.renderer, self.report = language, document, renderer, report

    def check(self, step: str, full: Mapping[str, Any], smallest: Mapping[str, Any], where: Path) -> None:
        """Report what is wrong with the words of a step, or with those of the correction."""
        correction = where == (CORRECTION,)
        try:
            self.renderer.render(self.language, step, full, correction=correction)
        except WordsFailed as failed:
            self.report.add(self.document.finding(self.document.value(()), f"{failed.variable} {failed.problem}"))
            return
        try:
            rendered = self.renderer.render(self.language, step, smallest, correction=correction)
        except WordsFailed as failed:
            self._missing(failed.variable)
        else:
            self._lengths(rendered, where)

    def _missing(self, variable: str) -> None:
        places = (
            self.document.inside(path, 1, variable)
            for path, text in texts((), self.document.data)
            if variable in text
        )
        message = f'an event may lack {variable}: write {{% if {variable} is defined %}}, or | default("…")'
        self.report.add(self.document.finding(next(places, START), message))

    def _lengths(self, rendered: Rendered, where: Path) -> None:
        for part, longest in LIMITS.items():
            if (length := len(getattr(rendered, part))) > longest:
                self._too_long(part, where, f"this comes to {length} characters or more, and {longest} are seen")
        if (parts := len(segments(rendered.sms).parts)) > SMS_PARTS:
            message = (
                f"this comes to {len(rendered.sms)} characters or more: {parts} SMS, at most {SMS_PARTS} are paid"
            )
            self._too_long("sms", where, message)

    def _too_long(self, part: str, where: Path, message: str) -> None:
        own = (*where, *_PATHS[part])
        place = self.document.value(own if own in self.document.values else _PATHS[part])
        self.report.add(self.document.finding(place, message))
