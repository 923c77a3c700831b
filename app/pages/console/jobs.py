"""Jobs from a browser: how each stands; confirm one that was counted by its name; pause, go on, cancel."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import Response

from app.http import routes
from app.http.problems import Problem
from app.identity.key_file import BadKeyFile
from app.jobs.job_command_line import command_of, given_of
from app.jobs.job_threads import JobControl
from app.jobs.kinds import UnknownKind
from app.jobs.requests import Orders
from app.pages.console.job_words import KINDS, UNITS, job_in_words
from app.pages.console.staff import ConsolePages, Staff, command_line, short_field
from app.pages.layout import Frame
from app.pages.life import word_for
from app.pages.visits import Fields, Form
from app.pages.whole_numbers import OF_A_POSITION, whole_number
from domain.core.translatable import text_of
from domain.facts.principals import NotAllowed
from streams.queues.jobs import AT_WORK, ENDED, Busy, ForgedJob, Job, JobState, NotNow, Stale, UnknownJob
from streams.replay.backfill import NotInForce

REFUSED = (Busy, ForgedJob, NotNow, Stale, UnknownKind, BadKeyFile, NotAllowed, NotInForce)
"""Errors by which a job is not resumed; their words say what to do."""


class JobPages(ConsolePages):
    """The list, and one job."""

    def __init__(self, staff: Staff, job_control: JobControl) -> None:
        super().__init__(staff)
        self._job_control, self._jobs = job_control, staff.platform.queues.jobs
        self._orders = Orders(staff.platform)

    @routes.get("/console/jobs")
    def list_jobs(self, request: Request) -> Response:
        """List the latest jobs, and the kinds that may be begun."""
        _, frame = self._staff.operator(request)
        rows = [self._row(each, frame) for each in self._jobs.latest(20)]
        kinds = [(kind, *map(frame.speech.say, KINDS[kind])) for kind in self._orders.kinds]
        return self._staff.show("jobs.html", frame, jobs=rows, kinds=kinds)

    @routes.get("/console/jobs/{id}")
    def job(self, request: Request) -> Response:
        """Show the state of one job."""
        _, frame = self._staff.operator(request)
        return self._show(frame, self._asked(request), {})

    def _show(self, frame: Frame, job: Job, wrong: Mapping[str, str]) -> Response:
        alone = self._jobs.has_lost_process(job)
        may = {
            "pause": job.state in (JobState.PLANNED, *AT_WORK) and not alone,
            "resume": alone or job.state in (JobState.PAUSED, JobState.FAILED, JobState.PLANNED, JobState.COUNTED),
            "cancel": job.state not in ENDED,
        }
        names = (*may, "confirm", "show")
        return self._staff.show(
            "job.html",
            frame,
            HTTPStatus.CONFLICT if wrong else HTTPStatus.OK,
            job=self._row(job, frame),
            may=may,
            errors=wrong,
            commands={name: command_line("jobs", name, job.id) for name in names},
            plan=self._counted(job, frame),
            again=urlencode({"kind": job.kind} | given_of(job.kind, job.arguments), doseq=True),
            wish=command_line(*words) if (words := command_of(job.kind, job.arguments)) else "",
        )

    def _counted(self, job: Job, frame: Frame) -> dict[str, Any] | None:
        """Describe the plan that waits for confirmation; None where none does."""
        if job.counted is None:
            return None
        plan, speech = job.counted.plan, frame.speech
        return {
            "what": speech.tell(plan.what),
            "seen": plan.count,
            "count": speech.number(plan.count),
            "unit": word_for(UNITS, plan.unit, speech),
            "time": speech.duration(self._job_control.seconds(job.kind, job.counted)),
        }

    @routes.post("/console/jobs/{id}/confirm")
    def confirm(self, request: Request, fields: Form) -> Response:
        """Start a counted job, if its name was typed."""
        who, frame = self._staff.operator(request, fields)
        job = self._asked(request)
        if short_field(fields, "name") != job.kind:
            wrong = frame.speech.say("Type the name {name}").format(name=job.kind)
            return self._show(frame, job, {"name": wrong})
        seen = short_field(fields, "count")
        try:
            self._orders.check(job, who)
            self._job_control.confirm(job.id, whole_number(seen, OF_A_POSITION), who.name)
        except REFUSED as refused:
            return self._show(frame, self._jobs.job(job.id), {"main": frame.speech.tell(text_of(refused))})
        return self._staff.go(f"/jobs/{job.id}")

    @routes.post("/console/jobs/{id}/pause")
    def pause(self, request: Request, fields: Form) -> Response:
        """Pause a job after its present step."""
        return self._do(request, fields, "pause")

    @routes.post("/console/jobs/{id}/resume")
    def resume(self, request: Request, fields: Form) -> Response:
        """Resume a job."""
        return self._do(request, fields, "resume")

    @routes.post("/console/jobs/{id}/cancel")
    def cancel(self, request: Request, fields: Form) -> Response:
        """Cancel a job for good, if its number was typed."""
        return self._do(request, fields, "cancel")

    def _do(self, request: Request, fields: Fields, what: str) -> Response:
        _, frame = self._staff.operator(request, fields)
        job = self._asked(request)
        if what == "cancel" and short_field(fields, "number") != str(job.id):
            wrong = frame.speech.say("Type the number {count}").format(count=job.id)
            return self._show(frame, job, {"number": wrong})
        calls = {"pause": self._jobs.pause, "resume": self._job_control.resume, "cancel": self._job_control.cancel}
        try:
            calls[what](job.id)
        except REFUSED as refused:
            return self._show(frame, self._jobs.job(job.id), {"main": frame.speech.tell(text_of(refused))})
        return self._staff.go(f"/jobs/{job.id}")

    def _asked(self, request: Request) -> Job:
        id_ = request.path_params["id"]
        try:
            return self._jobs.job(whole_number(id_))
        except UnknownJob as unknown:
            raise Problem(HTTPStatus.NOT_FOUND, text_of(unknown), kind="unknown-name") from None

    def _row(self, job: Job, frame: Frame) -> dict[str, Any]:
        alone, unattended = self._jobs.has_lost_process(job), bool(self._job_control.note(job))
        return job_in_words(job, frame.speech, alone=alone, unattended=unattended)
