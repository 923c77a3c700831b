"""habarshy audit: whether the log is as it was written, and what to deposit elsewhere so that it stays provable."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import asdict

from app.cli.options import AsJson
from app.cli.platform_options import PlatformOptions
from app.database import open_database
from app.identity.key_file import BadKeyFile, keyring_of, own_keyring
from app.identity.log_codes import codes_by
from app.jobs.job_results import print_audit_counts
from app.settings import Settings
from app.terminal import Exit, print_json_or_lines, stop
from streams.log import chain
from streams.log.audit import WORDS, Audit, BadHead, Finding, head_of, read_head
from streams.log.chain import SignedBlock
from streams.log.master_key import Keyring
from streams.log.signing import Signer
from streams.storage.database import Database
from streams.storage.schema import make_ready

From = Annotated[int, typer.Option("--from", metavar="POSITION", help="Begin with the block of this position.")]
HeadFile = Annotated[
    Path | None, typer.Option("--head", help="Deposited heads, as `audit heads --json` printed them.")
]
Last = Annotated[
    int, typer.Option("--last", min=1, help="The number of heads; the last one stands for all before it.")
]


def verify(start: From = 1, head: HeadFile = None, as_json: AsJson = False, *, on: PlatformOptions) -> None:
    """Verify every fact in the chain against its block's signed head, and report where the log differs."""
    settings = on.settings
    deposited = deposited_heads(head) if head else []
    with closing(open_database(settings, make=False)) as opened:
        make_ready(opened)
        audit, found = Audit(opened, _signer(opened, settings).public, start), 0
        if 0 < (end := audit.chained_up_to) < start:
            stop(Exit.USAGE, f"--from: {start} is behind the end of the chain, position {end}")
        for each in audit.findings(deposited):
            found += 1
            _print(each, as_json=as_json)
        counts = {"facts": audit.facts, "blocks": audit.blocks, "unchained": audit.unchained, "findings": found}
    print_audit_counts(counts, as_json=as_json)
    if found:
        raise SystemExit(int(Exit.CHECK_FAILED))


def _print(finding: Finding, *, as_json: bool) -> None:
    known = {name: value for name, value in asdict(finding).items() if value is not None}
    block = f"block {finding.block}" if finding.block else "in no block"
    place = block if finding.position is None else f"position {finding.position}, {block}"
    print_json_or_lines(known, f"{place}: {finding.what}: {WORDS[finding.what]}", as_json=as_json)


def deposited_heads(file: Path) -> list[SignedBlock]:
    """Return the heads in the file."""
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        stop(Exit.USAGE, f"{file}: {error.strerror}")
    heads = []
    for number, line in enumerate(lines, 1):
        try:
            heads.append(read_head(line))
        except BadHead as bad:
            stop(Exit.USAGE, f"{file}:{number}: {bad}")
    if not heads:
        stop(Exit.USAGE, f"{file}: there is no head in it")
    return heads


def heads(last: Last = 1, as_json: AsJson = False, *, on: PlatformOptions) -> None:
    """Print the last signed heads of the chain, to deposit them out of reach of the database's keepers."""
    settings = on.settings
    with closing(open_database(settings, make=False)) as opened:
        make_ready(opened)
        public = _signer(opened, settings).public
        with opened.reading() as connection:
            newest = chain.latest(connection).number
            found = chain.blocks_from(connection, max(1, newest - last + 1), last)
    if not found:
        stop(Exit.CHECK_FAILED, "nothing is in the chain yet; `habarshy run`, or a worker, makes its blocks")
    for each in found:
        head = head_of(each, public)
        line = f"block {head.block}  up to position {head.upto}  {head.at:%Y-%m-%d %H:%M:%S}Z  {head.digest}"
        print_json_or_lines(head, line, as_json=as_json)


def key(as_json: AsJson = False, *, on: PlatformOptions) -> None:
    """Print the public key that checks heads and evidence; publish it."""
    settings = on.settings
    signer = _signing(settings, keyring_of(settings, create=False))
    public = signer.public.hex()
    print_json_or_lines({"public_key": public, "id": signer.id.hex()}, public, as_json=as_json)


def _signer(database: Database, settings: Settings) -> Signer:
    keyring = own_keyring(database, settings)
    database.use_codes(codes_by(keyring))
    return _signing(settings, keyring)


def _signing(settings: Settings, keyring: Keyring) -> Signer:
    if not keyring.sealing:
        raise BadKeyFile(settings.key_file, "it has no key that signs heads (`habarshy migrate` adds one)")
    return Signer(keyring.sealing)
