"""Versions of triggers that two people of an agency publish in the midst of a campaign."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from domain.facts.submissions import Subject, Submission
from streams.rules.approval import Reference
from tests.beginnings import packs_in
from tests.kills.land import Land
from tests.streams.governors import approver, author

AGENCY, PACK = "interior", "kz"


class Change(NamedTuple):
    """What is written otherwise in a trigger; `to_pending`: also for the nudges that are planned already."""

    trigger: str
    before: str
    after: Callable[[int], str]
    to_pending: bool


CHANGES = (
    Change(
        "identity_card_expiry",
        "week: {from: event.expires_on, offset: -P7D,",
        lambda number: f"week: {{from: event.expires_on, offset: -P{8 + number % 20}D,",
        to_pending=True,
    ),
    Change(
        "traffic_fine_discount",
        "issued: {from: event.time, offset: PT1H}",
        lambda number: f"issued: {{from: event.time, offset: PT{61 + number}M}}",
        to_pending=False,
    ),
)


class Drafts:
    """Writes them one after the other; `published`: the trigger and the hash of each that was."""

    def __init__(self, land: Land) -> None:
        self._land, self._folder = land, land.folder / "drafts" / PACK
        self._governing = land.platform.rules.approval
        self.published: list[tuple[str, str]] = []

    def approved(self) -> tuple[Submission, bool]:
        """The next one, submitted by one and approved by another."""
        number = len(self.published)
        change = CHANGES[number % len(CHANGES)]
        wanted = [Subject("trigger", change.trigger)]
        packs = packs_in([self._written(change, number)])
        [done] = self._land.lasting(lambda: self._governing.submit(packs, wanted, author(AGENCY)))
        self._land.lasting(lambda: self._governing.approve(done.submission, approver(AGENCY)))
        return done.submission, change.to_pending

    def publish(self, approved: Submission, *, to_pending: bool) -> None:
        """Publish it, whatever is killed meanwhile."""
        wanted = [Reference(approved.about, approved.hash)]
        self._land.lasting(lambda: self._governing.publish(wanted, author(AGENCY), to_pending=to_pending))
        self.published.append((approved.about.name, approved.hash))

    def _written(self, change: Change, number: int) -> Path:
        [shipped] = [pack for pack in self._land.packs if pack.name == PACK]
        if not self._folder.exists():
            shutil.copytree(shipped, self._folder)
        words = (shipped / change.trigger / "trigger.yaml").read_text()
        assert change.before in words
        (self._folder / change.trigger / "trigger.yaml").write_text(
            words.replace(change.before, change.after(number))
        )
        return self._folder
