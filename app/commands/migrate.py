"""habarshy migrate: the tables of the database, as this version needs them."""

from contextlib import closing
from typing import Annotated

import typer

from app.compose import open_database
from app.options import AsJson, DatabaseUrl, settings_of
from app.terminal import data, data_json, talk
from streams.database import Database
from streams.migrating import migrate as take
from streams.migrating import pending

Plan = Annotated[bool, typer.Option("--plan", help="Only say what would be done.")]


def migrate(plan: Plan = False, as_json: AsJson = False, database: DatabaseUrl = None) -> None:
    """Bring the database's tables to this version; SQLite's are brought there by every start."""
    settings = settings_of(database)
    opened = Database(settings.database) if plan else open_database(settings, make=True)
    with closing(opened):
        steps = pending(opened) if plan else take(opened)
    for step in steps:
        if as_json:
            data_json(step)
        else:
            data(f"{step.revision}  {step.about}")
    talk(f"{len(steps)} {'to do' if plan else 'done'}" if steps else "nothing to do")
