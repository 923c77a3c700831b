"""The values of a text that is written, put into the sample texts of the other languages."""

import re
from typing import Final

from templates.checks.placeholders import is_of_the_scaffold
from templates.words.tags import CLOSES, OPENS, TAG

_TAG: Final = re.compile(TAG)


def values_in(text: str) -> list[str]:
    """Return the values of a text, each once, within the conditions that it has and without any words."""
    found: list[str] = []
    blocks: list[list[str]] = []  # those under way, the innermost last
    for code in _TAG.findall(text):
        if OPENS.match(code):
            blocks.append([code])
        elif blocks and CLOSES.match(code):
            block = "".join([*blocks.pop(), code])
            if "{{" in block:
                (blocks[-1] if blocks else found).append(block)
        else:
            (blocks[-1] if blocks else found).append(code)
    return [each for each in dict.fromkeys(found) if "{{" in each]


def _without_values_at_end(text: str) -> str:
    start = len(text)
    for code in reversed(list(_TAG.finditer(text))):
        if text[code.end() : start].strip():
            break
        start = code.start()
    return text[:start].rstrip() if "{{" in text[start:] else text


def with_values_of(written: str, sample: str, title: str) -> str:
    """Return a sample text with the values of a written one at its end; any other text as it is.

    `title`: that of the rule in the language of the sample, which stands in it as subject and as title.
    """
    bare = _without_values_at_end(sample)
    if is_of_the_scaffold(written) or not (is_of_the_scaffold(bare) or bare == title):
        return sample
    values = [each for each in values_in(written) if each not in bare]
    return (("\n\n" if "\n" in bare else " ").join([bare, " ".join(values)])) if values else bare
