"""Long work in a campaign: verifications, which the role jobs does on Dask workers, both of whom die now and then."""

from collections.abc import Sequence

import msgspec

from streams.queues.jobs import Job, JobState, Plan
from streams.replay.verify import Verified
from streams.storage.leadership import Lane
from tests.kills.land import PATIENCE, Land
from tests.streams.distributed import eventually

KIND = "replay verify"
ALL = 10_000


class LongWork:
    """Asks for one verification after another, and goes on with those that failed with their database."""

    def __init__(self, land: Land) -> None:
        self._land, self._jobs = land, land.platform.queues.jobs

    def go_on(self) -> None:
        """See to it that one is at work, or waits for the role."""
        self._land.lasting(self._go_on)

    def _go_on(self) -> None:
        last = next(iter(self._all()), None)
        if last is None or last.state is JobState.DONE:
            self._jobs.add(KIND, Lane.VIEWS, {}, Plan("verify", 1, "facts", 1.0), "somebody", waits=True)
        elif last.state is JobState.FAILED:
            self._jobs.hand_over(last.id)

    def end(self) -> None:
        """Wait until the last one is done, and then for one more."""
        for _ in range(2):
            self.go_on()
            eventually(self._ended, PATIENCE)

    def _ended(self) -> bool:
        self._land.lasting(self._resumed)
        return self.all()[0].state is JobState.DONE

    def _resumed(self) -> None:
        last = self._all()[0]
        if last.state is JobState.FAILED:
            self._jobs.hand_over(last.id)

    def all(self) -> Sequence[Job]:
        """All of them, the last one first."""
        return self._land.lasting(self._all)

    def _all(self) -> Sequence[Job]:
        """As `all`, without the audits that the schedule asks for."""
        return [job for job in self._jobs.latest(ALL) if job.kind == KIND]

    def found(self) -> Verified:
        """What the last one found."""
        return msgspec.json.decode(self.all()[0].words, type=Verified)
