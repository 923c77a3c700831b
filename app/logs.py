"""Logs as JSON lines for machines that gather them: one object a record, and nobody's data in it.

What other libraries log is kept to its template and its first line, and of an exception only its type and place are
said: their values may be a person's. What we say ourselves is said whole; it names nobody.
"""

import logging
import sys
import threading
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType

from starlette.types import ASGIApp, Receive, Scope, Send

from app.settings import Settings
from app.terminal import TALK, compact

OURS = "habarshy"
_TRACE: ContextVar[str] = ContextVar("trace", default="")
_TRACE_ID = slice(3, 35)
"""The place of the id in a `traceparent` (W3C Trace Context)."""
_Ended = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]


class JsonLine(logging.Formatter):
    """A record as one line: time (UTC), level, logger, message, role; trace, error and place where there are any."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            "role": self._role,
        }
        if trace := _TRACE.get():
            line["trace"] = trace[_TRACE_ID]
        if record.exc_info:
            line |= _said(record.exc_info)
        return compact(line)


def _message(record: logging.LogRecord) -> str:
    if record.name.partition(".")[0] == OURS:
        return record.getMessage()
    return str(record.msg).strip().partition("\n")[0]


def _said(ended: _Ended) -> dict[str, str]:
    kind, _, trace = ended
    if kind is None:
        return {}
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = {} if trace is None else {"place": f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"}
    return {"error": kind.__name__, **place}


def configure_logging(role: str, settings: Settings) -> None:
    """Log as the settings say, from now on and for all that this process says, its end by a defect included."""
    if settings.log_format != "json":
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLine(role))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger(OURS).setLevel(logging.INFO)
    logging.getLogger(TALK).addHandler(logging.NullHandler())
    logging.captureWarnings(True)  # noqa: FBT003  (its only parameter)
    sys.excepthook = _defect
    threading.excepthook = lambda args: _defect(args.exc_type, args.exc_value, args.exc_traceback)


def _defect(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    logging.getLogger(OURS).critical("a defect", exc_info=(kind, error or kind(), trace))


class Tracing:
    """Middleware that adds a request's trace, if it brought one, to all log lines written while it is answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer it."""
        if scope["type"] == "http":
            found = next((value for name, value in scope["headers"] if name == b"traceparent"), b"")
            _TRACE.set(found.decode("latin-1"))
        await self._app(scope, receive, send)
