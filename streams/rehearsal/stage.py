"""The stage of a rehearsal: one trigger alone, with the rules that would be in force if it were published."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from domain.core.ids import Names
from domain.rules.built_in_triggers import DIGEST
from domain.rules.event_types import Catalogue, EventType, Setting
from domain.rules.rulebook import Defaults, Rulebook, Version
from domain.rules.trigger_compiling import compile_trigger
from domain.rules.triggers import Trigger
from streams.intake.validation import Checker
from streams.rehearsal.case_model import PERSON
from streams.rules.in_force import Rules
from templates.checks.loader import Pack, TriggerSource
from templates.reading.catalogue import catalogue_of, defaults_of, live_from_of, pack_zone, stated_time
from templates.words.rendering import Renderer

OPENING, ROLE = "opening", "citizen"
"""The event type that sets a person's attributes at the start, and its only role."""
NAMES = Names(b"rehearsal")


class Stage(Struct, frozen=True, dict=True):
    """A trigger ready to be rehearsed, without the other triggers of its pack.

    `catalogue`: of all packs; persons are named `$child` instead of by a national id. `categories`: everything that a
    citizen of these packs can refuse or consent to.
    """

    source: TriggerSource
    trigger: Trigger
    catalogue: Catalogue
    defaults: Defaults
    checker: Checker
    live_from: datetime | None
    zone: ZoneInfo
    categories: frozenset[str]

    @cached_property
    def renderer(self) -> Renderer:
        """Return the trigger's words, compiled when they are first asked for: reading cases needs none."""
        return Renderer(
            self.source.words,
            self.source.rules,
            trigger=self.source.name,
            default=self.defaults.language,
            offices=self.catalogue.offices,
        )

    def rules(self, clock: datetime) -> Rules:
        """Return the rules with this trigger published at the clock's start, or earlier by its pack or reach."""
        start = clock if self.live_from is None else min(clock, self.live_from)
        reach, ahead = (stated_time(self.source.rules, key, start, self.zone) for key in ("reach", "ahead_from"))
        version = Version(self.trigger, self.source.hash, 1, reach, ahead)
        catalogue = replace(self.catalogue, types={**self.catalogue.types, OPENING: _opening(self.catalogue)})
        return Rules(
            catalogue=catalogue,
            defaults=self.defaults,
            rulebook=Rulebook(catalogue, self.defaults, NAMES, [version]),
            checker=self.checker,
            renderers={self.source.hash: self.renderer},
        )


def stages(packs: Sequence[Pack]) -> Iterator[Stage]:
    """Yield a stage for each trigger of the packs.

    Raises:
        NoDefaults: none of the packs says language, zone and quiet hours.
    """
    contents = [pack.content for pack in packs]
    catalogue, defaults = catalogue_of(contents), defaults_of(contents)
    checker = Checker(catalogue, NAMES, lambda person: re.fullmatch(PERSON, person) is not None)
    categories = frozenset({DIGEST} | {str(source.rules["category"]) for pack in packs for source in pack.triggers})
    for pack in packs:
        for source in pack.triggers:
            yield Stage(
                source,
                _at_once(compile_trigger(source.name, source.rules, catalogue)),
                catalogue,
                defaults,
                checker,
                live_from_of(pack.content),
                pack_zone(pack.content),
                categories,
            )


def _at_once(trigger: Trigger) -> Trigger:
    """Return the trigger without `smooth`, as the time within the span depends on an id that no case knows."""
    return replace(trigger, steps=tuple(replace(step, smooth=0) for step in trigger.steps))


def _opening(catalogue: Catalogue) -> EventType:
    """Return an event type that sets any attribute, so that a person's start is folded like everything else."""
    settings = tuple(Setting(name, path=f"event.{OPENING}.{name}") for name in catalogue.attributes)
    return EventType(
        name=OPENING,
        title={},
        agency="",
        subject=ROLE,
        roles={ROLE: False},
        fields={},
        sets={ROLE: settings},
        schema={},
    )
