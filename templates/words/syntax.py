"""Reads words: parses a text, holds its tree to the policy, and says which variables it reads.

Goes through the tree of words: refuses what the policy does not list, and notes which variables are read.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from jinja2 import Environment, TemplateSyntaxError, nodes
from msgspec import Struct

from domain.core.translatable import N_, Joined, Said, Words
from templates.reading.findings import closest
from templates.words.policy import (
    FILTERS,
    LOOP,
    MAX_DEPTH,
    MAX_LENGTH,
    PRIMITIVES,
    REFUSED,
    ROOTS,
    TESTS,
    TYPES_OF_COMPOSED,
    UNREADABLE,
    Problem,
    Scope,
)


class Walk:
    """Goes through a tree once; `local`: the loop's variable while inside a loop."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.reads: set[str] = set()
        self.problems: list[Problem] = []
        self.local: str | None = None
        self.depth = 0

    def _problem(self, node: nodes.Node, message: Said, token: str = "", suggestion: str | None = None) -> None:
        self.problems.append(Problem(node.lineno, message, token, suggestion))

    def statements(self, body: Iterable[nodes.Node]) -> None:
        """Take in statements, in order. Raises RecursionError for too many levels."""
        for node in body:
            self._deeper()
            match node:
                case nodes.Output():
                    self._output(node)
                case nodes.If():
                    self._if(node)
                case nodes.For():
                    self._for(node)
                case _:
                    self._refuse(node)
            self.depth -= 1

    def _deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise RecursionError

    def _refuse(self, node: nodes.Node) -> None:
        message = REFUSED.get(type(node)) or Words("words cannot use {name}", name=type(node).__name__.lower())
        self._problem(node, message, dotted(getattr(node, "node", None)) or "")

    def _output(self, node: nodes.Output) -> None:
        for each in node.nodes:
            if isinstance(each, nodes.TemplateData):
                continue
            kind = self.expression(each)
            if kind in UNREADABLE:
                name = dotted(each) or "it"
                self._problem(each, Words(UNREADABLE[kind], name=name), name)

    def _if(self, node: nodes.If) -> None:
        if len(node.elif_) > MAX_DEPTH:
            raise RecursionError
        for branch in (node, *node.elif_):
            self.expression(branch.test)
            self.statements(branch.body)
        self.statements(node.else_)

    def _for(self, node: nodes.For) -> None:
        if self.local is not None or node.recursive or not isinstance(node.target, nodes.Name):
            self._problem(node, Said("one loop over one list, and no loop inside another"))
            return
        kind, name = self.expression(node.iter), dotted(node.iter)
        if kind not in ("strings", None) or not name:
            self._problem(node, Said("a loop goes over a list of the event or the citizen"), name or "")
        if node.target.name in (*ROOTS, "loop"):
            self._problem(
                node, Words("a loop cannot call its variable {name!r}", name=node.target.name), node.target.name
            )
        self.local = node.target.name
        if node.test is not None:
            self.expression(node.test)
        self.statements(node.body)
        self.local = None
        self.statements(node.else_)

    def expression(self, node: nodes.Node) -> str | None:
        """Return the type of the expression's value; None where it is not known."""
        self._deeper()
        kind = self._expression(node)
        self.depth -= 1
        return kind

    def _expression(self, node: nodes.Node) -> str | None:
        match node:
            case nodes.Const():
                return PRIMITIVES.get(type(node.value))
            case nodes.Name() | nodes.Getattr():
                return self._variable(node)
            case nodes.Filter():
                return self._filter(node)
            case nodes.Test():
                return self._test(node)
            case nodes.Compare():
                return self._compare(node)
        return self._composed(node)

    def _composed(self, node: nodes.Node) -> str | None:
        if (parts := _parts(node)) is None:
            self._refuse(node)
            return None
        kinds = [self.expression(part) for part in parts]
        return TYPES_OF_COMPOSED[type(node)] if type(node) in TYPES_OF_COMPOSED else kinds[0]

    def _variable(self, node: nodes.Name | nodes.Getattr) -> str | None:
        name = dotted(node)
        if name is None:
            self._refuse(node)
            return None
        root, _, rest = name.partition(".")
        if self.local is not None and (name == self.local or (root == "loop" and rest in LOOP)):
            return "string" if name == self.local else None
        self.reads.add(name)
        known = self.scope.variables
        if known is None:
            return None
        if name not in known:
            self._problem(node, Words("there is no variable {name}", name=name), name, closest(name, known))
        return known.get(name)

    def _filter(self, node: nodes.Filter) -> str | None:
        kind = None if node.node is None else self.expression(node.node)
        if node.name not in FILTERS:
            self._problem(
                node, Words("there is no filter {name}", name=node.name), node.name, closest(node.name, FILTERS)
            )
            return None
        if node.name == "default":
            if len(node.args) != 1 or not isinstance(node.args[0], nodes.Const) or _more_than_args(node):
                self._problem(node, Said('default takes one text: default("…")'), "default")
            return kind
        if node.args or _more_than_args(node):
            self._problem(node, Words("the filter {name} takes nothing in brackets", name=node.name), node.name)
        takes = FILTERS[node.name]
        if kind is not None and kind not in takes:
            takes_ = Joined(takes, Words(" or "))
            self._problem(
                node,
                Words("the filter {name} takes {takes}, not {kind}", name=node.name, takes=takes_, kind=kind),
                node.name,
            )
        return "string"

    def _test(self, node: nodes.Test) -> str:
        if node.name not in TESTS or node.args or node.kwargs:
            self._problem(
                node, Words("there is no test {name}", name=node.name), node.name, closest(node.name, TESTS)
            )
        self.expression(node.node)
        return "boolean"

    def _compare(self, node: nodes.Compare) -> str:
        kind = self.expression(node.expr)
        for operand in node.ops:
            other = self.expression(operand.expr)
            if operand.op not in ("in", "notin") and None not in (kind, other) and not _alike(kind, other):
                name = dotted(node.expr) or ""
                self._problem(node, Words("this compares {kind} with {other}", kind=kind, other=other), name)
            if dotted(node.expr) == "step":
                self._steps(operand.expr)
        return "boolean"

    def _steps(self, node: nodes.Node) -> None:
        """A step that is compared with what no step is called is a misspelt one."""
        compared = node.items if isinstance(node, nodes.List | nodes.Tuple) else [node]
        for each in compared:
            if isinstance(each, nodes.Const) and self.scope.steps is not None and each.value not in self.scope.steps:
                name = str(each.value)
                self._problem(
                    each, Words("there is no step {name!r}", name=name), name, closest(name, self.scope.steps)
                )


def _alike(kind: str | None, other: str | None) -> bool:
    return kind == other or any({kind, other} == pair for pair in ({"integer", "number"}, {"string", "date"}))


def _more_than_args(node: nodes.Filter) -> bool:
    return bool(node.kwargs or node.dyn_args or node.dyn_kwargs)


def dotted(node: nodes.Node | None) -> str | None:
    """Return the dotted name that a chain of attributes spells; None where it is no such chain."""
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr) and (before := dotted(node.node)) is not None:
        return f"{before}.{node.attr}"
    return None


def _parts(node: nodes.Node) -> list[nodes.Expr] | None:
    """Return the operands of a composed expression; None for one that words may not use."""
    match node:
        case nodes.And() | nodes.Or() | nodes.Add() | nodes.Sub():
            return [node.left, node.right]
        case nodes.Not() | nodes.Neg():
            return [node.node]
        case nodes.CondExpr():
            return [node.expr1, node.test, *([] if node.expr2 is None else [node.expr2])]
        case nodes.Concat():
            return node.nodes
        case nodes.List() | nodes.Tuple():
            return node.items
    return None


_UNEXPECTED = re.compile(r"(?:got|tag) '(\w+)'")

_PLAINLY = [
    (re.compile(said), plain)
    for said, plain in (
        (r"^unexpected '\}'", N_("{{{{ is closed by one }} alone: write }}}}")),
        (
            r"expected token 'end of print statement', got '(?P<token>.*)'",
            N_("{token!r} is not expected here: is }}}} missing?"),
        ),
        (
            r"expected token 'end of statement block', got '(?P<token>.*)'",
            N_("{token!r} is not expected here: is %}} missing?"),
        ),
        (
            r"^unexpected end of template, expected 'end of print",
            N_("{{{{ is not closed: write }}}} behind the value"),
        ),
        (r"^expected token 'name'", N_("a name is missing behind a point or a |")),
        (r"^unexpected end of template", N_("{{{{ or {{% is not closed")),
        (
            r"^Unexpected end of template.*closed is '(?P<tag>\w+)'",
            N_("{{% {tag} %}} is not closed: write {{% end{tag} %}}"),
        ),
        (
            r"^Encountered unknown tag '(?P<tag>\w+)'.*closed is '(?P<open>\w+)'",
            N_("{{% {tag} %}} is not known here; {{% {open} %}} ends with {{% end{open} %}}"),
        ),
        (
            r"^Encountered unknown tag '(?P<tag>\w+)'",
            N_("{{% {tag} %}} is not known here; there are {{% if … %}} and {{% for … %}}"),
        ),
    )
]


class Reading(Struct):
    """The result of reading a text: its tree (None: it does not parse), the variables it reads, its problems."""

    tree: nodes.Template | None
    reads: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()


def read_words(text: str, environment: Environment, scope: Scope) -> Reading:
    """Parse a text and hold it to what words may do."""
    if len(text) > MAX_LENGTH:
        return Reading(None, problems=(Problem(1, Words("this is longer than {most} characters", most=MAX_LENGTH)),))
    try:
        tree = _parsed(environment, text)
        walk = Walk(scope)
        walk.statements(tree.body)
    except TemplateSyntaxError as error:
        return Reading(None, problems=(_not_jinja(error),))
    except RecursionError:
        return Reading(None, problems=(Problem(1, Said("this is nested too deeply")),))
    return Reading(tree, frozenset(walk.reads), tuple(walk.problems))


@lru_cache(maxsize=1024)  # words are read when they are checked, and again when they are compiled
def _parsed(environment: Environment, text: str) -> nodes.Template:
    if "{" not in text:
        return nodes.Template([nodes.Output([nodes.TemplateData(text.removesuffix("\n"))], lineno=1)], lineno=1)
    return environment.parse(text)


def _not_jinja(error: TemplateSyntaxError) -> Problem:
    message = error.message or ""
    unexpected = _UNEXPECTED.search(message)
    return Problem(error.lineno, _plainly(message), unexpected[1] if unexpected else "")


def _plainly(message: str) -> Words:
    """Return a problem of Jinja in plain words: its own speak of tokens."""
    for said, plain in _PLAINLY:
        if found := said.search(message):
            return Words(plain, **found.groupdict())
    return Words("this cannot be read: {message}", message=message)
