"""A trigger's own page: the rule in plain words, what became of its messages, its history; pause and resume."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response

from app.http import routes
from app.http.problems import Problem
from app.http.rule_refusals import refusals_as_problems
from app.packs.version_diff import rule_sentences
from app.pages.active_stops import visible_stops
from app.pages.catalogues import Speech
from app.pages.layout import Frame, RoutedPages, as_csv
from app.pages.life import word_for
from app.pages.rule_words import Clause, channels_row, compared_version, full_clause, rule_in_words
from app.pages.visits import Fields, Form, field_of
from app.pages.work.figures import SPANS, Figures, figures, tells_done
from app.pages.work.office import Name, Office
from app.pages.work.words import DONE, STATES, not_among, publisher_in_words, share_in_words, state_of
from domain.core.translatable import Words
from domain.facts.access_facts import MOST_SAID
from domain.facts.governance import TriggerPublished
from domain.facts.principals import Principal, Role, require_reader
from domain.facts.submissions import Subject
from domain.rules.legal_basis import legal_basis_of
from streams.rules.trigger_history import TriggerHistories
from templates.reading.writing import trigger_texts

Days = Annotated[int, Query()]
NOTHING_WRONG: Mapping[str, str] = {}


class TriggerPages(RoutedPages):
    """Pages of a published trigger."""

    def __init__(self, office: Office, lives: TriggerHistories) -> None:
        self._office, self._lives = office, lives

    @routes.get("/work/triggers/{name}")
    def page(self, request: Request, name: Name, days: Days = 30, done: str = "") -> Response:
        """Show the trigger: its rule, state, figures and versions."""
        who, frame = self._office.enter(request)
        return self._page(who, frame, name, days, done)

    def _page(
        self,
        who: Principal,
        frame: Frame,
        name: str,
        days: int = 30,
        done: str = "",
        wrong: Mapping[str, str] = NOTHING_WRONG,
        why: str = "",
    ) -> Response:
        fact, speech = self._published(name, who), frame.speech
        state = state_of(self._office.platform.rules.approval.governed(), name)
        text, kind = STATES[state]
        return self._office.show(
            "trigger.html",
            frame,
            name=name,
            title=speech.titled(fact.rules["title"]) or name,
            stops=visible_stops(self._office.platform, frame, name),
            state=state,
            state_text=speech.say(text),
            kind=kind,
            rule=self._rule(fact, frame),
            sentences=self._sentences(fact, speech),
            files=trigger_texts(fact.rules, fact.words),
            history=self._history(name, frame),
            figures=self._figures(name, days, frame),
            tells_done=tells_done(fact.rules),
            days=_span(days),
            spans=SPANS,
            done=done,
            errors=wrong,
            why=why,
            mine=fact.rules["owner"] == who.agency,
            author=Role.AUTHOR in who.roles,
            hash=fact.hash,
        )

    def _published(self, name: str, who: Principal) -> TriggerPublished:
        """Return the last version that was published under that name.

        Raises:
            NotAllowed: it is another agency's.
            Problem: 404 where there is none.
        """
        now = self._office.platform.rules.approval.governed()
        if name not in now.owners:
            raise Problem(HTTPStatus.NOT_FOUND, Words("No rule of this name is published."), kind="unknown-name")
        require_reader(who, now.owners[name], name)
        return [each.fact for each in now.publications if each.fact.trigger == name][-1]

    def _rule(self, fact: TriggerPublished, frame: Frame) -> list[tuple[str, str]]:
        say, rules, now = frame.speech.say, fact.rules, self._office.platform.rules.library.rules()
        whole = full_clause(fact, now, frame.speech)
        clause = Clause(whole, rules["owner"], rules["class"], legal_basis_of(rules))
        return [
            *rule_in_words(clause, now, frame.speech),
            channels_row(rules, frame.speech),
            (say("Published"), f"{frame.speech.moment(fact.at)}, {publisher_in_words(fact.by, frame.speech)}"),
            (say("For"), share_in_words(fact.share, frame.speech)),
            (say("Version"), fact.hash[:12]),
        ]

    def _sentences(self, fact: TriggerPublished, speech: Speech) -> list[str]:
        side = compared_version(fact, self._office.platform.rules.library.rules(), speech)
        return [] if side is None else [speech.tell(each) for each in rule_sentences(side)]

    def _history(self, name: str, frame: Frame) -> list[dict[str, Any]]:
        speech = frame.speech
        versions = self._office.platform.rules.approval.governed().submitted.get(Subject("trigger", name), ())
        handed_in = {each.hash for each in versions}
        return [
            {
                "href": f"/work/submissions/{name}/{each.hash}" if each.hash in handed_in else "",
                "at": speech.moment(each.at),
                "by": publisher_in_words(each.by, speech),
                "what": word_for(DONE, each.what, speech),
                "hash": each.hash[:12],
                "reason": each.reason,
                "share": share_in_words(each.share, speech) if each.what == "published" else "",
            }
            for each in reversed(self._lives.all().get(name, []))
        ]

    def _figures(self, name: str, days: int, frame: Frame) -> Figures:
        return figures(self._office.platform, name, _span(days), frame.speech)

    @routes.get("/work/triggers/{name}/figures.csv")
    def download(self, request: Request, name: Name, days: Days = 30) -> Response:
        """Return the figures as a CSV file."""
        who, frame = self._office.enter(request)
        self._published(name, who)
        return as_csv(self._figures(name, days, frame).lines(), f"{name}-{_span(days)}.csv")

    @routes.post("/work/triggers/{name}/pause")
    def pause(self, request: Request, name: Name, fields: Form) -> Response:
        """Pause a trigger: none of its messages is sent until it is resumed."""
        return self._switch(request, name, fields, paused=True)

    @routes.post("/work/triggers/{name}/resume")
    def resume(self, request: Request, name: Name, fields: Form) -> Response:
        """Resume sending the messages of a paused trigger."""
        return self._switch(request, name, fields, paused=False)

    def _switch(self, request: Request, name: str, fields: Fields, *, paused: bool) -> Response:
        who, frame = self._office.enter(request, fields)
        reason, switches = field_of(fields, "reason"), self._office.platform.rules.switches
        self._published(name, who)
        if not reason or len(reason) > MOST_SAID:
            say = frame.speech.say
            wrong = say("Write why") if not reason else say("Write no more than 500 characters")
            return self._page(who, frame, name, wrong={"reason": wrong})
        with refusals_as_problems():
            new = switches.pause(name, who, reason) if paused else switches.resume(name, who, reason)
        done = ("paused" if paused else "resumed") if new else "before"
        return self._office.go(f"/work/triggers/{name}?done={done}")

    @routes.post("/work/triggers/{name}/withdraw")
    def withdraw(self, request: Request, name: Name, fields: Form) -> Response:
        """Plan and send nothing of it until a version is published again; for a reason, and once it is confirmed."""
        who, frame = self._office.enter(request, fields)
        reason, say, wrong = field_of(fields, "why"), frame.speech.say, {}
        self._published(name, who)
        if not reason or len(reason) > MOST_SAID:
            wrong["why"] = say("Write no more than 500 characters") if reason else say("Write why")
        if field_of(fields, "sure") != "yes":
            wrong["sure-yes"] = say("Tick to confirm that it is withdrawn")
        if wrong:
            return self._page(who, frame, name, wrong=wrong, why=reason)
        with refusals_as_problems():
            new = self._office.platform.rules.switches.withdraw(name, who, reason)
        return self._office.go(f"/work/triggers/{name}?done={'withdrawn' if new else 'before'}")


def _span(days: int) -> int:
    if days not in SPANS:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, not_among("days", map(str, SPANS)))
    return days
