"""Jobs over the API, for operators: what one would do, begin it, see how it stands, pause, go on, cancel."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from pydantic import BaseModel, Field

from app.hands import Hands
from app.http.access import Access
from app.http.problems import FieldError, Problem
from app.http.shapes import JobItem, JobList
from app.job_kinds import UnknownKind
from app.keyfile import BadKeyFile
from app.orders import BadOrder, Order, Orders
from app.replaying import UnknownView
from domain.principals import Principal
from streams.backfilling import NotInForce
from streams.job_book import Jobs
from streams.jobs import Busy, Job, NotNow, UnknownJob
from streams.republish import BadRange, BadTopic
from streams.switches import UnknownName
from streams.topics import KafkaUnavailable
from streams.walking import NothingToDo

JobId = Annotated[int, InPath(ge=1, le=2**31)]
Text = Annotated[str, Field(max_length=100, pattern=r"^[^\x00]*$")]


class Wanted(BaseModel, extra="forbid"):
    """A job that is asked for; which fields count depends on its kind, as with the command of the same name."""

    kind: Literal[
        "replay views", "replay verify", "replay kafka", "audit verify", "repair", "repair-failed", "backfill"
    ]
    views: list[Text] = Field(default=[], max_length=20)
    from_: Text = Field(default="", alias="from")
    to: Text = ""
    trigger: Text = ""
    area: Text = ""
    provider: Text = ""
    channel: Text = ""
    since: Text = ""
    also_overdue: bool = False

    def given(self) -> dict[str, list[str]]:
        """As orders are read."""
        texts = self.model_dump(by_alias=True, exclude={"kind", "views", "also_overdue"})
        given = {name: [text] for name, text in texts.items() if text}
        return given | {"views": self.views} | ({"also_overdue": ["yes"]} if self.also_overdue else {})


class JobPlan(BaseModel):
    """What a job would do, and with how many; `seconds`: about how long it takes."""

    what: str
    count: int
    unit: str
    seconds: float


class JobCalls:
    """Acts as the operator whose token the request has."""

    def __init__(self, jobs: Jobs, orders: Orders, hands: Hands, access: Access) -> None:
        self._jobs, self._orders, self._hands, self._access = jobs, orders, hands, access

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter(tags=["jobs"])
        for path, call, method, summary in (
            ("/jobs", self.jobs, "GET", "Long work over history"),
            ("/jobs", self.begin, "POST", "Begin a job"),
            ("/jobs/plan", self.plan, "POST", "What a job would do"),
            ("/jobs/{id}", self.job, "GET", "How a job stands"),
            ("/jobs/{id}/pause", self.pause, "POST", "Have a job stop after its present step"),
            ("/jobs/{id}/resume", self.resume, "POST", "Go on with a job"),
            ("/jobs/{id}/cancel", self.cancel, "POST", "End a job for good"),
        ):
            status = HTTPStatus.ACCEPTED if (path, method) == ("/jobs", "POST") else HTTPStatus.OK
            router.add_api_route(path, call, methods=[method], summary=summary, status_code=status)
        return router

    def jobs(self, request: Request) -> JobList:
        """The newest first, fifty at most."""
        self._operator(request)
        return JobList(items=[_job(each) for each in self._jobs.latest(50)])

    def job(self, request: Request, id: JobId) -> JobItem:  # noqa: A002  (its name)
        """How far it has come."""
        self._operator(request)
        with _told():
            return _job(self._jobs.job(id))

    def plan(self, request: Request, wanted: Wanted) -> JobPlan:
        """Nothing is changed."""
        who = self._operator(request)
        with _told():
            order = self._order(wanted, who)
            plan = self._hands.plan(order.kind, order.arguments)
        seconds = self._hands.seconds(order.kind, plan)
        return JobPlan(what=plan.what, count=plan.count, unit=plan.unit, seconds=round(seconds, 1))

    def begin(self, request: Request, wanted: Wanted) -> JobItem:
        """The server works at it; look how it stands under its number."""
        who = self._operator(request)
        with _told():
            order = self._order(wanted, who)
            plan = self._hands.plan(order.kind, order.arguments)
            return _job(self._hands.begin(order.kind, order.arguments, plan, who.name))

    def pause(self, request: Request, id: JobId) -> JobItem:  # noqa: A002  (its name)
        """Anybody may go on with it."""
        self._operator(request)
        with _told():
            return _job(self._jobs.pause(id))

    def resume(self, request: Request, id: JobId) -> JobItem:  # noqa: A002  (its name)
        """The server goes on with it: one that was paused, failed, or lost its process."""
        self._operator(request)
        with _told():
            return _job(self._hands.go_on(id))

    def cancel(self, request: Request, id: JobId) -> JobItem:  # noqa: A002  (its name)
        """What it did stays done; what it left behind goes."""
        self._operator(request)
        with _told():
            return _job(self._hands.cancel(id))

    def _order(self, wanted: Wanted, who: Principal) -> Order:
        return self._orders.of(wanted.kind, wanted.given(), who)

    def _operator(self, request: Request) -> Principal:
        who = self._access.official(request)
        if not who.operator:
            raise Problem(HTTPStatus.FORBIDDEN, "only an operator may do that", kind="not-allowed")
        return who


@contextmanager
def _told() -> Iterator[None]:
    """What a command would say, as a problem."""
    try:
        yield
    except BadOrder as bad:
        errors = [FieldError(field=bad.field, reason=bad.problem, code="bad_order")]
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(bad), errors) from None
    except (UnknownView, BadRange, BadTopic) as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, _one_line(error)) from None
    except (UnknownJob, UnknownName, NotInForce) as error:
        raise Problem(HTTPStatus.NOT_FOUND, _one_line(error), kind="unknown-name") from None
    except (Busy, NotNow, NothingToDo, UnknownKind, BadKeyFile) as error:
        raise Problem(HTTPStatus.CONFLICT, _one_line(error), kind="not-now") from None
    except KafkaUnavailable as error:
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, _one_line(error)) from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _job(job: Job) -> JobItem:
    return JobItem.model_validate({name: getattr(job, name) for name in JobItem.model_fields})
