"""What editors underline is what the loader refuses."""

from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from streams.rehearsal.schemas import FOLDER, OLDER, files, modelines, schemas
from templates.reading.findings import Report
from templates.reading.json_schema import draft_07
from templates.reading.yaml_file import read_yaml
from tests.templates.packs import FILES, METER, PACK, RULES

SHIPPED = sorted(modelines())
VALIDATORS = {"2020-12": jsonschema_rs.Draft202012Validator, OLDER: jsonschema_rs.Draft7Validator}


def _id(value: object) -> str:
    return "/".join(value.parts[-3:]) if isinstance(value, Path) else "-"


def test_the_files_are_what_the_shapes_give() -> None:
    """Editors check what the loader checks. If this fails: python -m streams.rehearsal.schemas."""
    assert {name: (FOLDER / name).read_text(encoding="utf-8") for name in files()} == files()
    kept = [path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.schema.json")]
    assert sorted(kept) == sorted(files())


@pytest.mark.parametrize("kind", schemas())
def test_they_are_schemas_of_both_drafts(kind: str) -> None:
    """The meta-schema of each draft accepts them, and the older one has no word of the newer."""
    schema = schemas()[kind]
    jsonschema_rs.meta.validate(schema)
    jsonschema_rs.meta.validate(draft_07(schema))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert draft_07(schema)["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert "$defs" not in str(draft_07(schema))


@pytest.mark.parametrize(("path", "line"), SHIPPED, ids=_id)
def test_shipped_files_name_their_schema(path: Path, line: str) -> None:
    """The first line leads an editor to a schema that is there. If this fails: python -m
    streams.rehearsal.schemas.
    """
    assert path.read_text(encoding="utf-8").startswith(line)
    assert (path.parent / line.rstrip().partition("$schema=")[2]).is_file()


@pytest.mark.parametrize("draft", VALIDATORS)
@pytest.mark.parametrize(("path", "line"), SHIPPED, ids=_id)
def test_an_editor_finds_nothing_in_shipped_files(path: Path, line: str, draft: str) -> None:
    """What the loader passes, the schema passes, in both drafts."""
    kind = line.rstrip().rpartition("/")[2].removesuffix(".schema.json")
    assert errors(kind, path.read_text(encoding="utf-8"), draft) == []


def errors(kind: str, text: str, draft: str = "2020-12") -> list[str]:
    """What an editor underlines in a text that is read as YAML 1.2."""
    return [error.message for error in _editor(kind, draft).iter_errors(read_yaml(kind, text, Report()).data)]


@cache
def _editor(kind: str, draft: str) -> Any:
    """The validator of an editor, made once for all files of that kind."""
    schema = schemas()[kind]
    return VALIDATORS[draft](draft_07(schema) if draft == OLDER else schema)


@pytest.mark.parametrize("draft", VALIDATORS)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("category: water", "categry: water"),
        ("class: reminder", "class: reminders"),
        ("offset: -P1D", "offset: 1 day"),
        ('at: "09:00"', 'at: "9:00"'),
        ("[push, sms, email]", "[pigeon]"),
        ("id: order, ", ""),
        ("  month:", "  Month:"),
        ("title: {kk: Тексеру, ru: Поверка}", "title: Поверка"),
        ("https://water", "http://water"),
        ("to: subject", "to: []"),
    ],
)
def test_an_editor_underlines_what_the_loader_refuses(old: str, new: str, draft: str) -> None:
    """Misspelt keys and values of other kinds are seen while they are typed."""
    assert errors("trigger", FILES[RULES], draft) == []
    assert errors("trigger", FILES[RULES].replace(old, new), draft) != []


PARAMETERS = "mci: {title: {en: Index}, source: law, values: {2025-01-01: 3932}}"
BENEFITS = """\
birth:
  title: {en: Birth}
  agency: labour
  clause: law
  on: town.born
  from: event.born_on
  until: {from: event.born_on, offset: P1Y}
  conditions: [{id: any, when: 'true', title: {en: Any}}]
  amount: 38 * param.mci
  per: month
"""
SERVICES = """\
domains: [town.example]
moments: {moving: {en: Moving}}
services: [{id: town.card, title: {en: Card}, link: 'https://town.example/', moments: [moving], agency: library}]
"""


@pytest.mark.parametrize(
    ("kind", "text", "old", "new"),
    [
        ("pack", FILES[PACK], "messages: 3", "messages: three"),
        ("pack", FILES[PACK], "zone:", "zones:"),
        ("event", FILES[METER], "minLength: 2", "minLenght: 2"),
        ("event", FILES[METER], "subject: holder", ""),
        ("personas", "old: {about: a man of 90}", "about", "abuot"),
        ("parameters", PARAMETERS, "3932", "'3932'"),
        ("parameters", PARAMETERS, "2025-01-01", "from 2025"),
        ("parameters", PARAMETERS, "mci:", "MCI:"),
        ("parameters", PARAMETERS, "source", "sorce"),
        ("benefits", BENEFITS, "clause: law", ""),
        ("benefits", BENEFITS, "offset: P1Y", "offset: a year"),
        ("benefits", BENEFITS, "from: event.born_on, ", ""),
        ("benefits", BENEFITS, "until", "untl"),
        ("benefits", BENEFITS, "per: month", "per: year"),
        ("benefits", BENEFITS, "when: 'true'", "wen: 'true'"),
        ("services", SERVICES, "[town.example]", "[https://town.example]"),
        ("services", SERVICES, "id: town.card", "id: card"),
        ("services", SERVICES, "link: 'https:", "link: 'http:"),
        ("services", SERVICES, "[moving]", "[]"),
    ],
)
def test_so_it_does_in_the_other_files(kind: str, text: str, old: str, new: str) -> None:
    """All other files of a pack are checked too."""
    assert errors(kind, text) == []
    assert errors(kind, text.replace(old, new)) != []


CASE: dict[str, Any] = {
    "name": "a case",
    "clock": "2026-03-01T09:00+05:00",
    "events": [{"at": "+P1D", "type": "town.flood"}],
    "expect": [{"at": "+P1D", "step": "day", "channel": "sms", "contains": ["a", "b"], "parts": 2}],
}


@pytest.mark.parametrize(
    ("more", "fine"),
    [
        ({}, True),
        ({"expect": [{"parts": {"min": 1, "max": 2}, "contains": "a"}]}, True),
        ({"expect": [{"nothing": True, "because": "done"}]}, True),
        ({"clok": "2026"}, False),
        ({"expect": [{"channel": "pigeon"}]}, False),
        ({"expect": [{"parts": "two"}]}, False),
        ({"expect": "day"}, False),
    ],
)
def test_so_it_does_in_tests(more: dict[str, Any], fine: bool) -> None:  # noqa: FBT001  (what is expected)
    """What tests.yaml may say is said in both short and long forms."""
    assert (errors("tests", yaml.safe_dump([CASE | more], allow_unicode=True)) == []) == fine
