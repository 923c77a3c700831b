"""How we stand with each push service: some say of one subscription what others say of us."""

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from notifiers.port.blame import MOST_PATIENCE, Standing
from notifiers.port.interface import Accepted, GiveUp, Outcome, Reason, RetryLater

_ABOUT_OUR_KEY = {"401", "403"}
_TOO_MANY = "429"  # of one subscription with some, of us with others
_ALWAYS = datetime.min.replace(tzinfo=UTC)
_MOST = 1000  # origins kept: a citizen may invent hosts under a listed domain


@dataclass(slots=True)
class _Service:
    """What one said: of our key, of how much we send, and until when it asked for patience."""

    key: Standing = field(default_factory=Standing)
    much: Standing = field(default_factory=lambda: Standing(before=0))
    closed_until: datetime = _ALWAYS


class PushServices:
    """What each has said lately, by its origin.

    A subscription that was made with another key of ours is refused for good, with a 401 or 403, and so is everybody
    where the key that we sign with is none. While a service takes others, it is the subscription. So it is with a
    429. One that asks for patience asks it for itself, never for the other services.
    """

    def __init__(self) -> None:
        self._services: OrderedDict[str, _Service] = OrderedDict()

    def patience(self, origin: str, now: datetime) -> RetryLater | None:
        """What a message gets while that service asks for patience; None: it may be sent."""
        found = self._services.get(origin)
        return RetryLater(found.closed_until - now, Reason.BUSY) if found and now < found.closed_until else None

    def judged(self, origin: str, outcome: Outcome, now: datetime) -> Outcome:
        """What the outcome of one message means beside those of others."""
        service = self._service(origin)
        match outcome:
            case Accepted():
                service.key.took()
                service.much.took()
            case RetryLater(_, Reason.NOT_ADMITTED, detail) if detail in _ABOUT_OUR_KEY:
                if not service.key.refused():
                    return GiveUp(Reason.BAD_ADDRESS, detail)
            case RetryLater(timedelta() as after, everybody=True):
                if outcome.detail != _TOO_MANY or service.much.refused():
                    service.closed_until = now + min(after, MOST_PATIENCE)
                return replace(outcome, everybody=False)
        return outcome

    def _service(self, origin: str) -> _Service:
        found = self._services.setdefault(origin, _Service())
        self._services.move_to_end(origin)
        if len(self._services) > _MOST:
            self._services.popitem(last=False)
        return found
