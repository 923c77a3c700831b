"""A legal basis by an act and its articles, in each language."""

from pathlib import Path

import pytest
import yaml

from templates.authoring.cited_acts import (
    BadArticles,
    Citation,
    acts_of,
    articles_in,
    as_typed,
    citation_of,
    legal_basis,
)
from tests.templates.packs import SHIPPED

CALLED = {"kk": "Кодекс", "ru": "Кодекс", "en": "Code", "de": "Gesetz"}


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("", ["Кодекс", "Кодекс", "Code", "Gesetz"]),
        ("71", ["Кодекс, 71-бап", "Кодекс, статья 71", "Code, art. 71", "Gesetz, 71"]),
        (
            "71, 72",
            ["Кодекс, 71 және 72-баптар", "Кодекс, статьи 71 и 72", "Code, arts. 71 and 72", "Gesetz, 71, 72"],
        ),
        (
            "71;72,  73",
            [
                "Кодекс, 71, 72 және 73-баптар",
                "Кодекс, статьи 71, 72 и 73",
                "Code, arts. 71, 72 and 73",
                "Gesetz, 71, 72, 73",
            ],
        ),
        ("статья 71", ["Кодекс, 71-бап", "Кодекс, статья 71", "Code, art. 71", "Gesetz, 71"]),
        ("ст. 71", ["Кодекс, 71-бап", "Кодекс, статья 71", "Code, art. 71", "Gesetz, 71"]),
        ("71-бап", ["Кодекс, 71-бап", "Кодекс, статья 71", "Code, art. 71", "Gesetz, 71"]),
        ("71-1", ["Кодекс, 71-1-бап", "Кодекс, статья 71-1", "Code, art. 71-1", "Gesetz, 71-1"]),
        ("71 – 73", ["Кодекс, 71-73-баптар", "Кодекс, статьи 71–73", "Code, arts. 71-73", "Gesetz, 71–73"]),
        (
            "71-73 и 75-1",
            [
                "Кодекс, 71-73 және 75-1-баптар",
                "Кодекс, статьи 71–73 и 75-1",
                "Code, arts. 71-73 and 75-1",
                "Gesetz, 71–73, 75-1",
            ],
        ),
    ],
)
def test_articles_are_written_as_each_language_writes_them(text: str, written: list[str]) -> None:
    """One, several, one with an index, several in a row; known again, and typed again they are the same."""
    articles = articles_in(text)
    law = legal_basis(CALLED, articles)
    assert list(law.values()) == written
    assert citation_of({"code": CALLED}, law) == Citation("code", articles)
    assert articles_in(as_typed(articles)) == articles


@pytest.mark.parametrize(
    "text", ["abc", "71 72", "0", "71-", "71-72-73", "73-71", "71 п. 2", "71.5", "123456", "-1" * 100_000]
)
def test_what_is_no_article_is_told(text: str) -> None:
    """Nothing is left out of what an author typed, nor guessed."""
    with pytest.raises(BadArticles):
        articles_in(text)


@pytest.mark.parametrize(
    "law",
    [
        {"ru": "Кодекс, статья 71, часть 2", "en": "Code, art. 71"},
        {"ru": "Кодекс, статья 71", "en": "Code, art. 72"},
        {"ru": "Кодекс, статья 71", "en": ""},
        {"ru": "Кодекс 2, статья 71", "en": "Code 2, art. 71"},
    ],
)
def test_what_says_more_than_an_act_and_articles_is_free_text(law: dict[str, str]) -> None:
    """It is the same act with the same articles in all languages, or none."""
    assert citation_of({"code": {"ru": "Кодекс", "en": "Code"}}, law) == Citation()


def test_a_pack_without_acts_has_none() -> None:
    """Versions that were published before packs named acts are read as they are; a language may be new."""
    assert acts_of({}, ["kk", "ru"]) == {}
    assert acts_of({"acts": {"code": {"kk": "Кодекс"}}}, ["kk", "ru"]) == {}


def test_each_shipped_act_is_cited_by_a_shipped_trigger() -> None:
    """It is called there as in the list; what is exactly an act with articles is known again."""
    known = set[tuple[str, str]]()
    for name, pack in SHIPPED.items():
        content = yaml.safe_load((pack / "pack.yaml").read_text("utf-8"))
        acts = acts_of(content, content["defaults"]["languages"])
        laws = [_law(path) for path in pack.glob("*/trigger.yaml")]
        for act, called in acts.items():
            assert any(all(text in law[each] for each, text in called.items()) for law in laws), act
        known |= {(name, citation_of(acts, law).act) for law in laws}
    assert {act for name, act in known if name == "kz"} >= {
        "social_code",
        "housing_relations_law",
        "personal_data_law",
    }
    assert {act for name, act in known if name == "alatau"} >= {"environmental_code", "education_law"}


def _law(path: Path) -> dict[str, str]:
    return dict(yaml.safe_load(path.read_text("utf-8"))["legal_basis"])
