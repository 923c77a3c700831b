"""Webhooks: tell an agency that somebody answered or disputed one of its messages, signed, until it accepts.

By Standard Webhooks (github.com/standard-webhooks/standard-webhooks): the id is that of the event, the same at every
attempt; the body holds no personal data, but names the agency's own event that the message went back to.
"""

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection
from standardwebhooks import Webhook

from domain.core.events import LifeEvent
from domain.core.ids import traced
from domain.persons.replies import nudge_of
from projections import nudges
from streams.queues import webhook_outbox
from streams.queues.dead_letters import DeadLetterQueue, Letter, LetterKind
from streams.queues.webhook_outbox import WaitingWebhook
from streams.rules.context import WriteContext
from streams.rules.trigger_history import rules_of
from streams.storage.database import Priority

if TYPE_CHECKING:
    from notifiers.http.client import Http

KIND = "webhook"
CLAIMED, AT_ONCE = 100, 20
"""Calls of one round, and how many of them are made to one agency at a time."""
LEASE = timedelta(minutes=2)
"""The time that an attempt may take; afterwards another process makes one."""
RETRY_AFTER = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
"""The delay after each failed attempt before the next: some three days in all, as the standard recommends."""
_GONE, _OK = 410, range(200, 300)
UNWANTED_FOR, LOOKS = timedelta(days=1), 30
"""An agency without a hook may get one, or have one in another process: LOOKS times, so long apart."""
log = logging.getLogger("habarshy")


class Hook(Struct, frozen=True):
    """An agency's address, and the secrets that sign the calls (`whsec_…`): two while they change."""

    url: str
    secrets: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Hook({self.url!r})"


class Call(Struct, frozen=True):
    """A call to an agency: the event's type and time, and the nudge that it is about."""

    event: UUID
    agency: str
    body: bytes
    traceparent: str | None = None


class Webhooks:
    """Tells agencies; several processes may do so at once. `hooks`: agency -> hook."""

    def __init__(self, context: WriteContext, letters: DeadLetterQueue, hooks: Mapping[str, Hook]) -> None:
        self._context, self._letters, self._hooks = context, letters, hooks
        self._http: Http | None = None
        self._warned = False

    async def aclose(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.aclose()

    async def deliver(self) -> int:
        """Make every attempt that is due; return how many there were.

        A process whose settings name no agency leaves what waits to others.
        """
        if not self._hooks:
            await asyncio.to_thread(self._leave)
            return 0
        waiting = await asyncio.to_thread(self._claim)
        calls = await asyncio.to_thread(self._calls, waiting)
        wanted = [row for row in waiting if row.event in calls and calls[row.event].agency in self._hooks]
        unwanted = [row for row in waiting if row not in wanted]
        if unwanted:
            await asyncio.to_thread(self._write, lambda connection: self._keep(connection, unwanted, calls))
        if wanted and self._http is None:
            self._http = _client()
        by_agency: dict[str, list[WaitingWebhook]] = {}
        for row in wanted:
            by_agency.setdefault(calls[row.event].agency, []).append(row)
        await asyncio.gather(
            *(self._call_agency(self._http, rows, calls) for rows in by_agency.values() if self._http)
        )
        return len(waiting)

    async def _call_agency(self, http: "Http", waiting: Sequence[WaitingWebhook], calls: Mapping[UUID, Call]) -> None:
        """Call one agency; once it accepts nothing, put the rest off, so that others need not wait."""
        for start in range(0, len(waiting), AT_ONCE):
            now, rest = waiting[start : start + AT_ONCE], [each.event for each in waiting[start + AT_ONCE :]]
            asked = await asyncio.gather(*(self._call_once(http, each, calls[each.event]) for each in now))
            if None not in asked:
                at = self._context.clock() + max(RETRY_AFTER[1], *(answer for answer in asked if answer is not None))
                await asyncio.to_thread(self._write, partial(webhook_outbox.put_off, events=rest, at=at))
                return

    def _claim(self) -> list[WaitingWebhook]:
        now = self._context.clock()
        return self._context.database.write(
            lambda connection: webhook_outbox.claim(connection, now, now + LEASE, CLAIMED), Priority.DISPATCH
        )

    def _write(self, work: Any) -> None:  # noqa: ANN401  (what Database.write takes)
        self._context.database.write(work, Priority.DISPATCH)

    def _leave(self) -> None:
        if self._warned:
            return
        with self._context.database.reading() as connection:
            self._warned = webhook_outbox.total(connection) > 0
        if self._warned:
            log.warning("answers wait for agencies, and the settings of this process name none under [webhooks]")

    def _keep(self, connection: Connection, unwanted: Sequence[WaitingWebhook], calls: Mapping[UUID, Call]) -> None:
        """Keep the calls for an agency without a hook for a while; drop those about no nudge."""
        kept = [row for row in unwanted if row.event in calls and row.attempts < LOOKS]
        webhook_outbox.delete_done(connection, [row.event for row in unwanted if row not in kept])
        for row in kept:
            webhook_outbox.retry_at(connection, row, self._context.clock() + UNWANTED_FOR)

    def _calls(self, waiting: Sequence[WaitingWebhook]) -> dict[UUID, Call]:
        """Return event -> the call."""
        if not waiting:
            return {}
        with self._context.database.reading() as connection:
            found = (self._call(connection, row.event) for row in waiting)
            return {call.event: call for call in found if call is not None}

    def _call(self, connection: Connection, stream: UUID) -> Call | None:
        entries = self._context.log.streams(connection, [stream])
        event = next((entry.fact for entry in entries if isinstance(entry.fact, LifeEvent)), None)
        if event is None or (about := nudge_of(event)) is None:
            return None
        nudge = nudges.by_id(connection, [about]).get(about)
        if nudge is None:
            return None
        rulebook = self._context.library.rules().rulebook
        content = rules_of(connection, self._context.log, rulebook, nudge.intent.version) or {}
        cause = [entry.fact for entry in self._context.log.streams(connection, [nudge.intent.cause])]
        causes = [fact for fact in cause if isinstance(fact, LifeEvent)]
        began = [{"source": event.source, "id": event.id} for event in causes]
        data = {
            "nudge": str(about),
            "trigger": nudge.intent.trigger,
            "step": nudge.intent.step,
            "answer": event.values.get("event.answer"),
            "cause": began[0] if began else None,
        }
        told = {"type": event.type, "timestamp": event.time.isoformat(), "data": data}
        trace = next((traced(event.traceparent, str(stream)) for event in causes), None)
        return Call(stream, str(content.get("owner", "")), json.dumps(told, ensure_ascii=False).encode(), trace)

    async def _call_once(self, http: "Http", waiting: WaitingWebhook, call: Call) -> timedelta | None:
        """Call the agency; return None if it accepted, else how long it asks us to wait."""
        hook, now = self._hooks[call.agency], self._context.clock()
        answer = await http.request("POST", hook.url, _headers(hook, call, now), call.body)
        status = getattr(answer, "status", None)  # of an answer; whatever kept it from coming has none
        if status in _OK:
            await asyncio.to_thread(
                self._write, lambda connection: webhook_outbox.delete_done(connection, [call.event])
            )
            return None
        cause = str(status) if status is not None else str(getattr(answer, "reason", ""))
        asked = _requested_wait(answer, now)
        await asyncio.to_thread(self._write, lambda connection: self._failed(connection, waiting, call, cause, asked))
        return asked

    def _failed(
        self, connection: Connection, waiting: WaitingWebhook, call: Call, cause: str, asked: timedelta
    ) -> None:
        """Try again later, not before the agency asks for it; after days, or a 410, make it a dead letter."""
        if waiting.attempts < len(RETRY_AFTER) and cause != str(_GONE):
            webhook_outbox.retry_at(
                connection, waiting, self._context.clock() + max(RETRY_AFTER[waiting.attempts], asked)
            )
            return
        content = json.dumps({"event": str(call.event), "agency": call.agency}).encode()
        webhook_outbox.delete_done(connection, [call.event])
        self._letters.put(connection, Letter(KIND, str(call.event), cause, content))


def letter_kind(context: WriteContext) -> LetterKind:
    """Return the handler of dead letters that are webhooks."""

    def retry(content: bytes) -> None:
        event = UUID(json.loads(content)["event"])
        context.database.write(
            lambda connection: webhook_outbox.put_back(connection, event, context.clock()), Priority.DISPATCH
        )

    return LetterKind(retry, lambda content: f"for {json.loads(content)['agency']}")


def _client() -> "Http":
    from notifiers.http import client as http  # noqa: PLC0415  (15 MB that only who tells agencies needs)

    return http.Http(http.Timeouts())


def _requested_wait(answer: object, now: datetime) -> timedelta:
    """Return how long the agency asks us to wait, if it answered and said so."""
    from notifiers.http import client as http  # noqa: PLC0415  (as above)

    return (http.retry_after(answer, now) if isinstance(answer, http.Answer) else None) or timedelta()


def _headers(hook: Hook, call: Call, now: datetime) -> dict[str, str]:
    id_, now = f"evt_{call.event.hex}", now.astimezone(UTC)  # the library takes any time for one in UTC
    return {
        "content-type": "application/json",
        "webhook-id": id_,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(id_, now, call.body.decode()) for secret in hook.secrets),
        **({} if call.traceparent is None else {"traceparent": call.traceparent}),
    }
