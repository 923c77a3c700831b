import pytest
from msgspec.structs import replace

from domain.rules.rulebook import Version
from tests.domain.given import before, given, published, rulebook, rules
from tests.domain.world import at, paper, renewed

DUE = {"month": before(30), "week": before(7)}
CARD = rules("paper.issued", DUE)
PAPER = paper("2025-02-20", time="2025-01-10")


def _speaking(*versions: Version, time: str = "2025-01-10") -> set[str]:
    planned = given(paper("2025-06-20", time=time)).when(*versions)
    return {intent.version for intent in planned.intents}


@pytest.mark.parametrize(
    ("time", "speaks"),
    [
        ("2024-12-31", set()),
        ("2025-01-01", {"card@1"}),
        ("2025-02-28", {"card@1"}),
        ("2025-03-01", {"card@2"}),
        ("2025-05-01", {"card@2"}),
    ],
)
def test_the_latest_version_whose_reach_covers_the_event_applies(time: str, speaks: set[str]) -> None:
    """An event is for the latest-published version that looks at its time; older events stay with older versions."""
    first, second = published(CARD, 1, reach="2025-01-01"), published(CARD, 2, reach="2025-03-01")
    assert _speaking(first, second, time=time) == speaks
    assert _speaking(second, first, time=time) == speaks


def test_a_later_version_with_a_longer_reach_takes_over_all() -> None:
    """A version may look further back than the one before it."""
    assert _speaking(published(CARD, 1, reach="2025-01-01"), published(CARD, 2, reach="2024-01-01")) == {"card@2"}


def test_publication_decides_and_not_reach() -> None:
    """Of two versions that cover an event, the later-published applies, even if it looks less far ahead."""
    first, second = published(CARD, 1, reach="2025-01-05"), published(CARD, 2, reach="2025-01-01")
    assert _speaking(first, second) == {"card@2"}


def test_a_moved_reach_hands_older_events_over() -> None:
    """Moving the reach of the latest version back gives it the events that an older one had."""
    first, second = published(CARD, 1), published(CARD, 2, reach="2025-03-01")
    assert _speaking(first, second) == {"card@1"}
    assert _speaking(first, replace(second, reach=at("2025-01-01"))) == {"card@2"}


def test_a_version_that_starts_on_another_type_ends_the_old_one() -> None:
    """When the latest version that covers an event starts on something else, the event starts nothing."""
    renewal = rules("paper.renewed", {"thanks": None})
    assert _speaking(published(CARD, 1), published(renewal, 2)) == set()
    both = (published(CARD, 1), published(renewal, 2))
    given(renewed("2025-01-12")).when(*both).then_intents("thanks 2025-01-12 00:00")


def test_triggers_do_not_stand_in_each_others_way() -> None:
    """Each trigger has its own versions."""
    assert _speaking(published(CARD, 1, name="card"), published(CARD, 2, name="fee")) == {"card@1", "fee@2"}


def test_what_a_version_leaves_behind_it_is_not_planned() -> None:
    """Steps nominally due before the version's `ahead_from` are not planned, and one due at that moment is."""
    given(PAPER).when(published(CARD, ahead_from="2025-01-21 09:00")).then_intents(
        "month 2025-01-21 09:00", "week 2025-02-13 09:00"
    )
    given(PAPER).when(published(CARD, ahead_from="2025-01-21 09:01")).then_intents("week 2025-02-13 09:00")
    given(PAPER).when(published(CARD, ahead_from="2025-03-01")).then_nothing()


def test_what_a_load_leaves_behind_it_is_not_planned() -> None:
    """A historical load plans only what is still ahead of it."""
    loaded = replace(PAPER, ahead_from=at("2025-01-21 09:00"))
    given(loaded).when(CARD).then_intents("month 2025-01-21 09:00", "week 2025-02-13 09:00")
    given(replace(loaded, ahead_from=at("2025-01-21 09:01"))).when(CARD).then_intents("week 2025-02-13 09:00")


def test_the_later_of_both_limits_holds() -> None:
    """A step must be ahead of its version and of its load."""
    loaded = replace(PAPER, ahead_from=at("2025-02-01"))
    given(loaded).when(published(CARD, ahead_from="2025-01-01")).then_intents("week 2025-02-13 09:00")
    given(replace(loaded, ahead_from=at("2025-01-01"))).when(published(CARD, ahead_from="2025-02-01")).then_intents(
        "week 2025-02-13 09:00"
    )


def test_live_and_historical_is_live() -> None:
    """An event that came both ways is planned as one that came live."""
    loaded = replace(PAPER, ahead_from=at("2026-01-01"))
    given(loaded).when(CARD).then_nothing()
    given(loaded, PAPER).when(CARD).then_intents("month 2025-01-21 09:00", "week 2025-02-13 09:00")
    given(PAPER, loaded).when(CARD).then_intents("month 2025-01-21 09:00", "week 2025-02-13 09:00")


def test_what_is_ahead_is_measured_with_the_grace() -> None:
    """The nominal due time of a step that waits for late reports is the one at which it would go."""
    patient = rules("paper.issued", DUE, unless=[{"on": "paper.renewed", "grace": "P5D"}])
    given(PAPER).when(published(patient, ahead_from="2025-01-26 09:00")).then_intents(
        "month 2025-01-26 09:00", "week 2025-02-18 09:00"
    )


@pytest.mark.parametrize("versions", [[], [replace(published(CARD), withdrawn=True)]])
def test_a_withdrawn_trigger_plans_nothing(versions: list[Version]) -> None:
    """A trigger of which no version is in force plans nothing, and others go on."""
    book = rulebook(published(CARD, name="fee"), *versions)
    assert (book.has("fee"), book.has("card")) == (True, False)
    assert {intent.trigger for intent in given(PAPER).when_book(book).intents} == {"fee"}


def test_a_withdrawn_version_can_still_be_explained() -> None:
    """What it planned names it, so the rulebook still knows it."""
    gone = replace(published(CARD), withdrawn=True)
    assert rulebook(gone).versions == {"card@1": gone}
