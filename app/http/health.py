"""GET /livez: the process answers. GET /readyz: it can also do its work. For /health and /metrics see role.py."""

from http import HTTPStatus
from pathlib import Path
from typing import Literal

from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from app.http import routes
from app.http.problems import RETRY_SECONDS, Problem
from streams.log.log import Log
from streams.storage.database import Database


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    """The database answers too."""

    status: Literal["ready"] = "ready"


class Probes(routes.Routed):
    """The probes that a supervisor calls."""

    def __init__(self, database: Database, log: Log) -> None:
        self._database, self._log = database, log

    @routes.get("/livez", summary="Check that the process answers")
    async def livez(self) -> Alive:
        """Report that the process answers; nothing else is asked."""
        return Alive()

    @routes.get("/readyz", summary="Check that the database answers")
    def readyz(self) -> Ready:
        """Report that the database answers; 503 where it does not."""
        try:
            with self._database.reading() as connection:
                self._log.facts.last_position(connection)
            there = _file_is_there(self._database)
        except SQLAlchemyError:
            there = False
        if not there:
            headers = {"Retry-After": RETRY_SECONDS}
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "the database does not answer", headers=headers)
        return Ready()


def _file_is_there(database: Database) -> bool:
    """An open SQLite file goes on answering after it was deleted, and all that is written to it then is lost."""
    path = database.engine.url.database
    return not database.sqlite or not path or Path(path).exists()
