"""Reads words: parses a text, holds its tree to the policy, and says which variables it reads."""

import re
from functools import lru_cache

from jinja2 import Environment, TemplateSyntaxError, nodes
from msgspec import Struct

from templates.syntax_walk import Walk
from templates.words_policy import MAX_LENGTH, Problem, Scope

_UNEXPECTED = re.compile(r"(?:got|tag) '(\w+)'")

_PLAINLY = [
    (re.compile(said), plain)
    for said, plain in (
        (r"^unexpected '\}'", "{{{{ is closed by one }} alone: write }}}}"),
        (r"expected token 'end of print statement', got '(.*)'", "{0!r} is not expected here: is }}}} missing?"),
        (r"expected token 'end of statement block', got '(.*)'", "{0!r} is not expected here: is %}} missing?"),
        (r"^unexpected end of template, expected 'end of print", "{{{{ is not closed: write }}}} behind the value"),
        (r"^unexpected end of template", "{{{{ or {{% is not closed"),
        (r"^Unexpected end of template.*closed is '(\w+)'", "{{% {0} %}} is not closed: write {{% end{0} %}}"),
        (
            r"^Encountered unknown tag '(\w+)'.*closed is '(\w+)'",
            "{{% {0} %}} is not known here; {{% {1} %}} ends with {{% end{1} %}}",
        ),
        (
            r"^Encountered unknown tag '(\w+)'",
            "{{% {0} %}} is not known here; there are {{% if … %}} and {{% for … %}}",
        ),
    )
]


class Reading(Struct):
    """What was found in a text: its tree (None: it does not parse), the variables it reads, its problems."""

    tree: nodes.Template | None
    reads: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()


def read_words(text: str, environment: Environment, scope: Scope) -> Reading:
    """Parse a text and hold it to what words may do."""
    if len(text) > MAX_LENGTH:
        return Reading(None, problems=(Problem(1, f"this is longer than {MAX_LENGTH} characters"),))
    try:
        tree = _parsed(environment, text)
        walk = Walk(scope)
        walk.statements(tree.body)
    except TemplateSyntaxError as error:
        return Reading(None, problems=(_not_jinja(error),))
    except RecursionError:
        return Reading(None, problems=(Problem(1, "this is nested too deeply"),))
    return Reading(tree, frozenset(walk.reads), tuple(walk.problems))


@lru_cache(maxsize=1024)  # words are read when they are checked, and again when they are compiled
def _parsed(environment: Environment, text: str) -> nodes.Template:
    if "{" not in text:
        return nodes.Template([nodes.Output([nodes.TemplateData(text.removesuffix("\n"))], lineno=1)], lineno=1)
    return environment.parse(text)


def _not_jinja(error: TemplateSyntaxError) -> Problem:
    message = error.message or "this cannot be read"
    unexpected = _UNEXPECTED.search(message)
    return Problem(error.lineno, _plainly(message), unexpected[1] if unexpected else "")


def _plainly(message: str) -> str:
    """Jinja's own words tell of its tokens."""
    for said, plain in _PLAINLY:
        if found := said.search(message):
            return plain.format(*found.groups())
    return message
