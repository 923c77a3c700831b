"""The schedule over the API, for operators: see how its jobs ended, and have one run now."""

from http import HTTPStatus

from fastapi import Request

from app.compose import Platform
from app.http import routes
from app.http.access import Access
from app.http.job_calls import operator_of
from app.http.problems import Problem
from app.http.shapes import RunItem, RunList
from app.scheduled import NEVER_BY_NAME, is_scheduler_alive, schedule_of
from app.settings import SCHEDULE
from streams.runtime.schedule import Run, UnderWay

UNKEPT = "no process keeps the schedule, so nothing of it runs: start `habarshy run`, or a worker"


class ScheduleCalls(routes.Routed, tags=["jobs"]):
    """Acts as the operator whose token the request has; the process that keeps the schedule runs the jobs."""

    def __init__(self, platform: Platform, access: Access) -> None:
        self._platform, self._access = platform, access

    @routes.get("/schedule", summary="List scheduled jobs")
    def runs(self, request: Request) -> RunList:
        """Return each job with its next run and its last one."""
        operator_of(request, self._access)
        return RunList(items=self._items())

    @routes.post("/schedule/{job}/now", summary="Run a scheduled job now", status_code=HTTPStatus.ACCEPTED)
    def run_now(self, request: Request, job: str) -> RunItem:
        """Have the process that keeps the schedule run it within a second; its next time stays. The list says how it
        ended.
        """
        operator_of(request, self._access)
        if job not in SCHEDULE:
            detail = f"no scheduled job is called so; there are: {', '.join(SCHEDULE)}"
            raise Problem(HTTPStatus.NOT_FOUND, detail, kind="unknown-name")
        if job == NEVER_BY_NAME:
            detail = f"{job} destroys; use `habarshy retire`, which shows first what goes, and asks"
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
        try:
            schedule_of(self._platform).ask(job)
        except UnderWay as busy:
            raise Problem(HTTPStatus.CONFLICT, str(busy), kind="not-now") from None
        [item] = [each for each in self._items() if each.job == job]
        return item

    def _items(self) -> list[RunItem]:
        note = "" if is_scheduler_alive(self._platform) else UNKEPT
        return [_item_of(each, note) for each in schedule_of(self._platform).runs()]


def _item_of(run: Run, note: str) -> RunItem:
    known = {name: getattr(run, name) for name in RunItem.model_fields if name not in ("took", "why", "note")}
    took = None if run.took is None else round(run.took.total_seconds(), 1)
    return RunItem(took=took, why=run.words or run.error, note=note, **known)
