"""The forecast in a browser: the same figures as the command's, day by day and by channel."""

from datetime import timedelta
from pathlib import Path

from tests.app.pages.console.office import AIGERIM, office_in, signed_in
from tests.world import LONG_AGO, card, registered


def test_what_is_due_is_shown_by_day_and_channel(tmp_path: Path) -> None:
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
    world.control("channel", "sms", stopped=True)
    assert "2 are due" not in browser.get("/console/forecast?days=7").text
    office.world.close()
