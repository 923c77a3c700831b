"""The declarations of packs besides their triggers: each trigger is checked against them."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from domain.core.translatable import Words
from domain.rules.event_types import Catalogue
from domain.rules.triggers import Trigger
from templates.checks.benefit_check import OtherDeclarations, check_benefits, check_parameters
from templates.checks.event_check import Known, check_event_type
from templates.checks.pack_check import check_packs, check_titles, languages_of
from templates.checks.personas import check_personas
from templates.checks.services_check import check_services, services_of
from templates.reading.files import DocumentCache, PackFiles, plain
from templates.reading.findings import Report


class Declarations(Struct, frozen=True):
    """The declarations of all packs together. `broken`: event types and benefits that exist, but cannot be used."""

    known: Known
    languages: list[str]
    catalogue: Catalogue
    broken: frozenset[str]
    services: Mapping[str, Mapping[str, Any]]


class CheckCache:
    """Keeps what had no findings, for packs that are read again: documents, declarations, and triggers that hold."""

    def __init__(self) -> None:
        self.documents = DocumentCache()
        self._texts: list[Sequence[Any]] = []
        self._declared: Declarations | None = None
        self._triggers: dict[str, tuple[Any, Trigger]] = {}

    def declarations(self, packs: Sequence[PackFiles], report: Report) -> Declarations:
        """Return what the packs declare; report what is wrong with it. It is checked unless no text has changed."""
        texts = [files.texts for files in packs]
        if self._declared is not None and texts == self._texts:
            return self._declared
        before = len(report)
        declared, self._triggers = _declarations(packs), {}
        self._texts, self._declared = texts, declared if len(report) == before else None
        return declared

    def trigger(self, name: str, rules: object) -> Trigger | None:
        """Return the trigger that these rules gave by the present declarations; None if that is not known."""
        data, made = self._triggers.get(name, (None, None))
        return made if data is rules else None

    def keep(self, name: str, rules: object, trigger: Trigger) -> None:
        """Keep a trigger whose rules have no findings by the present declarations."""
        self._triggers[name] = rules, trigger


def _declarations(packs: Sequence[PackFiles]) -> Declarations:
    """Return what the packs declare; what is wrong with it is noted in their documents."""
    known = check_packs(packs)
    languages = languages_of(files.pack for files in packs)
    catalogue, broken = _catalogue(packs, known)
    catalogue = replace(catalogue, parameters=check_parameters(packs, languages))
    benefits = [files.benefits for files in packs if files.benefits is not None]
    catalogue, unusable = check_benefits(benefits, OtherDeclarations(catalogue, broken, known, languages))
    for files in packs[1:]:  # the built-in one is not the jurisdiction's to translate
        for document in (files.pack, *files.events):
            check_titles(document, languages)
    services = [files.services for files in packs if files.services is not None]
    check_services(services, known, languages)
    for personas in (files.personas for files in packs if files.personas is not None):
        check_personas(personas, known.attributes)
    return Declarations(known, languages, catalogue, broken | unusable, services_of(services))


def _catalogue(packs: Sequence[PackFiles], known: Known) -> tuple[Catalogue, frozenset[str]]:
    """Return the event types that can be used, and the names of those that are too broken to be."""
    types, broken = {}, set()
    for document in (document for files in packs for document in files.events):
        name = str(plain(document).get("type"))
        if name in types:
            document.note(("type",), Words("the event type {name!r} is declared twice", name=name))
            broken.add(name)
        elif (type_ := check_event_type(document, known)) is not None:
            types[type_.name] = type_
        else:
            broken.add(name)
    usable = {name: type_ for name, type_ in types.items() if name not in broken}
    return Catalogue(usable, known.attributes, emergencies=known.emergencies, offices=known.offices), frozenset(
        broken
    )
