"""Backtests from a browser: begun as a job, watched to its end, and its report, in counts that are nobody's data."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request
from fastapi.responses import Response
from msgspec import Struct
from msgspec.structs import replace

from app.backtests.job import NOT_HAPPENED, BacktestArguments, BacktestCounts, parse_counts
from app.backtests.report import CHANGES
from app.http import routes
from app.http.problems import Problem
from app.jobs.backtest_requests import arguments_for, backtest_of, backtests, begin, finished, period_of
from app.jobs.job_threads import JobControl
from app.jobs.requests import BadOrder
from app.packs.draft_bench import Bench
from app.pages.catalogues import LANGUAGES, Speech
from app.pages.chart import Chart, by_month, chart_by_day
from app.pages.layout import Frame, as_csv
from app.pages.life import word_for
from app.pages.naming import step_name
from app.pages.visits import Form, field_of
from app.pages.work.drafts.draft_pages import DraftPages
from app.pages.work.drafts.progress import Progress
from app.pages.work.drafts.stored_drafts import Id, laid_out, text_of
from app.pages.work.office import Office
from app.reports.life_words import CHANNELS, REASON_WORDS
from domain.core.translatable import N_, Said
from domain.core.translatable import text_of as words_of
from domain.facts.principals import Principal, Role, require
from domain.facts.submissions import Subject, Submission
from streams.queues.jobs import Busy, Job, JobState, UnknownJob
from streams.rehearsal.backtest_results import TOLD
from streams.rehearsal.rehearse import ROLE
from streams.rules.drafts import DraftStore, StoredDraft
from templates.authoring import typed_values

ENDINGS: Final[Mapping[str, str]] = {
    **REASON_WORDS,
    "quiet_hours": N_("the person’s quiet hours, which each may choose"),
    "expired": N_("no longer useful, not sent"),
    "cancelled": N_("no longer in the plan"),
    "ahead": N_("still to come when the time was over"),
    "no_rule": N_("the rules do not speak to them"),
}
OUTCOMES: Final[Mapping[str, str]] = {
    **ENDINGS,
    "told": N_("told, or somebody else was told for them"),
    "past": N_("too old: it was due before the first day"),
    "when": N_("the conditions of the rule do not hold"),
    "needs": N_("what the rule needs besides the event is missing"),
    "role": N_("the event names them in another role"),
    "not_there": N_("they do not live where it happened"),
    "later": N_("it became known only after the last day"),
    "no_event": N_("they have no event that the rule starts on"),
    "undated": N_("a value that the rule counts from is missing"),
}
"""The outcomes for a person who was looked at."""
PERIODS: Final[Mapping[str, str]] = {
    "from": N_("Write the first day"),
    "to": N_("Choose a last day that is later than the first, by three years at most"),
}
"""The error of a period, by the field that is wrong."""


class Table(Struct, frozen=True):
    """A table of counts: its heads, the last of them of the count, and the rows."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


class Backtests(DraftPages):
    """Begins them and shows what came of them."""

    def __init__(
        self, office: Office, drafts: DraftStore, bench: Bench, progress: Progress, job_control: JobControl
    ) -> None:
        super().__init__(office, drafts, bench, progress)
        self._job_control = job_control

    @routes.get("/work/drafts/{id}/backtest")
    def page(self, request: Request, id: Id) -> Response:
        """Ask for the period, and list the draft's earlier backtests."""
        _, frame, draft = self._enter(request, id)
        return self._page(frame, draft, {})

    def _page(self, frame: Frame, draft: StoredDraft, wrong: Mapping[str, str], **given: str) -> Response:
        chosen = self._last_year(frame.speech) | given
        return self._progress.show(
            "backtest.html",
            frame,
            draft,
            "try",
            errors=wrong,
            chosen=chosen,
            done=latest_backtests(self._office, draft.agency, draft.trigger, frame.speech),
        )

    def _last_year(self, speech: Speech) -> dict[str, str]:
        now = speech.date_at(self._office.platform.clock())
        return {"from": _written(now - timedelta(days=365)), "to": _written(now)}

    @routes.post("/work/drafts/{id}/backtest")
    def begin(self, request: Request, id: Id, fields: Form) -> Response:
        """Begin it; this process works at it."""
        who, frame, draft = self._enter(request, id, fields)
        require(who, Role.AUTHOR, draft.agency, draft.trigger)
        given = self._last_year(frame.speech) | {name: field_of(fields, name) for name in PERIODS if name in fields}
        say = frame.speech.say
        first, last = (_day(typed_values.day(given[name])) for name in ("from", "to"))
        today, wrong = self._office.platform.clock().astimezone(frame.speech.zone).date(), dict[str, str]()
        if first is None:
            wrong["from"] = say("Write the first day, such as {day}").format(
                day=_written(today - timedelta(days=365))
            )
        if last is None:
            wrong["to"] = say("Write the last day, such as {day}").format(day=_written(today))
        given |= {"caps": "yes"} if "caps" in fields else {}
        if first is None or last is None:
            return self._page(frame, draft, wrong, **given)
        try:
            period = period_of(first, last, frame.speech.zone)
        except BadOrder as bad:
            return self._page(frame, draft, {bad.field: say(PERIODS[bad.field])}, **given)
        asked = self._asked(draft, period, caps="caps" in fields)
        if asked is None:
            return self._page(
                frame, draft, {"from": say("There are mistakes in the draft; correct them first")}, **given
            )
        try:
            job = begin(self._job_control, asked, who)
        except Busy:
            return self._page(frame, draft, {"from": say("Another try is under way; wait for its end")}, **given)
        return self._office.go(f"/work/backtests/{job.id}")

    def _asked(
        self, draft: StoredDraft, period: tuple[datetime, datetime], *, caps: bool
    ) -> BacktestArguments | None:
        """Return the draft as it is now, compared with what is in force if anything is.

        None where it has findings.
        """
        with laid_out(self._bench, text_of(draft)) as laid:
            if laid.blocking_play():
                return None
            return arguments_for(self._office.platform.rules.approval, laid, draft.agency, period, caps=caps)

    @routes.get("/work/backtests/{id}")
    def report(self, request: Request, id: Id) -> Response:
        """Show the progress or the result of a backtest."""
        who, frame = self._office.enter(request)
        job, asked = self._job(id, who)
        counts = parse_counts(job.cursor) if job.state is JobState.DONE else None
        told = _ReportWords(asked, counts, frame.speech) if counts else None
        drafts = self._drafts.all(who.agency)
        draft = next((each for each in drafts if each.trigger == asked.trigger), None)
        return self._progress.show(
            "backtested.html",
            frame,
            draft or self._handed_in(asked),
            "try",
            job=job,
            asked=asked,
            told=told,
            unreadable=job.state is JobState.DONE and told is None,
            author=Role.AUTHOR in who.roles,
            unattended=bool(self._job_control.note(job)),
            waiting=job.state in (JobState.PLANNED, JobState.RUNNING),
            span=f"{frame.speech.moment(asked.start)} – {frame.speech.moment(asked.end)}",
        )

    def _handed_in(self, asked: BacktestArguments) -> Submission | None:
        """Return the version that was tried, if it was handed in."""
        versions = self._office.platform.rules.approval.governed().submitted.get(
            Subject("trigger", asked.trigger), ()
        )
        return next((each for each in versions if each.hash == asked.hash), None)

    @routes.get("/work/backtests/{id}/report.csv")
    def download(self, request: Request, id: Id) -> Response:
        """Return the counts as a CSV file."""
        who, _ = self._office.enter(request)
        job, asked = self._job(id, who)
        if job.state is not JobState.DONE:
            raise Problem(HTTPStatus.CONFLICT, Said("the try on past days is not done yet"), kind="not-now")
        if (counts := parse_counts(job.cursor)) is None:
            raise Problem(
                HTTPStatus.CONFLICT, Said("the result of the try on past days cannot be read"), kind="not-now"
            )
        return as_csv(_lines(counts), f"backtest-{asked.trigger}-{job.id}.csv")

    def _job(self, id_: int, who: Principal) -> tuple[Job, BacktestArguments]:
        try:
            return backtest_of(self._office.platform.queues.jobs, id_, who)
        except UnknownJob as unknown:
            raise Problem(HTTPStatus.NOT_FOUND, words_of(unknown), kind="unknown-name") from None


def latest_backtests(
    office: Office, agency: str, trigger: str, speech: Speech, hash_: str = ""
) -> list[tuple[int, str]]:
    """Return the latest backtests of a trigger (and version): number and when they were asked for."""
    return [
        (job.id, f"{speech.moment(job.asked_at)}, {job.asked_by}")
        for job, asked in backtests(office.platform.queues.jobs)
        if (asked.agency, asked.trigger) == (agency, trigger) and hash_ in ("", asked.hash)
    ]


def _latest_backtest(
    office: Office, agency: str, trigger: str, hash_: str
) -> tuple[BacktestArguments, BacktestCounts] | None:
    """Return the latest finished backtest of a version: what was asked, and its counts; None where there is none."""
    for job, asked in finished(office.platform.queues.jobs, agency, trigger, hash_):
        if (counts := parse_counts(job.cursor)) is not None:
            return asked, counts
    return None


def figures_of(office: Office, submission: Submission, speech: Speech) -> list[tuple[str, str]]:
    """Return the figures of the latest finished backtest of a version; none where there is none."""
    if (found_ := _latest_backtest(office, submission.owner, submission.about.name, submission.hash)) is None:
        return []
    asked, counts = found_
    span = f"{speech.moment(asked.start)} – {speech.moment(asked.end)}"
    return [(speech.say("Days"), span), *_ReportWords(asked, counts, speech).figures]


def backtest_in_short(office: Office, submission: Submission, speech: Speech) -> str:
    """Return how many the latest finished backtest of a version would have told, and why not others, or nothing."""
    found_ = _latest_backtest(office, submission.owner, submission.about.name, submission.hash)
    return "" if found_ is None else _ReportWords(*found_, speech).in_short


def people_told(office: Office, submission: Submission) -> int | None:
    """Return how many people the latest finished backtest of a version would have told; None where there is none."""
    found_ = _latest_backtest(office, submission.owner, submission.about.name, submission.hash)
    return None if found_ is None else found_[1].people


def people_told_a_day(office: Office, submission: Submission) -> float | None:
    """Return how many people a day the latest finished backtest of a version would have told; None without one."""
    if (found_ := _latest_backtest(office, submission.owner, submission.about.name, submission.hash)) is None:
        return None
    asked, counts = found_
    return counts.people / max(1, (asked.end - asked.start).days)


def why_unreached(office: Office, agency: str, trigger: str, hash_: str, speech: Speech) -> str:
    """Return why the latest finished backtest of a version reached nobody though its events happened.

    Empty where it reached somebody, where nothing had happened, and where there is none.
    """
    found_ = _latest_backtest(office, agency, trigger, hash_)
    if found_ is None or found_[1].people or not found_[1].happened:
        return ""
    return _ReportWords(*found_, speech).why_nobody


class _ReportWords:
    """A report in the reader's language."""

    def __init__(self, asked: BacktestArguments, counts: BacktestCounts, speech: Speech) -> None:
        self._asked, self._counts, self._speech, self._say = asked, counts, speech, speech.say

    @property
    def figures(self) -> Iterator[tuple[str, str]]:
        """Yield the most important figures."""
        say, counts, number = self._say, self._counts, self._speech.number
        parts = sum(each * many for _, each, many in counts.parts)
        yield say("Looked at"), self._speech.many("{count} person", "{count} persons", counts.persons)
        yield say("People told"), number(counts.people)
        yield say("Messages"), number(sum(many for *_, many in counts.messages))
        yield say("Put off"), number(sum(many for _, many in counts.deferred))
        yield say("Not sent"), number(sum(many for _, many in (*counts.withheld, *counts.ended)))
        yield say("Parts of SMS"), number(parts)
        if counts.price is not None:
            yield say("Cost of SMS"), self._speech.money(parts * counts.price)
        if counts.hours:
            hour, many = max(counts.hours, key=lambda each: (each[1], each[0]))
            day = self._speech.day(date.fromisoformat(hour[:10]))
            yield say("Busiest hour"), f"{day}, {hour[11:13]}:00 – {number(many)}"

    @property
    def nobody(self) -> bool:
        """Return True if nobody's records could begin the rule."""
        return not self._counts.persons

    @property
    def known_too_late(self) -> bool:
        """Return True if the only reason for everybody is that it became known after the last day."""
        return bool(self._counts.persons) and dict(self._counts.outcomes).get("later") == self._counts.persons

    @property
    def in_short(self) -> str:
        """Return to how many it happened, how many of them were told, and why the others were not; or nothing.

        Nothing is said where nobody was told: `zeros` says why. It did not happen to those in another role, such as
        the child where a parent is told.
        """
        happened = {why: many for why, many in self._counts.outcomes if why not in NOT_HAPPENED | {ROLE}}
        if not (told := happened.pop(TOLD, 0)):
            return ""
        say, number = self._say, self._speech.number
        text = say("All to whom it happened would have got the message: {told}.")
        if happened:
            text = say("Of {all} to whom it happened, {told} would have got the message. Not the others: {why}.")
        one = say("{count} – {why}")
        why = ", ".join(
            one.format(count=number(many), why=word_for(OUTCOMES, reason, self._speech))
            for reason, many in sorted(happened.items(), key=lambda each: -each[1])
        )
        return text.format(all=number(told + sum(happened.values())), told=number(told), why=why)

    @property
    def why_nobody(self) -> str:
        """Return the most frequent reasons for silence, each with its count."""
        outcomes = sorted(self._counts.outcomes, key=lambda each: -each[1])[:3]
        one, number = self._say("{count} of {all}: {why}"), self._speech.number
        all_ = number(self._counts.persons)
        return "; ".join(
            one.format(count=number(many), all=all_, why=word_for(OUTCOMES, why, self._speech))
            for why, many in outcomes
        )

    @property
    def _span(self) -> tuple[date, date]:
        """Return the first and the last day."""
        last = self._asked.end - timedelta(microseconds=1)
        return self._speech.date_at(self._asked.start), self._speech.date_at(last)

    @property
    def _days(self) -> Counter[str]:
        """Return the number of messages by day."""
        days: Counter[str] = Counter()
        for day, _, many in self._counts.days:
            days[day] += many
        return days

    @property
    def zeros(self) -> Iterator[str]:
        """Yield what is empty, and why as far as it is known: all of it, whole months, ways by which nothing went."""
        say, counts = self._say, self._counts
        if self.nobody or self.known_too_late:
            return
        if not self._days.total():
            yield say("Nobody would have got a message. {why}.").format(why=self.why_nobody)
            return
        first, last = self._span
        every = [first + timedelta(days=at) for at in range((last - first).days + 1)]
        if empty := [month for month, many in by_month(self._days, every, self._speech) if not many]:
            yield say("Nobody would have got a message in: {months}.").format(months=", ".join(empty))
        ways = [str(each) for each in self._asked.rules["channels"]]
        for before, way in zip(("", *ways), ways, strict=False):
            if any(name == way for name, *_ in counts.messages):
                continue
            name = word_for(CHANNELS, way, self._speech)
            if before:
                text = say("0 by {way}: it goes only where {before} fails or is not there.")
                yield text.format(way=name, before=word_for(CHANNELS, before, self._speech))
            else:
                yield say("0 by {way}: nobody who was told can be reached so.").format(way=name)

    @property
    def chart(self) -> Chart:
        """Return the chart of messages by day."""
        days, say = self._days, self._say
        first, last = self._span
        said = self._speech.many("{count} message", "{count} messages", days.total())
        unit = say("Day") if (last - first).days <= 400 else say("Month")  # noqa: PLR2004  (see backtest_chart)
        return replace(
            chart_by_day(days, first, last, self._speech), title=say("Messages over time"), unit=unit, said=said
        )

    @property
    def tables(self) -> Iterator[Table]:
        """Yield the tables of counts."""
        say, counts, speech = self._say, self._counts, self._speech
        yield self._table(
            say("Everybody who was looked at"),
            (say("Outcome"),),
            [(word_for(OUTCOMES, what, speech), many) for what, many in counts.outcomes],
            of=say("Persons"),
        )
        yield self._table(
            say("By channel and language"),
            (say("Channel"), say("Language")),
            [
                (word_for(CHANNELS, channel, speech), LANGUAGES.get(language, language), many)
                for channel, language, many in counts.messages
            ],
        )
        steps = list(self._asked.rules["due"])
        by_step = sorted(counts.steps, key=lambda each: steps.index(each[0]) if each[0] in steps else len(steps))
        yield self._table(
            say("By step"), (say("Step"),), [(step_name(step, steps, speech), many) for step, many in by_step]
        )
        for title, rows in (
            (say("Put off, and why"), counts.deferred),
            (say("Not sent, and why"), [*counts.withheld, *counts.ended]),
        ):
            yield self._table(title, (say("Why"),), [(word_for(ENDINGS, why, speech), many) for why, many in rows])
        yield self._table(
            say("Who gains, who loses, against what is in force"),
            (say("Told"), say("Why")),
            [
                (word_for(CHANGES, what, speech), word_for(ENDINGS, why, speech) if why else "", many)
                for what, why, many in counts.changes
            ],
        )

    def _table(self, title: str, heads: Sequence[str], rows: Sequence[tuple[Any, ...]], of: str = "") -> Table:
        number = self._speech.number
        return Table(title, (*heads, of or self._say("Messages")), [(*each, number(many)) for *each, many in rows])


def _lines(counts: BacktestCounts) -> Iterator[Sequence[Any]]:
    yield "what", "of", "by", "count"
    for name in ("persons", "facts", "people"):
        yield name, "", "", getattr(counts, name)
    for name in (
        "messages",
        "parts",
        "steps",
        "days",
        "hours",
        "deferred",
        "withheld",
        "ended",
        "outcomes",
        "changes",
    ):
        for *key, many in getattr(counts, name):
            yield name, *[*key, ""][:2], many


def _written(day: date) -> str:
    """Return a day as people type it into a field."""
    return f"{day:%d.%m.%Y}"


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007  (a day)
    except ValueError:
        return None
