"""Backtests over the API: a draft is played on history as a job, and told in counts that are nobody's data."""

from datetime import date
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Path as InPath
from fastapi import Request, Response
from msgspec import to_builtins
from pydantic import BaseModel, Field

from app.backtests.job import BacktestArguments, parse_counts
from app.http import routes
from app.http.access import Access
from app.http.draft_shapes import DraftBody
from app.http.drafting import laid_out, not_passing_problem
from app.http.job_calls import item_of
from app.http.problems import FieldError, Problem
from app.http.rule_refusals import one_line
from app.http.shapes import JobItem
from app.jobs.backtest_requests import arguments_for, backtest_of, begin, period_of
from app.jobs.job_threads import JobControl
from app.jobs.requests import BadOrder
from app.log_places import zone_here
from app.packs.draft_bench import Bench
from domain.facts.principals import Principal, Role, require
from streams.queues.job_store import Jobs
from streams.queues.jobs import Busy, JobState, UnknownJob
from streams.rules.wiring import RuleParts


class BacktestBody(DraftBody):
    """A draft, from which day to before which one it is played (in the country), and whether others' caps press."""

    from_: date = Field(alias="from")
    to: date
    caps: bool = False


class Backtest(BaseModel):
    """The state of a backtest; `counts`, once it is done: rows of what was counted, and how often."""

    job: JobItem
    trigger: str
    hash: str
    counts: dict[str, Any] | None


class BacktestCalls(routes.Routed, tags=["rules"]):
    """Acts as the official whose token the request has."""

    def __init__(self, rules: RuleParts, jobs: Jobs, job_control: JobControl, access: Access) -> None:
        self._rules, self._jobs, self._job_control, self._access = rules, jobs, job_control, access
        self._bench = Bench(rules.library)

    @routes.post("/backtests", status_code=HTTPStatus.ACCEPTED, summary="Start a backtest of a draft")
    def begin(self, request: Request, response: Response, body: BacktestBody) -> Backtest:
        """The server plays it; nothing is kept but counts, and nothing is sent."""
        who = self._access.official(request)
        asked = self._asked(body, who)
        try:
            job = begin(self._job_control, asked, who)
        except Busy as busy:
            raise Problem(HTTPStatus.CONFLICT, one_line(busy), kind="not-now") from None
        response.headers["Location"] = f"/backtests/{job.id}"
        return Backtest(job=item_of(job, self._job_control), trigger=asked.trigger, hash=asked.hash, counts=None)

    def _asked(self, body: BacktestBody, who: Principal) -> BacktestArguments:
        try:
            period = period_of(body.from_, body.to, zone_here(self._rules.library))
        except BadOrder as bad:
            errors = [FieldError(field=bad.field, reason=bad.problem, code="bad_range")]
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "from one day to a later one", errors) from None
        with laid_out(self._bench, body) as laid:
            if found := laid.blocking_play():
                raise not_passing_problem(found)
            [source] = laid.pack().triggers
            owner = str(source.rules["owner"])
            require(who, Role.AUTHOR, owner, body.trigger)
            return arguments_for(self._rules.approval, laid, owner, period, caps=body.caps)

    @routes.get("/backtests/{id}", summary="Show a backtest")
    def show(self, request: Request, id: Annotated[int, InPath(ge=1, le=2**31)]) -> Backtest:
        """Return the progress or the result of one of your agency's backtests."""
        who = self._access.official(request)
        try:
            job, asked = backtest_of(self._jobs, id, who)
        except UnknownJob as unknown:
            raise Problem(HTTPStatus.NOT_FOUND, one_line(unknown), kind="unknown-name") from None
        counts = None
        if job.state is JobState.DONE and (counts := to_builtins(parse_counts(job.cursor))) is None:
            raise Problem(HTTPStatus.CONFLICT, "the backtest's result cannot be read", kind="not-now")
        return Backtest(job=item_of(job, self._job_control), trigger=asked.trigger, hash=asked.hash, counts=counts)
