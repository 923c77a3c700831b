"""habarshy evidence: all that is behind one nudge, in a file that can be checked without us."""

from hashlib import sha256
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from app.cli.commands.audit import HeadFile, deposited_heads
from app.cli.commands.people import NudgeId, nudge_id
from app.cli.commands.preview import require_known
from app.cli.logged_reading import Purpose, open_for_reading
from app.cli.options import AsJson
from app.cli.platform_options import TimedOptions
from app.compose import Platform
from app.identity.key_file import BadKeyFile
from app.pages.catalogues import LANGUAGES, Speech
from app.pages.proof import ProofFile, proof_letter
from app.reports.evidence_file import signed_file
from app.terminal import Exit, counted, print_json_or_lines, stop, talk, write_file
from streams.log.chain import SignedBlock
from streams.log.signing import Signer
from streams.queries.evidence import Evidence, NotAsWritten, NotChained, evidence
from streams.queries.explain import UnknownNudge

Out = Annotated[Path, typer.Option("--out", metavar="FILE", help="The file to write; it must not exist yet.")]

Html = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", help="Write a letter to read and print, too; it must not exist yet."),
]
Language = Annotated[
    str | None, typer.Option("--language", metavar="kk", help="The language of that letter; else the country's.")
]


def evidence_command(
    nudge: NudgeId,
    out: Out,
    html: Html = None,
    language: Language = None,
    head: HeadFile = None,
    purpose: Purpose = None,
    as_json: AsJson = False,
    *,
    on: TimedOptions,
) -> None:
    """Export the facts behind a nudge with their proofs, to be checked by anybody offline."""
    id_ = nudge_id(nudge)
    deposited = deposited_heads(head)[-1] if head else None
    _require_new(out, html)
    spoken = language and require_known(language, LANGUAGES, "--language")
    with open_for_reading(on, purpose) as (platform, look):
        signer = platform.runtime.chain_builder.signer
        if signer is None:
            raise BadKeyFile(platform.settings.key_file, "it has no key that signs (`habarshy migrate` adds one)")
        platform.runtime.chain_builder.finish()
        found = _found(platform, id_, signer, deposited)
        for person in found.why.shown:
            look.note_reading(platform.rules.context, person, "evidence")
    made_at = platform.clock()
    content = signed_file(found, signer, made_at)
    digest = sha256(content.encode()).hexdigest()
    write_file(out, content, "--out")
    if html is not None:
        rules = platform.rules.library.rules()
        speech = Speech(spoken or rules.defaults.language, rules.defaults.zone)
        proof = ProofFile(out.name, digest, signer.public.hex(), made_at)
        write_file(html, proof_letter(found, proof, rules, speech), "--html")
    plain = {"file": str(out), "facts": len(found.facts), "sha256": digest}
    print_json_or_lines(plain, f"{digest}  {out}", as_json=as_json)
    facts = counted(len(found.facts), "fact")
    talk(f"{facts}; check it: python3 docs/verify_evidence.py {out} --key {signer.public.hex()}")


def _require_new(out: Path, html: Path | None) -> None:
    for file in filter(None, (out, html)):
        if file.exists():
            stop(Exit.USAGE, f"{file} is there already; name a file that is not")
    if html == out:
        stop(Exit.USAGE, "--html: the letter needs a file of its own")


def _found(platform: Platform, id_: UUID, signer: Signer, deposited: SignedBlock | None) -> Evidence:
    upto, rules = deposited.block.number if deposited else 0, platform.rules.library.rules()
    try:
        with platform.database.reading() as connection:
            return evidence(connection, platform.log, rules, id_, platform.clock(), signer.public, upto)
    except (NotAsWritten, NotChained, UnknownNudge) as problem:
        stop(Exit.CHECK_FAILED, str(problem))
