"""Holds the addresses in a trigger's words and buttons to the sites that its pack allows."""

import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from domain.core.plain import PlainData
from domain.core.translatable import N_, Words
from templates.checks.words_check import texts
from templates.reading.files import TriggerFiles, plain
from templates.reading.findings import closest
from templates.reading.pack_content import items_of
from templates.reading.yaml_file import Document, Place
from templates.words.policy import ROOTS
from templates.words.tags import without_tags

_BARE_NAME = re.compile(rf"(?<![\w./@-])(?:{'|'.join(ROOTS)})(?:\.\w+)+")
"""The name of a value outside of a tag, which is reported as such and is no address."""
_HOST = re.compile(
    r"(?<![\w@./-])(?:https?://)?((?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,})(?![\w@-])", re.IGNORECASE
)
"""An address with or without https://: a telephone makes a link of both."""
_LINK = re.compile(
    r"""((?<![^\s()<>\[\]{}"'«»“”])[^\s()<>\[\]{}"'«»“”]*?//+|\bhttps?(?:[:;.,]/?|/)(?=[^\W_]))((?:[^\W_]|[.,:;-])*)[^\s()<>\[\]{}"'«»“”]*""",
    re.IGNORECASE,
)
"""A word with // in it, or with what is left of https://: how it begins, the site, and the rest."""
_BEGINNING = re.compile(r"(?:.*[^a-z0-9])?https://", re.IGNORECASE)
_BUTTON = re.compile(r"https://([a-z0-9.:-]*)(?=[/?#]|\Z)", re.IGNORECASE)
"""The address of a button, with its site; other signs in a site are told where its file is read."""
_SITE = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}(?::[0-9]+)?", re.IGNORECASE)
_SITE_WITH_COMMAS = re.compile(r"(?<![\w@./-])(?:[a-z0-9-]{1,63}[.,]{1,3}){1,9}([a-z]{2,63})(?![\w-])", re.IGNORECASE)
_TORN = re.compile(r"\bhttps?(?=[:/ ]{0,6}[ \\])[ ]{0,3}:?[ ]{0,3}[/\\]{1,3}[ ]{0,3}[\w.,-]+", re.IGNORECASE)
"""An address with blanks or \\ in what it begins with; a tag is a longer blank by then."""
_NO_LINK = N_("{text} opens nothing: an address is written as https://, then a site with dots, and without blanks")


FRONT_PAGE = N_("{link} is a front page: people look for the service there; give the page of the service, or no link")


ONE_ACTION = N_(
    "an email asks for one thing, so it has one button; name the others in the text, or in another message"
)


_ENTRANCE = re.compile(r"/?(?:[a-z]{2}/?)?(?:index\.\w+)?", re.IGNORECASE)
"""A path that leads no further than a site's entrance: none, a language, the index page."""


def is_front_page(url: str) -> bool:
    """Return True for an address of a host without a path, or with a language alone: https://gov.kz/ru/."""
    parts = urlsplit(url)
    return _ENTRANCE.fullmatch(parts.path) is not None and not parts.query and not parts.fragment


def check_front_pages(files: TriggerFiles) -> None:
    """Warn of each button that leads to the front page of a site."""
    for at, action in enumerate(_listed(plain(files.rules).get("actions"))):
        url = str(action.get("url", ""))
        if url and is_front_page(url):
            files.rules.note(("actions", at, "url"), Words(FRONT_PAGE, link=url), warning=True)


def check_one_action(files: TriggerFiles) -> None:
    """Warn of a second button of a letter, unless all of them answer the one question that it asks."""
    rules = plain(files.rules)
    actions = _listed(rules.get("actions"))
    by_email = "email" in items_of(rules.get("channels"))
    if by_email and len(actions) > 1 and not all("reply" in each for each in actions):
        files.rules.note(("actions", 1), Words(ONE_ACTION), warning=True)


def check_links(files: TriggerFiles, domains: Sequence[str] | None) -> None:
    """Report every broken address, and each of another site than `domains` and what lies below them (None: all)."""
    for document, place, text, host in _addresses(files, domains):
        if host is None:
            document.note_at(place, Words(_NO_LINK, text=text), _meant(text, domains))
        elif not _allowed(host, domains):
            known = ", ".join(domains or ())
            message = Words("{host} is not among the pack's link_domains ({known})", host=host, known=known)
            document.note_at(place, message)


def _allowed(host: str, domains: Sequence[str] | None) -> bool:
    return domains is None or any(host == domain or host.endswith(f".{domain}") for domain in domains)


def _meant(text: str, domains: Sequence[str] | None) -> str | None:
    """Return the address that a broken one was probably meant to be."""
    text = re.sub(r"\s", "", text).replace("\\", "/")
    found = _LINK.search(text)
    site = re.sub("[.,:;]+", ".", (found[2] if found else text).lower()).strip(".-")
    if not _allowed(site, domains):
        site = closest(site, domains or ()) or ""
    return f"https://{site}" if _SITE.fullmatch(site) else None


def _addresses(
    files: TriggerFiles, domains: Sequence[str] | None
) -> Iterator[tuple[Document, Place, str, str | None]]:
    """Yield each address with its place and its host; the host of a broken one is None."""
    rules = files.rules
    for at, action in enumerate(_listed(plain(rules).get("actions"))):
        url, place = str(action.get("url", "")), rules.value(("actions", at, "url"))
        if (found := _BUTTON.match(url)) is not None and not _SITE.fullmatch(found[1]):
            yield rules, place, url, None
        for found in _HOST.finditer(url):
            yield rules, place, found[0], found[1].lower()
    for document in files.words.values():
        for path, text in texts((), plain(document)):
            for start, address, host in _named(text, domains):
                before = text[:start]
                line, column = before.count("\n") + 1, start - (before.rfind("\n") + 1) + 1
                yield document, document.inside(path, line, column=column), address, host


def _named(text: str, domains: Sequence[str] | None) -> Iterator[tuple[int, str, str | None]]:
    hidden = _BARE_NAME.sub(_blank, without_tags(text, comments=False))
    endings = {domain.rpartition(".")[2] for domain in domains or ()}
    torn = list(_TORN.finditer(hidden))
    for found in torn:
        hidden = _without(hidden, found)
    broken = torn + [found for found in _LINK.finditer(hidden) if _is_broken_link(found, domains)]
    broken += [
        found
        for found in _SITE_WITH_COMMAS.finditer(hidden)
        if found[1].lower() in endings and re.search(r",|\.\.", found[0])
    ]
    for found in broken:
        yield found.start(), found[0], None
        hidden = _without(hidden, found)
    for found in _HOST.finditer(hidden):
        yield found.start(), found[0], found[1].lower()


def _is_broken_link(found: re.Match[str], domains: Sequence[str] | None) -> bool:
    """Return True for what is meant as an address and opens no page over https; the host may be a value."""
    begins, site = found[1].lower(), found[2].lower().rstrip(".,:;-")
    if not site or (":" not in begins and not begins.startswith("http") and not re.search(r"\w[.,]+[a-z]{2}", site)):
        return False
    if begins == "http://" and not _allowed(site, domains):
        return False  # it is told as one of a site that is not allowed
    return not _BEGINNING.fullmatch(begins) or not _SITE.fullmatch(site)


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])


def _without(text: str, found: re.Match[str]) -> str:
    return text[: found.start()] + _blank(found) + text[found.end() :]


def _listed(value: PlainData) -> list[Mapping[str, PlainData]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
