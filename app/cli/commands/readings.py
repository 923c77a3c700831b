"""habarshy audit list: who read whose data, and who gave up dead letters, when and why."""

from datetime import datetime, tzinfo
from typing import Annotated, Any

import typer
from msgspec import Struct
from msgspec.structs import asdict

from app.cli.options import AsJson
from app.cli.persons import pseudonym_of
from app.cli.platform_options import PlatformOptions
from app.cli.principal_session import principal_session
from app.log_places import span_of, zone_shown
from app.moments import local_time
from app.terminal import counted, print_json_or_lines, talk
from domain.facts.access_facts import LettersDropped
from domain.facts.principals import require_reading
from streams.privacy.access_log import Account, accounts

OfPerson = Annotated[str | None, typer.Option("--person", help="Only this person: national id, pseudonym, or -.")]
By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Only by this principal.")]
OfAgency = Annotated[str | None, typer.Option("--agency", help="Only by people of this agency.")]
Since = Annotated[str | None, typer.Option("--from", metavar="TIME", help="Only from that time on.")]
Until = Annotated[str | None, typer.Option("--to", metavar="TIME", help="Only before that time.")]

DROPPED = "dead-letters drop"
"""The name of the command that drops letters."""


class _Wanted(Struct, frozen=True):
    person: str | None
    by: str | None
    agency: str | None
    since: datetime | None
    until: datetime | None

    def has(self, fact: Account) -> bool:
        return (
            self.person in (None, getattr(fact, "person", ""))
            and self.by in (None, fact.by)
            and self.agency in (None, fact.agency)
            and (self.since is None or self.since <= fact.at)
            and (self.until is None or fact.at < self.until)
        )


def list_readings(
    *,
    person: OfPerson = None,
    by: By = None,
    agency: OfAgency = None,
    since: Since = None,
    until: Until = None,
    as_json: AsJson = False,
    on: PlatformOptions,
) -> None:
    """List who read which person's data and who dropped dead letters, when and why, the earliest first."""
    with principal_session(on, local=True) as at:
        require_reading(at.who)
        whose = None if person is None else pseudonym_of(person, at.platform.identity.names, "--person")
        start, end = span_of(since, until, at.platform.rules.library)
        wanted = _Wanted(whose, by, agency, start, end)
        found = [each for each in accounts(at.platform.log) if wanted.has(each)]
        zone = zone_shown(at.platform.rules.library)
    for fact in found:
        print_json_or_lines(_plain(fact), _line(fact, zone), as_json=as_json)
    talk(counted(len(found), "entry", "entries"))


def _line(fact: Account, zone: tzinfo) -> str:
    head = f"{local_time(fact.at, zone, timespec='seconds')}  {fact.by} ({fact.agency})"
    if isinstance(fact, LettersDropped):
        return f"{head}  {fact.count} dead letters given up  {fact.kind}, {fact.cause}: {fact.reason}"
    return f"{head}  {fact.person}  {fact.what}: {fact.purpose}"


def _plain(fact: Account) -> dict[str, Any]:
    """Return the account with the field names of a reading, and one more for dropped letters."""
    plain = asdict(fact)
    if not isinstance(fact, LettersDropped):
        return plain
    return {"person": "", "what": DROPPED, "purpose": plain.pop("reason")} | plain | {"letters": fact.letters.hex()}
