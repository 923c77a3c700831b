"""The front page of the console: how everything stands, the worst first; and the providers of the last hour."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from app.http.routes import Routes
from app.pages.catalogues import Speech
from app.pages.console.flows import Flows
from app.pages.console.matters import Matters
from app.pages.console.signs import LEVELS, SWITCHES, Level, Seen, Sign
from app.pages.console.staff import Staff
from app.pages.life import CHANNELS, shown
from app.providers import channel_of
from projections.tables import moment
from streams.kafka.errors import KafkaFailure
from streams.kafka.lag import Lag, log_lag
from streams.log import chain
from streams.log.watermark import OlderLog
from streams.queries import health
from streams.queries.health import standing
from streams.queries.provider_health import ProviderState, RecentRecords, Record, recent_records
from streams.replay.follower import READER as VIEWS

Lags = Callable[[], Sequence[Lag]]


class StandingPage:
    """Looks at everything anew each time.

    `lags`: of the workers, where there is Kafka; `began`: the time at which this process started.
    """

    def __init__(self, staff: Staff, lags: Lags | None, began: datetime | None = None) -> None:
        self._staff, self._lags, self._began = staff, lags, began

    def routes(self) -> Routes:
        """Return the routes."""
        routes = Routes(response_class=HTMLResponse, include_in_schema=False)
        routes.add("/console", self.show, methods=["GET"])
        return routes

    def show(self, request: Request) -> Response:
        """Show the state of the whole platform."""
        who, frame = self._staff.operator(request)
        seen, speech = self.seen(), frame.speech
        every = [*Flows(seen, speech).all(), *Matters(seen, speech).all()]
        signs = sorted(every, key=lambda each: (-each.level, each.path != SWITCHES))
        worst = max(each.level for each in signs)
        return self._staff.show(
            "standing.html",
            frame,
            who,
            signs=[_plain(each, speech) for each in signs],
            worst=worst,
            bad=[each.name for each in signs if each.level is worst],
            at=speech.moment(seen.now),
            providers=[_row(name, each, speech, seen.unseen) for name, each in self._providers(seen.lately)],
            since=speech.moment(seen.lately.since),
            whole=seen.lately.whole,
        )

    def seen(self) -> Seen:
        """Return everything that the signs are made from, as it is now."""
        on, now = self._staff.platform, self._staff.now
        found = standing(on.database, on.log, on.replay.follower, now)
        with on.database.reading() as connection:
            counts = health.waiting(connection, now)
            last = chain.latest(connection)
        jobs, recent = on.queues.jobs.latest(20), recent_records(on.log, now)
        workers, away = self._workers()
        return Seen(
            now,
            found,
            log_lag(on.database, VIEWS, now),
            log_lag(on.database, health.RELAY_READER, now) if health.RELAY in counts else None,
            workers,
            away,
            counts[health.CHAIN],
            moment(last.at) if last.number else None,
            on.queries.backlog.trends(counts),
            on.queries.backlog.latest(),
            on.database.sqlite,
            recent,
            jobs,
            frozenset(each.id for each in jobs if on.queues.jobs.is_alone(each)),
            self._older(),
            self._unseen(recent),
            self._began,
        )

    def _older(self) -> datetime | None:
        on = self._staff.platform
        known = on.runtime.watermark.known()
        try:
            with on.database.reading() as connection:
                on.runtime.watermark.check(connection, known)
        except OlderLog as older:
            return older.known.at
        return None

    def _workers(self) -> tuple[Sequence[Lag] | None, str]:
        if self._lags is None:
            return None, ""
        try:
            return self._lags(), ""
        except KafkaFailure as error:
            return None, str(error)

    def _unseen(self, found: RecentRecords) -> tuple[str, ...]:
        """Return the settings' providers whose work is not known, because others filled the records that are looked
        at.
        """
        if found.whole:
            return ()
        return tuple(sorted(set(self._staff.platform.settings.providers) - set(found.providers)))

    def _providers(self, found: RecentRecords) -> list[tuple[str, Record]]:
        """Return the settings' providers, also idle ones, and all others that did something."""
        settings = self._staff.platform.settings.providers
        idle = {name: Record(channel_of(each)) for name, each in settings.items() if name not in found.providers}
        return sorted([*found.providers.items(), *idle.items()], key=lambda each: (each[1].channel, each[0]))


def _plain(sign: Sign, speech: Speech) -> dict[str, Any]:
    told, kind = LEVELS[sign.level]
    since = speech.moment(sign.since) if sign.since is not None else ""
    return {"sign": sign, "level": speech.say(told), "kind": kind, "since": since, "bad": sign.level is Level.BAD}


def _row(name: str, record: Record, speech: Speech, unseen: Collection[str]) -> dict[str, Any]:
    number, reasons = speech.number, record.reasons.most_common(3)
    state, kind = (speech.say("Not known"), "note") if name in unseen else _state(record, speech)
    return {
        "name": name,
        "channel": shown(CHANNELS, record.channel, speech),
        "state": state,
        "kind": kind,
        "counts": [
            number(each) for each in (record.attempted, record.sent, record.delivered, record.failed, record.unknown)
        ],
        "reasons": ", ".join(f"{why.replace('_', ' ')}: {number(many)}" for why, many in reasons),
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
