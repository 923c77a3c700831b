"""The rules that would be in force if a draft were published at some moment, and nothing of it had been before."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from domain.benefits import BadBenefit
from domain.event_types import Catalogue
from domain.governance import TriggerPublished, TriggerSubmitted
from domain.ids import Names
from domain.rulebook import Defaults, Rulebook, Version
from domain.settle import Controls
from domain.triggers import BadTrigger
from streams.checking import Checker
from streams.governed import Governed, Publication, governed
from streams.publishing import publication
from streams.rules import Rules
from templates.catalogue import catalogue_of, defaults_of
from templates.loader import TriggerSource
from templates.renderers import Renderers, Source

NOBODY = "draft"


class DoesNotFit(Exception):
    """{name} does not work with the event types of the draft and of what is published ({problem}). {remedy}."""

    def __init__(self, name: str, problem: Exception, *, of_the_draft: bool) -> None:
        remedy = (
            "Publish what it needs of other packs first"
            if of_the_draft
            else "Keep in the draft's pack what it reads, or play the draft alone, without --with-caps"
        )
        super().__init__((type(self).__doc__ or "").format(name=name, problem=problem, remedy=remedy))


class Draft(Struct, frozen=True):
    """Triggers of one pack, and what the pack says besides them."""

    pack: str
    content: Mapping[str, Any]
    triggers: tuple[TriggerSource, ...]

    @staticmethod
    def published(fact: TriggerPublished, content: Mapping[str, Any]) -> "Draft":
        """A trigger as it is in force, in its pack."""
        return Draft(fact.pack, content, (_source(fact),))

    @property
    def names(self) -> frozenset[str]:
        """The names of its triggers."""
        return frozenset(each.name for each in self.triggers)


def live(draft: Draft, now: Governed) -> Draft:
    """The same triggers as they are in force, as far as they are, with what their pack says now."""
    found = [fact for name in sorted(draft.names) if (fact := now.current(name)) is not None]
    pack = now.packs.get(draft.pack)
    return Draft(draft.pack, draft.content if pack is None else pack.content, tuple(map(_source, found)))


def _source(fact: TriggerPublished) -> TriggerSource:
    return TriggerSource(fact.trigger, dict(fact.rules), dict(fact.words), fact.hash)


def rules_with(
    draft: Draft,
    now: Governed,
    at: datetime,
    names: Names,
    *,
    others: bool = False,
    besides: frozenset[str] = frozenset(),
) -> Rules:
    """The rules with the draft published at that moment; `others`: beside it, what else is in force of packs.

    What else is in force counts as having been so before that moment: it looks ahead from there. `besides`: triggers
    that are none of the others although the draft has them not.

    Raises:
        DoesNotFit: a trigger, or a benefit, does not work with these event types.
        NoDefaults: no pack says language, zone and quiet hours.
    """
    contents = {**{pack.pack: pack.content for pack in now.packs.values()}, draft.pack: draft.content}
    every = list(contents.values())
    catalogue, defaults = _catalogue(every), defaults_of(every)
    facts = [_published(each, draft, at) for each in draft.triggers]
    if others:
        facts += [_running(each, at) for each in _current(now) if each.trigger not in draft.names | besides]
    versions = [_version(Publication(0, fact), catalogue, draft) for fact in facts]
    return _rules(facts, versions, catalogue, defaults, names)


def _catalogue(contents: Sequence[Mapping[str, Any]]) -> Catalogue:
    try:
        return catalogue_of(contents)
    except BadBenefit as bad:
        raise DoesNotFit(str(bad.path[0]), bad, of_the_draft=True) from None


def _version(publication: Publication, catalogue: Catalogue, draft: Draft) -> Version:
    name = publication.fact.trigger
    try:
        return publication.version(catalogue)
    except BadTrigger as bad:
        raise DoesNotFit(name, bad, of_the_draft=name in draft.names) from None


def _published(source: TriggerSource, draft: Draft, at: datetime) -> TriggerPublished:
    owner = str(source.rules["owner"])
    submitted = TriggerSubmitted(at, NOBODY, draft.pack, source.name, owner, source.hash, source.rules, source.words)
    return publication(submitted, draft.content, governed([]), NOBODY, at)


def _current(now: Governed) -> list[TriggerPublished]:
    names = dict.fromkeys(each.fact.trigger for each in now.publications)
    return [fact for name in names if (fact := now.current(name)) is not None]


def _running(fact: TriggerPublished, at: datetime) -> TriggerPublished:
    return replace(fact, reach=min(fact.reach, at), ahead_from=max(fact.ahead_from, at), share=1.0)


def _rules(
    facts: Sequence[TriggerPublished],
    versions: Sequence[Version],
    catalogue: Catalogue,
    defaults: Defaults,
    names: Names,
) -> Rules:
    sources = {fact.hash: Source(fact.trigger, fact.words, fact.rules) for fact in facts}
    return Rules(
        position=0,
        catalogue=catalogue,
        defaults=defaults,
        rulebook=Rulebook(catalogue, defaults, names, versions),
        controls=Controls(),
        checker=Checker(catalogue, names, bool),
        governed=governed([]),
        renderers=Renderers(sources, defaults.language),
    )
