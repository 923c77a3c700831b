"""habarshy restored: the database came back from a backup; nothing is sent twice, and nobody is readable again."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from app.cli.options import ConfirmOptions
from app.cli.platform_options import TimedOptions
from app.cli.principal_session import PrincipalSession, operator_session
from app.identity import retired_list
from app.identity.erased_list import BadList, erased_persons, list_path
from app.log_places import zone_here, zone_shown
from app.moments import local_time, moment_of
from app.terminal import Exit, confirm, counted, print_json, print_line, stop, talk
from streams.privacy.erasure import NobodyKnown
from streams.privacy.retention import Over
from streams.runtime.restore import Restored

Until = Annotated[
    str | None,
    typer.Option(
        "--until", metavar="TIME", help="The latest time at which a message may have been sent; by default now."
    ),
]
Certificates = Annotated[
    list[Path],
    typer.Option(
        "--erased", metavar="FILE", help="Certificates of erasures since the backup (`erase --json`), one a line."
    ),
]
REASON = "erased before the restore"


def restored(
    until: Until = None,
    erased: Certificates = [],  # noqa: B006  (typer reads it, nobody changes it)
    *,
    how: ConfirmOptions,
    on: TimedOptions,
) -> None:
    """Confirm that the database was restored from a backup; what may have been sent since is not resent."""
    with operator_session("restores", on) as at:
        scope = at.platform.runtime.restore.scope(_moment(until, at))
        zone = zone_shown(at.platform.rules.library)
        again = _Repeated(_to_erase(at, erased), at.platform.privacy.retention.brought_back(_retired(at)))
        if how.plan:
            _show(scope, again, print_line, zone, as_json=how.as_json)
            return
        if not how.yes:
            _show(scope, again, talk, zone, as_json=False)
        confirm("go on from this copy", str(scope.in_doubt), yes=how.yes)
        gone = sum(_erase(at, person) for person in again.erased)
        at.platform.privacy.retention.recognise(at.who, _retired(at))
        at.platform.privacy.retention.retire(at.who, again.retired)
        at.platform.runtime.restore.declare(scope, at.who)
    if how.as_json:
        _show(scope, again, print_line, zone, as_json=True)
    talk(f"confirmed; erased again: {counted(gone, 'person')}. Sending may begin")


def _moment(until: str | None, at: PrincipalSession) -> datetime | None:
    moment = None if until is None else moment_of(until, "--until", zone_here(at.platform.rules.library))
    if moment is not None and moment > at.platform.clock():
        stop(Exit.USAGE, "--until: it lies ahead, and nothing was sent then")
    return moment


class _Repeated(NamedTuple):
    """The erasures and retirements since the backup that must be repeated."""

    erased: Mapping[str, datetime]
    retired: Sequence[Over]

    @property
    def keys(self) -> int:
        return sum(each.keys for each in self.retired)


def _retired(at: PrincipalSession) -> AbstractSet[tuple[str, int]]:
    try:
        return retired_list.periods(at.platform.settings.key_file)
    except OSError as error:
        stop(Exit.USAGE, f"{retired_list.list_path(at.platform.settings.key_file)}: {error}")


def _to_erase(at: PrincipalSession, certificates: list[Path]) -> Mapping[str, datetime]:
    """Return the persons to erase again, by the list beside the key file and by certificates."""
    own = list_path(at.platform.settings.key_file)
    try:
        every = erased_persons([*([own] if own.exists() else []), *certificates])
    except (BadList, OSError) as error:
        stop(Exit.USAGE, f"--erased: {error}")
    return {person: when for person, when in every.items() if not at.platform.runtime.restore.is_erased(person, when)}


def _erase(at: PrincipalSession, person: str) -> bool:
    try:
        at.platform.privacy.erasure.erase(person, at.who, REASON)
    except NobodyKnown:
        return False
    return True


def _show(scope: Restored, again: _Repeated, tell: Callable[[str], None], zone: tzinfo, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "until": scope.until,
                "position": scope.position,
                "in_doubt": scope.in_doubt,
                "legal": scope.legal,
                "erased": len(again.erased),
                "retired": again.keys,
                "known": scope.known and scope.known.at,
            }
        )
        return
    for line in _told(scope, again, zone):
        tell(line)


def _told(scope: Restored, again: _Repeated, zone: tzinfo) -> Iterator[str]:
    if scope.known is not None:
        known = local_time(scope.known.at, zone, timespec="seconds")
        yield f"this machine knew the log up to fact {scope.known.position}, on {known}"
    yield f"this log ends with fact {scope.position}"
    until = local_time(scope.until, zone, timespec="seconds")
    due = counted(scope.in_doubt, "delivery", "deliveries")
    yield f"due by {until}, and perhaps sent: {due}. They end as unknown,"
    yield f"but for what quiet hours held back; {scope.legal} legal notices and emergencies go, perhaps once more"
    yield f"erased since, and erased again: {counted(len(again.erased), 'person')}"
    if again.retired:
        yield f"destroyed again, of content that was retired: {counted(again.keys, 'key')}"
