"""The end of a guardianship: what a child does or is called afterwards is not told to who was their guardian."""

from datetime import UTC, date, datetime, time

from domain.core.timing import at_local
from domain.persons.history import History
from domain.persons.hours import zone_of_attributes
from domain.persons.person import Fold, birthday
from domain.rules.event_types import Catalogue
from domain.rules.rulebook import Defaults

NEVER, OPEN = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def guardian_until(known: History, guardian: str, catalogue: Catalogue, defaults: Defaults) -> datetime:
    """Return the end of the guardianship of that person: somebody else was appointed, or they come of age.

    NEVER: nothing that is known makes the other one a guardian; OPEN: it has no end that is known.
    """
    fold, ended = Fold(known.person, catalogue), NEVER
    for each in known.facts:
        fold.take(each.event, each)
        if guardian in (fold.attributes.get("citizen.guardians") or ()):
            ended = OPEN
        elif ended == OPEN:
            ended = each.event.time
    if (born := fold.attributes.get("citizen.born_on")) is None:
        return ended
    try:
        grown = birthday(date.fromisoformat(born), defaults.age_of_majority)
    except OverflowError:  # who is born so late comes of age on no day of the calendar
        return ended
    return min(ended, at_local(grown, time(), zone_of_attributes(fold.attributes, defaults)))
