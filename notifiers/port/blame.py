"""How we stand with a provider: whether a refusal that may mean us does, and how long it may put us off."""

from datetime import timedelta

MOST_PATIENCE = timedelta(hours=1)
"""However long it asks for, somebody looks again by then: a slip of its must not end a channel for a day."""


class Standing:
    """What a provider said to the last ones: who is refused among others is it alone, several in a row are not.

    Who refuses us refuses everybody, in words that are also said to one alone (a mail server's `554 5.7.1`, a push
    service's 403, an address that is none). `before`: how many it is taken to have refused already; unless said
    otherwise so many that it is about us until somebody was taken.
    """

    MANY = 5

    def __init__(self, before: int = MANY) -> None:
        self._refused = before

    def took(self) -> None:
        """It took one."""
        self._refused = 0

    def refused(self) -> bool:
        """It refused one; whether that is about us."""
        self._refused += 1
        return self.refuses_us

    @property
    def refuses_us(self) -> bool:
        """Whether it refused so many in a row that it is not about each of them."""
        return self._refused >= self.MANY
