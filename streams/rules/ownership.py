"""Whose a pack or a trigger is, and what keeps one agency from taking over what belongs to another."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from domain.facts.governance import PackSubmitted, TriggerSubmitted
from domain.facts.principals import NotAllowed, Principal, Role, require
from domain.facts.submissions import Subject, Submission
from streams.rules.governed import Governed
from templates.checks.loader import Pack

_DECLARING = ("agencies", "attributes", "parameters", "benefits")


class OtherPack(ValueError):
    """The pack {pack} here is not as published ({parts}), so {triggers} would be checked by what does not hold.

    Make pack.yaml and what stands beside it as it is published, or submit the whole pack; a shared one is an
    operator's to submit.
    """

    def __init__(self, pack: str, parts: Iterable[str], triggers: Iterable[str]) -> None:
        text = " ".join((type(self).__doc__ or "").split())
        super().__init__(text.format(pack=pack, parts=", ".join(parts), triggers=", ".join(triggers)))


def owner_of(content: Mapping[str, Any]) -> str:
    """The only agency that a pack declares; empty where several share it, or where it says who may warn of danger.

    Both are for operators to decide: no agency gives itself the right to wake a country.
    """
    if content.get("emergencies"):
        return ""
    agencies = list(content.get("agencies") or ())
    return str(agencies[0]) if len(agencies) == 1 else ""


def check_owner_stays(before: Governed, submission: Submission, who: Principal) -> None:
    """Nothing, if what has that name now is the principal's too: nobody takes over by writing another owner.

    A pack that is to say who may warn of danger becomes the operators' by that: they may do it to an agency's pack.

    Raises:
        NotAllowed: it is another agency's.
    """
    about, fact = submission.about, submission.fact
    if isinstance(fact, PackSubmitted) and fact.content.get("emergencies") and who.operator:
        return
    for owner in owners_of(before, about):
        if owner != submission.owner:
            require(who, Role.AUTHOR, owner, str(about))
            if not who.operator:
                raise NotAllowed(f"{about} would get another owner, which only an operator may give it")


def owners_of(before: Governed, about: Subject) -> Iterator[str]:
    """Whose the name is: of what is published under it, and of what was submitted last."""
    if about.kind == "pack":
        pack = before.packs.get(about.name)
        yield from () if pack is None else (owner_of(pack.content),)
    else:
        known = [each.fact for each in before.publications if each.fact.trigger == about.name]
        yield from (str(fact.rules["owner"]) for fact in known[-1:])
    yield from (each.owner for each in before.submitted.get(about, ())[-1:])


def check_names_are_free(before: Governed, fact: PackSubmitted | TriggerSubmitted) -> None:
    """Nothing, if the pack declares nothing that another published pack does.

    Raises:
        NotAllowed: it would change what is not its own.
    """
    if not isinstance(fact, PackSubmitted):
        return
    mine = set(_declared(fact.content))
    for name, pack in before.packs.items():
        if name != fact.pack and (taken := sorted(mine.intersection(_declared(pack.content)))):
            group, declared = taken[0]
            raise NotAllowed(f"{declared!r} ({group}) is declared by the pack {name}; give yours another name")


def check_packs_hold(before: Governed, packs: Sequence[Pack], wanted: Sequence[Subject]) -> None:
    """Nothing, if triggers are wanted only of packs that are wanted too, or are as published, or not published yet.

    Raises:
        OtherPack: an author would check a trigger by a pack.yaml of their own.
    """
    for pack in packs:
        triggers = [each.name for each in pack.triggers if Subject("trigger", each.name) in wanted]
        holds = before.packs.get(pack.name)
        if triggers and holds is not None and holds.hash != pack.hash and Subject("pack", pack.name) not in wanted:
            keys = sorted({*holds.content, *pack.content})
            raise OtherPack(
                pack.name, [key for key in keys if holds.content.get(key) != pack.content.get(key)], triggers
            )


def _declared(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from (("events", str(event["type"])) for event in content["events"])
    for group in _DECLARING:
        yield from ((group, str(name)) for name in content.get(group) or ())


def mine_of(before: Governed, pack: Pack, who: Principal) -> tuple[list[Subject], list[Subject]]:
    """What is new in a pack: what is the principal's to submit, and what belongs to others."""
    owned = [(Subject("pack", pack.name), owner_of(pack.content), pack.hash)]
    owned += [(Subject("trigger", each.name), str(each.rules["owner"]), each.hash) for each in pack.triggers]
    new = [(about, owner) for about, owner, hash_ in owned if before.hash_of(about) != hash_]
    theirs = [about for about, owner in new if owner != who.agency and (owner or not who.operator)]
    return [about for about, _ in new if about not in theirs], theirs
