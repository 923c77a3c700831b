"""habarshy keys: the master key, and its rotation."""

from typing import Annotated

import typer

from app.cli.options import AsJson
from app.cli.platform_options import PlatformOptions
from app.cli.principal_session import operator_session
from app.identity import key_file as keyfile
from app.settings import Settings
from app.terminal import Exit, counted, print_json, print_json_or_lines, stop, talk
from streams.log.master_key import Keyring
from streams.log.rewrap import Rewrapping, by_version

Retire = Annotated[bool, typer.Option("--retire", help="Destroy the older master keys once they wrap nothing.")]

ELSEWHERE = "the keys are in HABARSHY_KEY_RING"


def show(as_json: AsJson = False, *, on: PlatformOptions) -> None:
    """Count the keys of persons by the version of the master key that wraps them; no key is shown."""
    with operator_session("the keys", on) as at, at.platform.database.reading() as connection:
        keyring, counts = _keyring(at.platform.settings), by_version(connection)
    for version in sorted({*keyring.wrapping, *counts}):
        current, known, wraps = version == keyring.current, version in keyring.wrapping, counts.get(version, 0)
        state = "current" if current else "older" if known else "not in the key file"
        plain = {"version": version, "current": current, "known": known, "wraps": wraps}
        print_json_or_lines(plain, f"version {version} ({state}): wraps {counted(wraps, 'key')}", as_json=as_json)


def rotate(retire: Retire = False, as_json: AsJson = False, *, on: PlatformOptions) -> None:
    """Wrap all keys of persons with a new master key; an interrupted rotation is finished first."""
    with operator_session("the keys", on) as at:
        platform = at.platform
        keyring = _keyring(platform.settings)
        with platform.database.reading() as connection:
            unfinished = any(version != keyring.current for version in by_version(connection))
        if not unfinished and not retire:
            keyring = _rotated(platform.settings)
        done = Rewrapping(platform.database, keyring).run()
        if retire:
            keyring = _retired(platform.settings, keyring.current)
        platform.database.tidy()
    if as_json:
        print_json({"current": keyring.current, "rewrapped": done, "versions": sorted(keyring.wrapping)})
    talk(f"wrapped anew: {counted(done, 'key')}; version {keyring.current} is current")
    if len(keyring.wrapping) > 1:
        talk("copy the key file, start every role again, then run `habarshy keys rotate --retire`")


def _keyring(settings: Settings) -> Keyring:
    return keyfile.keyring_of(settings, create=False)


def _rotated(settings: Settings) -> Keyring:
    if settings.key_ring.get_secret_value():
        stop(Exit.USAGE, f"{ELSEWHERE}: add a key with a higher version there, then run this again")
    return keyfile.rotate(settings.key_file)


def _retired(settings: Settings, current: int) -> Keyring:
    if settings.key_ring.get_secret_value():
        stop(Exit.USAGE, f"{ELSEWHERE}: nothing needs the older versions any more, so take them out")
    return keyfile.retire(settings.key_file, current)
