import msgspec
import pytest

from domain.core.events import LifeEvent
from domain.facts import access_facts, facts, governance
from domain.nudges.delivery import Delivery
from domain.nudges.nudge import Nudge
from domain.planning.plan import Intent

PLANNED = "at person trigger version occurrence step due expires klass channels cause moot_from"
GOLDEN = {
    "life-ahead-moved/1": "ahead_from at",
    "nudge-planned/1": PLANNED,
    "nudge-rescheduled/1": PLANNED,
    "nudge-cancelled/1": "at reason",
    "nudge-withheld/1": "at recipient reason",
    "nudge-deferred/1": "at recipient until reason",
    "nudge-expired/1": "at recipient",
    "nudge-attempted/1": "at recipient attempt channel provider until language",
    "nudge-sent/1": "at recipient attempt reference silent_at until_opened provider",
    "nudge-delivered/1": "at recipient attempt",
    "nudge-failed/1": "at recipient attempt reason retry_at gave_up",
    "nudge-unknown/1": "at recipient attempt reason retry_at silent_at ask_at",
    "nudge-opened/1": "at recipient attempt",
    "nudge-answered/1": "at recipient reply",
    "nudge-digested/1": "at recipient digest until messages days",
    "nudge-gathered/1": "at recipient nudge",
    "nudge-renewed/1": "at recipient channels by",
    "nudge-done/1": "at recipient attempt done_at",
    "nudge-undone/1": "at recipient attempt done_at",
    "nudge-resolved/1": "at recipient attempt how by why",
    "pack-submitted/1": "at by pack owner hash content",
    "pack-approved/1": "at by pack hash comment",
    "pack-refused/1": "at by pack hash reason",
    "pack-published/1": "at by pack hash content",
    "trigger-submitted/1": "at by pack trigger owner hash rules words written_by",
    "trigger-approved/1": "at by trigger hash comment",
    "trigger-refused/1": "at by trigger hash reason",
    "trigger-commented/1": "at by trigger hash comment",
    "trigger-published/1": "at by pack trigger hash rules words reach ahead_from share",
    "trigger-reach-changed/1": "at by trigger hash reach ahead_from further",
    "trigger-withdrawn/1": "at by trigger reason",
    "trigger-paused/1": "at by trigger reason",
    "trigger-resumed/1": "at by trigger reason",
    "control-set/1": "at by scope name stopped reason",
    "test-sent/1": "at by to trigger hash channel",
    "log-restored/1": "at by until position",
    "person-erased/1": "at by agency person reason key wrapped removed",
    "person-viewed/1": "at by agency person what purpose",
    "letter-handled/1": "at by agency person letter note",
    "tokens-ended/1": "at person",
    "content-retired/1": "at by agency type year limit keys",
    "letters-dropped/1": "at by agency reason kind cause count letters",
}
"""What is in logs already. A new field goes to the end, with a default; anything else is a new topic."""


def _classes() -> list[type[msgspec.Struct]]:
    """Every fact that the domain defines, listed there or not; a base of facts has no topic."""
    return [
        each
        for module in (facts, governance, access_facts)
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, msgspec.Struct) and hasattr(each, "TOPIC")
    ]


def test_every_fact_has_its_golden_line() -> None:
    """No fact can be added, renamed or left out of the lists without this table knowing."""
    topics = [each.TOPIC for each in facts.ALL_FACTS]
    assert topics == list(GOLDEN)
    assert set(_classes()) == set(facts.ALL_FACTS)


@pytest.mark.parametrize("fact", facts.ALL_FACTS, ids=lambda fact: fact.TOPIC)
def test_facts_are_arrays_in_the_golden_order(fact: type[msgspec.Struct]) -> None:
    """A fact is stored as an array in the order of its fields, which never changes."""
    assert " ".join(fact.__struct_fields__) == GOLDEN[fact.TOPIC]  # type: ignore[attr-defined]  # structs don't declare it
    assert fact.__struct_config__.array_like
    assert fact.__struct_config__.frozen


def test_a_life_event_has_its_golden_line() -> None:
    """The event itself is a storage format, too."""
    assert LifeEvent.TOPIC == "life/1"
    assert " ".join(LifeEvent.__struct_fields__) == (
        "stream source id type time persons fields corrects revision annuls area ahead_from digest traceparent"
        " retired"
    )


@pytest.mark.parametrize(
    ("kept", "fields"),
    [
        (Intent, "id person trigger version occurrence step due expires klass channels cause moot_from"),
        (
            Delivery,
            (
                "recipient state due attempt channel attempted_at exhausted reason sent_at uncertain digest provider"
                " accepted silence arrived doubtful doubts since ask_at closed made"
            ),
        ),
        (Nudge, "intent version planned_at deliveries gone members done"),
    ],
)
def test_what_views_keep_has_its_golden_line(kept: type[msgspec.Struct], fields: str) -> None:
    """Intents and nudges are kept as arrays in views, so their order is fixed as well."""
    assert " ".join(kept.__struct_fields__) == fields
    assert kept.__struct_config__.array_like


def test_topics_are_unique() -> None:
    """A topic names one kind of fact for ever."""
    topics = [LifeEvent.TOPIC, *(each.TOPIC for each in facts.ALL_FACTS)]
    assert len(set(topics)) == len(topics) == len(GOLDEN) + 1
