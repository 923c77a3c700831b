"""Holds the addresses in a trigger's words and buttons to the sites that its pack allows."""

import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from domain.core.plain import PlainData
from domain.core.translatable import N_, Words
from templates.checks.words_check import texts
from templates.reading.files import TriggerFiles, plain
from templates.reading.pack_content import items_of
from templates.reading.yaml_file import Document, Place
from templates.words.policy import ROOTS

_DYNAMIC = re.compile(rf"\{{\{{.*?\}}\}}|\{{%.*?%\}}|(?<![\w./@-])(?:{'|'.join(ROOTS)})(?:\.\w+)+", re.DOTALL)
"""What is no address: a placeholder, and the name of a value outside of one, which is reported as such."""
_HOST = re.compile(
    r"(?<![\w@./-])(?:https?://)?((?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,})(?![\w@-])", re.IGNORECASE
)
"""An address with or without https://: a telephone makes a link of both."""


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
    """Report every address of another site than `domains` and what lies below them (None: all are allowed)."""
    if domains is None:
        return
    for document, place, host in _hosts(files):
        if not any(host == domain or host.endswith(f".{domain}") for domain in domains):
            known = ", ".join(domains)
            message = Words("{host} is not among the pack's link_domains ({known})", host=host, known=known)
            document.note_at(place, message)


def _hosts(files: TriggerFiles) -> Iterator[tuple[Document, Place, str]]:
    rules = files.rules
    for at, action in enumerate(_listed(plain(rules).get("actions"))):
        for _, host in _named(str(action.get("url", ""))):
            yield rules, rules.value(("actions", at, "url")), host
    for document in files.words.values():
        for path, text in texts((), plain(document)):
            for start, host in _named(text):
                before = text[:start]
                line, column = before.count("\n") + 1, start - (before.rfind("\n") + 1) + 1
                yield document, document.inside(path, line, column=column), host


def _named(text: str) -> Iterator[tuple[int, str]]:
    hidden = _DYNAMIC.sub(lambda found: " " * len(found[0]), text)
    return ((found.start(), found[1].lower()) for found in _HOST.finditer(hidden))


def _listed(value: PlainData) -> list[Mapping[str, PlainData]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
