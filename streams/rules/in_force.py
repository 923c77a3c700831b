"""The rules in force."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from domain.core.ids import Names
from domain.facts.governance import TriggerPublished
from domain.nudges.settle import Controls
from domain.rules.event_types import Catalogue
from domain.rules.rulebook import Defaults, Rulebook
from streams.intake.validation import Checker
from streams.rules.governed import Governed, governed
from templates.reading.catalogue import catalogue_of, defaults_of
from templates.words.renderers import Renderers, Source
from templates.words.rendering import Renderer


class Rules(Struct, frozen=True, kw_only=True):
    """The rules in force at one position of the log.

    `renderers`: version hash -> renderer of its messages; `governed`: the fold that all this was made from. A draft's
    rules, which never were in force, have no position, no switches and no such fold.
    """

    catalogue: Catalogue
    defaults: Defaults
    rulebook: Rulebook
    checker: Checker
    renderers: Mapping[str, Renderer]
    position: int = 0
    controls: Controls = Controls()
    governed: Governed = governed([])


def rulebook_of(now: Governed, names: Names) -> Rulebook:
    """Return the rulebook of what was published by then."""
    catalogue = catalogue_of(now.contents)
    versions = [publication.version(catalogue) for publication in now.publications]
    return Rulebook(catalogue, defaults_of(now.contents), names, versions)


def renderers_of(facts: Iterable[TriggerPublished], catalogue: Catalogue, defaults: Defaults) -> Renderers:
    """Return the renderers of these published versions, by their hashes."""
    sources = {fact.hash: Source(fact.trigger, fact.words, fact.rules) for fact in facts}
    return Renderers(sources, defaults.language, catalogue.offices)
