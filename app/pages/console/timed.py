"""The jobs of the schedule: their next run and how the last one ended; a button runs one now."""

import threading
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from app.http.problems import Problem
from app.http.routes import Routes
from app.pages import visits
from app.pages.catalogues import Speech
from app.pages.console.staff import Staff, command
from app.pages.visits import Form
from app.scheduled import DESTROYS, is_late, schedule_of
from domain.core.translatable import N_
from streams.runtime.schedule import BAD, Outcome, Run, Schedule, UnderWay
from streams.storage.errors import UNAVAILABLE_ERRORS

MOMENT_S = 1.0
"""So many seconds the page waits for a job to end, which most do at once."""
JOBS = {
    "cleanup": N_("Delete what is over"),
    "statistics": N_("Renew the statistics of the database"),
    "expiry": N_("Look whether certificates and keys expire"),
    "deposit": N_("Deposit the head of the log"),
    "verify": N_("Ask for an audit of the log"),
    "retire": N_("Destroy the keys of what is too old"),
}
OUTCOMES = {
    Outcome.RUNNING: (N_("At work"), "good"),
    Outcome.AGAIN: (N_("At work"), "good"),
    Outcome.DONE: (N_("Done"), "good"),
    Outcome.FAILED: (N_("Failed"), "bad"),
    Outcome.STOPPED: (N_("Goes on at the next start"), "note"),
    Outcome.RETRY: (N_("Its process is gone"), "bad"),
    Outcome.DIED: (N_("Its process is gone"), "bad"),
}


class SchedulePages:
    """The list, and the button."""

    def __init__(self, staff: Staff) -> None:
        self._staff = staff

    def routes(self) -> Routes:
        """Return the routes."""
        routes = Routes(response_class=HTMLResponse, include_in_schema=False)
        routes.add("/console/schedule", self.show, methods=["GET"])
        routes.add("/console/schedule/{job}/now", self.run_now, methods=["POST"])
        return routes

    def show(self, request: Request) -> Response:
        """List the jobs of the schedule."""
        who, frame = self._staff.operator(request)
        now = self._staff.now
        rows = [
            _row(each, frame.speech, late=is_late(each, now)) for each in schedule_of(self._staff.platform).runs()
        ]
        busy = request.query_params.get("busy", "") in JOBS
        return self._staff.show("schedule.html", frame, who, rows=rows, busy=busy)

    def run_now(self, request: Request, job: str, fields: Form) -> Response:
        """Run it now, in this process, beside the page."""
        self._staff.operator(request)
        visits.require_form(request, fields)
        if job not in JOBS or job == DESTROYS:
            raise Problem(HTTPStatus.NOT_FOUND, "no job of that name is begun here", kind="unknown-name")
        kept = schedule_of(self._staff.platform)
        try:
            kept.claim_now(job)
        except UnderWay:
            return self._staff.go(f"/schedule?busy={job}")
        thread = threading.Thread(target=_work, args=(kept, job), name=f"schedule-{job}", daemon=True)
        thread.start()
        thread.join(MOMENT_S)
        return self._staff.go("/schedule")


def _work(kept: Schedule, job: str) -> None:
    with suppress(*UNAVAILABLE_ERRORS):  # its row says how it ended, or the next start does
        kept.work_now(job, lambda: False)


def _row(run: Run, speech: Speech, *, late: bool) -> dict[str, Any]:
    state, kind = OUTCOMES.get(run.outcome, (N_("Never ran"), ""))
    failed = run.outcome in BAD
    return {
        "job": run.job,
        "title": speech.say(JOBS[run.job]),
        "next": speech.moment(run.next_at) if run.next_at is not None else "",
        "late": late,
        "last": speech.moment(run.started_at) if run.started_at is not None else "",
        "took": speech.lasting(run.took.total_seconds()) if run.took is not None else "",
        "state": (speech.say(state), kind),
        "why": speech.tell(run.words or run.error) if failed else "",
        "tongue": speech.spoken(run.words or run.error),
        "now": run.job != DESTROYS,
        "command": command("retire", "--plan") if run.job == DESTROYS else command("schedule", "--now", run.job),
    }
