"""Jobs are asked for from a browser: a form of each kind. What it would do is counted first, by the job itself."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from http import HTTPStatus

from fastapi import Request
from fastapi.responses import Response

from app.http import routes
from app.http.problems import Problem
from app.identity.key_file import BadKeyFile
from app.jobs.job_command_line import command_of
from app.jobs.job_threads import JobControl
from app.jobs.replay_jobs import VIEWS, UnknownView
from app.jobs.requests import BadOrder, Orders
from app.pages.console.job_words import KINDS
from app.pages.console.staff import ConsolePages, Staff, command_line, short_field
from app.pages.layout import Frame
from app.pages.life import word_for
from app.pages.visits import Fields, Form
from app.reports.life_words import CHANNELS
from domain.core.translatable import N_, Said, text_of
from domain.facts.principals import NotAllowed, Principal
from streams.kafka.errors import KafkaUnavailable
from streams.kafka.republish import BadRange, BadTopic
from streams.queues.jobs import Busy
from streams.replay.backfill import NotInForce
from streams.rules.switches import UnknownName
from streams.rules.trigger_history import agency_titles

REFUSED = (Busy, UnknownView, UnknownName, NotAllowed, NotInForce, BadRange, BadTopic, KafkaUnavailable, BadKeyFile)
"""Errors by which a job is refused before it is counted; their words say what to do."""
HELP = {"repair-failed": "repair", "replay verify": "replay", "resolve-unknown": "unknown"}
PLACES = ("from", "to", "trigger", "agency", "area", "provider", "channel", "cause")
FIELDS = ("views", *PLACES, "since", "also_overdue", "last_only", "how", "why", "persons")
WAYS = {
    "ask": N_("Ask the provider what became of them"),
    "again": N_("Send them again: you know that they had not left"),
    "close": N_("Leave them unknown, and list them no more"),
}
"""The decisions about unknown outcomes."""


class JobFormPages(ConsolePages):
    """The form of each kind."""

    def __init__(self, staff: Staff, job_control: JobControl) -> None:
        super().__init__(staff)
        self._job_control, self._orders = job_control, Orders(staff.platform)

    @routes.get("/console/jobs/new")
    def new(self, request: Request) -> Response:
        """Return the form of a kind; without one, the choice of all."""
        who, frame = self._staff.operator(request)
        asked = request.query_params
        if not asked.get("kind"):
            return self._staff.go("/jobs")
        given = {name: asked.getlist(name) for name in FIELDS if name in asked and name != "persons"}  # in no address
        return self._form(who, frame, asked.get("kind", ""), given, {})

    def _form(self, who: Principal, frame: Frame, kind: str, given: Fields, wrong: Mapping[str, str]) -> Response:
        if kind not in self._orders.kinds:
            raise Problem(HTTPStatus.NOT_FOUND, Said("there is no such kind of job"), kind="unknown-name")
        rules = self._staff.platform.rules.library.rules()
        agencies = agency_titles(rules)
        title, about = map(frame.speech.say, KINDS[kind])
        return self._staff.show(
            "job_new.html",
            frame,
            kind=kind,
            title=title,
            about=about,
            views=list(VIEWS),
            errors=wrong,
            given=given,
            triggers=_as_options({each.fact.trigger for each in rules.governed.publications if not each.withdrawn}),
            agencies=[(name, frame.speech.titled(agencies[name]) or name) for name in sorted(agencies)],
            channels=[(each, word_for(CHANNELS, each, frame.speech)) for each in CHANNELS],
            providers=_as_options(
                {*self._staff.platform.settings.providers, *filter(None, given.get("provider", ()))}
            ),
            ways=[(each, frame.speech.say(words)) for each, words in WAYS.items()],
            zone=frame.speech.zone.key,
            command=self._command(who, kind, given),
        )

    def _command(self, who: Principal, kind: str, given: Fields) -> str:
        """Return the command that asks for what the form does; where its fields do not say that yet, its help."""
        words: tuple[str, ...] = ()
        if kind != "replay kafka":  # to read that form asks Kafka, and nobody waits for it to see a form
            with suppress(BadOrder, *REFUSED):
                words = command_of(kind, self._orders.of(kind, given, who).arguments)
        return command_line(*words) if words else command_line(*HELP.get(kind, kind).split(), "--help")

    @routes.post("/console/jobs/new")
    def ask(self, request: Request, fields: Form) -> Response:
        """Ask for a job, which the role jobs counts."""
        who, frame = self._staff.operator(request, fields)
        kind, given = short_field(fields, "kind"), {name: fields[name] for name in FIELDS if name in fields}
        try:
            order = self._orders.of(kind, given, who)
            job = self._job_control.ask(kind, order.arguments, who.name)
        except BadOrder as bad:
            return self._form(who, frame, kind, given, {bad.field: frame.speech.tell(bad.problem)})
        except REFUSED as refused:
            return self._form(
                who, frame, kind, given, {"kind": " ".join(frame.speech.tell(text_of(refused)).split())}
            )
        return self._staff.go(f"/jobs/{self._job_control.after_a_moment(job.id).id}")


def _as_options(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return choices whose label is the name itself."""
    return [(name, name) for name in sorted(names)]
