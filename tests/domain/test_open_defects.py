"""What the domain does not keep yet: each of these fails, and moves to where it belongs when it holds."""

from typing import Any

import pytest

from domain.facts import NudgeDeferred, NudgeWithheld
from tests.domain.given import Desk, before, given, rules
from tests.domain.world import ERLAN, SAULE, annulment, at, paper, renewed


@pytest.mark.parametrize(("expires_on", "step", "more"), [
    ("9999-12-31", {"offset": "P1M"}, {}), ("0001-01-01", {"offset": "-P1M"}, {}),
    ("9999-12-15", {"offset": "P0D"}, {"expires": "P1M"}),
    ("9999-12-31", {"offset": "P0D"}, {"unless": [{"on": "school.queued", "grace": "P7D"}]}),
])  # fmt: skip
def test_months_and_graces_at_the_edge_stop_nothing(
    expires_on: str, step: dict[str, str], more: dict[str, Any]
) -> None:
    """Also by months, expiries and graces a paper without end keeps nobody from hearing about the others."""
    endless = paper(expires_on, event_id="endless", number="N2")
    ends = rules("paper.issued", {"end": {"from": "event.expires_on", **step}}, **more)
    assert paper().stream in {intent.cause for intent in given(paper(), endless).when(ends).plan.intents}


def test_back_after_cancelling_is_planned_again_for_the_guardian_who_still_waited() -> None:
    """One guardian's refusal does not keep the other from hearing when a cancelled nudge is back in the plan."""
    card = rules("paper.issued", {"month": before(30)}, unless=[{"on": "paper.renewed"}])
    done = renewed("2025-01-15")
    desk = Desk()
    desk.follow(given(paper()).when(card), "2025-01-10")
    desk.tell(
        "month",
        NudgeWithheld(at("2025-01-21 09:00"), SAULE, "opted_out"),
        NudgeDeferred(at("2025-01-21 09:00"), ERLAN, at("2025-01-22 09:00"), "quiet_hours"),
    )
    assert desk.follow(given(paper(), done).when(card), "2025-01-21 10:00") == ["cancelled month"]
    assert desk.follow(given(paper(), done, annulment(done)).when(card), "2025-01-21 11:00") == ["planned month"]
