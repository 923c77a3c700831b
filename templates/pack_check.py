"""Checks pack.yaml, and that everything with a title has one in each language of the pack."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from templates.event_check import Known
from templates.files import PackFiles, plain
from templates.filters import speaks
from templates.findings import Report, closest
from templates.pack_shapes import ATTRIBUTE_TYPES, PackShape
from templates.shape_check import check_shape
from templates.yaml_file import Document, Path

_TITLED = ("agencies", "attributes", "actions")
_DEPTH = 3  # ("agencies", "justice", "title")


def check_packs(packs: Iterable[PackFiles], report: Report) -> Known:
    """Report what is wrong with each pack.yaml and among them; what they declare together."""
    declared: dict[str, dict[str, Any]] = {"pack": {}, "agencies": {}, "attributes": {}}
    complete = True
    for files in packs:
        document = files.pack
        complete = complete and document.data is not None
        if document.data is not None:
            check_shape(document, PackShape, report)
        _check_languages(document, report)
        content = plain(document)
        _declare(document, ("pack",), {str(content.get("pack")): None}, declared["pack"], report)
        for group in ("agencies", "attributes"):
            _declare(document, (group,), group_at(content, group), declared[group], report)
    types = {name: str(group_at(attribute).get("type")) for name, attribute in declared["attributes"].items()}
    kinds = {name: kind if kind in ATTRIBUTE_TYPES else "string" for name, kind in types.items()}
    return Known(frozenset(declared["agencies"]), kinds, complete)


def _check_languages(document: Document, report: Report) -> None:
    named = group_at(plain(document), "defaults").get("languages")
    languages = [each for each in named if isinstance(each, str)] if isinstance(named, list) else []
    for at, language in enumerate(languages):
        if not speaks(language):
            place = document.value(("defaults", "languages", at))
            report.add(document.finding(place, f"nobody knows how dates are written in {language!r}"))
    default = group_at(plain(document), "defaults").get("language")
    if languages and isinstance(default, str) and default not in languages:
        place = document.value(("defaults", "language"))
        report.add(document.finding(place, f"{default!r} is not among the languages", closest(default, languages)))


def _declare(
    document: Document, path: Path, names: Mapping[str, Any], declared: dict[str, Any], report: Report
) -> None:
    """Add names to what is declared; one that is there already is declared twice."""
    for name, content in names.items():
        if name in declared:
            place = document.value(path) if path == ("pack",) else document.key((*path, name))
            report.add(document.finding(place, f"{name!r} is declared by two packs"))
        declared.setdefault(name, content)


def group_at(content: Any, *path: str | int) -> dict[str, Any]:  # noqa: ANN401  (anything that a file may hold)
    """The group of keys at a path of plain data; empty where there is none."""
    for part in path:
        content = content[part] if part in keys_of(content) else None
    return content if isinstance(content, dict) else {}


def keys_of(content: Any) -> Collection[str | int]:  # noqa: ANN401  (anything that a file may hold)
    """The keys of a group, or the indices of a list."""
    if isinstance(content, dict):
        return content
    return range(len(content)) if isinstance(content, list) else ()


def languages_of(documents: Iterable[Document]) -> list[str]:
    """The languages of the first pack.yaml that names any; one that nobody speaks is left out."""
    for document in documents:
        languages = group_at(plain(document), "defaults").get("languages")
        if isinstance(languages, list):
            return [each for each in languages if isinstance(each, str) and speaks(each)]
    return []


def _titled(path: Path) -> bool:
    return path == ("title",) or (len(path) == _DEPTH and path[0] in _TITLED and path[2] in ("title", "label"))


def check_titles(
    document: Document, languages: list[str], report: Report, titled: Callable[[Path], bool] = _titled
) -> None:
    """Report every title and label of a file that lacks a language; `titled`: which paths hold one."""
    for path in document.values if document.data is not None else ():
        named = titled(path)
        missing = [each for each in languages if each not in group_at(document.data, *path)] if named else []
        if missing:
            message = f"{path[-1]} is missing in {', '.join(missing)}"
            report.add(document.finding(document.value(path), message))
