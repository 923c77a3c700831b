"""How we stand with a provider: whether a refusal that may mean us does."""


class Standing:
    """What a provider said to the last ones: who is refused among others is it alone, several in a row are not.

    Who refuses us refuses everybody, in words that are also said to one alone (a mail server's `554 5.7.1`, a push
    service's 403). Until somebody was taken it is about us.
    """

    NEAR = 5

    def __init__(self) -> None:
        self._refused = self.NEAR

    def took(self) -> None:
        """It took one."""
        self._refused = 0

    def refused(self) -> bool:
        """It refused one; whether that is about us."""
        self._refused += 1
        return self._refused >= self.NEAR
