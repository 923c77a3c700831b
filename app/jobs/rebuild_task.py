"""A part of a rebuild, done by another process: it imports as little as that takes, and starts in half the time."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pickle import loads

from msgspec import Struct

from app.clock import system_clock
from app.executors.kept import kept
from app.identity.key_file import KeptKeys, keyring_of
from app.identity.log_codes import codes_by
from app.settings import Settings, load_settings
from domain.core.ids import Names
from domain.rules.event_types import Catalogue
from streams.log.log import Log
from streams.log.person_keys import PersonKeys
from streams.planning.residences import ResidenceRows
from streams.replay import shadow
from streams.replay.rebuild_parallel import Part, Parts
from streams.storage.database import Database


class Task(Struct, frozen=True):
    """Everything that another process needs to do parts. `settings`: None where it has settings of its own."""

    settings: Settings | None
    catalogue: Catalogue


def do_part(task: bytes, name: str, part: Part) -> None:
    """Do a part of the shadow of that name, unless the shadow is gone."""
    with kept(_ready, task) as (live, parts):
        if (views := shadow.opened(live, name)) is not None:
            with closing(views):
                parts.do(views, name, part)


@contextmanager
def _ready(task: bytes) -> Iterator[tuple[Database, Parts]]:
    """Yield this process's own database, and what does the parts."""
    given: Task = loads(task)  # noqa: S301  (made by who asked, who may run anything here)
    settings = given.settings or load_settings()
    keys = keyring_of(settings, create=False)
    with closing(Database(settings.database)) as live:
        log = Log(live, PersonKeys(KeptKeys(keys, settings.key_file)), system_clock, codes_by(keys))
        yield live, Parts(log, ResidenceRows(given.catalogue, Names(keys.names)))
