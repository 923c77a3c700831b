"""The triggers of one's agency, each with its life: drafts, what waits, what is live; who did what when."""

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from app.http import routes
from app.pages import visits
from app.pages.catalogues import Speech
from app.pages.layout import RoutedPages
from app.pages.life import shown
from app.pages.places import WORKERS
from app.pages.work.office import Office
from app.pages.work.sheets import title_of
from app.pages.work.words import DONE, STATES, publisher, state_of
from domain.facts.governance import TriggerSubmitted
from domain.facts.principals import Principal, Role
from domain.facts.submissions import Subject, Submission
from streams.rules.drafts import DraftStore, StoredDraft
from streams.rules.governed import Governed
from streams.rules.trigger_history import TriggerAction, TriggerHistories, pack_titles


class Listing(RoutedPages):
    """The first page of the workbench."""

    def __init__(self, office: Office, lives: TriggerHistories, sheets: DraftStore) -> None:
        self._office, self._lives, self._sheets = office, lives, sheets

    @routes.get("/work")
    def show(self, request: Request) -> Response:
        """Show the agency's triggers; an operator or auditor is led to the console."""
        who = visits.require_official(request, self._office.platform.clock())
        if who.roles.isdisjoint(WORKERS) and who.roles:
            return self._office.go("/console" if who.operator else "/console/people")
        who, frame = self._office.enter(request)
        now = self._office.platform.rules.approval.governed()
        titles = pack_titles(self._office.platform.rules.library.rules(), "agencies")
        rows = _Rows(now, self._lives.all(), self._sheets.all(who.agency), who, frame.speech)
        return self._office.show(
            "list.html",
            frame,
            published=rows.published(),
            waiting=rows.waiting(),
            drafts=rows.drafts(),
            author=Role.AUTHOR in who.roles,
            agency=frame.speech.titled(titles.get(who.agency, {})) or who.agency,
        )


class _Rows:
    def __init__(
        self,
        now: Governed,
        lives: Mapping[str, list[TriggerAction]],
        sheets: list[StoredDraft],
        who: Principal,
        speech: Speech,
    ) -> None:
        self._now, self._lives, self._sheets, self._who, self._speech = now, lives, sheets, who, speech

    def published(self) -> list[dict[str, Any]]:
        """Return a row for each trigger of the agency that was ever published, by name."""
        facts = {each.fact.trigger: each.fact for each in self._now.publications}
        return [
            self._row(fact.trigger, fact.rules["title"], state_of(self._now, fact.trigger), share=fact.share)
            for fact in sorted(facts.values(), key=lambda each: each.trigger)
            if fact.rules["owner"] == self._who.agency
        ]

    def waiting(self) -> list[dict[str, Any]]:
        """Return a row for each version that waits for approval or publication, the latest of each trigger."""
        return [
            self._row(
                each.about.name,
                each.fact.rules["title"],
                "waiting" if each.state == "submitted" else each.state,
                hash=each.hash,
            )
            for each in _latest(self._now)
            if each.owner == self._who.agency
            if isinstance(each.fact, TriggerSubmitted) and each.hash != self._now.hash_of(each.about)
        ]

    def drafts(self) -> list[dict[str, Any]]:
        """Return a row for each draft; one that is published as it stands says so."""
        return [
            {
                "id": each.id,
                "name": each.trigger,
                "title": title_of(each, self._speech),
                "pack": each.pack,
                "state": self._speech.say(text),
                "kind": kind,
                "by": each.changed_by,
                "at": self._speech.moment(each.changed_at),
                "handed_in": f"/work/submissions/{each.trigger}/{each.version}" if each.version else "",
            }
            for each in self._sheets
            for text, kind in [STATES["as published" if self._is_published(each) else "draft"]]
        ]

    def _is_published(self, sheet: StoredDraft) -> bool:
        return bool(sheet.version) and sheet.version == self._now.hash_of(Subject("trigger", sheet.trigger))

    def _row(self, name: str, title: Mapping[str, str], state: str, **more: Any) -> dict[str, Any]:
        text, kind = STATES[state]
        last = self._lives.get(name, [])[-1:]
        return {
            "name": name,
            "title": self._speech.titled(title) or name,
            "state": self._speech.say(text),
            "kind": kind,
            "last": [
                (shown(DONE, each.what, self._speech), publisher(each.by, self._speech), self._speech.moment(each.at))
                for each in last
            ],
            **more,
        }


def _latest(now: Governed) -> Iterable[Submission]:
    return (versions[-1] for _, versions in sorted(now.submitted.items()))
