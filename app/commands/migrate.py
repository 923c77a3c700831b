"""habarshy migrate: the tables of the database, as this version needs them."""

from contextlib import closing
from typing import Annotated

import typer

from app.compose import open_database
from app.keyfile import load_keyring
from app.options import AsJson, DatabaseUrl, KeyFile, settings_of
from app.terminal import data, data_json, talk
from streams.database import Database
from streams.migrating import FIRST, pending
from streams.migrating import migrate as take

Plan = Annotated[bool, typer.Option("--plan", help="Only say what would be done.")]


def migrate(
    plan: Plan = False, as_json: AsJson = False, database: DatabaseUrl = None, key_file: KeyFile = None
) -> None:
    """Bring the database's tables to this version; SQLite's are brought there by every start.

    With the first tables comes the key file, where there is none: everything in the database is sealed by it.
    """
    settings = settings_of(database, key_file)
    opened = Database(settings.database) if plan else open_database(settings, make=True)
    with closing(opened):
        steps = pending(opened) if plan else take(opened)
        if not plan and steps and steps[0].revision == FIRST and not settings.key_file.exists():
            load_keyring(settings.key_file, create=True)
            talk(f"made the key file {settings.key_file}: keep a copy of it, but not beside those of the database")
    for step in steps:
        if as_json:
            data_json(step)
        else:
            data(f"{step.revision}  {step.about}")
    talk(f"{len(steps)} {'to do' if plan else 'done'}" if steps else "nothing to do")
