"""services.yaml: what is wrong with it is found at its line and column; what is right becomes part of the pack."""

import json
from pathlib import Path

import pytest

from templates.checks.loader import load_packs, shipped
from tests.templates.packs import RULES, findings_of, write_town

SERVICES = """\
domains: [water.example, city.example]
moments:
  moving: {kk: Көшу, ru: Переезд}
  repair: {kk: Жөндеу, ru: Ремонт}
services:
  - id: town.meter
    title: {kk: Есептегіш, ru: Счётчик}
    link: "https://my.water.example/order?from=list"
    moments: [moving, repair]
    agency: water
  - id: town.leak
    title: {kk: Ағу, ru: Течь}
    link: "https://city.example"
    moments: [repair]
    agency: water
"""
ROWS = [
    ("agency: water\n  - id", "agency: watr\n  - id", ["10:13: no agency is called 'watr' (did you mean 'water'?)"]),
    ("id: town.leak", "id: town.meter", ["11:9: another service is called 'town.meter' too"]),
    ("[moving, repair]", "[movin, repair]", ["9:15: no moment is called 'movin' (did you mean 'moving'?)"]),
    (
        "my.water.example",
        "my.watr.example",
        [
            (
                "8:11: links lead to water.example, city.example only, not to 'my.watr.example' "
                "(did you mean 'water.example'?)"
            ),
        ],
    ),
    (
        "https://city.example",
        "https://evilcity.example",
        [
            (
                "13:11: links lead to water.example, city.example only, not to 'evilcity.example' "
                "(did you mean 'city.example'?)"
            ),
        ],
    ),
    ("https://city.example", "http://city.example", ["13:11: link: an address starts with https://"]),
    (
        'link: "https://city',
        'lnk: "https://city',
        [
            "13:5: the key 'lnk' is not known here (did you mean 'link'?)",
        ],
    ),
    ("title: {kk: Ағу, ru: Течь}", "title: {kk: Ағу}", ["12:12: title is missing in ru"]),
    ("repair: {kk: Жөндеу, ru: Ремонт}", "repair: {ru: Ремонт}", ["4:11: repair is missing in kk"]),
    ("id: town.leak", "id: Leak", ["11:9: id: is written in small Latin letters, as in kz.birth_allowance"]),
    (
        "[water.example, city.example]",
        "[https://water.example]",
        [
            "1:11: domains: a domain is written as in egov.kz",
        ],
    ),
    ("[repair]", "[]", ["14:14: moments is empty"]),
]


def town(folder: Path, services: str) -> Path:
    """The small pack with these services."""
    pack = write_town(folder)
    (pack / "services.yaml").write_text(services, encoding="utf-8")
    return pack


@pytest.mark.parametrize(("old", "new", "expected"), ROWS)
def test_what_is_wrong_is_found_at_its_place(tmp_path: Path, old: str, new: str, expected: list[str]) -> None:
    """Each mistake is one line that names file, line and column, with a suggestion where a name is close."""
    assert SERVICES.count(old) == 1
    found = findings_of(town(tmp_path, SERVICES.replace(old, new)))
    assert sorted(found) == sorted(f"services.yaml:{each}" for each in expected)


def with_action(folder: Path, action: str) -> Path:
    """The small pack with its services, and this as the first action of its trigger."""
    pack = town(folder, SERVICES)
    rules = pack / RULES
    text = rules.read_text(encoding="utf-8")
    (line,) = [each for each in text.split("\n") if "id: order" in each]
    rules.write_text(text.replace(line, f"  - {action}"), encoding="utf-8")
    return pack


@pytest.mark.parametrize(
    ("action", "label"),
    [
        ("{id: order, service: town.meter}", {"kk": "Есептегіш", "ru": "Счётчик"}),
        ("{id: order, service: town.meter, label: {kk: Беру, ru: Дать}}", {"kk": "Беру", "ru": "Дать"}),
    ],
)
def test_an_action_may_name_a_service(tmp_path: Path, action: str, label: dict[str, str]) -> None:
    """The published rules have the service's link, and its title unless the action has a label."""
    (trigger,) = load_packs([with_action(tmp_path, action)])[1].triggers
    assert trigger.rules["actions"] == [
        {"id": "order", "url": "https://my.water.example/order?from=list", "label": label},
    ]


NO_PLACE = "23:5: actions: each has a url and a label, or a reply and a label, or names a service"


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("{id: order, service: town.metre}", "23:26: no service is called 'town.metre' (did you mean 'town.meter'?)"),
        ("{id: order}", NO_PLACE),
        ("{id: order, label: {kk: А, ru: А}}", NO_PLACE),
        ('{id: order, url: "https://a.example"}', "23:5: actions: a button has no words; write them as its label"),
        ('{id: order, url: "https://a.example", service: town.meter}', NO_PLACE),
    ],
)
def test_an_action_leads_to_one_place(tmp_path: Path, action: str, expected: str) -> None:
    """A service that nobody knows, none at all or two addresses are found at the action."""
    assert findings_of(with_action(tmp_path, action)) == [f"{RULES}:{expected}"]


def test_the_services_of_two_packs_are_told_apart(tmp_path: Path) -> None:
    """An id names one service, whichever pack it stands in."""
    kz = next(path for path in shipped() if path.name == "kz")
    taken = SERVICES.replace("town.leak", "kz.identity_card").replace("pack: town", "pack: other")
    pack = town(tmp_path, taken)
    (pack / "pack.yaml").write_text("pack: other\ntitle: {kk: Б, ru: Б, en: O}\n", encoding="utf-8")
    with pytest.raises(Exception, match=r"another service is called 'kz\.identity_card' too"):
        load_packs([kz, pack])


def test_services_are_part_of_the_pack(tmp_path: Path) -> None:
    """They go into the log with the pack's content and change its hash; a pack without them has none."""
    with_them = load_packs([town(tmp_path / "a", SERVICES)])[1]
    without = load_packs([write_town(tmp_path / "b")])[1]
    assert [each["id"] for each in with_them.content["services"]["services"]] == ["town.meter", "town.leak"]
    assert json.loads(json.dumps(with_them.content)) == with_them.content
    assert "services" not in without.content
    assert with_them.hash != without.hash


def test_kz_names_its_services() -> None:
    """The shipped pack points to at least twenty-five services, and each of its moments has one."""
    content = next(pack for pack in load_packs(shipped()) if pack.name == "kz").content["services"]
    assert len(content["services"]) >= 25
    assert {moment for each in content["services"] for moment in each["moments"]} == content["moments"].keys()
