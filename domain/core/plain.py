"""Plain data: what YAML and JSON give, such as a value of an event, whose type its pack declares."""

from typing import Any, TypeAlias

PlainData: TypeAlias = Any
"""None, a truth value, a number, a text, or a list or mapping of plain data; not checked by types."""
