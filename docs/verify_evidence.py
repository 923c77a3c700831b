"""Checks a file of `habarshy evidence` without Habarshy: Python's standard library and `cryptography` suffice.

    python3 verify_evidence.py FILE --key HEX [--head HEADS] [--print]

`--key` is the platform's public key as it is published, never as somebody sends it along with the file. `--head` is a
file of heads that were deposited: then the facts are also shown to have been in the log when that head was made.
What is checked, and what it proves, is in evidence.md. Exit: 0 it is true, 1 it is not, 2 it cannot be read.
"""

import argparse
import base64
import hashlib
import json
import struct
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = "habarshy-evidence/1"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Untrue(Exception):
    """What does not hold."""


def require(holds: object, otherwise: str) -> None:
    if not holds:
        raise Untrue(otherwise)


def signed(public_key: str, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def content_of(data: bytes, public_key: str) -> Any:
    """The content, if the file is whole and this key signed it."""
    lines = data.split(b"\n")
    require(len(lines) == 3 and lines[2] == b"", "the file is not one line of content and one with its signature")
    content, signature = lines[0], bytes.fromhex(lines[1].decode("ascii"))
    require(signature.hex().encode() == lines[1], "the signature is not written as it was")
    require(signed(public_key, signature, FORMAT.encode() + b"\n" + content), "this key did not sign this content")
    found = json.loads(content)
    require(found["format"] == FORMAT, "it is of another format: take the script that came with it")
    return found


def digest_of(head: Any, public_key: str) -> bytes:
    """The digest of a block's head, if this key signed it."""
    at = datetime.fromisoformat(head["at"])
    message = b"habarshy block/1\n" + struct.pack(
        ">qqqIq32s32s32s",
        head["block"],
        head["after"],
        head["upto"],
        head["count"],
        (at - EPOCH) // timedelta(microseconds=1),
        *(bytes.fromhex(head[name]) for name in ("previous", "root", "marks")),
    )
    require(signed(public_key, bytes.fromhex(head["signature"]), message), f"block {head['block']} was not signed")
    digest = hashlib.sha256(message).digest()
    require(digest.hex() == head["digest"], f"block {head['block']} has another digest")
    return digest


def check_chain(heads: Any, public_key: str) -> dict[int, bytes]:
    """Each head is signed, is the only one of its block, and names the one before it where that is here."""
    known = {head["block"]: digest_of(head, public_key) for head in heads}
    require(len(known) == len(heads), "a block is there twice")
    for head in heads:  # in whatever order they stand
        before = known.get(head["block"] - 1)
        require(before is None or head["previous"] == before.hex(), f"block {head['block']} follows another one")
    return known


def check_fact(fact: Any, heads: dict[int, Any]) -> None:
    """The fact as it is stored is one of the leaves under its block's root (RFC 6962, section 2.1)."""
    head, stream, topic = heads[fact["block"]], bytes.fromhex(fact["stream"]), fact["topic"].encode()
    require(head["after"] < fact["position"] <= head["upto"], f"position {fact['position']} is in another block")
    begin = struct.pack(">qqHI", fact["position"], fact["version"], len(stream), len(topic))
    digest = hashlib.sha256(b"\0" + begin + stream + topic + base64.b64decode(fact["state"], validate=True)).digest()
    for side, beside in fact["proof"]:
        pair = bytes.fromhex(beside) + digest if side == "left" else digest + bytes.fromhex(beside)
        digest = hashlib.sha256(b"\1" + pair).digest()
    require(digest.hex() == head["root"], f"the fact at position {fact['position']} is not in block {fact['block']}")


def check_reading(fact: Any) -> None:
    """What the fact is said to say is what is stored; only what is sealed with a person's key cannot be compared."""
    stored, reads = Stored(base64.b64decode(fact["state"])).value(), fact["reads"]
    same = (reads["position"], reads["fact"]) == (fact["position"], fact["topic"])
    same = same and reads["stream"].replace("-", "") == fact["stream"]
    if fact["topic"] == "life/1":
        source, id_, type_, time, persons, public, sealed, corrects, revision, annuls = stored[:10]
        clear = [source, id_, type_, time, persons, corrects, revision, annuls, public]
        names = ["source", "id", "type", "time", "persons", "corrects", "revision", "annuls"]
        said = [*(reads[name] for name in names), reads["data"].get("public", {})]
        same = same and reads.keys() == {"position", "fact", "stream", "data", *names}
        same = same and agree(clear, said) and set(reads["data"]) <= {*sealed, "public"}
    else:
        said = [value for name, value in reads.items() if name not in ("position", "fact", "stream")]
        later = said[len(stored) :]  # fields that facts of its age did not have yet
        same = same and agree(stored, said[: len(stored)]) and all(each in (None, False, "", 1.0) for each in later)
    require(same, f"the fact at position {fact['position']} does not say what is stored")


def agree(stored: Any, said: Any) -> bool:
    """Whether the JSON says what is stored: times as text, ids and other bytes in hex or base64."""
    if isinstance(stored, datetime):
        return isinstance(said, str) and datetime.fromisoformat(said) == stored
    if isinstance(stored, bytes):
        return isinstance(said, str) and said.replace("-", "") in (stored.hex(), base64.b64encode(stored).decode())
    if isinstance(stored, list):
        return isinstance(said, list) and len(stored) == len(said) and all(map(agree, stored, said))
    if isinstance(stored, dict):
        return (
            isinstance(said, dict) and stored.keys() == said.keys() and all(agree(stored[k], said[k]) for k in said)
        )
    return type(stored) is type(said) and stored == said


FIXED = {
    0xCA: ">f",
    0xCB: ">d",
    0xCC: ">B",
    0xCD: ">H",
    0xCE: ">I",
    0xCF: ">Q",
    0xD0: ">b",
    0xD1: ">h",
    0xD2: ">i",
    0xD3: ">q",
}
SIZED = {
    0xC4: ("B", "bytes"),
    0xC5: ("H", "bytes"),
    0xC6: ("I", "bytes"),
    0xC7: ("B", "time"),
    0xD9: ("B", "text"),
    0xDA: ("H", "text"),
    0xDB: ("I", "text"),
    0xDC: ("H", "list"),
    0xDD: ("I", "list"),
    0xDE: ("H", "map"),
    0xDF: ("I", "map"),
}


class Stored:
    """Reads the MessagePack that facts are stored as (msgpack.org; of its kinds, those that occur in it)."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def value(self) -> Any:
        (tag,) = self.take(1)
        if tag < 0x80 or tag >= 0xE0:
            return tag if tag < 0x80 else tag - 0x100
        if tag < 0xC0:
            kind = "map" if tag < 0x90 else "list" if tag < 0xA0 else "text"
            return self.sized(kind, tag & (0x1F if kind == "text" else 0x0F))
        if tag in (0xC0, 0xC2, 0xC3):
            return {0xC0: None, 0xC2: False, 0xC3: True}[tag]
        if tag in FIXED:
            return self.number(FIXED[tag])
        if tag in (0xD6, 0xD7):
            return self.sized("time", 4 if tag == 0xD6 else 8)
        size, kind = SIZED[tag]
        return self.sized(kind, self.number(">" + size))

    def sized(self, kind: str, size: int) -> Any:
        if kind == "list":
            return [self.value() for _ in range(size)]
        if kind == "map":
            return {self.value(): self.value() for _ in range(size)}
        if kind == "time":
            return self.time(size)
        taken = self.take(size)
        return taken.decode() if kind == "text" else taken

    def time(self, size: int) -> datetime:
        require(self.take(1) == b"\xff", "it has values of an unknown kind")
        if size == 12:
            nanoseconds, seconds = self.number(">I"), self.number(">q")
        else:
            both = self.number(">I" if size == 4 else ">Q")
            nanoseconds, seconds = (0, both) if size == 4 else (both >> 34, both & (1 << 34) - 1)
        return EPOCH + timedelta(seconds=seconds, microseconds=nanoseconds // 1000)

    def number(self, layout: str) -> Any:
        return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]

    def take(self, size: int) -> bytes:
        self.at += size
        return self.data[self.at - size : self.at]


def check_deposited(lines: list[bytes], known: dict[int, bytes], public_key: str) -> int:
    """The deposited heads are those of the blocks here, and the chain leads to the last of them without a gap."""
    deposited = [(head["block"], digest_of(head, public_key)) for head in map(json.loads, filter(None, lines))]
    for number, digest in deposited:
        require(known.get(number, digest) == digest, f"the deposited head of block {number} is another one")
    here = [number for number, _ in deposited if number in known]
    require(here, "no deposited head is of a block in the file: ask for one made with `--head`")
    gaps = [each for each in range(min(known), max(here)) if each not in known]
    require(not gaps, f"block {gaps[:1]} is not in the file: ask for one made with `--head`")
    require(max(known) == max(here), f"block {max(known)} came after the deposited head")
    return max(here)


def verify(data: bytes, public_key: str, deposited: list[bytes] | None = None) -> tuple[Any, int | None]:
    """The content of a true file, and the deposited head that it leads to (None: none was given).

    Raises Untrue, with what does not hold.
    """
    try:
        content = content_of(data, public_key)
        require(content["public_key"] == public_key, "it names another key")
        heads = {head["block"]: head for head in content["chain"]}
        known = check_chain(content["chain"], public_key)
        own = {fact["stream"] for fact in content["facts"] if fact["of"] == "nudge"}
        require(own == {content["nudge"].replace("-", "")}, "it has facts of another nudge, or none of its own")
        for fact in content["facts"]:
            check_fact(fact, heads)
            check_reading(fact)
        number = None if deposited is None else check_deposited(deposited, known, public_key)
    except (KeyError, TypeError, ValueError, AttributeError, struct.error) as error:
        raise Untrue(f"it is damaged ({type(error).__name__})") from None
    return content, number


def told(content: Any, number: int | None) -> Iterator[str]:
    """What was shown to be true, in a few lines."""
    why, facts = content["why"], content["facts"]
    yield f"true: {len(facts)} facts about the nudge {content['nudge']}, signed by the key {content['public_key']}"
    yield f"  {why['trigger']}.{why['step']}, version {why['version'][:12]}, of {why['agency']}: {why['state']}"
    yield f"  legal basis: {why['legal_basis']}"
    for fact in facts:
        when = fact["reads"].get("at") or fact["reads"].get("time")
        yield f"  position {fact['position']}: {fact['topic']} ({fact['of']}), {when}"
    if number is None:
        yield "no deposited head was given, so this rests on whoever holds the key (evidence.md)"
    else:
        yield f"all of them were in the log when the head of block {number} was deposited"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file")
    parser.add_argument("--key", required=True, help="the platform's public key, in hex, as it is published")
    parser.add_argument("--head", help="a file of deposited heads")
    parser.add_argument("--print", action="store_true", help="print the content as well, indented")
    asked = parser.parse_args()
    try:
        data = Path(asked.file).read_bytes()
        deposited = Path(asked.head).read_bytes().splitlines() if asked.head else None
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    try:
        content, number = verify(data, asked.key.strip().lower(), deposited)
    except Untrue as untrue:
        print(f"NOT TRUE: {untrue}", file=sys.stderr)
        return 1
    for line in told(content, number):
        print(line)
    if asked.print:
        print(json.dumps(content, indent=2, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
