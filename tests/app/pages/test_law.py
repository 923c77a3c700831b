"""The law that obliges or allows the agency to tell, in the language of whoever reads it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from app.pages.catalogues import Speech
from domain.core.timing import zone_of
from domain.rules.legal_basis import legal_basis_of, legal_basis_text
from templates.checks.loader import examine, shipped
from tests.app.pages.visitor import visiting
from tests.beginnings import packs_in
from tests.templates.packs import LAW, RULES, write_town
from tests.world import World, card, iin, registered

AIGERIM = iin(1)
SAID: Mapping[str, str] = {
    "kk": "«Жеке басты куәландыратын құжаттар туралы»",
    "ru": "«О документах, удостоверяющих личность»",
    "en": "on identity documents",
}


@pytest.mark.parametrize("language", sorted(SAID))
def test_why_names_the_law_in_the_language_of_the_reader(tmp_path: Path, language: str) -> None:
    """The page that says why a message came names the law in Kazakh, Russian or English."""
    world = World(tmp_path)
    world.take(*registered(AIGERIM, "2000-05-05"), card(AIGERIM, "2025-07-20"))
    world.plan()
    page = visiting(world, AIGERIM, language).get(f"/my/messages/{world.nudge('month').intent.id}/why").text
    assert [each for each, said in SAID.items() if said in page] == [language]
    world.close()


def test_a_law_in_one_language_is_warned_of(tmp_path: Path) -> None:
    """Lint asks for the law in each language of the pack, where a trigger has one text for all readers."""
    _, report = examine([write_town(tmp_path, (RULES, LAW, 'legal_basis: "Rules of 2020"'))])
    [found] = [each for each in report.findings if "legal_basis" in each.message]
    assert found.warning
    assert found.message.endswith("write {kk: …, ru: …}")


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_a_law_in_one_language_stays_readable(language: str) -> None:
    """Versions that were stored with one text for all readers show it to each of them."""
    law = legal_basis_of({"legal_basis": "Rules of 2020"})
    assert Speech(language, zone_of("Asia/Almaty")).titled(law) == "Rules of 2020"
    assert legal_basis_text(law) == "Rules of 2020"


def test_shipped_triggers_name_the_law_in_each_language() -> None:
    """Every trigger of every pack has it in each language that its pack speaks."""
    for pack in packs_in(list(shipped())):
        for trigger in pack.triggers:
            languages = pack.content["defaults"]["languages"]
            assert sorted(legal_basis_of(trigger.rules)) == sorted(languages), trigger.name
