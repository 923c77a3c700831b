"""Owners of packs and triggers, and the checks that keep one agency from taking over another's."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from domain.core.translatable import Words
from domain.facts.governance import PackSubmitted, TriggerSubmitted
from domain.facts.principals import NotAllowed, Principal
from domain.facts.submissions import Subject
from streams.rules.aggregates import owner_of
from streams.rules.governed import Governed
from templates.checks.loader import Pack

_DECLARING = ("agencies", "attributes", "parameters", "benefits")


class OtherPack(ValueError):
    """Raised when triggers are submitted with a pack.yaml that differs from the published pack."""


def check_names_are_free(before: Governed, fact: PackSubmitted | TriggerSubmitted) -> None:
    """Check that the pack declares no name that another published pack declares. Raises NotAllowed where it does."""
    if not isinstance(fact, PackSubmitted):
        return
    mine = set(_declared(fact.content))
    for name, pack in before.packs.items():
        if name != fact.pack and (taken := sorted(mine.intersection(_declared(pack.content)))):
            group, declared = taken[0]
            raise NotAllowed(
                Words(
                    "{declared!r} ({group}) is declared by the pack {pack}; give yours another name",
                    declared=declared,
                    group=group,
                    pack=name,
                )
            )


def check_packs_hold(before: Governed, packs: Sequence[Pack], wanted: Sequence[Subject]) -> None:
    """Check that wanted triggers come with a pack that is wanted too, is as published, or is not published yet.

    Raises:
        OtherPack: a trigger would be checked against a pack.yaml that is not the published one.
    """
    for pack in packs:
        triggers = [trigger.name for trigger in pack.triggers if Subject("trigger", trigger.name) in wanted]
        holds = before.packs.get(pack.name)
        if triggers and holds is not None and holds.hash != pack.hash and Subject("pack", pack.name) not in wanted:
            keys = sorted({*holds.content, *pack.content})
            parts = ", ".join(key for key in keys if holds.content.get(key) != pack.content.get(key))
            raise OtherPack(
                f"The pack {pack.name} here is not as published ({parts}), so {', '.join(triggers)} would be checked"
                " by what does not hold. Make pack.yaml and what stands beside it as it is published, or submit the"
                " whole pack; a shared one is an operator's to submit."
            )


def _declared(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from (("events", str(event["type"])) for event in content["events"])
    for group in _DECLARING:
        yield from ((group, str(name)) for name in content.get(group) or ())


def mine_of(before: Governed, pack: Pack, who: Principal) -> tuple[list[Subject], list[Subject]]:
    """Return the new subjects of a pack: those that the principal may submit, and those that belong to others."""
    owned = [(Subject("pack", pack.name), owner_of(pack.content), pack.hash)]
    owned += [
        (Subject("trigger", trigger.name), str(trigger.rules["owner"]), trigger.hash) for trigger in pack.triggers
    ]
    new = [(about, owner) for about, owner, hash_ in owned if before.hash_of(about) != hash_]
    theirs = [about for about, owner in new if owner != who.agency and (owner or not who.operator)]
    return [about for about, _ in new if about not in theirs], theirs
