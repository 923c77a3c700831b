"""Submitting a draft, and the second person's page: what changes in meaning and in words; approve, publish."""

from collections.abc import Container, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

from fastapi import Request
from fastapi.responses import Response

from app.http import routes
from app.http.problems import Problem
from app.http.rule_refusals import refusals_as_problems
from app.packs.draft_bench import BadDraft, Bench, DraftText, Verdict
from app.packs.draft_child import TESTS, Comparison
from app.packs.draft_children import children
from app.packs.version_diff import source_of
from app.pages import visits
from app.pages.catalogues import Speech
from app.pages.layout import Frame
from app.pages.life import category, word_for
from app.pages.naming import VALUES
from app.pages.pack_names import names_of
from app.pages.rule_words import CLASSES, PARTS, channels_row, full_clause, parts_in_words
from app.pages.visits import Fields, Form, field_of
from app.pages.work.backtests import (
    backtest_in_short,
    figures_of,
    latest_backtests,
    people_told,
    people_told_a_day,
    why_unreached,
)
from app.pages.work.drafts.changed_lines import changed_lines
from app.pages.work.drafts.draft_pages import DraftPages
from app.pages.work.drafts.gaps import gaps_in
from app.pages.work.drafts.progress import Progress
from app.pages.work.drafts.stored_drafts import Id, in_page_order, laid_out, page_name, text_of, unknown_as_problem
from app.pages.work.drafts.text_fields import is_sample_text, sample_texts
from app.pages.work.figures import figures
from app.pages.work.mailing import Mailing
from app.pages.work.office import Hash, Name, Office, WholeHash
from app.pages.work.trials.trial_pages import first_person_messages, step_for_page
from app.pages.work.words import share_in_words
from domain.core.translatable import N_, Words
from domain.core.translatable import text_of as words_of
from domain.facts.access_facts import MOST_SAID, says_why
from domain.facts.governance import TriggerPublished, TriggerSubmitted
from domain.facts.principals import Principal, Role
from domain.facts.submissions import Refusal, Subject, Submission, check_publishing
from domain.rules.legal_basis import legal_basis_of
from streams.rules.aggregates import GovernedTrigger
from streams.rules.approval import DecidedMeanwhile, Reference, SubmissionResult
from streams.rules.drafts import DraftStore, StoredDraft
from streams.rules.governed import Governed
from templates.authoring.rule_sentences import Part
from templates.authoring.trigger_diff import GROUPS
from templates.reading.findings import Finding
from templates.reading.writing import trigger_texts

NOTHING_WRONG: Mapping[str, str] = {}
SHARES = (1.0, 0.5, 0.25, 0.1, 0.05, 0.01)
BEGIN_WITH = 0.1
"""The share that is proposed first, after it everybody is; a larger one has to be confirmed."""
_ENOUGH = 10
"""So many people who got a message show how it goes."""
_LOOK_AGAIN = (1, 7, 14, 30)
"""After how many days an approver may be asked to look again."""
MAILED = "mailed"
"""Kept for the next page: the names of those who were mailed."""
NO_MAIL = "-"
"""Kept instead of the names where the mail service took no mail."""


class Approving(DraftPages):
    """The pages on which a draft is submitted, and approved and published by a second person."""

    def __init__(
        self, office: Office, drafts: DraftStore, bench: Bench, progress: Progress, mailing: Mailing
    ) -> None:
        super().__init__(office, drafts, bench, progress)
        self._mailing = mailing

    @routes.get("/work/drafts/{id}/submit")
    def ask(self, request: Request, id: Id) -> Response:
        """Show the obstacles to submitting, or the button."""
        _, frame, draft = self._enter(request, id)
        found_ = self._verdict(draft)
        hash_, trigger = _hash_of(found_, draft), self._governed(draft.trigger)
        earlier = trigger.refusals(hash_)
        refused = _refused(earlier[-1] if earlier else None, frame.speech)
        return self._to_hand_in(frame, draft, found_, refused)

    def _to_hand_in(
        self,
        frame: Frame,
        draft: StoredDraft,
        found_: Verdict,
        refused: str = "",
        status: HTTPStatus | None = None,
    ) -> Response:
        with laid_out(self._bench, text_of(draft)) as laid:
            remarks = [each for each in laid.findings if each.path in draft.files]
        unwritten = [each for each in found_.findings if is_sample_text(each) and each.path != TESTS]
        return self._progress.show(
            "submit.html",
            frame,
            draft,
            "submit",
            status,
            findings=[each for each in found_.findings if each not in unwritten],
            unwritten=_by_page(sample_texts(unwritten, draft.files), frame.speech),
            failed=found_.failed,
            published=self._is_published(draft, found_),
            refused_before=refused,
            unreached=why_unreached(self._office, draft.agency, draft.trigger, _hash_of(found_, draft), frame.speech),
            remarks=remarks,
            fitting=gaps_in(draft.files, names_of(self._office.platform.rules.library.rules(), frame.speech)),
        )

    def _governed(self, trigger: str) -> GovernedTrigger:
        return self._office.platform.rules.approval.governed().trigger(trigger)

    def _is_published(self, draft: StoredDraft, found_: Verdict) -> bool:
        """Return True if the draft is word for word what is published, so that there is nothing to hand in."""
        hash_ = _hash_of(found_, draft)
        return bool(hash_) and hash_ == self._governed(draft.trigger).hash

    def _verdict(self, draft: StoredDraft) -> Verdict:
        try:
            return self._bench.verdict(text_of(draft))
        except BadDraft as bad:
            raise Problem(HTTPStatus.CONFLICT, bad.told, kind="bad-draft") from None

    @routes.post("/work/drafts/{id}/submit")
    def submit(self, request: Request, id: Id, fields: Form) -> Response:
        """Put it up for approval, once lint and its tests have passed."""
        who, frame = self._office.enter(request, fields)
        with unknown_as_problem():
            draft, written_by = self._drafts.written(id, who)
        verdict = self._verdict(draft)
        if verdict.pack is None or self._is_published(draft, verdict):
            return self._to_hand_in(frame, draft, verdict, status=HTTPStatus.UNPROCESSABLE_ENTITY)
        with refusals_as_problems():
            [done] = self._office.platform.rules.approval.submit(
                [verdict.pack], [Subject("trigger", draft.trigger)], who, written_by
            )
        self._drafts.submitted(draft, done.submission.hash)
        where = f"/work/submissions/{draft.trigger}/{done.submission.hash}"
        if done.new:
            _keep(request, self._mailing.handed_in(done.submission, who))
        return self._office.go(f"{where}?done={'submitted' if done.new else 'before'}")

    @routes.get("/work/submissions/{name}/{hash}")
    def page(self, request: Request, name: Name, hash: Hash, done: str = "") -> Response:
        """Show the changes of a version, and the actions that are open to the visitor."""
        who, frame = self._office.enter(request)
        sent = _Sent(done, visits.told_once(request, MAILED) if done else None)
        return self._page(who, frame, self._found(name, hash, who), sent)

    def _page(self, who: Principal, frame: Frame, submission: Submission, sent: "_Sent | None" = None) -> Response:
        """Show a version; `sent`: what was sent from its page."""
        fact, now, sent = submission.fact, self._office.platform.rules.approval.governed(), sent or _Sent()
        assert isinstance(fact, TriggerSubmitted)
        return self._office.show(
            "submission.html",
            frame,
            name=fact.trigger,
            hash=submission.hash,
            submission=submission,
            title=frame.speech.titled(fact.rules["title"]) or fact.trigger,
            place=self._progress.fields(trigger_texts(fact.rules, fact.words), "", frame.speech),
            no_mail=sent.mailed == NO_MAIL,
            **sent._asdict(),
            **self._standing(submission, who, now, frame),
            **self._published(submission, now, frame.speech),
            **self._content(submission, fact, now, frame),
        )

    def _standing(self, submission: Submission, who: Principal, now: Governed, frame: Frame) -> dict[str, Any]:
        """Return how far a version has come, and what its visitor may do."""
        speech, name = frame.speech, submission.about.name
        draft = self._drafts.of(name, submission.hash)
        return {
            "stages": self._progress.of_submission(submission, draft, frame),
            "draft_address": f"/work/drafts/{draft.id}" if draft is not None and Role.AUTHOR in who.roles else "",
            "address": f"{self._office.platform.settings.base_url.rstrip('/')}{_short(submission)}",
            "comments": [(each.by, speech.moment(each.at), each.text) for each in submission.comments],
            "refused_before": _refused(submission.refused_before, speech),
            "new": now.current(name) is None,
            "before": any(each.fact.hash != submission.hash for each in now.publications_of(name)),
            "own_one": who.name in submission.authors,
            "approver": Role.APPROVER in who.roles,
            "mine": submission.owner == who.agency,
        }

    def _published(self, submission: Submission, now: Governed, speech: Speech) -> dict[str, Any]:
        """Return for whom a version is live, what became of its messages, and for whom it can be published."""
        current = now.current(submission.about.name)
        live = current.share if current is not None and current.hash == submission.hash else 0.0
        whole = current is None or current.share == 1
        return {
            "share": share_in_words(live, speech) if live else "",
            "whole": live == 1,
            "published": now.hash_of(submission.about) == submission.hash and whole,
            "so_far": self._so_far(submission, now, speech) if live else "",
            "look_again": _look_again((people_told_a_day(self._office, submission) or 0) * live, speech)
            if 0 < live < 1
            else "",
            "reaches": self._reaches(submission, BEGIN_WITH, speech),
            "shares": _shares(live, speech),
        }

    def _content(self, submission: Submission, fact: TriggerSubmitted, now: Governed, frame: Frame) -> dict[str, Any]:
        """Return what a version says, what is different from what is live, and what became of its tries."""
        speech = frame.speech
        return {
            "unreached": self._unreached(submission, speech),
            "answer": self._answer(submission, fact, speech),
            "changes": _changes(now, fact, speech),
            "read": self._read(fact, frame),
            "more": self._more(submission, fact, speech),
            "backtests": latest_backtests(self._office, submission.owner, fact.trigger, speech, submission.hash),
            "texts": changed_lines(_written(now.current(fact.trigger)), _written(fact)),
        }

    def _answer(self, submission: Submission, fact: TriggerSubmitted, speech: Speech) -> list[tuple[str, str]]:
        """Return what an approver decides by, in rows: the rule, how many it would have told, law and urgency."""
        say, rules = speech.say, fact.rules
        return [
            *self._parts(fact, speech, told=PARTS.keys() - {"expires"}),
            (
                say("How many"),
                backtest_in_short(self._office, submission, speech) or self._how_many(submission, speech),
            ),
            (say("Legal basis"), speech.titled(legal_basis_of(rules))),
            (say("Kind of message"), word_for(CLASSES, rules["class"], speech)),
            (say("Topic"), category(rules["category"], speech)),
        ]

    def _more(self, submission: Submission, fact: TriggerSubmitted, speech: Speech) -> list[tuple[str, str]]:
        """Return what an approver seldom needs, in rows."""
        return [
            *self._parts(fact, speech, told={"expires"}),
            channels_row(fact.rules, speech),
            (speech.say("Its tests"), self._tested(self._drafts.of(fact.trigger, submission.hash), speech)),
            (speech.say("Handed in"), f"{speech.moment(fact.at)}, {', '.join(dict.fromkeys(submission.by))}"),
            *([(speech.say("Written by"), ", ".join(submission.written_by))] if submission.written_by else []),
            *figures_of(self._office, submission, speech),
        ]

    def _parts(self, fact: TriggerSubmitted, speech: Speech, told: Container[Part]) -> list[tuple[str, str]]:
        rules = self._office.platform.rules.library.rules()
        found_ = parts_in_words(full_clause(fact, rules, speech), rules, speech)
        return [(speech.say(PARTS[part]), text) for part, text in found_ if part in told]

    def _tested(self, draft: StoredDraft | None, speech: Speech) -> str:
        """Return how its tests went; the log keeps no tests, so they are those of its draft, if it is unchanged."""
        if draft is None:
            return speech.say("not known: the draft with its tests was changed or deleted since")
        verdict = self._progress.verdict(draft)
        if verdict.failed:
            return speech.many("{count} test fails", "{count} tests fail", len(verdict.failed))
        return speech.many("{count} test passes", "{count} tests pass", verdict.cases)

    def _read(self, fact: TriggerSubmitted, frame: Frame) -> "_Reading":
        """Return what people would read, by step: for the first invented person to whom something is said."""
        text = DraftText(fact.pack, fact.trigger, trigger_texts(fact.rules, fact.words))
        try:
            with self._bench.laid(text) as laid:
                if findings := laid.blocking_play():
                    return _Reading(findings)
                heard = first_person_messages(laid, self._office.platform.clock())
                remarks = [each for each in laid.findings if each.path != TESTS]
        except BadDraft as bad:
            return _Reading([Finding("trigger.yaml", 0, 0, bad.told)])
        hearing = heard.hearings[0]
        steps = [step_for_page(each, heard, frame) for each in hearing.messages]
        return _Reading((), remarks, hearing.nothing, steps)

    def _found(self, name: str, hash_: str, who: Principal) -> Submission:
        return self._office.submission(Reference(Subject("trigger", name), hash_), who)

    @routes.post("/work/submissions/{name}/{hash}/approve")
    def approve(self, request: Request, name: Name, hash: WholeHash, fields: Form) -> Response:
        """Approve this very version, as another person; a comment is kept."""
        who, frame = self._office.enter(request, fields)
        submission, said = self._found(name, hash, who), field_of(fields, "said")
        if wrong := _wrong_words(said, frame):
            return self._page(who, frame, submission, _Sent(errors=wrong, typed=said))
        try:
            with refusals_as_problems():
                done = self._office.platform.rules.approval.approve(submission, who, said, _seen(fields))
        except DecidedMeanwhile as late:
            return self._too_late(who, frame, submission, said, late)
        return self._decided(request, who, done, "approved", said)

    @routes.post("/work/submissions/{name}/{hash}/refuse")
    def refuse(self, request: Request, name: Name, hash: WholeHash, fields: Form) -> Response:
        """Refuse this very version, for a reason that its author reads."""
        who, frame = self._office.enter(request, fields)
        submission, said = self._found(name, hash, who), field_of(fields, "said")
        if wrong := _wrong_words(said, frame, N_("Say why, for its author")):
            return self._page(who, frame, submission, _Sent(errors=wrong, typed=said))
        try:
            with refusals_as_problems():
                done = self._office.platform.rules.approval.refuse(submission, who, said, _seen(fields))
        except DecidedMeanwhile as late:
            return self._too_late(who, frame, submission, said, late)
        return self._decided(request, who, done, "refused", said)

    @routes.post("/work/submissions/{name}/{hash}/comment")
    def comment(self, request: Request, name: Name, hash: WholeHash, fields: Form) -> Response:
        """Keep what somebody of the agency wrote about it, and tell the other side."""
        who, frame = self._office.enter(request, fields)
        submission, said = self._found(name, hash, who), field_of(fields, "said")
        if wrong := _wrong_words(said, frame, N_("Write your comment")):
            return self._page(who, frame, submission, _Sent(errors=wrong, typed=said))
        with refusals_as_problems():
            done = self._office.platform.rules.approval.comment(submission, who, said)
        if done.new:
            _keep(request, self._mailing.commented(done.submission, who, said))
        shown = "commented" if done.new else "before"
        return self._office.go(f"/work/submissions/{name}/{hash}?done={shown}")

    def _too_late(
        self, who: Principal, frame: Frame, submission: Submission, said: str, late: DecidedMeanwhile
    ) -> Response:
        """Show the version as it stands now, with the words that were sent: nothing is decided by them."""
        wrong = {"said": frame.speech.tell(words_of(late))}
        now = self._found(submission.about.name, submission.hash, who)
        return self._page(who, frame, now, _Sent(errors=wrong, typed=said, status=HTTPStatus.CONFLICT))

    def _decided(self, request: Request, who: Principal, done: SubmissionResult, matter: str, said: str) -> Response:
        """Tell the authors once that it is approved or refused, and go on to the version."""
        submission = done.submission
        if done.new:
            _keep(request, self._mailing.decided(matter, submission, who, said))
        about = f"/work/submissions/{submission.about.name}/{submission.hash}"
        return self._office.go(f"{about}?done={matter if done.new else 'before'}")

    @routes.post("/work/submissions/{name}/{hash}/publish")
    def publish(self, request: Request, name: Name, hash: Hash, fields: Form) -> Response:
        """Publish it: for everybody, or a share of all persons first; for nobody where it is not said for whom."""
        who, frame = self._office.enter(request, fields)
        part = next((each for each in SHARES if str(each) == field_of(fields, "share")), None)
        submission = self._found(name, hash, who)
        if part is None:
            return self._page(who, frame, submission, _Sent(errors={"share": frame.speech.say("Choose for whom")}))
        pending = field_of(fields, "pending") == "yes"
        if (part > BEGIN_WITH or pending) and field_of(fields, "sure") != "yes":
            with refusals_as_problems():
                check_publishing(who, submission)
            asked = self._asked(submission, part, frame.speech, pending=pending)
            return self._page(who, frame, submission, _Sent(asked=asked))
        with refusals_as_problems():
            [done] = self._office.platform.rules.approval.publish(
                [Reference(submission.about, hash)], who, share=part, to_pending=pending
            )
        return self._office.go(f"/work/submissions/{name}/{hash}?done={'published' if done.new else 'before'}")

    def _asked(self, submission: Submission, part: float, speech: Speech, *, pending: bool) -> "_Asked":
        """Return what is confirmed before a version is published for that part of all persons."""
        say = speech.say
        sentences = [say("It is for everybody.")]
        if part < 1:
            sentences = [say("It is for {share} of all people.").format(share=share_in_words(part, speech))]
        sentences.append(self._reaches(submission, part, speech))
        if pending:
            sentences.append(say("It also changes the messages that are planned already."))
        return _Asked(part, pending, sentences)

    def _reaches(self, submission: Submission, part: float, speech: Speech) -> str:
        """Return how many people it would have told, and how many of them are in that part of all persons."""
        told, tried = self._how_many(submission, speech), people_told(self._office, submission)
        if not tried or part == 1:
            return told
        about = speech.say("{share} of them would be about {count}.")
        return f"{told} {about.format(share=share_in_words(part, speech), count=speech.number(round(tried * part)))}"

    def _so_far(self, submission: Submission, now: Governed, speech: Speech) -> str:
        """Return what became of the messages of a live version since it was published first."""
        name, versions = submission.about.name, now.publications_of(submission.about.name)
        begun = min(each.fact.at for each in versions if each.fact.hash == submission.hash)
        platform = self._office.platform
        days = (platform.clock().date() - begun.date()).days + 1
        counts = figures(platform, name, days, speech).in_short
        if not counts:
            return speech.say("None of its messages is planned yet.")
        told = speech.say("Its messages since {day}: {counts}.")
        if any(each.fact.hash != submission.hash for each in versions):
            told = speech.say("The messages of all its versions since {day}: {counts}.")
        return told.format(day=speech.day_at(begun), counts=counts)

    def _unreached(self, submission: Submission, speech: Speech) -> str:
        return why_unreached(self._office, submission.owner, submission.about.name, submission.hash, speech)

    def _how_many(self, submission: Submission, speech: Speech) -> str:
        """Return how many people it would have told, as far as its latest finished backtest shows."""
        say, tried = speech.say, people_told(self._office, submission)
        if tried is None:
            return say("It is not known how many people that is: this version was not tried on last year.")
        if why := self._unreached(submission, speech):
            return say("On the days that were tried nobody would have been told. {why}.").format(why=why)
        if not tried:
            return say("On the days that were tried nothing happened on which it begins. That says nothing about it.")
        persons = speech.many("{count} person", "{count} persons", tried)
        return say("On the days on which it was tried, it would have reached {persons}.").format(persons=persons)


class _Asked(NamedTuple):
    """A publication to be confirmed: for which part of all persons, and in words whom it concerns."""

    share: float
    pending: bool
    sentences: Sequence[str]


class _Sent(NamedTuple):
    """The result of a form on the page of a version: what is `done`, who was `mailed`, what to mend or confirm.

    `errors`: what is wrong, by field; `typed`: the words that were sent with it; `status`: if not that of a page.
    """

    done: str = ""
    mailed: str | None = None
    errors: Mapping[str, str] = NOTHING_WRONG
    typed: str = ""
    asked: _Asked | None = None
    status: HTTPStatus | None = None


class _Reading(NamedTuple):
    """A version as it is read: findings that hinder its being shown, remarks of lint, and the words by step."""

    findings: Sequence[Finding]
    remarks: Sequence[Finding] = ()
    nothing: str = ""
    steps: Sequence[dict[str, Any]] = ()


def _short(submission: Submission) -> str:
    """Return the path of a version with as few digits of its hash as commands take."""
    return f"/work/submissions/{submission.about.name}/{submission.hash[:12]}"


def _keep(request: Request, mailed: Sequence[str] | None) -> None:
    """Keep for the next page who was mailed."""
    visits.tell_once(request, MAILED, NO_MAIL if mailed is None else ", ".join(mailed))


def _hash_of(verdict: Verdict, draft: StoredDraft) -> str:
    """Return the hash of the draft's version; empty where it may not be submitted."""
    triggers = verdict.pack.triggers if verdict.pack is not None else ()
    return next((each.hash for each in triggers if each.name == draft.trigger), "")


def _by_page(left: Mapping[str, Sequence[Finding]], speech: Speech) -> list[tuple[str, Finding, str]]:
    """Return the pages with texts of the sample, the reader's own language before others: name, first, how many."""
    return [
        (
            page_name(path, speech),
            left[path][0],
            speech.many("{count} text still to write", "{count} texts still to write", len(left[path])),
        )
        for path in in_page_order(left, speech.language)
    ]


def _look_again(a_day: float, speech: Speech) -> str:
    """Return when enough messages of a share have gone to judge them. `a_day`: how many people a day are told."""
    days = next((each for each in _LOOK_AGAIN if a_day * each >= _ENOUGH), 0)
    if not days:
        return speech.say("Few people are in this share: look again once some messages have arrived.")
    told = speech.say("Look again in {days}: about {persons} will have got it by then, as in the days of the try.")
    persons = speech.many("{count} person", "{count} persons", round(a_day * days))
    return told.format(days=speech.many("{count} day", "{count} days", days), persons=persons)


def _shares(live: float, speech: Speech) -> list[tuple[float, str]]:
    """Return for which shares it can be published, as buttons say it: the proposed one first, as none takes away."""
    say, proposed = speech.say, 1.0 if live else BEGIN_WITH
    return [
        (each, say("Publish for {share} of all people").format(share=share_in_words(each, speech)))
        if each < 1
        else (each, say("Publish for everybody"))
        for each in sorted(SHARES, key=lambda each: each != proposed)
        if each > live
    ]


def _refused(refusal: Refusal | None, speech: Speech) -> str:
    """Return who refused this very content, when and why; empty if nobody did."""
    return "" if refusal is None else f"{speech.moment(refusal.at)}, {refusal.by}: {refusal.reason}"


def _seen(fields: Fields) -> str | None:
    """Return what was decided when the page was made from which a decision comes."""
    return field_of(fields, "seen") or None


def _wrong_words(said: str, frame: Frame, needed: str = "") -> dict[str, str]:
    """Return what is wrong with words to the other side; `needed`: what is said where there are none."""
    if len(said) > MOST_SAID:
        return {"said": frame.speech.tell(Words("Write {count} characters at most", count=MOST_SAID))}
    return {"said": frame.speech.say(needed)} if needed and not says_why(said) else {}


def _changes(now: Governed, fact: TriggerSubmitted, speech: Speech) -> list[tuple[str, list[str]]]:
    """Return the changes for citizens, by group; none where the version does not fit the published packs."""
    current = now.current(fact.trigger)
    old = None if current is None else source_of(current)
    found_ = children().changes(Comparison(now.contents, old, source_of(fact), speech.language, VALUES))
    by_group = {group: [speech.tell(sentence) for of, sentence in found_ if of == group] for group in GROUPS}
    return [(group, mine) for group, mine in by_group.items() if mine]


def _written(fact: TriggerPublished | TriggerSubmitted | None) -> Mapping[str, str]:
    return {} if fact is None else trigger_texts(fact.rules, fact.words)
