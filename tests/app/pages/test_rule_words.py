"""A rule in the reader's words: nothing of it is left out, no number is another, and every word has a translation."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from app.packs.version_diff import Version, clause_of
from app.pages.catalogues import DEFAULT_LANGUAGE, LANGUAGES
from app.pages.life import STATES
from app.pages.naming import VALUES
from app.pages.rule_words import channels_row, in_words
from app.reports.life_words import REASON_WORDS
from domain.conditions.language import BadCondition, Conditions
from domain.facts.facts import NUDGE_FACTS
from domain.nudges.delivery import State
from domain.nudges.fact_names import EVENT_CORRECTED, FOUND_WRONG, NO_FURTHER_ATTEMPT, RIGHT_AFTER_ALL
from domain.nudges.settle import NotSentReason
from domain.rules.trigger_compiling import compile_trigger
from notifiers.port.interface import Reason
from streams.queries.explain import reads
from streams.rehearsal.case_model import NOT_APPLICABLE
from templates.authoring.rule_sentences import RuleWords, whom
from templates.authoring.value_words import said_plainly
from templates.reading.catalogue import catalogue_of
from templates.words.field_words import FIELDS
from tests.app.pages.shipped_rules import shipped, speech_of
from tests.app.pages.visitor import visiting
from tests.world import LONG_AGO, World, card, iin, registered

GOLDEN = Path(__file__).with_name("offsets.txt")
AIGERIM = iin(1)


@cache
def words_in(language: str) -> RuleWords:
    """What a page of that language tells rules with."""
    contents = [pack.content for pack in shipped()]
    return in_words(contents, catalogue_of(contents), language)


def clauses() -> Iterator[Mapping[str, Any]]:
    """The rule of every shipped trigger."""
    contents = [pack.content for pack in shipped()]
    triggers = {each.name: each for pack in shipped() for each in pack.triggers}
    version = Version(contents, triggers, triggers)
    yield from (clause_of(version.side(name)) for name in triggers)


def offsets() -> list[str]:
    """Every offset of the steps of shipped triggers, and some more that a rule may have."""
    found = {step["offset"] for clause in clauses() for step in clause["due"].values() if step and "offset" in step}
    return sorted(found | {"PT30M", "-PT30M", "PT1H30M", "P18M", "P2W", "P6Y1M", "P16Y11M"})


def told(offset: str, source: str, language: str) -> str:
    """When a step of that offset is due, in that language."""
    return speech_of(language).tell(words_in(language).due({"from": source, "offset": offset}))


def test_no_offset_is_told_as_another() -> None:
    """Years are years and months are months, as the golden file has them in all languages."""
    lines = [
        " | ".join([offset, *(told(offset, source, language) for language in LANGUAGES)])
        for source in ("event.expires_on", "event.time")
        for offset in offsets()
    ]
    assert lines == GOLDEN.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({}, "It is due at once."),
        ({"at": "10:00"}, "on the day of the event, at 10:00"),
        ({"working_days": 3}, "3 working days after the time of the event"),
        ({"offset": "-PT30M", "from": "event.starts_at"}, "30 minutes before the event’s start time"),
        ({"from": "event.expires_on", "at": "09:00"}, "on the event’s expiry date, at 09:00"),
    ],
)
def test_when_a_step_is_due_is_said_in_words(step: dict[str, Any], said: str) -> None:
    """What goes at once is said to, and a time of day is that of a day."""
    assert said in words_in("en").due(step)


@pytest.mark.parametrize(
    ("language", "amount", "share"), [("en", "43,250", "0.5"), ("ru", "43 250", "0,5"), ("kk", "43 250", "0,5")]
)
def test_digits_of_a_rule_stand_in_groups(language: str, amount: str, share: str) -> None:
    """Numbers of conditions and of changes are said as the language writes them; what may be a year is left alone."""
    tell, words = speech_of(language).tell, words_in(language)
    sentence = tell(words.condition("(event.amount >= 43250) && event.share < 0.5 || event.year == 2026"))
    for said in (sentence, tell(said_plainly([43250, 0.5, 2026]))):
        plain = said.replace("\u00a0", " ")
        assert [each for each in (amount, share, "2026") if each not in plain] == [], plain


PREPOSITION = re.compile(
    r"\b(?:без|в|во|для|до|за|из|к|ко|кроме|между|на|над|о|об|около|от|перед|по|под|после|при|про|против|раньше|с|со|среди"
    r"|у|через) [«“(]?⟦",
    re.IGNORECASE,
)
DISAGREES = ("о котором событие", "(событие)", "(более позднее событие)", "(гражданин)", "(право)", "««", " citizen")


def test_no_inserted_part_of_a_russian_sentence_is_in_a_wrong_case() -> None:
    """What is put into a sentence stands in the nominative, so no preposition comes right before it."""
    words = words_in("ru")
    marked = RuleWords({name: f"⟦{speech_of('ru').tell(title)}⟧" for name, title in words.titles.items()})
    for clause in clauses():
        for said in (speech_of("ru").tell(each) for each in marked.sentences(clause)):
            assert not PREPOSITION.search(said), said
        for said in (speech_of("ru").tell(each) for each in words.sentences(clause)):
            assert not [each for each in DISAGREES if each in said], said


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_role_and_sign_of_a_shipped_rule_has_a_word(language: str) -> None:
    """No sentence has the name of a role, or a sign of the conditions' language, as its author wrote it."""
    for clause in clauses():
        told = [speech_of(language).tell(each) for each in words_in(language).sentences(clause)]
        assert not [each for each in told if re.search(r"\s'|_", each)], clause["title"]
        assert not [each for each in told if re.search(r"’s (?:how|what|when|which|who)\b", each)], clause["title"]
        if language != DEFAULT_LANGUAGE:
            roles = speech_of(language).tell(whom(clause.get("to") or "subject"))
            assert roles != speech_of(DEFAULT_LANGUAGE).tell(whom(clause.get("to") or "subject")), clause["title"]
            assert not re.search(r"\b(?:in|citizen)\b", " ".join(told)), clause["title"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_field_that_a_shipped_rule_names_has_a_word(language: str) -> None:
    """No sentence about a shipped rule has a field by its name in the pack."""
    for clause in clauses():
        for _, sentence in words_in(language).parts(clause):
            assert "‘" not in speech_of(language).tell(sentence), clause["title"]


def test_every_value_that_a_shipped_rule_reads_has_a_word() -> None:
    """What the page lists as used is called by a title of its pack or by a word of ours."""
    catalogue = catalogue_of([pack.content for pack in shipped()])
    for pack in shipped():
        for each in pack.triggers:
            trigger = compile_trigger(each.name, each.rules, catalogue)
            for step in trigger.steps:
                for name in reads(trigger, step.name):
                    root, _, field = name.partition(".")
                    titled = field in catalogue.attributes or field in catalogue.parameters
                    assert titled if root in ("citizen", "param") and field != "age" else field in FIELDS, name


def enumerated(schema: Mapping[str, Any]) -> Iterator[str]:
    """The values that enumerations of an event type have."""
    for each in schema.get("properties", {}).values():
        yield from map(str, (*each.get("enum", ()), *each.get("items", {}).get("enum", ())))
        yield from enumerated(each)


def test_every_enumeration_value_of_shipped_packs_has_a_word() -> None:
    """A value that an event type lists is told in the reader's language; a number is a number in all of them."""
    types = catalogue_of([pack.content for pack in shipped()]).types.values()
    found = {value for type_ in types for value in enumerated(type_.schema)}
    assert {value for value in found if not value.isdecimal()} <= set(VALUES)


def test_every_reason_and_state_has_a_word() -> None:
    """Whatever a fact of a nudge says became of it, a page has words for."""
    of_attempts = {"lease_over", "no_outcome", "commit_unanswered", "not_handed_over"}
    assert {*NotSentReason, *Reason, *of_attempts, "restored", NOT_APPLICABLE} == set(REASON_WORDS)
    facts = {fact.TOPIC.removeprefix("nudge-").removesuffix("/1") for fact in NUDGE_FACTS}
    assert {*State, *facts, FOUND_WRONG, RIGHT_AFTER_ALL, NO_FURTHER_ATTEMPT, EVENT_CORRECTED} == set(STATES)


def test_why_tells_the_whole_rule(tmp_path: Path) -> None:
    """A citizen reads for whom the rule is, under which condition, what ends it, and until when it is of use."""
    world = World(tmp_path)
    world.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-07-20"))
    world.plan()
    page = visiting(world, AIGERIM, "ru").get(f"/my/messages/{world.nudge('month').intent.id}/why").text
    for said in (
        "«удостоверение личности»",
        "возраст гражданина ≥ 16",
        "человек, которого касается событие",
        "за 30 дней до этой даты: окончание срока действия из события, в 09:00",
        "дата оформления из более позднего события",
        "Последний срок отправки: окончание срока действия",
    ):
        assert said in page, said
    assert "удостоверение личности</dd>" in page
    world.close()


@pytest.mark.parametrize(
    "text",
    [
        "event.kind = 'x'",
        "event.kind => 'x'",
        "event.kind == “x”",
        "event.kind ==",
        "event.kind == 'x",
        "event.kint == 'x'",
        "kind == 'x'",
        "event.amount == '7'",
        "event.amount > 10 000",
        "event.amount > 10,5",
        "event.amount ? 'x'",
        "event.kind + 7 == 'x'",
        "event.kind",
        "event.amount > 7 §",
    ],
)
def test_a_mistake_in_a_condition_is_told_in_each_language(text: str) -> None:
    """What is wrong with a condition is said in the language of the page, and never as the parser's own words."""
    with pytest.raises(BadCondition) as bad:
        Conditions({"event.kind": "string", "event.amount": "integer"}).compile(text)
    said = {each: speech_of(each).tell(bad.value.problem) for each in LANGUAGES}
    assert len(set(said.values())) == len(LANGUAGES), said
    assert said["en"] == bad.value.problem


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "It is not sent if this is recorded between “A job was started” and the sending: “"),
        ("ru", "Не отправляется, если между записью «Оформлен приём на работу» и отправкой появится такая: «"),
        ("kk", "«Жұмысқа орналасты» жазбасы мен жіберудің арасында мынау тіркелсе, жіберілмейді: «"),
    ],
)
def test_that_something_happens_since_the_start_is_said_without_a_comparison_of_times(
    language: str, said: str
) -> None:
    """An approver reads between which records an event makes the message needless, and what else it has to be."""
    when = "later.time > event.time && later.employer == event.employer"
    needless = {"on": "kz.pension.contribution_received", "when": when}
    told = speech_of(language).tell(words_in(language).unless(needless, "kz.employment.job_started"))
    assert told.startswith(said)
    assert told.count(":") == 1


def test_the_ways_of_a_rule_are_said_with_when_each_is_used() -> None:
    """Whoever approves a rule reads that the further ways are used only where the one before fails."""
    speech = speech_of("en")
    sent = [
        channels_row({"channels": ["sms"]}, speech),
        channels_row({"channels": ["sms", "push", "email"]}, speech),
        channels_row({"channels": ["push", "sms"], "cascade": "until_opened"}, speech),
    ]
    assert [value for _, value in sent] == [
        "SMS",
        "SMS; only if that fails: push message, email",
        "push message; only if it is not opened: SMS",
    ]
