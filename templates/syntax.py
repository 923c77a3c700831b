"""Reads words: parses a text, holds its tree to the policy, and says which variables it reads."""

import re
from functools import lru_cache

from jinja2 import Environment, TemplateSyntaxError, nodes
from msgspec import Struct

from templates.syntax_walk import Walk
from templates.words_policy import MAX_LENGTH, Problem, Scope

_UNEXPECTED = re.compile(r"(?:got|tag) '(\w+)'")


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
    return Problem(error.lineno, message, unexpected[1] if unexpected else "")
