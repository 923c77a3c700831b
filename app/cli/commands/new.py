"""habarshy new: the files of a new trigger, or of a new pack, ready to be changed."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from app.cli.commands.preview import suggestion_among
from app.cli.pack_paths import Target, With, load_checked, other_packs, shipped_folder
from app.terminal import Exit, print_line, stop, talk
from domain.rules.built_in_triggers import DIGEST
from domain.rules.event_types import Catalogue, EventType, event_type_of
from templates.authoring.scaffold import Plan, first_type, pack_files, trigger_files
from templates.checks.loader import BUILT_IN, pack_of
from templates.checks.sense_check import ANSWERS
from templates.reading.catalogue import NoDefaults, catalogue_of, defaults_of
from templates.reading.files import PackFiles
from templates.reading.value_kinds import NAME

LONGEST_NAME = 100
_TAKEN = {False: (DIGEST,), True: (BUILT_IN, "null", "true", "false")}
"""Names of triggers, and of packs (True), that lint refuses: the platform's own, and words of YAML."""

Where = Annotated[Path, typer.Argument(metavar="PACK/TRIGGER_NAME", help="The folder to create; it must not exist.")]
On = Annotated[str | None, typer.Option("--on", metavar="EVENT_TYPE", help="The event type on which it starts.")]
Owner = Annotated[str | None, typer.Option("--owner", metavar="AGENCY", help="The agency that owns the trigger.")]
AsPack = Annotated[bool, typer.Option("--pack", help="Create a whole pack in that folder.")]


def new(where: Where, on: On = None, owner: Owner = None, others: With = None, as_pack: AsPack = False) -> None:
    """Create a trigger (or, with --pack, a pack) that passes lint and test."""
    if not re.fullmatch(NAME, where.name):
        stop(
            Exit.USAGE, f"{where.name!r}: a name has small Latin letters, digits and underscores, as in lost_passport"
        )
    if len(where.name) > LONGEST_NAME:
        stop(Exit.USAGE, f"the name has {len(where.name)} characters; give it {LONGEST_NAME} at most")
    if where.name in _TAKEN[as_pack]:
        stop(Exit.USAGE, f"{where.name!r}: this name is taken; choose another")
    if where.exists():
        stop(Exit.USAGE, f"{where}: this is here already, and is left as it is")
    if as_pack:
        _write(where, pack_files(where.name, _schemas(where)))
        talk(f"next: habarshy new {where}/my_trigger")
        return
    if not (where.parent / "pack.yaml").is_file():
        stop(Exit.USAGE, f"{where.parent}: there is no pack here; make one with habarshy new --pack {where.parent}")
    _write(where, trigger_files(_plan(where, on, owner, others)))
    packs = " ".join(map(str, (*(others or ()), where.parent)))
    more = "".join(f" --with {each}" for each in others or ())
    talk(f"next: habarshy test {packs} --only {where.name}, habarshy preview {where}{more}")


def _plan(where: Path, on: str | None, owner: str | None, others: list[Path] | None) -> Plan:
    mine, examined = load_checked(Target(where.parent, None), others)
    contents = [pack_of(files).content for files in examined]
    catalogue = catalogue_of(contents)
    agencies = {name for content in contents for name in content.get("agencies") or ()}
    if owner is not None and owner not in agencies:
        stop(Exit.USAGE, f"--owner: no agency is called {owner!r} ({suggestion_among(owner, sorted(agencies))})")
    type_ = _type(on, catalogue, mine)
    try:
        defaults = defaults_of(contents)
    except NoDefaults as missing:
        stop(Exit.CHECK_FAILED, str(missing))
    owner = owner or _owner(type_, pack_of(mine).content.get("agencies") or {})
    return Plan(where.name, type_, owner, frozenset(catalogue.attributes), defaults, _schemas(where))


def _owner(type_: EventType, mine: Mapping[str, object]) -> str:
    """Return the pack's only agency, where the event is reported by another pack's."""
    return next(iter(mine)) if type_.agency not in mine and len(mine) == 1 else type_.agency


def _type(on: str | None, catalogue: Catalogue, files: PackFiles) -> EventType:
    if on is None:
        declared = [event_type_of(event) for event in pack_of(files).content["events"]]
        found = first_type(declared)
        if found is None:
            stop(Exit.USAGE, "--on: this pack has no event type about a person; say which one starts the trigger")
        talk(f"it starts on {found.name}; --on names another")
        return found
    if on in ANSWERS:
        stop(Exit.USAGE, f"--on: answering any message gives {on}, so a message about it would never end")
    if on not in catalogue.types:
        pack = other_packs([files.folder]).pack_with(on)
        hint = (
            suggestion_among(on, sorted(catalogue.types)) if pack is None else f"it is in another pack: --with {pack}"
        )
        stop(Exit.USAGE, f"--on: no event type is called {on!r} ({hint})")
    return catalogue.types[on]


def _schemas(where: Path) -> str:
    """Return the path of the schemas relative to a folder, so that it holds on a colleague's machine too."""
    return os.path.relpath(shipped_folder(), where.resolve())


def _write(folder: Path, files: Mapping[str, str]) -> None:
    try:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print_line(str(path))
    except OSError as error:
        stop(Exit.USAGE, f"{folder}: this cannot be written: {error.strerror}")
