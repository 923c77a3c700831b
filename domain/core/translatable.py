"""Sentences that can be said in other languages too: each is its English text, and knows what it was made from.

As text they are English, so commands and logs print them as they are; pages ask `translated` for another language.
What is made from them in any other way (an f-string, `join`) is plain text again and stays English.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final, Protocol, Self

from msgspec import DecodeError, json

from domain.core.plain import PlainData

Titles = Mapping[str, str]
"""Language -> words, as a pack has them in each of its languages."""
GROUPED: Final = 10_000
"""From here on the digits of a whole number stand in groups: with fewer it may be a year."""


def N_(text: str) -> str:  # noqa: N802  (gettext's name for it)
    """Return a text that catalogues have words for, though it is not said here."""
    return text


class Language(Protocol):
    """A language."""

    def say(self, text: str) -> str:
        """Return the text in this language."""

    def many(self, one: str, more: str, count: int) -> str:
        """Return the form of the text that the language has for that number, with `count` in it."""

    def number(self, number: float) -> str:
        """Return a number with its groups."""


class Said(str):
    """An English text that can be translated."""

    __slots__ = ()

    def translated(self, tongue: Language) -> str:
        """Return it in that language."""
        return tongue.say(str(self))


class Words(Said):
    """A template with what stands in its braces, which may be such a text itself."""

    __slots__ = ("given", "template")

    def __new__(cls, template: str, **given: object) -> Self:
        """Make the English text, and keep the parts."""
        made = super().__new__(cls, template.format(**given))
        made.template, made.given = template, given
        return made

    template: str
    given: dict[str, object]

    def translated(self, tongue: Language) -> str:
        """Return the template in that language, with its parts in that language."""
        return tongue.say(self.template).format(
            **{name: translated(each, tongue) for name, each in self.given.items()}
        )


class Counted(Said):
    """A number of things, as "3 days"; `{count}` is where the number stands."""

    __slots__ = ("more", "number", "one")

    def __new__(cls, one: str, more: str, count: int) -> Self:
        """Make the English text, and keep the number."""
        made = super().__new__(cls, (one if count == 1 else more).format(count=f"{count:,}"))
        made.one, made.more, made.number = one, more, count
        return made

    one: str
    more: str
    number: int

    def translated(self, tongue: Language) -> str:
        """Return it with the form that the language has for that number."""
        return tongue.many(self.one, self.more, self.number)


class Number(Said):
    """A number of a rule or of a record, with its digits in groups."""

    __slots__ = ("number",)

    def __new__(cls, number: float) -> Self:
        """Make the English text, and keep the number."""
        made = super().__new__(cls, str(number) if abs(number) < GROUPED else f"{number:,}")
        made.number = number
        return made

    number: float

    def translated(self, tongue: Language) -> str:
        """Return it as that language writes it."""
        may_be_year = isinstance(self.number, int) and abs(self.number) < GROUPED
        return str(self) if may_be_year else tongue.number(self.number)


class Joined(Said):
    """Texts one after another, with something between two of them that may be a word itself."""

    __slots__ = ("between", "parts")

    def __new__(cls, parts: Iterable[str], between: str = " ") -> Self:
        """Make the English text, and keep the parts."""
        kept = tuple(parts)
        made = super().__new__(cls, _closed_up(between.join(kept)))
        made.parts, made.between = kept, between
        return made

    parts: tuple[str, ...]
    between: str

    def translated(self, tongue: Language) -> str:
        """Return all parts in that language, joined."""
        return _closed_up(translated(self.between, tongue).join(translated(each, tongue) for each in self.parts))


class Lowered(Said):
    """A sentence that goes on another one, so it begins with a small letter."""

    __slots__ = ("sentence",)

    def __new__(cls, sentence: str) -> Self:
        """Make the English text, and keep the sentence."""
        made = super().__new__(cls, _lowered(sentence))
        made.sentence = sentence
        return made

    sentence: str

    def translated(self, tongue: Language) -> str:
        """Return the sentence in that language, begun as small."""
        return _lowered(translated(self.sentence, tongue))


def translated(text: object, tongue: Language) -> str:
    """Return a text in that language, as far as it can be said in another one; anything else as it is."""
    return text.translated(tongue) if isinstance(text, Said) else str(text)


def text_of(error: Exception) -> str:
    """Return the text of an error, as one that can be translated if it was raised with such a text."""
    first = error.args[0] if error.args else ""
    return first if isinstance(first, Said) else str(error)


def as_plain(text: object) -> object:  # noqa: PLR0911  (one for each kind)
    """Return a text as plain data, which `of_plain` makes the same text of in another process."""
    match text:
        case Words():
            return {"words": text.template, "given": {name: as_plain(each) for name, each in text.given.items()}}
        case Counted():
            return {"one": text.one, "more": text.more, "count": text.number}
        case Number():
            return {"number": text.number}
        case Joined():
            return {"parts": [as_plain(each) for each in text.parts], "between": as_plain(text.between)}
        case Lowered():
            return {"lowered": as_plain(text.sentence)}
        case Said():
            return {"said": str(text)}
        case bool() | int() | float():
            return text
    return str(text)


def of_plain(plain: PlainData) -> PlainData:  # noqa: PLR0911  (one for each kind)
    """Restore the value that `as_plain` was given."""
    match plain:
        case {"words": template, "given": given}:
            return Words(template, **{name: of_plain(each) for name, each in given.items()})
        case {"one": one, "more": more, "count": count}:
            return Counted(one, more, count)
        case {"number": number}:
            return Number(number)
        case {"parts": parts, "between": between}:
            return Joined(map(of_plain, parts), of_plain(between))
        case {"lowered": sentence}:
            return Lowered(of_plain(sentence))
        case {"said": text}:
            return Said(text)
    return plain


def as_stored(text: str) -> str:
    """Return a text as a column of a table keeps it: as JSON where pages can tell it in the reader's language."""
    return json.encode(as_plain(text)).decode() if isinstance(text, Said) else text


def from_stored(column: str) -> str:
    """Return the text that `as_stored` wrote; older rows hold plain text, and the results of some jobs other JSON."""
    if column.startswith("{"):
        with suppress(DecodeError):
            if isinstance(text := of_plain(json.decode(column)), Said):
                return text
    return column


def _lowered(text: str) -> str:
    """Begin with a small letter, unless the first word is an abbreviation such as SMS."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def _closed_up(text: str) -> str:
    return text.replace("( ", "(").replace(" )", ")")
