"""How we stand with each push service: some say of one subscription what others say of us."""

from collections import OrderedDict

from notifiers.port import Accepted, GiveUp, Outcome, Reason, RetryLater
from notifiers.standing import Standing

_ABOUT_OUR_KEY = {"401", "403"}
_MOST = 1000  # origins kept: a citizen may invent hosts under a listed domain


class PushServices:
    """What each has said lately, by its origin.

    A subscription that was made with another key of ours is refused for good, with a 401 or 403, and so is everybody
    where the key that we sign with is none. While a service takes others, it is the subscription.
    """

    def __init__(self) -> None:
        self._standings: OrderedDict[str, Standing] = OrderedDict()

    def judged(self, origin: str, outcome: Outcome) -> Outcome:
        """What the outcome of one message means beside those of others."""
        match outcome:
            case Accepted():
                self._standing(origin).took()
            case RetryLater(_, Reason.NOT_ADMITTED, detail) if detail in _ABOUT_OUR_KEY:
                if not self._standing(origin).refused():
                    return GiveUp(Reason.BAD_ADDRESS, detail)
        return outcome

    def _standing(self, origin: str) -> Standing:
        found = self._standings.setdefault(origin, Standing())
        self._standings.move_to_end(origin)
        if len(self._standings) > _MOST:
            self._standings.popitem(last=False)
        return found
