"""The reasons and channels of nudges in plain English; pages say them in the reader's language."""

from collections.abc import Mapping
from typing import Final

from domain.core.translatable import N_

REASON_WORDS: Final[Mapping[str, str]] = {
    "died": N_("the person has died"),
    "no_guardian": N_("no living guardian of the child is known"),
    "passed_on": N_("somebody else is told by now: another guardian, or the child, who has come of age"),
    "added": N_("one more person is told by now"),
    "unreached": N_("no guardian of the child could be reached"),
    "done": N_("the thing itself was done"),
    "opted_out": N_("messages on this topic are not wanted"),
    "no_consent": N_("offers need a consent, and there is none"),
    "caught_up": N_("a later reminder goes instead"),
    "no_address": N_("no address is known"),
    "no_channel": N_("none of the channels is wanted"),
    "quiet_hours": N_("quiet hours"),
    "stopped": N_("the platform has stopped it for now"),
    "withdrawn": N_("the office has withdrawn it"),
    "cap": N_("enough messages lately"),
    "nothing_left": N_("nothing was left to send"),
    "unreadable": N_("its data is missing"),
    "expired": N_("it was over before it could be planned"),
    "erased": N_("the data of its recipient was erased"),
    "bad_address": N_("nobody can be reached at the address"),
    "not_listed": N_("nothing may be sent to where the address leads"),
    "bad_content": N_("its text cannot be sent"),
    "mailbox_full": N_("the mailbox is full"),
    "too_large": N_("it is too large"),
    "rejected": N_("the carrier refused it"),
    "undelivered": N_("the carrier could not bring it"),
    "expired_there": N_("the carrier tried until it was too late"),
    "suppressed": N_("the carrier lists the address as one that wants nothing"),
    "busy": N_("the carrier was busy"),
    "not_admitted": N_("the carrier did not let the platform in"),
    "unreachable": N_("the carrier could not be reached"),
    "link_lost": N_("the connection was lost"),
    "timed_out": N_("no answer came in time"),
    "garbled": N_("the carrier's answer made no sense"),
    "never_came": N_("it never came to the carrier"),
    "no_time": N_("there was no time left for it"),
    "closed": N_("the connection was closed before"),
    "lease_over": N_("it missed its turn"),
    "no_outcome": N_("nobody knows how it ended"),
    "commit_unanswered": N_("the database did not answer"),
    "not_handed_over": N_("the program that sends it stopped before it went"),
    "not_applicable": N_("no message is meant here"),
    "restored": N_("the records were restored from an older copy"),
}
"""Our word for a reason -> the reason, for pages and reports. What is missing here is shown as it is."""
CHANNELS: Final[Mapping[str, str]] = {"push": N_("push message"), "sms": N_("SMS"), "email": N_("email")}


def reason(word: str) -> str:
    """Return a reason in plain English."""
    return REASON_WORDS.get(word, word.replace("_", " "))
