"""Mails of the workbench: to approvers of what was handed in, to authors of decisions, and trials to oneself."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from datetime import timedelta
from http import HTTPStatus
from textwrap import indent
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

import uvloop
from fastapi import Request
from fastapi.responses import Response

from app.compose import Platform
from app.compose_sending import compose_routes
from app.http import routes
from app.http.problems import Problem
from app.http.rule_refusals import refusals_as_problems
from app.identity.principals import BadPrincipals, load
from app.packs.draft_bench import Bench, RenderedMessages
from app.pages.catalogues import LANGUAGES, Speech
from app.pages.layout import RoutedPages
from app.pages.visits import Form, field_of
from app.pages.work.drafts.stored_drafts import Id, draft_of, laid_out, text_of
from app.pages.work.office import Office
from app.pages.work.words import PEOPLE, not_among
from app.settings import BadSettings
from app.visible import visible
from domain.core.translatable import N_
from domain.facts.principals import Principal, Role, require
from domain.facts.submissions import Submission
from notifiers.port.interface import Accepted
from notifiers.port.routes import Route
from streams.delivery.send.staff_notice import CHANNEL, StaffMail, StaffNotice
from streams.delivery.send.trial_send import TrialMessage
from streams.rules.drafts import DraftStore, StoredDraft
from templates.words.rendering import Rendered

Answer = TypeVar("Answer")
PATIENCE: Final = timedelta(seconds=20)
"""The time that sending may take; the page answers then."""
MATTERS: Final[Mapping[str, str]] = {
    "submitted": N_("“{title}” waits for your approval. {who} handed it in."),
    "approved": N_("“{title}” is approved by {who}. It can be published now."),
    "refused": N_("“{title}” is refused by {who}. The draft is still there; correct it and hand it in again."),
    "commented": N_("{who} wrote about “{title}”, and decided nothing. Answer on its page."),
}


class Mailing:
    """Sends them by the configured provider. A mail that does not go hinders nothing."""

    def __init__(self, platform: Platform, drafts: DraftStore) -> None:
        self._platform, self._drafts, self._mail = platform, drafts, StaffMail(platform.rules.context)

    def handed_in(self, submission: Submission, by: Principal) -> list[str] | None:
        """Tell the agency's approvers, but none of its authors; return the names of those who were mailed."""
        return self._tell("submitted", submission, by, self._approvers(submission))

    def decided(self, matter: str, submission: Submission, by: Principal, said: str) -> list[str] | None:
        """Tell its authors that it is approved or refused, with what the approver said."""
        return self._tell(matter, submission, by, self._authors(submission), said)

    def commented(self, submission: Submission, by: Principal, said: str) -> list[str] | None:
        """Tell the other side what somebody wrote: the authors what others say, and the approvers what authors do."""
        to = self._approvers(submission) if by.name in submission.authors else self._authors(submission)
        return self._tell("commented", submission, by, to, said)

    def _approvers(self, submission: Submission) -> dict[str, Principal]:
        """Return the agency's approvers, but none of its authors."""
        return {
            name: each
            for name, each in self._everybody().items()
            if each.agency == submission.owner and Role.APPROVER in each.roles and name not in submission.authors
        }

    def _authors(self, submission: Submission) -> dict[str, Principal]:
        """Return who of the agency handed it in or wrote a part of it."""
        known = self._everybody().items()
        return {name: each for name, each in known if name in submission.authors and each.agency == submission.owner}

    def _everybody(self) -> dict[str, Principal]:
        try:
            return {name: each.principal(name) for name, each in load(self._platform.settings.principals).items()}
        except BadPrincipals:
            return {}

    def _tell(
        self, matter: str, submission: Submission, by: Principal, to: Mapping[str, Principal], said: str = ""
    ) -> list[str] | None:
        """Return the names of those who were mailed: none where nobody has an address, None where no mail went."""
        if not any(CHANNEL in each.contacts for each in to.values()):
            return []
        notice = self._notice(matter, submission, by, said)
        return self.run(lambda routes: self._mail.send(notice, to, routes[CHANNEL])) or None

    def _notice(self, matter: str, submission: Submission, by: Principal, said: str) -> StaffNotice:
        """Return the mail: in every language of the pages, for nobody knows which one the reader chose."""
        name, hash_ = submission.about.name, submission.hash
        titles = getattr(submission.fact, "rules", {}).get("title") or {}
        page = f"{self._platform.settings.base_url.rstrip('/')}{self._page(matter, submission)}"
        quoted = indent(visible(said), "> ", lambda _: True)  # none of its lines looks like one of ours
        parts = []
        for language in LANGUAGES:
            speech = Speech(language, ZoneInfo("UTC"))
            title = visible(" ".join(speech.titled(titles).split())) or name
            told_ = speech.say(MATTERS[matter]).format(title=title, who=by.name)
            parts.append(f"{told_}\n\n{quoted}" if said else told_)
        text = "\n\n—\n\n".join(parts) + f"\n\n{page}\n"
        number = len(submission.comments if matter == "commented" else submission.refusals)
        return StaffNotice(f"{matter} {name} {hash_} {number}", f"Хабаршы: {name}", text, next(iter(LANGUAGES)))

    def _page(self, matter: str, submission: Submission) -> str:
        """Return the page on which its reader goes on: of a refused version, its draft."""
        if matter == "refused" and (draft := self._drafts.of(submission.about.name, submission.hash)) is not None:
            return f"/work/drafts/{draft.id}/form"
        page = f"/work/submissions/{submission.about.name}/{submission.hash}"
        return f"{page}#comments" if matter == "commented" else page

    def run(self, send: Callable[[Mapping[str, Route]], Coroutine[Any, Any, Answer]]) -> Answer | None:
        """Send by the configured routes; None where that is not possible now."""

        async def work() -> Answer:
            routes = compose_routes(self._platform)
            try:
                async with asyncio.timeout(PATIENCE.total_seconds()):
                    return await send(routes)
            finally:
                await asyncio.gather(*(route.aclose() for route in routes.values()))

        try:
            return uvloop.run(work())
        except (BadSettings, OSError):  # TimeoutError is one
            return None


class TrialSending(RoutedPages):
    """Sends a draft's message to whoever asks for it, marked as a test."""

    def __init__(self, office: Office, drafts: DraftStore, bench: Bench, mailing: Mailing) -> None:
        self._office, self._drafts, self._bench, self._mailing = office, drafts, bench, mailing

    @routes.post("/work/drafts/{id}/trial")
    def send(self, request: Request, id: Id, fields: Form) -> Response:
        """Send what that person would read, by that channel and in that language, to oneself."""
        who, _ = self._office.enter(request, fields)
        draft = draft_of(self._drafts, id, who)
        require(who, Role.AUTHOR, draft.agency, draft.trigger)
        channel, persona = field_of(fields, "channel"), field_of(fields, "persona")
        back = f"/work/drafts/{draft.id}/preview?persona={persona if persona in PEOPLE else next(iter(PEOPLE))}"
        if channel not in who.contacts:
            return self._office.go(f"{back}&done=no-address")
        made = self._made(draft, persona, channel, (field_of(fields, "step"), field_of(fields, "spoken")))
        if made is None:
            return self._office.go(f"{back}&done=nothing")
        sends = self._office.platform.delivery.test_sends
        with refusals_as_problems():
            outcome = self._mailing.run(lambda routes: sends.send(made, who, who, routes[channel]))
        return self._office.go(f"{back}&done={'sent' if isinstance(outcome, Accepted) else 'not-sent'}")

    def _made(self, draft: StoredDraft, persona: str, channel: str, of: tuple[str, str]) -> TrialMessage | None:
        """Return the message that this person would get at a step in a language (`of`); None where there is none."""
        if persona not in PEOPLE:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, not_among("persona", PEOPLE))
        with laid_out(self._bench, text_of(draft)) as laid:
            if laid.blocking_rendering():
                return None
            heard = laid.messages(self._office.platform.clock(), persona)
        rendered = _rendered(heard, *of)
        if rendered is None or channel not in heard.source.rules["channels"]:
            return None
        return TrialMessage(draft.trigger, heard.source.hash, draft.agency, channel, rendered)


def _rendered(heard: RenderedMessages, step: str, spoken: str) -> Rendered | None:
    return next(
        (
            words.rendered
            for message in heard.hearings[0].messages
            for words in message.words
            if (message.step, words.language) == (step, spoken)
        ),
        None,
    )
