"""The words of all published versions, each compiled when it is first asked for."""

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from domain.rules.event_types import Office
from templates.words.rendering import Renderer


class Source(Struct, frozen=True):
    """A version's words and rules as the log keeps them."""

    trigger: str
    words: Mapping[str, Any]
    rules: Mapping[str, Any]


class Renderers(Mapping[str, Renderer]):
    """Version hash -> its words, compiled once and only if anybody reads them; threads may share it.

    `offices`: agency -> what messages call it.
    """

    def __init__(
        self, sources: Mapping[str, Source], default: str, offices: Mapping[str, Office] | None = None
    ) -> None:
        self._sources, self._default, self._offices = sources, default, offices
        self._compiled: dict[str, Renderer] = {}
        self._lock = threading.Lock()

    def __getitem__(self, version: str) -> Renderer:
        with self._lock:
            if version not in self._compiled:
                source = self._sources[version]
                self._compiled[version] = Renderer(
                    source.words, source.rules, default=self._default, trigger=source.trigger, offices=self._offices
                )
            return self._compiled[version]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)
