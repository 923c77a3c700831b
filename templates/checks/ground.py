"""What the files of packs declare besides their triggers: each trigger is checked against it."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from domain.core.translatable import Words
from domain.rules.event_types import Catalogue
from domain.rules.triggers import Trigger
from templates.checks.benefit_check import Rest, check_benefits, check_parameters
from templates.checks.event_check import Known, check_event_type
from templates.checks.pack_check import check_packs, check_titles, languages_of
from templates.checks.personas import check_personas
from templates.checks.services_check import check_services, services_of
from templates.reading.files import Kept, PackFiles, plain
from templates.reading.findings import Report


class Ground(Struct, frozen=True):
    """The declarations of all packs. `broken`: event types and benefits that exist, but cannot be used.

    `sound`: triggers by name that had no findings on it, each after the data of its rules.
    """

    known: Known
    languages: list[str]
    catalogue: Catalogue
    broken: frozenset[str]
    services: Mapping[str, Mapping[str, Any]]
    sound: dict[str, tuple[Any, Trigger]] = {}


class Sound:
    """Keeps what had no findings, for a pack that is read again: its documents, and the last ground by its texts."""

    def __init__(self) -> None:
        self.documents = Kept()
        self._texts: list[Sequence[Any]] = []
        self._ground: Ground | None = None

    def ground(self, packs: Sequence[PackFiles], report: Report) -> Ground:
        """Report what is wrong with the files of packs besides their triggers; what they declare."""
        texts = [files.texts for files in packs]
        if self._ground is not None and texts == self._texts:
            return self._ground
        before = len(report)
        ground = _ground(packs)
        if len(report) == before:
            self._texts, self._ground = texts, ground
        return ground


def _ground(packs: Sequence[PackFiles]) -> Ground:
    known = check_packs(packs)
    languages = languages_of(files.pack for files in packs)
    catalogue, broken = _catalogue(packs, known)
    catalogue = replace(catalogue, parameters=check_parameters(packs, languages))
    benefits = [files.benefits for files in packs if files.benefits is not None]
    catalogue, unusable = check_benefits(benefits, Rest(catalogue, broken, known, languages))
    for files in packs[1:]:  # the built-in one is not the jurisdiction's to translate
        for document in (files.pack, *files.events):
            check_titles(document, languages)
    services = [files.services for files in packs if files.services is not None]
    check_services(services, known, languages)
    for personas in (files.personas for files in packs if files.personas is not None):
        check_personas(personas, known.attributes)
    return Ground(known, languages, catalogue, broken | unusable, services_of(services))


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
