"""Internal names of triggers, proposed from their titles: transliterated, valid, and not taken."""

import re
from collections.abc import Container
from itertools import count

LONGEST = 40
"""A proposed name is cut between two words before it gets longer; it stands in addresses and commands."""
_LATIN = str.maketrans(
    dict(zip("абвгдезийклмнопрстуфыэ", "abvgdeziyklmnoprstufye", strict=True))
    | dict(zip("әғқңөұүһі", "agqnouuhi", strict=True))
    | {"ё": "yo", "ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ю": "yu", "я": "ya"}
    | {"ъ": "", "ь": ""}
)
"""Small letters of Kazakh and Russian -> Latin."""


def proposed(title: str, taken: Container[str]) -> str:
    """Return a name that no other trigger has (`taken`); empty where the title has no letters that can be told."""
    words = re.findall("[a-z0-9]+", title.lower().translate(_LATIN))
    while words and not words[0][0].isalpha():
        del words[0]
    while len("_".join(words)) > LONGEST and len(words) > 1:
        del words[-1]
    name = "_".join(words)[:LONGEST]
    others = (name if number == 1 else f"{name}_{number}" for number in count(1))
    return next(each for each in others if each not in taken) if name else ""
