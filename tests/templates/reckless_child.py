"""A confined child without any whitelist: what a hole in the checks would let through, run by tests."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import ChainableUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from templates.compiled import BadWords, PlainText
from templates.confined_child import serve


def answer(question: Mapping[str, Any]) -> object:
    """What became of a text, a file to be written, or the names in the environment."""
    if "write" in question:
        return _written(Path(question["write"]))
    if "text" not in question:
        return sorted(os.environ)
    environment = ImmutableSandboxedEnvironment(undefined=ChainableUndefined)
    environment.filters |= {"date": str, "money": str}
    try:
        PlainText(environment.from_string(question["text"]), "").render({})
    except BadWords as bad:
        return [bad.variable, bad.problem]
    return None


def _written(path: Path) -> str:
    try:
        path.write_text("mine")
    except OSError as error:
        return type(error).__name__
    return "written"


if __name__ == "__main__":
    serve(lambda _: answer)
