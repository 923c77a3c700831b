"""A button leads to the page of its service, or there is none."""

from pathlib import Path

import pytest

from templates.checks.link_check import is_front_page
from templates.checks.loader import examine, load_packs, shipped
from tests.templates.packs import RULES, write_town


def test_no_shipped_button_leads_to_a_front_page() -> None:
    """Every action of every shipped trigger has a page of its own behind it, and each service has, or no link."""
    for pack in load_packs(list(shipped())):
        services = (pack.content.get("services") or {}).get("services", ())
        urls = [each["link"] for each in services if "link" in each]
        for trigger in pack.triggers:
            urls += [each["url"] for each in trigger.rules.get("actions", ()) if "url" in each]
        assert [each for each in urls if is_front_page(each)] == []


@pytest.mark.parametrize("front", ["https://water.example", "https://water.example/"])
def test_lint_warns_of_a_front_page(tmp_path: Path, front: str) -> None:
    """An address that names only a host is warned of, at its place."""
    _, report = examine([write_town(tmp_path, (RULES, "https://water.example/order", front))])
    [found] = [each for each in report.findings if "front page" in each.message]
    assert found.warning
    assert Path(found.path).name == "trigger.yaml"
    assert front in found.message


def test_a_service_without_a_page_has_no_button() -> None:
    """A trigger that names such a service is published without the button."""
    [kz] = [pack for pack in load_packs(list(shipped())) if pack.content["pack"] == "kz"]
    without = {each["id"] for each in kz.content["services"]["services"] if "link" not in each}
    assert "kz.traffic_fines" in without
    [fine] = [each for each in kz.triggers if each.name == "traffic_fine_discount"]
    assert "actions" not in fine.rules
