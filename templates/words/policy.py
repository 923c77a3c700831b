"""The subset of Jinja that words may use: variables, `if`, loops over lists, a few filters, and nothing else.

The sandbox alone is no limit of resources (`'a' * 10**9`), so the syntax tree is held to a short list of nodes.
"""

from collections.abc import Collection, Mapping

from jinja2 import nodes
from msgspec import Struct

from domain.core.translatable import N_, Said

FILTERS: Mapping[str, tuple[str, ...]] = {
    "date": ("date", "instant"),
    "money": ("integer",),
    "number": ("integer", "number"),
    "upper_first": ("string",),
    "default": (),
}
"""The filters there are, and the types that each takes (none named: any)."""
TESTS = ("defined", "undefined")
LOOP = ("first", "last", "index", "length")
"""The attributes of a loop."""
ROOTS = ("event", "citizen", "recipient", "param", "benefit", "entitled", "step", "repetition", "due")
MAX_DEPTH = 30
MAX_LENGTH = 20_000

UNREADABLE = {
    "date": N_("a date is printed as 2026-03-01 unless you write {{{{ {name} | date }}}}"),
    "instant": N_("a time is printed for machines unless you write {{{{ {name} | date }}}}"),
    "strings": N_("{name} is a list; write {{% for each in {name} %}}{{{{ each }}}} {{% endfor %}}"),
    "boolean": N_("{name} is true or false; write {{% if {name} %}}…{{% endif %}}"),
}
REFUSED: Mapping[type[nodes.Node], Said] = {
    nodes.Call: Said("nothing can be called in words"),
    nodes.Getitem: Said("write event.name, without brackets"),
    nodes.Include: Said("words cannot take in other files"),
    nodes.Import: Said("words cannot take in other files"),
    nodes.FromImport: Said("words cannot take in other files"),
    nodes.Extends: Said("words cannot take in other files"),
    nodes.Mul: Said("words cannot multiply"),
    nodes.Pow: Said("words cannot raise to a power"),
    nodes.Mod: Said("words cannot use %"),
    nodes.Div: Said("words cannot divide"),
    nodes.FloorDiv: Said("words cannot divide"),
    nodes.Assign: Said("words cannot set variables"),
    nodes.AssignBlock: Said("words cannot set variables"),
    nodes.Macro: Said("words cannot define macros"),
    nodes.CallBlock: Said("words cannot define macros"),
}
PRIMITIVES: Mapping[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}
TYPES_OF_COMPOSED: Mapping[type[nodes.Node], str | None] = {
    nodes.And: None,
    nodes.Or: None,
    nodes.List: None,
    nodes.Tuple: None,
    nodes.Not: "boolean",
    nodes.Concat: "string",
}
"""The type of an expression made of others, where it is not that of its first part."""


class Problem(Struct, frozen=True):
    """Something wrong in a text: in its `line` (from 1), at `token` if that can be searched for."""

    line: int
    message: Said
    token: str = ""
    suggestion: str | None = None


class Scope(Struct, frozen=True):
    """The names that a text may use: variables (dotted name -> type) and steps. None: not known, so anything goes."""

    variables: Mapping[str, str] | None = None
    steps: Collection[str] | None = None
