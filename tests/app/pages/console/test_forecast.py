"""The forecast in a browser: the same figures as the command's, day by day and by channel."""

from datetime import datetime, timedelta
from pathlib import Path

from tests.app.pages.console.office import AIGERIM, office_in, signed_in
from tests.world import LONG_AGO, card, registered


async def test_what_is_due_is_shown_by_day_and_channel(tmp_path: Path) -> None:
    """Each channel has its chart with the figures as a table; what a switch holds back is said and not counted."""
    office = office_in(tmp_path)
    world = office.world
    world.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-07-20"))
    world.plan()
    browser = signed_in(office, "olga")
    page = browser.get("/console/forecast?days=30").text
    found = world.platform.forecasting.forecast(timedelta(days=30)).forecast
    assert (found.due, f"{found.due} are due") == (1, "1 are due")
    assert "1 are due; 1 messages would go." in page
    assert "<td>2025-06-20</td>" in page
    assert "habarshy forecast --days 30" in page
    world.control("trigger", "identity_card_expiry", stopped=True)
    await world.settle(datetime.fromisoformat("2025-06-20T12:00+05:00"))
    page = signed_in(office, "olga").get("/console/forecast?days=7").text
    assert "0 are due; 0 messages would go." in page
    assert "Held back by switches, and not counted: 1." in page
    office.world.close()


def test_what_will_be_over_is_said_to_be(tmp_path: Path) -> None:
    """Nobody sent what is due in time: that it is over now is why it does not go, and it had been planned."""
    office = office_in(tmp_path)
    world = office.world
    world.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-07-20"))
    world.plan()
    world.at("2025-09-01T12:00+05:00")
    page = signed_in(office, "olga").get("/console/forecast").text
    assert "no longer useful, not sent" in page
    assert "before it could be planned" not in page
    office.world.close()
