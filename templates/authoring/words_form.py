"""The words of a language as fields of a form: subject, push, SMS and email, of all steps and of single ones.

As with rules (templates/authoring/trigger_form.py), only a field that somebody changed is written.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from domain.core.plain import PlainData
from domain.core.translatable import N_
from templates.authoring.yaml_edit import CannotEdit, YamlText
from templates.reading.files import BODY
from templates.reading.trigger_shapes import CorrectionShape, StepWordsShape, WordsShape
from templates.reading.yaml_file import Path

FENCE = "---"
EMPTY: Final = f"{FENCE}\n{{}}\n{FENCE}\n"
"""A words file without a text."""
FIELDS: Final = (("subject",), ("push", "title"), ("push", "body"), ("sms",))
_ORDER: Final = [name for shape in (WordsShape, StepWordsShape, CorrectionShape) for name in shape.model_fields]
_ORDER_OF_PUSH: Final = ["title", "body"]


class Gap(Struct, frozen=True):
    """The words of all steps (`under` is empty), of one step, or of the correction."""

    under: Path

    @property
    def names(self) -> list[str]:
        """Return the names of its fields."""
        return [".".join(map(str, (*self.under, *field))) for field in FIELDS]


class WordsForm:
    """A words file in a form. `values`: name of a field -> its text; what no field can show is not among them."""

    def __init__(self, text: str, steps: Sequence[str] = (), *, corrects: bool = False) -> None:
        """Read the text.

        Raises:
            CannotEdit: it can be edited only as a file.
        """
        lines = text.split("\n")
        fences = [number for number, line in enumerate(lines) if line.rstrip() == FENCE][:2]
        if len(fences) < 2 or fences[0] != 0:  # noqa: PLR2004  (two fences)
            raise CannotEdit("the keys stand at the top, between two lines of ---")
        self._lines, self._close = lines, fences[1]
        self.yaml = YamlText("\n".join(lines[1 : fences[1]]) + "\n")
        if not isinstance(self.yaml.data, dict):
            raise CannotEdit("the file has no keys")
        known = self.yaml.get(("steps",))
        names = dict.fromkeys([*steps, *(known if isinstance(known, dict) else ())])
        self.gaps = [Gap(()), *(Gap(("steps", name)) for name in names)]
        if corrects or self.yaml.get(("correction",)) is not None:
            self.gaps.append(Gap(("correction",)))
        self._paths: dict[str, Path] = {
            name: (*gap.under, *field) for gap in self.gaps for name, field in zip(gap.names, FIELDS, strict=True)
        }
        if ("correction",) in [gap.under for gap in self.gaps]:
            self._paths[f"correction.{BODY}"] = ("correction", BODY)
        shown = {
            name: None if self.yaml.is_shared(path) else _shown(self.yaml.get(path))
            for name, path in self._paths.items()
        }
        self.values = {name: each for name, each in shown.items() if each is not None} | {BODY: self._body()[1]}

    def _body(self) -> tuple[int, str]:
        """Return the line (from 0) at which the text of the email begins, and that text."""
        start = self._close + 1
        while start < len(self._lines) and not self._lines[start].strip():
            start += 1
        return start, "\n".join(self._lines[start:]).rstrip()

    @property
    def rest(self) -> Iterator[tuple[str, str]]:
        """Yield what no field shows: its key, and its text."""
        paths = {self._paths[name] for name in self.values if name in self._paths}
        groups = {path[:end] for path in paths for end in (1, 2, 3) if end < len(path)} | {("steps",)}
        yield from self._uncovered((), self.yaml.data, paths, groups)

    def _uncovered(
        self, under: Path, value: PlainData, paths: set[Path], groups: set[Path]
    ) -> Iterator[tuple[str, str]]:
        for key, inner in value.items() if isinstance(value, dict) else ():
            path = (*under, key)
            if path in groups and isinstance(inner, dict):
                yield from self._uncovered(path, inner, paths, groups)
            elif path not in paths:
                yield ".".join(map(str, path)), self.yaml.source(path)

    def with_changes(self, changes: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        """Return the text with these fields changed, and the problem of each that does not take its text."""
        made, wrong = self.yaml, dict[str, str]()
        for name, text in changes.items():
            if (path := self._paths.get(name)) is None:
                continue
            try:
                made = self._set(made, path, text.strip() or None)
            except CannotEdit:
                wrong[name] = N_("This can be changed only in the file")
        head = [FENCE, *made.text.removesuffix("\n").split("\n")] if made.text.strip() else [FENCE]
        start, body = self._body()
        tail = self._lines[self._close : start] if body else [FENCE, ""]
        if BODY in changes and changes[BODY].rstrip() != body:
            rest = [*changes[BODY].rstrip().split("\n"), ""]
            return "\n".join([*head, *tail, *rest]), wrong
        return "\n".join([*head, *self._lines[self._close :]]), wrong

    @staticmethod
    def _set(made: YamlText, path: Path, value: str | None) -> YamlText:
        before = made.get(path)
        if value is not None and isinstance(before, str) and before.endswith("\n"):
            value += "\n"  # a block of lines ends with one
        made = made.changed(path, value, _ORDER_OF_PUSH if path[-2:-1] == ("push",) else _ORDER)
        while value is None and len(path) > 1 and made.get(path[:-1]) == {}:
            path = path[:-1]
            made = made.changed(path, None)
        return made

    def names_in(self, there: "WordsForm", names: Collection[str]) -> dict[str, str] | None:
        """Return these fields with their names in another form of the file; None where one cannot be shown there."""
        return {name: name for name in names} if all(name in there.values for name in names) else None

    def at(self, line: int, column: int) -> str:
        """Return the name of the field whose text stands at a place of the file (from 1); empty for none.

        In a push message it is the empty field, if no text stands there.
        """
        if line > self._close + 1:
            return BODY
        empty = [
            (name, path[:-1])
            for name, path in self._paths.items()
            if path[-2:-1] == ("push",) and not self.values.get(name)
        ]
        return self.yaml.innermost([*self._paths.items(), *empty], line - 1, column)


def _shown(value: PlainData) -> str | None:
    """Return a text as its field shows it; None for what is no text."""
    return "" if value is None else value.rstrip("\n") if isinstance(value, str) else None
