"""The confined child process for a draft: it evaluates the draft's conditions, patterns and words.

Run by app.packs.draft_children as `python -m app.packs.draft_child`, never by hand. It reads the draft from a folder.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from app.packs.case_results import CaseResult, as_data, try_case
from app.packs.version_diff import Version, changed_triggers
from domain.core.translatable import Words, as_plain
from domain.rules.errors import BadTrigger
from domain.rules.event_types import EventType
from domain.rules.trigger_compiling import compile_trigger
from streams.rehearsal.case_model import CITIZEN, Ending, TriggerTest
from streams.rehearsal.case_reader import check_speaks, read_cases
from streams.rehearsal.stage import Stage, stages
from templates.authoring.preview import Previewer
from templates.authoring.trigger_diff import Change
from templates.checks.declarations import CheckCache
from templates.checks.loader import Pack, TriggerSource, examine, pack_of
from templates.checks.pack_check import sms_limit_of
from templates.checks.personas import Persona, built_in
from templates.reading.catalogue import catalogue_of, defaults_of
from templates.reading.files import PackFiles
from templates.reading.findings import Finding, Report
from templates.reading.trigger_shapes import TriggerShape
from templates.sandbox.confined_child import serve
from templates.sandbox.trial import trial_findings_here

TESTS, MOST_CASES = "tests.yaml", 100


class DraftTask(Struct, frozen=True):
    """A task for the child: `do` it with the draft in a folder, which belongs to one of these packs.

    `do`: lint, pack, words, cases, test_errors, first_test_outcomes, messages or example; `now` and `persona` are for
    the last two.
    """

    do: str
    packs: tuple[str, ...]
    folder: str
    now: datetime | None = None
    persona: str = ""


class Comparison(Struct, frozen=True):
    """The task to compare a submitted version of a trigger with what is published.

    `contents`: of the packs; `old`: the published version, if there is one; `language`: in which it will be told;
    `named`: value -> its name, in English.
    """

    contents: Sequence[Mapping[str, Any]]
    old: TriggerSource | None
    new: TriggerSource
    language: str
    named: Mapping[str, str] = {}

    def changes(self) -> list[tuple[str, object]]:
        """Return the changes for citizens as plain data, each with its group."""
        return [(each.group, as_plain(each.sentence)) for each in self._changes()]

    def _changes(self) -> list[Change]:
        """Return what changes for citizens; one change that says so where the version does not compile."""
        before = {} if self.old is None else {self.old.name: self.old}
        after = {self.new.name: self.new}
        old, new = (Version(self.contents, each, each, named=self.named) for each in (before, after))
        try:
            return dict(changed_triggers(old, new, self.language)).get(self.new.name, [])
        except BadTrigger as bad:
            return [Change("who", "", Words("It does not work with what is published: {problem}", problem=bad))]


class DraftAnswers:
    """Answers about drafts; what it has read of one is kept for the next question about the same."""

    def __init__(self) -> None:
        self._of: tuple[tuple[str, ...], str] | None = None
        self._files: Sequence[PackFiles] = ()
        self._found: tuple[Finding, ...] = ()
        self._published = CheckCache()

    def answer(self, question: Mapping[str, Any]) -> object:
        """Plain data; what kind of it, the methods of app.packs.draft_bench.LaidOutDraft and Children.changes say."""
        if "contents" in question:
            return msgspec.convert(question, Comparison).changes()
        asked = msgspec.convert(question, DraftTask)
        if self._of != (asked.packs, asked.folder):
            self._of = None
            paths, draft = [Path(each) for each in asked.packs], Path(asked.folder).name
            self._files, report = examine(paths, only=draft, cache=self._published)
            self._found, self._of = report.findings, (asked.packs, asked.folder)
        return msgspec.to_builtins(getattr(self, f"_{asked.do}")(asked))

    def _lint(self, _: DraftTask) -> object:
        return _plain(self._found)

    def _pack(self, asked: DraftTask) -> Pack:
        return next(pack_of(each) for each in self._files if each.folder == Path(asked.folder).parent)

    def _words(self, asked: DraftTask) -> object:
        return _plain(trial_findings_here(self._files, only=Path(asked.folder).name))

    def _cases(self, asked: DraftTask) -> object:
        report = Report()
        stage, cases = self._tests(asked, report)
        check_speaks(cases, report)
        return [_case(try_case(stage, case)) for case in cases[:MOST_CASES]], _plain(report.findings)

    def _test_errors(self, asked: DraftTask) -> object:
        """Return the findings in the tests, though nothing can be played; none where the rule does not compile."""
        report = Report()
        with suppress(ValueError):  # which BadTrigger and ValidationError are
            TriggerShape.model_validate(self._trigger(asked).rules)
            self._tests(asked, report)
        return _plain(report.findings)

    def _first_test_outcomes(self, asked: DraftTask) -> object:
        """Return what becomes of each message in the first case: as a test expects it."""
        stage, cases = self._tests(asked, Report())
        return [_expected(cases[0], each) for each in try_case(stage, cases[0]).played.endings] if cases else None

    def _tests(self, asked: DraftTask, report: Report) -> tuple[Stage, list[TriggerTest]]:
        """Return what plays the draft, and its tests."""
        packs, folder = [pack_of(each) for each in self._files], Path(asked.folder)
        stage = next(each for each in stages(packs) if each.trigger.name == folder.name)
        return stage, read_cases(folder / TESTS, stage, report)

    def _example(self, asked: DraftTask) -> object:
        """Return the event that makes the trigger speak to that person, and who they are in it; None for nobody."""
        assert asked.now is not None
        source, previewer, people, type_ = self._stage(asked)
        told = source.rules.get("to") or type_.subject
        role = told[0] if isinstance(told, list) else told
        return previewer.example(people[0], "" if role in (None, "subject") else str(role))

    def _messages(self, asked: DraftTask) -> object:
        source, previewer, people, _ = self._stage(asked)
        return source, [previewer.hear(each) for each in people], sms_limit_of(self._pack(asked).content)

    def _trigger(self, asked: DraftTask) -> TriggerSource:
        return next(each for each in self._pack(asked).triggers if each.name == Path(asked.folder).name)

    def _stage(self, asked: DraftTask) -> tuple[TriggerSource, Previewer, list[Persona], EventType]:
        """Return the draft, what plays it, for whom, and the event type on which it starts."""
        assert asked.now is not None
        contents = [pack_of(each).content for each in self._files]
        source = self._trigger(asked)
        catalogue, defaults = catalogue_of(contents), defaults_of(contents)
        trigger = compile_trigger(source.name, source.rules, catalogue)
        people = [each for each in built_in(asked.now.date()) if asked.persona in ("", each.name)]
        return source, Previewer(source, trigger, catalogue, defaults, asked.now), people, catalogue.kinds[trigger.on]


def _expected(case: TriggerTest, ending: Ending) -> dict[str, Any]:
    """Return the end of a message as a test expects it."""
    to = case.names.get(ending.recipient, ending.recipient)
    head = {"at": case.when(ending.at), "step": ending.step, **({} if to == CITIZEN else {"to": to})}
    if ending.because is not None:
        return {**head, "nothing": True, "because": ending.because}
    return {**head, "digest": True} if ending.digest else {**head, "channel": ending.channel}


def _case(tried: CaseResult) -> dict[str, Any]:
    """Return a played case; `nothing`: why there was nothing."""
    nothing = sorted({each.because for each in tried.played.endings if each.because is not None})
    return as_data(tried) | {"nothing": nothing}


def _plain(found: Sequence[Finding]) -> list[dict[str, Any]]:
    return [asdict(each) | {"message": as_plain(each.message)} for each in found]


if __name__ == "__main__":
    serve(lambda _: DraftAnswers().answer)
