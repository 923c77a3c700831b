"""Invented people for previews: those that are built in, and those of a pack's personas.yaml."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from msgspec import Struct

from domain.core.timing import add_months
from domain.core.translatable import N_, Said, Words
from templates.checks.shape_check import check_shape
from templates.reading.attributes import KINDS, has_kind
from templates.reading.files import plain
from templates.reading.findings import closest
from templates.reading.pack_content import group_at
from templates.reading.value_kinds import NAME, WRITTEN_NAME, Name, Shape, Text, optional
from templates.reading.yaml_file import Document

NOBODY: Mapping[str, Any] = {}
_CALLED: Mapping[str, str] = {"given_name": "Айгерім", "family_name": "Серікбаева", "patronymic": "Нұрланқызы"}

_MAN: Mapping[str, str] = {"given_name": "Нұрлан", "family_name": "Серікбаев", "patronymic": "Қайратұлы"}
_BOY: Mapping[str, str] = {"given_name": "Алихан", "family_name": "Серікбаев", "patronymic": "Ерланұлы"}

UNKNOWN_ATTRIBUTE = N_("no attribute is called {name!r}")


class Persona(Struct, frozen=True):
    """An invented person. `citizen`: attributes; `guardian`: those of who is told for a minor.

    `event`: parts of the data of what happens to them. `sparse`: everything optional is missing.
    """

    name: str
    about: str
    citizen: Mapping[str, Any]
    guardian: Mapping[str, Any] = NOBODY
    event: Mapping[str, Any] = NOBODY
    sparse: bool = False


class PersonaShape(Shape):
    """An invented person, for previews."""

    about: Text = optional("who it is, in a few words")
    citizen: dict[Name, Any] = optional("what is known of them, as in tests.yaml")
    guardian: dict[Name, Any] = optional("what is known of who is told for a minor")
    event: dict[Name, Any] = optional("parts of the event's data as it happens to them")
    sparse: bool = optional("whatever is optional is missing")


def built_in(today: date) -> list[Persona]:
    """Return the people that every pack is previewed for, as old as they are on that day."""

    def aged(years: int, sex: str = "female", **more: object) -> dict[str, Any]:
        return {"born_on": add_months(today, -12 * years).isoformat(), "sex": sex, **_CALLED, **more}

    return [
        Persona("adult", "a woman of 34", aged(34)),
        Persona("pensioner", "a man of 67", aged(67, "male", **_MAN)),
        Persona("parent", "a mother of 29", aged(29)),
        Persona("minor", "a boy of 12 with a guardian", aged(12, "male", **_BOY), aged(40)),
        Persona("sparse", "nothing is known that need not be", {}, sparse=True),
    ]


def personas_in(document: Document | None) -> list[Persona]:
    """Return the people of a personas.yaml without findings."""
    found = {} if document is None else plain(document)
    return [
        Persona(
            name,
            str(content.get("about", "of this pack")),
            content.get("citizen", {}),
            content.get("guardian", {}),
            content.get("event", {}),
            content.get("sparse", False),
        )
        for name, content in found.items()
    ]


def check_personas(document: Document, attributes: Mapping[str, str]) -> None:
    """Report what is wrong with a personas.yaml."""
    if document.data is not None and not isinstance(document.data, dict):
        document.note((), Said("the file is a group of persons, each with a name"))
    for name in plain(document):
        part = document.part(name)
        if not re.fullmatch(NAME, name):
            document.note((name,), Words("{name}: {error}", name=name, error=WRITTEN_NAME), key=True)
        if part.data is None:
            document.note((name,), Words("{name} is empty", name=name))
        else:
            check_shape(part, PersonaShape)
            for group in ("citizen", "guardian"):
                _check_attributes(part, group, attributes)


def _check_attributes(part: Document, group: str, known: Mapping[str, str]) -> None:
    for name, value in group_at(part.data, group).items():
        if name not in known:
            part.note((group, name), Words(UNKNOWN_ATTRIBUTE, name=name), closest(name, known), key=True)
        elif not has_kind(known[name], value):
            part.note((group, name), Words(KINDS[known[name]][1], name=name))
