"""Refusals of those who govern over the API: what does not go now is a conflict in words, and never a defect."""

from pathlib import Path

import pytest

from app.http.problems import Problem
from app.http.rule_refusals import refusals_as_problems
from app.identity.principals import add
from domain.facts.submissions import Subject
from streams.rules.approval import Reference
from streams.rules.publishing import BreaksVersions
from templates.reading.catalogue import NoDefaults
from tests.app.http.wire import client_of, served
from tests.beginnings import packs_in
from tests.streams.governors import approved, approver, author, publish
from tests.streams.rules.test_library import UNTIMED
from tests.templates.packs import METER, RULES, SEALED, write_town
from tests.world import World

CHECK, WATER = "meter_check", "water"


def test_a_pack_without_what_a_trigger_reads_is_a_conflict(tmp_path: Path) -> None:
    """Publishing it answers 409 with the trigger and what it reads; nothing is published."""
    town = World(tmp_path, packs=[write_town(tmp_path / "town", *UNTIMED)])
    reads = write_town(tmp_path / "reads", *UNTIMED, (RULES, "when: event.fee > 0", "when: event.sealed"))
    approved(town, [reads], CHECK, WATER)
    publish(town, CHECK, WATER)
    without = write_town(tmp_path / "without", *UNTIMED, (METER, SEALED, ""))
    governing = town.platform.rules.approval
    [done] = governing.submit(packs_in([without]), [Subject("pack", "town")], author(WATER))
    governing.approve(done.submission, approver(WATER))
    token = add(town.platform.settings.principals, author(WATER))
    office = client_of(served(town.platform), authorization=f"Bearer {token}")
    refused = office.post(f"/submissions/pack:town/{done.submission.hash}/publish", json={})
    assert (refused.status_code, refused.headers["content-type"]) == (409, "application/problem+json")
    assert refused.json()["type"] == "urn:habarshy:problem:not-now"
    assert "event.sealed" in refused.json()["detail"]
    assert governing.governed().packs["town"].hash != done.submission.hash
    town.close()


def test_only_the_whole_hash_decides_about_a_version(tmp_path: Path) -> None:
    """A part of a hash may fit two versions, so by it nothing is approved and nothing is refused."""
    town = World(tmp_path, packs=[write_town(tmp_path / "town", *UNTIMED)])
    next_one = write_town(tmp_path / "next", *UNTIMED, (METER, SEALED, ""))
    governing, pack = town.platform.rules.approval, Subject("pack", "town")
    [done] = governing.submit(packs_in([next_one]), [pack], author(WATER))
    office = client_of(
        served(town.platform),
        authorization=f"Bearer {add(town.platform.settings.principals, approver(WATER))}",
    )
    begins = f"/submissions/{pack}/{done.submission.hash[:63]}"
    for what, body in (("approve", {}), ("refuse", {"reason": "the fee is wrong"})):
        assert office.post(f"{begins}/{what}", json=body).status_code == 422, what
    assert governing.find(Reference(pack), approver(WATER)).state == "submitted"
    town.close()


@pytest.mark.parametrize("refusal", [BreaksVersions("card", "no such field"), NoDefaults()])
def test_what_packs_lack_is_a_conflict(refusal: Exception) -> None:
    """What the published packs would lack is told as a conflict, to the API and the workbench alike."""
    with pytest.raises(Problem) as problem, refusals_as_problems():
        raise refusal
    assert problem.value.status == 409
