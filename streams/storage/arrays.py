"""Lists as PostgreSQL's arrays in one go: the driver's way, element by element, is a tenth of a dispatcher's time."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.abc import Buffer
from psycopg.types.array import ListDumper


def use_fast_arrays(connection: Connection[Any], _record: object) -> None:
    """Let the connection write its lists so; for SQLAlchemy's `connect`."""
    connection.adapters.register_dumper(list, FastListDumper)


class FastListDumper(ListDumper):
    """As the driver's own, with lists of one plain type in one go.

    The text form of an array: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
    """

    def dump(self, obj: list[Any]) -> Buffer | None:
        """The array's text form; a text with a NUL, which PostgreSQL cannot keep, is left to the driver to refuse."""
        types = set(map(type, obj))
        write = _WRITERS.get(types.pop()) if len(types) == 1 else None
        written = "\0" if write is None else write(obj)
        return super().dump(obj) if "\0" in written else written.encode()


def _texts(values: Sequence[str]) -> str:
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return '{"' + '","'.join(quoted) + '"}'


_WRITERS: Mapping[type, Callable[[Sequence[Any]], str]] = {
    int: lambda values: "{" + ",".join(map(str, values)) + "}",
    bool: lambda values: "{" + ",".join("t" if value else "f" for value in values) + "}",
    UUID: lambda values: "{" + ",".join(value.hex for value in values) + "}",
    bytes: lambda values: '{"\\\\x' + '","\\\\x'.join(value.hex() for value in values) + '"}',
    str: _texts,
}
