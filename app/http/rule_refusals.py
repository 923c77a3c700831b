"""Refusals of the commands that govern the rules, as problems: for the API and for the workbench."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from app.http.problems import Problem
from domain.core.translatable import text_of
from streams.rules.aggregates import AlreadyPublished
from streams.rules.approval import NotPublished, NotSubmitted, TwoVersions
from streams.rules.publishing import BreaksVersions
from streams.rules.switches import UnknownName
from templates.checks.placeholders import StillPlaceholders
from templates.reading.catalogue import NoDefaults


@contextmanager
def refusals_as_problems() -> Iterator[None]:
    """Turn a command's refusal into a problem: 404 for what does not exist, 409 for what is not possible now."""
    try:
        yield
    except (NotSubmitted, UnknownName) as error:
        raise Problem(HTTPStatus.NOT_FOUND, text_of(error), kind="unknown-name") from None
    except (AlreadyPublished, BreaksVersions, NoDefaults, NotPublished, StillPlaceholders, TwoVersions) as error:
        raise Problem(HTTPStatus.CONFLICT, text_of(error), kind="not-now") from None


def one_line(error: Exception) -> str:
    """Return the words of an error without line breaks."""
    return " ".join(str(error).split())
