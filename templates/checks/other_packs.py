"""Packs that nobody named, asked for what those lack that were named."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

from templates.reading.files import plain, read_document
from templates.reading.findings import Report


class Elsewhere:
    """Some folders of packs beside the `given` ones, copies of which do not count.

    Nothing in them is read before something is missing.
    """

    def __init__(self, folders: Iterable[Path] = (), given: Iterable[Path] = ()) -> None:
        self._folders, self._given = folders, given

    @cached_property
    def _types(self) -> Mapping[str, Path]:
        given = {_said(folder / "pack.yaml", "pack") for folder in self._given}
        return {
            _said(path, "type"): folder
            for folder in self._folders
            if _said(folder / "pack.yaml", "pack") not in given
            for path in sorted((folder / "events").glob("*.yaml"))
        }

    def pack_with(self, event_type: str) -> Path | None:
        """Return the pack that declares an event type."""
        return self._types.get(event_type)


def _said(path: Path, key: str) -> str:
    """Return the value under a key of a file, however broken the rest is."""
    return str(plain(read_document(path, Report())).get(key))
