"""What new events affect: planning that part alone gives what planning everything gives."""

from hypothesis import assume
from hypothesis import given as examples
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.core.events import LifeEvent
from domain.persons.history import History, history_of
from domain.planning.affected import AffectedTriggers, RulebookPart
from domain.planning.plan import Plan, whole_plan
from domain.rules.rulebook import Rulebook
from tests.domain.given import modest, published, rulebook
from tests.domain.planning.test_composed_any_order import BOOK, CHANGES, CONTENTS, ORIGINALS, VERSIONS
from tests.domain.world import AIDA, CATALOGUE, at, death, moved, renewed

AFFECTED = AffectedTriggers(BOOK)
AGAIN = [
    published(content | {"due": {"now": {"offset": "P1D"}}}, 2, name=name, reach="2025-01-22")
    for name, content in CONTENTS.items()
]
ROLLED_BACK = rulebook(*VERSIONS, *AGAIN, *(replace(each, published=3, reach=at("2025-02-20")) for each in VERSIONS))
WIDENED = rulebook(
    *VERSIONS,
    *(replace(each, share=0.5) for each in AGAIN),
    *(replace(each, published=3, reach=at("2025-02-20")) for each in AGAIN),
)
BOOKS = (BOOK, ROLLED_BACK, WIDENED)
"""Each trigger published once; a second version published and taken back; and one for half of all, then for all."""
RECORDED = st.lists(st.sampled_from(ORIGINALS + CHANGES), min_size=1, max_size=14, unique_by=lambda each: each.id)


def lived(recorded: list[LifeEvent], part: RulebookPart = AFFECTED.everything) -> History:
    """The history of what the part reads."""
    read = [event for event in recorded if part.types is None or event.type in part.types]
    return history_of(AIDA, read, CATALOGUE)


def rest_of(part: RulebookPart, book: Rulebook) -> Rulebook:
    """The triggers that are not affected."""
    others = [each for each in book.publications if each.trigger.name not in (part.triggers or ())]
    return Rulebook(book.catalogue, book.defaults, book.names, others)


def decided(*plans: Plan) -> tuple[object, ...]:
    """All that the plans decide."""
    intents = sorted((intent for plan in plans for intent in plan.intents), key=lambda intent: intent.id)
    needless = frozenset[object]().union(*(plan.needless for plan in plans))
    undecided = frozenset[object]().union(*(plan.undecided for plan in plans))
    done = {id_: time for plan in plans for id_, time in plan.done.items() if time is not None}
    return intents, needless, undecided, done


@modest
@examples(RECORDED, st.sampled_from(ORIGINALS), st.sampled_from(BOOKS))
def test_a_new_event_changes_the_affected_triggers_only(
    recorded: list[LifeEvent], new: LifeEvent, book: Rulebook
) -> None:
    """The whole plan after a new event is the plan by the affected triggers, and the rest as it was before."""
    before = [event for event in recorded if new.id not in {event.id, event.corrects}]
    after = [*before, new]
    assume(lived(after).facts[0].event.id != new.id)
    part = AffectedTriggers(book).by(frozenset([new.type]))
    rest = whole_plan(lived(before), rest_of(part, book))
    assert decided(whole_plan(lived(after), book)) == decided(whole_plan(lived(after, part), part.rulebook), rest)


def test_a_death_affects_everything() -> None:
    """Whoever may have died is planned wholly."""
    assert AFFECTED.by(frozenset([death("2025-06-01").type])) is AFFECTED.everything


def test_what_no_trigger_reads_needs_no_history() -> None:
    """Nothing is decided, and nothing read, for an event of which no trigger knows."""
    part = AFFECTED.by(frozenset(["unheard.of"]))
    assert (part.decides, part.types, part.areas) == (False, frozenset(), False)


def test_only_the_types_that_decide_are_read() -> None:
    """A part reads what sets something on the person, and what its triggers start on or end with."""
    part = AFFECTED.by(frozenset([moved("2025-01-15", "75", "move").type]))
    assert part.triggers == frozenset(["sequence", "rolled"])
    part = AFFECTED.by(frozenset([renewed("2025-02-10").type]))
    assert part.triggers is not None
    assert "rolled" not in part.triggers
