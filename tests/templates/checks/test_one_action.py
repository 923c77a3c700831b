"""A letter asks for one thing: lint warns of a second button, and no shipped letter has one."""

import re
from pathlib import Path

import pytest

from app.pages.catalogues import LANGUAGES
from domain.rules.trigger_compiling import compile_trigger
from templates.authoring.preview import Previewer
from templates.checks.loader import examine, shipped
from templates.checks.personas import built_in
from tests.beginnings import packs_in
from tests.templates.packs import RULES, write_town
from tests.world import NOON, World

ONE = '  - {id: order, url: "https://water.example/order", label: {kk: Тапсырыс беру, ru: Заказать}}\n'
OTHER = '  - {id: read, url: "https://water.example/read", label: {kk: Оқу, ru: Прочесть}}\n'
BY_MAIL = "channels: [push, sms, email]"
BUTTON = re.compile(r'<td class="(?:button|second)"')


def remarks(folder: Path, *edits: tuple[str, str, str]) -> list[str]:
    """What lint says of buttons, after edits of the town's rule."""
    _, report = examine([write_town(folder, *edits)])
    return [f"{Path(each.path).name}:{each.warning}" for each in report.findings if "one thing" in each.message]


def test_a_second_button_is_warned_of(tmp_path: Path) -> None:
    """One button is as it should be; of a second, lint says that a letter asks for one thing."""
    assert remarks(tmp_path / "one") == []
    assert remarks(tmp_path / "two", (RULES, ONE, ONE + OTHER)) == ["trigger.yaml:True"]


def test_what_goes_by_no_email_may_have_more(tmp_path: Path) -> None:
    """A push message has room for two buttons, and no letter is meant."""
    edits = (RULES, ONE, ONE + OTHER), (RULES, BY_MAIL, "channels: [push, sms]")
    assert remarks(tmp_path, *edits) == []


def test_answers_to_one_question_are_one_action() -> None:
    """Yes and no are two buttons of one question; nobody is led to one of them only."""
    [kz] = [pack for pack in packs_in(list(shipped())) if pack.content["pack"] == "kz"]
    [asks] = [each for each in kz.triggers if each.name == "work_offers_consent"]
    assert [each["reply"] for each in asks.rules["actions"]] == ["1", "2"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A platform with everything that is shipped."""
    made = World(tmp_path_factory.mktemp("shipped"), packs=list(shipped()))
    made.close()
    return made


def test_every_shipped_letter_has_one_action(world: World) -> None:
    """Rendered in each language for each invented person, a letter has at most one button, or only answers."""
    rules, seen = world.platform.rules.library.rules(), 0
    for pack in packs_in(list(shipped())):
        for source in pack.triggers:
            trigger = compile_trigger(source.name, source.rules, rules.catalogue)
            previewer = Previewer(source, trigger, rules.catalogue, rules.defaults, NOON)
            actions = source.rules.get("actions") or ()
            for persona in built_in(NOON.date()):
                for message in previewer.hear(persona, list(LANGUAGES)).messages:
                    for words in message.words:
                        if words.rendered is not None and words.rendered.html:
                            seen += 1
                            buttons = len(BUTTON.findall(words.rendered.html))
                            assert buttons <= 1 or all("reply" in each for each in actions), source.name
    assert seen > 100
