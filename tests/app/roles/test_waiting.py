"""Long-running roles wait for what heals, wherever in their start it went away."""

import psycopg
import pytest

from app.roles.waiting import wait_for_database

GONE = psycopg.OperationalError("consuming input failed: server closed the connection unexpectedly")
REFUSED = psycopg.OperationalError('FATAL:  password authentication failed for user "habarshy"')


def _asked(outcomes: list[str | Exception]) -> str:
    match outcomes.pop(0):
        case Exception() as failure:
            raise failure
        case answer:
            return answer


def test_a_start_waits_for_a_database_that_goes_away_in_its_midst(capsys: pytest.CaptureFixture[str]) -> None:
    """A database that is killed while a role reads the rules is waited for, and that is said once."""
    outcomes: list[str | Exception] = [GONE, "the rules"]
    assert wait_for_database(lambda: _asked(outcomes)) == "the rules"
    assert capsys.readouterr().err == f"{GONE}; trying again\n"


def test_a_start_does_not_wait_for_a_refusal() -> None:
    """A wrong password ends the start at once."""
    with pytest.raises(psycopg.OperationalError, match="password"):
        wait_for_database(lambda: _asked([REFUSED]))
