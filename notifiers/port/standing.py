"""The standing with a provider: it tells refusals of one message from refusals of all of ours."""

from datetime import timedelta

MOST_PATIENCE = timedelta(hours=1)
"""However long it asks for, somebody looks again by then: a slip of its must not end a channel for a day."""


class Standing:
    """The provider's latest refusals.

    One refusal among acceptances is about its message, several in a row are about us.

    A provider that refuses us refuses everybody, in words that also mean a single message (a mail server's `554
    5.7.1`, a push service's 403, an address that is none). `before`: the refusals in a row that are assumed at the
    start; by default so many that a refusal is about us until something was accepted.
    """

    MANY = 5

    def __init__(self, before: int = MANY) -> None:
        self._refused = before

    def note_accepted(self) -> None:
        """Note that it accepted one."""
        self._refused = 0

    def note_refused(self) -> bool:
        """Note that it refused one; return True if that is about us."""
        self._refused += 1
        return self.refuses_us

    @property
    def refuses_us(self) -> bool:
        """Return True if it refused so many in a row that it is not about each of them."""
        return self._refused >= self.MANY
