"""What the verdict reads of the log about attempts."""

from datetime import datetime, timedelta

from domain.facts.facts import NudgeAttempted, NudgeSent, NudgeUnknown
from tests.kills.tries import Try, following, left_before

NOW = datetime.fromisoformat("2025-06-02T12:00+05:00")


def test_attempts_of_one_moment_have_their_order() -> None:
    """Where the clock stands still, attempts follow each other by their number, and another person has their own."""
    push, sms, email, other = tries = [
        Try(NudgeAttempted(NOW, recipient, attempt, channel, "", NOW), [])
        for recipient, attempt, channel in (("a", 1, "push"), ("a", 2, "sms"), ("a", 3, "email"), ("b", 1, "sms"))
    ]
    found = [left_before(tries, each.fact) for each in (push, sms, email, other)]
    assert found == [set(), {"push"}, {"push", "sms"}, set()]


def test_what_is_heard_later_was_no_reason() -> None:
    """An answer that comes after the next attempt was made says nothing about why it was made."""
    first, again = (NudgeAttempted(NOW, "a", attempt, "push", "", NOW) for attempt in (1, 2))
    unknown, late = NudgeUnknown(NOW, "a", 1, "no_outcome", NOW), NudgeSent(NOW + timedelta(days=3), "a", 1, "r")
    [pair] = following([first, unknown, again, late])
    assert (pair.before.heard, pair.after.fact, pair.moved) == ([unknown], again, False)
