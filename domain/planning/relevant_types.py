"""Event types that can change a plan: a caller that plans again and again may skip all others."""

from collections.abc import Collection, Iterator

from domain.rules.benefits import stored_attribute
from domain.rules.event_types import HOME, ZONE, Catalogue, setting_types
from domain.rules.rulebook import Rulebook
from domain.rules.triggers import Trigger


def deciding_types(rulebook: Rulebook) -> frozenset[str] | None:
    """Return the types of which a new event may change what the rulebook plans; None: any may.

    An entitlement rests on whatever its benefit says, so any event may change it.
    """
    triggers = [version.trigger for version in rulebook.versions.values()]
    if any(trigger.entitlement is not None for trigger in triggers):
        return None
    deaths = set(rulebook.mortal)
    return frozenset(deaths.union(*(deciding(trigger, rulebook.catalogue) for trigger in triggers)))


def telling_types(rulebook: Rulebook) -> frozenset[str] | None:
    """Return the types of which a fact that nobody corrected may change a plan, its recipients or its words.

    None: any may. Besides what decides on the plan it is what sets something on a person. Where the law has an amount
    for what a trigger starts on, words may tell it, and it rests on whatever its benefit says.
    """
    deciding, catalogue = deciding_types(rulebook), rulebook.catalogue
    started = {version.trigger.on for version in rulebook.versions.values()}
    if deciding is None or any(benefit.on in started for benefit in catalogue.benefits.values()):
        return None
    return deciding | catalogue.personal


def starting_types(rulebook: Rulebook, names: Collection[str] | None = None) -> frozenset[str] | None:
    """Return the types that persons have a fact of about whom the rulebook may speak; None: it may speak to anybody.

    `names`: of the triggers that count (None: all). What happens to an area is in nobody's own history, and an
    entitlement about the person alone starts on no event.
    """
    versions = rulebook.versions.values()
    triggers = [version.trigger for version in versions if names is None or version.trigger.name in names]
    if any(trigger.alone or not trigger.to for trigger in triggers):
        return None
    return frozenset(trigger.on for trigger in triggers)


def changing_types(name: str, rulebook: Rulebook) -> frozenset[str] | None:
    """Return the types of which a fact may change what is planned of the trigger of that name; None: any may.

    The next plan may be by another version than the last. What is about the person alone begins with their first
    event, of whatever type.
    """
    triggers = [version.trigger for version in rulebook.versions.values() if version.trigger.name == name]
    if any(trigger.alone for trigger in triggers):
        return None
    return frozenset(rulebook.mortal).union(*(deciding(trigger, rulebook.catalogue) for trigger in triggers))


def deciding(trigger: Trigger, catalogue: Catalogue) -> Iterator[str]:
    """Yield the event types that may change the trigger's plan, besides deaths.

    An entitlement about the person alone also begins with the person's first event, of whatever type.
    """
    yield trigger.on
    yield from (unless.on for unless in trigger.unless)
    yield from (each.on for each in (trigger.needs.together if trigger.needs else ()))
    yield from trigger.answered_by
    read = {name for name in trigger.reads if name.startswith("citizen.")} | {ZONE}
    attributes = {stored_attribute(name) for name in (read if trigger.to else read | {HOME})}
    if trigger.entitlement is not None:
        yield from trigger.entitlement.benefit.had_by
        attributes |= trigger.entitlement.benefit.attributes
    yield from setting_types(catalogue, attributes)
