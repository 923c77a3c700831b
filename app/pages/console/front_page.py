"""The front page of the console: what is wrong, the worst first; and the providers of the last hour."""

from datetime import datetime
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from app.http import routes
from app.jobs.job_results import trouble
from app.pages.active_stops import stop_in_words
from app.pages.catalogues import Speech
from app.pages.console.staff import ConsolePages, Staff
from app.pages.console.trends import DAY, SPANS, Trends
from app.pages.finding_words import cause_in_words, finding_in_words
from app.pages.life import word_for
from app.providers import channel_of
from app.reports.condition import Condition, ConditionReader, Lags
from app.reports.findings import SKEW, Finding, FindingKind, Level, findings
from app.reports.life_words import CHANNELS
from domain.core.translatable import N_
from streams.queries.provider_health import ProviderState, RecentRecords, Record
from streams.runtime.processes import LiveProcess

ACTS = {
    FindingKind.STOPPED: N_("See what is stopped"),
    FindingKind.PROVIDER_DOWN: N_("Show the messages that failed"),
    FindingKind.NOT_ADMITTED: N_("Show the messages that failed"),
    FindingKind.PROVIDER_FAILS_ALL: N_("Show the messages that failed"),
    FindingKind.PROVIDER_FAILED: N_("Show the messages that failed"),
    FindingKind.KEY_EXPIRES: N_("Open the schedule: it names the certificate"),
    FindingKind.SCHEDULED_FAILED: N_("Open the schedule: see why, or run it again"),
    FindingKind.SCHEDULED_LATE: N_("Open the schedule"),
    FindingKind.DEAD_LETTERS: N_("Show what was put aside, by cause"),
    FindingKind.UNKNOWN_OUTCOMES: N_("Decide about these messages"),
    FindingKind.JOBS_WAIT: N_("Show the jobs that wait"),
    FindingKind.LOG_ALTERED: N_("Open the job: see what differs"),
    FindingKind.JOB_ALTERED: N_("Open the job"),
    FindingKind.VERIFICATION_FAILED: N_("Open the job: see what differs"),
    FindingKind.PLANS_DIFFER: N_("Open the job: see what differs"),
    FindingKind.JOB_FAILED: N_("Open the job: go on with it, or cancel it"),
    FindingKind.JOB_GONE: N_("Open the job: go on with it, or cancel it"),
    FindingKind.JOB_PAUSED: N_("Open the job: go on with it, or cancel it"),
    FindingKind.JOB_INCOMPLETE: N_("Open the job: see what it left out"),
}
"""Kind of finding -> what its button leads to, for those with a page of their own."""
LEVELS = {Level.NOTE: (N_("Warning"), "note"), Level.BAD: (N_("Act now"), "bad")}


class FrontPage(ConsolePages):
    """Looks at everything anew each time.

    `lags`: of the workers, where there is Kafka; `began`: the time at which this process started.
    """

    def __init__(self, staff: Staff, lags: Lags | None, began: datetime | None = None) -> None:
        super().__init__(staff)
        self._reader = ConditionReader(staff.platform, trouble, lags, began)

    def condition(self) -> Condition:
        """Return everything that findings are made from."""
        return self._reader.read()

    @routes.get("/console")
    def show(self, request: Request) -> Response:
        """Show the state of the whole platform."""
        _, frame = self._staff.operator(request)
        on, speech = self.condition(), frame.speech
        span = SPANS.get(request.query_params.get("span", ""), DAY)
        found = findings(on)
        return self._staff.show(
            "front_page.html",
            frame,
            findings=[self._plain(each, speech) for each in found],
            parts=list(_parts(on, speech)),
            charts=Trends(self._staff.platform, speech, span).charts(),
            span=span,
            spans=SPANS.values(),
            number=speech.number,
            at=speech.moment(on.now),
            processes=[_process(each, on, speech) for each in on.processes],
            providers=[_row(name, each, speech, on) for name, each in self._providers(on.recent)],
            since=speech.moment(on.recent.since),
            whole=on.recent.whole,
        )

    def _plain(self, finding: Finding, speech: Speech) -> dict[str, Any]:
        level, kind = LEVELS[finding.level]
        stop = stop_in_words(finding.stop, self._staff.platform, speech) if finding.stop is not None else None
        words = stop.told if stop is not None else finding_in_words(finding, speech)
        plain = {"told": words, "level": speech.say(level), "kind": kind, "path": finding.path, "stop": stop}
        act = speech.say(ACTS[finding.kind]) if finding.path else ""
        return plain | {"name": str(finding.kind), "act": act}

    def _providers(self, found: RecentRecords) -> list[tuple[str, Record]]:
        """Return the settings' providers, also idle ones, and all others that did something."""
        settings = self._staff.platform.settings.providers
        idle = {name: Record(channel_of(each)) for name, each in settings.items() if name not in found.providers}
        return sorted([*found.providers.items(), *idle.items()], key=lambda each: (each[1].channel, each[0]))


def _parts(on: Condition, speech: Speech) -> list[tuple[str, str]]:
    """Return the figures of each part of the platform, also where nothing is wrong with it."""
    say, status = speech.say, on.status
    waits = [
        (say("Planning"), status.unplanned, status.unplanned_for_seconds),
        (say("Sending"), status.due_now, status.overdue_for_seconds),
        (say("Trails and figures"), on.views.count, on.views.seconds),
    ]
    if on.relay is not None:
        waits.append((say("Relay to Kafka"), on.relay.count, on.relay.seconds))
    if on.workers:
        longest = max(each.seconds for each in on.workers)
        waits.append((say("Workers"), sum(each.count for each in on.workers), longest))
    rows = [(name, _waiting(count, seconds, speech)) for name, count, seconds in waits]
    if status.next_due is not None:
        rows.append((say("Next message due"), speech.moment(status.next_due)))
    rows.append((say("Attempts without an outcome"), speech.number(status.open_attempts)))
    rows.append((say("Facts in the log"), speech.number(status.facts)))
    if on.sampled is not None:
        rows.append((say("Last sign of the upkeep"), speech.moment(on.sampled)))
    return rows


def _waiting(count: int, seconds: float, speech: Speech) -> str:
    if not count:
        return speech.say("Nothing waits")
    waiting = speech.say("{count} waiting").format(count=speech.number(count))
    oldest = speech.say("the oldest for {time}").format(time=speech.duration(seconds))
    return f"{waiting}; {oldest}" if seconds >= 1 else waiting


def _process(found: LiveProcess, on: Condition, speech: Speech) -> dict[str, Any]:
    off = abs(found.ahead) > SKEW
    seconds = found.ahead.total_seconds()
    lives = (speech.say("Alive"), "good") if found.lives else (speech.say("No sign of life"), "note")
    return {
        "role": found.process.role,
        "place": f"{found.process.host} (pid {found.process.pid})",
        "state": lives,
        "since": speech.moment(found.started_at),
        "seen": speech.moment(found.seen_at),
        "version": found.process.version,
        "clock": f"{seconds:+.1f} s" if on.clocks_compared else "",
        "off": off,
    }


def _row(name: str, record: Record, speech: Speech, on: Condition) -> dict[str, Any]:
    number, reasons = speech.number, record.reasons.most_common(3)
    state, kind = _state(record, speech)
    if name in on.removed_providers:
        state, kind = speech.say("No longer in the settings"), ""
    elif name in on.unseen_providers:
        state, kind = speech.say("Not known"), "note"
    return {
        "name": name,
        "channel": word_for(CHANNELS, record.channel, speech),
        "state": state,
        "kind": kind,
        "counts": [
            number(each) for each in (record.attempted, record.sent, record.delivered, record.failed, record.unknown)
        ],
        "reasons": ", ".join(f"{cause_in_words(why, speech)}: {number(many)}" for why, many in reasons),
        "since": speech.moment(record.since) if record.since else "",
        "tried": speech.moment(record.last) if record.last and record.in_row else "",
    }


def _state(record: Record, speech: Speech) -> tuple[str, str]:
    say = speech.say
    match record.state:
        case ProviderState.IDLE:
            return say("Nothing to send"), ""
        case ProviderState.DOWN:
            return say("Down: messages use another provider or wait; retried every 30 s"), "bad"
        case ProviderState.FAILS_ALL:
            return say("Failed every time"), "note"
        case ProviderState.FAILED:
            return say("Failed the last time"), "note"
    return say("Works"), "good"
