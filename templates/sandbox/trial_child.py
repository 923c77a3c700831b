"""The confined child process for words: it renders one text for made-up events, and reports failures.

Run by templates.sandbox.trial as `python -m templates.sandbox.trial_child`, never by hand.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from domain.core.translatable import as_plain
from domain.rules.event_types import Catalogue
from domain.rules.steps import repetition_of
from templates.checks.sample_events import Samples, samples
from templates.reading.catalogue import catalogue_of
from templates.sandbox.confined_child import serve
from templates.words.compiled_texts import BadWords, Compiler

_SAID = 300
"""Characters of a problem that are worth saying."""


class Trials:
    """Tries out texts for events of these packs."""

    def __init__(self, contents: list[Mapping[str, Any]]) -> None:
        self._catalogue: Catalogue = catalogue_of(contents)
        self._compilers: dict[str, Compiler] = {}
        self._samples: dict[str, Samples] = {}

    def answer(self, trial: Mapping[str, Any]) -> list[object] | None:
        """Return the failing variable of a text and its problem, as `as_plain` has them; None where all goes well."""
        compiler = self._compilers.setdefault(trial["language"], Compiler(trial["language"]))
        try:
            text = compiler.markdown(trial["text"]) if trial["markdown"] else compiler.plain(trial["text"])
            for values in self._values(trial):
                text.render(values)
        except BadWords as bad:
            return [as_plain(each if len(each) <= _SAID else each[:_SAID]) for each in (bad.variable, bad.problem)]
        return None

    def _values(self, trial: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        on = trial["on"]
        if str(on) not in self._samples:
            self._samples[str(on)] = samples(on, self._catalogue)
        made = self._samples[str(on)]
        for step in trial["steps"]:
            name, number = repetition_of(step)
            yield from ({**values, "step": name, "repetition": number} for values in (made.full, made.smallest))


if __name__ == "__main__":
    serve(lambda contents: Trials(contents).answer)
