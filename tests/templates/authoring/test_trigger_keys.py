"""Every key of the trigger language stands in each list that tells keys apart, or is left out with a reason."""

from typing import Any

import pytest

from domain.rules.trigger_keys import KEYS, STEP_KEYS, TOLD_KEYS, UNLESS_KEYS
from templates.authoring.rule_sentences import RuleWords
from templates.authoring.trigger_diff import SENTENCES
from templates.authoring.trigger_form import parts_of
from templates.reading.trigger_shapes import StepShape, TriggerShape, UnlessShape
from templates.reading.value_kinds import Shape


def keys_of(shape: type[Shape]) -> set[str]:
    """The keys that may be written."""
    return {field.alias or name for name, field in shape.model_fields.items()}


WRITTEN = keys_of(TriggerShape)
NO_FIELD = {
    "owner": "nobody gives a trigger away in a form",
    "with": "shown as sentences",
    "in_order": "as `with`",
    "residents_at": "shown as a sentence",
    "replies": "shown as sentences",
}
"""Keys that no field of the form holds: it shows them, and they are changed in the file."""
COMPILED = {"on", "when", "to", "occurrence", "due", "unless", "expires"}
"""Keys that a comparison tells as they are compiled, since two texts may mean the same."""
BY_NAME = {"with", "in_order", "count", "residents_at", "smooth"}
"""Keys that a comparison has no sentence for: it tells them by their names."""
RULES: dict[str, Any] = {
    "on": "a.b",
    "when": "citizen.age > 3",
    "with": [{"on": "c.d", "within": "P1D"}],
    "in_order": True,
    "count": {"nth": 2, "within": "P1D"},
    "to": "mother",
    "due": {"now": {"at": "09:00"}},
    "unless": [{"on": "e.f"}],
    "replies": {"1": "g.h"},
    "expires": "P1D",
}


class Reading(dict[str, Any]):
    """Rules that know which of their keys were read."""

    def __init__(self, rules: dict[str, Any]) -> None:
        super().__init__(rules)
        self.read: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self.read.add(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """The same, or the default."""
        self.read.add(key)
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self.read.add(str(key))
        return super().__contains__(key)


def test_the_table_has_every_key_and_no_other() -> None:
    """Planning, the check and the sentences of a rule know of each key what they have to."""
    assert set(KEYS) == WRITTEN
    assert set(STEP_KEYS) == keys_of(StepShape)
    assert set(UNLESS_KEYS) == keys_of(UnlessShape)


def test_every_key_has_a_field_or_says_why_not() -> None:
    """The form of a rule leaves out a key for a reason only."""
    rules = {"due": {"now": None}, "unless": [{}], "actions": [{"id": "pay", "url": ""}]}
    assert {str(part.path[0]) for part in parts_of(rules, ("en",))} | NO_FIELD.keys() == WRITTEN


def test_a_comparison_tells_every_key() -> None:
    """Each key has a sentence of its own, is compared as it is compiled, or is told by its name."""
    told = [*SENTENCES, *COMPILED, *BY_NAME]
    assert sorted(told) == sorted(WRITTEN)


def test_the_sentences_of_a_rule_read_the_keys_that_the_table_says() -> None:
    """What a sentence tells is in the rule that a citizen reads, and nothing else is."""
    rules = Reading(RULES)
    list(RuleWords({}).sentences(rules))
    assert rules.read == TOLD_KEYS


@pytest.mark.parametrize("key", sorted(TOLD_KEYS - {"on", "due"}))
def test_each_of_these_keys_changes_the_sentences(key: str) -> None:
    """A key that is said to be told is told."""
    without = {name: value for name, value in RULES.items() if name != key}
    assert list(RuleWords({}).sentences(without)) != list(RuleWords({}).sentences(RULES))
