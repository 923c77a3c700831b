"""habarshy diff: what changes between two versions of triggers, or of packs, in terms of meaning."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Annotated

import typer
from msgspec.structs import asdict

from app.cli.options import AsJson
from app.cli.pack_paths import With, load_checked, target_of
from app.cli.platform_options import PlatformOptions
from app.cli.principal_session import principal_session
from app.packs.version_diff import Version, changed_triggers, version_of
from app.terminal import Exit, print_json, print_line, stop
from domain.facts.principals import require_reader
from templates.authoring.pack_diff import PACK_GROUPS, PackChange, pack_changes
from templates.authoring.trigger_diff import GROUPS, Change
from templates.checks.loader import pack_of
from templates.reading.findings import hint

Old = Annotated[Path, typer.Argument(metavar="OLD", help="The folder of a trigger or of a pack.")]
New = Annotated[
    Path | None,
    typer.Argument(metavar="NEW", help="The newer version; without it, OLD is compared with what is published."),
]
WIDTH = 100
SAME = "no difference in meaning"


def diff(old: Old, new: New = None, others: With = None, *, on: PlatformOptions, as_json: AsJson = False) -> None:
    """Show what changes for citizens between two versions, or since the published one."""
    later = _read(new or old, others)
    earlier = _published(on, later) if new is None else _read(old, others)
    if new is not None and target_of(new).trigger and target_of(old).trigger:
        earlier = _renamed(earlier, next(iter(later.triggers)))
    of_pack = []
    if earlier.pack is not None and later.pack is not None:
        of_pack = pack_changes(earlier.pack_side(earlier.pack), later.pack_side(later.pack))
        if of_pack:
            print_pack(str(later.pack["pack"]), of_pack, as_json=as_json)
    found = dict(changed_triggers(earlier, later))
    for trigger, differences in found.items():
        print_trigger(trigger, differences, as_json=as_json)
    if not (found or of_pack or as_json):
        print_line(SAME)


def _read(path: Path, others: Sequence[Path] | None) -> Version:
    target = target_of(path)
    files, examined = load_checked(target, others)
    mine, packs = pack_of(files), [pack_of(each) for each in examined]
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
            meant = hint(name, [fact.trigger for fact in readable])
            stop(Exit.CHECK_FAILED, f"no published trigger is called {name!r}{meant}")
        require_reader(who, owners[name], name)
    same = [each for each in now.contents if later.pack is not None and each["pack"] == later.pack["pack"]]
    every = version_of(now.contents, readable).triggers
    triggers = {name: each for name, each in every.items() if name in later.triggers}
    return Version(now.contents, triggers, every, next(iter(same), None))


def _renamed(version: Version, name: str) -> Version:
    """Two folders of one trigger are compared also where they are called differently."""
    return Version(version.contents, {name: next(iter(version.triggers.values()))}, version.every)


def print_pack(pack: str, differences: Sequence[PackChange], *, as_json: bool) -> None:
    """Print what changes in a pack outside its triggers, in sentences."""
    _print("pack", pack, PACK_GROUPS, differences, as_json=as_json)


def print_trigger(trigger: str, differences: Sequence[Change], *, as_json: bool) -> None:
    """Print what changes in a trigger."""
    _print("trigger", trigger, GROUPS, differences, as_json=as_json)


def _print(
    what: str, name: str, groups: Iterable[str], differences: Sequence[Change | PackChange], *, as_json: bool
) -> None:
    """Print the changes as JSON; else the sentences of each group under its name."""
    if as_json:
        for change in differences:
            print_json({what: name, **asdict(change)})
        return
    print_line(name if what == "trigger" else f"{what} {name}")
    for group in groups:
        if mine := [change.sentence for change in differences if change.group == group]:
            print_line(f"  {group}")
            for line in (line for sentence in mine for line in _wrapped(sentence)):
                print_line(line)


def _wrapped(sentence: str) -> list[str]:
    return wrap(sentence, WIDTH, initial_indent="    ", subsequent_indent="      ", break_long_words=False)
