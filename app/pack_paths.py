"""Paths of packs and triggers on the command line."""

from pathlib import Path
from typing import Annotated, NamedTuple

import typer

import templates
from app.terminal import Exit, stop
from templates.findings import closest

With = Annotated[list[Path] | None, typer.Option("--with", metavar="PACK", help="Another pack that it needs.")]


class Target(NamedTuple):
    """A pack's folder, and one trigger of it; None: the whole pack."""

    pack: Path
    trigger: str | None


def target_of(path: Path) -> Target:
    """The pack or the trigger in a folder; anything else ends the command with exit 2."""
    if not is_folder(path):
        stop(Exit.USAGE, f"{path}: no such folder{_meant(path)}")
    if (path / "pack.yaml").is_file():
        return Target(path, None)
    if not (path / "trigger.yaml").is_file():
        stop(Exit.USAGE, f"{path}: neither trigger.yaml nor pack.yaml is in this folder")
    folder = path.resolve()
    if not (folder.parent / "pack.yaml").is_file():
        stop(Exit.USAGE, f"{path}: there is no pack.yaml beside this trigger")
    return Target(path.parent if path.name else folder.parent, folder.name)


def is_folder(path: Path) -> bool:
    """Whether there is a folder; what is too long for a path is none."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _meant(path: Path) -> str:
    beside = [each.name for each in path.parent.iterdir() if each.is_dir()] if is_folder(path.parent) else []
    found = closest(path.name, beside)
    return "" if found is None else f" (did you mean '{path.parent / found}'?)"


def beside() -> Path:
    """The folder of the shipped packs, in which the schemas for editors are too."""
    return Path(str(templates.__file__)).resolve().parent
