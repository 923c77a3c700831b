"""Packs that nobody named, asked for what those lack that were named."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

from templates.files import plain, read_document
from templates.findings import Report


class Elsewhere:
    """Some folders of packs; nothing in them is read before something is missing."""

    def __init__(self, folders: Iterable[Path] = ()) -> None:
        self._folders = folders

    @cached_property
    def _types(self) -> Mapping[str, Path]:
        unheeded = Report()
        return {
            str(plain(read_document(path, unheeded)).get("type")): folder
            for folder in self._folders for path in sorted((folder / "events").glob("*.yaml"))
        }  # fmt: skip

    def pack_with(self, event_type: str) -> Path | None:
        """The pack that declares an event type."""
        return self._types.get(event_type)
