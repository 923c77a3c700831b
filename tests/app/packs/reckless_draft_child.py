"""A confined child that takes all the memory it can get for a draft named `greedy`, run by tests."""

from collections.abc import Mapping
from typing import Any

from templates.sandbox.confined_child import serve


def answer(question: Mapping[str, Any]) -> object:
    """No findings."""
    return [] if "greedy" not in str(question) else ["a" * 10**10]


if __name__ == "__main__":
    serve(lambda _: answer)
