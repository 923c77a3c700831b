"""The format of help pages: a flag takes no value, so no type is shown behind it."""

from collections.abc import Iterable, Iterator
from typing import Any

from typer.core import TyperCommand, TyperGroup, TyperOption


class Command(TyperCommand):
    """A command."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401  (Typer's own click)
        """Return its options and arguments, `--help` as well."""
        return list(_plain(super().get_params(ctx)))


class Group(TyperGroup):
    """Commands under one name."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401  (the same)
        """Return its options, `--help` as well."""
        return list(_plain(super().get_params(ctx)))


def _plain(found: Iterable[Any]) -> Iterator[Any]:
    for each in found:
        if isinstance(each, TyperOption) and each.is_flag:
            each.metavar = ""
        yield each
