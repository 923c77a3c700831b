"""The processes that play a backtest: this one alone, or several, each with its own database connection."""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any

from app.backtests.order import Order, made
from app.child_process import Beside, Gone
from app.clock import fixed
from app.compose import Platform, compose
from app.settings import Settings
from app.tuning import calm_collector
from streams.planning.histories import Selection
from streams.rehearsal.backtest import Backtest, Share
from streams.rehearsal.backtest_results import PersonResult, Samples

AHEAD = 2
"""The selections given to another process at a time, so that it need not wait for this one.

Families, which may be long lists, are asked for one by one: two processes that send much at once would wait for ever.
"""
_Part = tuple[str, Any]
"""A part of the work: the method of a backtest, and its argument."""


class Alone:
    """A crew of this process alone."""

    def __init__(self, here: Backtest) -> None:
        self._here = here

    def shares(self, selections: Sequence[Selection]) -> Iterator[Share]:
        """Yield the shares of these selections, each played alone."""
        return self._all([("share", each) for each in selections], AHEAD)

    def families(self, parts: Sequence[Sequence[Sequence[str]]]) -> Iterator[tuple[list[PersonResult], Samples]]:
        """Families, whose messages count together."""
        return self._all([("together", each) for each in parts], 1)

    def _all(self, parts: Sequence[_Part], ahead: int) -> Iterator[Any]:  # noqa: ARG002  (nobody to be ahead of)
        return (_done(self._here, each) for each in parts)


class Many(Alone):
    """Other processes work too; while they start, this one works already. What they leave who die is done here."""

    def __init__(self, here: Backtest, others: Sequence[Beside]) -> None:
        super().__init__(here)
        self._others = [_Other(each) for each in others]

    def _all(self, parts: Sequence[_Part], ahead: int) -> Iterator[Any]:
        """The others take parts from the beginning on, this process from the end."""
        left = deque(parts)
        while left:
            for other in self._others:
                yield from other.answers()
                other.ask(left, ahead)
            if left:
                yield _done(self._here, left.pop())
        for other in self._others:
            yield from other.answers(wait=True)
            yield from (_done(self._here, each) for each in other.left())


class _Other:
    """Another process, with the parts that it was asked for and has not answered."""

    def __init__(self, process: Beside) -> None:
        self._process, self._asked, self._lives = process, deque[_Part](), True

    def ask(self, left: deque[_Part], ahead: int) -> None:
        """Ask it for the next parts, until it has `ahead` at hand."""
        while left and self._lives and len(self._asked) < ahead:
            self._process.tell(left[0])
            self._asked.append(left.popleft())

    def answers(self, *, wait: bool = False) -> Iterator[Any]:
        """Yield the answers that came in meanwhile; `wait`: wait for all outstanding ones."""
        while self._lives and self._asked and (wait or self._process.has_told):
            try:
                found = self._process.hear()
            except Gone:
                self._lives = False
                return
            self._asked.popleft()
            yield found

    def left(self) -> Sequence[_Part]:
        """Return the parts that it was asked and will not answer any more."""
        left, self._asked = self._asked, deque()
        return left


@contextmanager
def crew_of(settings: Settings, platform: Platform, order: Order, hands: int) -> Iterator[Alone]:
    """Yield a crew of so many processes, this one included."""
    others = [Beside(serve, settings, order) for _ in range(hands - 1)]
    try:
        here = made(platform, order)
        yield Many(here, others) if others else Alone(here)
    finally:
        for each in others:
            each.stop()


def serve(pipe: Connection, settings: Settings, order: Order) -> None:
    """Do parts until the other end is gone. What fails here is done there: it meets the same trouble, and says so."""
    calm_collector()
    with suppress(Exception):
        platform = compose(settings, fixed(order.end), make=False)
        with closing(platform.database):
            here = made(platform, order)
            while True:
                pipe.send(_done(here, pipe.recv()))


def _done(here: Backtest, part: _Part) -> Any:  # noqa: ANN401  (what the method gives)
    what, of = part
    return here.share(of) if what == "share" else here.together(of)
