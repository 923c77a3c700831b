"""Replies: a code becomes the life event that the trigger names for it, and nothing else is ever said by it."""

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.core.events import Effective, LifeEvent
from domain.persons.history import history_of
from domain.persons.person import person_as_of
from domain.persons.replies import Reply, answers, code_meant, reply_event, spelt
from domain.rules.errors import BadTrigger
from domain.rules.trigger_compiling import compile_trigger
from tests.domain.given import given, modest, rules
from tests.domain.world import AIDA, CATALOGUE, ERLAN, NAMES, at, event, paper

NUDGE = UUID("6ba7b810-9dad-41d1-80b4-00c04fd430c8")
YES = Reply(NUDGE, AIDA, "1", at("2025-01-12 10:00"), "sms")
CONSENT, REPLIED = CATALOGUE.types["citizen.consent_given"], CATALOGUE.types["citizen.replied"]
CODES = {"1": "citizen.consent_given", "2": "citizen.replied"}
WEEKLY = {"repeat": {"every": "P7D", "at_most": 2, "until": "answered"}}
ASK = rules("paper.issued", {"ask": WEEKLY}, occurrence="event.number", replies=CODES)


def consented(time: str, *categories: str) -> LifeEvent:
    """Aida chose these categories."""
    return event("citizen.consent_given", time, f"chose-{time}", {"citizen": AIDA}, categories=list(categories))


def known(*events: LifeEvent) -> tuple[Effective, ...]:
    """Everything known of Aida, as it counts."""
    return history_of(AIDA, events, CATALOGUE).facts


def consents(*events: LifeEvent) -> list[str]:
    """What Aida has consented to, after all these events."""
    return list(person_as_of(AIDA, known(*events), CATALOGUE).get("consents") or ())


def consent(reply: Reply, *before: LifeEvent) -> LifeEvent:
    """The consent that a reply to a message about documents becomes."""
    return reply_event(CONSENT, reply, "documents", NAMES, known(*before), CATALOGUE)


def test_a_reply_is_an_event_of_its_recipient() -> None:
    """It names the nudge that it answers, says its code, and happened when it was written."""
    made = reply_event(REPLIED, YES, "documents", NAMES, (), CATALOGUE)
    assert (made.type, made.time, made.persons) == ("citizen.replied", YES.at, {"citizen": (AIDA,)})
    assert (made.source, made.fields) == ("/habarshy/reply/sms", {"citizen": {"nudge": str(NUDGE), "answer": "1"}})
    assert made.stream == NAMES.stream(made.source, made.id)
    assert (answers(made, NUDGE), answers(made, UUID(int=1))) == (True, False)


def test_consent_is_to_the_category_of_the_trigger() -> None:
    """Nobody consents by reply to anything but what the message was about."""
    assert consent(YES).fields == {"citizen": {"nudge": str(NUDGE), "categories": ["documents"]}}


def test_consent_by_reply_keeps_what_was_chosen_before() -> None:
    """The event holds all categories, because it replaces them."""
    before = consented("2025-01-11 10:00", "health")
    assert consents(before, consent(YES, before)) == ["documents", "health"]


def test_what_was_chosen_after_the_reply_stands() -> None:
    """A reply that comes late brings back no consent that was taken back meanwhile."""
    withdrawn = consented("2025-01-13 10:00")
    assert consents(withdrawn, consent(YES, withdrawn)) == []


def test_of_two_choices_at_one_time_none_is_lost() -> None:
    """Whatever the order of their ids, the reply comes after what was chosen at the same moment."""
    before = consented("2025-01-12 10:00", "health")
    made = consent(YES, before)
    assert made.time == YES.at + timedelta(microseconds=1)
    assert consents(made, before) == ["documents", "health"]


@modest
@for_all(st.sampled_from(["1", " 1", "1 "]), st.integers(0, 3))
def test_the_same_reply_is_the_same_event(code: str, times: int) -> None:
    """However often it comes in, and whatever became known meanwhile, it is stored once."""
    others = [consented(f"2025-01-0{day + 1} 10:00", "health") for day in range(times)]
    again = consent(replace(YES, code=code), *others)
    assert (again.stream, again.digest) == (consent(YES).stream, consent(YES).digest)


def test_another_time_code_or_person_is_another_event() -> None:
    """Who changes their mind, and changes it back, says three things."""
    changes = ({"at": YES.at + timedelta(seconds=1)}, {"code": "2"}, {"recipient": ERLAN}, {"nudge": UUID(int=1)})
    assert len({consent(replace(YES, **each)).stream for each in ({}, *changes)}) == 5


def test_codes_are_read_as_people_write_them() -> None:
    """Spaces and capital letters change nothing; whatever else stands there is no code."""
    words = {"Да": "citizen.consent_given", "2": "citizen.replied"}
    assert [code_meant(text, words) for text in (" да", "ДА ", "2", "да!", "22", "")] == [
        "Да",
        "Да",
        "2",
        None,
        None,
        None,
    ]
    assert spelt(" ИӘ ") == "иә"


@pytest.mark.parametrize(
    ("type_", "problem"),
    [
        ("weather.storm", "weather.storm is about an area, and a reply is that of a person"),
        ("person.registered", "person.registered has no field 'nudge', which says what is answered"),
        ("citizen.shouted", "no event type is called 'citizen.shouted'"),
    ],
)
def test_a_reply_cannot_become_just_any_event(type_: str, problem: str) -> None:
    """A type that nothing in a reply can fill is refused where the trigger is compiled."""
    with pytest.raises(BadTrigger) as caught:
        compile_trigger("card", rules("paper.issued", {"ask": {}}, replies={"1": type_}), CATALOGUE)
    assert (caught.value.path, caught.value.problem) == (("replies", "1"), problem)


def test_what_else_an_event_needs_no_reply_says() -> None:
    """A required field that a reply cannot fill is refused, and one that it fills is not."""
    schema = {**REPLIED.schema, "required": ["nudge", "answer"]}
    types = {**CATALOGUE.types, "citizen.replied": replace(REPLIED, schema=schema)}
    content = rules("paper.issued", {"ask": {}}, replies={"1": "citizen.replied"})
    assert compile_trigger("card", content, replace(CATALOGUE, types=types)).replies == {"1": "citizen.replied"}
    types["citizen.replied"] = replace(REPLIED, schema={**schema, "required": ["nudge", "mood"]})
    with pytest.raises(BadTrigger, match=r"citizen\.replied needs 'mood', which no reply says"):
        compile_trigger("card", content, replace(CATALOGUE, types=types))


@pytest.mark.parametrize("type_", [CONSENT, REPLIED], ids=["yes", "no"])
def test_any_reply_of_the_trigger_ends_its_repetition(type_: object) -> None:
    """A consent answers the question as well as a plain reply does; a consent that answers nothing does not."""
    papers = paper()
    asked = given(papers).when(ASK).then_intents("ask 2025-01-10 00:00", "ask.2 2025-01-17 00:00").intents
    chosen = CONSENT if type_ is CONSENT else REPLIED
    reply = replace(YES, nudge=next(one.id for one in asked if one.step == "ask"))
    answer = reply_event(chosen, reply, "documents", NAMES, (), CATALOGUE)
    given(papers, answer).when(ASK).then_intents("ask 2025-01-10 00:00")
    given(papers, consented("2025-01-12 10:00", "documents")).when(ASK).then_intents(
        "ask 2025-01-10 00:00", "ask.2 2025-01-17 00:00"
    )
