"""The tree of a compiled condition, read from what the engine serialises: a `cel.expr.CheckedExpr`.

Source of the format: cel/expr/syntax.proto and checked.proto of the CEL specification, in the wire format of protocol
buffers (https://protobuf.dev/programming-guides/encoding).
"""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

AND, OR, EQUAL = "_&&_", "_||_", "_==_"
"""The engine's names of these operators."""

Kind = Literal["constant", "name", "select", "call", "list", "struct", "loop"]

_ANY_VALUE, _CHECKED_EXPR = 2, 4
"""Fields of google.protobuf.Any and of CheckedExpr."""
_KINDS: Mapping[int, Kind] = {3: "constant", 4: "name", 5: "select", 6: "call", 7: "list", 8: "struct", 9: "loop"}
"""Field of an Expr -> what it is."""
_NAME_IN: Mapping[Kind, int] = {"name": 1, "select": 2, "call": 2}
_PARTS_IN: Mapping[Kind, tuple[int, ...]] = {"select": (1,), "call": (1, 3), "list": (1,), "loop": (2, 4, 5, 6, 7)}
_ENTRIES, _PARTS_OF_ENTRY, _TEXT_IN = 2, (3, 4), (6, 7)
"""In which of their fields name, parts, entries and text are."""
_VARINT, _FIXED64, _BYTES = 0, 1, 2
"""Wire types; the only other one has four bytes."""
_SEVEN_BITS, _MORE = 0x7F, 0x80
"""The bits of a byte that hold a part of a number, and the bit that says that another byte follows."""


class Node(NamedTuple):
    """A part of a condition.

    `name`: of a variable (dotted), a function or a field; `text`: of a constant text or bytes. `parts`: what it is
    made of. Those of a loop are its range, what its result begins with, its condition, its step and its result; its
    `bound` are the names of its element, of the second one if there is one, and of its result. The part is
    serialised in `message`, from byte `at` to byte `end`.
    """

    kind: Kind
    message: bytes
    at: int
    end: int
    name: str = ""
    parts: tuple["Node", ...] = ()
    text: bytes | None = None
    bound: tuple[str, str, str] = ("", "", "")

    @property
    def wire(self) -> bytes:
        """Return the part as it is serialised."""
        return self.message[self.at : self.end]

    def nodes(self) -> Iterator["Node"]:
        """Yield the node and all below it."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += node.parts

    def names(self) -> set[str]:
        """Return the names of all variables in it, those of loops too."""
        return {node.name for node in self.nodes() if node.kind == "name"}


def tree_of(serialised: bytes) -> Node:
    """Return the tree of a serialised expression. Raises RecursionError where it is nested too deeply."""
    expression = _first(_first(serialised, _ANY_VALUE), _CHECKED_EXPR)
    return _node(expression, 0, len(expression))


def serialised_part(part: Node, serialised: bytes) -> bytes:
    """Return the serialised expression, of which only that part of its tree is left."""
    checked = _first(serialised, _ANY_VALUE)
    return _replaced(serialised, _ANY_VALUE, _replaced(checked, _CHECKED_EXPR, part.wire))


def _node(message: bytes, at: int, end: int) -> Node:
    """Return the node that stands from `at` to `end`: each byte is read once, and only names and texts are copied."""
    kind, content, content_end = _kind_of(message, at, end)
    parts_in, name_in = _PARTS_IN.get(kind, ()), _NAME_IN.get(kind)
    parts: dict[int, list[Node]] = {}
    texts: dict[int, bytes] = {}
    for number, start, stop in _fields(message, content, content_end):
        if number in parts_in:
            parts.setdefault(number, []).append(_node(message, start, stop))
        elif kind == "struct" and number == _ENTRIES:
            parts.setdefault(number, []).extend(_entry(message, start, stop))
        elif number == name_in or (kind == "constant" and number in _TEXT_IN) or kind == "loop":
            texts.setdefault(number, message[start:stop])
    return Node(
        kind,
        message,
        at,
        end,
        name="" if name_in is None else _text(texts, name_in),
        parts=tuple(node for number in (*parts_in, _ENTRIES) for node in parts.pop(number, ())),
        text=next(iter(texts.values()), None) if kind == "constant" else None,
        bound=(_text(texts, 1), _text(texts, 8), _text(texts, 3)) if kind == "loop" else ("", "", ""),
    )


def _kind_of(message: bytes, at: int, end: int) -> tuple[Kind, int, int]:
    """Return what an Expr is, and where its content begins and ends."""
    number, content, content_end = next(_fields(message, at, end))
    return _KINDS[number], content, content_end


def _entry(message: bytes, at: int, end: int) -> Iterator[Node]:
    """Return key and value of an entry of a struct."""
    found = {number: (start, stop) for number, start, stop in _fields(message, at, end)}
    return (_node(message, *found[number]) for number in _PARTS_OF_ENTRY if number in found)


def _text(texts: Mapping[int, bytes], number: int) -> str:
    return texts.get(number, b"").decode()


def _first(message: bytes, number: int) -> bytes:
    return next((message[at:end] for found, at, end in _fields(message, 0, len(message)) if found == number), b"")


def _replaced(message: bytes, number: int, content: bytes) -> bytes:
    """Return the message, all of whose fields are bytes, with other content in that field."""
    fields = _fields(message, 0, len(message))
    written = [(found, content if found == number else message[at:end]) for found, at, end in fields]
    return b"".join(bytes([found << 3 | _BYTES]) + _number(len(value)) + value for found, value in written)


def _number(value: int) -> bytes:
    written = bytearray()
    while value > _SEVEN_BITS:
        written.append(value & _SEVEN_BITS | _MORE)
        value >>= 7
    return bytes([*written, value])


def _fields(message: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield each field of a message that holds bytes: its number, and where they begin and end."""
    while at < end:
        key, at = _varint(message, at)
        type_ = key & 7
        if type_ == _VARINT:
            _, at = _varint(message, at)
        elif type_ == _BYTES:
            length, at = _varint(message, at)
            yield key >> 3, at, at + length
            at += length
        else:
            at += 8 if type_ == _FIXED64 else 4


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = message[at]
    if value < _MORE:
        return value, at + 1
    value, shift = value & _SEVEN_BITS, 7
    while True:
        at += 1
        byte = message[at]
        value |= (byte & _SEVEN_BITS) << shift
        if byte < _MORE:
            return value, at + 1
        shift += 7
