"""The words of a language in a form: saved unchanged they are the same, a changed field changes its own text."""

from pathlib import Path

import pytest

from templates.authoring.words_form import WordsForm
from templates.authoring.yaml_edit import CannotEdit
from templates.reading.files import read_document
from templates.reading.findings import Report
from tests.templates.packs import SHIPPED

WORDS = sorted(path for pack in SHIPPED.values() for path in Path(pack).glob("*/??.md"))
OTHER = "Мерзімі: {{ due | date }}, \"ә\" және 'б': 5 % #1"


@pytest.mark.parametrize("pack", SHIPPED, ids=str)
def test_shipped_words_survive_the_form(pack: str, tmp_path: Path) -> None:
    """Saved as they were opened they are the same byte for byte, and a changed field is read back as it was typed."""
    for path in [each for each in WORDS if each.parents[1] == Path(SHIPPED[pack])]:
        text = path.read_text("utf-8")
        form = WordsForm(text, ["new_step"])
        assert form.with_changes(form.values) == (text, {}), path
        assert (": *" in text.partition("\n---\n")[0]) == bool(list(form.rest)), "only what an alias stands for"
        for name, before in form.values.items():
            typed = f"{OTHER}\n\nsecond" if name.endswith("body") and "push" not in name else OTHER
            changed, wrong = form.with_changes({name: typed})
            assert wrong == {}
            after = WordsForm(changed, ["new_step"]).values
            assert after == {**form.values, name: typed}, (path, name)
            assert "#" not in text or text.count("# ") <= changed.count("# ") + before.count("# ")
            if before:
                back, _ = WordsForm(changed).with_changes({name: before})
                assert WordsForm(back, ["new_step"]).values == form.values
        (tmp_path / "kk.md").write_text(text, "utf-8")
        report = Report()
        document = read_document(tmp_path / "kk.md", report)
        assert document.data.get("body", "") == form.values["body"]


def test_what_no_field_shows_is_kept() -> None:
    """An unknown key and a text that is no text are listed, and stay as they are beside a change."""
    text = "---\nsubject: 'A'  # why\nsms: {odd: 1}\nnote: |\n  two\n  lines\n---\n\nBody\n"
    form = WordsForm(text)
    assert dict(form.rest) == {"sms": "{odd: 1}", "note": "|\n  two\n  lines"}
    assert form.with_changes({"subject": "B"}) == (text.replace("'A'", "'B'"), {})
    assert form.at(2, 11) == "subject"
    assert form.at(9, 1) == "body"
    with pytest.raises(CannotEdit):
        WordsForm("no keys at all\n")


def test_a_block_of_lines_stays_a_block() -> None:
    """Push and SMS of several lines are changed within their block, and a new step's words follow the others."""
    text = "---\nsubject: A\nsms: |\n  one\n  two\npush:\n  title: T\n  body: >-\n    long\n    text\n---\nBody\n"
    form = WordsForm(text, ["last"])
    assert form.with_changes({"sms": "one\nthree"})[0] == text.replace("  two", "  three")
    assert form.with_changes({"sms": "short"})[0] == text.replace("  one\n  two", "  short")
    assert form.with_changes({"push.body": "short"})[0] == text.replace(">-\n    long\n    text", "short")
    assert form.with_changes({"push.body": ""})[0] == text.replace("\n  body: >-\n    long\n    text", "")
    added, _ = form.with_changes({"steps.last.sms": "only {{ due | date }}"})
    assert added == text.replace("    text\n", '    text\nsteps: {last: {sms: "only {{ due | date }}"}}\n')
    assert WordsForm(added).with_changes({"steps.last.sms": ""})[0] == text
