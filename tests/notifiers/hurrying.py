"""Time that goes by when a test says so: how long we wait for a provider is over at once, on any machine."""

import asyncio


class HurryingLoop(asyncio.SelectorEventLoop):
    """A loop whose time is that of the machine, and `ahead` of it by so many seconds."""

    ahead = 0.0

    def time(self) -> float:
        """In seconds, from whenever."""
        return super().time() + self.ahead


def hurry(seconds: float) -> None:
    """Have so many seconds gone by, for whatever waits in this loop; others take their time."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, HurryingLoop)
    loop.ahead += seconds
