"""A part of a rebuild, done by another process: it imports as little as that takes, and starts in half the time."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from app.clock import system_clock
from app.executors.kept import kept_open
from app.executors.task import read_task
from app.identity.key_file import KeptKeys, keyring_of
from app.identity.log_codes import codes_by
from domain.core.ids import Names
from streams.log.log import Log
from streams.log.person_keys import PersonKeys
from streams.planning.residences import ResidenceRows
from streams.replay import shadow
from streams.replay.rebuild_parallel import LocalParts, Part
from streams.storage.database import Database


def do_part(task: bytes, name: str, part: Part) -> None:
    """Do a part of the shadow of that name, unless the shadow is gone."""
    with kept_open(_ready, task) as (live, parts):
        if (views := shadow.opened(live, name)) is not None:
            with closing(views):
                parts.do(views, name, part)


@contextmanager
def _ready(task: bytes) -> Iterator[tuple[Database, LocalParts]]:
    """Yield this process's own database, and what does the parts."""
    settings, _, catalogue = read_task(task)
    keys = keyring_of(settings, create=False)
    with closing(Database(settings.database)) as live:
        log = Log(live, PersonKeys(KeptKeys(keys, settings.key_file)), system_clock, codes_by(keys))
        yield live, LocalParts(log, ResidenceRows(catalogue, Names(keys.names)))
