"""habarshy migrate: the tables of the database, as this version needs them."""

from contextlib import closing

from app.cli.options import AsJson, Plan
from app.cli.platform_options import PlatformOptions
from app.database import open_database
from app.identity.key_file import load_keyring, own_keyring
from app.identity.log_codes import give_first_codes
from app.settings import Settings
from app.terminal import counted, print_json_or_lines, talk
from streams.storage.database import Database
from streams.storage.schema import FIRST, holds_data, pending
from streams.storage.schema import migrate as take


def migrate(plan: Plan = False, as_json: AsJson = False, *, on: PlatformOptions) -> None:
    """Migrate the database's tables to this version; SQLite is migrated at every start.

    With the first tables comes the key file, where there is none: everything in the database is sealed by it.
    """
    settings = on.settings
    opened = Database(settings.database) if plan else open_database(settings, make=True, at_work=False)
    with closing(opened):
        steps = pending(opened) if plan else take(opened)
        if not plan:
            _ready(opened, settings, first=bool(steps) and steps[0].revision == FIRST)
    for step in steps:
        print_json_or_lines(step, f"{step.revision}  {step.about}", as_json=as_json)
    talk(f"{len(steps)} {'to do' if plan else 'done'}" if steps else "nothing to do")


def _ready(database: Database, settings: Settings, *, first: bool) -> None:
    """The key file as this version needs it; made with the first tables, and never for those that hold data."""
    path = settings.key_file
    if holds_data(database):
        done = give_first_codes(database, own_keyring(database, settings))
        if done is not None and done.facts:
            talk(
                f"{counted(done.facts, 'fact')} got a code; as a signed block says: {done.facts - done.unproven:,};"
                f" in no signed block, so that nothing proves them: {done.unproven:,}"
            )
    if settings.key_ring.get_secret_value() or not (first or path.exists()):
        return
    made = not path.exists()
    load_keyring(path, create=True)
    if made:
        talk(f"made the key file {path}: keep a copy of it, but not beside those of the database")
