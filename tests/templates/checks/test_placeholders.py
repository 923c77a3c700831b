"""Text of the scaffold: lint warns of all of it, and of nothing that an author wrote."""

from pathlib import Path

import pytest

from domain.rules.event_types import Catalogue
from templates.authoring.scaffold import Plan, pack_files, trigger_files
from templates.checks.loader import examine, pack_of, shipped
from templates.checks.placeholders import RULES, StillPlaceholders, placeholders, require_own_text
from templates.checks.scaffold_text import ASKED
from templates.reading.catalogue import catalogue_of, defaults_of
from templates.reading.findings import Finding
from tests.templates.scaffolded import write_own_texts

NAME = "card_ends"


def begun(folder: Path) -> Path:
    """A pack as `habarshy new --pack` makes it, with a trigger as `habarshy new` makes it."""
    _write(folder, pack_files("mytown", ".."))
    packs, _ = examine([folder])
    contents = [pack_of(files).content for files in packs]
    catalogue: Catalogue = catalogue_of(contents)
    type_ = catalogue.types["mytown.library.card_issued"]
    plan = Plan(NAME, type_, "library", frozenset(catalogue.attributes), defaults_of(contents), "../..")
    _write(folder / NAME, trigger_files(plan))
    return folder


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")


def found_in(folder: Path) -> list[Finding]:
    """The placeholders that lint warns of."""
    _, report = examine([folder])
    assert [each for each in report.findings if not each.warning] == []
    return [each for each in report.findings if each.placeholder]


def test_every_line_of_the_scaffold_that_says_nothing_is_warned_of(tmp_path: Path) -> None:
    """Titles, legal basis, conditions and each sentence in each language are named by file and line."""
    folder = begun(tmp_path / "mytown")
    lines = {(Path(each.path).name, each.line) for each in found_in(folder)}
    rules = (folder / NAME / "trigger.yaml").read_text("utf-8").split("\n")
    for key in ("title:", "  kk:", "  ru:", "  en:", "# unless:"):
        assert ("trigger.yaml", next(at for at, line in enumerate(rules, 1) if line.startswith(key))) in lines
    for language in ("kk", "ru"):
        assert {line for name, line in lines if name == f"{language}.md"} == {2, 6, 10, 14, 15}
    assert {line for name, line in lines if name == "en.md"} == {6, 10, 14, 15}


def test_own_texts_are_no_placeholders(tmp_path: Path) -> None:
    """Once every text is the author's own, nothing is warned of, also where the English title is the name."""
    folder = begun(tmp_path / "mytown")
    write_own_texts(folder / NAME)
    assert found_in(folder) == []
    rules = folder / NAME / "trigger.yaml"
    rules.write_text(rules.read_text("utf-8").replace("en: It ends soon", "en: Card ends"), "utf-8")
    assert found_in(folder) == []


@pytest.mark.parametrize(
    "text",
    ["SMS. Write here what has changed and what to do!", "write  here what\nhas changed", "Напишите первый шаг"],
)
def test_a_placeholder_that_was_only_moved_is_one(text: str) -> None:
    """Other space, letters or punctuation around it do not make it the author's own."""
    [found] = placeholders(NAME, {"title": {"en": "A card"}}, {"en": {"sms": text}})
    assert (found.file, found.path) == ("en", ("sms",))
    with pytest.raises(StillPlaceholders, match=r"en\.md: sms"):
        require_own_text(NAME, {}, {"en": {"sms": text}})


def test_the_title_of_the_scaffold_in_all_languages() -> None:
    """The name as words is no title where another language has the same words."""
    found = placeholders(NAME, {"title": {"kk": "Card ends", "ru": "Билет", "en": "Card ends"}}, {})
    assert [(each.file, each.path) for each in found] == [(RULES, ("title", "kk"))]


def test_the_shipped_packs_have_no_placeholders() -> None:
    """Nothing that is published here was left as the scaffold wrote it."""
    _, report = examine(list(shipped()))
    assert [each for each in report.findings if each.placeholder] == []


def test_what_no_channel_sends_need_not_be_written() -> None:
    """A rule without push messages asks nobody for their text; with them it does, and so of SMS."""
    words = {"en": {"push": {"title": "x", "body": ASKED["en"].short}, "sms": ASKED["en"].short}}
    for channels, asked in ((["email"], []), (["sms"], ["sms"]), (["push", "sms"], ["push", "sms"])):
        found = placeholders(NAME, {"channels": channels}, words)
        assert [each.path[0] for each in found] == asked
