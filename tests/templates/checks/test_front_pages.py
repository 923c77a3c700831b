"""A button leads to the page of its service, or there is none."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from templates.checks.link_check import is_front_page
from templates.checks.loader import examine, shipped
from templates.checks.words_check import texts
from tests.beginnings import packs_in
from tests.templates.packs import RULES, write_town


def test_no_shipped_button_leads_to_a_front_page() -> None:
    """Every action of every shipped trigger has a page of its own behind it, and each service has, or no link."""
    for pack in packs_in(list(shipped())):
        services = (pack.content.get("services") or {}).get("services", ())
        urls = [each["link"] for each in services if "link" in each]
        for trigger in pack.triggers:
            urls += [each["url"] for each in trigger.rules.get("actions", ()) if "url" in each]
        assert [each for each in urls if is_front_page(each)] == []


@pytest.mark.parametrize(
    "front",
    [
        "https://water.example",
        "https://water.example/",
        "https://water.example/ru",
        "https://water.example/kk/index.html",
    ],
)
def test_lint_warns_of_a_front_page(tmp_path: Path, front: str) -> None:
    """An address that names only a host, or its pages in a language, is warned of, at its place."""
    _, report = examine([write_town(tmp_path, (RULES, "https://water.example/order", front))])
    [found] = [each for each in report.findings if "front page" in each.message]
    assert found.warning
    assert Path(found.path).name == "trigger.yaml"
    assert front in found.message


def test_a_service_without_a_page_has_no_button() -> None:
    """A trigger that names such a service is published without the button."""
    [kz] = [pack for pack in packs_in(list(shipped())) if pack.content["pack"] == "kz"]
    without = {each["id"] for each in kz.content["services"]["services"] if "link" not in each}
    assert "kz.traffic_fines" in without
    [fine] = [each for each in kz.triggers if each.name == "traffic_fine_discount"]
    assert "actions" not in fine.rules


TO_DO = {"en": "**What to do**", "ru": "**Что нужно сделать**", "kk": "**Не істеу керек**"}
"""How a letter begins what it asks its reader to do."""
WHERE = re.compile(
    r"egov|gov\.kz|\b1\d\d\d?\b|\bsms\b"
    r"|ЦОН|центр|поликлини|банк|школ|детск\w+ сад|управлени|отдел|диспетчер"
    r"|ХҚКО|орталы|емхана|мектеп|балабақша|басқарма|бөлім|"
    r"centre|clinic|bank|school|kindergarten|office|department",
    re.IGNORECASE,
)
"""A site, a telephone number, or an office that one goes to."""
ADVICE = {
    "air_quality",  # how to protect oneself
    "outage_cancelled",
    "planned_outage",
    "school_closed",
    "sms_mandatory",
    "sms_unclear",  # it asks for an SMS
    "street_closure",
}
"""Triggers whose SMS tells something, or how to behave, and sends nobody anywhere."""


def without_button() -> Iterator[tuple[str, str, str, str]]:
    """Each text, other than of a correction, of triggers without a link: trigger, language, part and text."""
    for pack in packs_in(list(shipped())):
        for trigger in pack.triggers:
            if any("url" in each for each in trigger.rules.get("actions", ())):
                continue
            for language, words in trigger.words.items():
                for path, text in texts((), words):
                    if "correction" not in path:
                        yield trigger.name, language, str(path[-1]), text


def test_a_message_without_a_button_says_where_to_go() -> None:
    """A letter that asks for something, and each SMS, names a site, a number or an office, in every language."""
    found = [
        (name, language, part)
        for name, language, part, text in without_button()
        if not WHERE.search(text)
        and (TO_DO[language] in text if part == "body" else part == "sms" and name not in ADVICE)
    ]
    assert found == []


def test_some_messages_have_no_button() -> None:
    """What the test above looks at is there: letters that ask for something, in all languages."""
    asking = {language for _, language, part, text in without_button() if part == "body" and TO_DO[language] in text}
    assert asking == set(TO_DO)
