"""What a process counts of its own work, for who watches it: nobody is in it, and each process begins at nothing."""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping

Labels = tuple[str, ...]


class Counts:
    """How often each thing happened, told apart by words; threads may count at once."""

    def __init__(self) -> None:
        self._lock, self._found = threading.Lock(), Counter[Labels]()

    def add(self, happened: Iterable[Labels]) -> None:
        """These happened once more."""
        with self._lock:
            self._found.update(happened)

    def all(self) -> Mapping[Labels, int]:
        """How often each did, as of now."""
        with self._lock:
            return dict(self._found)
