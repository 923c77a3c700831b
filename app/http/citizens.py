"""Routes for portals: show and change a citizen's data, by a key with the scope `citizens`."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import available_timezones

from fastapi import Path, Query, Request, Response
from msgspec import to_builtins
from msgspec.structs import asdict
from pydantic import BaseModel, Field

from app.http import routes
from app.http.access import Access
from app.http.cursors import cursor_of, place_of
from app.http.person_shapes import ComingList, Consents, Dispute, Explained, Person, Preferences, ToldPage, Wishes
from app.http.problems import FieldError, Problem
from app.reports.plain_data import TOLD
from domain.facts.principals import Scope
from streams.delivery.inbound.preferences import PreferenceStore
from streams.privacy.access_log import note_viewing
from streams.queries.explain import Explanation
from streams.queries.inbox import Inboxes, NotTheirs
from streams.rules.context import WriteContext

Pseudonym = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
After = Annotated[str, Query(max_length=64, pattern="^[A-Za-z0-9_-]*$")]
Limit = Annotated[int, Query(ge=1, le=100)]
SHOWN = "shown to the citizen"
"""The purpose of a key with this scope, recorded with whatever it reads."""


class Wanted(BaseModel, extra="forbid"):
    """The person whom the caller means."""

    national_id: str = Field(pattern="^[0-9]{6,20}$")


class Citizens(routes.Routed, tags=["citizens"]):
    """Answers about persons, each by their pseudonym."""

    def __init__(self, context: WriteContext, inboxes: Inboxes, preferences: PreferenceStore, access: Access) -> None:
        self._context, self._inboxes, self._preferences, self._access = context, inboxes, preferences, access

    @routes.post("/persons", summary="Get a person's pseudonym")
    def find(self, request: Request, wanted: Wanted) -> Person:
        """Return the pseudonym of a national id: it comes in the body, so that it stands in no address and no log."""
        self._access.system(request, Scope.CITIZENS)
        return Person(person=self._context.names.pseudonym(wanted.national_id))

    @routes.get("/persons/{person}/inbox", summary="List a person's messages")
    def inbox(self, request: Request, person: Pseudonym, after: After = "", limit: Limit = 20) -> ToldPage:
        """Return the messages that reached them by any channel, the latest first.

        New messages do not shift a page.
        """
        self._note_reading(request, person, "inbox")
        told, place = self._inboxes.messages_page(person, place_of(after), limit)
        return ToldPage.model_validate({"items": [asdict(each) for each in told], "next": cursor_of(place) or None})

    @routes.get("/persons/{person}/coming", summary="List a person's planned messages")
    def coming(self, request: Request, person: Pseudonym) -> ComingList:
        """Return the messages that are planned for them."""
        self._note_reading(request, person, "coming")
        found = self._inboxes.planned_messages(person)
        return ComingList.model_validate({"items": [asdict(each) for each in found]})

    @routes.get("/persons/{person}/preferences", summary="Show a person's preferences")
    def preferences(self, request: Request, person: Pseudonym) -> Preferences:
        """Return their preferences."""
        self._note_reading(request, person, "preferences")
        return self._chosen(person)

    @routes.route("/persons/{person}/preferences", methods=["PATCH"], summary="Change a person's preferences")
    def prefer(self, request: Request, person: Pseudonym, wishes: Wishes) -> Preferences:
        """Choose for them; the same again changes nothing. The answer says what they chose, so it is a reading."""
        self._note_reading(request, person, "preferences")
        wished = wishes.model_dump(exclude_unset=True)
        spoken = self._context.library.rules().defaults.languages
        if wished.get("language", spoken[0]) not in spoken:
            raise _wrong("language", f"must be one of {', '.join(spoken)}")
        if "zone" in wished and wished["zone"] not in available_timezones():
            raise _wrong("zone", "is no time zone of the IANA database")
        self._refuse_half_given(person, wished)
        self._preferences.prefer(person, wished)
        return self._chosen(person)

    def _refuse_half_given(self, person: str, wished: Mapping[str, Any]) -> None:
        """Raise a Problem where quiet hours would have one end only, or end when they begin."""
        if not wished.keys() & {"quiet_from", "quiet_to"}:
            return
        known = self._preferences.person(person)
        start, end = (wished.get(name) or known.get(name) for name in ("quiet_from", "quiet_to"))
        for name, other, value in (("quiet_from", "quiet_to", start), ("quiet_to", "quiet_from", end)):
            if value is None:
                raise _wrong(name, f"is missing: quiet hours have two ends, and the person chose no {name} before")
            if start == end and name in wished:
                raise _wrong(name, f"is the same time as {other}: quiet hours must end at another time")

    @routes.get("/persons/{person}/consents", summary="List a person's consents")
    def consents(self, request: Request, person: Pseudonym) -> Consents:
        """Return the categories."""
        self._note_reading(request, person, "consents")
        return self._consented(person)

    @routes.route("/persons/{person}/consents", methods=["PUT"], summary="Replace a person's consents")
    def consent(self, request: Request, person: Pseudonym, consents: Consents) -> Consents:
        """Set the person's consents, as they gave them.

        A category that is left out is withdrawn; the same again changes nothing.
        """
        self._note_reading(request, person, "consents")
        known = {each.category for each in self._inboxes.topics() if each.offers}
        before = set(self._consented(person).categories)
        if unknown := sorted(set(consents.categories) - known - before):
            place = consents.categories.index(unknown[0])
            raise _wrong(f"categories.{place}", "is no category with offers")
        self._preferences.consent(person, set(consents.categories))
        return self._consented(person)

    def _consented(self, person: str) -> Consents:
        return Consents(categories=self._preferences.person(person).get("consents") or [])

    def _note_reading(self, request: Request, person: str, what: str) -> None:
        """Record in the log that the caller reads, if they may."""
        caller = self._access.system(request, Scope.CITIZENS)
        note_viewing(self._context, caller, person, what, SHOWN)

    def _chosen(self, person: str) -> Preferences:
        known = self._preferences.person(person)
        return Preferences.model_validate({name: known.get(name) for name in Preferences.model_fields})

    @routes.get("/persons/{person}/nudges/{nudge}", summary="Explain a message and its outcome")
    def why(self, request: Request, person: Pseudonym, nudge: UUID) -> Explained:
        """Return the recorded event, the clause, the data that it used, the legal basis, and every fact since."""
        self._note_reading(request, person, "why")
        return Explained.model_validate(explained(self._why(person, nudge)))

    @routes.post(
        "/persons/{person}/nudges/{nudge}/dispute", status_code=HTTPStatus.NO_CONTENT, summary="Dispute a message"
    )
    def dispute(self, request: Request, person: Pseudonym, nudge: UUID, dispute: Dispute) -> Response:
        """Tell the agency; the same again is stored once, with the same answer.

        Whether there is such a message says something of them.
        """
        self._note_reading(request, person, "why")
        self._why(person, nudge)
        self._preferences.dispute(person, nudge, dispute.text)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    def _why(self, person: str, nudge: UUID) -> Explanation:
        try:
            return self._inboxes.why(person, nudge)
        except NotTheirs as error:
            raise Problem(HTTPStatus.NOT_FOUND, str(error), kind="unknown-message") from None


def explained(why: Explanation) -> dict[str, Any]:
    """Return an explanation as plain data without anybody's words or contact."""
    cause = why.cause
    plain: dict[str, Any] = {name: getattr(why, name) for name in ("nudge", "trigger", "step", *TOLD)}
    plain["recorded"] = cause and {
        "type": cause.type,
        "time": cause.time,
        "source": cause.source,
        "id": cause.id,
        "traceparent": cause.traceparent,
    }
    plain["retired"] = why.retired and {"at": why.retired.at, "limit": why.retired.limit}
    plain["clause"], plain["used"] = to_builtins(why.clause), to_builtins(why.used)
    plain["facts"] = [
        {"at": each.at, "what": each.what} | {name: each.details[name] for name in _TOLD if each.details.get(name)}
        for each in why.facts
    ]
    return plain


_TOLD = ("reason", "channel", "until", "due")


def _wrong(field: str, reason: str) -> Problem:
    errors = [FieldError(field=f"body.{field}", reason=reason, code="invalid")]
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "the request does not fit its description", errors)
