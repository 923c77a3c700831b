"""Checks services.yaml: its shape, and that ids are unique, agencies and moments known, links where they may lead."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from domain.core.translatable import Said, Words
from templates.checks.event_check import Known
from templates.checks.link_check import FRONT_PAGE, is_front_page
from templates.checks.shape_check import check_shape
from templates.reading.files import plain
from templates.reading.findings import closest, unknown_agency
from templates.reading.services_shapes import ServicesShape
from templates.reading.yaml_file import Document, Path


def check_services(documents: Iterable[Document], known: Known, languages: list[str]) -> None:
    """Report what is wrong with the services of each pack, and among them all."""
    seen: set[str] = set()
    for document in documents:
        if document.data is None or check_shape(document, ServicesShape):
            continue
        check = _Check(document, known, languages)
        for name, title in document.data["moments"].items():
            check.title(("moments", name), title)
        for at, service in enumerate(document.data["services"]):
            check.service(("services", at), service, seen)


def services_of(documents: Iterable[Document]) -> dict[str, Mapping[str, Any]]:
    """Return the services by id; what has no right shape is left out."""
    listed = [plain(document).get("services") for document in documents]
    found = [each for services in listed if isinstance(services, list) for each in services if isinstance(each, dict)]
    return {str(each.get("id")): each for each in found if {"id", "title"} <= each.keys()}


def link_actions(rules: Document, services: Mapping[str, Mapping[str, Any]]) -> None:
    """Give each action that names a service the service's link and title, so that a version needs no other file.

    A service without a link has no button: an action that names it is left out.
    """
    actions = plain(rules).get("actions")
    listed = list(enumerate(actions)) if isinstance(actions, list) else []
    for at, action in listed:
        name = action.get("service") if isinstance(action, dict) else None
        if (service := services.get(str(name))) is not None and "link" not in service:
            rules.data["actions"].remove(action)
            if not rules.data["actions"]:
                del rules.data["actions"]
        elif service is not None:
            del action["service"]
            action |= {"url": service["link"], "label": action.get("label", service["title"])}
        elif name is not None:
            message = Words("no service is called {name!r}", name=name)
            rules.note(("actions", at, "service"), message, closest(str(name), services))


class _Check:
    def __init__(self, document: Document, known: Known, languages: list[str]) -> None:
        self.document, self.known, self.languages = document, known, languages

    def _value(self, path: Path, message: Said, name: str = "", known: Iterable[str] = ()) -> None:
        self.document.note(path, message, closest(name, known))

    def service(self, path: Path, service: dict[str, Any], seen: set[str]) -> None:
        """Report what does not fit together in one service, and note its id."""
        id_, agency, moments = service["id"], service["agency"], self.document.data["moments"]
        if id_ in seen:
            self._value((*path, "id"), Words("another service is called {name!r} too", name=id_))
        seen.add(id_)
        if agency not in self.known.agencies and self.known.complete:
            self._value((*path, "agency"), unknown_agency(agency, self.known.agencies), agency, self.known.agencies)
        for at, moment in enumerate(service["moments"]):
            if moment not in moments:
                self._value(
                    (*path, "moments", at), Words("no moment is called {name!r}", name=moment), moment, moments
                )
        if "link" in service:
            self._link((*path, "link"), service["link"], self.document.data["domains"])
            self._front((*path, "link"), service["link"])
        self.title((*path, "title"), service["title"])

    def _front(self, path: Path, link: str) -> None:
        if is_front_page(link):
            self.document.note(path, Words(FRONT_PAGE, link=link), warning=True)

    def _link(self, path: Path, link: str, domains: list[str]) -> None:
        host = (urlsplit(link).hostname or "").lower()
        if not any(host == domain or host.endswith(f".{domain}") for domain in domains):
            message = Words("links lead to {domains} only, not to {host!r}", domains=", ".join(domains), host=host)
            self._value(path, message, host, domains)

    def title(self, path: Path, title: dict[str, str]) -> None:
        """Report the languages of the pack in which a title is missing."""
        if missing := [each for each in self.languages if each not in title]:
            message = Words("{name} is missing in {languages}", name=path[-1], languages=", ".join(missing))
            self._value(path, message)
