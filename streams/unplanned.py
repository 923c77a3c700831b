"""Dead letters of planning: persons who cannot be planned, and records that name nobody.

Who is planned after all, by something new that happened or by a retry, has no letter any more.
"""

from collections.abc import Mapping

from streams.dead_letters import Kind, Letter, StillDead
from streams.planning import Planning

PLAN, WAKE = "plan", "wake"


def of_persons(causes: Mapping[str, str]) -> list[Letter]:
    """The letters of persons who cannot be planned, each with its cause."""
    return [Letter(PLAN, person, cause, person.encode(), person) for person, cause in causes.items()]


def of_record(topic: str, partition: int, offset: int, cause: str) -> Letter:
    """The letter of a record that names nobody; of what it says, nothing is kept."""
    place = f"{topic}/{partition}/{offset}"
    return Letter(WAKE, place, cause, place.encode())


def planning_again(planning: Planning) -> Kind:
    """Persons are planned again."""

    def retry(content: bytes) -> None:
        person = content.decode()
        if cause := planning.plan_woken([person]).get(person):
            raise StillDead(cause)

    return Kind(retry, lambda content: f"the person {content.decode()}")


def unreadable() -> Kind:
    """A record that cannot be read can only be dropped: whom it woke is in the database."""

    def retry(_: bytes) -> None:
        raise StillDead("unreadable")

    return Kind(retry, lambda content: f"the record {content.decode()}")
