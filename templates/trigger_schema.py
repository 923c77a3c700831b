"""The JSON Schema of trigger.yaml, for editors. `python -m templates.trigger_schema` writes the file anew."""

import json
from pathlib import Path
from typing import Any

from templates.shapes import TriggerShape

FILE = Path(__file__).with_name("trigger.schema.json")
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def trigger_schema() -> dict[str, Any]:
    """The schema, made from the shape that the loader checks (JSON Schema, draft 2020-12)."""
    made = _without_noise(TriggerShape.model_json_schema(by_alias=True))
    return {"$schema": DIALECT, "title": "A trigger of Habarshy (trigger.yaml)", **made}


def text() -> str:
    """The schema as the file has it."""
    return json.dumps(trigger_schema(), indent=2, ensure_ascii=False) + "\n"


def _without_noise(schema: Any) -> Any:  # noqa: ANN401  (plain data)
    """Without the titles that repeat the keys, and the defaults that stand for absence."""
    if isinstance(schema, list):
        return [_without_noise(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    noise = {"title"} if isinstance(schema.get("title"), str) else set()
    noise |= {"default"} if schema.get("default", "") is None else set()
    closed = {"additionalProperties": False} if "patternProperties" in schema else {}
    return {key: _without_noise(value) for key, value in schema.items() if key not in noise} | closed


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
