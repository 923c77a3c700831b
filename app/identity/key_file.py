"""The key file: independent random keys, made once, readable by its owner only."""

import json
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from app.identity import private_files
from app.identity.private_files import is_open_to_others, os_problem, written_beside
from app.settings import Settings
from domain.core.ids import Names
from domain.core.translatable import Joined, Words
from streams.log.master_key import KEY_BYTES, Keyring, Wrapped
from streams.log.person_keys import names_known
from streams.storage.database import Database
from streams.storage.schema import holds_data

LEAST_BYTES = 8
"""The fewest different bytes of a random key: of 32 random bytes, only one key in 10^31 has fewer."""
IN_THE_ENVIRONMENT = Path("HABARSHY_KEY_RING")


class BadKeyFile(Exception):
    """Raised when a key file exists but cannot be used. `todo`: empty where the problem says what to do."""

    def __init__(self, path: Path, problem: str, todo: str = Words("Restore it from its backup.")) -> None:
        self.problem = problem
        what = Words("The key file {path} cannot be used: {problem}.", path=path, problem=problem)
        super().__init__(Joined([what, todo]) if todo else what)


class MissingKeyFile(Exception):
    """Raised when the key file of an existing database is missing."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"The key file {path} is missing, and the database was made with it, so no new one is made. Put "
            "it back from the copy that is kept apart from the backups of the database (docs/operations.md, "
            '"Backup"), with mode 0600. If the file was only moved, name its place with --key-file or '
            "HABARSHY_KEY_FILE."
        )


def keyring_of(settings: Settings, *, create: bool) -> Keyring:
    """Return the keys that the settings name: in the variable itself, else in the key file.

    Raises:
        BadKeyFile: see `load_keyring`.
    """
    given = settings.key_ring.get_secret_value()
    return _read(IN_THE_ENVIRONMENT, given.encode()) if given else load_keyring(settings.key_file, create=create)


def keyring_for(database: Database, settings: Settings, *, create: bool) -> Keyring:
    """Return the keys that this database is used with; `create` makes a key file only for a database without data.

    Raises:
        BadKeyFile: see `load_keyring`.
        DatabaseUnavailable: the database cannot be opened.
        MissingKeyFile: there is no key file, and the database holds data that was made with one.
    """
    in_file = not settings.key_ring.get_secret_value()
    # The database is asked first: another process that starts on a new one makes its key file before any row.
    if in_file and holds_data(database) and not settings.key_file.exists():
        raise MissingKeyFile(settings.key_file)
    return keyring_of(settings, create=create)


def own_keyring(database: Database, settings: Settings) -> Keyring:
    """Return the keys that the tables of this database were filled with.

    Raises:
        BadKeyFile, DatabaseUnavailable, MissingKeyFile: see `keyring_for`.
        WrongKeyFile: these are the keys of another database.
    """
    keyring = keyring_for(database, settings, create=False)
    with database.reading() as connection:
        names_known(connection, fingerprint(Names(keyring.names)))
    return keyring


def fingerprint(names: Names) -> bytes:
    """Return what a database keeps of the key that its pseudonyms are made with."""
    return names.digest(b"made with")


def load_keyring(path: Path, *, create: bool) -> Keyring:
    """Return the keys in the file.

    Made at first use if `create`, also the one that seals, where an older file has none.

    Raises:
        BadKeyFile: it is missing, damaged, weak, or readable by others.
    """
    try:
        if not path.exists():
            if not create:
                raise BadKeyFile(path, Words("it does not exist"))
            return _create(path)
        if is_open_to_others(path):
            raise BadKeyFile(path, Words("others can read it; run chmod 600 on it"), todo="")
        keyring = _read(path, path.read_bytes())
    except OSError as error:
        raise BadKeyFile(path, os_problem(error)) from None
    return _change(path, _with_sealing) if create and not keyring.sealing else keyring


def _read(path: Path, content: bytes) -> Keyring:
    try:
        kept = json.loads(content)
        wrapping = {int(version): bytes.fromhex(key) for version, key in kept["wrapping"].items()}
        keyring = Keyring(bytes.fromhex(kept["names"]), wrapping, bytes.fromhex(kept.get("sealing", "")))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadKeyFile(path, Words("it is damaged")) from None
    if not wrapping:
        raise BadKeyFile(path, Words("it has no wrapping key"))
    _check(path, keyring)
    return keyring


def _check(path: Path, keyring: Keyring) -> None:
    keys = [keyring.names, *keyring.wrapping.values(), *filter(None, [keyring.sealing])]
    if {len(key) for key in keys} != {KEY_BYTES}:
        raise BadKeyFile(path, Words("a key in it has not {count} bytes", count=KEY_BYTES))
    if any(len(set(key)) < LEAST_BYTES for key in keys):
        raise BadKeyFile(path, Words("a key in it is no random one, so that anybody could guess it"))
    if len(set(keys)) != len(keys):
        raise BadKeyFile(path, Words("two keys in it are the same"))


def new_keyring() -> Keyring:
    """Return a new set of random keys."""
    return Keyring(_key(), {1: _key()}, _key())


def rotate(path: Path) -> Keyring:
    """Add a wrapping key, with which from now on all keys of persons are to be wrapped.

    Raises:
        BadKeyFile: the file cannot be used or changed.
    """
    return _change(path, lambda ring: replace(ring, wrapping={**ring.wrapping, ring.current + 1: _key()}))


def retire(path: Path, current: int) -> Keyring:
    """Take all wrapping keys before that version out of the file: what they wrapped, nobody reads again.

    That version and later ones stay: another operator may have begun the next rotation meanwhile.

    Raises:
        BadKeyFile: the file cannot be used or changed.
    """
    return _change(
        path, lambda ring: replace(ring, wrapping={at: key for at, key in ring.wrapping.items() if at >= current})
    )


class KeptKeys:
    """The Wrapper of a key file that others may rotate: it looks at the file again once that has changed.

    It takes newer versions up, and lets go of none. It takes up nothing of a file with other keys.
    """

    def __init__(self, keyring: Keyring, path: Path) -> None:
        self._keyring, self._path = keyring, path
        self._changed = self._when()

    @property
    def current(self) -> int:
        """See Wrapper."""
        return self._now().current

    def wrap(self, key: bytes, about: bytes) -> Wrapped:
        """See Wrapper."""
        return self._now().wrap(key, about)

    def unwrap(self, version: int, wrapped: bytes, about: bytes) -> bytes:
        """See Wrapper."""
        known = self._keyring if version in self._keyring.wrapping else self._now()
        return known.unwrap(version, wrapped, about)

    def _now(self) -> Keyring:
        changed = self._when()
        if changed not in (None, self._changed):
            with suppress(BadKeyFile):
                found = load_keyring(self._path, create=False)
                self._keyring, self._changed = _extended(self._keyring, found), changed
        return self._keyring

    def _when(self) -> int | None:
        try:
            return self._path.stat().st_mtime_ns
        except OSError:
            return None


def _extended(known: Keyring, found: Keyring) -> Keyring:
    """Return the known keys with the newer versions of the found ones, if these are of the same database."""
    ours = found.names == known.names
    same = all(found.wrapping.get(version, key) == key for version, key in known.wrapping.items())
    return replace(known, wrapping={**found.wrapping, **known.wrapping}) if ours and same else known


def _key() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


def _with_sealing(ring: Keyring) -> Keyring:
    return ring if ring.sealing else replace(ring, sealing=_key())


def _change(path: Path, change: Callable[[Keyring], Keyring]) -> Keyring:
    try:
        with private_files.locked_folder(path.parent):
            keyring = change(_read(path, path.read_bytes()))
            private_files.replace(path, json.dumps(_plain(keyring)))
    except OSError as error:
        raise BadKeyFile(path, os_problem(error)) from None
    return keyring


def _plain(keyring: Keyring) -> Mapping[str, object]:
    wrapping = {str(version): key.hex() for version, key in keyring.wrapping.items()}
    return {"names": keyring.names.hex(), "wrapping": wrapping, "sealing": keyring.sealing.hex()}


def _create(path: Path) -> Keyring:
    keyring = new_keyring()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with written_beside(path, json.dumps(_plain(keyring))) as draft:
        try:
            path.hardlink_to(draft)  # fails where another process was quicker: then its keys count
        except FileExistsError:
            return load_keyring(path, create=False)
    return keyring
