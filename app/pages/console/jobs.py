"""Jobs from a browser: plan, count, type the name, and a job with a number goes; pause, go on, cancel."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, Response
from msgspec import Struct

from app.hands import Hands
from app.http.problems import Problem
from app.job_kinds import UnknownKind
from app.keyfile import BadKeyFile
from app.orders import BadOrder, Order, Orders
from app.pages import visits
from app.pages.console.job_words import KINDS, UNITS, told
from app.pages.console.staff import Fields, Staff, command, length, one
from app.pages.layout import Frame
from app.pages.life import CHANNELS, shown
from app.replaying import VIEWS, UnknownView
from domain.principals import NotAllowed, Principal
from streams.backfilling import NotInForce
from streams.jobs import ENDED, Busy, Job, NotNow, Plan, State, UnknownJob
from streams.republish import BadRange, BadTopic
from streams.switches import UnknownName
from streams.topics import KafkaUnavailable
from streams.walking import NothingToDo

REFUSED = (
    Busy, NothingToDo, UnknownView, UnknownName, NotAllowed, NotInForce, BadRange, BadTopic, KafkaUnavailable,
    BadKeyFile,
)  # fmt: skip
"""Why there is no plan; their words say what to do."""
HELP = {"repair-failed": "repair", "replay verify": "replay"}
FIELDS = ("views", "from", "to", "trigger", "area", "provider", "channel", "since", "also_overdue")


class Draft(Struct, frozen=True):
    """What was asked for, and what a job would do about it; or why not."""

    order: Order | None = None
    plan: Plan | None = None
    wrong: Mapping[str, str] = {}


class JobPages:
    """The list, one job, and the way to a new one."""

    def __init__(self, staff: Staff, hands: Hands) -> None:
        self._staff, self._hands, self._jobs = staff, hands, staff.platform.jobs
        self._orders = Orders(staff.platform)

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)
        for path, call, method in (
            ("", self.list_jobs, "GET"), ("/new", self.new, "GET"), ("/plan", self.plan, "GET"),
            ("/start", self.start, "POST"), ("/{id}", self.job, "GET"), ("/{id}/pause", self.pause, "POST"),
            ("/{id}/resume", self.resume, "POST"), ("/{id}/cancel", self.cancel, "POST"),
        ):  # fmt: skip
            router.add_api_route(f"/console/jobs{path}", call, methods=[method])
        return router

    def list_jobs(self, request: Request) -> Response:
        """The latest, and what may be begun."""
        who, frame = self._staff.operator(request)
        rows = [self._row(each, frame) for each in self._jobs.latest(20)]
        kinds = [(kind, *map(frame.speech.say, KINDS[kind])) for kind in self._orders.kinds]
        return self._staff.show("jobs.html", frame, who, jobs=rows, kinds=kinds)

    def new(self, request: Request) -> Response:
        """The form of a kind."""
        who, frame = self._staff.operator(request)
        return self._form(who, frame, request.query_params.get("kind", ""), _given(request), {})

    def _form(
        self, who: Principal, frame: Frame, kind: str, given: Fields, wrong: Mapping[str, str]
    ) -> Response:  # fmt: skip
        if kind not in KINDS:
            raise Problem(HTTPStatus.NOT_FOUND, "there is no such kind of job", kind="unknown-name")
        governed = self._staff.platform.library.rules().governed
        title, about = map(frame.speech.say, KINDS[kind])
        return self._staff.show(
            "job_new.html", frame, who, HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK, kind=kind,
            title=title, about=about, views=list(VIEWS), errors=wrong, given=given,
            triggers=_twice({each.fact.trigger for each in governed.publications if not each.withdrawn}),
            channels=[(each, shown(CHANNELS, each, frame.speech)) for each in CHANNELS],
            providers=_twice(self._staff.platform.settings.providers),
            zone=frame.speech.zone.key, command=command(*HELP.get(kind, kind).split(), "--help"),
        )  # fmt: skip

    def plan(self, request: Request) -> Response:
        """What it would do, and with how many; nothing is changed."""
        who, frame = self._staff.operator(request)
        kind, given = request.query_params.get("kind", ""), _given(request)
        draft = self._draft(kind, given, who)
        if draft.order is None or draft.plan is None:
            return self._form(who, frame, kind, given, draft.wrong)
        return self._plan(who, frame, given, draft, {})

    def _draft(self, kind: str, given: Fields, who: Principal) -> Draft:
        try:
            order = self._orders.of(kind, given, who)
            return Draft(order, self._hands.plan(kind, order.arguments))
        except BadOrder as bad:
            return Draft(wrong={bad.field: str(bad)})
        except REFUSED as refused:
            return Draft(wrong={"kind": " ".join(str(refused).split())})

    def _plan(
        self, who: Principal, frame: Frame, given: Fields, draft: Draft, wrong: Mapping[str, str]
    ) -> Response:  # fmt: skip
        assert draft.order is not None
        assert draft.plan is not None
        kind, speech = draft.order.kind, frame.speech
        asked = urlencode([("kind", kind), *((name, each) for name in given for each in given[name])])
        return self._staff.show(
            "job_plan.html", frame, who, HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK, kind=kind,
            title=speech.say(KINDS[kind][0]), given=given, back=f"{self._staff.pages.root}/console/jobs/new?{asked}",
            plan=draft.plan, unit=shown(UNITS, draft.plan.unit, speech),
            count=speech.number(draft.plan.count), errors=wrong, command=command(*draft.order.words),
            time=length(self._hands.seconds(kind, draft.plan), speech),
        )  # fmt: skip

    async def start(self, request: Request) -> Response:
        """Begin it, if its name was typed."""
        who, frame = self._staff.operator(request)
        fields = await visits.form_of(request)
        return await run_in_threadpool(self._start, who, frame, fields)

    def _start(self, who: Principal, frame: Frame, fields: Fields) -> Response:
        kind, given = one(fields, "kind"), {name: fields[name] for name in FIELDS if name in fields}
        draft = self._draft(kind, given, who)
        if draft.order is None or draft.plan is None:
            return self._form(who, frame, kind, given, draft.wrong)
        if one(fields, "name") != kind:
            wrong = {"name": frame.speech.say("Type the name {name}").format(name=kind)}
            return self._plan(who, frame, given, draft, wrong)
        try:
            job = self._hands.begin(kind, draft.order.arguments, draft.plan, who.name)
        except Busy as busy:
            return self._form(who, frame, kind, given, {"kind": str(busy)})
        return self._staff.go(f"/jobs/{job.id}")

    def job(self, request: Request) -> Response:
        """How one stands."""
        who, frame = self._staff.operator(request)
        return self._show(who, frame, self._asked(request), {})

    def _show(self, who: Principal, frame: Frame, job: Job, wrong: Mapping[str, str]) -> Response:
        alone = self._jobs.is_alone(job)
        may = {
            "pause": job.state in (State.PLANNED, State.RUNNING) and not alone,
            "resume": alone or job.state in (State.PAUSED, State.FAILED, State.PLANNED),
            "cancel": job.state not in ENDED,
        }  # fmt: skip
        return self._staff.show(
            "job.html", frame, who, HTTPStatus.CONFLICT if wrong else HTTPStatus.OK, job=self._row(job, frame),
            may=may, errors=wrong, commands={name: command("jobs", name, job.id) for name in (*may, "show")},
        )  # fmt: skip

    async def pause(self, request: Request) -> Response:
        """Have it stop after its present step."""
        return await self._do(request, "pause")

    async def resume(self, request: Request) -> Response:
        """Go on with it, here."""
        return await self._do(request, "resume")

    async def cancel(self, request: Request) -> Response:
        """End it for good, if its number was typed."""
        return await self._do(request, "cancel")

    async def _do(self, request: Request, what: str) -> Response:
        who, frame = self._staff.operator(request)
        fields = await visits.form_of(request)
        return await run_in_threadpool(self._done, who, frame, self._asked(request), what, one(fields, "number"))

    def _done(self, who: Principal, frame: Frame, job: Job, what: str, number: str) -> Response:
        if what == "cancel" and number != str(job.id):
            wrong = frame.speech.say("Type the number {count}").format(count=job.id)
            return self._show(who, frame, job, {"number": wrong})
        calls = {"pause": self._jobs.pause, "resume": self._hands.go_on, "cancel": self._hands.cancel}
        try:
            calls[what](job.id)
        except (Busy, NotNow, UnknownKind) as refused:
            return self._show(who, frame, self._jobs.job(job.id), {"main": str(refused)})
        return self._staff.go(f"/jobs/{job.id}")

    def _asked(self, request: Request) -> Job:
        id_ = request.path_params["id"]
        try:
            return self._jobs.job(int(id_) if id_.isdecimal() and len(id_) < 10 else 0)  # noqa: PLR2004  (digits)
        except UnknownJob as unknown:
            raise Problem(HTTPStatus.NOT_FOUND, str(unknown), kind="unknown-name") from None

    def _row(self, job: Job, frame: Frame) -> dict[str, Any]:
        return told(job, frame.speech, alone=self._jobs.is_alone(job))


def _twice(names: Iterable[str]) -> list[tuple[str, str]]:
    """What is shown as it is called."""
    return [(name, name) for name in sorted(names)]


def _given(request: Request) -> Fields:
    return {name: request.query_params.getlist(name) for name in FIELDS if name in request.query_params}
