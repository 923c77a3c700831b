"""habarshy diff: what changes between two versions of triggers, in terms of meaning."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Annotated, Any

import typer
from msgspec import Struct, to_builtins

from app.desk import desk
from app.options import AsJson, DatabaseUrl, KeyFile
from app.pack_paths import With, target_of
from app.terminal import Exit, data, data_json, stop
from domain.compiling import compile_trigger
from domain.governance import TriggerPublished, TriggerSubmitted
from domain.principals import require_reader
from templates.catalogue import catalogue_of
from templates.findings import closest
from templates.loader import TriggerSource, examine, pack_of
from templates.meaning import GROUPS, Change, Side, changes
from templates.rule_words import RuleWords

Old = Annotated[Path, typer.Argument(metavar="OLD", help="A trigger's folder, or a pack's.")]
New = Annotated[Path | None, typer.Argument(metavar="[NEW]", help="The same, newer; absent: OLD is the newer.")]
WIDTH = 100
SAME = "no difference in meaning"


class Version(Struct, frozen=True):
    """Packs as they were at one time: their contents, and the triggers to be compared."""

    contents: Sequence[Mapping[str, Any]]
    triggers: Mapping[str, TriggerSource]

    def side(self, name: str) -> Side:
        """One of the triggers, ready to be compared."""
        catalogue = catalogue_of(self.contents)
        source = self.triggers[name]
        titles = {type_.name: _english(type_.title) for type_ in catalogue.types.values()} | {
            f"citizen.{attribute}": _english(declared["title"])
            for content in self.contents for attribute, declared in (content.get("attributes") or {}).items()
        }  # fmt: skip
        titles["citizen.age"] = "Age"
        return Side(source, compile_trigger(name, source.rules, catalogue), RuleWords(titles))


def diff(
    old: Old, new: New = None, others: With = None, database: DatabaseUrl = None, key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Say what changes for citizens between two versions; with one folder, since what is published."""
    later = _read(new or old, others or [])
    earlier = _published(database, key_file, list(later.triggers)) if new is None else _read(old, others or [])
    if new is not None and target_of(new).trigger and target_of(old).trigger:
        earlier = _renamed(earlier, next(iter(later.triggers)))
    found = dict(compared(earlier, later))
    for trigger, differences in found.items():
        show(trigger, differences, as_json=as_json)
    if not found and not as_json:
        data(SAME)


def _read(path: Path, others: Sequence[Path]) -> Version:
    target = target_of(path)
    examined, report = examine([*others, target.pack])
    report.close()
    packs = [pack_of(files) for files in examined]
    mine = next(pack for pack, files in zip(packs, examined, strict=True)
                if files.folder.resolve() == target.pack.resolve())  # fmt: skip
    wanted = {source.name: source for source in mine.triggers if target.trigger in (None, source.name)}
    return Version([pack.content for pack in packs], wanted)


def _published(database: str | None, key_file: Path | None, names: Sequence[str]) -> Version:
    """What is published of these and is theirs to know who act; what is not stays out of a pack's."""
    with desk(database, key_file, make=True) as at:
        now, who = at.platform.governing.governed(), at.who
    known = {each.fact.trigger: each.fact for each in now.publications if not each.withdrawn}
    owners = {name: str(fact.rules["owner"]) for name, fact in known.items()}
    if len(names) == 1:
        [name] = names
        mine = [each for each, owner in owners.items() if who.may_read(owner)]
        if name not in known:
            meant = closest(name, mine)
            hint = f" (did you mean {meant!r}?)" if meant else ""
            stop(Exit.CHECK_FAILED, f"no published trigger is called {name!r}{hint}")
        require_reader(who, owners[name], name)
    return version_of(now.contents, [known[name] for name in names if name in known and who.may_read(owners[name])])


def version_of(
    contents: Sequence[Mapping[str, Any]], facts: Iterable[TriggerPublished | TriggerSubmitted]
) -> Version:  # fmt: skip
    """Packs and triggers as the log has them."""
    return Version(contents, {fact.trigger: _source(fact) for fact in facts})


def _source(fact: TriggerPublished | TriggerSubmitted) -> TriggerSource:
    words = {language: dict(texts) for language, texts in fact.words.items()}
    return TriggerSource(fact.trigger, dict(fact.rules), words, fact.hash)


def _renamed(version: Version, name: str) -> Version:
    """Two folders of one trigger are compared also where they are called differently."""
    return Version(version.contents, {name: next(iter(version.triggers.values()))})


def compared(old: Version, new: Version) -> Iterator[tuple[str, list[Change]]]:
    """Each trigger that is another afterwards, with what changes for citizens."""
    for name in sorted(old.triggers.keys() | new.triggers.keys()):
        if name not in new.triggers:
            yield name, [Change("who", "", "This trigger is gone.")]
        elif name not in old.triggers:
            yield name, [Change("who", "", f"This trigger is new. {_story(new.side(name))}")]
        elif differences := changes(old.side(name), new.side(name)):
            yield name, differences


def _story(side: Side) -> str:
    to = {} if side.trigger.turn is None else {"to": sorted(side.trigger.to)}  # what is unsaid is the benefit's
    return " ".join(side.words.sentences({**side.source.rules, **to}))


def show(trigger: str, differences: Sequence[Change], *, as_json: bool) -> None:
    """Print what changes in a trigger."""
    if as_json:
        for change in differences:
            data_json({"trigger": trigger, **to_builtins(change)})
        return
    data(trigger)
    for group in GROUPS:
        mine = [change for change in differences if change.group == group]
        for line in [f"  {group}", *(line for change in mine for line in _lines(change))] if mine else []:
            data(line)


def _lines(change: Change) -> list[str]:
    return wrap(change.sentence, WIDTH, initial_indent="    ", subsequent_indent="      ", break_long_words=False)


def _english(title: Mapping[str, str]) -> str:
    return title.get("en") or next(iter(title.values()))
