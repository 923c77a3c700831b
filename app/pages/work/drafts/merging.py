"""Two editors of one draft at once: what both changed is shown field by field, and all else of both is kept."""

import json
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Final

from fastapi.responses import Response
from msgspec import Struct

from app.pages.layout import Frame
from app.pages.visits import Fields, field_of
from app.pages.work.drafts.progress import Progress
from streams.rules.drafts import StoredDraft

MINE: Final = "mine"


class Conflict(Struct, frozen=True):
    """A field that both changed: its name and label, what it says now, and what the later editor wrote."""

    name: str
    label: str
    theirs: str
    mine: str


class Merge(Struct, frozen=True):
    """The draft as it is now, the later editor's changes, and the fields as they are now."""

    there: StoredDraft
    changes: Mapping[str, str]
    theirs: Mapping[str, str]


class FieldWording(Struct, frozen=True):
    """Names fields for a reader: the label of one, and its text in words."""

    label: Callable[[str], str]
    shown: Callable[[str, str], str]


def conflicting(changes: Mapping[str, str], was: Mapping[str, str], theirs: Mapping[str, str]) -> list[str]:
    """Return the fields of the changes that somebody else changed too, and otherwise."""
    return [
        name
        for name, mine in changes.items()
        if name in theirs and theirs[name] != was.get(name, "") and theirs[name] != mine
    ]


def resolved_changes(fields: Fields) -> dict[str, str]:
    """Return the later editor's changes, without the fields for which they chose the other's."""
    try:
        found = json.loads(field_of(fields, "changes"))
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    asked = set(field_of(fields, "asked").split())
    return {
        str(name): str(text)
        for name, text in found.items()
        if name not in asked or field_of(fields, f"take.{name}") == MINE
    }


def ask_which(
    progress: Progress,
    frame: Frame,
    both: Merge,
    names: Iterable[str],
    telling: FieldWording,
    back: str,
    spoken: str = "",
) -> Response:
    """Show each field that both changed, with both versions in words; nothing is saved yet."""
    nothing, there = frame.speech.say("nothing"), both.there
    clashes = [
        Conflict(
            name,
            telling.label(name),
            telling.shown(name, both.theirs[name]) or nothing,
            telling.shown(name, both.changes[name]) or nothing,
        )
        for name in names
    ]
    return progress.show(
        "merge.html",
        frame,
        there,
        "write",
        HTTPStatus.CONFLICT,
        clashes=clashes,
        asked=" ".join(each.name for each in clashes),
        changes=json.dumps(dict(both.changes), ensure_ascii=False),
        back=back,
        spoken=spoken,
        at=frame.speech.moment(there.changed_at),
    )
