"""The books of the platform: what whoever writes into them needs at hand."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection

from domain.events import LifeEvent
from domain.ids import Names
from streams.database import Database
from streams.keys import PersonKey
from streams.library import Library
from streams.log import Log

Append = Callable[[Connection, Sequence[LifeEvent]], Mapping[str, PersonKey]]


class Books(Struct, frozen=True):
    """Database, log, the rules in force, and how life events of our own come in: `append` is Intake's."""

    database: Database
    log: Log
    library: Library
    names: Names
    append: Append
    clock: Callable[[], datetime]
