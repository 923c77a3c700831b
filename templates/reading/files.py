"""Reads the files of a pack from disk: documents with places, nothing checked yet but that they can be read."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from stat import S_ISREG
from typing import Any

from msgspec import Struct

from domain.core.translatable import Said, Words
from templates.reading.findings import Finding, Report, closest
from templates.reading.mixed_alphabets import mixed_words
from templates.reading.yaml_file import Document, Place, read_yaml, unseen_characters

BODY, PERSONAS, SERVICES = "body", "personas.yaml", "services.yaml"
PARAMETERS, BENEFITS = "parameters.yaml", "benefits.yaml"
MOST_BYTES = 1024 * 1024
"""No honest file of a pack is larger."""
_OF_KEYS = re.compile(r"[\w-]+:(?:\s|$)|\s+\S|#")
_FENCE = "---"
_YAML = (".yaml", ".yml")
_OF_A_TRIGGER = ("trigger.yaml", "tests.yaml")
_OF_A_PACK = ("pack.yaml", PARAMETERS, BENEFITS, SERVICES, PERSONAS)
_WORDS_FILE = re.compile(r"([a-z]{2,3})\.md")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class _NoFile(Exception):
    """There is something else than a file of a pack; `problem` says what."""

    def __init__(self, problem: Said) -> None:
        super().__init__(problem)
        self.problem = problem


class TriggerFiles(Struct, frozen=True):
    """A trigger's folder: the rules, and the words by language."""

    name: str
    folder: Path
    rules: Document
    words: dict[str, Document]


class PackFiles(Struct, frozen=True):
    """A pack's folder; `personas` are for previews only."""

    folder: Path
    pack: Document
    events: tuple[Document, ...]
    triggers: tuple[TriggerFiles, ...]
    parameters: Document | None = None
    benefits: Document | None = None
    services: Document | None = None
    personas: Document | None = None

    @property
    def extra(self) -> dict[str, Document]:
        """Return the files that a pack may do without, by the key of the pack's content that each becomes."""
        files = {"parameters": self.parameters, "benefits": self.benefits, "services": self.services}
        return {name: document for name, document in files.items() if document is not None}

    @property
    def texts(self) -> Sequence[Any]:
        """Return the lines of each file but those of triggers."""
        others = (self.parameters, self.benefits, self.services, self.personas)
        lines = tuple(None if each is None else each.lines for each in others)
        return self.pack.lines, tuple(each.lines for each in self.events), lines


class DocumentCache:
    """Keeps documents without findings, by the text of their file: a pack that is read again has few new files."""

    def __init__(self) -> None:
        self._documents: dict[tuple[str, str], Document] = {}

    def document(self, path: Path, text: str, report: Report) -> Document:
        """Return the document of a file with that text."""
        key = (path.suffix, text)
        if (known := self._documents.get(key)) is not None:
            return known.at(str(path), report)
        before = len(report)
        document = _document(path, text, report)
        if len(report) == before:
            self._documents[key] = document
        return document


def read_pack(
    folder: Path, report: Report, cache: DocumentCache | None = None, except_trigger: str | None = None
) -> PackFiles:
    """Read all files of a pack; what cannot be read is reported and empty.

    `cache`: keeps documents for the next time, except those of `except_trigger`, which change each time.
    """
    _warn_of_unread(folder, report)
    return PackFiles(
        folder,
        read_document(folder / "pack.yaml", report, cache),
        tuple(read_document(path, report, cache) for path in sorted((folder / "events").glob("*.yaml"))),
        tuple(
            _read_trigger(inner, report, None if inner.name == except_trigger else cache)
            for inner in _trigger_folders(folder)
        ),
        *(
            read_document(path, report, cache) if (path := folder / name).is_file() else None
            for name in (PARAMETERS, BENEFITS, SERVICES, PERSONAS)
        ),
    )


def _warn_of_unread(folder: Path, report: Report) -> None:
    """Warn of files that are not read: whoever saved one under a slightly wrong name believes that it counts."""
    for inner in _trigger_folders(folder):
        _warn_in(inner, lambda name: name in _OF_A_TRIGGER or bool(_WORDS_FILE.fullmatch(name)), report)
    if folder.is_dir():
        _warn_in(folder, lambda name: name in _OF_A_PACK or not name.endswith(_YAML), report)
    if (events := folder / "events").is_dir():
        _warn_in(events, lambda name: name.endswith(_YAML[0]), report)


def _warn_in(folder: Path, known: Callable[[str], bool], report: Report) -> None:
    for path in sorted(folder.iterdir()):
        name = path.name
        if path.is_file() and not (known(name) or name.startswith((".", "_", "README", "NOTES"))):
            plain_name = re.sub(r"\.yml$", _YAML[0], name.lower())
            meant = plain_name if known(plain_name) else closest(name, (*_OF_A_TRIGGER, *_OF_A_PACK))
            report.add(Finding(str(path), 1, 1, Words("nobody reads this file"), meant, warning=True))


def _trigger_folders(folder: Path) -> Iterator[Path]:
    for inner in sorted(folder.iterdir()) if folder.is_dir() else ():
        if inner.is_dir() and inner.name != "events" and not inner.name.startswith((".", "_")):
            yield inner


def _read_trigger(folder: Path, report: Report, cache: DocumentCache | None) -> TriggerFiles:
    rules = read_document(folder / "trigger.yaml", report, cache)
    if not _NAME.fullmatch(folder.name):
        message = Words(
            "the folder {name!r} names a trigger: small Latin letters, digits and underscores", name=folder.name
        )
        rules.note_at(Place(1, 1, 1), message)
    named = [(found[1], path) for path in sorted(folder.iterdir()) if (found := _WORDS_FILE.fullmatch(path.name))]
    words = {language: read_document(path, report, cache) for language, path in named}
    return TriggerFiles(folder.name, folder, rules, words)


def read_document(path: Path, report: Report, cache: DocumentCache | None = None) -> Document:
    """Read a YAML file, or a words file (`.md`)."""
    if (text := _read_text(path, report)) is None:
        return Document(str(path), [], report)
    return _document(path, text, report) if cache is None else cache.document(path, text, report)


def _document(path: Path, text: str, report: Report) -> Document:
    lines = text.split("\n")
    for found in mixed_words(str(path), lines):
        report.add(found)
    if unseen_characters(str(path), lines, report):
        return Document(str(path), [], report)
    return _of_words(path, lines, report) if path.suffix == ".md" else read_yaml(str(path), text, report)


def _of_words(path: Path, lines: list[str], report: Report) -> Document:
    """Return the document of a words file: the keys between two lines of `---`, and the Markdown after as `body`."""
    fences = [number for number, line in enumerate(lines) if line.rstrip() == _FENCE][:2]
    if fences == [0]:
        at = _end_of_keys(lines)
        message = Words("the second line of --- is missing: put it between the keys and the text of the email")
        report.add(Finding(str(path), at, 1, message))
        return Document(str(path), lines, report)
    if len(fences) < 2 or fences[0] != 0:  # noqa: PLR2004  (two fences)
        report.add(Finding(str(path), 1, 1, Words("the keys stand at the top, between two lines of ---")))
        return Document(str(path), lines, report)
    document = read_yaml(str(path), "\n".join(lines[1 : fences[1]]), report, lines=lines, before=1)
    if isinstance(document.data, dict):
        _add_body(document, fences[1] + 1)
    return document


def _end_of_keys(lines: Sequence[str]) -> int:
    """Return the first line (from 1) that belongs to none of the keys at the top."""
    for number, line in enumerate(lines[1:], 2):
        if not _OF_KEYS.match(line):
            return number
    return len(lines)


def _add_body(document: Document, start: int) -> None:
    lines = document.lines
    while start < len(lines) and not lines[start].strip():
        start += 1
    body = "\n".join(lines[start:]).rstrip()
    if BODY in document.data:
        document.note((BODY,), Words("the body stands below the second ---"), key=True)
    elif body:
        document.data[BODY] = body
        document.values[BODY,] = Place(start + 1, 1, len(lines))


def _read_text(path: Path, report: Report) -> str | None:
    try:
        text = _text_in(path)
    except FileNotFoundError:
        report.add(Finding(str(path), 0, 0, Words("this file is missing")))
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        report.add(Finding(str(path), line, 1, Words("this is no UTF-8; save the file in that encoding")))
    except OSError as error:
        report.add(Finding(str(path), 1, 1, Words("this file cannot be read: {reason}", reason=error.strerror)))
    except _NoFile as no_file:
        report.add(Finding(str(path), 1, 1, no_file.problem))
    else:
        return text
    return None


def _text_in(path: Path) -> str:
    """Return the file's text. A pipe or a device, which may never end, is not even opened."""
    if not S_ISREG(path.stat().st_mode):
        raise _NoFile(Said("this is no file"))
    with path.open("rb") as file:
        raw = file.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise _NoFile(Words("this file is larger than {most} kB", most=MOST_BYTES // 1024))
    return raw.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")


def plain(document: Document) -> dict[str, Any]:
    """Return the document's data, empty where it could not be read."""
    return document.data if isinstance(document.data, dict) else {}
