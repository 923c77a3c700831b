"""The labels of a note with texts: the words that people write for a text, a step or a language.

The order of the words, their case, and all signs between and around them count for nothing.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from itertools import islice, product
from typing import Final
from unicodedata import normalize

from msgspec import Struct

from templates.reading.files import BODY

FIELDS: Final = ("subject", "push.title", "push.body", "sms", BODY)
"""The texts of a message, in the order of a note."""
_LONGEST: Final = 200
"""The most characters at the start of a line in which a label is looked for."""
_MOST_SEPARATORS: Final = 8
_MOST_WORDS: Final = 4
"""The most words that somebody writes as a label; more are a sentence."""
_PUSH: Final = (
    *("push", "push уведомление", "push уведомления", "push уведомлении", "push сообщение", "push сообщения"),
    *("push хабарлама", "push хабарламаның", "push notification", "push message"),
)
_SMS: Final = ("sms", "sms сообщение", "sms сообщения", "sms хабарлама", "sms хабарламаның", "sms message")
_EMAIL: Final = (
    *("письмо", "письма", "электронное письмо", "электронного письма", "эл письмо", "эл письма", "email", "letter"),
    *("хат", "хаттың", "электрондық хат", "электрондық хаттың"),
)
_FIRST: Final = (
    *("заголовок", "первая строка", "тақырып", "тақырыбы", "бірінші жол", "бірінші жолы"),
    *("title", "heading", "first line"),
)
_TEXT: Final = ("текст", "мәтін", "мәтіні", "text", "body")
_SUBJECT: Final = ("тема", "заголовок", "тақырып", "тақырыбы", "subject", "subject line")
_SAID: Final[Mapping[str, Sequence[str]]] = {
    "subject": (
        *("тема", "тақырып", "тақырыбы", "subject", "subject line"),
        *map(" ".join, product(_EMAIL, _SUBJECT)),
    ),
    "push.title": tuple(map(" ".join, product(_PUSH, _FIRST))),
    "push.body": tuple(map(" ".join, product(_PUSH, _TEXT))),
    "sms": (*_SMS, *map(" ".join, product(_SMS, _TEXT))),
    BODY: (*_EMAIL, *map(" ".join, product(_EMAIL, _TEXT))),
}
"""Text of a message -> what people call it."""
_LANGUAGES: Final[Mapping[str, str]] = {
    "ru": "русский русском русская русски рус ru rus russian орысша орыс",
    "kk": (
        "қазақша қазақ қаз казахский казахском казахская казахски каз kk kz kaz kazakh"
        " государственный государственном мемлекеттік"
    ),
    "en": "english английский английском английская английски англ en eng ағылшынша ағылшын",
}
_BESIDE_A_LANGUAGE: Final = {"на", "по", "в", "in", "язык", "языке", "тіл", "тілі", "тілде", "тілінде", "language"}
_OF_A_LANGUAGE: Final = _BESIDE_A_LANGUAGE | {
    *("версия", "вариант", "текст", "тексты", "мәтін", "мәтіні", "мәтіндер"),
    *("version", "text", "texts"),
}
_ANY_MESSAGE: Final = {
    *("уведомление", "уведомления", "уведомлении", "сообщение", "сообщения"),
    *("хабарлама", "хабарламаның", "notification", "message"),
}
_SAME: Final[Mapping[str, str]] = {
    "пуш": "push",
    "пуша": "push",
    **dict.fromkeys(("смс", "смска", "смски", "эсэмэс", "эсэмэска", "эсэмэски"), "sms"),
    "имейл": "email",
    "имэйл": "email",
    "емейл": "email",
}
_INVISIBLE: Final = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
_E_MAIL: Final = re.compile("[eе]-?mail")  # the second letter is the Cyrillic one
_WORD: Final = re.compile(r"[^\W_]+")
_NUMBERING: Final = re.compile(r"\s{0,9}[0-9]{1,2}[.)]\s")
_SEPARATOR: Final = re.compile(r"[:\uff1a\t]|(?<=\s)-(?=\s)|[—–](?=\s|\Z)")
_MARKERS: Final = re.compile(r"[\s>•·–-]{0,20}([*_]{1,3})")
_SHORT, _LONGEST_WORD = 4, 20
"""The fewest and the most letters of a word that is recognised with a slip in it."""


class Vocabulary(Struct, frozen=True):
    """Names of one kind of thing. `written`: thing -> its name in a note; `also`: other names that are understood."""

    written: Mapping[str, str]
    also: Sequence[tuple[str, str]] = ()

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Yield each name with its thing; where two things have a name, the written one comes last."""
        yield from self.also
        yield from ((name, thing) for thing, name in self.written.items())


class Label(Struct, frozen=True):
    """A line that says what follows: a language, a group (a step, or the correction), or a text.

    `rest`: what stands behind the label on its line.
    """

    language: str = ""
    group: str = ""
    field: str = ""
    rest: str = ""


class NoteLabels:
    """The labels that a note is written with and read by. Groups and fields are named as in `WordsForm`."""

    def __init__(self, fields: Vocabulary, groups: Vocabulary, languages: Vocabulary) -> None:
        self.fields, self.groups, self.languages = fields.written, groups.written, languages.written
        self._fields = _usual_fields() | {_key(_words(name)): field for name, field in fields}
        self._groups = {_words(name): group for name, group in groups}
        spoken = {_words(name): code for name, code in languages}
        single = {words[0]: code for words, code in spoken.items() if len(words) == 1}
        self._languages = single | _usual_languages() | {code: code for code in languages.written}

    def label_of(self, line: str) -> Label | None:
        """Return the label that a line is or begins with; None for a line of text."""
        if len(line) <= _LONGEST and (words := _words(line)):
            if (group := self._groups.get(words)) is not None:
                return Label(group=group)
            if (found := self._text_of(words)) is not None:
                return found
            if language := self._language_of(words):
                return Label(language)
        best, most = None, 0
        for at in islice(_SEPARATOR.finditer(line, 0, _LONGEST), _MOST_SEPARATORS):
            words = _words(line[: at.start()])
            if len(words) > most and (found := self._text_of(words)) is not None:
                rest = _without_markers(line[: at.start()], line[at.end() :].strip())
                best, most = Label(found.language, found.group, found.field, rest), len(words)
        return best

    def _text_of(self, words: Sequence[str]) -> Label | None:
        """Return the text that words name, and its language if they name one."""
        if field := self._fields.get(_key(words)):
            return Label(field=field)
        languages = {self._languages[each] for each in words if each in self._languages}
        if len(languages) != 1:
            return None
        others = [each for each in words if each not in self._languages and each not in _BESIDE_A_LANGUAGE]
        field = self._fields.get(_key(others))
        return Label(languages.pop(), field=field) if field else None

    def _language_of(self, words: Sequence[str]) -> str:
        """Return the language that words name, and nothing else; empty for none."""
        named = [each for each in words if each not in _OF_A_LANGUAGE]
        return self._languages.get(named[0], "") if len(named) == 1 else ""

    def language_before_text(self, line: str) -> str:
        """Return the language that stands in front of a text, on the same line; empty for none."""
        head, is_set_off = _head(line)
        return self._language_of(_words(head)) if is_set_off else ""

    def possible_labels(self, line: str) -> Sequence[str] | None:
        """Return the labels that may be meant by a line that looks like one of them; None for a line of text."""
        head, is_set_off = _head(line)
        words = _words(head)
        if not 0 < len(words) <= _MOST_WORDS:
            return None
        pools = _words_of_fields()
        channels = {"push", "sms"} & set(words)
        if _telling_words().issuperset(words) or (is_set_off and channels):
            return [self.fields[field] for field, pool in pools.items() if (channels or set(words)) <= pool]
        meant = [_without_slip(each) for each in words]
        if meant == list(words):
            return None
        if (text := self._text_of(meant)) is not None:
            return [self.fields[text.field]]
        return [self.languages[found]] if (found := self._language_of(meant)) in self.languages else None

    def nearest_labels(self, line: str) -> Sequence[str]:
        """Return the labels whose words are most like those of a line; those of all texts if none is like them."""
        pools, languages = _words_of_fields(), _usual_languages()
        known = [*languages, *dict.fromkeys(word for pool in pools.values() for word in pool)]
        near = {like for word in _words(_head(line)[0]) for like in get_close_matches(word, known, 1)}
        found = [self.fields[field] for field, pool in pools.items() if near & pool]
        found += [name for code, name in self.languages.items() if any(languages.get(each) == code for each in near)]
        return found or list(self.fields.values())

    def is_text(self, line: str) -> bool:
        """Return True if nobody takes a line for a label."""
        return (
            self.label_of(line) is None and self.possible_labels(line) is None and not self.language_before_text(line)
        )


def looks_like_label(line: str) -> bool:
    """Return True for a few words before a colon, as labels have that we do not know."""
    head, colon, rest = line[:_LONGEST].replace("\t", ":").partition(":")
    few = 0 < len(_words(head)) <= _MOST_WORDS
    return bool(colon) and few and "{" not in head and not rest.startswith("//")


def group_and_field(name: str) -> tuple[str, str]:
    """Return the group of a text, empty for the texts of all steps, and which text of a message it is."""
    field = next(each for each in FIELDS if name == each or name.endswith(f".{each}"))
    return name.removesuffix(field).removesuffix("."), field


def _words(head: str) -> tuple[str, ...]:
    """Return the words of a label as they are compared."""
    text = normalize("NFC", head.translate(_INVISIBLE)).casefold().replace("ё", "е")
    if numbered := _NUMBERING.match(text):
        text = text[numbered.end() :]
    found = _WORD.findall(_E_MAIL.sub("email", text))
    return tuple(_SAME.get(each, each) for each in found)


def _key(words: Sequence[str]) -> str:
    return " ".join(sorted(words))


def _head(line: str) -> tuple[str, bool]:
    """Return what may be a label, and True if something sets it off from a text."""
    at = _SEPARATOR.search(line, 0, _LONGEST)
    if at is None:
        return (line if len(line) <= _LONGEST else ""), False
    return line[: at.start()], True


def _without_markers(head: str, rest: str) -> str:
    """Return the text behind a label without the markers of bold that belong to the label or to the whole line."""
    marked = _MARKERS.match(head)
    if marked is None or head.rstrip().endswith(marked[1]):
        return rest
    if rest.startswith(marked[1]):
        return rest.removeprefix(marked[1]).lstrip()
    return rest.removesuffix(marked[1]).rstrip()


@cache
def _usual_fields() -> dict[str, str]:
    return {_key(_words(name)): field for field, names in _SAID.items() for name in names}


@cache
def _usual_languages() -> dict[str, str]:
    return {word: code for code, words in _LANGUAGES.items() for word in words.split()}


@cache
def _words_of_fields() -> Mapping[str, frozenset[str]]:
    return {field: frozenset(word for name in names for word in _words(name)) for field, names in _SAID.items()}


@cache
def _telling_words() -> frozenset[str]:
    """Return the words by which a label is recognised without its other words."""
    return frozenset().union(*_words_of_fields().values()) - _ANY_MESSAGE


@cache
def _slips() -> dict[str, str]:
    """Return the words of labels by themselves, and by what is left of them without any one of their letters."""
    words = {*_usual_languages(), *_OF_A_LANGUAGE}.union(*_words_of_fields().values())
    long = sorted(word for word in words if len(word) >= _SHORT)
    return {less: word for word in long for less in _less_one(word)} | {word: word for word in words}


def _less_one(word: str) -> Iterator[str]:
    yield from (word[:at] + word[at + 1 :] for at in range(1, len(word)))


def _without_slip(word: str) -> str:
    """Return the word of labels from which this one differs by a letter, or by two that changed places."""
    if not _SHORT <= len(word) <= _LONGEST_WORD:
        return word
    return next((_slips()[less] for less in (word, *_less_one(word)) if less in _slips()), word)
