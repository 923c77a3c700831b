"""A draft among the packs as they are published: linted, tried, played and previewed. Nothing is kept or sent."""

import re
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from app.packs.case_results import Tried, try_case
from domain.rules.compiling import compile_trigger
from streams.rehearsal.case_reader import read_cases
from streams.rehearsal.rehearsal_stage import stages
from streams.rules.governed import Governed
from streams.rules.library import Library
from templates.authoring.preview import Hearing, Previewer
from templates.checks.loader import BUILT_IN, Pack, TriggerSource, examine, pack_of
from templates.checks.pack_check import SmsLimit, sms_limit_of
from templates.checks.personas import Persona, built_in
from templates.reading.catalogue import catalogue_of, defaults_of
from templates.reading.files import PackFiles
from templates.reading.findings import Finding, Report
from templates.reading.value_kinds import NAME
from templates.reading.writing import pack_texts, trigger_texts
from templates.sandbox.trial import tried

MOST_BYTES, MOST_CASES, LONGEST_NAME = 256 * 1024, 100, 100
TESTS = "tests.yaml"
_FILE = re.compile(r"trigger\.yaml|tests\.yaml|[a-z]{2,3}\.md")


class BadDraft(ValueError):
    """The draft cannot be looked at: {problem}."""

    def __init__(self, problem: str) -> None:
        super().__init__((type(self).__doc__ or "").format(problem=problem))


class Text(Struct, frozen=True):
    """A trigger as text: in which pack, under which name, and its files by name."""

    pack: str
    trigger: str
    files: Mapping[str, str]


class Heard(NamedTuple):
    """What people would hear of a draft; `limit`: what a part of an SMS costs."""

    source: TriggerSource
    hearings: Sequence[Hearing]
    limit: SmsLimit


class Laid(Struct, frozen=True):
    """A draft laid out in a folder. `findings`: of its files, whose names are their paths; the others' count too."""

    text: Text
    folder: Path
    files: Sequence[PackFiles]
    findings: tuple[Finding, ...]
    safe: "Safe"

    @property
    def broken(self) -> bool:
        """Whether anything is wrong, and not only to be warned of."""
        return any(not each.warning for each in self.findings)

    def hinders_submitting(self, finding: Finding) -> bool:
        """Whether the draft cannot be submitted with it: a mistake anywhere, or a placeholder of its own."""
        own = "/" not in finding.path
        return not finding.warning or (finding.placeholder and own)

    def pack(self) -> Pack:
        """The pack, in which the draft is the only trigger; nothing may be wrong with it."""
        return next(pack_of(each) for each in self.files if each.folder == self.folder.parent)

    def tried(self) -> tuple[Finding, ...]:
        """What is wrong with its words when a confined child renders them: whoever renders them here asks first."""
        found = () if self.text in self.safe else tried(self.files, only=self.text.trigger)
        if not found:
            self.safe.add(self.text)
        return tuple(_named(each, self.folder) for each in found)

    def hindering(self) -> tuple[Finding, ...]:
        """What keeps its words from being rendered here."""
        return tuple(each for each in self.findings if not each.warning) or self.tried()

    def cases(self) -> tuple[list[Tried], tuple[Finding, ...]]:
        """Its tests, played; and what is wrong with their file."""
        report = Report()
        packs = [pack_of(each) for each in self.files]
        stage = next(each for each in stages(packs) if each.trigger.name == self.text.trigger)
        cases = read_cases(self.folder / TESTS, stage, report)
        found = tuple(_named(each, self.folder) for each in report.findings)
        return [try_case(stage, case) for case in cases[:MOST_CASES]], found

    def heard(self, now: datetime, persona: str) -> Heard:
        """What that invented person, or (empty) each of them, would hear."""
        contents = [pack_of(each).content for each in self.files]
        [source] = self.pack().triggers
        catalogue, defaults = catalogue_of(contents), defaults_of(contents)
        trigger = compile_trigger(source.name, source.rules, catalogue)
        previewer = Previewer(source, trigger, catalogue, defaults, now)
        people: list[Persona] = [each for each in built_in(now.date()) if persona in ("", each.name)]
        return Heard(source, [previewer.hear(each) for each in people], sms_limit_of(self.pack().content))


class Verdict(Struct, frozen=True):
    """Whether a draft may be submitted: without findings and `failed` cases. `pack`: with only it, if it may."""

    findings: tuple[Finding, ...]
    failed: tuple[str, ...] = ()
    pack: Pack | None = None


class Safe:
    """Remembers whose words a confined child has rendered without harm."""

    def __init__(self) -> None:
        self._seen: deque[bytes] = deque(maxlen=500)

    def __contains__(self, text: Text) -> bool:
        return _digest(text) in self._seen

    def add(self, text: Text) -> None:
        """It has."""
        self._seen.append(_digest(text))


def _digest(text: Text) -> bytes:
    return sha256(repr((text.pack, text.trigger, sorted(text.files.items()))).encode("utf-8", "replace")).digest()


class Bench:
    """Lays drafts out beside what is published."""

    def __init__(self, library: Library) -> None:
        self._library, self._safe = library, Safe()
        self._written: dict[str, dict[str, str]] = {}

    @contextmanager
    def laid(self, text: Text, *, others: bool = False) -> Iterator[Laid]:
        """The draft, while the block lasts; `others`: beside all triggers in force, as it would be once published.

        Raises:
            BadDraft: it is no draft of a published pack.
        """
        now = self._library.rules().governed
        self._check(text, now)
        with tempfile.TemporaryDirectory(prefix="habarshy-draft-") as made:
            top = Path(made)
            folder = top / text.pack / text.trigger
            self._write(top, now)
            if others:
                _write_others(top, now, text.trigger)
            _put(folder, text.files)
            packs, report = examine([top / name for name in now.packs if name != BUILT_IN])
            yield Laid(text, folder, packs, tuple(_named(each, folder) for each in report.findings), self._safe)

    def verdict(self, text: Text) -> Verdict:
        """What lint and its tests find, among all that is in force. Raises as `laid` does."""
        with self.laid(text, others=True) as among:
            if found := tuple(each for each in among.findings if among.hinders_submitting(each)):
                return Verdict(found)
        with self.laid(text) as laid:
            found = laid.tried()
            cases, noted = ([], ()) if found else laid.cases()
            more = tuple(each for each in noted if each.stops_submitting)
            failed = tuple(each.case.name for each in cases if each.differences)
            return Verdict((*found, *more), failed, None if found or more or failed else laid.pack())

    @staticmethod
    def _check(text: Text, now: Governed) -> None:
        if text.pack not in now.packs or text.pack == BUILT_IN:
            raise BadDraft("its pack is not published")
        if not re.fullmatch(NAME, text.trigger) or len(text.trigger) > LONGEST_NAME:
            raise BadDraft("the trigger's name has other letters than a to z, digits and underscores, or too many")
        if any(not _FILE.fullmatch(name) for name in text.files):
            raise BadDraft("a file is neither trigger.yaml nor tests.yaml, nor words such as kk.md")
        if sum(len(each.encode("utf-8", "surrogatepass")) for each in text.files.values()) > MOST_BYTES:
            raise BadDraft(f"its files have more than {MOST_BYTES // 1024} kB")

    def _write(self, top: Path, now: Governed) -> None:
        """The packs without triggers, each worked out once."""
        for name, pack in now.packs.items():
            if name != BUILT_IN:
                if pack.hash not in self._written:
                    self._written[pack.hash] = pack_texts(pack.content)
                _put(top / name, self._written[pack.hash])


def _write_others(top: Path, now: Governed, but: str) -> None:
    for name in {each.fact.trigger for each in now.publications} - {but}:
        if (fact := now.current(name)) is not None and fact.pack != BUILT_IN:
            _put(top / fact.pack / name, trigger_texts(fact.rules, fact.words))


def _put(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", "replace")


def _named(finding: Finding, folder: Path) -> Finding:
    """The same without the folder, which goes again: `kk.md`, or `kz/pack.yaml`."""
    path = finding.path.removeprefix(f"{folder}/").removeprefix(f"{folder.parent.parent}/")
    return replace(finding, path=path)
