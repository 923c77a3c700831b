from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from templates.loader import shipped
from templates.trigger_schema import FILE, text, trigger_schema
from tests.templates.packs import FILES, RULES


def test_the_file_is_what_the_shape_gives() -> None:
    """Editors check what the loader checks. If this fails: python -m templates.trigger_schema."""
    assert FILE.read_text(encoding="utf-8") == text()


def test_it_is_a_schema_of_draft_2020_12() -> None:
    """The meta-schema accepts it, and so do the shipped triggers' comments for editors."""
    assert trigger_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema_rs.meta.validate(trigger_schema())
    for path in shipped_triggers():
        assert path.read_text(encoding="utf-8").startswith(f"# yaml-language-server: $schema=../../{FILE.name}\n")


def shipped_triggers() -> list[Path]:
    """Every trigger.yaml that is shipped."""
    return sorted(path for pack in shipped() for path in pack.glob("*/trigger.yaml"))


def errors(rules: str) -> list[str]:
    """What an editor underlines; dates are read as text, as YAML 1.2 has it."""
    data = yaml.load(rules, Loader=yaml.BaseLoader)  # noqa: S506  (BaseLoader makes only texts, lists and groups)
    data |= {name: data[name] == "true" for name in ("correction", "discreet") if name in data}
    return [error.message for error in jsonschema_rs.Draft202012Validator(trigger_schema()).iter_errors(data)]


@pytest.mark.parametrize("path", shipped_triggers(), ids=lambda path: path.parent.name)
def test_an_editor_finds_nothing_in_shipped_triggers(path: Path) -> None:
    """What the loader passes, the schema passes."""
    assert errors(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(("old", "new"), [
    ("category: water", "categry: water"), ("class: reminder", "class: reminders"), ("offset: -P1D", "offset: 1 day"),
    ('at: "09:00"', 'at: "9:00"'), ("[push, sms, email]", "[pigeon]"), ("id: order, ", ""), ("  month:", "  Month:"),
    ("title: {kk: Тексеру, ru: Поверка}", "title: Поверка"),
    ("https://water", "http://water"), ("to: subject", "to: []"),
])  # fmt: skip
def test_an_editor_underlines_what_the_loader_refuses(old: str, new: str) -> None:
    """Misspelt keys and values of other kinds are seen while they are typed."""
    assert errors(FILES[RULES]) == []
    assert errors(FILES[RULES].replace(old, new)) != []
