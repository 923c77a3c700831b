"""Default locations of files (XDG Base Directory Specification)."""

import os
from pathlib import Path


def data_folder() -> Path:
    """Return the folder of the database and the key file."""
    return _folder("XDG_DATA_HOME", ".local/share")


def config_file() -> Path:
    """Return the configuration file, which need not exist."""
    return _folder("XDG_CONFIG_HOME", ".config") / "config.toml"


def _folder(variable: str, below_home: str) -> Path:
    base = os.environ.get(variable)
    return (Path(base) if base else Path.home() / below_home) / "habarshy"
