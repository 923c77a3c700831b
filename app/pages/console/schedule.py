"""The jobs of the schedule: their next run and how the last one ended; a button runs one now."""

from datetime import datetime
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from app.http import routes
from app.http.problems import Problem
from app.jobs.job_results import trouble
from app.pages.catalogues import Speech
from app.pages.console.job_words import DIFFERS
from app.pages.console.staff import ConsolePages, command_line
from app.pages.visits import Form
from app.scheduled import NEVER_BY_NAME, is_late, is_scheduler_alive, last_requested_jobs, schedule_of
from domain.core.translatable import N_, Said
from streams.runtime.schedule import BAD, UNDER_WAY, Run, RunOutcome, UnderWay

JOBS = {
    "cleanup": N_("Delete what has expired"),
    "statistics": N_("Renew the statistics of the database"),
    "expiry": N_("Look whether certificates and keys expire"),
    "deposit": N_("Deposit the head of the log"),
    "verify": N_("Ask for an audit of the log"),
    "sample": N_("Ask for a verification of a sample of people"),
    "retire": N_("Destroy the keys of data past its retention"),
}
OUTCOMES = {
    RunOutcome.RUNNING: (N_("At work"), "good"),
    RunOutcome.AGAIN: (N_("At work"), "good"),
    RunOutcome.DONE: (N_("Done"), "good"),
    RunOutcome.FAILED: (N_("Failed"), "bad"),
    RunOutcome.STOPPED: (N_("Goes on at the next start"), "note"),
    RunOutcome.RETRY: (N_("Its process is gone"), "bad"),
    RunOutcome.DIED: (N_("Its process is gone"), "bad"),
}


class SchedulePages(ConsolePages):
    """The list, and the button."""

    @routes.get("/console/schedule")
    def show(self, request: Request) -> Response:
        """List the jobs of the schedule."""
        _, frame = self._staff.operator(request)
        now = self._staff.now
        platform = self._staff.platform
        spoiled = {name for name, job in last_requested_jobs(platform).items() if trouble(job)}
        rows = [
            _row(each, frame.speech, now, late=is_late(each, now), spoiled=each.job in spoiled)
            for each in schedule_of(platform).runs()
        ]
        asked = request.query_params
        return self._staff.show(
            "schedule.html",
            frame,
            rows=rows,
            busy=asked.get("busy", "") in JOBS,
            asked=asked.get("asked", "") in JOBS,
            kept=is_scheduler_alive(self._staff.platform),
            keeper=command_line("run" if self._staff.platform.database.sqlite else "worker"),
        )

    @routes.post("/console/schedule/{job}/now")
    def run_now(self, request: Request, job: str, fields: Form) -> Response:
        """Have a job run now, by the process that keeps the schedule."""
        self._staff.operator(request, fields)
        if job not in JOBS or job == NEVER_BY_NAME:
            raise Problem(HTTPStatus.NOT_FOUND, Said("no job of that name is begun here"), kind="unknown-name")
        try:
            schedule_of(self._staff.platform).ask(job)
        except UnderWay:
            return self._staff.go(f"/schedule?busy={job}")
        return self._staff.go(f"/schedule?asked={job}")


def _row(run: Run, speech: Speech, now: datetime, *, late: bool, spoiled: bool) -> dict[str, Any]:
    """Describe a job. `spoiled`: the job that it asked for found that not all is as it should be."""
    state, kind = DIFFERS if spoiled else OUTCOMES.get(run.outcome, (N_("Never ran"), ""))
    failed = run.outcome in BAD
    return {
        "job": run.job,
        "title": speech.say(JOBS[run.job]),
        "next": speech.moment(run.next_at) if run.next_at is not None else "",
        "late": late,
        "due": run.next_at is not None and run.next_at <= now and run.outcome not in UNDER_WAY,
        "last": speech.moment(run.started_at) if run.started_at is not None else "",
        "took": speech.duration(run.took.total_seconds()) if run.took is not None else "",
        "state": (speech.say(state), kind),
        "why": speech.tell(run.words or run.error) if failed else "",
        "tongue": speech.language_of(run.words or run.error),
        "now": run.job != NEVER_BY_NAME,
        "command": command_line("retire", "--plan")
        if run.job == NEVER_BY_NAME
        else command_line("schedule", "--now", run.job),
    }
