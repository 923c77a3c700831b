"""Checks parameters.yaml and benefits.yaml: their shape, their order, the names they use, and that they compile."""

from collections.abc import Container, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from msgspec import Struct
from pydantic import ValidationError

from domain.core.plain import PlainData
from domain.core.translatable import Words
from domain.rules.benefit_compiling import BadBenefit, compile_benefit, with_benefits
from domain.rules.errors import BadTrigger
from domain.rules.event_types import PERSON, Catalogue
from domain.rules.parameters import Parameter, parameter_of
from templates.checks.cost_check import check_cost
from templates.checks.event_check import Known
from templates.checks.pack_check import check_titles
from templates.checks.shape_check import check_shape
from templates.checks.trigger_check import place_of, quoted_in, without_paths
from templates.reading.benefit_shapes import BenefitsFile, BenefitShape, ParametersFile
from templates.reading.files import PackFiles, plain
from templates.reading.findings import closest, unknown_agency
from templates.reading.pack_content import group_at
from templates.reading.yaml_file import Document, Path


class OtherDeclarations(Struct, frozen=True):
    """The declarations that benefits are checked against. `broken`: event types that exist, but cannot be used."""

    catalogue: Catalogue
    broken: frozenset[str]
    known: Known
    languages: list[str]


def check_parameters(packs: Iterable[PackFiles], languages: list[str]) -> dict[str, Parameter]:
    """Report what is wrong with each parameters.yaml; the parameters that can be used, by name."""
    found: dict[str, Parameter] = {}
    for document in (files.parameters for files in packs):
        if document is None or document.data is None:
            continue
        wrong = _named(check_shape(document, ParametersFile))
        check_titles(document, languages, _titled)
        for name, content in plain(document).items():
            _declared_twice(document, name, found)
            if name not in wrong:
                _check_order(document, name, list(content["values"]))
                found.setdefault(name, parameter_of(content))
    return found


def _check_order(document: Document, name: str, days: Sequence[str]) -> None:
    for before, day in pairwise(days):
        if day < before:
            message = Words("{day} stands after {before}: the earlier day comes first", day=day, before=before)
            document.note((name, "values", day), message, key=True)


def check_benefits(documents: Iterable[Document], rest: OtherDeclarations) -> tuple[Catalogue, frozenset[str]]:
    """Report what is wrong with each benefits.yaml; the catalogue with what can be used, and the names of others."""
    usable: dict[str, Any] = {}
    declared: set[str] = set()
    broken: set[str] = set()
    for document in documents:
        if document.data is None:
            continue
        at_wrong = check_shape(document, BenefitsFile)
        wrong = _named(at_wrong)
        check_titles(document, rest.languages, _titled)
        for name, content in plain(document).items():
            _declared_twice(document, name, declared)
            declared.add(name)
            before = len(document.report)
            _check_benefit(document, name, [path[1:] for path in at_wrong if path[:1] == (name,)], rest)
            if name in wrong or len(document.report) > before or rest.broken & _types(content):
                broken.add(name)
            else:
                usable.setdefault(name, content)
    return with_benefits(rest.catalogue, usable), frozenset(broken)


def _named(wrong: Iterable[Path]) -> set[str | int]:
    return {path[0] for path in wrong if path}


def _titled(path: Path) -> bool:
    return path[-1:] == ("title",)


def _declared_twice(document: Document, name: str, declared: Container[str]) -> None:
    if name in declared:
        document.note((name,), Words("{name!r} is declared by two packs", name=name), key=True)


def _types(content: Mapping[str, Any]) -> set[str]:
    return {content["on"], *(each["on"] for each in content.get("unless") or ())}


def _check_benefit(document: Document, name: str, wrong: Sequence[Path], rest: OtherDeclarations) -> None:
    """Report what is wrong with a benefit; `wrong`: the paths inside it at which its shape is wrong."""
    if (content := _compilable(plain(document)[name], wrong)) is None:
        return
    agency = content["agency"]
    if agency and agency not in rest.known.agencies and rest.known.complete:
        message = unknown_agency(agency, rest.known.agencies)
        document.note((name, "agency"), message, closest(agency, rest.known.agencies))
    _check_ids(document, name, content)
    if not rest.broken & _types(content):
        try:
            check_cost(document, compile_benefit(name, content, rest.catalogue))
        except BadBenefit as first:
            for bad in (first, *first.others):
                suggestion = _meant(bad, content, rest.catalogue)
                place, in_text = place_of(document, bad, _TEXTS), bad.path[-1] in _TEXTS
                document.note_at(place, bad.problem, suggestion, show_line=in_text)


def _compilable(data: PlainData, wrong: Sequence[Path]) -> dict[str, PlainData] | None:
    """Return the benefit as it can be compiled, without what is wrong in it; None where nothing is left."""
    if not wrong:
        return dict(data)
    if not isinstance(rest := without_paths(data, wrong), dict):
        return None
    content = {**_HARMLESS, **rest}
    try:
        BenefitShape.model_validate({**content, "agency": "-"})
    except ValidationError:
        return None
    return content


_HARMLESS: Mapping[str, Any] = {"title": {"en": "-"}, "agency": "", "clause": "-"}
"""What compiling does not read, where the file lacks it."""
_TEXTS = ("when", "amount")


def _check_ids(document: Document, name: str, content: Mapping[str, Any]) -> None:
    seen: set[str] = set()
    for at, each in enumerate(content.get("conditions") or ()):
        if each["id"] in seen:
            document.note(
                (name, "conditions", at, "id"), Words("another condition is called {name!r} too", name=each["id"])
            )
        seen.add(each["id"])


def _meant(bad: BadTrigger, content: Mapping[str, Any], catalogue: Catalogue) -> str | None:
    if (quoted := quoted_in(bad)) is None:
        return None
    if bad.path[-1] == "on":
        return closest(quoted, [*catalogue.types, PERSON])
    type_ = catalogue.types.get(content["on"])
    if bad.path[-1] == "to":
        return closest(quoted, type_.roles if type_ else ())
    names = [f"event.{name}" for name in type_.variables()] if type_ else []
    if bad.path[1] == "unless":
        later = catalogue.types[group_at(content, *bad.path[1:3])["on"]]
        names += [f"later.{name}" for name in later.variables()]
    return closest(quoted, [*names, *catalogue.citizen_variables(), *catalogue.parameter_variables()])
