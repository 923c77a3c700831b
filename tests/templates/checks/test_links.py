"""An address in a text that opens nothing is a mistake; one that opens is none."""

from pathlib import Path

import pytest

from templates.checks.loader import examine
from tests.templates.packs import KK, PACK, RULES, write_town

SMS = 'sms: "№ {{ event.number }}: '
LETTER = "- Нөмірі: {{ event.number }}"
ALLOWED = (PACK, "area_levels:", "link_domains: [water.example]\narea_levels:")


@pytest.mark.parametrize("text", [SMS, LETTER])
@pytest.mark.parametrize(
    "broken",
    [
        "htps://water,example",
        "htps://water.example/a",
        "https//water.example",
        "https:/water.example",
        "https:// water.example",
        "https: //water.example",
        "https :/water.example",
        "https:\\\\water.example",
        "https:water.example",
        "https;//water.example",
        "https://water,example",
        "https://water..example",
        "htps://watr.example/a.",
        "http://water.example",
        "water,example",
        "//water.example",
    ],
)
def test_a_broken_address_is_a_mistake_with_the_one_that_was_meant(tmp_path: Path, text: str, broken: str) -> None:
    """Whoever types an address wrongly reads at its place in the text which one was meant."""
    _, report = examine([write_town(tmp_path, ALLOWED, (KK, text, f"{text}({broken}) "))])
    [found] = [each for each in report.findings if "water" in each.message or "watr" in each.message]
    assert (Path(found.path).name, found.warning) == ("kk.md", False)
    assert (found.suggestion, "opens nothing" in found.message) == ("https://water.example", True)


@pytest.mark.parametrize("text", [SMS, LETTER])
@pytest.mark.parametrize(
    "whole",
    [
        "https://water.example",
        "https://water.example, және",
        "my.water.example:",
        "Сайт:https://water.example/a?b=https://c#d.",
        "HTTPS://Water.example:8443/a,b//c",
        "{{ event.number }}//2",
        "күн/ай",
        "1,2,3",
        "ай//күн",
        "иә,жоқ",
        "http, https",
        "https: water",
        "[сайт](https://water.example/a 'water')",
    ],
)
def test_what_opens_or_is_no_address_is_no_mistake(tmp_path: Path, text: str, whole: str) -> None:
    """A sign behind an address, a port, a page below it and a stroke between words alarm nobody."""
    _, report = examine([write_town(tmp_path, ALLOWED, (KK, text, f"{text}{whole} "))])
    assert [
        each for each in report.findings if "opens nothing" in each.message or "link_domains" in each.message
    ] == []


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("https://water,example/order", "url: “water,example” is no site"),
        ("https://water/order?at=water.example", "https://water/order?at=water.example opens nothing"),
        ("https://water.example/тапсырыс", "url: after the site comes /"),
    ],
)
def test_the_address_of_a_button_is_told_by_its_mistake(tmp_path: Path, address: str, said: str) -> None:
    """An address that begins with https:// is not told to begin with it: the mistake is named."""
    _, report = examine([write_town(tmp_path, (RULES, "https://water.example/order", address))])
    [found] = [each for each in report.findings if Path(each.path).name == "trigger.yaml"]
    assert found.message.startswith(said)
