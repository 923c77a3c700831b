"""The outcomes of a nudge in plain English, for the demo and the reports of backtests."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.terminal import many
from streams.queries.explain import RecordedFact

REASONS: Mapping[str, str] = {
    "died": "the person has died",
    "no_guardian": "no guardian of the child is known",
    "done": "the thing itself was done",
    "opted_out": "the person wants no messages on this topic",
    "no_consent": "offers need a consent, and there is none",
    "withdrawn": "its trigger was withdrawn",
    "expired": "it was over before it could go",
    "erased": "the person's data was erased",
    "caught_up": "a later step of the same reminder goes instead",
    "no_address": "no address is known on any channel they accept",
    "no_channel": "the person accepts none of the channels that it goes by",
    "quiet_hours": "quiet hours",
    "stopped": "an operator has stopped it",
    "nothing_left": "nothing is left to go with it",
    "unreadable": "its words need a value that is missing",
    "bounced": "it bounced",
    "cap": "enough messages this week",
}
"""Our word for a reason -> the reason. What is missing here is shown as it is."""

CHANNELS: Mapping[str, str] = {"push": "push message", "sms": "SMS", "email": "email"}


def reason(word: str) -> str:
    """Return a reason in plain English."""
    return REASONS.get(word, word.replace("_", " "))


def at(moment: datetime, zone: ZoneInfo) -> str:
    """Return a moment as the page shows it: "14 Mar 2025, 09:00"."""
    local = moment.astimezone(zone)
    return f"{local.day} {local:%b %Y, %H:%M}"


def told(happened: RecordedFact, zone: ZoneInfo) -> str:
    """Return a fact of a nudge's life as a sentence."""
    words = _TOLD.get(happened.what)
    return words(happened.details, zone) if words else happened.what.replace("-", " ")


_Words = Callable[[Mapping[str, Any], ZoneInfo], str]
_TOLD: Mapping[str, _Words] = {
    "planned": lambda fact, zone: f"Planned for {at(fact['due'], zone)}",
    "rescheduled": lambda fact, zone: f"Planned anew for {at(fact['due'], zone)}",
    "cancelled": lambda *_: "Cancelled: it is no longer in the plan",
    "withheld": lambda fact, _: f"Withheld: {reason(fact['reason'])}",
    "deferred": lambda fact, zone: f"Put off until {at(fact['until'], zone)}: {reason(fact['reason'])}",
    "digested": lambda fact, zone: (
        f"Goes with the digest of {at(fact['until'], zone)}: "
        f"{many(fact['messages'], 'message')} came in the last {many(fact['days'], 'day')}"
    ),
    "gathered": lambda *_: "One more message goes with it",
    "expired": lambda *_: "Expired: it was worth nothing any more",
    "attempted": lambda fact, _: f"Handed over as {CHANNELS.get(fact['channel'], fact['channel'])}",
    "sent": lambda *_: "Taken over by the provider",
    "delivered": lambda *_: "Delivered",
    "failed": lambda fact, _: f"Failed: {reason(fact['reason'])}",
    "unknown": lambda fact, _: f"Nobody can tell whether it went out: {reason(fact['reason'])}",
    "opened": lambda *_: "Opened",
    "answered": lambda *_: "Answered",
    "done": lambda fact, zone: f"The thing itself was done afterwards, on {at(fact['done_at'], zone)}",
    "undone": lambda *_: "The report that it was done is no longer so",
}
