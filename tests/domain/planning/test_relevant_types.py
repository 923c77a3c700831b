"""The event types that may change what is planned of a trigger."""

from domain.planning.relevant_types import changing_types
from tests.domain.given import before, published, rulebook, rules
from tests.domain.world import death

CARD = rules("paper.issued", {"month": before(30)})
RENEWED = [{"on": "paper.renewed"}]


def test_what_any_version_reads_may_change_the_plan() -> None:
    """A nudge was planned by one version of its trigger, and the next plan may be by another."""
    book = rulebook(published(CARD), published({**CARD, "unless": RENEWED}, 2), published(CARD, 3, name="fee"))
    for_card, for_fee = changing_types("card", book), changing_types("fee", book)

    assert for_card is not None
    assert for_fee is not None
    assert {"paper.issued", "paper.renewed", death("2025-06-01").type} <= for_card
    assert "paper.renewed" not in for_fee
