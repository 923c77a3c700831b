"""A preview as lines of a terminal of 100 columns, and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any

from domain.core.sms import segments
from domain.rules.triggers import CORRECTION
from templates.authoring.preview import Hearing, Words
from templates.checks.loader import TriggerSource
from templates.checks.pack_check import SmsLimit
from templates.checks.sample_check import LIMITS
from templates.words.rendering import Rendered

WIDTH, HEAD, NAMED = 100, 27, 14
Texts = tuple[tuple[str, str], ...]
NOBODY = "nobody of these hears anything"


class Grid:
    """Lays out what people hear of one trigger."""

    def __init__(self, source: TriggerSource, limit: SmsLimit) -> None:
        self._source, self._limit = source, limit

    def lines(self, hearings: Sequence[Hearing], *, alone: bool) -> Iterator[str]:
        """Yield the people and the messages that they get, and then the words for the first of them."""
        rules = self._source.rules
        yield f"{self._source.name}: {rules['title'].get('en') or next(iter(rules['title'].values()))}"
        yield f"on {_edge(rules['on'])}, by {', '.join(rules['channels'])}, class {rules['class']}"
        yield ""
        for hearing in hearings:
            yield from _listed(f"  {hearing.persona.name}", _heard(hearing))
        shown = next((each for each in hearings if each.messages), None)
        if shown is None:
            yield from ("", f"  {NOBODY}") if not alone else ()
        else:
            yield from self._words(shown)
        yield ""

    def _words(self, hearing: Hearing) -> Iterator[str]:
        seen: dict[tuple[str, str, Texts], str] = {}
        for message in hearing.messages:
            title = f"{message.title}, as {hearing.persona.name} hears it"
            yield from ("", f"── {title} {'─' * max(0, WIDTH - len(title) - 4)}")
            for words in message.words:
                yield from self._language(words, message.step, seen)

    def _language(self, words: Words, step: str, seen: dict[tuple[str, str, Texts], str]) -> Iterator[str]:
        if words.rendered is None:
            yield from _cell(words.language, "", "", words.problem)
            return
        for channel in self._source.rules["channels"]:
            texts = self._texts(words.rendered, channel)
            first = seen.setdefault((words.language, channel, texts), step)
            if first != step:
                yield from _cell(words.language, channel, "", f"the same as {first}")
                continue
            for at, (size, text) in enumerate(texts):
                yield from _cell("" if at else words.language, "" if at else channel, size, text)

    def _texts(self, rendered: Rendered, channel: str) -> Texts:
        """Return the texts of a channel, each with its size."""
        if channel == "push":
            return tuple(
                (f"{len(text)} of {LIMITS[part]}", text)
                for part, text in (("push_title", rendered.push_title), ("push_body", rendered.push_body))
            )
        if channel == "sms":
            return ((self._sms(rendered), rendered.signed()),)
        return (("subject", rendered.subject), ("text", rendered.text))

    def _sms(self, rendered: Rendered) -> str:
        parts = len(segments(rendered.signed()).parts)
        cost = self._limit.cost(parts)
        return f"{parts} SMS{f', {cost}' if cost else ''}"

    def objects(self, hearings: Sequence[Hearing]) -> Iterator[dict[str, Any]]:
        """Yield an object for each person, step and language."""
        for hearing in hearings:
            head = {"trigger": self._source.name, "persona": hearing.persona.name, "told": hearing.told}
            if hearing.nothing:
                yield {**head, "nothing": hearing.nothing}
            for message in hearing.messages:
                for words in message.words:
                    yield {**head, "step": message.step, "due": message.due.isoformat(), **self._object(words)}

    def _object(self, words: Words) -> dict[str, Any]:
        rendered = words.rendered
        if rendered is None:
            return {"language": words.language, "problem": words.problem}
        parts, encoding = words.sms
        cost = None if self._limit.price is None else self._limit.price * parts
        forms = {
            "push": {"title": rendered.push_title, "body": rendered.push_body},
            "sms": {"text": rendered.signed(), "parts": parts, "encoding": encoding, "cost": cost},
            "email": {"subject": rendered.subject, "text": rendered.text, "html": rendered.html},
        }
        return {"language": words.language, **{name: forms[name] for name in self._source.rules["channels"]}}


def _edge(on: str | Mapping[str, str]) -> str:
    return on if isinstance(on, str) else " ".join(f"{edge} {benefit}" for edge, benefit in on.items())


def _heard(hearing: Hearing) -> str:
    if hearing.nothing:
        return f"nothing: {hearing.nothing}"
    steps = " · ".join(each.title for each in hearing.messages if each.step != CORRECTION)
    return f"{'their guardian: ' if hearing.told == 'guardian' else ''}{steps}"


def _listed(name: str, text: str) -> Iterator[str]:
    if len(name) >= NAMED:
        yield name
        name = ""
    for at, line in enumerate(wrap(text, WIDTH - NAMED)):
        yield f"{'' if at else name:<{NAMED}}{line}"


def _cell(language: str, channel: str, size: str, text: str) -> Iterator[str]:
    """Yield a text beside its language, its channel and its size."""
    head = f"{language:<4}{channel:<7}{size:<{HEAD - 11}}"
    paragraphs = [line for part in text.strip().split("\n") for line in (wrap(part, WIDTH - HEAD) or [""])]
    for at, line in enumerate(paragraphs or [""]):
        yield f"{' ' * HEAD if at else head}{line}".rstrip()
