"""Paths of packs and triggers on the command line."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

import templates
from app.terminal import Exit, stop
from templates.checks.loader import examine, shipped
from templates.checks.other_packs import Elsewhere
from templates.reading.files import PackFiles
from templates.reading.findings import Report, closest

With = Annotated[list[Path] | None, typer.Option("--with", metavar="PACK", help="Another pack that it depends on.")]


class Target(NamedTuple):
    """A pack's folder, and one trigger of it; None: the whole pack."""

    pack: Path
    trigger: str | None


def target_of(path: Path) -> Target:
    """Return the pack or the trigger in a folder; anything else ends the command with exit 2."""
    if not is_folder(path):
        stop(Exit.USAGE, f"{path}: no such folder{_suggestion(path)}")
    if (path / "pack.yaml").is_file():
        return Target(path, None)
    if not (path / "trigger.yaml").is_file():
        stop(Exit.USAGE, f"{path}: neither trigger.yaml nor pack.yaml is in this folder")
    folder = path.resolve()
    if not (folder.parent / "pack.yaml").is_file():
        stop(Exit.USAGE, f"{path}: there is no pack.yaml beside this trigger")
    return Target(path.parent if path.name else folder.parent, folder.name)


def examine_folders(folders: Sequence[Path]) -> tuple[list[PackFiles], Report]:
    """Return the packs in these folders, and all that is to be said of them.

    Also which other pack has what they lack.
    """
    return examine(folders, other_packs(folders))


def load_checked(target: Target, others: Iterable[Path] | None) -> tuple[PackFiles, list[PackFiles]]:
    """Return the pack of the target, and it with those that it depends on, in which lint finds no error.

    Raises:
        BrokenPack: it finds some.
    """
    examined, report = examine_folders([*(target_of(other).pack for other in others or ()), target.pack])
    report.close()
    return next(each for each in examined if each.folder.resolve() == target.pack.resolve()), examined


def other_packs(folders: Sequence[Path]) -> Elsewhere:
    """Return the packs beside these, and those that are shipped."""
    return Elsewhere(_others(folders), folders)


def _others(folders: Sequence[Path]) -> Iterator[Path]:
    """Yield the packs nearby and the shipped ones as one would type them, without the folders themselves."""
    known, here = {folder.resolve() for folder in folders}, Path.cwd()
    around = (folder.parent if folder.name not in ("", "..") else folder.resolve().parent for folder in folders)
    near = (path.parent for parent in around for path in sorted(parent.glob("*/pack.yaml")))
    ours = (path.relative_to(here) if path.is_relative_to(here) else path for path in shipped())
    for folder in (*near, *ours):
        if folder.resolve() not in known:
            known.add(folder.resolve())
            yield folder


def is_folder(path: Path) -> bool:
    """Return True for a folder; a name too long for a path is none."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _suggestion(path: Path) -> str:
    beside = [each.name for each in path.parent.iterdir() if each.is_dir()] if is_folder(path.parent) else []
    found = closest(path.name, beside)
    return "" if found is None else f" (did you mean '{path.parent / found}'?)"


def shipped_folder() -> Path:
    """Return the folder of the shipped packs, in which the schemas for editors are too."""
    return Path(str(templates.__file__)).resolve().parent
