"""Checks pack.yaml, and that everything with a title has one in each language of the pack."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from msgspec import Struct

from domain.core.plain import PlainData
from domain.core.translatable import Words
from domain.rules.event_types import Office
from templates.checks.event_check import Known
from templates.checks.shape_check import check_shape
from templates.reading.files import PackFiles, plain
from templates.reading.findings import closest
from templates.reading.pack_content import emergencies_of, group_at, offices_of
from templates.reading.pack_shapes import ATTRIBUTE_TYPES, PackShape
from templates.reading.public_holidays import countries
from templates.reading.value_kinds import DOMAIN
from templates.reading.yaml_file import Document, Path
from templates.words.filters import price, speaks

_TITLED = ("agencies", "attributes", "actions")
SMS_PARTS = 2
"""Unless the pack says otherwise."""
_LAW = ("legal_basis",)
_DEPTH = 3  # ("agencies", "justice", "title")
_ACT_DEPTH = 2  # ("acts", "social_code")
_AGREED = ("defaults", "area_levels")
"""Keys that hold for a person, and so must not depend on which of their packs was loaded first."""


class SmsLimit(Struct, frozen=True):
    """The most parts that an SMS may have, and what one costs."""

    parts: int = SMS_PARTS
    price: float | None = None

    def cost(self, parts: int, language: str = "en") -> str:
        """Return the cost of so many parts with its currency, as that language writes it; empty without a price."""
        return "" if not self.price else price(self.price * parts, language)


def check_packs(packs: Iterable[PackFiles]) -> Known:
    """Report what is wrong with each pack.yaml and among them; what they declare together."""
    declared: dict[str, dict[str, Any]] = {"pack": {}, "agencies": {}, "attributes": {}}
    stated: dict[str, Any] = {}
    emergencies: dict[str, frozenset[str]] = {}
    offices: dict[str, Office] = {}
    complete = True
    for files in packs:
        document = files.pack
        complete = complete and document.data is not None
        if document.data is not None:
            check_shape(document, PackShape)
        _check_languages(document)
        _check_quiet_hours(document)
        _check_holidays(document)
        _check_emergencies(document)
        content = plain(document)
        emergencies |= emergencies_of(content)
        offices |= offices_of(content)
        _declare(document, ("pack",), {str(content.get("pack")): None}, declared["pack"])
        for group in ("agencies", "attributes"):
            _declare(document, (group,), group_at(content, group), declared[group])
        _check_agreement(document, content, stated)
    types = {name: str(group_at(attribute).get("type")) for name, attribute in declared["attributes"].items()}
    kinds = {name: kind if kind in ATTRIBUTE_TYPES else "string" for name, kind in types.items()}
    return Known(frozenset(declared["agencies"]), kinds, complete, emergencies, offices)


def _check_languages(document: Document) -> None:
    named = group_at(plain(document), "defaults").get("languages")
    languages = [each for each in named if isinstance(each, str)] if isinstance(named, list) else []
    for at, language in enumerate(languages):
        if not speaks(language):
            document.note(
                ("defaults", "languages", at),
                Words("nobody knows how dates are written in {language!r}", language=language),
            )
    default = group_at(plain(document), "defaults").get("language")
    if languages and isinstance(default, str) and default not in languages:
        message = Words("{language!r} is not among the languages", language=default)
        document.note(("defaults", "language"), message, closest(default, languages))


def _check_quiet_hours(document: Document) -> None:
    hours = group_at(group_at(plain(document), "defaults"), "quiet_hours")
    if hours.get("from") is not None and hours.get("from") == hours.get("to"):
        message = Words("quiet hours that end when they begin are none: people are told at any hour")
        document.note(("defaults", "quiet_hours"), message, warning=True)


def _check_holidays(document: Document) -> None:
    said = group_at(plain(document), "holidays")
    country = said.get("country")
    if isinstance(country, str) and country not in (known := countries()):
        meant = country.upper() if country.upper() in known else closest(country, known)
        document.note(("holidays", "country"), Words("no country has the code {country!r}", country=country), meant)
    days = {key: said[key] if isinstance(said.get(key), list) else [] for key in ("off", "working")}
    for key, listed in days.items():
        for at, (one, next_) in enumerate(pairwise(map(str, listed)), 1):
            if next_ <= one:
                message = Words(
                    "{day} stands after {before}; the earliest day comes first, each once", day=next_, before=one
                )
                document.note(("holidays", key, at), message)
    for at, day in enumerate(days["working"]):
        if day in days["off"]:
            document.note(("holidays", "working", at), Words("{day} is both off and working", day=day))


def _check_emergencies(document: Document) -> None:
    """A pack may let only its own agencies warn of danger."""
    content = plain(document)
    named, own = group_at(content, "emergencies").get("agencies"), group_at(content, "agencies")
    for at, agency in enumerate(named if isinstance(named, list) else ()):
        if agency not in own:
            message = Words("{agency!r} is no agency of this pack", agency=agency)
            document.note(("emergencies", "agencies", at), message, closest(str(agency), own))


def _declare(document: Document, path: Path, names: Mapping[str, Any], declared: dict[str, Any]) -> None:
    """Add names to what is declared; one that is there already is declared twice."""
    for name, content in names.items():
        if name in declared:
            document.note_at(
                document.value(path) if path == ("pack",) else document.key((*path, name)),
                Words("{name!r} is declared by two packs", name=name),
            )
        declared.setdefault(name, content)


def _check_agreement(document: Document, content: Mapping[str, Any], stated: dict[str, Any]) -> None:
    """Report what a pack says otherwise than the first pack that says it (`stated`)."""
    for name in _AGREED:
        if name in content:
            for path in _differing((name,), content[name], stated.setdefault(name, content[name])):
                message = Words(
                    "{name} is another in an earlier pack; packs that are loaded together agree", name=path[-1]
                )
                document.note(path, message)


def _differing(path: Path, mine: PlainData, theirs: PlainData) -> Iterator[Path]:
    if isinstance(mine, dict) and isinstance(theirs, dict):
        for key in mine.keys() & theirs.keys():
            yield from _differing((*path, key), mine[key], theirs[key])
    elif mine != theirs:
        yield path


def languages_of(documents: Iterable[Document]) -> list[str]:
    """Return the languages of the first pack.yaml that names any; one that nobody speaks is left out."""
    for document in documents:
        languages = group_at(plain(document), "defaults").get("languages")
        if isinstance(languages, list):
            return [each for each in languages if isinstance(each, str) and speaks(each)]
    return []


def domains_of(pack: Mapping[str, Any]) -> list[str] | None:
    """Return the sites that a pack's words may lead to; None: all."""
    domains = pack.get("link_domains")
    if not isinstance(domains, list) or not all(re.fullmatch(DOMAIN, str(each)) for each in domains):
        return None  # what is wrong in the list is told once, and not again for every link
    return [str(each) for each in domains]


def sms_limit_of(pack: Mapping[str, Any]) -> SmsLimit:
    """Return a pack's limit of parts for an SMS, and the price of one."""
    parts, price = pack.get("sms_parts"), pack.get("sms_price")
    return SmsLimit(parts if isinstance(parts, int) else SMS_PARTS, price if isinstance(price, int | float) else None)


def _titled(path: Path) -> bool:
    return (
        path in (("title",), ("search_words",), _LAW)
        or path[-1:] == ("x-title",)
        or (len(path) == _DEPTH and path[0] in _TITLED and path[2] in ("title", "short", "label"))
        or (len(path) == _ACT_DEPTH and path[0] == "acts")
    )


def _check_one_language(document: Document, languages: list[str]) -> None:
    """Warn of a legal basis in one language, as it was written at first, where readers have several."""
    if isinstance(document.data[_LAW[0]], str) and len(languages) > 1:
        each = ", ".join(f"{language}: …" for language in languages)
        message = Words("legal_basis is in one language, and readers have several: write {{{each}}}", each=each)
        document.note(_LAW, message, warning=True)


TITLE = 50
"""The characters of a trigger's title that lists of messages and the screen of a locked telephone show."""


def check_title_length(document: Document) -> None:
    """Report titles of a trigger that no list of messages shows whole."""
    titles = document.data.get("title") if isinstance(document.data, dict) else None
    for language, text in titles.items() if isinstance(titles, dict) else ():
        if isinstance(text, str) and len(text.strip()) > TITLE:
            message = Words("the title has {count} characters, and lists show {most}", count=len(text), most=TITLE)
            document.note(("title", language), message)


def check_titles(document: Document, languages: list[str], titled: Callable[[Path], bool] = _titled) -> None:
    """Report every title and label of a file that lacks a language; `titled`: which paths hold one."""
    for path in document.values if document.data is not None else ():
        if not titled(path):
            continue
        if path == _LAW and not isinstance(document.data[path[0]], dict):
            _check_one_language(document, languages)
            continue
        written = group_at(document.data, *path)
        missing = [each for each in languages if each not in written]
        for language in written if languages else ():
            if language not in languages:
                message = Words("the pack does not speak {language!r}, so nobody reads this", language=language)
                document.note((*path, language), message, closest(str(language), languages), warning=True, key=True)
        if missing:
            message = Words("{name} is missing in {languages}", name=path[-1], languages=", ".join(missing))
            document.note(path, message)
