"""The keys of the trigger language, and what the parts of the product that tell keys apart have to know of each.

templates/reading/trigger_shapes.py has their shapes. CONTRIBUTING.md says what else a new key needs.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple


class TriggerKey(NamedTuple):
    """A key of trigger.yaml.

    `alike`: a trigger with it still lets residents share one plan of an area event if they are equal by
    domain/planning/area_plan_sharing.py; otherwise each resident has a plan of their own.

    `told`: a sentence of the rule tells it (templates/authoring/rule_sentences.py). `compiled`: its value can
    contradict the catalogue. `usual`: its value where the file does not say it.
    """

    alike: bool
    told: bool
    compiled: bool
    usual: Any = None


KEYS: Mapping[str, TriggerKey] = {
    "title": TriggerKey(alike=True, told=False, compiled=False),
    "owner": TriggerKey(alike=True, told=False, compiled=False),
    "legal_basis": TriggerKey(alike=True, told=False, compiled=False),
    "category": TriggerKey(alike=True, told=False, compiled=False),
    "class": TriggerKey(alike=True, told=False, compiled=False),
    "on": TriggerKey(alike=True, told=True, compiled=True),
    "when": TriggerKey(alike=True, told=True, compiled=True),
    "with": TriggerKey(alike=False, told=True, compiled=True),
    "in_order": TriggerKey(alike=False, told=True, compiled=True, usual=False),
    "count": TriggerKey(alike=False, told=True, compiled=True),
    "to": TriggerKey(alike=True, told=True, compiled=True),
    "residents_at": TriggerKey(alike=True, told=False, compiled=True, usual="event"),
    "occurrence": TriggerKey(alike=True, told=False, compiled=True),
    "due": TriggerKey(alike=True, told=True, compiled=True),
    "smooth": TriggerKey(alike=True, told=False, compiled=True),
    "reach": TriggerKey(alike=True, told=False, compiled=False),
    "ahead_from": TriggerKey(alike=True, told=False, compiled=False),
    "unless": TriggerKey(alike=True, told=True, compiled=True),
    "expires": TriggerKey(alike=True, told=True, compiled=True),
    "act_by": TriggerKey(alike=True, told=False, compiled=True),
    "catch_up": TriggerKey(alike=True, told=False, compiled=False, usual="latest"),
    "channels": TriggerKey(alike=True, told=False, compiled=False),
    "cascade_after": TriggerKey(alike=True, told=False, compiled=False),
    "cascade": TriggerKey(alike=True, told=False, compiled=False),
    "minors": TriggerKey(alike=True, told=False, compiled=False, usual="guardians"),
    "discreet": TriggerKey(alike=True, told=False, compiled=False, usual=False),
    "actions": TriggerKey(alike=True, told=False, compiled=False),
    "replies": TriggerKey(alike=False, told=True, compiled=True),
    "correction": TriggerKey(alike=True, told=False, compiled=False, usual=False),
}
STEP_KEYS: Mapping[str, bool] = {
    "from": True,
    "offset": True,
    "on": True,
    "at": True,
    "when": True,
    "working_days": False,
    "on_working_day": False,
    "repeat": False,
    "smooth": True,
}
UNLESS_KEYS: Mapping[str, bool] = {"on": True, "when": True, "within": True, "grace": True}
"""The keys of a step and of an `unless`, each with its `alike`."""
TOLD_KEYS: frozenset[str] = frozenset(name for name, key in KEYS.items() if key.told)


def value_of(rules: Mapping[str, Any], key: str) -> Any:  # noqa: ANN401  (of any shape)
    """Return what the rules say for a key, or what it is unless they say it; None for a key of no table."""
    return rules.get(key, KEYS[key].usual if key in KEYS else None)
