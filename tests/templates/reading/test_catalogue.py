from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest

from domain.core.timing import QuietHours
from domain.rules.rulebook import Defaults
from templates.checks.loader import load_packs
from templates.reading.catalogue import (
    NoDefaults,
    catalogue_of,
    defaults_of,
    live_from_of,
    national_id_of,
)
from tests.templates.packs import PACK, write_town


def test_the_domain_gets_what_the_packs_declare(tmp_path: Path) -> None:
    """Event types, attributes of all packs, levels of areas and defaults come from the data in the log."""
    contents = [pack.content for pack in load_packs([write_town(tmp_path)])]
    catalogue = catalogue_of(contents)
    assert {"town.flood", "town.meter.installed", "citizen.contact_changed"} <= catalogue.types.keys()
    assert catalogue.attributes["checked_on"] == "date"
    assert catalogue.attributes["consents"] == "strings"
    assert catalogue.area_levels == (2, 4)
    assert defaults_of(contents) == Defaults(
        language="kk",
        languages=("kk", "ru"),
        zone_name="Asia/Almaty",
        quiet_hours=QuietHours(time(21), time(9)),
        cap_messages=3,
        cap_days=7,
        age_of_majority=18,
    )


def test_working_days_are_those_of_the_country(tmp_path: Path) -> None:
    """Public holidays and what the government moved come from `holidays:` of the pack; without it, weekends alone."""
    said = (PACK, "area_levels", "holidays: {country: KZ, off: [2026-03-26], working: [2026-03-28]}\narea_levels")
    days = defaults_of([pack.content for pack in load_packs([write_town(tmp_path, said)])]).workdays
    march = [date(2026, 3, day) for day in range(20, 31)]
    assert [day.day for day in march if days.is_working(day)] == [20, 27, 28, 30]  # Nauryz: 21 to 25 March
    assert days.is_working(date(9999, 12, 31)) == (date(9999, 12, 31).weekday() < 5)
    assert days == defaults_of([pack.content for pack in load_packs([write_town(tmp_path, said)])]).workdays
    plain = defaults_of([pack.content for pack in load_packs([write_town(tmp_path / "plain")])]).workdays
    assert [day.day for day in march if not plain.is_working(day)] == [21, 22, 28, 29]


def test_a_pack_goes_live_at_its_own_midnight(tmp_path: Path) -> None:
    """The day in pack.yaml starts in the pack's zone (Almaty is five hours ahead since 1 March 2024)."""
    citizen, town = load_packs([write_town(tmp_path)])
    assert live_from_of(town.content) == datetime(2024, 2, 29, 19, tzinfo=UTC)
    assert live_from_of(citizen.content) is None


def test_the_rule_of_the_check_digit_is_named_by_the_pack(tmp_path: Path) -> None:
    """The built-in pack has none: it belongs to no jurisdiction."""
    assert [national_id_of(pack.content) for pack in load_packs([write_town(tmp_path)])] == [None, "kz.iin"]


def test_packs_without_defaults_are_refused() -> None:
    """Without a jurisdiction's pack nobody knows a zone, a language or quiet hours."""
    with pytest.raises(NoDefaults, match="publish one that says language"):
        defaults_of([pack.content for pack in load_packs([])])
