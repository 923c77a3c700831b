"""The JSON Schemas that editors use. `python -m streams.rehearsal.schemas` writes them and the lines naming them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import templates
from streams.rehearsal.case_model import CaseShape
from templates.checks.personas import PersonaShape
from templates.reading.benefit_shapes import BenefitsFile, ParametersFile
from templates.reading.event_shapes import EventTypeShape
from templates.reading.json_schema import draft_07, schema_of, schema_of_many
from templates.reading.pack_shapes import PackShape
from templates.reading.services_shapes import ServicesShape
from templates.reading.trigger_shapes import TriggerShape

FOLDER = Path(str(templates.__file__)).parent
OLDER = "draft-07"
_MODELINE = "# yaml-language-server: $schema="
_GLOBS = {
    "pack": "pack.yaml",
    "personas": "personas.yaml",
    "event": "events/*.yaml",
    "trigger": "*/trigger.yaml",
    "tests": "*/tests.yaml",
    "parameters": "parameters.yaml",
    "benefits": "benefits.yaml",
    "services": "services.yaml",
}


def schemas() -> dict[str, dict[str, Any]]:
    """Return kind of file -> its schema (draft 2020-12)."""
    return {
        "pack": schema_of(PackShape, "A pack of Habarshy (pack.yaml)"),
        "event": schema_of(EventTypeShape, "An event type of Habarshy (events/*.yaml)"),
        "trigger": schema_of(TriggerShape, "A trigger of Habarshy (trigger.yaml)"),
        "tests": schema_of_many(CaseShape, "The tests of a trigger of Habarshy (tests.yaml)", named=False),
        "parameters": schema_of(ParametersFile, "Parameters of the law (parameters.yaml)"),
        "benefits": schema_of(BenefitsFile, "Benefits (benefits.yaml)"),
        "services": schema_of(ServicesShape, "The services of a pack (services.yaml)"),
        "personas": schema_of_many(PersonaShape, "Invented people for previews (personas.yaml)", named=True),
    }


def files() -> dict[str, str]:
    """Return path below `templates` -> content of the schema file."""
    made = {f"{kind}.schema.json": schema for kind, schema in schemas().items()}
    made |= {f"{OLDER}/{name}": draft_07(schema) for name, schema in list(made.items())}
    return {path: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for path, schema in made.items()}


def modelines() -> Iterator[tuple[Path, str]]:
    """Yield every file of the packs beside the schemas, with the line by which an editor finds its schema."""
    for pack in sorted(path.parent for path in FOLDER.glob("*/pack.yaml")):
        for kind, pattern in _GLOBS.items():
            for path in sorted(pack.glob(pattern)):
                up = "../" * len(path.relative_to(pack).parts)
                yield path, f"{_MODELINE}{up}{kind}.schema.json\n"


def write() -> None:
    """Write the schema files, and the lines that are missing in the packs."""
    for name, text in files().items():
        (FOLDER / name).parent.mkdir(exist_ok=True)
        (FOLDER / name).write_text(text, encoding="utf-8")
    for path, line in modelines():
        text = path.read_text(encoding="utf-8")
        if not text.startswith(line):
            path.write_text(line + text, encoding="utf-8")


if __name__ == "__main__":
    write()
