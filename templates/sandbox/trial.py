"""Tries the words of packs out in a confined child, so that words that escaped every check can hurt nobody.

What words may ask for is a short list (templates.words.policy); this is for what that list overlooks, and for what no
list sees: a text that is too long only when it is laid out.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from domain.core.translatable import Joined, Words, of_plain
from domain.rules.steps import named
from domain.rules.triggers import CORRECTION
from templates.checks.loader import pack_of
from templates.checks.words_check import START, is_markdown, texts
from templates.reading.files import PackFiles
from templates.reading.findings import Finding, Report
from templates.reading.yaml_file import Document, Path
from templates.sandbox.confined import ChildDied, Confined, Limits
from templates.sandbox.trial_child import Trials

CHILD = "templates.sandbox.trial_child"
MOST_DEATHS = 10
"""So many texts that kill their child are enough: a pack full of them must not keep anybody waiting."""


class _Trial(Struct, frozen=True):
    """A text of a words file, and the steps that say it; the trigger starts `on` that."""

    document: Document
    path: Path
    on: object
    language: str
    text: str
    steps: tuple[str, ...]

    def question(self) -> dict[str, object]:
        """Return the question for the child."""
        return {
            "on": self.on,
            "language": self.language,
            "text": self.text,
            "steps": self.steps,
            "markdown": is_markdown(self.path),
        }


def trial_findings(
    packs: Sequence[PackFiles], limits: Limits | None = None, *, only: str | None = None, child: str = CHILD
) -> tuple[Finding, ...]:
    """Return the findings of rendering words in every language, channel and step, for made-up events.

    `packs`: as `examine` reads them, without findings; `only`: the trigger of that name. A text that kills its child
    is a finding, and a new child goes on after it.
    """
    report = Report()
    try:
        with Confined(child, [pack_of(files).content for files in packs], limits or Limits()) as confined:
            deaths = 0
            for trial in _trials(packs, only):
                deaths += _is_killed_by(confined, trial, report)
                if deaths == MOST_DEATHS:
                    break
    except ChildDied as died:
        message = Words("trying out the words {reason} before the first of them", reason=died.reason)
        report.add(packs[-1].pack.finding(START, message))
    return report.findings


def trial_findings_here(packs: Sequence[PackFiles], *, only: str | None = None) -> tuple[Finding, ...]:
    """Return the same, in this process: for one that is a confined child itself."""
    report, trials = Report(), Trials([pack_of(files).content for files in packs])
    for trial in _trials(packs, only):
        _try(trial, trials.answer, report)
    return report.findings


def _is_killed_by(confined: Confined, trial: _Trial, report: Report) -> bool:
    """Try a text; whether its child died of it."""
    try:
        _try(trial, lambda question: confined.ask(question, tuple[Any, Any] | None), report)
    except ChildDied as died:
        message = Words("these words are refused: trying them out {reason}", reason=died.reason)
        report.add(trial.document.finding(trial.document.value(trial.path), message))
        return True
    return False


def _try(trial: _Trial, ask: Callable[[dict[str, object]], Sequence[Any] | None], report: Report) -> None:
    document = trial.document
    if (failed := ask(trial.question())) is not None:
        variable, problem = map(of_plain, failed)
        place = document.inside(trial.path, 1, variable) if variable in trial.text else document.value(trial.path)
        report.add(document.finding(place, Joined([variable, problem])))


def _trials(packs: Sequence[PackFiles], only: str | None) -> Iterator[_Trial]:
    for trigger in (trigger for files in packs for trigger in files.triggers if only in (None, trigger.name)):
        rules = trigger.rules.data
        for language, document in trigger.words.items():
            for path, text in texts((), document.data):
                if is_markdown(path) or "{" in text:  # other texts are sent as they stand
                    steps = tuple(_steps(path, document.data, rules))
                    yield _Trial(document, path, rules["on"], language, text, steps)


def _steps(path: Path, words: Mapping[str, Any], rules: Mapping[str, Any]) -> Iterator[str]:
    """Yield the steps that say the text at a path, and the second time of those that are repeated."""
    if path[0] == CORRECTION:
        yield CORRECTION
        return
    others = words.get("steps") or {}
    for step, said in rules["due"].items():
        own = dict(texts((), others.get(step)))
        if path[:2] == ("steps", step) or (path[0] != "steps" and path not in own):
            yield step
            if "repeat" in (said or {}):
                yield named(step, 2)
