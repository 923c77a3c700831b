"""Why a message came, in sentences that a person would say: of all shipped triggers, in all languages."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.packs.version_diff import Version, clause_of
from app.pages.catalogues import LANGUAGES
from app.pages.reasons import Because, reasons_of
from domain.core.events import LifeEvent
from domain.rules.event_types import EventType
from domain.rules.legal_basis import legal_basis_of
from domain.rules.trigger_compiling import compile_trigger
from domain.rules.triggers import Trigger
from streams.queries.explain import Explanation, RecordedFact, decisive, reads
from tests.app.pages.shipped_rules import names_in, shipped, shipped_catalogue
from tests.app.pages.visitor import visiting
from tests.world import LONG_AGO, World, event, fine, iin, registered

READER, OTHER = "a" * 32, "b" * 32
AIGERIM = iin(1)
PAID = {"number": "KZ-1", "amount": 7864, "paid_on": "2025-06-04"}
THEN = datetime(2026, 2, 18, 6, tzinfo=UTC)
OF_THE_PERSON: Mapping[str, Any] = {
    "citizen.born_on": "1990-05-03",
    "citizen.age": 35,
    "citizen.sex": "female",
    "citizen.guardians": [OTHER],
    "entitled.from": "2026-02-18",
    "entitled.until": "2027-08-18",
}
SENT = (RecordedFact(THEN, "attempted", {"recipient": READER, "channel": "sms"}),)
AS_WRITTEN = re.compile(r"_|\b[a-z]+\.[a-z]|\bP\d+[DMYT]|\bPT\d|[=<>&|]|!=|‘|\{|\}")
"""What an author writes and nobody says: names with dots, ISO 8601 durations, signs of the conditions' language."""
LATIN = re.compile(r"[A-Za-z][A-Za-z0-9]*")
SAID_IN_LATIN = re.compile(r"SMS|N1|[IVXL]+|K|Z")
"""Abbreviations, numbers of documents and of laws."""


def triggers() -> Iterator[tuple[Trigger, Mapping[str, Any]]]:
    """Every shipped trigger, with what its page shows as its rule."""
    every = {each.name: each for pack in shipped() for each in pack.triggers}
    version = Version([pack.content for pack in shipped()], every, every)
    for name, source in every.items():
        yield compile_trigger(name, source.rules, shipped_catalogue()), clause_of(version.side(name))


def value_of(type_: EventType, name: str, rule: str) -> Any:
    """A value of a field: of an enumeration, one that the rule asks for."""
    if name in type_.roles:
        return OTHER
    schema: Mapping[str, Any] = type_.schema["properties"].get(name, {})
    listed = schema.get("items", schema).get("enum")
    if listed:
        return next((each for each in listed if f'"{each}"' in rule), listed[0])
    if schema.get("format") == "date":
        return "2026-02-20"
    return 6 if schema.get("type") == "integer" else "N1"


def explained(trigger: Trigger, clause: Mapping[str, Any], step: str, **changed: Any) -> Explanation:
    """Why somebody got a message of that trigger."""
    type_ = shipped_catalogue().types.get(trigger.on) or shipped_catalogue().types["kz.citizen.registered"]
    to = sorted(trigger.to) or ["residents"]
    role = to[0] if to[0] in type_.roles else type_.subject
    roles = {type_.subject: (OTHER,)} if type_.subject else {}
    cause = LifeEvent(
        stream=UUID(int=1),
        source="/test",
        id="1",
        type=type_.name,
        time=THEN,
        persons=roles | ({role: (READER,)} if role else {}),
        area=None if type_.subject else "75",
    )
    used = {
        name: OF_THE_PERSON.get(name, value_of(type_, name.partition(".")[2], str(clause)))
        for name in reads(trigger, step)
        if name.startswith(("event.", "citizen.", "entitled."))
    }
    told = {
        "nudge": UUID(int=2),
        "person": READER,
        "trigger": trigger.name,
        "step": step,
        "version": "0" * 64,
        "title": trigger.content["title"],
        "agency": trigger.owner,
        "klass": trigger.klass,
        "legal_basis": "",
        "legal_basis_titles": legal_basis_of(trigger.content),
        "due": THEN,
        "expires": None,
        "state": "delivered",
        "cause": cause,
        "cause_title": type_.title,
        "clause": clause,
        "used": used,
        "words": {},
        "facts": SENT,
        "decisive": decisive(trigger, step),
        "distinct": tuple(name for name in trigger.occurrence if name.startswith("event.")),
    }
    return Explanation(**told | changed)


def all_of(language: str, **changed: Any) -> Iterator[tuple[str, Because]]:
    """The reasons for a message of every step of every shipped trigger."""
    for trigger, clause in triggers():
        for step in trigger.steps:
            why = explained(trigger, clause, step.name, **changed)
            yield f"{trigger.name}/{step.name}", reasons_of(why, READER, names_in(language))


OUTCOMES: list[Mapping[str, Any]] = [
    {},
    {"facts": (), "state": "planned"},
    {"facts": (), "state": "withheld (cap)"},
    {"person": OTHER},
    {"used": {}},
    {"cause": None, "used": {}},
]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("changed", OUTCOMES, ids=["got", "will", "not", "as a parent", "no values", "erased"])
def test_no_shipped_trigger_says_what_its_author_wrote(language: str, changed: Mapping[str, Any]) -> None:
    """The answer and the reasons have no identifier, sign, or word of another language."""
    for name, told in all_of(language, **changed):
        assert told.answer, name
        assert told.reasons, name
        for sentence in (*told.answer, *told.reasons):
            assert not AS_WRITTEN.search(sentence), (name, sentence)
            assert sentence.endswith("."), (name, sentence)
            if language == "en":
                assert not re.search(r"[а-яА-Я]", sentence), (name, sentence)
            else:
                foreign = [word for word in LATIN.findall(sentence) if not SAID_IN_LATIN.fullmatch(word)]
                assert foreign == [], (name, sentence)


def questions(trigger: Trigger, clause: Mapping[str, Any], step: str, language: str) -> Iterator[tuple[str, str]]:
    """What a reader asks, each with words that its answer must have, taken from the rule and not from sentences."""
    catalogue = shipped_catalogue()
    due: Mapping[str, Any] = clause["due"].get(step) or {}
    offset, days = str(due.get("offset", "")), due.get("working_days", 0)
    if isinstance(clause["on"], Mapping):
        [benefit] = clause["on"].values()
        yield "What am I entitled to?", catalogue.benefits[benefit].title[language]
    elif due.get("from") != "citizen.born_on" and clause["on"] != "kz.citizen.registered":  # else it is their age
        yield "What was recorded?", catalogue.types[clause["on"]].title[language]
    for each in clause.get("unless") or ():
        type_ = catalogue.types[each["on"]]
        if not type_.ends_life and type_.name != trigger.on:
            yield "What has not happened?", type_.title[language]
    for number in (*re.findall("[1-9][0-9]*", offset), *([str(abs(days))] if days else [])):
        yield "How long before or after?", number
    yield "By which law?", legal_basis_of(trigger.content)[language].rstrip(".")


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_shipped_trigger_answers_its_readers_questions(language: str) -> None:
    """The page says what was recorded, what has not happened, how long before or after it, and which law says so."""
    asked: Counter[str] = Counter()
    for trigger, clause in triggers():
        for step in trigger.steps:
            told = reasons_of(explained(trigger, clause, step.name), READER, names_in(language))
            text = " ".join((*told.answer, *told.reasons)).casefold()
            for question, words in questions(trigger, clause, step.name, language):
                asked[question] += 1
                found = re.search(rf"(?<![0-9]){re.escape(words.casefold())}(?![0-9])", text)
                assert found, (trigger.name, step.name, question, words, text)
    assert len(asked) == 5, "each question was asked"


ANSWERS = {
    "en": (
        "You got this because on 2 June 2025 a traffic fine was issued (number KZ-1), and we had no record yet that "
        "the fine was paid."
    ),
    "ru": (
        "Вы получили это сообщение, потому что 2 июня 2025 г. наложен штраф за нарушение правил дорожного движения "
        "(номер KZ-1), и у нас ещё не было отметки о том, что штраф оплачен."
    ),
    "kk": (
        "Бұл хабарлама сізге келді, себебі 2025 ж. 2 маусым күні жол жүрісі қағидаларын бұзғаны үшін айыппұл салынды "
        "(нөмірі KZ-1), ал бізде «айыппұл төленді» деген белгі әлі жоқ еді."
    ),
}


@pytest.fixture
async def fined(tmp_path: Path) -> AsyncIterator[World]:
    """Somebody was told of a fine, and will be reminded of it."""
    world = World(tmp_path)
    world.take(*registered(AIGERIM, LONG_AGO), fine(AIGERIM, "KZ-1", "2025-06-02T11:00:00+05:00"))
    await world.settle("2025-06-02T12:00:00+05:00")
    yield world
    world.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_answers_first_and_proves_below(fined: World, language: str) -> None:
    """The sentence stands before the reasons, and what only an auditor reads stands under a disclosure."""
    page = visiting(fined, AIGERIM, language).get(f"/my/messages/{fined.nudge('issued').intent.id}/why")
    text = unescape(page.text).replace("\u202f", " ").replace("\u00a0", " ")
    first, _, proof = text.partition("<details>")
    assert ANSWERS[language] in first
    assert not AS_WRITTEN.search(" ".join(re.findall(r"<li>(.*?)</li>", first[first.index('class="reasons"') :])))
    version = fined.why(fined.nudge("issued").intent.id).version[:12]
    assert version in proof
    assert version not in first


def test_hidden_characters_of_a_registry_are_shown(fined: World) -> None:
    """A number that reads backwards, or has a part that nobody sees, stands escaped on the pages of its message."""
    before = {each.intent.id for each in fined.nudges()}
    fined.take(fine(AIGERIM, "KZ\u202egnp\u200b1", "2025-06-02T11:30:00+05:00", id="odd"))
    fined.plan()
    odd = next(each.intent.id for each in fined.nudges() if each.intent.id not in before)
    page = visiting(fined, AIGERIM).get(f"/my/messages/{odd}/why").text
    assert r"KZ\u202egnp\u200b1" in page
    assert not {"\u202e", "\u200b"} & set(page)


def test_an_unsent_message_has_a_why_of_its_own(fined: World) -> None:
    """What is planned says why it will come, and what was withheld why it did not."""
    browser = visiting(fined, AIGERIM)
    planned = browser.get(f"/my/messages/{fined.nudge('last_day').intent.id}/why").text
    assert "<h1>Why will I get this?</h1>" in planned
    assert "You will get this because on" in planned
    paid = event("kz.traffic.fine_paid", AIGERIM, "2025-06-04T11:00:00+05:00", PAID, id="paid")
    fined.take(paid)
    fined.plan()
    cancelled = browser.get(f"/my/messages/{fined.nudge('last_day').intent.id}/why").text
    assert "<h1>Why did I not get this?</h1>" in cancelled
    assert "You did not get this: it was no longer needed." in cancelled


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("air_quality/alert", "this was announced on 18 February 2026 for the place where you live:"),
        (
            "childcare_allowance/week",
            "you have been entitled to “Childcare allowance” since 18 February 2026: on 18 February 2026 a birth was",
        ),
        ("targeted_assistance_renewal/fortnight", "you are entitled to “Targeted social assistance” only until"),
        ("retirement_age/man", "on 3 November 2052 you reach the age of 62 years and 6 months"),
        ("birth_allowance/registered", "on 18 February 2026 a birth was registered"),
    ],
)
def test_each_kind_of_reason_is_told_in_its_way(step: str, said: str) -> None:
    """An area, an entitlement that begins or ends, an age, and an event."""
    told = dict(all_of("en"))
    assert said in told[step].answer[0]


def test_a_parent_reads_whose_record_it_is() -> None:
    """A mother is told as the mother, and a guardian that the right is the child's."""
    mine, of_child = dict(all_of("en")), dict(all_of("en", person=OTHER))
    assert mine["birth_allowance/registered"].answer[1] == "You are in that record as the mother."
    assert "your child has been entitled to" in of_child["breadwinner_loss_allowance/fortnight"].answer[0]


def test_english_titles_of_events_are_clauses() -> None:
    """They go on after "because on 2 June" and "no record yet that", so each has its verb."""
    titles = [type_.title["en"] for type_ in shipped_catalogue().types.values()]
    assert [each for each in titles if not re.search(r"\b(was|were|is|are|could|will)\b", each)] == []


@pytest.mark.parametrize(
    ("language", "words"), [("en", "you were 35 years old"), ("ru", "вам было 35 лет"), ("kk", "сіз 35 жаста едіңіз")]
)
def test_an_age_that_counted_is_said_as_people_say_it(language: str, words: str) -> None:
    """An age stands in the reasons as a sentence about its reader, and not as the name of a field and a number."""
    [(trigger, clause)] = [each for each in triggers() if each[0].name == "identity_card_expiry"]
    step = next(iter(clause["due"]))
    told = reasons_of(explained(trigger, clause, step), READER, names_in(language))
    assert words in " ".join(told.reasons)
