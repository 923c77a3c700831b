"""Checks data against a shape, and says in an owner's words what is wrong where."""

from types import NoneType
from typing import Any, get_args, get_origin

from pydantic import BaseModel, RootModel, ValidationError
from pydantic_core import ErrorDetails

from domain.core.plain import PlainData
from domain.core.translatable import N_, Words, text_of
from templates.reading.findings import closest
from templates.reading.yaml_file import Document, Path, Place

_PROBLEMS = {
    "missing": N_("{name} is missing"),
    "extra_forbidden": N_("the key {name!r} is not known here"),
    "string_type": N_("{name} must be text; put it in quotes"),
    "int_type": N_("{name} must be a whole number"),
    "float_type": N_("{name} must be a number"),
    "bool_type": N_("{name} must be true or false"),
    "list_type": N_("{name} must be a list: [one, another], or each on its own line after '- '"),
    "dict_type": N_("{name} must be a group of keys"),
    "model_type": N_("{name} must be a group of keys"),
    "model_attributes_type": N_("{name} must be a group of keys"),
    "literal_error": N_("{name} must be {expected}"),
    "greater_than": N_("{name} must be greater than {gt}"),
    "greater_than_equal": N_("{name} must be at least {ge}"),
    "less_than_equal": N_("{name} must be at most {le}"),
    "string_too_short": N_("{name} is empty"),
    "string_too_long": N_("{name} is longer than {max_length} characters"),
    "string_pattern_mismatch": N_("{name} is empty"),
    "too_short": N_("{name} is empty"),
    "too_long": N_("{name} has more than {max_length} entries"),
    "value_error": N_("{name}: {error}"),
}


def check_shape(document: Document, shape: type[BaseModel]) -> list[Path]:
    """Report everything in which the document differs from the shape; the paths at which it does."""
    try:
        shape.model_validate(document.data)
    except ValidationError as invalid:
        errors = invalid.errors(include_url=False)
        for error in errors:
            _report(document, shape, error)
        return [_plain(error["loc"]) for error in errors]
    return []


def _report(document: Document, shape: type[BaseModel], error: ErrorDetails) -> None:
    path, kind = _plain(error["loc"]), error["type"]
    if error["input"] is None and kind.endswith("_type"):
        kind = "too_short"  # a key with nothing behind it is empty, whatever should stand there
    name = next((part for part in reversed(path) if isinstance(part, str)), Words("the file"))
    given = {key: _given(value) for key, value in error.get("ctx", {}).items()}
    problem = (
        Words(_PROBLEMS[kind], name=name, **given)
        if kind in _PROBLEMS
        else Words("{name}: {error}", name=name, error=error["msg"])
    )
    if (group := _indented_too_little(document, shape, error, path)) is not None:
        indented = Words("check the indentation: {name!r} belongs below {group!r}", name=name, group=group)
        document.note(path, indented, key=True)
        return
    document.note_at(_place(document, error, path), problem, _meant(shape, error, path))


def _given(value: object) -> str:
    """Return what the validator says of an error: an error's own text, or values as YAML has them."""
    if isinstance(value, Exception):
        return text_of(value)
    text = str(value).replace("False", "false").replace("True", "true")
    others, either, last = text.rpartition(" or ")
    return Words("{others} or {last}", others=others, last=last) if either else text


def _indented_too_little(document: Document, shape: type[BaseModel], error: ErrorDetails, path: Path) -> str | None:
    """Return the key above, below which a key was probably meant to stand; None where it may stand where it does."""
    if not path or not isinstance(path[-1], str) or (before := _before(document.data, path)) is None:
        return None
    around = _annotation(shape, path[:-1])
    if error["type"] == "extra_forbidden":  # a member of the group before it, such as a step of `due`
        members = _fields(_member(_inside(around, before)))
        value = error["input"]
        return before if members and isinstance(value, dict) and value and value.keys() <= members.keys() else None
    return before if path[-1] in _fields(_member(around)) else None  # a key of the member before it


def _before(data: PlainData, path: Path) -> str | None:
    """Return the key before the last one of a path, in the same group."""
    for part in path[:-1]:
        data = data[part]
    keys = list(data) if isinstance(data, dict) else []
    at = keys.index(path[-1]) if path[-1] in keys else 0
    return keys[at - 1] if at else None


def _member(annotation: Any) -> Any:  # noqa: ANN401  (annotations have no type)
    """Return the annotation of the values in a group whose keys are names; None for any other annotation."""
    return _inside(annotation, "") if get_origin(annotation) is dict else None


def _place(document: Document, error: ErrorDetails, path: Path) -> Place:
    if error["type"] == "missing":
        return document.value(path[:-1])
    on_key = error["type"] == "extra_forbidden" or error["loc"][-1:] == ("[key]",)
    return document.key(path) if on_key else document.value(path)


def _meant(shape: type[BaseModel], error: ErrorDetails, path: Path) -> str | None:
    if error["type"] == "extra_forbidden":
        return closest(str(path[-1]), _known_keys(shape, path[:-1]))
    if error["type"] == "literal_error" and isinstance(error["input"], str):
        expected = error["ctx"]["expected"].replace(" or ", ", ").split(", ")
        return closest(error["input"], [each.strip("'") for each in expected])
    return None


def _plain(loc: tuple[int | str, ...]) -> Path:
    return loc[:-1] if loc[-1:] == ("[key]",) else loc


def _known_keys(shape: type[BaseModel], path: Path) -> list[str]:
    """Return the keys that the shape knows at a path."""
    return list(_fields(_annotation(shape, path)))


def _annotation(shape: type[BaseModel], path: Path) -> Any:  # noqa: ANN401  (annotations have no type)
    """Return the annotation that the shape declares at a path."""
    annotation: Any = shape
    for part in path:
        annotation = _inside(annotation, part)
    return annotation


def _inside(annotation: Any, part: str | int) -> Any:  # noqa: ANN401  (annotations have no type)
    if isinstance(annotation, type) and issubclass(annotation, RootModel):
        annotation = annotation.model_fields["root"].annotation
    fields = _fields(annotation)
    inner = fields.get(str(part)) if fields else next(iter(get_args(annotation)[-1:]), None)
    return next((each for each in get_args(inner) if each is not NoneType), None) if _nullable(inner) else inner


def _nullable(annotation: Any) -> bool:  # noqa: ANN401  (annotations have no type)
    return NoneType in get_args(annotation)


def _fields(annotation: Any) -> dict[str, Any]:  # noqa: ANN401  (annotations have no type)
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return {}
    return {field.alias or name: field.annotation for name, field in annotation.model_fields.items()}
