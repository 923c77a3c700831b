"""A process that does parts of a rebuild: it reads as little of it all as that takes, and starts in half the time."""

from contextlib import closing, suppress
from multiprocessing.connection import Connection

from app.clock import system_clock
from app.identity.key_file import KeptKeys, keyring_of
from app.identity.log_codes import codes_by
from app.settings import Settings
from app.tuning import calm_collector
from domain.core.ids import Names
from domain.rules.event_types import Catalogue
from streams.log.log import Log
from streams.log.person_keys import PersonKeys
from streams.planning.residences import ResidenceRows
from streams.replay import shadow
from streams.replay.rebuild_parallel import Part, Parts
from streams.storage.database import Database


def serve(pipe: Connection, settings: Settings, catalogue: Catalogue) -> None:
    """Do parts until the other end is gone; say that it is ready: at first, and after each part."""
    calm_collector()
    keys = keyring_of(settings, create=False)
    with closing(Database(settings.database)) as live, suppress(EOFError, BrokenPipeError):
        log = Log(live, PersonKeys(KeptKeys(keys, settings.key_file)), system_clock, codes_by(keys))
        parts = Parts(log, ResidenceRows(catalogue, Names(keys.names)))
        pipe.send(None)
        while True:
            name, part = pipe.recv()
            _do(live, parts, name, part)
            pipe.send(None)


def _do(live: Database, parts: Parts, name: str, part: Part) -> None:
    """Do a part. A failure is ignored here: the asking process does the part itself, and reports the same failure."""
    with suppress(Exception):
        if (views := shadow.opened(live, name)) is not None:
            with closing(views):
                parts.do(views, name, part)
