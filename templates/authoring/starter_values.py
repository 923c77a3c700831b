"""The values of a text that is written, put into the sample texts of the other languages."""

import re
from typing import Final

from templates.checks.placeholders import is_of_the_scaffold

_CODE: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_EMPTY: Final = re.compile(r"\{%-?\s*(?:if|for)\b[^%]*%\}(?:\{%-?\s*(?:else|elif)\b[^%]*%\})*\{%-?\s*end\w+\s*-?%\}")
_BLOCK: Final = re.compile(r"\{%-?\s*(?:if|for)\b")
_VALUE: Final = r"(?:\{%(?:(?!%\}).)*%\})*\{\{(?:(?!\}\}).)*\}\}(?:\{%(?:(?!%\}).)*%\})*"
_AT_END: Final = re.compile(rf"(?:\s*{_VALUE})+\s*$", re.DOTALL)


def values_in(text: str) -> list[str]:
    """Return the values of a text, each once, within the conditions that it has and without any words."""
    found: list[str] = []
    depth, block = 0, ""
    for code in _CODE.findall(text):
        depth += 1 if _BLOCK.match(code) else -1 if re.match(r"\{%-?\s*end", code) else 0
        block += code
        if depth <= 0:
            found.append(block)
            depth, block = 0, ""
    return [each for each in dict.fromkeys(map(_without_empty, found)) if "{{" in each]


def _without_empty(block: str) -> str:
    while (shorter := _EMPTY.sub("", block)) != block:
        block = shorter
    return block


def with_values_of(written: str, sample: str, title: str) -> str:
    """Return a sample text with the values of a written one at its end; any other text as it is.

    `title`: that of the rule in the language of the sample, which stands in it as subject and as title.
    """
    bare = _AT_END.sub("", sample)
    if is_of_the_scaffold(written) or not (is_of_the_scaffold(bare) or bare == title):
        return sample
    values = [each for each in values_in(written) if each not in bare]
    return (("\n\n" if "\n" in bare else " ").join([bare, " ".join(values)])) if values else bare
