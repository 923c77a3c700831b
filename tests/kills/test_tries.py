"""What the verdict reads of the log about attempts."""

from datetime import datetime

from domain.facts.facts import NudgeAttempted
from tests.kills.tries import Try, left_before

NOW = datetime.fromisoformat("2025-06-02T12:00+05:00")


def test_attempts_of_one_moment_have_their_order() -> None:
    """Where the clock stands still, attempts follow each other by their number, and another person has their own."""
    push, sms, email, other = tries = [
        Try(NudgeAttempted(NOW, recipient, attempt, channel, "", NOW), [])
        for recipient, attempt, channel in (("a", 1, "push"), ("a", 2, "sms"), ("a", 3, "email"), ("b", 1, "sms"))
    ]
    found = [left_before(tries, each.fact) for each in (push, sms, email, other)]
    assert found == [set(), {"push"}, {"push", "sms"}, set()]
