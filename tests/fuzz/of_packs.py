"""Targets: packs as strangers write them: YAML, rules, words files, conditions."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from domain.conditions.language import BadCondition
from templates.checks.loader import load_packs
from templates.reading.findings import BrokenPack, Report
from templates.reading.yaml_file import read_yaml, unseen_characters
from tests.domain.conditions.test_language import CONDITIONS, LATER, VALUES
from tests.fuzz.target import Target, Try, promised, text_of
from tests.templates.packs import FILES, write_town

NAMES = tuple(FILES)
TOKENS = (
    "event.kind",
    "event.expires_on",
    "event.amount",
    "event.rate",
    "event.paid",
    "event.time",
    "event.marks",
    "event.fee.amount",
    "citizen.age",
    "later.kind",
    "later.time",
    "later.amount",
    "1",
    "0",
    "-1",
    "2.5",
    "'card'",
    '"a"',
    "true",
    "false",
    "null",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "?",
    "==",
    "!=",
    "<",
    ">=",
    "&&",
    "||",
    "!",
    "+",
    "-",
    "*",
    "/",
    "%",
    "in",
    ".",
    "size(",
    ".matches('(a+)+$')",
    ".all(x,",
    ".exists(x,",
    ".map(x,",
    ".filter(x,",
    "x",
    "timestamp(",
    "duration('1h')",
    "string(",
    "int(",
    "double(",
    "dyn(",
    "has(",
    "type(",
    ".startsWith(",
    "b'a'",
    "\n",
    "9223372036854775807",
    "1e309",
    "//",
    ".getFullYear()",
    "google.protobuf.Int64Value{value: 1}",
    "['a', 'b']",
)
YAML = (
    ": ",
    "- ",
    "&a ",
    "*a",
    "<<: ",
    "!!python/object:os.system",
    "!!binary",
    "? ",
    "|\n",
    ">-\n",
    "{",
    "}",
    "[",
    "]",
    "---",
    "...",
    "'",
    '"',
    "\\ud800",
    "\\x00",
    "%YAML 1.1",
    "\t",
    "#",
    "~",
    "0x1f",
    "1e9",
    "on",
    ".inf",
    "\u2028",
    "2026-03-01",
)
HOSTILE: Sequence[bytes] = (
    b"a: &a [x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]",
    b"[" * 60,
    b"{a: " * 40,
    b"&a [*a]",
    b"!!python/name:os.system x",
    b"a: !!binary aGk=\nb: 'x'\n? [k]\n: v",
    b"%TAG ! tag:x,2000:\n--- !y\na: b",
)


def _yaml(_: Path) -> Try:
    """Any text: plain data, or a finding with its place."""

    def attempt(data: bytes) -> None:
        text, report = text_of(data), Report()
        lines = text.split("\n")
        if unseen_characters("a.yaml", lines, report):  # with them YAML counts other lines than an editor
            return
        document = read_yaml("a.yaml", text, report)
        promised("a finding has its place", kept=all(1 <= each.line <= len(lines) + 1 for each in report.findings))
        promised("nothing is silently empty", kept=document.data is not None or bool(report.findings))

    return attempt


def _pack(folder: Path) -> Try:
    """Any file of a pack: the pack, or findings that say where."""
    town = write_town(folder)

    def attempt(data: bytes) -> None:
        name = NAMES[data[0] % len(NAMES)] if data else NAMES[0]
        (town / name).write_bytes(data[1:])
        try:
            load_packs([town])
        except BrokenPack as broken:
            places = [each.line >= 1 and each.column >= 1 and bool(each.message) for each in broken.findings]
            promised("every finding says what and where", kept=bool(places) and all(places))
        finally:
            (town / name).write_text(FILES[name], "utf-8")

    return attempt


def _condition(_: Path) -> Try:
    """Any condition and amount: refused with its place, or an answer of its kind; values of a wrong kind too."""
    odd = dict.fromkeys(VALUES, "much") | {"event.kind": "\ud800", "event.amount": 2**70, "event.marks": [None]}

    def attempt(data: bytes) -> None:
        text = _expression(data)
        with suppress(BadCondition):
            condition = CONDITIONS.compile(text)
            for values in (VALUES, {}, odd):
                promised("yes, no or nothing", kept=condition.holds(values, LATER) in (True, False, None))
        with suppress(BadCondition):
            amount = CONDITIONS.amount(text)
            for values in (VALUES, {}, odd):
                amount.tenge(values)

    return attempt


def _expression(data: bytes) -> str:
    """Bytes as a text; or, as most texts are no expression, each byte as something that one may have."""
    if data[:1] == b"\0":
        return text_of(data[1:])
    return " ".join(TOKENS[each % len(TOKENS)] for each in data)


def _in_tokens(*tokens: str) -> bytes:
    return bytes(map(TOKENS.index, tokens))


TARGETS = {
    "yaml": Target(_yaml, [*(text.encode() for text in FILES.values()), *HOSTILE], YAML, slow=2),
    "pack": Target(_pack, [bytes((at,)) + text.encode() for at, text in enumerate(FILES.values())], YAML, slow=60),
    "condition": Target(
        _condition,
        [
            b'\x00event.kind == "card" && citizen.age >= 16',
            b"\x00[1,2].all(x, x > 0)",
            b"\x00event.amount * 2 + 1",
            _in_tokens("event.amount", ">=", "1"),
            _in_tokens("event.kind", "in", "['a', 'b']", "&&", "!", "event.paid"),
            _in_tokens("event.marks", ".all(x,", "x", "!=", '"a"', ")"),
        ],
        TOKENS,
    ),
}
