"""The standing with each push service: some refuse one subscription in words by which others refuse us."""

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from notifiers.port.interface import Accepted, GiveUp, Outcome, Reason, RetryLater
from notifiers.port.standing import MOST_PATIENCE, Standing

_ABOUT_OUR_KEY = {"401", "403"}
_TOO_MANY = "429"  # of one subscription with some, of us with others
_ALWAYS = datetime.min.replace(tzinfo=UTC)
_MOST = 1000  # origins kept: a citizen may invent hosts under a listed domain


@dataclass(slots=True)
class _Service:
    """The state of one service: its word on our key, its word on our rate, and the end of its pause."""

    key: Standing = field(default_factory=Standing)
    much: Standing = field(default_factory=lambda: Standing(before=0))
    closed_until: datetime = _ALWAYS


class PushServices:
    """The latest state of each service, by its origin.

    A subscription that was made with another key of ours is refused for good, with a 401 or 403; so is everybody
    where our signing key is invalid. While a service accepts others, the refusal is about the subscription. The same
    holds for a 429. A service that asks for a pause asks it for itself, never for the other services.
    """

    def __init__(self) -> None:
        self._services: OrderedDict[str, _Service] = OrderedDict()

    def patience(self, origin: str, now: datetime) -> RetryLater | None:
        """Return the outcome for a message while that service asks for a pause; None: it may be sent."""
        found = self._services.get(origin)
        return RetryLater(found.closed_until - now, Reason.BUSY) if found and now < found.closed_until else None

    def weighed(self, origin: str, outcome: Outcome, now: datetime) -> Outcome:
        """Return the meaning of one message's outcome, given those of others."""
        service = self._service(origin)
        match outcome:
            case Accepted():
                service.key.note_accepted()
                service.much.note_accepted()
            case RetryLater(_, Reason.NOT_ADMITTED, detail) if detail in _ABOUT_OUR_KEY:
                if not service.key.note_refused():
                    return GiveUp(Reason.BAD_ADDRESS, detail)
            case RetryLater(timedelta() as after, everybody=True):
                if outcome.detail != _TOO_MANY or service.much.note_refused():
                    service.closed_until = now + min(after, MOST_PATIENCE)
                return replace(outcome, everybody=False)
        return outcome

    def _service(self, origin: str) -> _Service:
        found = self._services.setdefault(origin, _Service())
        self._services.move_to_end(origin)
        if len(self._services) > _MOST:
            self._services.popitem(last=False)
        return found
