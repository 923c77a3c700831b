"""The triggers of one's agency, each with its life: drafts, what waits, what is live; who did what when."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from fastapi import Request
from fastapi.responses import Response
from msgspec import Struct

from app.http import routes
from app.pages import visits
from app.pages.catalogues import Speech
from app.pages.layout import RoutedPages
from app.pages.life import word_for
from app.pages.places import WORKERS
from app.pages.work.drafts.stored_drafts import title_of
from app.pages.work.office import Office
from app.pages.work.words import DONE, STATES, publisher_in_words, share_in_words, state_of
from domain.core.translatable import N_
from domain.facts.governance import TriggerPublished, TriggerSubmitted
from domain.facts.principals import Principal, Role
from domain.facts.submissions import Submission
from streams.rules.drafts import DraftStore, StoredDraft
from streams.rules.governed import Governed
from streams.rules.trigger_history import TriggerAction, TriggerHistories, agency_titles

PAGES: Final[Mapping[str, str]] = {
    "version": N_("What was handed in"),
    "draft": N_("Draft"),
    "live": N_("What is published now"),
}
"""What a page of a rule shows -> what a link to it says."""


class Listing(RoutedPages):
    """The first page of the workbench."""

    def __init__(self, office: Office, lives: TriggerHistories, drafts: DraftStore) -> None:
        self._office, self._lives, self._drafts = office, lives, drafts

    @routes.get("/work")
    def show(self, request: Request) -> Response:
        """Show the agency's triggers; an operator or auditor is led to the console."""
        who = visits.require_official(request, self._office.platform.clock())
        if who.roles.isdisjoint(WORKERS) and who.roles:
            return self._office.go("/console" if who.operator else "/console/people")
        who, frame = self._office.enter(request)
        now = self._office.platform.rules.approval.governed()
        titles = agency_titles(self._office.platform.rules.library.rules())
        rows = _Rows(now, self._lives.all(), self._drafts.all(who.agency), who, frame.speech)
        return self._office.show(
            "list.html",
            frame,
            under_way=rows.under_way(),
            published=rows.published(),
            author=Role.AUTHOR in who.roles,
            agency=frame.speech.titled(titles.get(who.agency, {})) or who.agency,
        )


class _Rule(Struct, frozen=True):
    """All that there is of a rule. `fact`: its last publication; `last`: the version that was handed in last.

    `live`: for which share of all people something of it is live now.
    """

    name: str
    fact: TriggerPublished | None
    live: float
    last: Submission | None
    draft: StoredDraft | None

    @property
    def version(self) -> Submission | None:
        """Return the version that was handed in last, unless it is what was published last."""
        return None if self.last is None or (self.fact and self.last.hash == self.fact.hash) else self.last

    @property
    def is_waiting(self) -> bool:
        """Return True if the next step is to approve a version, to publish it, or to publish it for more people."""
        if self.version is not None:
            return not self.version.refused_by
        return self.last is not None and 0 < self.live < 1

    @property
    def is_open(self) -> bool:
        """Return True if its draft differs from what was handed in or published."""
        known = [each.hash for each in (self.fact, self.last) if each is not None]
        return self.draft is not None and self.draft.version not in known

    @property
    def is_done(self) -> bool:
        """Return True if it is as it was published, and nobody has anything to do."""
        return not (self.is_waiting or self.is_open or self.version is not None)

    @property
    def pages(self) -> Mapping[str, str]:
        """Return what each of its pages shows -> their address: that of its next step first."""
        found = {}
        if self.last is not None and not self.is_done:
            found["version"] = f"/work/submissions/{self.name}/{self.last.hash}"
        if self.draft is not None:
            found["draft"] = f"/work/drafts/{self.draft.id}/form"
        if self.fact is not None:
            found["live"] = f"/work/triggers/{self.name}"
        first = "version" if self.is_waiting else "live" if self.is_done else "draft"
        return dict(sorted(found.items(), key=lambda page: page[0] != first))


class _Rows:
    """A row for each rule of the agency."""

    def __init__(
        self,
        now: Governed,
        lives: Mapping[str, list[TriggerAction]],
        drafts: list[StoredDraft],
        who: Principal,
        speech: Speech,
    ) -> None:
        self._now, self._lives, self._speech = now, lives, speech
        facts = {each.fact.trigger: each.fact for each in now.publications}
        own = {name: fact for name, fact in facts.items() if fact.rules["owner"] == who.agency}
        handed_in = {each.about.name: each for each in _latest(now) if each.owner == who.agency}
        by_trigger = {each.trigger: each for each in drafts}
        self._rules = [
            _Rule(
                name,
                own.get(name),
                current.share if (current := now.current(name)) is not None else 0.0,
                handed_in.get(name),
                by_trigger.get(name),
            )
            for name in own.keys() | handed_in.keys() | by_trigger.keys()
        ]

    def under_way(self) -> list[dict[str, Any]]:
        """Return rows for those with a next step: versions that wait for somebody, then drafts; each by title."""
        return [
            *self._by_title(each for each in self._rules if each.is_waiting),
            *self._by_title(each for each in self._rules if not (each.is_waiting or each.is_done)),
        ]

    def published(self) -> list[dict[str, Any]]:
        """Return rows for those that are as they were published, by title."""
        return self._by_title(each for each in self._rules if each.is_done)

    def _by_title(self, rules: Iterable[_Rule]) -> list[dict[str, Any]]:
        return sorted(map(self._row, rules), key=lambda row: row["title"].casefold())

    def _row(self, rule: _Rule) -> dict[str, Any]:
        pages = list(rule.pages.items())
        done = [
            (
                word_for(DONE, each.what, self._speech),
                publisher_in_words(each.by, self._speech),
                self._speech.moment(each.at),
            )
            for each in self._lives.get(rule.name, [])[-1:]
        ]
        if rule.draft is not None and not rule.is_waiting and rule.is_open:
            by, at = rule.draft.changed_by, self._speech.moment(rule.draft.changed_at)
            done = [(self._speech.say("draft changed"), by, at)]
        return {
            "name": rule.name,
            "title": self._title(rule),
            "href": pages[0][1],
            "pages": [(word_for(PAGES, what, self._speech), href) for what, href in pages[1:]],
            "states": list(self._states(rule)),
            "last": done,
        }

    def _states(self, rule: _Rule) -> Iterator[tuple[str, str]]:
        """Yield the states of what is live, of the version on its way, and of the draft: in words, and their kind."""
        say, version = self._speech.say, rule.version
        if rule.fact is not None:
            text, kind = STATES[state_of(self._now, rule.name)]
            yield say(text), kind
            if 0 < rule.live < 1:
                yield (
                    say("latest version: for {share} of all people").format(
                        share=share_in_words(rule.live, self._speech)
                    ),
                    "note",
                )
        if version is not None:
            text, kind = STATES["waiting" if version.state == "submitted" else version.state]
            yield say(text) if rule.fact is None else say("new version: {state}").format(state=say(text)), kind
        if rule.is_open:
            is_first = rule.fact is None and version is None
            yield say(STATES["draft"][0]) if is_first else say("a draft of a new version is open"), ""

    def _title(self, rule: _Rule) -> str:
        """Return the title of what was published, else of the version on its way, else of the draft."""
        fact = rule.fact or (rule.last and rule.last.fact)
        if isinstance(fact, TriggerPublished | TriggerSubmitted):
            return self._speech.titled(fact.rules["title"]) or rule.name
        return title_of(rule.draft, self._speech) if rule.draft is not None else rule.name


def _latest(now: Governed) -> Iterable[Submission]:
    return (versions[-1] for about, versions in now.submitted.items() if about.kind == "trigger")
