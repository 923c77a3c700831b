"""A draft among the packs as they are published: linted, tried, played and previewed. Nothing is kept or sent."""

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from shutil import rmtree
from typing import Any, NamedTuple, TypeAlias, cast
from weakref import finalize

from msgspec import Struct
from msgspec.structs import replace

from app.packs.draft_child import DraftTask
from app.packs.draft_children import ChildFinding, children, too_much
from app.packs.recent import Recent
from domain.core.translatable import Said, Words, of_plain
from streams.rules.governed import Governed
from streams.rules.library import Library
from templates.authoring.preview import Hearing
from templates.checks.loader import BUILT_IN, Pack, TriggerSource
from templates.checks.pack_check import SmsLimit
from templates.checks.sample_check import TOO_MANY
from templates.checks.words_check import ONLY_THERE
from templates.reading.findings import Finding
from templates.reading.value_kinds import NAME
from templates.reading.writing import pack_texts, trigger_texts
from templates.sandbox.confined import ChildDied

MOST_BYTES, LONGEST_NAME = 256 * 1024, 100
MOST_FINDINGS = 200
"""A draft in which there are more is looked at anew each time, so that nobody's draft fills the memory."""
_FILE = re.compile(r"trigger\.yaml|tests\.yaml|[a-z]{2,3}\.md")


class BadDraft(ValueError):
    """Raised when a draft cannot be examined."""

    def __init__(self, problem: Said) -> None:
        self.told = Words("The draft cannot be examined: {problem}.", problem=problem)
        super().__init__(self.told)


class DraftText(Struct, frozen=True):
    """A trigger as text: in which pack, under which name, and its files by name."""

    pack: str
    trigger: str
    files: Mapping[str, str]

    @property
    def key(self) -> tuple[str, str, frozenset[tuple[str, str]]]:
        """Return a key that is equal for equal texts."""
        return self.pack, self.trigger, frozenset(self.files.items())


class RenderedMessages(NamedTuple):
    """The messages that people would get from a draft; `limit`: the cost of a part of an SMS."""

    source: TriggerSource
    hearings: Sequence[Hearing]
    limit: SmsLimit


class PlayedTest(Struct, frozen=True):
    """A test as it was played; `nothing`: why nothing was said.

    `differences`: `expected` and `got` as streams.rehearsal.verdict.written gives them, `why` and `words`;
    `decisions`: as app.packs.case_results.decision_data gives them.
    """

    name: str
    line: int
    passed: bool
    differences: Sequence[Mapping[str, Any]]
    decisions: Sequence[Mapping[str, Any]]
    nothing: Sequence[str]


def _translatable(case: PlayedTest) -> PlayedTest:
    """Return the test with its sentences as words that can be translated."""
    differences = [
        {**each, "why": of_plain(each["why"]), "words": [of_plain(line) for line in each["words"]]}
        for each in case.differences
    ]
    decisions = [{**each, "reason": of_plain(each["reason"])} for each in case.decisions]
    return replace(case, differences=differences, decisions=decisions)


Findings: TypeAlias = tuple[Finding, ...]


class LaidOutDraft:
    """A draft laid out in a folder; a confined child does with it whatever evaluates anything that it brings.

    A child that dies of it is a finding of it. The folder goes with this object.
    """

    def __init__(self, text: DraftText, top: Path, packs: Sequence[str]) -> None:
        self.text, self._folder = text, top / text.pack / text.trigger
        self._packs = tuple(str(top / name) for name in packs)
        self._known: dict[str, Findings] = {}
        finalize(self, rmtree, top, ignore_errors=True)

    @property
    def findings(self) -> Findings:
        """Return the findings of lint.

        Those in the draft's files have plain names as paths; those of other files count too.
        """
        return self._found("lint")

    @property
    def broken(self) -> bool:
        """Return True if there is an error, not only warnings."""
        return any(not each.warning for each in self.findings)

    def hinders_submitting(self, finding: Finding) -> bool:
        """Return True if the draft cannot be submitted with the finding: any error, or a placeholder of its own."""
        own = "/" not in finding.path
        return not finding.warning or (finding.placeholder and own)

    def pack(self) -> Pack:
        """Return the pack, in which the draft is the only trigger; nothing may be wrong with it.

        Raises:
            BadDraft: its child died.
        """
        return cast("Pack", self._asked("pack", Pack))

    @property
    def rendering_findings(self) -> Findings:
        """Return the findings of rendering its words; it must have no other errors."""
        return self._found("words")

    def blocking_play(self) -> tuple[Finding, ...]:
        """Return the findings that prevent its tests from being played and its words from being rendered."""
        return tuple(each for each in self.findings if not each.warning) or self.rendering_findings

    def blocking_rendering(self) -> tuple[Finding, ...]:
        """Return the findings that prevent its words from being rendered.

        A language may say more than another, and an SMS may be too long.
        """
        errors = tuple(
            each
            for each in self.findings
            if not each.warning and getattr(each.message, "template", "") not in (ONLY_THERE, TOO_MANY)
        )
        return errors or self.rendering_findings

    @property
    def test_errors(self) -> Findings:
        """Return the errors in its tests, where other errors prevent them from being played and the rule compiles."""
        return tuple(each for each in self._found("test_errors") if not each.warning)

    def cases(self) -> tuple[list[PlayedTest], tuple[Finding, ...]]:
        """Return its tests, played, and the findings in their file."""
        try:
            cases, found = children().ask(self._question("cases"), tuple[list[PlayedTest], list[ChildFinding]])
        except ChildDied:
            return [], self._named([too_much(str(self._folder))])
        return [_translatable(each) for each in cases], self._named(each.finding() for each in found)

    def messages(self, now: datetime, persona: str) -> RenderedMessages:
        """Return the messages for that invented person, or (empty) for each of them.

        Raises:
            BadDraft: its child died.
        """
        return RenderedMessages(*self._asked("messages", tuple[TriggerSource, list[Hearing], SmsLimit], now, persona))

    def first_test_outcomes(self) -> list[dict[str, Any]] | None:
        """Return what becomes of each message in its first test, as a test expects it; None where that is not right.

        Raises:
            BadDraft: its child died.
        """
        return cast("list[dict[str, Any]] | None", self._asked("first_test_outcomes", list[dict[str, Any]] | None))

    def example(self, now: datetime, persona: str) -> dict[str, Any] | None:
        """Return an event by which that person would hear of it: `type`, `as` and `data`; None where there is none.

        Raises:
            BadDraft: its child died.
        """
        return cast("dict[str, Any] | None", self._asked("example", dict[str, Any] | None, now, persona))

    def _found(self, do: str) -> Findings:
        if (known := self._known.get(do)) is not None:
            return known
        try:
            found = self._named(each.finding() for each in children().ask(self._question(do), list[ChildFinding]))
        except ChildDied:
            return self._named([too_much(str(self._folder))])
        if len(found) <= MOST_FINDINGS:
            self._known[do] = found
        return found

    def _asked(self, do: str, kind: Any, now: datetime | None = None, persona: str = "") -> Any:  # noqa: ANN401  (what the child answers depends on the question)
        try:
            return children().ask(self._question(do, now, persona), kind)
        except ChildDied:
            raise BadDraft(too_much("").message) from None

    def _question(self, do: str, now: datetime | None = None, persona: str = "") -> DraftTask:
        return DraftTask(do, self._packs, str(self._folder), now, persona)

    def _named(self, found: Iterable[Finding]) -> tuple[Finding, ...]:
        """Return the findings with paths relative to the temporary folder: `kk.md`, or `kz/pack.yaml`."""
        own, top = f"{self._folder}/", f"{self._folder.parent.parent}/"
        return tuple(replace(each, path=each.path.removeprefix(own).removeprefix(top)) for each in found)


class Verdict(Struct, frozen=True):
    """The verdict on a draft: it may be submitted without findings and `failed` cases.

    `pack`: with only it, if it may. `cases`: how many tests were played.
    """

    findings: tuple[Finding, ...]
    failed: tuple[str, ...] = ()
    pack: Pack | None = None
    cases: int = 0


class Bench:
    """Lays drafts out beside what is published."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._laid = Recent[LaidOutDraft](lambda _: True)
        self._verdicts = Recent[Verdict](lambda verdict: len(verdict.findings) <= MOST_FINDINGS)

    @contextmanager
    def laid(self, text: DraftText, *, others: bool = False) -> Iterator[LaidOutDraft]:
        """Yield the draft, laid out; `others`: beside all triggers in force, as it would be once published.

        A text that was laid out lately stays where it is, so that the child that knows it need not read it again.

        Raises:
            BadDraft: it is no draft of a published pack.
        """
        rules = self._library.rules()
        self._check(text, rules.governed)
        yield self._laid.of((others, text.key), rules, lambda: self._lay(text, rules.governed, others=others))

    def _lay(self, text: DraftText, now: Governed, *, others: bool) -> LaidOutDraft:
        top = Path(tempfile.mkdtemp(prefix="habarshy-draft-"))
        laid = LaidOutDraft(text, top, [name for name in now.packs if name != BUILT_IN])
        self._write(top, now)
        if others:
            self._write_others(top, now, text.trigger)
        _put(top / text.pack / text.trigger, text.files)
        return laid

    def verdict(self, text: DraftText) -> Verdict:
        """Return the verdict of lint and of the tests, among all that is in force. Raises as `laid` does."""
        return self._verdicts.of(text.key, self._library.rules(), lambda: self._verdict(text))

    def _verdict(self, text: DraftText) -> Verdict:
        with self.laid(text, others=True) as among:
            if found := tuple(each for each in among.findings if among.hinders_submitting(each)):
                with self.laid(text) as alone:
                    return Verdict((*found, *alone.test_errors))
        with self.laid(text) as laid:
            found = laid.rendering_findings
            cases, noted = ([], ()) if found else laid.cases()
            more = tuple(each for each in noted if each.stops_submitting)
            failed = tuple(each.name for each in cases if not each.passed)
            pack = None if found or more or failed else laid.pack()
            return Verdict((*found, *more), failed, pack, len(cases))

    @staticmethod
    def _check(text: DraftText, now: Governed) -> None:
        if text.pack not in now.packs or text.pack == BUILT_IN:
            raise BadDraft(Said("its pack is not published"))
        if not re.fullmatch(NAME, text.trigger) or len(text.trigger) > LONGEST_NAME:
            raise BadDraft(
                Said("the trigger's name has other letters than a to z, digits and underscores, or too many")
            )
        if any(not _FILE.fullmatch(name) for name in text.files):
            raise BadDraft(Said("a file is neither trigger.yaml nor tests.yaml, nor words such as kk.md"))
        if sum(len(each.encode("utf-8", "surrogatepass")) for each in text.files.values()) > MOST_BYTES:
            raise BadDraft(Words("its files have more than {most} kB", most=MOST_BYTES // 1024))

    def _write(self, top: Path, now: Governed) -> None:
        """Write the published packs, without their triggers."""
        for name, pack in now.packs.items():
            if name != BUILT_IN:
                _put(top / name, _texts(pack.hash, partial(pack_texts, pack.content)))

    def _write_others(self, top: Path, now: Governed, but: str) -> None:
        for name in {each.fact.trigger for each in now.publications} - {but}:
            if (fact := now.current(name)) is not None and fact.pack != BUILT_IN:
                _put(top / fact.pack / name, _texts(fact.hash, partial(trigger_texts, fact.rules, fact.words)))


_written: dict[str, dict[str, str]] = {}
"""The files of what was published, by its hash: they are the same for every platform of this process."""


def _texts(hash_: str, write: Callable[[], dict[str, str]]) -> dict[str, str]:
    """Return the files of what is published, each worked out once."""
    if hash_ not in _written:
        _written[hash_] = write()
    return _written[hash_]


def _put(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", "replace")
