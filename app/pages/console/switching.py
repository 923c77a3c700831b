"""Kill switches: what is stopped, since when, by whom and why; stop by channel, agency or trigger, or let go on."""

import shlex
from collections.abc import Iterator, Mapping

from fastapi import Request
from fastapi.responses import Response
from msgspec import Struct

from app.http import routes
from app.identity.principals import load
from app.pages.active_stops import stopped_name
from app.pages.catalogues import Speech
from app.pages.console.staff import ConsolePages, Staff, command_line, short_field
from app.pages.console.stopped import SCOPES
from app.pages.layout import Frame
from app.pages.life import word_for
from app.pages.visits import Fields, Form
from app.reports.findings import resume_command
from domain.facts.access_facts import MOST_SAID, says_why
from domain.facts.principals import Principal
from domain.nudges.settle import PAUSED
from streams.queries.held_back import MOST_COUNTED, HeldBack, held_back_by
from streams.rules.aggregates import ActiveStop
from streams.rules.switches import UnknownName, owner_of


class SwitchRequest(Struct, frozen=True):
    """A request to stop something, or to resume it."""

    what: str = ""
    reason: str = ""

    @property
    def scope(self) -> str:
        """Return the kind of thing."""
        return self.what.partition(":")[0]

    @property
    def name(self) -> str:
        """Return the thing's name."""
        return self.what.partition(":")[2]


class SwitchPages(ConsolePages):
    """The page, and its forms."""

    def __init__(self, staff: Staff) -> None:
        super().__init__(staff)
        self._switches = staff.platform.rules.switches

    @routes.get("/console/switches")
    def show(self, request: Request) -> Response:
        """Show everything that is stopped."""
        who, frame = self._staff.operator(request)
        return self._show(who, frame, SwitchRequest(), {}, done=request.query_params.get("done", ""))

    @routes.post("/console/switches/stop")
    def stop(self, request: Request, fields: Form) -> Response:
        """Set a kill switch: nothing more of it is sent, from the next send on."""
        return self._set(request, fields, stopped=True)

    @routes.post("/console/switches/go")
    def resume(self, request: Request, fields: Form) -> Response:
        """Resume sending, including the messages that waited."""
        return self._set(request, fields, stopped=False)

    def _set(self, request: Request, fields: Fields, *, stopped: bool) -> Response:
        who, frame = self._staff.operator(request, fields)
        wish = SwitchRequest(short_field(fields, "what"), short_field(fields, "reason", MOST_SAID))
        say = frame.speech.say
        wrong = {}
        if wish.scope not in SCOPES:
            wrong["what"] = say("Choose what to stop")
        if not says_why(wish.reason, 1):
            wrong["reason"] = say("Write why: it is kept in the log")
        if not wrong:
            try:
                self._switch(wish, who, stopped=stopped)
            except UnknownName:
                wrong["what"] = say("There is nothing of that name")
        if wrong:
            return self._show(who, frame, wish, wrong)
        return self._staff.go(f"/switches?done={'stopped' if stopped else 'going'}")

    def _switch(self, wish: SwitchRequest, who: Principal, *, stopped: bool) -> None:
        if wish.scope == PAUSED:
            self._switches.resume(wish.name, who, wish.reason)
        else:
            self._switches.control(wish.scope, wish.name, who, stopped=stopped, reason=wish.reason)

    def _show(
        self, who: Principal, frame: Frame, wish: SwitchRequest, wrong: Mapping[str, str], *, done: str = ""
    ) -> Response:
        example, off, on = wish.reason or "…", self._switches.active_stops(), self._staff.platform
        rules, stopped = on.rules.library.rules(), {(each.scope, each.name) for each in off}
        with on.database.reading() as connection:
            held = held_back_by(connection, on.log, rules, stopped) if off else None
        return self._staff.show(
            "switches.html",
            frame,
            off=[self._row(each, who, frame) | {"held": _held_back(each, held, frame.speech)} for each in off],
            groups=list(self._groups(frame)),
            wish=wish,
            errors=wrong,
            done=done,
            command=command_line("control", "channel", "sms", "--stop", "--reason", example),
        )

    def _row(self, off: ActiveStop, who: Principal, frame: Frame) -> dict[str, str]:
        speech = frame.speech
        name = stopped_name(off.scope, off.name, self._staff.platform, frame.speech)
        return {
            "what": f"{off.scope}:{off.name}",
            "name": name,
            "scope": word_for(SCOPES, off.scope, speech),
            "since": speech.moment(off.since),
            "by": off.by,
            "reason": off.reason,
            "command": shlex.join(resume_command(off)),
            "office": self._pausing(off, who, frame),
        }

    def _pausing(self, off: ActiveStop, who: Principal, frame: Frame) -> str:
        """Return the office that paused its own trigger; empty where operators stopped it."""
        if off.scope != PAUSED:
            return ""
        on = self._staff.platform
        owner, by = (
            owner_of(on.rules.library.rules().governed, off.name, who),
            load(on.settings.principals).get(off.by),
        )
        own = by is not None and by.agency == owner
        return frame.speech.titled(on.queries.inboxes.offices().get(owner, {})) or owner if own else ""

    def _groups(self, frame: Frame) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        for scope, names in self._switches.names().items():
            rows = [
                (f"{scope}:{name}", stopped_name(scope, name, self._staff.platform, frame.speech)) for name in names
            ]
            yield word_for(SCOPES, scope, frame.speech), rows


def _held_back(off: ActiveStop, held: HeldBack | None, speech: Speech) -> str:
    """Return how many messages a switch holds back now."""
    count = held.counts.get((off.scope, off.name), 0) if held is not None else 0
    if held is None or held.whole:
        return speech.say("Messages that it holds back now: {count}").format(count=speech.number(count))
    if count > MOST_COUNTED:
        told = speech.say("Messages that it holds back now: more than {count}")
        return told.format(count=speech.number(MOST_COUNTED))
    return speech.say("Messages that it holds back now: at least {count}").format(count=speech.number(count))
