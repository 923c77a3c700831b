"""A process that works at a job and kills itself (-9) in its n-th step: `python -m tests.app.killing ID N`.

In that step all is written that the step writes, but the job does not know yet.
"""

import os
import signal
import sys
from contextlib import closing

from app.clock import system_clock
from app.compose import compose
from app.job_kinds import work_of
from app.options import settings_of
from streams.jobs import Plan, Save, Step, Work
from streams.rebuild import Rebuilding

PAGE = 7
"""Facts of a page, so that a small log has many steps."""


class Killed:
    """The work, until its end."""

    def __init__(self, work: Work, steps: int) -> None:
        self.work, self.left = work, steps

    def plan(self) -> Plan:
        """As the work's."""
        return self.work.plan()

    def step(self, cursor: str, save: Save) -> Step:
        """As the work's; the last one is not told."""
        step = self.work.step(cursor, save)
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)
        return step

    def abandon(self) -> None:
        """As the work's."""
        self.work.abandon()


def main(id_: int, steps: int) -> None:
    """Work at the job."""
    platform = compose(settings_of(), system_clock, make=False)
    with closing(platform.database):
        work = work_of(platform, platform.jobs.job(id_))
        if isinstance(work, Rebuilding):
            work.page = PAGE
        platform.jobs.run(id_, Killed(work, steps), lambda _: None)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
