"""Values in sentences about rules: lengths of time, and plain data."""

from domain.core.plain import PlainData
from domain.core.timing import Offset, parse_offset
from domain.core.translatable import N_, Counted, Joined, Number, Words

NOTHING = Words("nothing")
_LEAP_DAY = 2, 29
_OF_MONTHS = (
    N_("{day} January"),
    N_("{day} February"),
    N_("{day} March"),
    N_("{day} April"),
    N_("{day} May"),
    N_("{day} June"),
    N_("{day} July"),
    N_("{day} August"),
    N_("{day} September"),
    N_("{day} October"),
    N_("{day} November"),
    N_("{day} December"),
)
_MONTHS, _HOUR, _MINUTE = 12, 3600, 60


def said_plainly(value: PlainData, none: str = NOTHING) -> str:
    """Return plain data as it stands in a sentence."""
    match value:
        case None | [] | {} if not value:
            return none
        case bool():
            return Words("yes") if value else Words("no")
        case int() | float():
            return Number(value)
        case list() | tuple():
            return Joined([said_plainly(each, none) for each in value], ", ")
        case dict():
            rows = [Joined([f"{key}: ", said_plainly(each, none)], "") for key, each in value.items()]
            return Joined(rows, "; ")
    return str(value)


def offset_in_words(offset: str) -> str:
    """Return an ISO 8601 duration as it stands before a date: "30 days before", "1 hour after", "on"."""
    parsed = parse_offset(offset)
    if not parsed:
        return Words("on")
    return _before(length(parsed)) if offset.startswith("-") else _after(length(parsed))


def length(offset: Offset) -> str:
    """Return an offset in words: "62 years and 6 months"."""
    years, months = divmod(abs(offset.months), _MONTHS)
    hours, rest = divmod(abs(offset.seconds), _HOUR)
    minutes, seconds = divmod(rest, _MINUTE)
    named = [
        Counted("{count} year", "{count} years", years),
        Counted("{count} month", "{count} months", months),
        Counted("{count} day", "{count} days", abs(offset.days)),
        Counted("{count} hour", "{count} hours", hours),
        Counted("{count} minute", "{count} minutes", minutes),
        Counted("{count} second", "{count} seconds", seconds),
    ]
    return Joined([each for each in named if each.number] or [Words("no time")], Words(" and "))


def working_days(count: int) -> str:
    """Return a number of working days before a date (negative) or after it, in words."""
    return _before(work_days(-count)) if count < 0 else _after(work_days(count))


def work_days(count: int) -> str:
    """Return a number of working days in words."""
    return Counted("{count} working day", "{count} working days", count)


def day_of_year(text: str) -> str:
    """Return a day without a year ("08-15")."""
    month, day = map(int, text.split("-"))
    if (month, day) == _LEAP_DAY:
        return Words("29 February (28 February in other years)")
    return Words(_OF_MONTHS[month - 1], day=day)


def _before(length: str) -> str:
    return Words("{length} before", length=length)


def _after(length: str) -> str:
    return Words("{length} after", length=length)
