"""The ribbon above every page of the demo: the day, whose eyes one looks through, and the ways to other chairs."""

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from app.demo.reading import DemoReader
from app.demo.story import NAMES, Storyteller
from app.pages.layout import Frame
from domain.core.translatable import N_, Words

_STAFF: Final = {
    "dana": N_("You are Dana, who writes messages at the Ministry of Labour."),
    "serik": N_("You are Serik, who approves messages at the Ministry of Labour."),
    "omar": N_("You are Omar, who keeps the platform running."),
}
_OTHERS: Final = {
    "aigerim": ("daniyar", "/my", N_("Look as Daniyar")),
    "daniyar": ("aigerim", "/my", N_("Look as Aigerim")),
    "dana": ("serik", "/work", N_("Become Serik, who approves")),
    "serik": ("dana", "/work", N_("Become Dana, who writes")),
}
_ENTITLEMENTS: Final = "/my/entitlements"
_VERSION: Final = re.compile(r"/work/submissions/[^/]+/[^/]+")
"""The page of a version, on which the other one goes on."""


class Tab(Struct, frozen=True):
    """A link of the ribbon, to the page of another role."""

    label: str
    href: str
    current: bool


class Ribbon:
    """The content of the ribbon, as its template asks for it."""

    def __init__(self, reader: DemoReader, story: Storyteller) -> None:
        self._reader, self._story = reader, story

    def day(self, frame: Frame) -> str:
        """Return today, of the demo's clock."""
        return frame.speech.day_at(self._reader.year.now)

    @property
    def share(self) -> int:
        """Return how much of the year is over, in percent."""
        return round(100 * self._reader.year.share)

    @property
    def done(self) -> bool:
        """Return True when the year is over."""
        return self._reader.year.now >= self._reader.year.end

    def tabs(self, frame: Frame) -> Iterator[Tab]:
        """Yield the ways, in the order of the story."""
        say, path = frame.speech.say, frame.path
        here = (
            (say("The family's year"), "/", path == "/"),
            (say("Their inbox"), "/demo/as/aigerim?next=/my", _is_inbox(path)),
            (say("Why"), "/demo/why", path.endswith("/why")),
            (say("Entitlements"), f"/demo/as/aigerim?next={_ENTITLEMENTS}", path == _ENTITLEMENTS),
            (say("Assistant"), "/demo/assistant", path == "/demo/assistant"),
            (say("Workbench"), "/demo/as/dana?next=/work", path.startswith("/work")),
            (say("Console"), "/demo/as/omar?next=/console%3Fspan%3Dweek", path.startswith("/console")),
            (say("The country"), "/demo/country", path == "/demo/country"),
        )
        for label, href, current in here:
            yield Tab(label, href, current)

    def who(self, frame: Frame) -> str:
        """Return whose eyes the visitor looks through; nothing on the demo's own pages."""
        if frame.official:
            return frame.speech.say(_STAFF.get(frame.official, frame.official))
        if not frame.citizen:
            return ""
        name = frame.speech.say(NAMES.get(self._parent(frame), self._named(frame)))
        return frame.speech.tell(Words("You look through the eyes of: {name}.", name=name))

    def other(self, frame: Frame) -> Tab | None:
        """Return the way to the other one of the same chair."""
        found = _OTHERS.get(frame.official or self._parent(frame))
        if found is None:
            return None
        who, path, label = found
        if _VERSION.fullmatch(frame.path):
            path = frame.path
        return Tab(frame.speech.say(label), f"/demo/as/{who}?next={path}", current=False)

    def _parent(self, frame: Frame) -> str:
        return next((who for who, person in self._story.people.items() if person == frame.citizen), "")

    def _named(self, frame: Frame) -> str:
        with self._reader.platform.database.reading() as connection:
            return self._reader.names(connection, [frame.citizen]).get(frame.citizen, "")


def _is_inbox(path: str) -> bool:
    return path.startswith("/my") and path != _ENTITLEMENTS and not path.endswith("/why")
