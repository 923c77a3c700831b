"""All texts of a draft as one note, in all languages: written for a translator, and read when it comes back.

Each language stands on a line of its own, and each text below or behind its label. A line of text that begins with a
backslash is text whatever it looks like; the backslash goes.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from domain.core.translatable import Joined, Number, Said, Words
from templates.authoring.note_labels import Label, NoteLabels, group_and_field, looks_like_label
from templates.reading.files import BODY

Texts = Mapping[str, Mapping[str, str]]
"""Language -> name of a text, as in `WordsForm` -> the text."""
_KEPT: Final = "\\"
_ENDS: Final = "\n\v\f\x1c\x1d\x1e\x85\u2028\u2029"
_ONE_LINE: Final = ("subject", "push.title")
_QUOTED: Final = 60
MOST_LINES: Final = 3000
"""Far more than a rule's texts have in all languages; each line that is no text takes a while."""
_MOST_COMPARED: Final = 30
"""The most wrong lines for which the nearest label is looked for, which takes long."""


class Stray(Struct, frozen=True):
    """Lines of a note that belong nowhere, counted from 1, and what to do about them."""

    first: int
    last: int
    told: str


class Above(Struct, frozen=True):
    """Lines above the first language that are no label, such as a greeting, and their words, shortened."""

    first: int
    last: int
    words: str


class ReadNote(Struct, frozen=True):
    """The texts of a note, its lines that belong nowhere, and those above the first language, which are left out."""

    texts: Texts
    strays: Sequence[Stray]
    above: Above | None = None


def written_note(texts: Texts, labels: NoteLabels) -> str:
    """Return the note of these texts, in their order."""
    return "\n\n".join(_section(language, named, labels) for language, named in texts.items() if named) + "\n"


def read_note(note: str, labels: NoteLabels, known: Mapping[str, Collection[str]]) -> ReadNote:
    """Return the texts of a note, each without the space at its end.

    `known`: the texts that each language has; none for a language that can be changed only in its file.
    """
    reader, lines = _Reader(labels, known), list(_lines(note))
    if len(lines) > MOST_LINES:
        told = Words("A note has at most {count} lines; nothing of this one is read.", count=Number(MOST_LINES))
        return ReadNote({}, [Stray(MOST_LINES + 1, len(lines), told)])
    for number, (line, end) in enumerate(lines, 1):
        reader.take(number, line, end)
    return reader.finished()


def _section(language: str, named: Mapping[str, str], labels: NoteLabels) -> str:
    lines, group = [labels.languages[language]], ""
    for name, text in named.items():
        under, field = group_and_field(name)
        if under != group:
            lines += ["", labels.groups[under]]
            group = under
        lines.append(_entry(field, text.rstrip(), labels))
    return "\n".join(lines)


def _entry(field: str, text: str, labels: NoteLabels) -> str:
    """Return a text behind its label, or below it where it would not be read so."""
    label, pieces = labels.fields[field], list(_lines(text))
    if not pieces:
        return f"{label}:"
    beside = f"{label}: {text}"
    if field != BODY and len(pieces) == 1 and labels.label_of(beside) == Label(field=field, rest=text):
        return beside
    kept = [
        f"{_KEPT}{piece}{end}" if _needs_mark(at, piece, field, labels) else f"{piece}{end}"
        for at, (piece, end) in enumerate(pieces)
    ]
    return f"{label}:\n{''.join(kept)}"


def _needs_mark(at: int, piece: str, field: str, labels: NoteLabels) -> bool:
    """Return True for a line that would not be read as text of its field."""
    if at and field != BODY:
        return True
    return not at if not piece.strip() else piece.startswith(_KEPT) or not labels.is_text(piece)


def _lines(text: str) -> Iterator[tuple[str, str]]:
    """Yield each line and how it ends. Word ends lines within a paragraph with signs of its own."""
    for line in text.replace("\r\n", "\n").replace("\r", "\n").splitlines(keepends=True):
        yield (line[:-1], line[-1]) if line[-1] in _ENDS else (line, "")


class _Text:
    """A text that is being read."""

    def __init__(self, field: str, rest: str, end: str) -> None:
        self.field, self.ended = field, False
        self._lines = [(rest, end, True)] if rest else []

    def add(self, line: str, end: str, *, kept: bool) -> None:
        """Take a line of it. `kept`: even an empty one at its start."""
        if self._lines or kept or line.strip():
            self._lines.append((line, end, kept))

    @property
    def has_begun(self) -> bool:
        """True once a line of it was read."""
        return bool(self._lines)

    @property
    def is_blank_above(self) -> bool:
        """True if its last line is empty."""
        return bool(self._lines) and not self._lines[-1][0].strip()

    def __str__(self) -> str:
        """Return it as it was typed, without the space at its end."""
        return "".join(line + end for line, end, _ in self._lines).rstrip()


class _Reader:
    """Reads a note line by line."""

    def __init__(self, labels: NoteLabels, known: Mapping[str, Collection[str]]) -> None:
        self._labels, self._known = labels, known
        self._texts: dict[str, dict[str, _Text]] = {}
        self._at: dict[tuple[str, str], int] = {}  # the line of the label of each text
        self._strays: list[Stray] = []
        self._above: Above | None = None
        self._run = ""  # what is wrong with the line above, if the next one may belong to it
        self._language, self._group = "", ""
        self._open: _Text | None = None
        self._skips = False  # below a heading or a label that is wrong itself
        self._heading: tuple[int, str] | None = None  # the last one, until a label follows it

    def take(self, number: int, line: str, end: str) -> None:
        """Read the next line."""
        kept = line.startswith(_KEPT)
        label = None if kept else self._labels.label_of(line)
        if label is None:
            self._take_text(number, line.removeprefix(_KEPT), end, kept=kept)
            return
        if self._language or label.language:
            self._run = ""
        if label.field:
            self._take_label(number, line, end, label)
        else:
            self._take_heading(number, line, label)

    def finished(self) -> ReadNote:
        """Return what was read."""
        self._end_heading()
        if self._above is not None and not (self._language or self._strays):
            self._refuse_above(self._above.first, self._above.words)
        texts = {
            language: {name: str(text) for name, text in named.items()} for language, named in self._texts.items()
        }
        return ReadNote({language: named for language, named in texts.items() if named}, self._strays, self._above)

    def _take_heading(self, number: int, line: str, label: Label) -> None:
        if label.language:
            self._end_heading()
            self._begin(number, line, label.language)
        elif not self._language:
            self._refuse_above(number, line)
            return
        elif self._group:
            self._end_heading()
        self._open, self._group = None, label.group
        if self._known.get(self._language):
            self._skips, self._heading = False, (number, line)

    def _begin(self, number: int, line: str, language: str) -> None:
        """Begin a language; one that has no texts here is told."""
        self._language, self._group = language, ""
        self._skips = not self._known.get(language)
        if language not in self._known:
            told = Words("“{text}”: this rule has no texts in that language.", text=_quoted(line))
            self._strays.append(Stray(number, number, told))
        elif self._skips:
            told = Words("“{text}”: the texts in this language can be changed only in the file.", text=_quoted(line))
            self._strays.append(Stray(number, number, told))

    def _take_label(self, number: int, line: str, end: str, label: Label) -> None:
        self._open = None
        if label.language and label.language != self._language:
            self._end_heading()
            self._begin(number, line, label.language)
        if not self._language:
            self._refuse_above(number, line)
            return
        if not (names := self._known.get(self._language)):
            return
        self._heading = None
        name, title = f"{self._group}.{label.field}".removeprefix("."), self._labels.fields[label.field]
        if name not in names:
            where = self._labels.groups[self._group] if self._group else self._labels.languages[self._language]
            self._skip_below(
                number, Words("“{label}”: there is no such text in “{heading}”.", label=title, heading=where)
            )
        elif (earlier := self._at.get((self._language, name))) is not None:
            told = Words(
                "“{label}” stands here a second time in this language; the first is on line {line}.",
                label=title,
                line=earlier,
            )
            self._skip_below(number, Joined((told, _OR_MARK)))
        else:
            self._skips, self._at[self._language, name] = False, number
            self._open = _Text(label.field, label.rest, end)
            self._texts.setdefault(self._language, {})[name] = self._open

    def _take_text(self, number: int, line: str, end: str, *, kept: bool) -> None:
        if not line.strip() and not kept:
            if self._open is not None:
                self._open.add(line, end, kept=False)
            return
        if not self._language:
            self._take_above(number, line, kept=kept)
        elif not self._skips and ((kept and self._open is not None) or not self._refused(number, line)):
            assert self._open is not None, "a text without a label is refused"
            self._run = ""
            self._open.add(line, end, kept=kept)

    def _refused(self, number: int, line: str) -> bool:
        """Tell why a line is no text of its field, and return True; False for one that is."""
        if self._labels.language_before_text(line):
            told = Words(
                "“{text}”: write the language on a line of its own, and the label of the text below it.",
                text=_quoted(line),
            )
            self._skip_below(number, Joined((told, _OR_MARK)))
        elif (meant := self._labels.possible_labels(line)) is not None:
            self._skip_below(number, _no_label(line, meant))
        elif self._open is not None and (self._open.field == BODY or not self._open.has_begun):
            return False
        elif looks_like_label(line):
            near = self._labels.nearest_labels(line) if len(self._strays) < _MOST_COMPARED else ()
            self._skip_below(number, _no_label(line, near))
        elif self._open is None:
            self._report_stray(
                number, "unlabelled", Words("“{text}” stands there without a label.", text=_quoted(line))
            )
        elif self._open.field in _ONE_LINE or self._open.is_blank_above or self._run == "ended":
            told = Words(
                "“{text}” belongs to no label: “{label}” has ended above it.",
                text=_quoted(line),
                label=self._labels.fields[self._open.field],
            )
            self._report_stray(number, "ended", Joined((told, _OR_MARK)))
        else:
            return False
        return True

    def _take_above(self, number: int, line: str, *, kept: bool) -> None:
        """Leave out a greeting; a line that may be meant as a label is refused."""
        if not kept and not self._labels.is_text(line):
            self._refuse_above(number, line)
            return
        first, words = (number, line) if self._above is None else (self._above.first, f"{self._above.words} {line}")
        self._above = Above(first, number, _quoted(words))

    def _refuse_above(self, number: int, line: str) -> None:
        told = Words(
            "“{text}” stands above the first language. Take it away, or write the language above it on a line of its"
            " own, as “{language}”.",
            text=_quoted(line),
            language=next(iter(self._labels.languages.values()), ""),
        )
        self._report_stray(number, "above", told)

    def _end_heading(self) -> None:
        """Tell of a heading below which nothing stands."""
        if self._heading is not None:
            number, line = self._heading
            told = Words("No text stands below “{text}”. Take this line away.", text=_quoted(line))
            self._strays.append(Stray(number, number, Joined((told, _OR_MARK))))
        self._heading = None

    def _skip_below(self, number: int, told: str) -> None:
        """Tell of a label that is wrong, and skip what stands below it."""
        self._strays.append(Stray(number, number, told))
        self._open, self._skips, self._heading, self._run = None, True, None, ""

    def _report_stray(self, number: int, kind: str, told: str) -> None:
        """Tell of a line; of several that belong together once."""
        if self._run == kind and self._strays:
            first = self._strays[-1]
            self._strays[-1] = Stray(first.first, number, first.told)
        else:
            self._strays.append(Stray(number, number, told))
        self._run, self._heading = kind, None


_OR_MARK: Final = Said(
    "If a line is part of a text though it looks like a label, put the sign \\ before it: the sign is not sent."
)


def _no_label(line: str, meant: Sequence[str]) -> str:
    told = Words("“{text}” is no label here.", text=_quoted(line))
    if not meant:
        return Joined((told, _OR_MARK))
    labels = Joined([Words("“{value}”", value=each) for each in meant], Said(" or "))
    return Joined((told, Words("Did you mean {labels}?", labels=labels), _OR_MARK))


def _quoted(line: str) -> str:
    text = " ".join(line.split())
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED].rstrip()}…"
