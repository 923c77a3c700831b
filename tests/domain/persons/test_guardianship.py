import pytest

from domain.core.timing import UTC
from domain.persons.guardianship import OPEN, guardian_until
from domain.persons.history import history_of
from tests.domain.given import DEFAULTS
from tests.domain.world import AIDA, CATALOGUE, ERLAN, SAULE, event


@pytest.mark.parametrize(
    ("born", "until"),
    [("2008-02-29", "2026-02-28T19:00"), ("2008-03-01", "2026-02-28T19:00"), ("9990-01-01", None)],
)
def test_a_guardianship_ends_when_the_child_comes_of_age(born: str, until: str | None) -> None:
    """It ends at midnight in their zone, on 1 March for who is born on 29 February, and never after the calendar."""
    known = event("civil.born", "2008-03-10", "birth", {"child": AIDA, "mother": SAULE}, born_on=born)
    found = guardian_until(history_of(AIDA, [known], CATALOGUE), SAULE, CATALOGUE, DEFAULTS)
    assert (None if found == OPEN else f"{found.astimezone(UTC):%Y-%m-%dT%H:%M}") == until
    assert guardian_until(history_of(AIDA, [known], CATALOGUE), ERLAN, CATALOGUE, DEFAULTS) < found
