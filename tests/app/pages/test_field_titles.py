"""Fields of events have names for people, from the pack or from the platform, wherever pages speak of them."""

from pathlib import Path

import pytest

from app.pages.catalogues import LANGUAGES
from app.pages.pack_names import Names
from app.pages.rule_words import in_words
from domain.rules.event_types import Catalogue, field_titles
from templates.checks.loader import examine
from templates.reading.catalogue import catalogue_of
from tests.app.pages.shipped_rules import names_in, shipped_catalogue, speech_of
from tests.beginnings import packs_in
from tests.templates.packs import FLOOD, METER, write_town

TYPE = "town.meter.installed"
TITLED = "    seals: {type: array, items: {type: string}, x-title: {kk: пломбалар, ru: пломбы}}\n"
BARE = "    seals: {type: array, items: {type: string}}\n"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_field_of_the_shipped_packs_has_a_name(language: str) -> None:
    """No page shows the key of a field of a shipped event type, in any language."""
    names, english = names_in(language), names_in("en")
    bare = {
        f"{type_.name}.{path}"
        for type_ in shipped_catalogue().types.values()
        for path in (*type_.fields, *type_.roles)
        if path != type_.subject
        if (told := names.heading_in(type_, path)) == path
        or "_" in told
        or (language != "en" and told == english.heading_in(type_, path) and told.isascii())
    }
    assert bare == set()


def test_lint_warns_of_a_field_without_a_name(tmp_path: Path) -> None:
    """A field that neither the pack nor the platform has a name for is named with its line; a title ends that."""
    [seals] = examine([write_town(tmp_path / "a", (METER, TITLED, BARE))])[1].findings
    assert (seals.warning, seals.message.startswith("seals ")) == (True, True)
    assert (seals.path.endswith(METER), seals.line) == (True, 15)
    assert examine([write_town(tmp_path / "b")])[1].findings == ()


def test_a_title_is_there_in_every_language_of_the_pack(tmp_path: Path) -> None:
    """A title of a field that lacks a language of the pack is refused, as every title."""
    half = TITLED.replace(", ru: пломбы", "")
    found = examine([write_town(tmp_path, (METER, TITLED, half))])[1].findings
    assert [str(each.message) for each in found if not each.warning] == ["x-title is missing in ru"]


def town(folder: Path) -> tuple[list[dict[str, object]], Catalogue]:
    """A pack with two event types that call a field `where` by names of their own."""
    flood = "    where: {type: string, x-title: {kk: жері, ru: место}}\n"
    pack = write_town(
        folder,
        (METER, TITLED, TITLED + "    where: {type: string, x-title: {kk: орны, ru: место установки}}\n"),
        (FLOOD, flood, flood.replace("жері", "су басқан жер").replace("место", "район затопления")),
    )
    contents = [dict(each.content) for each in packs_in([pack])]
    return contents, catalogue_of(contents)


def test_a_packs_own_title_is_used_wherever_the_field_is_told(tmp_path: Path) -> None:
    """Lists of values and rules in words call a field as its pack does; one name of two types is each type's own."""
    contents, catalogue = town(tmp_path)
    speech = speech_of("ru")
    type_ = catalogue.types[TYPE]
    assert field_titles(type_.schema)["seals"] == {"kk": "пломбалар", "ru": "пломбы"}
    assert Names(contents, catalogue, speech).heading_of("event.seals") == "Пломбы"
    assert Names(contents, catalogue, speech).heading_in(type_, "where") == "Место установки"
    assert Names(contents, catalogue, speech, "town.flood").heading_of("event.where") == "Район затопления"
    words = in_words(contents, catalogue, "ru", TYPE)
    assert "место установки" in speech.tell(words.condition("event.where == 'x'"))
    assert "пломбы" in speech.tell(in_words(contents, catalogue, "ru").condition("'x' in event.seals"))
