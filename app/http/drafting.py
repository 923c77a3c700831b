"""Drafts over the API: tested, previewed and submitted, by what the commands and the workbench do."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from fastapi import Request
from msgspec.structs import asdict

from app.http import routes
from app.http.access import Access
from app.http.draft_shapes import DraftBody, Heard, PreviewBody, Tested
from app.http.problems import FieldError, Problem
from app.http.rule_refusals import one_line
from app.http.shapes import Governed
from app.packs.case_results import decision_line
from app.packs.draft_bench import BadDraft, Bench, LaidOutDraft, PlayedTest
from app.packs.preview_lines import Grid
from domain.facts.submissions import Subject
from streams.rehearsal.verdict import line_of
from streams.rules.approval import TwoVersions
from streams.rules.ownership import OtherPack
from streams.rules.wiring import RuleParts
from templates.reading.findings import Finding, listed


class DraftCalls(routes.Routed, tags=["rules"]):
    """Acts as the official whose token the request has."""

    def __init__(self, rules: RuleParts, access: Access) -> None:
        self._rules, self._access, self._bench = rules, access, Bench(rules.library)

    @routes.post("/test", summary="Run a draft's tests on a virtual clock")
    def test(self, request: Request, body: DraftBody) -> Tested:
        """Case by case; a message that no test expects fails it. Nothing is kept or sent."""
        self._access.official(request)
        with laid_out(self._bench, body) as laid:
            found = laid.blocking_play()
            cases, more = ([], ()) if found else laid.cases()
        items = [_case(each) for each in cases]
        passed = bool(items) and all(each["passed"] for each in items) and all(each.warning for each in more)
        return Tested.model_validate({"passed": passed, "items": items} | _plain((*found, *more)))

    @routes.post("/preview", summary="Preview a draft for invented people")
    def preview(self, request: Request, body: PreviewBody) -> Heard:
        """Return the draft's messages by person, step, language and channel, with size and cost.

        Nothing is kept or sent.
        """
        self._access.official(request)
        with laid_out(self._bench, body) as laid:
            found = laid.blocking_play()
            heard = None if found else laid.messages(self._rules.context.clock(), body.persona)
        items = list(Grid(heard.source, heard.limit).objects(heard.hearings)) if heard else []
        return Heard.model_validate({"items": items} | _plain(found))

    @routes.post("/submissions", summary="Submit a draft for approval")
    def submit(self, request: Request, body: DraftBody) -> Governed:
        """Once lint and its tests have passed; the same again changes nothing."""
        who = self._access.official(request)
        with _refused():
            verdict = self._bench.verdict(body.text())
        if verdict.pack is None:
            raise not_passing_problem(verdict.findings, verdict.failed)
        with _refused():
            [done] = self._rules.approval.submit([verdict.pack], [Subject("trigger", body.trigger)], who)
        about, before = str(done.submission.about), done.submission.refused_before
        return Governed(
            name=about, hash=done.submission.hash, new=done.new, refused_before=before.reason if before else None
        )


@contextmanager
def _refused() -> Iterator[None]:
    try:
        yield
    except BadDraft as bad:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(bad), kind="bad-draft") from None
    except (OtherPack, TwoVersions) as other:
        raise Problem(HTTPStatus.CONFLICT, one_line(other), kind="not-now") from None


def not_passing_problem(findings: Sequence[Finding], failed: Sequence[str] = ()) -> Problem:
    """Return the problem of a draft that lint finds something in, or whose tests of these names fail."""
    errors = [FieldError(field=each.path, reason=str(each), code="finding") for each in findings]
    errors += [FieldError(field="tests.yaml", reason=name, code="failed") for name in failed]
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "lint or its tests do not pass", errors, kind="not-passing")


@contextmanager
def laid_out(bench: Bench, body: DraftBody) -> Iterator[LaidOutDraft]:
    """The draft on the bench; what is wrong with it, or not allowed, as a problem."""
    with _refused(), bench.laid(body.text()) as laid:
        yield laid


def _case(case: PlayedTest) -> dict[str, Any]:
    """Return a played case without what there was nothing for: the decisions say it."""
    differences = [
        {**each, **{name: each[name] and line_of(each[name]) for name in ("expected", "got")}}
        for each in case.differences
    ]
    return {
        "name": case.name,
        "line": case.line,
        "passed": case.passed,
        "differences": differences,
        "decisions": [decision_line(each) for each in case.decisions],
    }


def _plain(found: tuple[Finding, ...]) -> dict[str, Any]:
    shown, more = listed(found)
    return {"findings": [asdict(each) for each in shown], "more_findings": more}
