"""The dates of an invented event are such as can be: a preview shows each message on a day on which it would come."""

from datetime import date

import pytest

from domain.rules.trigger_compiling import compile_trigger
from templates.authoring.preview import Previewer
from templates.checks.loader import examine, pack_of, shipped
from templates.checks.personas import built_in
from templates.reading.catalogue import catalogue_of, defaults_of
from tests.world import NOON


@pytest.mark.parametrize(
    ("on", "counted", "offset", "happened", "told"),
    [
        ("kz.employment.job_ended", "ended_on", "P10D", -3, 7),
        ("kz.employment.job_ended", "ended_on", "P0D", 0, 0),
        ("kz.employment.job_ended", "ended_on", "-P7D", 45, 38),
        ("kz.tax.assessed", "pay_by", "-P60D", 120, 60),
    ],
)
def test_the_days_of_a_sample_can_be(on: str, counted: str, offset: str, happened: int, told: int) -> None:
    """No message is shown before the day on which its event is recorded, whatever it is counted from."""
    packs = list(map(pack_of, examine(list(shipped()))[0]))
    contents = [each.content for each in packs]
    catalogue, defaults = catalogue_of(contents), defaults_of(contents)
    [source] = [each for pack in packs for each in pack.triggers if each.name == "clinic_attachment"]
    due = {"one": {"from": f"event.{counted}", "offset": offset, "at": "13:00"}}
    plain = {"title", "owner", "category", "class", "channels"}
    rules = {name: each for name, each in source.rules.items() if name in plain} | {"on": on, "due": due}
    trigger = compile_trigger(source.name, rules, catalogue)
    previewer = Previewer(source, trigger, catalogue, defaults, NOON)
    adult = next(each for each in built_in(NOON.date()) if each.name == "adult")
    [message] = previewer.hear(adult, []).messages
    example = previewer.example(adult, "")
    assert example is not None
    assert [
        (day - previewer.today).days for day in (date.fromisoformat(example["data"][counted]), message.due.date())
    ] == [
        happened,
        told,
    ]
