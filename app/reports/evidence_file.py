"""Evidence as a file: one line of JSON, and under it a signature over exactly these bytes."""

from base64 import b64encode
from datetime import datetime
from typing import Any

from app.reports.plain_data import as_plain, entry_plain
from app.terminal import compact
from streams.log.audit import head_of
from streams.log.signing import Signer
from streams.queries.evidence import Evidence, EvidenceFact

FORMAT = "habarshy-evidence/1"


def signed_file(found: Evidence, signer: Signer, made_at: datetime) -> str:
    """Return the file; docs/evidence.md says what is in it, docs/verify_evidence.py checks it."""
    content = compact(
        {
            "format": FORMAT,
            "nudge": found.why.nudge,
            "made_at": made_at,
            "public_key": signer.public.hex(),
            "why": as_plain(found.why),
            "facts": [_fact(each) for each in found.facts],
            "chain": [head_of(each, signer.public) for each in found.chain],
        }
    )
    signature = signer.sign(f"{FORMAT}\n{content}".encode())
    return f"{content}\n{signature.hex()}\n"


def _fact(each: EvidenceFact) -> dict[str, Any]:
    position, stream, version, topic, state = each.stored
    return {
        "of": each.of,
        "position": position,
        "stream": stream.hex(),
        "version": version,
        "topic": topic,
        "state": b64encode(state).decode(),
        "block": each.block,
        "proof": [[side, digest.hex()] for side, digest in each.proof],
        "reads": entry_plain(each.entry),
    }
