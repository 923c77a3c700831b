"""habarshy diff: what changes between two versions of triggers, or of packs, in terms of meaning."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import Annotated

import typer
from msgspec.structs import asdict

from app.cli.options import AsJson
from app.cli.pack_paths import With, examine_folders, target_of
from app.cli.platform_options import PlatformOptions
from app.cli.principal_session import principal_session
from app.packs.version_diff import Version, compared, version_of
from app.terminal import Exit, data, data_json, stop
from domain.facts.principals import require_reader
from templates.authoring.pack_diff import PACK_GROUPS, PackChange, pack_changes
from templates.authoring.trigger_diff import GROUPS, Change
from templates.checks.loader import pack_of
from templates.reading.findings import closest

Old = Annotated[Path, typer.Argument(metavar="OLD", help="The folder of a trigger or of a pack.")]
New = Annotated[
    Path | None,
    typer.Argument(metavar="NEW", help="The newer version; without it, OLD is compared with what is published."),
]
WIDTH = 100
SAME = "no difference in meaning"


def diff(old: Old, new: New = None, others: With = None, *, on: PlatformOptions, as_json: AsJson = False) -> None:
    """Show what changes for citizens between two versions, or since the published one."""
    later = _read(new or old, others or [])
    earlier = _published(on, later) if new is None else _read(old, others or [])
    if new is not None and target_of(new).trigger and target_of(old).trigger:
        earlier = _renamed(earlier, next(iter(later.triggers)))
    of_pack = [] if None in (earlier.pack, later.pack) else _of_pack(earlier, later)
    if of_pack:
        print_pack(str((later.pack or {})["pack"]), of_pack, as_json=as_json)
    found = dict(compared(earlier, later))
    for trigger, differences in found.items():
        show(trigger, differences, as_json=as_json)
    if not (found or of_pack or as_json):
        data(SAME)


def _read(path: Path, others: Sequence[Path]) -> Version:
    target = target_of(path)
    examined, report = examine_folders([*others, target.pack])
    report.close()
    packs = [pack_of(files) for files in examined]
    mine = next(
        pack for pack, files in zip(packs, examined, strict=True) if files.folder.resolve() == target.pack.resolve()
    )
    wanted = {source.name: source for source in mine.triggers if target.trigger in (None, source.name)}
    every = {source.name: source for pack in packs for source in pack.triggers}
    return Version([pack.content for pack in packs], wanted, every, None if target.trigger else mine.content)


def _published(on: PlatformOptions, later: Version) -> Version:
    """Return the published versions of these triggers that the caller may read.

    A pack's unpublished ones are left out.
    """
    with principal_session(on, make=True) as at:
        now, who = at.platform.rules.approval.governed(), at.who
    known = {each.fact.trigger: each.fact for each in now.publications if not each.withdrawn}
    owners = {name: str(fact.rules["owner"]) for name, fact in known.items()}
    readable = [fact for name, fact in known.items() if who.may_read(owners[name])]
    if len(later.triggers) == 1:
        [name] = later.triggers
        if name not in known:
            meant = closest(name, [fact.trigger for fact in readable])
            hint = f" (did you mean {meant!r}?)" if meant else ""
            stop(Exit.CHECK_FAILED, f"no published trigger is called {name!r}{hint}")
        require_reader(who, owners[name], name)
    same = [each for each in now.contents if later.pack is not None and each["pack"] == later.pack["pack"]]
    every = version_of(now.contents, readable).triggers
    triggers = {name: each for name, each in every.items() if name in later.triggers}
    return Version(now.contents, triggers, every, next(iter(same), None))


def _renamed(version: Version, name: str) -> Version:
    """Two folders of one trigger are compared also where they are called differently."""
    return Version(version.contents, {name: next(iter(version.triggers.values()))}, version.every)


def _of_pack(old: Version, new: Version) -> list[PackChange]:
    """Return the changes outside the triggers, each with the triggers that it concerns."""
    assert old.pack is not None
    assert new.pack is not None
    return pack_changes(old.pack_side(old.pack), new.pack_side(new.pack))


def print_pack(pack: str, differences: Sequence[PackChange], *, as_json: bool) -> None:
    """Print what changes in a pack outside its triggers, in sentences."""
    if as_json:
        for change in differences:
            data_json({"pack": pack, **asdict(change)})
        return
    data(f"pack {pack}")
    for group in PACK_GROUPS:
        mine = [change.sentence for change in differences if change.group == group]
        for line in [f"  {group}", *(line for sentence in mine for line in _wrapped(sentence))] if mine else []:
            data(line)


def show(trigger: str, differences: Sequence[Change], *, as_json: bool) -> None:
    """Print what changes in a trigger."""
    if as_json:
        for change in differences:
            data_json({"trigger": trigger, **asdict(change)})
        return
    data(trigger)
    for group in GROUPS:
        mine = [change for change in differences if change.group == group]
        for line in [f"  {group}", *(line for each in mine for line in _wrapped(each.sentence))] if mine else []:
            data(line)


def _wrapped(sentence: str) -> list[str]:
    return wrap(sentence, WIDTH, initial_indent="    ", subsequent_indent="      ", break_long_words=False)
