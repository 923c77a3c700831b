"""A person's trail over the API, for operators and auditors; the log records the purpose first."""

import re
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response
from msgspec import to_builtins
from pydantic import BaseModel, Field

from app.http import routes
from app.http.access import Access
from app.http.bodies import PRINTABLE
from app.http.problems import Problem
from app.reports.plain_data import entry_plain
from domain.facts.access_facts import LEAST_SAID, MOST_SAID
from domain.facts.principals import Principal, require_reading
from streams.privacy.access_log import PAGE, NotTheirView, Views
from streams.replay.follower import Follower
from streams.rules.context import WriteContext

_PSEUDONYM = re.compile(r"[0-9a-f]{32}")


class Looked(BaseModel, extra="forbid"):
    """A request to read a person's trail. The log keeps the purpose, so name no person in it.

    `person`: a national id or pseudonym.
    """

    person: str = Field(pattern="^([0-9]{6,20}|[0-9a-f]{32})$")
    purpose: str = Field(min_length=LEAST_SAID, max_length=MOST_SAID, pattern=PRINTABLE)


class Viewing(BaseModel):
    """The id by which the person who gave a purpose may read the trail, for an hour."""

    id: UUID


class TrailItem(BaseModel, extra="allow"):
    """A fact that concerns the person, with what of it can be read; `fact`: its kind and version."""

    position: int
    fact: str
    stream: UUID


class TrailPage(BaseModel):
    """Facts in the order of the log; `after`: where to go on, null at the end."""

    items: list[TrailItem]
    after: int | None


class Trails(routes.Routed, tags=["trails"]):
    """Acts as the official whose token the request has."""

    def __init__(self, context: WriteContext, follower: Follower, access: Access) -> None:
        self._names, self._access = context.names, access
        self._views = Views(context, follower)

    @routes.post("/trails", status_code=HTTPStatus.CREATED, summary="Begin reading a person's trail, for a purpose")
    def begin(self, request: Request, response: Response, looked: Looked) -> Viewing:
        """Record the purpose in the log, before anything is answered, and return the id of the reading."""
        who, names = self._reader(request), self._names
        person = looked.person if _PSEUDONYM.fullmatch(looked.person) else names.pseudonym(looked.person)
        viewing = self._views.begin(who, person, looked.purpose)
        if viewing is None:
            raise Problem(HTTPStatus.NOT_FOUND, "nothing is known about this person", kind="unknown-person")
        response.headers["Location"] = f"/trails/{viewing}"
        return Viewing(id=viewing)

    @routes.get("/trails/{viewing}", summary="List a person's facts in order")
    def read(self, request: Request, viewing: UUID, after: Annotated[int, Query(ge=0, le=2**62)] = 0) -> TrailPage:
        """Return the next facts behind a position."""
        try:
            looked = self._views.viewing(viewing, self._reader(request))
        except NotTheirView as error:
            raise Problem(HTTPStatus.NOT_FOUND, str(error), kind="unknown-name") from None
        entries = self._views.facts(looked.person, after)
        items: list[dict[str, Any]] = [to_builtins(entry_plain(each)) for each in entries]
        on = entries[-1].position if len(entries) == PAGE else None
        return TrailPage.model_validate({"items": items, "after": on})

    def _reader(self, request: Request) -> Principal:
        who = self._access.official(request)
        require_reading(who)
        return who
