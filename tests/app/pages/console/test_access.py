"""Who may be in the console: default deny."""

from pathlib import Path

import pytest

from tests.app.http.test_routes import FILLED, routes
from tests.app.http.wire import client_of, served
from tests.app.pages.console.office import HTML, office_in, signed_in

AUDITORS = ("/console/people", "/console/readings")


@pytest.mark.parametrize("who", ["saule", "adil"])
def test_who_is_no_operator_gets_403(tmp_path: Path, who: str) -> None:
    """An agency's author gets 403 on every page and for every form; an auditor only reads whose data was read."""
    office = office_in(tmp_path)
    browser = signed_in(office, who)
    walked = [(method, path) for method, path in routes(office.world.platform) if path.startswith("/console")]
    assert walked
    for method, path in walked:
        if who == "saule" or not path.startswith(AUDITORS):
            answer = browser.request(method, path.format(**FILLED), data={})
            assert answer.status_code == 403, (method, path)
    office.world.close()


def test_who_did_not_sign_in_is_led_there(tmp_path: Path) -> None:
    """A visitor is asked to sign in, and comes back to the page."""
    office = office_in(tmp_path)
    answer = client_of(served(office.world.platform), **HTML).get("/console")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fconsole")
    office.world.close()
