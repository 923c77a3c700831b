"""A search among the messages that were tried, and the job that repairs what was found. No page names a recipient."""

import re
import shlex
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response
from msgspec import Struct

from app.http import routes
from app.jobs.job_command_line import flags_of
from app.pages import visits
from app.pages.catalogues import Speech
from app.pages.console.staff import ConsolePages
from app.pages.finding_words import cause_in_words
from app.pages.layout import Frame
from app.pages.life import STATES, word_for
from app.reports.condition import providers_in_use
from app.reports.life_words import CHANNELS
from domain.core.translatable import N_
from domain.nudges.delivery import State
from domain.nudges.nudge import Nudge
from domain.rules.built_in_triggers import DIGEST
from projections import inbox, nudges
from projections.inbox import Place, Search, Tried
from projections.tables import micros, moment
from streams.queries.failed_attempts import FailedAttempt, failed_attempts
from streams.rules.trigger_history import agency_titles
from templates.reading.findings import closest

FIELDS = ("state", "trigger", "agency", "provider", "channel", "day")
SEARCHED = tuple(State)
"""A message that was tried may have any state: what failed may be planned anew, withheld, or over."""
AN_ATTEMPT = "attempt-failed"
"""Searched for besides the states: attempts that failed, whatever became of their messages."""
COLOURS = {"failed": "bad", "unknown": "note", "delivered": "good", "opened": "good", "answered": "good"}
_PLACE = re.compile(r"([0-9]{1,18})\.([0-9a-f]{32})")
A_DAY = timedelta(days=1)
DIGITS = 18
"""A position of the log has fewer digits."""
_NOT_WHOLE = N_("The link to this page is not whole. Search again.")


class Choices(Struct, frozen=True):
    """The names that may be searched for, each with its title in the reader's language. `owners`: of the triggers."""

    state: Mapping[str, str]
    trigger: Mapping[str, str]
    agency: Mapping[str, str]
    provider: Mapping[str, str]
    channel: Mapping[str, str]
    owners: Mapping[str, str]


class SearchResult(Struct, frozen=True):
    """The result of a search. `next_page`: where the next page begins, as the address has it.

    `retried_from`: all of it is tried again by itself, the first at this time; empty: it is not.
    """

    rows: list[dict[str, Any]] = []
    next_page: str = ""
    retried_from: str = ""


class MessagePages(ConsolePages):
    """The form, and what it finds."""

    @routes.get("/console/messages")
    def show(self, request: Request) -> Response:
        """Search for messages; without any condition, the latest."""
        _, frame = self._staff.operator(request)
        asked = visits.query_of(request)
        given = {name: asked.get(name, "") for name in FIELDS}
        choices, wrong = self._choices(frame.speech), dict[str, str]()
        wanted = _wanted(given, choices, frame.speech, wrong)
        further = asked.get("before", "")
        attempts = given["state"] == AN_ATTEMPT
        before = None if attempts else _place(further, frame.speech, wrong)
        if attempts and further and not (further.isdecimal() and len(further) < DIGITS):
            wrong["main"] = frame.speech.say(_NOT_WHOLE)
        if wrong:
            return self._show(frame, given, choices, SearchResult(), wrong)
        if attempts:
            found = self._attempts(wanted, int(further) if further else None, choices, frame.speech)
        else:
            found = self._messages(wanted, before, choices, frame.speech)
        provider = given["provider"]
        if provider and provider not in choices.provider and not (found.rows or found.next_page or further):
            wrong["provider"] = _unknown(provider, choices.provider, frame.speech)
        return self._show(frame, given, choices, found, wrong)

    def _messages(self, wanted: Search, before: Place | None, choices: Choices, speech: Speech) -> SearchResult:
        with self._staff.platform.database.reading() as connection:
            found = inbox.search(connection, wanted, before)
            failed = {each.nudge for each in found.rows if each.state == State.FAILED}
            ended = nudges.by_id(connection, failed)
        again = {id_: _again_at(one) for id_, one in ended.items()}
        why = {id_: _why(one, speech) for id_, one in ended.items()}
        rows = [_row(each, choices, speech, again.get(each.nudge), why.get(each.nudge, "")) for each in found.rows]
        times = [again.get(each.nudge) for each in found.rows]
        first = min(filter(None, times), default=None)
        alone = speech.moment(first) if first is not None and all(times) and not found.further else ""
        further = f"{found.further.at}.{found.further.nudge.hex}" if found.further else ""
        return SearchResult(rows, further, alone)

    def _attempts(self, wanted: Search, before: int | None, choices: Choices, speech: Speech) -> SearchResult:
        found = failed_attempts(self._staff.platform.log, wanted, before)
        rows = [_attempt_row(each, choices, speech) for each in found.rows]
        return SearchResult(rows, str(found.further) if found.further else "")

    def _show(
        self, frame: Frame, given: Mapping[str, str], choices: Choices, found: SearchResult, wrong: Mapping[str, str]
    ) -> Response:
        asked = urlencode({name: value for name, value in given.items() if value})
        here = f"{frame.path}?{asked}" if asked else frame.path
        further = f"{here}{'&' if asked else '?'}before={found.next_page}" if found.next_page else ""
        return self._staff.show(
            "messages.html",
            frame,
            given=given,
            choices=choices,
            rows=found.rows,
            retried_from=found.retried_from,
            errors=wrong,
            next=further,
            first=here if "before" in frame.query else "",
            repair=None if wrong or found.retried_from else _repair(given),
            command=_command(given),
        )

    def _choices(self, speech: Speech) -> Choices:
        on = self._staff.platform
        rules = on.rules.library.rules()
        latest = {each.fact.trigger: each.fact.rules for each in rules.governed.publications}
        titles = {name: speech.titled(each.get("title", {})) or name for name, each in latest.items()}
        return Choices(
            state={each: word_for(STATES, each, speech) for each in SEARCHED}
            | {AN_ATTEMPT: speech.say("an attempt failed, whatever came next")},
            trigger=titles | {DIGEST: speech.say("Daily summary")},
            agency={name: speech.titled(title) or name for name, title in agency_titles(rules).items()},
            provider={name: name for name in sorted(providers_in_use(on))},
            channel={each: word_for(CHANNELS, each, speech) for each in CHANNELS},
            owners=rules.governed.owners,
        )


def _wanted(given: Mapping[str, str], choices: Choices, speech: Speech, wrong: dict[str, str]) -> Search:
    """Return what is searched for; what is wrong with the fields goes into `wrong`."""
    for field in FIELDS[:-1]:
        known: Mapping[str, str] = getattr(choices, field)
        if given[field] and given[field] not in known and field != "provider":
            wrong[field] = _unknown(given[field], known, speech)
    triggers: tuple[str, ...] | None = (given["trigger"],) if given["trigger"] else None
    if given["agency"]:
        theirs = tuple(name for name, owner in choices.owners.items() if owner == given["agency"])
        triggers = theirs if triggers is None else tuple(name for name in triggers if name in theirs)
    since = until = None
    if given["day"]:
        try:
            day = _day(given["day"])
            since, until = (micros(datetime.combine(each, time(), speech.zone)) for each in (day, day + A_DAY))
        except (ValueError, OverflowError):
            wrong["day"] = speech.say("Write a day such as 2026-03-01")
    state, provider, channel = (given[name] or None for name in ("state", "provider", "channel"))
    return Search(state, triggers, provider, channel, since, until)


def _unknown(name: str, known: Mapping[str, str], speech: Speech) -> str:
    """Say that there is nothing of that name, and what was probably meant."""
    words = speech.say("There is nothing of that name")
    meant = closest(name, known)
    if meant is None:
        return words
    question = speech.say("Did you mean {name}?").format(name=meant)
    return f"{words}. {question}"


def _day(text: str) -> date:
    return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007  (a day has no zone)


def _place(text: str, speech: Speech, wrong: dict[str, str]) -> Place | None:
    """Return where a page begins; what is no place that a page names is wrong."""
    if not text:
        return None
    if (found := _PLACE.fullmatch(text)) is None:
        wrong["main"] = speech.say(_NOT_WHOLE)
        return None
    return Place(int(found[1]), UUID(found[2]))


def _again_at(nudge: Nudge) -> datetime | None:
    """Return when a message that failed is tried again by itself; None where it is not."""
    times = [each.due for each in nudge.deliveries if each.state is State.FAILED and each.due is not None]
    return min(times, default=None)


def _attempt_row(found: FailedAttempt, choices: Choices, speech: Speech) -> dict[str, Any]:
    tried = Tried(found.nudge, found.at, found.channel, found.state, found.provider, found.trigger)
    return _row(tried, choices, speech, why=cause_in_words(found.reason, speech))


def _why(nudge: Nudge, speech: Speech) -> str:
    """Return why a message failed; empty where no reason is known."""
    reasons = {each.reason for each in nudge.deliveries if each.state is State.FAILED and each.reason}
    return ", ".join(cause_in_words(each, speech) for each in sorted(reasons))


def _row(
    found: Tried, choices: Choices, speech: Speech, again: datetime | None = None, why: str = ""
) -> dict[str, Any]:
    trigger = found.trigger or ""
    return {
        "title": choices.trigger.get(trigger, trigger) or "—",
        "trigger": trigger,
        "at": speech.moment(moment(found.at)),
        "channel": word_for(CHANNELS, found.channel, speech),
        "provider": found.provider or "—",
        "state": word_for(STATES, found.state, speech),
        "kind": COLOURS.get(found.state, ""),
        "nudge": str(found.nudge),
        "again": speech.moment(again) if again is not None else "",
        "why": why,
    }


REPAIRS = {State.FAILED: "repair-failed", State.UNKNOWN: "resolve-unknown"}
"""The state that was searched for -> the kind of job that repairs it."""


def _repair(given: Mapping[str, str]) -> str | None:
    """Return the query of the form of the job that repairs what was found; None where there is nothing to repair."""
    if given["state"] not in REPAIRS:
        return None
    return urlencode({"kind": REPAIRS[State(given["state"])]} | _selection(given))


def _selection(given: Mapping[str, str]) -> dict[str, str]:
    """Return the fields of a job that choose what was searched for."""
    chosen = {name: given[name] for name in ("channel", "provider", "trigger", "agency") if given[name]}
    if given["day"]:
        day = _day(given["day"])
        chosen |= {"from": day.isoformat(), "to": (day + A_DAY).isoformat()}
    if given["state"] == State.FAILED and chosen.keys() & {"channel", "provider", "from"}:
        chosen["last_only"] = "yes"  # a message is found by its last attempt
    return chosen


def _command(given: Mapping[str, str]) -> str:
    """Return the command that shows what a repair would do; else the one that explains a message."""
    begins = {State.FAILED: ("repair", "--failed", "--plan"), State.UNKNOWN: ("unknown",)}
    if given["state"] not in begins:
        return shlex.join(("habarshy", "why", "…", "--purpose", "…"))
    try:
        options = _selection(given)
    except (ValueError, OverflowError):
        options = {}
    return shlex.join(("habarshy", *begins[State(given["state"])], *flags_of(options)))
