"""Conditions and amounts in CEL, behind a port of our own: compiled against declared types, evaluated safely.

Source of the language: the Common Expression Language specification (cel-spec); engine: cel-expr-python.
"""

import itertools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache
from operator import itemgetter
from typing import Any, ClassVar, Generic, TypeVar

from cel_expr_python import cel

from domain.conditions.cost import MOST_COST, USUAL_ITEMS, USUAL_TEXT, TooCostly, cost_of
from domain.conditions.tree import Node, serialised_part, tree_of
from domain.core.plain import PlainData
from domain.core.translatable import N_, Joined, Said, Words

CEL_TYPES = {
    "string": cel.Type.STRING,
    "date": cel.Type.STRING,
    "integer": cel.Type.INT,
    "number": cel.Type.DOUBLE,
    "boolean": cel.Type.BOOL,
    "instant": cel.Type.TIMESTAMP,
    "strings": cel.Type.List(cel.Type.STRING),
}
_POSITION = re.compile(r"<input>:(\d+):(\d+): (.*?)(?: \(in container ''\))?$", re.MULTILINE)
_SYNTAX = re.compile("Syntax error: ")
_UNEXPECTED = re.compile(r"Syntax error: (?:mismatched|extraneous) input '(.*?)' expecting ")
_NAME = re.compile(r"\b(?:event|citizen|later|param|entitled)(?:\s*\.\s*`?[A-Za-z_][A-Za-z_0-9]*`?)+")
_BETWEEN_NAMES = re.compile(r"[\s`]+")
"""Characters around a dot that mean nothing there."""
_QUOTED = re.compile(r"""(//[^\n]*|\"{3}.*?\"{3}|'{3}.*?'{3}|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')""", re.DOTALL)
"""Remarks and texts, whichever begins first: an apostrophe in a remark begins no text."""
_NO_TOKEN = re.compile(r"Syntax error: token recognition error at: '(.*)'$", re.DOTALL)
_NO_OVERLOAD = re.compile(r"found no matching overload for '[@_]?(in|\W+?)_?' applied to '\((.*)\)'")
_NO_PARTS = re.compile(r"expression of type '(.*?)' cannot be the operand of a select operation")
_UNDECLARED = re.compile(r"undeclared reference to '(.*?)'")
_ROOTS = ("event", "citizen", "later", "param", "entitled")
_MISSING = re.compile(r"Syntax error: missing ('.*?') at ")
_SIGNS = {
    "=": "==",
    "=>": ">=",
    "=<": "<=",
    "&": "&&",
    "|": "||",
    "and": "&&",
    "or": "||",
    "not": "!",
    "<>": "!=",
    "“": '"',
    "”": '"',
    "„": '"',
    "‘": '"',
    "’": '"',
    "‚": '"',
    "«": '"',
    "»": '"',
}
"""Notations from elsewhere → the one of this language."""
KINDS = {
    "string": N_("a text"),
    "int": N_("a whole number"),
    "double": N_("a decimal number"),
    "bool": N_("true or false"),
    "timestamp": N_("a time"),
    "google.protobuf.timestamp": N_("a time"),
    "list(string)": N_("a list"),
    "list<string>": N_("a list"),
}
"""The engine's types in our words."""


Answer = TypeVar("Answer")
LATER = "later."
NO_VALUES: Mapping[str, Any] = {}


class BadCondition(ValueError):
    """A condition that does not compile; `line` and `column` (from 1) say where in its text.

    `others`: the further mistakes in the same text.
    """

    def __init__(self, problem: Said, line: int = 1, column: int = 1, others: "Sequence[BadCondition]" = ()) -> None:
        super().__init__(problem)
        self.problem, self.line, self.column, self.others = problem, line, column, tuple(others)


class Expression(Generic[Answer]):
    """A compiled expression. `reads`: the dotted names in it; `types`: dotted name -> type.

    Answers are remembered by the values read, for a few hundred combinations: the same kinds and ages come again
    and again, and one evaluation costs as much as six look-ups.
    """

    REMEMBERED = 512
    KINDS: ClassVar[tuple[type, ...]]
    """The Python types of its answers."""

    def __init__(self, text: str, reads: Mapping[str, str], expression: cel.Expression, environment: cel.Env) -> None:
        self.text = text
        self.reads = tuple(reads)
        self.types = reads
        self._own = [name for name in self.reads if not name.startswith(LATER)]
        self._later = [(name, name_in_event(name)) for name in self.reads if name.startswith(LATER)]
        self._fetch_own = _getter(self._own)
        self._fetch_later = _getter([as_event for _, as_event in self._later]) if self._later else None
        self._expression = expression
        self._environment = environment
        self._answers: dict[Any, Answer | None] = {}

    def answer(self, values: Mapping[str, Any], later: Mapping[str, Any] = NO_VALUES) -> Answer | None:
        """Return its value for values by dotted name; None where it needs a value that is missing.

        `later`: the values of the event that `later.` speaks of, under its own names ("event.<path>").

        Raises:
            TooCostly: it would cost too much for these values.
        """
        fetch_later = self._fetch_later
        try:
            if fetch_later is None:
                return self._answers[self._fetch_own(values)]
            return self._answers[self._fetch_own(values), fetch_later(later)]
        except (KeyError, TypeError):  # not seen before, a value that is missing, or a list among them
            return self._look_up(values, later)

    def _look_up(self, values: Mapping[str, Any], later: Mapping[str, Any]) -> Answer | None:
        reads = {name: value for name in self._own if (value := values.get(name)) is not None}
        for name, as_event in self._later:
            if (value := later.get(as_event)) is not None:
                reads[name] = value
        self._check_cost(reads)
        answer = self._evaluated(reads)
        found: Answer | None = answer if type(answer) in self.KINDS else None
        if len(reads) == len(self.reads):
            own = self._fetch_own(values)
            self._remember(own if self._fetch_later is None else (own, self._fetch_later(later)), found)
        return found

    @cached_property
    def tree(self) -> Node:
        """Return the syntax tree of the expression."""
        return tree_of(self._expression.serialize())

    @cached_property
    def cost(self) -> int:
        """Return an upper bound of the cost for values of a usual size."""
        return cost_of(self.tree, self.types)

    def _check_cost(self, reads: Mapping[str, Any]) -> None:
        """Refuse to evaluate what would cost too much: nothing can end it once it has begun."""
        text = items = 0
        for value in reads.values():
            if isinstance(value, str):
                text = max(text, len(value))
            elif isinstance(value, list):
                longest = max((len(each) for each in value if isinstance(each, str)), default=0)
                text, items = max(text, longest), max(items, len(value))
        usual = text <= USUAL_TEXT and items <= USUAL_ITEMS
        if (self.cost if usual else cost_of(self.tree, self.types, text, items)) > MOST_COST:
            raise TooCostly(f"a condition costs more than {MOST_COST:,} steps for one event")

    def _evaluated(self, reads: Mapping[str, Any]) -> Any:  # noqa: ANN401  (whatever the expression gives)
        try:
            return self._expression.eval(self._environment.Activation(reads)).plain_value()
        except (
            RuntimeError
        ):  # a loop beyond the engine's budget, or half a character: nobody's planning may stop at it
            return None

    def _remember(self, key: PlainData, answer: Answer | None) -> None:
        if len(self._answers) >= self.REMEMBERED:
            self._answers.clear()
        try:
            self._answers[key] = answer
        except TypeError:  # a list among the values is nothing to look up by
            return


class Condition(Expression[bool]):
    """A compiled condition: true or false."""

    KINDS = (bool,)
    holds = Expression[bool].answer

    def part(self, node: Node) -> "Condition":
        """Return a part of its tree that is true or false, as a condition of its own."""
        expression = self._environment.deserialize(serialised_part(node, self._expression.serialize()))
        reads = {name: type_ for name, type_ in self.types.items() if name in node.names()}
        return Condition(self.text, reads, expression, self._environment)


class Amount(Expression[int | float]):
    """A compiled amount: a number."""

    KINDS = (int, float)

    def tenge(self, values: Mapping[str, Any]) -> int | None:
        """Return the amount in whole tenge, half a tenge rounded up; None where it needs a value that is missing."""
        found = self.answer(values)
        if found is None or not math.isfinite(found):
            return None
        return found if isinstance(found, int) else math.floor(round(found, 6) + 0.5)  # 0.1 + 0.2 is not quite 0.3


def _getter(names: list[str]) -> Callable[[Mapping[str, Any]], Any]:
    return itemgetter(*names) if names else lambda _: None


def name_in_event(name: str) -> str:
    """Return a name of the later event as it is in that event itself."""
    return name.replace(LATER, "event.", 1)


@lru_cache(maxsize=256)  # triggers on one event type share theirs, and making one costs as much as six conditions
def _environment(variables: frozenset[tuple[str, str]]) -> cel.Env:
    return cel.NewEnv(variables={name: CEL_TYPES[type_] for name, type_ in variables})


@lru_cache(maxsize=1024)  # a pack's triggers are compiled when they are checked, and again when they are tried
def _expression(environment: cel.Env, text: str) -> cel.Expression:
    return environment.compile(text)


class Conditions:
    """Compiles conditions over the same variables (dotted name -> type, see CEL_TYPES)."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._environment = _environment(frozenset(variables.items()))

    def compile(self, text: str) -> Condition:
        """Compile a condition.

        Raises:
            BadCondition: it does not parse, names what is not declared, or compares what cannot be compared.
        """
        expression = self._compiled(text)
        if expression.return_type() != cel.Type.BOOL:
            kind = _kind(expression.return_type().name())
            raise BadCondition(Words("a condition must be true or false, this is {kind}", kind=kind))
        return Condition(text, self._read_by(text), expression, self._environment)

    def amount(self, text: str) -> Amount:
        """Compile an amount.

        Raises:
            BadCondition: as for a condition; or it is no number.
        """
        expression = self._compiled(text)
        if expression.return_type() not in (cel.Type.INT, cel.Type.DOUBLE):
            kind = _kind(expression.return_type().name())
            raise BadCondition(Words("an amount must be a number, this is {kind}", kind=kind))
        return Amount(text, self._read_by(text), expression, self._environment)

    def _compiled(self, text: str) -> cel.Expression:
        try:
            return _expression(self._environment, text)
        except RuntimeError as error:
            raise _bad_condition(str(error), text) from None
        except TypeError:
            raise BadCondition(Words("the condition has half a character in it")) from None

    def _read_by(self, text: str) -> dict[str, str]:
        """Return the declared names in the text, with their types; what follows one (a method) is not part of it."""
        found: set[str] = set()
        for dotted in _NAME.findall(_QUOTED.sub(" ", text)):
            parts = _BETWEEN_NAMES.sub("", dotted).split(".")
            prefixes = (".".join(parts[:length]) for length in range(len(parts), 1, -1))
            found.update(itertools.islice((each for each in prefixes if each in self._variables), 1))
        return {name: self._variables[name] for name in sorted(found)}


def without_remarks(text: str) -> str:
    """Return the text of a condition without what its author remarks on it."""
    return _QUOTED.sub(lambda found: "" if found[0].startswith("//") else found[0], text)


def essence(text: str) -> str:
    """Return the text of a condition without remarks and layout.

    It means the same, and texts in it stay as they are.
    """
    pieces = _QUOTED.split(without_remarks(text))
    said = (piece if at % 2 else " ".join(piece.split()) for at, piece in enumerate(pieces))
    return " ".join(filter(None, said))


def _bad_condition(message: str, text: str) -> BadCondition:
    found = [(match[3], int(match[1]), int(match[2])) for match in _POSITION.finditer(message)]
    if not found:
        return BadCondition(Words("this cannot be read: {message}", message=message.splitlines()[0]))
    unread = [each for each in found if _NO_TOKEN.match(each[0])]
    syntax = (
        unread or [each for each in found if _SYNTAX.match(each[0])][:1]
    )  # one such mistake gives others after it
    first, *others = [
        BadCondition(_advice(problem, text, line, column) or _in_plain_words(problem), line, column)
        for problem, line, column in syntax or found
    ]
    return BadCondition(first.problem, first.line, first.column, others)


def _advice(problem: str, text: str, line: int, column: int) -> Said | None:
    """Return the advice for a slip whose place and surroundings say what was meant; None where they do not."""
    whole = text.split("\n")[line - 1] if line <= text.count("\n") + 1 else ""
    before, rest = whole[: column - 1], whole[column - 1 :]
    if (one := _DIGITS_BEFORE.search(before)) and (other := _DIGITS.match(rest)):
        number = f"{one[1].replace(' ', '')}{other[0].replace(' ', '')}"
        return Words("write the number without spaces: {number}", number=number)
    if (one := _DIGITS_BEFORE.search(before)) and (other := re.match(r",\s?(\d+)", rest)):
        return Words("write a decimal number with a point: {number}", number=f"{one[1]}.{other[1]}")
    kinds = _NO_OVERLOAD.match(problem)
    if kinds and _NUMBERS & set(kinds[2].split(", ")) and (found := _COMPARED_TEXT.match(rest)):
        return Words("a number is compared with a number: write {number} without quotation marks", number=found[2])
    if before[-1:] in ("'", '"') and re.match(r"""[\w"']""", rest):
        return Words('the text ends at the quotation mark before this: around a text with " in it, put \' and no "')
    return None


_DIGITS_BEFORE = re.compile(r"(?<![\w.])(\d+(?: \d{3})*)\s*$")
_DIGITS = re.compile(r"\d{3}(?: \d{3})*(?!\w)")
_COMPARED_TEXT = re.compile(r"""(==|!=|<=|>=|<|>)\s*["'](-?\d+(?:\.\d+)?)["']""")
"""A comparison with a number in quotation marks."""
_NUMBERS = {"int", "double"}


def _in_plain_words(problem: str) -> Said:  # noqa: PLR0911  (one for each message of the parser)
    """Return a parser's problem in plain words: its own list every token that it knows."""
    if found := _UNEXPECTED.match(problem):
        if found[1] in _SIGNS:
            return _advice_about_sign(found[1])
        if found[1] == "<EOF>":
            return Words("the condition ends too early")
        return Words("{name} is not expected here", name=repr(found[1]))
    if found := _UNDECLARED.match(problem):
        return _unknown(found[1])
    if found := _MISSING.match(problem):
        return Words("{name} is missing", name=found[1])
    if found := _NO_TOKEN.match(problem):
        if found[1][:1] in "\"'":
            return Words("a quotation mark is not closed")
        sign = found[1].strip()
        return _advice_about_sign(sign) if sign in _SIGNS else Words("{name} means nothing here", name=repr(sign))
    if found := _NO_OVERLOAD.match(problem):
        kinds = Joined(map(_kind, found[2].split(", ")), Words(" and "))
        return Words("{name} does not go with {kinds}", name=repr(found[1]), kinds=kinds)
    found = _NO_PARTS.match(problem)
    if found is None:
        return Words("this cannot be read: {message}", message=problem)
    return Words("{kind} has nothing after a dot; a date is compared as a whole", kind=_kind(found[1]))


def _unknown(name: str) -> Words:
    """Return the error for an undeclared name. One without a dot is probably a text without its quotation marks."""
    if "." in name or name in _ROOTS:
        return Words("there is no field {name}", name=repr(name))
    return Words("{name} is no field; put it in quotes if it is a text", name=repr(name))


def _advice_about_sign(sign: str) -> Words:
    """Return the advice for a sign that the language does not use."""
    meant = _SIGNS[sign]
    if sign == "=":
        return Words("use == to compare")
    if meant == '"':
        return Words("{name} is not expected here; use straight quotes", name=repr(sign))
    return Words("use {meant} instead of {sign}", meant=meant, sign=sign)


def _kind(name: str) -> str:
    return Said(KINDS[name.lower()]) if name.lower() in KINDS else name
