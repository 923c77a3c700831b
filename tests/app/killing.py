"""A process that works at a job and kills itself (-9) in its n-th step: `python -m tests.app.killing ID N`.

In that step all is written that the step writes, but the job does not know yet.
"""

import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from app.clock import system_clock
from app.compose import compose
from app.jobs.kinds import work_of
from app.settings import load_settings
from streams.queues.jobs import Plan, Save, Step, Work
from streams.replay.rebuild import ViewRebuild
from tests.beginnings import KEYRING
from tests.world import World

PAGE = 7
"""Facts of a page, so that a small log has many steps; a repair looks at one person in each."""


class Killed:
    """The work, until its end."""

    def __init__(self, work: Work, steps: int) -> None:
        self.work, self.left = work, steps

    def count(self, cursor: str) -> Step | Plan:
        """As the work's; the last one is not told."""
        found = self.work.count(cursor)
        self._end()
        return found

    def step(self, cursor: str, save: Save) -> Step:
        """As the work's; the last one is not told."""
        step = self.work.step(cursor, save)
        self._end()
        return step

    def _end(self) -> None:
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)

    def rest(self) -> None:
        """As the work's."""
        self.work.rest()

    def abandon(self) -> None:
        """As the work's."""
        self.work.abandon()


def write_key(folder: Path) -> Path:
    """Write a key file with the keys that worlds have, and return its path."""
    key = folder / "key"
    wrapping = {str(version): each.hex() for version, each in KEYRING.wrapping.items()}
    key.write_text(json.dumps({"names": KEYRING.names.hex(), "wrapping": wrapping}))
    key.chmod(0o600)
    return key


def killed(world: World, folder: Path, id_: int, step: int) -> None:
    """Work at the job of that world in a process of its own that is killed in that step."""
    key_file = str(write_key(folder))
    environment = os.environ | {"HABARSHY_DATABASE": world.platform.settings.database, "HABARSHY_KEY_FILE": key_file}
    command = [sys.executable, "-m", "tests.app.killing", str(id_), str(step)]
    done = subprocess.run(command, env=environment, check=False, capture_output=True)  # noqa: S603  (ourselves)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


def main(id_: int, steps: int) -> None:
    """Work at the job."""
    platform = compose(load_settings(), system_clock, make=False)
    with closing(platform.database):
        work = work_of(platform, platform.queues.jobs.job(id_))
        if isinstance(work, ViewRebuild):
            work.page = PAGE
        platform.replay.repair.batch = 1
        platform.queues.jobs.run(id_, Killed(work, steps), lambda _: None)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
