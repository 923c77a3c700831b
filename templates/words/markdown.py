"""A small Markdown (CommonMark without HTML, pictures and code), as HTML and as plain text at once.

Values are not in the text that is parsed: marks stand in their places, so that no value can be read as Markdown.
"""

import re
from collections.abc import Mapping, Sequence
from html import unescape
from urllib.parse import quote

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode
from markupsafe import escape
from msgspec import Struct

RULES = ("heading", "list", "blockquote", "hr", "newline", "escape", "entity", "emphasis", "link", "autolink")
LINK = re.compile(
    r"https://[A-Za-z0-9.-]+(?::[0-9]+)?(?:[/?#].*)?|tel:\+?[0-9]+|mailto:[A-Za-z0-9.+_-]+@[A-Za-z0-9.-]+"
)
"""Addresses that words may link to; no value can choose the host."""
STYLES: Mapping[str, str] = {
    "p": "margin:0 0 16px",
    "h1": "font-size:22px;line-height:1.3;margin:0 0 16px",
    "h2": "font-size:20px;line-height:1.3;margin:24px 0 12px",
    "h3": "font-size:18px;line-height:1.3;margin:20px 0 8px",
    "ul": "margin:0 0 16px;padding-left:24px",
    "ol": "margin:0 0 16px;padding-left:24px",
    "li": "margin:0 0 8px",
    "blockquote": "margin:0 0 16px;padding-left:16px;border-left:4px solid #767676",
    "hr": "border:0;border-top:1px solid #767676;margin:24px 0",
    "a": "color:#0b5e8a",
}

MARKS = frozenset("\ue000\ue001\ue002")
"""The private characters that marks are made of."""
_MARK = re.compile("([\ue000\ue002])([0-9]+)\ue001")
_ENCODED_MARK = re.compile("%EE%80%80([0-9]+)%EE%80%81")


def mark(index: int) -> str:
    """Return the mark for the value with that index in a text."""
    return f"\ue000{index}\ue001"


def spells_marks(words: str) -> bool:
    """Return True if the words write a mark's character as an entity ("&#xE000;").

    It would be taken for a value's mark.
    """
    return "&" in words and not MARKS.isdisjoint(unescape(_MARK.sub("", words)))


class Gaps(Struct, frozen=True):
    """A text with gaps for values; `slots`: which value goes into each, and whether into an address."""

    literals: tuple[str, ...]
    slots: tuple[tuple[int, bool], ...]

    def fill(self, plain: Sequence[str], in_addresses: Sequence[str]) -> str:
        """Return the text with the values in their places."""
        parts = [self.literals[0]]
        for (index, address), literal in zip(self.slots, self.literals[1:], strict=True):
            parts += (in_addresses[index] if address else plain[index], literal)
        return "".join(parts)


def _gaps(text: str) -> Gaps:
    pieces = _MARK.split(text)
    kinds, indices = pieces[1::3], pieces[2::3]
    slots = tuple((int(index), kind == "\ue002") for kind, index in zip(kinds, indices, strict=True))
    return Gaps(tuple(pieces[::3]), slots)


class Page(Struct, frozen=True):
    """A Markdown text in both forms; `links`: whether any address has a gap."""

    html: Gaps
    text: Gaps
    links: bool

    def fill(self, values: Sequence[str]) -> tuple[str, str]:
        """Return HTML and plain text with the values in their places, escaped as each place needs.

        In an address a value can neither end it nor begin another path or query (RFC 3986, section 2).
        """
        addresses = [quote(value, safe="") for value in values] if self.links else values
        return self.html.fill([str(escape(value)) for value in values], addresses), self.text.fill(values, addresses)


class Markdown(MarkdownIt):
    """Parses words that have marks in the places of values."""

    def __init__(self) -> None:
        super().__init__("zero", {"html": False})
        self.enable(RULES)

    def normalizeLink(self, url: str) -> str:  # noqa: N802  (overrides)
        """Return the address, with marks of its own kind, for values are escaped otherwise in it.

        Empty if it is refused.

        It is judged before a mark in its host could become letters (RFC 3492).
        """
        if LINK.fullmatch(url) is None:
            return ""
        return _ENCODED_MARK.sub("\ue002\\1\ue001", super().normalizeLink(url))

    def validateLink(self, url: str) -> bool:  # noqa: N802  (overrides)
        """Return True if words may link there."""
        return LINK.fullmatch(url) is not None

    def page(self, words: str) -> Page:
        """Return the words as HTML and as plain text, with gaps for values."""
        tokens = self.parse(words)
        for token in tokens:
            _style(token)
        html = _gaps(self.renderer.render(tokens, self.options, {}).strip())
        return Page(html, _gaps(_block(SyntaxTreeNode(tokens))), links=any(address for _, address in html.slots))


def _style(token: Token) -> None:
    if token.nesting != -1 and token.tag in STYLES:
        token.attrSet("style", STYLES[token.tag])
    for child in token.children or ():
        _style(child)


def _block(node: SyntaxTreeNode) -> str:
    match node.type:
        case "root":
            return "\n\n".join(map(_block, node.children))
        case "bullet_list":
            return "\n".join(_item("- ", item) for item in node.children)
        case "ordered_list":
            first = int(node.attrs.get("start", 1))
            return "\n".join(_item(f"{number}. ", item) for number, item in enumerate(node.children, first))
        case "blockquote":
            return _indented("> ", "> ", "\n\n".join(map(_block, node.children)))
        case "hr":
            return "-----"
    return "".join(map(_inline, node.children))


def _item(bullet: str, node: SyntaxTreeNode) -> str:
    return _indented(bullet, " " * len(bullet), "\n".join(map(_block, node.children)))


def _indented(first: str, others: str, text: str) -> str:
    return first + text.replace("\n", f"\n{others}")


def _inline(node: SyntaxTreeNode) -> str:
    match node.type:
        case "text":
            return node.content
        case "softbreak":
            return " "
        case "hardbreak":
            return "\n"
    inner = "".join(map(_inline, node.children))
    if node.type != "link":
        return inner
    url = str(node.attrs["href"])
    shown = url.removeprefix("mailto:").removeprefix("tel:")
    return shown if inner == shown or not inner else f"{inner.rstrip(':')}: {shown}"
