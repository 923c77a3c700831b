"""The rules in force."""

from collections.abc import Mapping

from msgspec import Struct

from domain.nudges.settle import Controls
from domain.rules.event_types import Catalogue
from domain.rules.rulebook import Defaults, Rulebook
from streams.intake.validation import Checker
from streams.rules.governed import Governed
from templates.words.rendering import Renderer


class Rules(Struct, frozen=True):
    """The rules in force at one position of the log.

    `renderers`: version hash -> renderer of its messages; `governed`: the fold that all this was made from.
    """

    position: int
    catalogue: Catalogue
    defaults: Defaults
    rulebook: Rulebook
    controls: Controls
    checker: Checker
    renderers: Mapping[str, Renderer]
    governed: Governed
