"""Fills new columns of a view from the stored nudges that its rows are of, a page of rows at a time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from projections.tables import Id

PAGE = 5000
_nudges = sa.table("nudges", sa.column("folded"), sa.column("nudge", Id))


def fill(
    table: sa.TableClause,
    key: Sequence[sa.ColumnClause[Any]],
    values: Callable[[sa.Row[Any]], Mapping[str, Any] | None],
    *these: sa.ColumnElement[bool],
) -> None:
    """Set columns of the rows of `these`, found by their `key`, to the values of each; None leaves a row as it is.

    `values` gets the row with the columns of the table, and with the stored nudge as `folded`.
    """
    connection = op.get_bind()
    this = [column == sa.bindparam(f"of_{column.name}", type_=column.type) for column in key]
    for page in _pages(connection, table, key, these):
        found = [(row, new) for row in page if (new := values(row)) is not None]
        if found:
            change = {name: sa.bindparam(f"new_{name}", type_=table.c[name].type) for name in found[0][1]}
            connection.execute(
                sa.update(table).where(*this).values(change),
                [
                    {f"of_{column.name}": getattr(row, column.name) for column in key}
                    | {f"new_{name}": value for name, value in new.items()}
                    for row, new in found
                ],
            )


def _pages(
    connection: sa.Connection,
    table: sa.TableClause,
    key: Sequence[sa.ColumnClause[Any]],
    these: Sequence[sa.ColumnElement[bool]],
) -> Iterator[Sequence[sa.Row[Any]]]:
    query = sa.select(table, _nudges.c.folded).join(_nudges, _nudges.c.nudge == table.c.nudge).where(*these)
    query = query.order_by(*key).limit(PAGE)
    page = connection.execute(query).all()
    while page:
        yield page
        last = (sa.literal(getattr(page[-1], column.name), column.type) for column in key)
        page = connection.execute(query.where(sa.tuple_(*key) > sa.tuple_(*last))).all()
