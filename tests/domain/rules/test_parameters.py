"""Dated parameters: which value holds on a day."""

import pytest

from domain.conditions.language import BadCondition, Conditions
from domain.rules.parameters import parameter_of, parameters_on

VALUES = {"2024-01-01": 3692, "2025-01-01": 3932, "2026-01-01": 4325}


@pytest.mark.parametrize(
    ("day", "value", "since"),
    [
        ("2023-12-31", None, None),
        ("2024-01-01", 3692, "2024-01-01"),
        ("2024-12-31", 3692, "2024-01-01"),
        ("2025-01-01", 3932, "2025-01-01"),
        ("2030-06-01", 4325, "2026-01-01"),
    ],
)
def test_a_value_holds_from_its_day_until_the_next(day: str, value: int | None, since: str | None) -> None:
    """The first day counts, the day before does not, and the last value holds on; before the first there is none."""
    parameter = parameter_of({"values": VALUES})
    assert (parameter.on(day), parameter.since(day)) == (value, since)
    assert parameters_on({"mci": parameter}, day) == ({} if value is None else {"param.mci": value})


def test_one_fraction_makes_all_values_numbers() -> None:
    """CEL does not mix whole numbers with others, so a parameter has one type on all days."""
    parameter = parameter_of({"values": {"2024-01-01": 10, "2025-01-01": 10.5}})
    assert parameter.type == "number"
    assert [type(value) for value in parameter.values] == [float, float]
    assert parameter_of({"values": VALUES}).type == "integer"


@pytest.mark.parametrize(
    ("text", "tenge"),
    [
        ("63 * param.mci", 247_716),
        ("5.76 * double(param.mci)", 22_648),
        ("0.5 * double(param.mci + 1)", 1967),
        ("double(param.mci) / 0.0", None),
        ("63 * param.none", None),
        ("0.1 + 0.2 + 0.2", 1),
    ],
)
def test_amounts_are_whole_tenge(text: str, tenge: int | None) -> None:
    """Half a tenge is rounded up, in decimals as people write them; what has no value, or no end, is no amount."""
    amount = Conditions({"param.mci": "integer", "param.none": "integer"}).amount(text)
    assert amount.tenge({"param.mci": 3932, "param.none": None}) == tenge


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("param.mci > 1", "an amount must be a number, this is true or false"),
        ("param.mcii * 2", "there is no field 'param.mcii'"),
    ],
)
def test_a_bad_amount_says_what_is_wrong(text: str, problem: str) -> None:
    """An amount is a number made of what is declared."""
    with pytest.raises(BadCondition) as bad:
        Conditions({"param.mci": "integer"}).amount(text)
    assert bad.value.problem == problem
