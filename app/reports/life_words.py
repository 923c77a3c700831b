"""The reasons and channels of nudges in plain English, for the reports of backtests."""

from collections.abc import Mapping

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
