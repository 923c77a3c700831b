"""The role jobs: works at what others asked for, and goes on with what a dead process left."""

import asyncio
import socket
from contextlib import closing

import uvloop

from app.clock import Clock
from app.compose import compose
from app.http.role import ServedRole, serving_health
from app.jobs.job_threads import JobThreads
from app.roles.lifecycle import compose_when_available, on_sqlite, stop_event
from app.settings import Settings
from app.terminal import talk
from streams.runtime.scheduler import JOBS_EVERY
from streams.runtime.timetable import Task, Timetable


def work_at_jobs(settings: Settings, clock: Clock, health: socket.socket | None) -> None:
    """Work at jobs, until stopped; what is at work then is given back after its present step."""
    platform = (compose if on_sqlite(settings) else compose_when_available)(settings, clock)
    with closing(platform.database):
        workers = JobThreads(platform)
        with serving_health(ServedRole("jobs", platform), health):
            uvloop.run(_until_stopped(workers))


async def _until_stopped(workers: JobThreads) -> None:
    look = Task(lambda: asyncio.to_thread(workers.start_waiting), JOBS_EVERY, now=True)
    with stop_event() as stopped:
        talk("working at jobs; Ctrl-C stops")
        try:
            await Timetable().until({"jobs": look}, stopped)
        finally:
            await asyncio.to_thread(workers.stop)
