"""The times of a person's own choices: a later choice must not be recorded before them."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from domain.core.events import Effective
from domain.rules.event_types import Catalogue


def times_of(facts: Iterable[Effective], attribute: str, catalogue: Catalogue) -> Iterator[datetime]:
    """Yield the times of the events that set the attribute on anybody whom they name."""
    for one in facts:
        type_ = catalogue.types.get(one.event.type)
        settings = [each for some in type_.sets.values() for each in some] if type_ else ()
        if any(each.attribute == attribute for each in settings):
            yield one.event.time
