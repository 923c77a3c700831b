"""What a citizen is entitled to: yes and how much, or no and what would change it, in three languages."""

import re
from collections.abc import Iterator
from datetime import datetime
from html import unescape
from pathlib import Path

import pytest
from msgspec import structs

from app.pages.catalogues import LANGUAGES
from app.pages.entitlements import wallet_of
from app.pages.pack_names import names_of
from app.reports.entitlements import entitlements
from domain.planning.entitlement_answers import Obstacle, ObstacleKind
from streams.intake.cloudevents import Envelope
from templates.checks.loader import shipped
from tests.app.pages.shipped_rules import shipped_catalogue, speech_of
from tests.app.pages.test_reasons import AS_WRITTEN
from tests.app.pages.visitor import visiting
from tests.world import LONG_AGO, World, birth, event, iin, registered

MOTHER, CHILD, STRANGER, FIRED = iin(1), iin(2), iin(7), iin(8)
GRANTED = {"child": CHILD, "amount": 149416, "granted_on": "2025-06-10"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A mother of a newborn, somebody without work who was never insured, and somebody of whom nothing is known."""
    made = World(
        tmp_path,
        packs=[each for each in shipped() if each.name == "kz"],
        now=datetime.fromisoformat("2025-06-20T09:00+05:00"),
    )
    made.take(*registered(MOTHER, LONG_AGO), *registered(FIRED, LONG_AGO), birth(CHILD, MOTHER, "2025-05-30"))
    lost = {"registered_on": "2025-06-02", "insured_months": 2}
    made.take(event("kz.social.unemployment_registered", FIRED, "2025-06-02T11:00:00+05:00", lost, id="lost"))
    yield made
    made.close()


def page_of(world: World, person: str, language: str = "en") -> str:
    """The page, with plain spaces."""
    text = visiting(world, person, language).get("/my/entitlements").text
    return unescape(text).replace("\u00a0", " ").replace("\u202f", " ")


def card(page: str, title: str) -> str:
    """The first card of that title, as its reader sees it before opening the details."""
    found = next(each for each in page.split('<li class="card')[1:] if f">{title}</h3>" in each)
    return re.sub(r"<[^>]+>|\s+", " ", found.partition("<details>")[0].partition('">')[2])


YES = {
    "en": (
        "Birth allowance",
        [
            "149 416 ₸, once",
            "from 30 May 2025, until 30 May 2026",
            "a birth was registered",
            "To get it, apply to",
        ],
    ),
    "ru": (
        "Пособие на рождение",
        ["149 416 ₸, один раз", "Срок: 30 мая 2025 г. – ", "зарегистрировано рождение", "подайте заявление"],
    ),
    "kk": (
        "Бала туғанда берілетін жәрдемақы",
        ["149 416 ₸, бір рет", "2025 ж. 30 мамыр күнінен бастап", "баланың тууы тіркелді", "өтініш беріңіз"],
    ),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_benefit_says_how_much_since_when_and_what_to_do(world: World, language: str) -> None:
    """A mother of a newborn reads the amount, the days, the record behind it, and where to apply."""
    title, told = YES[language]
    shown = card(page_of(world, MOTHER, language), title)
    assert [each for each in told if each not in shown] == [], shown


def test_a_refusal_says_why_and_what_would_change_it(world: World) -> None:
    """A condition that does not hold, and a record that is missing, each with what would change the answer."""
    page = page_of(world, FIRED)
    lost = card(page, "Payment on losing a job")
    assert "It is only for those of whom this is true: Contributions were paid for six months or more." in lost
    assert "By the registries it is not true for you now." in lost
    allowance = card(page, "Birth allowance")
    assert "It is for those about whom this is recorded: a birth was registered." in allowance
    assert "There is no such record in which you are the mother." in allowance
    assert "Should there be one? Ask: Ministry of Labour" in allowance
    assert "There is no such record about you." in card(page, "Disability allowance")
    assert "No, because we have no record that" in card(page, "Allowance for the loss of a breadwinner")


def family(children: int) -> Envelope:
    """A large family that is registered from a later day on."""
    data = {"children": children, "registered_on": "2025-08-01"}
    return event("kz.social.large_family_registered", FIRED, "2025-06-03T11:00:00+05:00", data, id="family")


BEGINS = {
    "en": "Not yet: it begins on 1 August 2025.",
    "ru": "Ещё нет: начнётся 1 августа 2025 г.",
    "kk": "Әзірге жоқ: 2025 ж. 1 тамыз күні басталады.",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_begins_later_says_when(world: World, language: str) -> None:
    """A benefit that only its first day is missing for stands apart, with that day."""
    world.take(family(4))
    page = page_of(world, FIRED, language)
    assert BEGINS[language] in page[: page.rindex("<h2>")]


def test_a_condition_and_a_later_day_are_both_told(world: World) -> None:
    """What would begin later if something else were true is not now, for both reasons."""
    world.take(family(3))
    told = card(page_of(world, FIRED), "Large family allowance")
    assert "It would begin on 1 August 2025." in told
    assert "It is only for those of whom this is true: The family has four children or more." in told


def test_where_the_registries_are_silent_the_page_says_so(world: World) -> None:
    """An heir of whom no parent is known is not told that the deceased was no parent."""
    died = {"died_on": "2025-06-01", "heirs": [FIRED]}
    world.take(event("kz.civil.death_registered", STRANGER, "2025-06-01T11:00:00+05:00", died, id="died"))
    told = card(page_of(world, FIRED), "Allowance for the loss of a breadwinner")
    assert "It is only for those of whom this is true: The deceased was a parent or guardian." in told
    assert "The registries do not say whether it is true for you." in told


NEW_RECORD = {
    "en": "A new record would change that: a birth was registered.",
    "ru": "Изменить это может новая запись: зарегистрировано рождение.",
    "kk": "Мұны жаңа жазба өзгерте алады: баланың тууы тіркелді.",
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("why", ["over", "had"])
def test_what_is_over_or_was_had_says_what_would_change_it(world: World, language: str, why: str) -> None:
    """After a year, and after it was granted, the birth allowance comes only with a further birth."""
    if why == "over":
        world.at("2026-06-10T09:00+05:00")
    else:
        world.take(event("kz.social.birth_allowance_granted", MOTHER, "2025-06-10T11:00:00+05:00", GRANTED, id="g"))
    told = card(page_of(world, MOTHER, language), YES[language][0])
    assert told.count(NEW_RECORD[language]) == 1
    if (why, language) == ("over", "en"):
        assert "No, because the time for it ended on 30 May 2026." in told


OF_AGE = {
    "en": "That day follows from this date: date of birth. Only a correction of it changes the answer.",
    "ru": "Этот день зависит от даты: дата рождения. Ответ изменит только её исправление.",
    "kk": "Бұл күн мына күнге байланысты: туған күні. Жауапты тек оны түзету өзгертеді.",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_ended_with_an_age_names_the_date_that_decides(world: World, language: str) -> None:
    """Nothing gives a grown-up the state's contributions for children, but for another date of birth."""
    assert OF_AGE[language] in page_of(world, MOTHER, language)


NO_DATE = {
    "en": (
        "We cannot tell, because the date from which it counts is not known.",
        "We can tell once this date is recorded: date of birth.",
        "Ask about it: Ministry of Labour",
    ),
    "ru": (
        "Ответить нельзя",
        "Ответ появится, когда будет внесена дата: дата рождения.",
        "Спросить о ней можно здесь: ",
    ),
    "kk": ("Айта алмаймыз", "Мына күн жазылған соң жауап береміз: туған күн", "Ол туралы мына мекемеден сұраңыз: "),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_the_date_from_which_it_counts_the_page_says_what_is_missing(world: World, language: str) -> None:
    """An event without its date gives no answer; the page names the date and whom to ask."""
    rules = world.platform.rules.library.rules()
    day, history, answers = entitlements(world.platform, world.name(MOTHER))
    of_birth = next(each for each in answers if each.benefit.name == "birth_allowance")
    undated = structs.replace(of_birth, obstacles=(Obstacle(ObstacleKind.NO_DATE),))
    [line] = wallet_of([undated], day, history, rules.rulebook, names_of(rules, speech_of(language))).no
    told = " ".join(line.sentences)
    assert [each for each in NO_DATE[language] if each not in told] == [], told


def test_what_was_granted_needs_no_application(world: World) -> None:
    """Who was granted the childcare allowance is not sent to apply for it, and the birth allowance is had."""
    for name in ("birth_allowance_granted", "childcare_allowance_granted"):
        world.take(event(f"kz.social.{name}", MOTHER, "2025-06-10T11:00:00+05:00", GRANTED, id=name))
    page = page_of(world, MOTHER)
    granted = card(page, "Childcare allowance")
    assert "There is nothing to do: on 10 June 2025 the childcare allowance was granted." in granted
    assert "apply to" not in granted
    assert "No, because on 10 June 2025 the birth allowance was granted." in card(page, "Birth allowance")


def test_what_ends_soon_says_so(world: World) -> None:
    """Three months before its last day an entitlement is marked, with the days that are left."""
    world.at("2026-03-10T09:00+05:00")
    shown = card(page_of(world, MOTHER), "Birth allowance")
    assert "ends soon" in shown
    assert "It ends soon: 81 days left." in shown


def test_the_page_answers_as_the_assistant_does(world: World) -> None:
    """Page, command and assistant ask the same: what is entitled there stands under the first heading here."""
    _, _, answers = entitlements(world.platform, world.name(MOTHER))
    yes = page_of(world, MOTHER).partition("<h2>Not now</h2>")[0]
    for each in answers:
        assert (f">{each.benefit.title['en']}</h3>" in yes) is each.entitled, each.benefit.name


def test_no_benefit_is_explained_by_itself() -> None:
    """A benefit is for those about whom something else is recorded than that they were granted it."""
    catalogue = shipped_catalogue()
    about = [each for each in catalogue.benefits.values() if each.on in catalogue.types]
    assert about
    for each in about:
        for language, title in each.title.items():
            assert title.lower() not in catalogue.types[each.on].title[language].lower()


def test_of_whom_nothing_is_known(world: World) -> None:
    """The page says that nothing is recorded, instead of eight refusals."""
    page = page_of(world, STRANGER)
    assert "Nothing is recorded about you yet." in page
    assert 'class="card' not in page


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("person", [MOTHER, FIRED], ids=["mother", "fired"])
def test_no_card_says_what_its_author_wrote(world: World, person: str, language: str) -> None:
    """No identifier, sign or word of another language stands on the page, details included."""
    page = page_of(world, person, language)
    main = page[page.index("<main") : page.index("</main>")]
    text = re.sub(r"<[^>]+>", " ", main)
    assert not AS_WRITTEN.search(text), AS_WRITTEN.search(text)
    if language != "en":
        assert set(re.findall(r"[A-Za-z]{3,}", text)) <= {"VII"}, text
