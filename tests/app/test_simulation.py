import re
import tracemalloc
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from itertools import chain, islice, takewhile
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from app.simulation.population import EmptySpan, simulate
from domain.core.national_id import SCHEMES
from notifiers.sms.phone import e164

START, END = date(2024, 1, 1), date(2026, 1, 1)
CITIZENS = 5_000
YEARS = 2
PACKS = Path(__file__).parents[2] / "templates"
OPENING = ("kz.citizen.registered", "kz.residence.registered", "citizen.contact_changed")
ROLES = {"mother", "father", "partner", "heirs", "parents", "guardians", "child"}
AHEAD = {"expires_on", "planned_on"}
IS_IIN = SCHEMES["kz.iin"]

Event = Mapping[str, Any]


@pytest.fixture(scope="module")
def events() -> list[Event]:
    """Two years of a small town."""
    return list(simulate(CITIZENS, 7, START, END))


@pytest.fixture(scope="module")
def lives(events: list[Event]) -> dict[str, list[Event]]:
    """National id -> everything whose subject is that citizen."""
    by_subject: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_subject[event["subject"]].append(event)
    return by_subject


def of_type(events: list[Event], type_: str) -> list[Event]:
    """The events of one type, in their order."""
    return [event for event in events if event["type"] == type_]


def within(event: Event) -> bool:
    """Whether the event lies in the simulated span, not before it."""
    return datetime.fromisoformat(event["time"]).date() >= START


def days_between(earlier: str, later: str) -> int:
    """Days from one YYYY-MM-DD to another."""
    return (date.fromisoformat(later) - date.fromisoformat(earlier)).days


def named_in(event: Event) -> Iterator[str]:
    """The national ids in an event's data."""
    for role in ROLES & event["data"].keys():
        value = event["data"][role]
        yield from value if isinstance(value, list) else [value]


def test_two_seeds_share_no_ids() -> None:
    """Two populations can be taken in together: they share no event id and no national id."""
    one, other = (list(simulate(300, seed, START, END)) for seed in (1, 2))
    for name in ("id", "subject"):
        assert {each[name] for each in one}.isdisjoint(each[name] for each in other), name


def test_the_same_seed_gives_the_same_stream() -> None:
    """A simulation is repeated exactly by its arguments, and another seed is another population."""
    first = list(simulate(80, 1, START, END))
    assert first == list(simulate(80, 1, START, END))
    assert first != list(simulate(80, 2, START, END))


def test_a_larger_population_begins_with_the_smaller_one() -> None:
    """More citizens give the same households again; only the last one may have been cut to the asked number."""
    smaller, larger = list(simulate(300, 5, START, END)), list(simulate(400, 5, START, END))
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(smaller, larger, strict=False)))
    cut = {event["id"].split("-")[0].split(".")[0] for event in smaller[same:]}
    assert len(cut) <= 10
    assert same > 0.9 * len(smaller)


@pytest.mark.parametrize("citizens", [0, 1, 2, 3, 10, 33])
def test_the_population_has_the_asked_size(citizens: int) -> None:
    """Exactly so many citizens are there on the first day; newborns come on top."""
    assert len(of_type(list(simulate(citizens, 3, START, END)), "kz.citizen.registered")) == citizens


def test_a_span_without_days_is_refused_at_once() -> None:
    """A start that is not before the end raises at the call, not at the first event."""
    with pytest.raises(EmptySpan):
        simulate(1, 1, START, START)


def test_a_huge_population_starts_at_once() -> None:
    """The first events of a billion citizens need no billion citizens."""
    assert len(list(islice(simulate(1_000_000_000, 1, START, END), 100))) == 100


def test_memory_does_not_grow_with_the_population() -> None:
    """A stream of some 50,000 events, above 50 MB if kept, passes through less than 5 MB."""
    tracemalloc.start()
    count = sum(1 for _ in simulate(4_000, 1, START, END))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count > 30_000
    assert peak < 5_000_000


def test_every_event_follows_its_schema(events: list[Event]) -> None:
    """Whatever is simulated passes the JSON Schema of its event type, formats included."""
    files = [path for pack in ("kz", "citizen") for path in (PACKS / pack / "events").glob("*.yaml")]
    contents = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in files]
    validators = {
        content["type"]: jsonschema_rs.Draft202012Validator(
            content["data"], validate_formats=True, formats={"national-id": IS_IIN}
        )
        for content in contents
    }
    broken = {
        (event["type"], event["id"]) for event in events if not validators[event["type"]].is_valid(event["data"])
    }
    assert broken == set()


def test_every_event_is_a_whole_cloud_event(events: list[Event]) -> None:
    """Envelope attributes are those of CloudEvents 1.0, and the source names one registry for each type."""
    envelope = {"specversion", "id", "source", "type", "time", "subject", "datacontenttype", "data"}
    assert all(event.keys() == envelope and event["specversion"] == "1.0" for event in events)
    sources = {(event["type"], event["source"]) for event in events}
    assert len(sources) == len({type_ for type_, _ in sources}) == 23
    assert all(re.fullmatch(r"/(kz|platform)(/[a-z]+)+", source) for _, source in sources)


def test_ids_are_unique(events: list[Event]) -> None:
    """No two events share an id, which starts with the seed and the citizen's label."""
    ids = {event["id"] for event in events}
    assert len(ids) == len(events)
    assert all(re.fullmatch(r"s7c\d{6}(\.\d+)?-\d+", id_) for id_ in ids)


def test_national_ids_are_valid_unique_and_tell_birth_and_sex(events: list[Event]) -> None:
    """Each citizen, newborns too, has an IIN of their own that agrees with their birth date, sex and century."""
    births = [*of_type(events, "kz.citizen.registered"), *of_type(events, "kz.civil.birth_registered")]
    assert len({event["subject"] for event in births}) == len(births) > CITIZENS
    for event in births:
        iin, born = event["subject"], date.fromisoformat(event["data"]["born_on"])
        century = 3 if born.year < 2000 else 5
        assert IS_IIN(iin)
        assert iin[:6] == f"{born:%y%m%d}"
        assert int(iin[6]) == century + (event["data"]["sex"] == "female")


def test_every_citizen_opens_before_the_span(lives: dict[str, list[Event]]) -> None:
    """Registration, residence and contact come first, in this order, and lie before the first day."""
    opened = [life for life in lives.values() if life[0]["type"] == OPENING[0]]
    assert len(opened) == CITIZENS
    for life in opened:
        assert tuple(event["type"] for event in life[:3]) == OPENING
        times = [event["time"] for event in life[:3]]
        assert times == sorted(times)
        assert not any(within(event) for event in life[:3])


def test_a_newborn_opens_with_its_birth(lives: dict[str, list[Event]]) -> None:
    """Who was not there on the first day is registered by their birth, after it and within the span."""
    newborn = [life for life in lives.values() if life[0]["type"] != OPENING[0]]
    assert newborn
    for life in newborn:
        assert life[0]["type"] == "kz.civil.birth_registered"
        assert life[0]["data"]["born_on"] < life[0]["time"][:10]
        assert START.isoformat() <= life[0]["data"]["born_on"]


def test_a_life_is_told_in_its_order(lives: dict[str, list[Event]]) -> None:
    """After the opening, each citizen's events come by their time."""
    opening = {"kz.citizen.registered", "citizen.contact_changed", "citizen.preferences_changed"}
    for life in lives.values():
        told = [event for event in life[2:] if event["type"] not in {*opening, "citizen.guardian_appointed"}]
        assert told == sorted(told, key=lambda event: str(event["time"]))


def test_no_time_reaches_the_end(events: list[Event]) -> None:
    """Every time has the zone +05:00 and lies before the last midnight; no date of the past lies after its report."""
    for event in events:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+05:00", event["time"])
        assert event["time"][:10] < END.isoformat()
        facts = {value for key, value in event["data"].items() if key.endswith("_on") and key not in AHEAD}
        assert all(fact <= event["time"][:10] for fact in facts)


def test_nobody_acts_after_their_death(events: list[Event], lives: dict[str, list[Event]]) -> None:
    """The registration of a death is the last that is heard of the deceased."""
    deaths = of_type(events, "kz.civil.death_registered")
    assert deaths
    for death in deaths:
        assert lives[death["subject"]][-1] is death
        assert all(event["time"][:10] < death["data"]["died_on"] for event in lives[death["subject"]][:-1])


def test_only_the_living_inherit(events: list[Event]) -> None:
    """Neither the deceased nor who died before them is among the heirs; some of the deceased have none."""
    deaths = of_type(events, "kz.civil.death_registered")
    died = {death["subject"]: death["data"]["died_on"] for death in deaths}
    for death in deaths:
        assert all(died.get(heir, "9999") > death["data"]["died_on"] for heir in death["data"].get("heirs", []))
    assert 0 < sum("heirs" in death["data"] for death in deaths) < len(deaths)


def test_whoever_is_named_exists(events: list[Event], lives: dict[str, list[Event]]) -> None:
    """Mothers, fathers, partners, heirs, guardians and children are themselves citizens of the stream."""
    named = set(chain.from_iterable(map(named_in, events)))
    assert named
    assert named <= lives.keys()


def test_minors_have_guardians(lives: dict[str, list[Event]]) -> None:
    """Everybody under 18 on the first day lives with one or two adults who are told in their place."""
    for life in lives.values():
        minor = (
            life[0]["type"] == OPENING[0] and days_between(life[0]["data"]["born_on"], START.isoformat()) < 18 * 365
        )
        appointed = [event for event in life if event["type"] == "citizen.guardian_appointed"]
        assert len(appointed) == 1 if minor else len(appointed) <= 1


@pytest.mark.parametrize(
    ("type_", "per_thousand", "tolerance"),
    [
        ("kz.civil.birth_registered", 20, 4),
        ("kz.civil.death_registered", 6, 2),
        ("kz.civil.marriage_registered", 6.5, 2),
        ("kz.traffic.fine_issued", 0.3 * 650, 30),
        ("kz.document.issued", 115, 25),
        ("kz.pension.granted", 6, 2),
    ],
)
def test_life_goes_on_at_plausible_rates(
    events: list[Event], type_: str, per_thousand: float, tolerance: float
) -> None:
    """Events of a kind a year and a thousand citizens resemble the country's (two thirds are adults)."""
    rate = 1000 * sum(map(within, of_type(events, type_))) / CITIZENS / YEARS
    assert rate == pytest.approx(per_thousand, abs=tolerance)


def test_moves_and_what_follows(events: list[Event]) -> None:
    """Three in a hundred move in a year; about 60 % of them choose a clinic in the new area within two months."""
    moved = [event for event in of_type(events, "kz.residence.registered") if event["data"]["kind"] == "moved"]
    attached = {event["subject"]: event for event in of_type(events, "kz.health.clinic_attached")}
    assert len(moved) / CITIZENS / YEARS == pytest.approx(0.03, abs=0.008)
    early = [event for event in moved if event["time"] < "2025-10"]
    assert sum(event["subject"] in attached for event in early) / len(early) == pytest.approx(0.6, abs=0.1)


def test_births_and_what_follows(events: list[Event]) -> None:
    """Of the births early enough, about 70 % join the queue for a kindergarten and 80 % bring an allowance."""
    births = [event for event in of_type(events, "kz.civil.birth_registered") if event["time"] < "2025-10"]
    queue = of_type(events, "kz.education.kindergarten_queue_joined")
    queued = {event["subject"]: event["data"]["joined_on"] for event in queue}
    granted = {event["data"]["child"] for event in of_type(events, "kz.social.birth_allowance_granted")}
    joined = [birth for birth in births if birth["subject"] in queued]
    assert len(joined) / len(births) == pytest.approx(0.7, abs=0.1)
    assert all(days_between(birth["data"]["born_on"], queued[birth["subject"]]) <= 60 for birth in joined)
    assert sum(birth["subject"] in granted for birth in births) / len(births) == pytest.approx(0.8, abs=0.1)


def test_vaccinations_follow_the_plan(events: list[Event]) -> None:
    """Newborns have four visits planned, about 92 % of them kept, and none kept that was not planned."""
    planned = {
        (event["subject"], event["data"]["visit"]): event["data"]["planned_on"]
        for event in of_type(events, "kz.health.vaccination_planned")
    }
    kept = {(event["subject"], event["data"]["visit"]) for event in of_type(events, "kz.health.vaccinated")}
    early = {visit for visit, day in planned.items() if day < "2025-12"}
    assert kept <= planned.keys()
    assert Counter(map(len, _by_child(planned).values())).most_common(1)[0][0] == 4
    assert len(kept & early) / len(early) == pytest.approx(0.92, abs=0.05)


def _by_child(visits: Iterable[tuple[str, str]]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for child, visit in visits:
        found[child].append(visit)
    return found


def test_most_jobs_bring_a_pension_contribution(events: list[Event]) -> None:
    """Nearly every employer pays in, and nobody is paid for by an employer whom they never worked for."""
    jobs, paid = (
        {(event["subject"], event["data"]["employer"]) for event in of_type(events, type_)}
        for type_ in ("kz.employment.job_started", "kz.pension.contribution_received")
    )
    assert paid <= jobs
    assert len(paid) / len(jobs) == pytest.approx(0.9, abs=0.06)


def test_vehicle_taxes_are_mostly_paid_in_time(events: list[Event]) -> None:
    """A tax is for the year before, is paid once, and about 80 % pay before April."""
    assessed = of_type(events, "kz.tax.assessed")
    paid = {(event["subject"], event["data"]["year"]): event["data"] for event in of_type(events, "kz.tax.paid")}
    fates = [(tax["data"], paid.get((tax["subject"], tax["data"]["year"]))) for tax in assessed]
    assert all(int(tax["pay_by"][:4]) == tax["year"] + 1 for tax, _ in fates)
    in_time = sum(payment is not None and payment["paid_on"] <= tax["pay_by"] for tax, payment in fates)
    assert in_time / len(fates) == pytest.approx(0.8, abs=0.05)


def test_children_are_born_to_mothers(events: list[Event], lives: dict[str, list[Event]]) -> None:
    """A mother is a woman of 16 to 46, her children come in order, and a child is named after its father."""
    orders: dict[str, int] = {}
    for birth in of_type(events, "kz.civil.birth_registered"):
        data, mother = birth["data"], lives[birth["data"]["mother"]][0]["data"]
        assert mother["sex"] == "female"
        assert 16 <= days_between(mother["born_on"], data["born_on"]) / 365.25 <= 46
        assert data["order"] > orders.get(birth["data"]["mother"], 0)
        orders[birth["data"]["mother"]] = data["order"]
        assert ("father" in data) == ("patronymic" in data)
        if "father" in data:
            father = lives[data["father"]][0]["data"]
            assert data["patronymic"][:2] == father["given_name"][:2]
            assert data["family_name"].removesuffix("а") == father["family_name"]


def test_identity_cards_are_renewed_in_time_late_or_never(events: list[Event]) -> None:
    """Cards are valid for ten years; of those that expire in the span most are followed by another, some late."""
    cards: dict[str, list[Event]] = defaultdict(list)
    for event in of_type(events, "kz.document.issued"):
        if event["data"]["kind"] == "identity_card":
            cards[event["subject"]].append(event["data"])
            assert days_between(event["data"]["issued_on"], event["data"]["expires_on"]) in {3652, 3653}
    pairs = chain.from_iterable(zip(held, [*held[1:], None], strict=True) for held in cards.values())
    fates = Counter(
        "never" if after is None else "late" if after["issued_on"] > before["expires_on"] else "in time"
        for before, after in pairs
        if START.isoformat() <= before["expires_on"] < "2025-09"
    )
    assert fates.total() > 300
    assert fates["in time"] / fates.total() == pytest.approx(0.6, abs=0.08)
    assert fates["late"] / fates.total() == pytest.approx(0.28, abs=0.08)
    assert fates["never"] / fates.total() == pytest.approx(0.12, abs=0.06)


def test_most_fines_are_paid_within_the_week_at_half_price(events: list[Event]) -> None:
    """About 70 % are paid within seven days, for half the amount; later ones in full."""
    fines = {event["data"]["number"]: event["data"] for event in of_type(events, "kz.traffic.fine_issued")}
    paid = [event["data"] for event in of_type(events, "kz.traffic.fine_paid")]
    prompt = [one for one in paid if days_between(fines[one["number"]]["issued_on"], one["paid_on"]) <= 7]
    assert len(prompt) / len(fines) == pytest.approx(0.7, abs=0.05)
    assert all(one["amount"] == fines[one["number"]]["amount"] // 2 for one in prompt)
    assert 0.75 < len(paid) / len(fines) < 0.95


def test_languages_are_mixed_as_in_the_country(events: list[Event]) -> None:
    """About 60 % want Kazakh, 35 % Russian and 5 % English; nearly everybody says so."""
    languages = Counter(event["data"]["language"] for event in of_type(events, "citizen.preferences_changed"))
    assert languages.total() / CITIZENS == pytest.approx(0.97, abs=0.02)
    for language, share in {"kk": 0.60, "ru": 0.35, "en": 0.05}.items():
        assert languages[language] / languages.total() == pytest.approx(share, abs=0.04)


def test_names_agree_with_the_sex(events: list[Event]) -> None:
    """Patronymics end in -ұлы or -вич for men, -қызы or -вна for women; women's family names in -а."""
    endings = {"male": ("ұлы", "вич"), "female": ("қызы", "вна")}
    registered = [event["data"] for event in of_type(events, "kz.citizen.registered")]
    assert all(one["patronymic"].endswith(endings[one["sex"]]) for one in registered if "patronymic" in one)
    assert all((one["sex"] == "female") == one["family_name"].endswith("а") for one in registered)
    assert sum("patronymic" in one for one in registered) / len(registered) > 0.9


def test_nobody_real_can_be_reached(events: list[Event]) -> None:
    """Mail goes to a reserved domain and phones are valid, by codes of no mobile operator; some lack one."""
    contacts = [event["data"] for event in of_type(events, "citizen.contact_changed")]
    phones = [contact["phone"] for contact in contacts if contact["phone"]]
    emails = [contact["email"] for contact in contacts if contact["email"]]
    assert all(re.fullmatch(r"\+776[0-4]0\d{6}", phone) for phone in phones)
    assert [phone for phone in phones if e164(phone) != phone[1:]] == []
    assert all(re.fullmatch(r"[a-z]+\.s\d+c\d+@example\.org", email) for email in emails)
    assert len(set(phones)) == len(phones) < CITIZENS
    assert any(contact["phone"] and not contact["email"] for contact in contacts)
    assert any(contact["email"] and not contact["phone"] for contact in contacts)


def test_people_live_where_the_country_does(events: list[Event]) -> None:
    """All twenty regions are inhabited, and Almaty, Astana and Shymkent hold a quarter of the people."""
    areas = [event["data"]["area"] for event in of_type(events, "kz.residence.registered")]
    assert len({area[:2] for area in areas}) == 20
    assert sum(area[:2] in {"71", "75", "79"} for area in areas) / len(areas) == pytest.approx(0.25, abs=0.04)
