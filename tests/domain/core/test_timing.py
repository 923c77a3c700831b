import calendar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume
from hypothesis import given as examples
from hypothesis import strategies as st

from domain.core.timing import (
    InvalidTime,
    Offset,
    QuietHours,
    add_months,
    at_local,
    end_of_day,
    parse_clock,
    parse_day_of_year,
    parse_offset,
    shift,
    shift_day,
    utc,
    zone_of,
    zone_or,
)
from tests.domain.given import modest

ALMATY, BERLIN, NEW_YORK = ZoneInfo("Asia/Almaty"), ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
DAYS = st.dates(date(1900, 1, 1), date(2100, 1, 1))
MOMENTS = st.integers(0, 2**29).map(lambda seconds: datetime(2015, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))
CLOCKS = st.times().map(lambda clock: clock.replace(second=0, microsecond=0))


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("P0D", Offset()),
        ("PT0S", Offset()),
        ("P30D", Offset(days=30)),
        ("-P30D", Offset(days=-30)),
        ("+P1D", Offset(days=1)),
        ("P18M", Offset(months=18)),
        ("P63Y", Offset(months=756)),
        ("P1Y6M", Offset(months=18)),
        ("P2W", Offset(days=14)),
        ("P1W3D", Offset(days=10)),
        ("PT1H", Offset(seconds=3600)),
        ("PT10M", Offset(seconds=600)),
        ("-PT90S", Offset(seconds=-90)),
        ("-P1Y2M3W4DT5H6M7S", Offset(-14, -25, -18367)),
        ("P001D", Offset(days=1)),
    ],
)
def test_offsets_are_iso_8601_durations(text: str, offset: Offset) -> None:
    """Years count as months, weeks as days, hours as seconds, and a sign counts for the whole."""
    assert parse_offset(text) == offset


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "PT",
        "-P",
        "P1DT",
        "1D",
        "30",
        "p1d",
        "P1H",
        "PT1D",
        "P1D1M",
        "P1M1Y",
        "P1.5D",
        "P-1D",
        "--P1D",
        "- P1D",
        " P1D",
        "P1D ",
        "P1D\n",
        "P 1D",
        "P1S",
        "one day",
        "P1DT1H1",
        "-30D",
    ],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Anything else is refused in words that say what to write, with the text in them."""
    with pytest.raises(InvalidTime, match="is no ISO 8601 duration; write one such as -P30D") as refused:
        parse_offset(text)
    assert repr(text) in str(refused.value)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("30 days before", "-P30D"),
        ("6 years", "P6Y"),
        ("-2 weeks", "-P2W"),
        ("1 Month after", "P1M"),
        ("18ай", "P18M"),
        ("10 minutes", "PT10M"),
        ("3 дня до", "-P3D"),
        ("2 апта бұрын", "-P2W"),
        (" 5 часов после", "PT5H"),
    ],
)
def test_what_is_said_in_words_is_written_for_them(text: str, written: str) -> None:
    """Whoever writes how long in words, in any of three languages, reads the duration that they mean."""
    with pytest.raises(InvalidTime, match=rf"; write {written}\.$"):
        parse_offset(text)
    parse_offset(written)


@pytest.mark.parametrize("text", ["2026-06-01", "2026-06-01T09:00+05:00"])
def test_a_date_is_no_duration(text: str) -> None:
    """Who writes until when reads that it is asked how long."""
    with pytest.raises(InvalidTime, match="write how long, one such as -P30D, P18M, P63Y or PT1H, not until when"):
        parse_offset(text)


def test_only_no_offset_is_none() -> None:
    """An offset of nothing is false, and one of anything is true."""
    assert not Offset()
    assert all([Offset(months=1), Offset(days=-1), Offset(seconds=1)])


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        ("2025-01-31", 1, "2025-02-28"),
        ("2024-01-31", 1, "2024-02-29"),
        ("2025-03-31", -1, "2025-02-28"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2024-02-29", 48, "2028-02-29"),
        ("2025-12-15", 1, "2026-01-15"),
        ("2025-01-15", -1, "2024-12-15"),
        ("2025-05-31", 13, "2026-06-30"),
        ("2025-06-10", 0, "2025-06-10"),
        ("2000-01-30", 1, "2000-02-29"),
        ("1900-01-30", 1, "1900-02-28"),
    ],
)
def test_months_end_where_they_end(day: str, months: int, then: str) -> None:
    """A month later is the same day of the month, or that month's last."""
    assert add_months(date.fromisoformat(day), months) == date.fromisoformat(then)


@modest
@examples(DAYS, st.integers(-600, 600))
def test_months_are_calendar_months(day: date, months: int) -> None:
    """So many months later it is that many months later, on the same day or the month's last."""
    then = add_months(day, months)
    assert (then.year - day.year) * 12 + then.month - day.month == months
    assert then.day == min(day.day, calendar.monthrange(then.year, then.month)[1])


@pytest.mark.parametrize(
    ("day", "offset", "then"),
    [
        ("2025-01-31", Offset(months=1, days=1), "2025-03-01"),
        ("2025-03-31", Offset(months=-1, days=-1), "2025-02-27"),
        ("2025-12-31", Offset(days=1), "2026-01-01"),
        ("2025-12-31", Offset(seconds=86400), "2025-12-31"),
    ],
)
def test_a_day_moves_by_months_then_by_days(day: str, offset: Offset, then: str) -> None:
    """Months are clamped before days are added, and seconds don't move a day."""
    assert shift_day(date.fromisoformat(day), offset) == date.fromisoformat(then)


@pytest.mark.parametrize(
    ("zone", "moment", "offset", "then"),
    [
        (ALMATY, "2024-02-28T12:00+06:00", "P1D", "2024-02-29T12:00+06:00"),
        (ALMATY, "2024-02-29T12:00+06:00", "P1D", "2024-03-01T12:00+05:00"),  # a day of 25 hours
        (ALMATY, "2024-03-01T12:00+05:00", "-P1D", "2024-02-29T12:00+06:00"),
        (ALMATY, "2024-02-29T12:00+06:00", "PT24H", "2024-03-01T11:00+05:00"),
        (ALMATY, "2024-01-31T12:00+06:00", "P1M1D", "2024-03-01T12:00+05:00"),
        (BERLIN, "2025-03-29T12:00+01:00", "P1D", "2025-03-30T12:00+02:00"),  # of 23
        (BERLIN, "2025-03-29T02:30+01:00", "P1D", "2025-03-30T03:30+02:00"),  # no half past two
        (BERLIN, "2025-10-25T02:30+02:00", "P1D", "2025-10-26T02:30+02:00"),  # twice half past two: the first
        (BERLIN, "2025-10-25T12:00+02:00", "P1DT1H", "2025-10-26T13:00+01:00"),
        (NEW_YORK, "2025-03-08T12:00-05:00", "P1D", "2025-03-09T12:00-04:00"),
        (NEW_YORK, "2025-01-01T00:30+05:00", "P1D", "2025-01-01T14:30-05:00"),
    ],
)
def test_a_day_is_a_calendar_day(zone: ZoneInfo, moment: str, offset: str, then: str) -> None:
    """Days and months keep the local clock also where clocks are changed; hours are hours."""
    moved = shift(datetime.fromisoformat(moment), parse_offset(offset), zone)
    assert moved == datetime.fromisoformat(then)
    assert moved.utcoffset() == timedelta()


@modest
@examples(MOMENTS, st.integers(-(10**6), 10**6))
def test_seconds_are_exact(moment: datetime, seconds: int) -> None:
    """Whatever clocks do, so many seconds later is so many seconds later; no offset moves nothing."""
    for zone in (ALMATY, BERLIN, NEW_YORK):
        assert shift(moment, Offset(seconds=seconds), zone) == moment + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("zone", "day", "clock", "then"),
    [
        (ALMATY, "2024-02-29", "09:00", "2024-02-29T03:00Z"),
        (ALMATY, "2024-03-01", "09:00", "2024-03-01T04:00Z"),
        (BERLIN, "2025-03-30", "02:30", "2025-03-30T01:30Z"),
        (BERLIN, "2025-10-26", "02:30", "2025-10-26T00:30Z"),
    ],
)
def test_a_local_time_of_a_day(zone: ZoneInfo, day: str, clock: str, then: str) -> None:
    """A time that the day skips is read with the offset before the change, one that it has twice is the first."""
    assert at_local(date.fromisoformat(day), parse_clock(clock), zone) == datetime.fromisoformat(then)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_time_that_comes_twice_is_the_one_that_is_meant(order: tuple[int, int]) -> None:
    """Of half past eleven twice in one night each stays itself, whichever was asked for first."""
    clock = time(23, 31 + order[0])  # nobody has asked for it before
    found = {fold: at_local(date(2024, 2, 29), clock.replace(fold=fold), ALMATY) for fold in order}
    assert found[1] - found[0] == timedelta(hours=1)


@pytest.mark.parametrize(("day", "then"), [("2024-02-28", "2024-02-28T18:00Z"), ("2025-02-28", "2025-02-28T19:00Z")])
def test_a_day_ends_with_the_next(day: str, then: str) -> None:
    """The end of a day is the first moment of the next, in its zone."""
    assert end_of_day(date.fromisoformat(day), ALMATY) == datetime.fromisoformat(then)


def test_the_day_of_the_change_of_clocks_ends_after_25_hours() -> None:
    """Almaty went back from +06 to +05 at midnight after 29 February 2024."""
    assert end_of_day(date(2024, 2, 29), ALMATY) - end_of_day(date(2024, 2, 28), ALMATY) == timedelta(hours=25)


def test_names_of_zones_and_clocks() -> None:
    """A zone is an IANA name, a clock "HH:MM", and a moment in UTC is the same moment."""
    assert zone_of("Asia/Almaty") == ALMATY
    assert parse_clock("21:30") == time(21, 30)
    moment = datetime(2025, 1, 1, 5, tzinfo=ALMATY)
    assert (utc(moment), utc(moment).utcoffset()) == (moment, timedelta())


def _twice_or_never(moment: datetime, zone: ZoneInfo) -> bool:
    """Whether clocks are changed within a day of the moment."""
    around = (moment + timedelta(hours=hours) for hours in range(-30, 31, 6))
    return len({each.astimezone(zone).utcoffset() for each in around}) > 1


@modest
@examples(
    st.builds(QuietHours, CLOCKS, CLOCKS),
    st.sampled_from([ALMATY, BERLIN, NEW_YORK, ZoneInfo("Asia/Kathmandu")]),
    MOMENTS,
)
def test_quiet_hours_end(quiet: QuietHours, zone: ZoneInfo, moment: datetime) -> None:
    """Quiet hours end, later than the moment and within a day, and at their end they are over."""
    assume(not _twice_or_never(moment, zone))
    end = quiet.ends_after(moment, zone)
    assert end is None or moment < end <= moment + timedelta(days=1)
    assert end is None or (quiet.ends_after(end, zone) is None and end.utcoffset() == timedelta())


@modest
@examples(st.builds(QuietHours, CLOCKS, CLOCKS), CLOCKS)
def test_the_hours_of_a_day_are_quiet_or_not(quiet: QuietHours, clock: time) -> None:
    """It is quiet from the start up to the end, over midnight if the end is earlier, and never if they are one."""
    within = quiet.start <= clock < quiet.end
    over_midnight = quiet.start > quiet.end and (clock >= quiet.start or clock < quiet.end)
    moment = datetime.combine(date(2025, 6, 15), clock, ALMATY)
    assert (quiet.ends_after(moment, ALMATY) is not None) is (within or over_midnight)


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        ("2025-10-26T01:00+02:00", "2025-10-26T02:30+02:00"),
        ("2025-10-26T02:15+02:00", "2025-10-26T02:30+02:00"),
        ("2025-10-26T02:45+02:00", None),
        ("2025-10-26T02:15+01:00", "2025-10-26T02:30+01:00"),
        ("2025-10-26T02:45+01:00", None),
        ("2025-03-30T01:30+01:00", "2025-03-30T03:00+02:00"),
        ("2025-03-29T23:00+01:00", "2025-03-30T03:00+02:00"),
        ("2025-03-30T03:00+02:00", None),
        ("2025-03-30T03:10+02:00", None),
    ],
)
def test_quiet_hours_may_end_in_an_hour_that_comes_twice_or_never(moment: str, end: str | None) -> None:
    """They end at the next half past two that is still ahead, or at the first moment after the skipped hour."""
    night = QuietHours(time(21), time(2, 30))
    found = night.ends_after(datetime.fromisoformat(moment), BERLIN)
    assert found == (None if end is None else datetime.fromisoformat(end))


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        ("2025-03-30T00:30+01:00", "2025-03-30T09:00+02:00"),
        ("2025-10-25T23:00+02:00", "2025-10-26T09:00+01:00"),
    ],
)
def test_a_night_may_be_shorter_or_longer(moment: str, end: str) -> None:
    """The night in which clocks are changed ends at the same time of day as any other."""
    night = QuietHours(time(21), time(9))
    assert night.ends_after(datetime.fromisoformat(moment), BERLIN) == datetime.fromisoformat(end)


@pytest.mark.parametrize(
    "name",
    [
        None,
        "",
        "Asia/Alma-Ata",
        "localtime",
        "posixrules",
        "posix/Asia/Almaty",
        "right/Asia/Almaty",
        "Factory",
        "tzdata.zi",
        "Asia",
        "../etc/localtime",
        "/etc/localtime",
        "zone.tab",
    ],
)
def test_a_zone_that_is_none_gives_the_default(name: str | None) -> None:
    """What differs from machine to machine, counts leap seconds, or is no zone at all decides no due time."""
    assert zone_or(name, "Asia/Almaty") == ALMATY


@pytest.mark.parametrize("name", ["UTC", "Etc/GMT-5", "Asia/Qyzylorda", "America/Argentina/Buenos_Aires", "EST5EDT"])
def test_every_zone_of_the_iana_database_is_one(name: str) -> None:
    """A zone that a person has chosen counts."""
    assert zone_or(name, "Asia/Almaty").key == zone_of(name).key == name


@modest
@examples(
    st.builds(QuietHours, CLOCKS, st.sampled_from([time(0, 30), time(2, 10), time(2, 30), time(9)])),
    st.sampled_from([BERLIN, NEW_YORK, ZoneInfo("America/Santiago"), ZoneInfo("Australia/Lord_Howe")]),
    st.sampled_from([date(2025, 3, 9), date(2025, 3, 30), date(2025, 9, 7), date(2025, 10, 5), date(2025, 10, 26)]),
    st.tuples(st.integers(-720, -480), st.integers(0, 240)),
)
def test_nothing_overtakes_what_waits_for_the_end(
    quiet: QuietHours, zone: ZoneInfo, day: date, minutes: tuple[int, int]
) -> None:
    """Also where clocks are changed: what is due later never goes earlier than what was put off before it."""
    noon = at_local(day, time(12), zone)
    first = noon + timedelta(minutes=minutes[0])
    second = first + timedelta(minutes=minutes[1])
    goes = [quiet.ends_after(moment, zone) or moment for moment in (first, second)]
    assert goes[0] <= goes[1] or _has_twice(quiet, day, zone)


def _has_twice(quiet: QuietHours, day: date, zone: ZoneInfo) -> bool:
    """Whether the night has the start or the end of the quiet hours twice: they are quiet twice then."""
    clocks = (quiet.start, quiet.end)
    return any(
        utc(datetime.combine(each, clock.replace(fold=0), zone))
        < utc(datetime.combine(each, clock.replace(fold=1), zone))
        for clock in clocks
        for each in (day - timedelta(days=1), day, day + timedelta(days=1))
    )


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("15-08", "08-15"),
        ("8-15", "08-15"),
        ("15.08", "08-15"),
        ("15.8.", "08-15"),
        ("08/15", "08-15"),
        ("02-30", 'such as "08-15" for 15 August'),
        ("13-32", 'such as "08-15" for 15 August'),
        ("2026-08-15", 'such as "08-15" for 15 August'),
        ("15 August", 'such as "08-15" for 15 August'),
        ("", 'such as "08-15" for 15 August'),
    ],
)
def test_what_is_no_day_of_a_year_is_said(text: str, meant: str) -> None:
    """Whoever writes a day in another way is told how it is written."""
    with pytest.raises(InvalidTime) as error:
        parse_day_of_year(text)
    assert str(error.value) == f"{text!r} is no day of a year; write month and day, {meant}."
