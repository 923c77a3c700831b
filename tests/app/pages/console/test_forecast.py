"""The forecast in a browser: the same figures as the command's, day by day and by channel."""

import re
from datetime import datetime, timedelta
from pathlib import Path

from tests.app.pages.console.office import AIGERIM, office_in, signed_in
from tests.world import LONG_AGO, card, few_triggers, registered


async def test_what_is_due_is_shown_by_day_and_channel(tmp_path: Path) -> None:
    """Each channel has its chart with the figures as a table; what a switch holds back is said and not counted."""
    office = office_in(tmp_path)
    world = office.world
    world.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-07-20"))
    world.plan()
    browser = signed_in(office, "olga")
    page = browser.get("/console/forecast?days=30").text
    found = world.platform.queries.forecast.forecast(timedelta(days=30)).forecast
    assert found.due == 1
    assert "Due: 1; messages that would go: 1." in page
    assert "<td>20 June 2025</td>" in page
    assert "habarshy forecast --days 30" in page
    world.control("trigger", "identity_card_expiry", stopped=True)
    await world.settle(datetime.fromisoformat("2025-06-20T12:00+05:00"))
    page = signed_in(office, "olga").get("/console/forecast?days=7").text
    assert "Due: 0; messages that would go: 0." in page
    assert "Held back by what is stopped, and not counted: 1." in page
    office.world.close()


def test_whose_messages_they_are_and_what_they_cost_is_shown(tmp_path: Path) -> None:
    """Whoever answers for a budget sees each agency's messages, parts and cost, and the busiest hour."""
    office = office_in(tmp_path)
    office.world.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-07-20"))
    office.world.plan()
    page = signed_in(office, "olga").get("/console/forecast").text
    assert "SMS, messages a day: 1 message<" in page
    for name, value in (
        ("Busiest hour", "20 June 2025, 09:00 – 1"),
        ("Parts of SMS", "2"),
        ("Cost of SMS", "20\u00a0₸"),
    ):
        assert f"<dt>{name}</dt><dd>{value}</dd>" in page
    [row] = re.findall(r'<th scope="row"[^>]*>Ministry of Internal Affairs</th>(.*?)</tr>', page)
    assert re.findall("<span>(.*?)</span>", row) == ["1", "2", "20\u00a0₸"]
    office.world.close()


def test_without_a_price_nothing_is_said_to_cost_nothing(tmp_path: Path) -> None:
    """Where no pack says what a part of an SMS costs, there is a dash."""
    pack = few_triggers(tmp_path)
    lines = (pack / "pack.yaml").read_text().splitlines()
    (pack / "pack.yaml").unlink()  # it is a link to the shipped one
    (pack / "pack.yaml").write_text("\n".join(line for line in lines if "sms_price" not in line))
    office = office_in(tmp_path, packs=[pack])
    office.world.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-07-20"))
    office.world.plan()
    page = signed_in(office, "olga").get("/console/forecast").text
    assert "<dt>Cost of SMS</dt><dd>–</dd>" in page
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
