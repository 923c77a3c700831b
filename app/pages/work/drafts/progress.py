"""The steps of a draft on its way to citizens: which are done, which is next, and what hinders it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi.responses import Response
from msgspec import Struct

from app.backtests.job import parse_counts
from app.jobs.backtest_requests import finished
from app.packs.draft_bench import BadDraft, Bench, Verdict
from app.packs.draft_child import TESTS
from app.pages.catalogues import Speech
from app.pages.layout import Frame
from app.pages.work.drafts.stored_drafts import in_page_order, laid_out, page_name, text_of, title_of
from app.pages.work.drafts.text_fields import asks_choice, asks_needless, asks_taken_over, sample_texts
from app.pages.work.office import Office
from app.pages.work.words import share_in_words
from domain.core.translatable import N_
from domain.facts.governance import TriggerSubmitted
from domain.facts.submissions import Subject, Submission, may_approve
from streams.rehearsal.case_reader import is_silent
from streams.rules.drafts import StoredDraft
from streams.rules.governed import Governed
from templates.reading.findings import Finding
from templates.reading.writing import trigger_texts

TITLES: Final[Mapping[str, str]] = {
    "write": N_("Write"),
    "test": N_("Tests"),
    "try": N_("Try on last year"),
    "submit": N_("Hand in"),
    "approve": N_("Approve"),
    "publish": N_("Publish"),
}


_KEPT_FOR_BACK_BUTTON: Final = "private, no-cache"
"""The caching of the answer to a form of a draft: Back shows it with all that was typed. It names nobody."""


_ASKING = (asks_choice, asks_needless, asks_taken_over)
"""The findings whose fields are named behind the step."""


class ProgressStep(Struct, frozen=True):
    """A step. `state`: done, next or later; `note`: what hinders it, or what was said; `href`: its page, if any.

    `fields`: where what is left of the sample, or is to be confirmed, is answered: names and addresses. `makes`: the
    address that does it by one click, if one can.
    """

    name: str
    title: str
    state: str
    note: str = ""
    href: str = ""
    here: bool = False
    fields: Sequence[tuple[str, str]] = ()
    makes: str = ""


class _StepState(Struct, frozen=True):
    """The state of one step."""

    done: bool
    note: str = ""
    href: str = ""
    fields: Sequence[tuple[str, str]] = ()
    makes: str = ""


FieldNaming = Callable[[Mapping[str, str], str, Speech], Callable[[Finding], Any]]
"""Returns for the files of a draft, and its address, what names the field in which a finding stands."""


class Progress:
    """Tells how far a draft or a version has come; verdicts are kept while neither draft nor rules change.

    `fields`: see app.pages.work.field_places.
    """

    def __init__(self, office: Office, bench: Bench, fields: FieldNaming) -> None:
        self._office, self._bench, self.fields = office, bench, fields

    def show(
        self,
        template: str,
        frame: Frame,
        of: StoredDraft | Submission | None,
        here: str,
        status: HTTPStatus | None = None,
        files: Mapping[str, str] | None = None,
        **shown: Any,
    ) -> Response:
        """Return a page of a draft with its steps, its mistakes, and what an approver said of its latest version.

        `of`: of a version whose draft is gone the steps are shown; of one that was never handed in, none. `files`: in
        which the findings of the page stand, if not in those that are stored.
        """
        draft, stages, said, titled, left = None, list[ProgressStep](), None, "", list[Finding]()
        base = f"/work/drafts/{of.id}" if isinstance(of, StoredDraft) else ""
        if isinstance(of, Submission):
            stages = self.of_submission(of, None, frame)
            if isinstance(of.fact, TriggerSubmitted):
                files = files or trigger_texts(of.fact.rules, of.fact.words)
                titled = frame.speech.titled(of.fact.rules["title"])
        elif of is not None:
            draft, stages, said = of, self.of_draft(of, here, frame), self._said_by_approver(of, frame.speech)
            titled, files = title_of(of, frame.speech), files or of.files
            left = [each for each in self.verdict(of).findings if not each.placeholder]
        more = {"draft": draft, "stages": stages, "said_of_it": said, "rule_title": titled, "left": left}
        place = self.fields(files or {}, base, frame.speech)
        page = self._office.show(template, frame, status, place=place, **more, **shown)
        if frame.answers_form:
            page.headers["Cache-Control"] = _KEPT_FOR_BACK_BUTTON
        return page

    def _said_by_approver(self, draft: StoredDraft, speech: Speech) -> dict[str, str] | None:
        """Return the refusal of the latest version that was handed in, its approver's comment, or the last of all."""
        versions = self._office.platform.rules.approval.governed().submitted.get(
            Subject("trigger", draft.trigger), ()
        )
        latest = versions[-1] if versions else None
        if latest is None or latest.owner != draft.agency or not (latest.said or latest.comments):
            return None
        where = f"/work/submissions/{draft.trigger}/{latest.hash}"
        if not latest.said:
            last = latest.comments[-1]
            by = f"{last.by}, {speech.moment(last.at)}"
            return {"kind": "discussed", "by": by, "text": last.text, "href": f"{where}#comments"}
        if latest.refused_by:
            at = speech.moment(latest.refusals[-1].at)
            return {"kind": "refused", "by": f"{latest.refused_by}, {at}", "text": latest.said, "href": where}
        return {"kind": "comment", "by": latest.approved_by, "text": latest.said, "href": where}

    def of_draft(self, draft: StoredDraft, here: str, frame: Frame) -> list[ProgressStep]:
        """Return the steps of a draft, as seen from the page of the step `here`."""
        now, verdict = self._office.platform.rules.approval.governed(), self.verdict(draft)
        speech = frame.speech
        submission = _submission(now, draft.trigger, draft.version) if draft.version else None
        base = f"/work/drafts/{draft.id}"
        unwritten, place = _unwritten(verdict), self.fields(draft.files, base, speech)
        asked = (place(each)[0] for each in unwritten if any(asks(each) for asks in _ASKING))
        fields = [
            *_sample_pages(unwritten, draft.files, lambda each: place(each)[0].href, speech),
            *((one.called, one.href) for one in asked),
        ]
        known = {
            "write": _StepState(
                not unwritten,
                remaining_work(unwritten, draft.files, speech) or self._remarked(draft, speech),
                f"{base}/form",
                fields,
            ),
            "test": _StepState(
                _is_tested(verdict),
                _testing(verdict, draft.files, speech),
                f"{base}/tests",
                makes=f"{base}/examples" if not unwritten and _has_only_samples(verdict) else "",
            ),
            "try": self._tried(draft.agency, draft.trigger, _hash_of(verdict), f"{base}/backtest", speech),
            "submit": _StepState(submission is not None, "", f"{base}/submit"),
        }
        known |= _after(now, submission, frame)
        return list(_stages(_mended(known, submission, speech), here, speech))

    def of_submission(self, submission: Submission, draft: StoredDraft | None, frame: Frame) -> list[ProgressStep]:
        """Return the steps of a version that was handed in; `draft`: if there is one still."""
        now, base = self._office.platform.rules.approval.governed(), draft and f"/work/drafts/{draft.id}"
        speech = frame.speech
        pages = {"write": "/form", "test": "/tests", "try": "/backtest", "submit": "/submit"}
        known = {name: _StepState(done=True, href=f"{base}{page}" if base else "") for name, page in pages.items()}
        tried = known["try"].href
        known["try"] = self._tried(submission.owner, submission.about.name, submission.hash, tried, speech)
        after = _after(now, submission, frame)
        here = next((name for name, each in after.items() if not each.done), "publish")
        return list(_stages(_mended(known | after, submission, speech), here, speech))

    def verdict(self, draft: StoredDraft) -> Verdict:
        """Return the verdict on a draft. One that cannot be examined has a finding that says why."""
        try:
            return self._bench.verdict(text_of(draft))
        except BadDraft as bad:
            return Verdict((Finding("trigger.yaml", 0, 0, bad.told),))

    def _remarked(self, draft: StoredDraft, speech: Speech) -> str:
        """Return how many remarks there are on a rule and its texts with which it may be handed in."""
        with laid_out(self._bench, text_of(draft)) as laid:
            remarks = sum(each.path in draft.files and each.path != TESTS for each in laid.findings)
        return speech.many("{count} remark", "{count} remarks", remarks) if remarks else ""

    def _tried(self, agency: str, trigger: str, hash_: str, href: str, speech: Speech) -> _StepState:
        if not hash_:
            return _StepState(done=False, href=href)
        jobs = self._office.platform.queues.jobs
        of_any_version = list(finished(jobs, agency, trigger))
        tried = [parse_counts(job.cursor) for job, asked in of_any_version if asked.hash == hash_]
        if any(counts is None or counts.people for counts in tried):
            return _StepState(done=True, href=href)
        note = speech.say("not tried yet; it is not required")
        if of_any_version:
            note = speech.say("the rule or its texts have changed since it was tried; it is not required again")
        if tried:
            note = speech.say("nobody would have been told on the days that were tried")
        return _StepState(done=False, note=note, href=href)


def _hash_of(verdict: Verdict) -> str:
    """Return the hash of the draft's version; empty where it may not be submitted."""
    return verdict.pack.triggers[0].hash if verdict.pack is not None else ""


def _submission(now: Governed, trigger: str, version: str) -> Submission | None:
    versions = now.submitted.get(Subject("trigger", trigger), ())
    return next((each for each in versions if each.hash == version), None)


def _after(now: Governed, submission: Submission | None, frame: Frame) -> dict[str, _StepState]:
    """Return what is known of approval and publication, as the visitor may take part in it."""
    speech = frame.speech
    if submission is None:
        return {"approve": _StepState(done=False), "publish": _StepState(done=False)}
    where = f"/work/submissions/{submission.about.name}/{submission.hash}"
    note = speech.say("waits for an approver who did not hand it in")
    if frame.who is not None and may_approve(frame.who, submission):
        note = speech.say("your turn: approve or refuse")
    if submission.refused_by:
        note = speech.say("refused by {who}").format(who=submission.refused_by)
    current = now.current(submission.about.name)
    live = current.share if current is not None and current.hash == submission.hash else 0.0
    so_far = (
        speech.say("so far for {share}, then for everybody").format(share=share_in_words(live, speech))
        if 0 < live < 1
        else ""
    )
    return {
        "approve": _StepState(
            bool(submission.approved_by), "" if submission.approved_by else note, f"{where}#approve"
        ),
        "publish": _StepState(live == 1, so_far, f"{where}#publish" if submission.approved_by else ""),
    }


def _mended(
    known: Mapping[str, _StepState], submission: Submission | None, speech: Speech
) -> Mapping[str, _StepState]:
    """Return the steps of a version; one that is refused is to be written anew, for the reason that was given."""
    if submission is None or not submission.refused_by:
        return known
    reason = speech.say("mend: {reason}").format(reason=submission.said)
    write, submit = known["write"], known["submit"]
    return {
        **known,
        "write": _StepState(done=False, note=reason, href=write.href),
        "submit": _StepState(done=False, href=submit.href),
    }


def _stages(known: Mapping[str, _StepState], here: str, speech: Speech) -> Iterator[ProgressStep]:
    names: Sequence[str] = list(TITLES)
    begun = names.index("submit") if known["submit"].done else 0
    waits = [name for name in names[begun:] if not known[name].done]
    following = waits[1] if waits[:1] == ["try"] and here == "submit" and len(waits) > 1 else None
    coming = following or (waits[0] if waits else "")
    for name in names:
        found = known[name]
        state = "done" if found.done else "next" if name == coming else "later"
        yield ProgressStep(
            name,
            speech.say(TITLES[name]),
            state,
            "" if found.done and name != "write" else found.note,
            found.href,
            name == here,
            found.fields,
            found.makes,
        )


def _unwritten(verdict: Verdict) -> list[Finding]:
    return [each for each in verdict.findings if each.path != "tests.yaml"]


def remaining_work(found: Sequence[Finding], files: Mapping[str, str], speech: Speech) -> str:
    """Return how many mistakes to correct and texts of the sample to replace there are, and what is not said."""
    notes = list[str]()
    if any(map(is_silent, found)):
        notes.append(speech.say("a test in which somebody gets the message is missing"))
    if wrong := sum(not each.placeholder for each in found):
        notes.append(speech.many("{count} mistake to correct", "{count} mistakes to correct", wrong))
    samples = sample_texts(found, files)
    if tests := len(samples.pop(TESTS, ())):
        notes.append(
            speech.many("{count} test of the sample to replace", "{count} tests of the sample to replace", tests)
        )
    if left := sum(map(len, samples.values())):
        notes.append(speech.many("{count} sample text to replace", "{count} sample texts to replace", left))
    if any(map(asks_needless, found)):
        notes.append(speech.say("part 4 of the rule is empty"))
    if choices := sum(map(asks_choice, found)):
        notes.append(speech.many("{count} thing to choose", "{count} things to choose", choices))
    if taken := sum(map(asks_taken_over, found)):
        notes.append(
            speech.many("{count} thing taken over to confirm", "{count} things taken over to confirm", taken)
        )
    return ", ".join(notes)


def _sample_pages(
    found: Sequence[Finding], files: Mapping[str, str], href: Callable[[Finding], str], speech: Speech
) -> Iterator[tuple[str, str]]:
    """Yield the pages with texts of the sample: name and number of texts, and the address of the first of them."""
    samples = sample_texts(found, files)
    for path in in_page_order(samples, speech.language):
        if path != TESTS and (there := href(samples[path][0])):
            texts = speech.many("{count} text", "{count} texts", len(samples[path]))
            yield f"{page_name(path, speech)}: {texts}", there


def _is_tested(verdict: Verdict) -> bool:
    return not verdict.findings and not verdict.failed and bool(verdict.cases)


def _has_only_samples(verdict: Verdict) -> bool:
    """Return True if all that is wrong with the tests is that they are those of the sample."""
    found = [each for each in verdict.findings if each.path == TESTS]
    return bool(found) and all(each.placeholder and not is_silent(each) for each in found)


def _testing(verdict: Verdict, files: Mapping[str, str], speech: Speech) -> str:
    if found := [each for each in verdict.findings if each.path == TESTS]:
        if _has_only_samples(verdict):
            return speech.say("still the tests of the sample: make the usual ones")
        return remaining_work(found, files, speech)
    if verdict.failed:
        return speech.many("{count} test fails", "{count} tests fail", len(verdict.failed))
    return "" if verdict.findings or verdict.cases else speech.say("there are no tests yet")
