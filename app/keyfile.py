"""The key file: independent random keys, made once, readable by its owner only."""

import json
import os
import secrets
from pathlib import Path

from streams.keys import KEY_BYTES, Keyring

OWNER_ONLY = 0o600


class BadKeyFile(Exception):
    """The key file {path} cannot be used: {problem}. Restore it from its backup: without it nothing can be read."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__((type(self).__doc__ or "").format(path=path, problem=problem))


def load_keyring(path: Path, *, create: bool) -> Keyring:
    """The keys in the file; made at first use if `create`.

    Raises:
        BadKeyFile: it is missing, damaged, or readable by others.
    """
    if not path.exists():
        if not create:
            raise BadKeyFile(path, "it does not exist")
        try:
            return _create(path)
        except OSError as error:
            raise BadKeyFile(path, str(error.strerror)) from None
    if path.stat().st_mode & 0o077:
        raise BadKeyFile(path, "others can read it; run chmod 600 on it")
    try:
        kept = json.loads(path.read_bytes())
        wrapping = {int(version): bytes.fromhex(key) for version, key in kept["wrapping"].items()}
        keyring = Keyring(bytes.fromhex(kept["names"]), wrapping)
    except OSError as error:
        raise BadKeyFile(path, str(error.strerror)) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadKeyFile(path, "it is damaged") from None
    if not wrapping:
        raise BadKeyFile(path, "it has no wrapping key")
    if {len(keyring.names), *map(len, wrapping.values())} != {KEY_BYTES}:
        raise BadKeyFile(path, f"a key in it has not {KEY_BYTES} bytes")
    return keyring


def new_keyring() -> Keyring:
    """Fresh keys."""
    return Keyring(secrets.token_bytes(KEY_BYTES), {1: secrets.token_bytes(KEY_BYTES)})


def _create(path: Path) -> Keyring:
    keyring = new_keyring()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    content = {"names": keyring.names.hex(), "wrapping": {str(v): k.hex() for v, k in keyring.wrapping.items()}}
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # fails where another process was quicker: then its keys count
    except FileExistsError:
        return load_keyring(path, create=False)
    finally:
        draft.unlink()
    return keyring
