"""Jobs over the API, for operators: have one counted, confirm it, see how it stands, pause, go on, cancel."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import Path as InPath
from fastapi import Request, Response
from pydantic import BaseModel, Field

from app.http import routes
from app.http.access import Access
from app.http.problems import FieldError, Problem
from app.http.rule_refusals import one_line
from app.http.shapes import JobItem, JobList, JobPlan
from app.identity.key_file import BadKeyFile
from app.jobs.job_command_line import SWITCHES
from app.jobs.job_threads import JobControl
from app.jobs.kinds import UnknownKind
from app.jobs.replay_jobs import UnknownView
from app.jobs.requests import MOST_ERASED, BadOrder, Orders
from domain.facts.principals import Principal
from streams.kafka.errors import KafkaUnavailable
from streams.kafka.republish import BadRange, BadTopic
from streams.queues.job_store import Jobs
from streams.queues.jobs import Busy, ForgedJob, Job, NotNow, Stale, UnknownJob
from streams.replay.backfill import NotInForce
from streams.rules.switches import UnknownName

JobId = Annotated[int, InPath(ge=1, le=2**31)]
Text = Annotated[str, Field(max_length=100, pattern=r"^[^\x00]*$")]


class Wanted(BaseModel, extra="forbid"):
    """A job that is asked for; which fields count depends on its kind, as with the command of the same name."""

    kind: Literal[
        "replay views",
        "replay verify",
        "replay kafka",
        "audit verify",
        "repair",
        "repair-failed",
        "resolve-unknown",
        "backfill",
        "erase",
    ]
    views: list[Text] = Field(default=[], max_length=20)
    from_: Text = Field(default="", alias="from")
    to: Text = ""
    trigger: Text = ""
    agency: Text = ""
    area: Text = ""
    provider: Text = ""
    channel: Text = ""
    since: Text = ""
    also_overdue: bool = False
    last_only: bool = False
    how: Text = ""
    why: Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")] = ""
    cause: Text = ""
    persons: list[Text] = Field(default=[], max_length=MOST_ERASED)

    def given(self) -> dict[str, list[str]]:
        """Return the fields as the parser of jobs takes them."""
        texts = self.model_dump(by_alias=True, exclude={"kind", "views", *SWITCHES, "persons"})
        given = {name: [text] for name, text in texts.items() if text}
        given |= {"views": self.views, "persons": self.persons}
        return given | {name: ["yes"] for name in SWITCHES if getattr(self, name)}


class Confirmed(BaseModel, extra="forbid"):
    """The confirmation of a job: the number that was counted."""

    count: int = Field(ge=0, le=2**53)


class JobCalls(routes.Routed, tags=["jobs"]):
    """Acts as the operator whose token the request has."""

    def __init__(self, jobs: Jobs, orders: Orders, job_control: JobControl, access: Access) -> None:
        self._jobs, self._orders, self._job_control, self._access = jobs, orders, job_control, access

    @routes.get("/jobs", summary="List jobs")
    def jobs(self, request: Request) -> JobList:
        """The newest first, fifty at most."""
        operator_of(request, self._access)
        return JobList(items=[item_of(each, self._job_control) for each in self._jobs.latest(50)])

    @routes.get("/jobs/{id}", summary="Show a job")
    def job(self, request: Request, id: JobId) -> JobItem:
        """Return the progress of a job."""
        operator_of(request, self._access)
        with _refusals_as_problems():
            return item_of(self._jobs.job(id), self._job_control)

    @routes.post("/jobs", summary="Request a job and have it counted", status_code=HTTPStatus.ACCEPTED)
    def ask(self, request: Request, response: Response, wanted: Wanted) -> JobItem:
        """The role jobs counts; look under its number how that stands. Nothing is done before it is confirmed."""
        who = operator_of(request, self._access)
        with _refusals_as_problems():
            order = self._orders.of(wanted.kind, wanted.given(), who)
            job = self._job_control.ask(order.kind, order.arguments, who.name)
        response.headers["Location"] = f"/jobs/{job.id}"
        return item_of(job, self._job_control)

    @routes.post("/jobs/{id}/confirm", summary="Start a counted job", status_code=HTTPStatus.ACCEPTED)
    def confirm(self, request: Request, id: JobId, confirmed: Confirmed) -> JobItem:
        """Confirm a counted job, which the role jobs then does. Any operator may; the count must still be right."""
        who = operator_of(request, self._access)
        with _refusals_as_problems():
            self._orders.check(self._jobs.job(id), who)
            return item_of(self._job_control.confirm(id, confirmed.count, who.name), self._job_control)

    @routes.post("/jobs/{id}/pause", summary="Pause a job after its present step")
    def pause(self, request: Request, id: JobId) -> JobItem:
        """Pause a job after its present step; any process may resume it."""
        operator_of(request, self._access)
        with _refusals_as_problems():
            return item_of(self._jobs.pause(id), self._job_control)

    @routes.post("/jobs/{id}/resume", summary="Resume a job")
    def resume(self, request: Request, id: JobId) -> JobItem:
        """The role jobs goes on with it: one that was paused, failed, or lost its process; or counts it anew."""
        operator_of(request, self._access)
        with _refusals_as_problems():
            return item_of(self._job_control.resume(id), self._job_control)

    @routes.post("/jobs/{id}/cancel", summary="Cancel a job")
    def cancel(self, request: Request, id: JobId) -> JobItem:
        """Cancel a job. Its effects so far stay; its leftovers are removed."""
        operator_of(request, self._access)
        with _refusals_as_problems():
            return item_of(self._job_control.cancel(id), self._job_control)


def operator_of(request: Request, access: Access) -> Principal:
    """Return who calls. Raises Problem (403) where that is no operator."""
    who = access.official(request)
    if not who.operator:
        raise Problem(HTTPStatus.FORBIDDEN, "only an operator may do that", kind="not-allowed")
    return who


def item_of(job: Job, job_control: JobControl) -> JobItem:
    """Return the job as everybody may see it."""
    plan = None
    if job.counted is not None:
        found, seconds = job.counted.plan, job_control.seconds(job.kind, job.counted)
        plan = JobPlan(what=found.what, count=found.count, unit=found.unit, seconds=round(seconds, 1))
    known = {name: getattr(job, name) for name in JobItem.model_fields if name not in ("plan", "worked", "note")}
    return JobItem(plan=plan, worked=round(job.worked.total_seconds(), 1), note=job_control.note(job), **known)


@contextmanager
def _refusals_as_problems() -> Iterator[None]:
    """Turn a command's refusal into a problem."""
    try:
        yield
    except BadOrder as bad:
        errors = [FieldError(field=bad.field, reason=bad.problem, code="bad_order")]
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(bad), errors) from None
    except (UnknownView, BadRange, BadTopic) as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, one_line(error)) from None
    except (UnknownJob, UnknownName, NotInForce) as error:
        raise Problem(HTTPStatus.NOT_FOUND, one_line(error), kind="unknown-name") from None
    except (Busy, ForgedJob, NotNow, Stale, UnknownKind, BadKeyFile) as error:
        raise Problem(HTTPStatus.CONFLICT, one_line(error), kind="not-now") from None
    except KafkaUnavailable as error:
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, one_line(error)) from None
