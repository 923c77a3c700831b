"""The tree of a compiled condition, read from what the engine serialises: a `cel.expr.CheckedExpr`.

Source of the format: cel/expr/syntax.proto and checked.proto of the CEL specification, in the wire format of protocol
buffers (https://protobuf.dev/programming-guides/encoding).
"""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

AND, OR, EQUAL = "_&&_", "_||_", "_==_"
"""How the engine calls these operators."""

Kind = Literal["constant", "name", "select", "call", "list", "struct", "loop"]

_ANY_VALUE, _CHECKED_EXPR = 2, 4
"""Fields of google.protobuf.Any and of CheckedExpr."""
_KINDS: Mapping[int, Kind] = {3: "constant", 4: "name", 5: "select", 6: "call", 7: "list", 8: "struct", 9: "loop"}
"""Field of an Expr -> what it is."""
_NAME_IN: Mapping[Kind, int] = {"name": 1, "select": 2, "call": 2}
_PARTS_IN: Mapping[Kind, tuple[int, ...]] = {"select": (1,), "call": (1, 3), "list": (1,), "loop": (2, 4, 5, 6, 7)}
_PARTS_OF_ENTRY, _TEXT_IN = (3, 4), (6, 7)
"""In which of their fields name, parts and text are."""
_VARINT, _FIXED64, _BYTES = 0, 1, 2
"""Wire types; the only other one has four bytes."""
_SEVEN_BITS, _MORE = 0x7F, 0x80
"""Of a byte of a number: what it holds, and the mark that another byte follows."""


class Node(NamedTuple):
    """A part of a condition.

    `name`: of a variable (dotted), a function or a field; `text`: of a constant text or bytes. `parts`: what it is
    made of. Those of a loop are its range, what its result begins with, its condition, its step and its result; its
    `bound` are the names of its element, of the second one if there is one, and of its result. `wire`: the part as
    it is serialised.
    """

    kind: Kind
    wire: bytes
    name: str = ""
    parts: tuple["Node", ...] = ()
    text: bytes | None = None
    bound: tuple[str, str, str] = ("", "", "")

    def nodes(self) -> Iterator["Node"]:
        """The node and all below it."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += node.parts

    def names(self) -> set[str]:
        """The names of all variables in it, those of loops too."""
        return {node.name for node in self.nodes() if node.kind == "name"}


def tree_of(serialised: bytes) -> Node:
    """The tree of a serialised expression.

    Raises:
        RecursionError: it is nested too deeply.
    """
    return _node(_first(_first(serialised, _ANY_VALUE), _CHECKED_EXPR))


def only(part: Node, serialised: bytes) -> bytes:
    """The serialised expression, of which only that part of its tree is left."""
    checked = _first(serialised, _ANY_VALUE)
    return _replaced(serialised, _ANY_VALUE, _replaced(checked, _CHECKED_EXPR, part.wire))


def _node(wire: bytes) -> Node:
    said, content = next(((number, value) for number, value in _fields(wire) if isinstance(value, bytes)), (0, b""))
    kind = _KINDS[said]
    entries = _all(content, 2) if kind == "struct" else ()
    return Node(
        kind,
        wire,
        name=_text(content, _NAME_IN[kind]) if kind in _NAME_IN else "",
        parts=(
            *_nodes(content, *_PARTS_IN.get(kind, ())),
            *(node for entry in entries for node in _nodes(entry, *_PARTS_OF_ENTRY)),
        ),
        text=next(iter(_all(content, *_TEXT_IN)), None) if kind == "constant" else None,
        bound=(_text(content, 1), _text(content, 8), _text(content, 3)) if kind == "loop" else ("", "", ""),
    )


def _nodes(message: bytes, *numbers: int) -> tuple[Node, ...]:
    return tuple(_node(each) for number in numbers for each in _all(message, number))


def _all(message: bytes, *numbers: int) -> list[bytes]:
    return [value for number, value in _fields(message) if number in numbers and isinstance(value, bytes)]


def _first(message: bytes, number: int) -> bytes:
    return next(iter(_all(message, number)), b"")


def _text(message: bytes, number: int) -> str:
    return _first(message, number).decode()


def _replaced(message: bytes, number: int, content: bytes) -> bytes:
    """The message, all of whose fields are bytes, with other content in that field."""
    written = [(at, content if at == number else value) for at, value in _fields(message)]
    return b"".join(
        bytes([at << 3 | _BYTES]) + _number(len(value)) + value for at, value in written if isinstance(value, bytes)
    )


def _number(value: int) -> bytes:
    written = bytearray()
    while value > _SEVEN_BITS:
        written.append(value & _SEVEN_BITS | _MORE)
        value >>= 7
    return bytes([*written, value])


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, type_ = key >> 3, key & 7
        if type_ == _VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        length, at = _varint(message, at) if type_ == _BYTES else (8 if type_ == _FIXED64 else 4, at)
        yield number, message[at : at + length]
        at += length


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & _SEVEN_BITS) << shift
        at, shift = at + 1, shift + 7
        if byte < _MORE:
            return value, at
