"""JSON Schemas for editors, made from the shapes that the loader checks."""

from typing import Any

from pydantic import BaseModel

from domain.core.plain import PlainData

DIALECT = "https://json-schema.org/draft/2020-12/schema"
OLDER = "http://json-schema.org/draft-07/schema#"


def schema_of(shape: type[BaseModel], title: str) -> dict[str, Any]:
    """Return the schema of a file that is one group of keys (JSON Schema, draft 2020-12)."""
    return {"$schema": DIALECT, "title": title, **_without_noise(shape.model_json_schema(by_alias=True))}


def schema_of_many(shape: type[BaseModel], title: str, *, named: bool) -> dict[str, Any]:
    """Return the schema of a file that is a list of such groups, or (`named`) a group of them by name."""
    inner = _without_noise(shape.model_json_schema(by_alias=True))
    definitions = {**inner.pop("$defs", {}), shape.__name__: inner}
    each = {"$ref": f"#/$defs/{shape.__name__}"}
    outer = {"type": "object", "additionalProperties": each} if named else {"type": "array", "items": each}
    return {"$schema": DIALECT, "title": title, "$defs": definitions, **outer}


def draft_07(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the same schema for editors that know draft-07 only."""
    return {**_older(schema), "$schema": OLDER}


def _older(schema: PlainData) -> PlainData:
    if isinstance(schema, list):
        return [_older(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {"definitions" if key == "$defs" else key: _older(value) for key, value in schema.items()}
    if isinstance(found.get("$ref"), str):
        reference = {"$ref": found["$ref"].replace("#/$defs/", "#/definitions/")}
        beside = {key: value for key, value in found.items() if key != "$ref"}
        return {"allOf": [reference], **beside} if beside else reference  # draft-07 ignores what stands beside $ref
    return found


def _without_noise(schema: PlainData) -> PlainData:
    """Return the schema without titles that repeat the keys, and without defaults that stand for absence."""
    if isinstance(schema, list):
        return [_without_noise(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    noise = {"title"} if isinstance(schema.get("title"), str) else set()
    noise |= {"default"} if schema.get("default", "") is None else set()
    closed = {"additionalProperties": False} if "patternProperties" in schema else {}
    return {key: _without_noise(value) for key, value in schema.items() if key not in noise} | closed
