"""A note with the texts of all languages: written out and read back it is the same, and no line of it is lost."""

from collections.abc import Mapping
from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from templates.authoring.note_labels import NoteLabels, Vocabulary
from templates.authoring.texts_note import MOST_LINES, Above, ReadNote, read_note, written_note

MAIN = ("subject", "push.title", "push.body", "sms", "body")
STEP = ("steps.week.subject", "steps.week.push.title", "steps.week.push.body", "steps.week.sms")
BACK = tuple(f"correction.{each}" for each in MAIN)
LABELS = NoteLabels(
    Vocabulary(
        dict(zip(MAIN, ("Тема письма", "Push, первая строка", "Push, текст", "SMS", "Текст письма"), strict=True)),
        [("Push: first line", "push.title"), ("Электрондық хаттың мәтіні", "body")],
    ),
    Vocabulary(
        {"steps.week": "Другие слова для шага «Сообщение 2»", "correction": "Когда сообщение отменяется"},
        [("Message 2", "steps.week")],
    ),
    Vocabulary({"ru": "Русский", "kk": "Қазақша", "en": "English"}, [("немецкий", "de"), ("Deutsch", "de")]),
)
KNOWN = dict.fromkeys(("ru", "kk", "en"), (*MAIN, *STEP, *BACK))


def read(note: str, known: Mapping[str, tuple[str, ...]] = KNOWN) -> ReadNote:
    """The note as it is read."""
    return read_note(note, LABELS, known)


def told(note: str, known: Mapping[str, tuple[str, ...]] = KNOWN) -> list[tuple[int, int, str]]:
    """What is said of its lines that belong nowhere."""
    return [(each.first, each.last, each.told) for each in read(note, known).strays]


PIECES = st.sampled_from(
    [
        *("SMS", "СМС:", "Письмо", "Push", "Пуш: ", "Тема писма", "RU", "kk:", "English", "Сообщение 2", "Deutsch"),
        *("Телефон: 1414", "{{ event.due | date }}", "**", "\\", " ", "\u00a0", "\t", ":", " — ", "-", "\u2028"),
        *("\n", "\n\n", "\v", "текст", "text", "1. ", "> ", "Срок", "на русском"),
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=3), max_size=8).map(
    lambda pieces: "".join(pieces).replace("\r\n", "\n").replace("\r", "\n")
)


@given(
    st.dictionaries(
        st.sampled_from(("ru", "kk", "en")),
        st.lists(TEXTS, min_size=len(MAIN + STEP + BACK), max_size=len(MAIN + STEP + BACK)),
        min_size=1,
    )
)
def test_any_texts_survive_the_note(texts: Mapping[str, list[str]]) -> None:
    """Also those that look like labels, begin with empty lines or have the line ends of Word."""
    named = {spoken: dict(zip((*MAIN, *STEP, *BACK), each, strict=True)) for spoken, each in texts.items()}
    found = read(written_note(named, LABELS))
    assert found.strays == []
    assert found.texts == {
        spoken: {name: text.rstrip() for name, text in each.items()} for spoken, each in named.items()
    }


def test_a_note_is_plain_to_read() -> None:
    """Short texts stand behind their labels, and the email and the words of a step below theirs."""
    texts = {
        "ru": {
            "subject": "Скидка",
            "push.title": "Скидка: 50 %",
            "push.body": "",
            "sms": "До {{ due | date }}",
            "body": "Здравствуйте!\n\nТелефон: 1414\nSMS: не отвечайте",
            "steps.week.sms": "Осталась неделя",
        },
        "en": {"sms": "Until {{ due | date }}"},
    }
    assert written_note(texts, LABELS) == (
        "Русский\n"
        "Тема письма: Скидка\n"
        "Push, первая строка: Скидка: 50 %\n"
        "Push, текст:\n"
        "SMS: До {{ due | date }}\n"
        "Текст письма:\n"
        "Здравствуйте!\n\nТелефон: 1414\n\\SMS: не отвечайте\n"
        "\n"
        "Другие слова для шага «Сообщение 2»\n"
        "SMS: Осталась неделя\n"
        "\n"
        "English\n"
        "SMS: Until {{ due | date }}\n"
    )


@pytest.mark.parametrize(
    "language", ["Русский", "русский язык:", "**На русском языке:**", "RU", "ru:", "Орысша", "Russian"]
)
@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Тема письма:", "subject"),
        ("ТЕМА —", "subject"),
        ("**Тема письма:**", "subject"),
        ("Subject\t", "subject"),
        ("2) Заголовок пуша:", "push.title"),
        ("Push: first line:", "push.title"),
        ("Текст push-уведомления –", "push.body"),
        ("\u00a0смс\u00a0:", "sms"),
        ("Эсэмэска:", "sms"),
        ("SMS мәтіні:", "sms"),
        ("E-mail:", "body"),
        ("Электрондық хаттың мәтіні", "body"),
        ("СМС (рус.):", "sms"),
    ],
)
def test_labels_are_understood_as_people_write_them(language: str, label: str, name: str) -> None:
    """In any letter case and language, bold, numbered or from a table; the text begins behind the label or below."""
    for space in ("\n", "\v", "\r\n\r\n", *([" "] if label[-1] in ":—\t–*" else [])):
        found = read(f"{language}\r\n\r\n{label}{space}Срок: 5 мая")
        assert (found.strays, found.texts) == ([], {"ru": {name: "Срок: 5 мая"}})


def test_a_line_that_is_bold_as_a_whole_loses_its_markers_and_a_word_that_is_bold_keeps_them() -> None:
    """What belongs to the label goes, and what belongs to the text stays."""
    found = read("RU\n**SMS: Оплатите**\n*Тема:* **Штраф**\n__Письмо__:\n**Срок** {{ due | date }}")
    assert found.texts == {"ru": {"sms": "Оплатите", "subject": "**Штраф**", "body": "**Срок** {{ due | date }}"}}


def test_texts_stand_in_the_step_of_their_heading() -> None:
    """Words of a step and of the correction follow their headings, until the next language."""
    note = "RU\nSMS: a\nMessage 2\nSMS: b\nКогда сообщение отменяется:\nSMS: c\nПисьмо:\nd\n\nKK\nSMS: e"
    assert read(note) == ReadNote(
        {
            "ru": {"sms": "a", "steps.week.sms": "b", "correction.sms": "c", "correction.body": "d"},
            "kk": {"sms": "e"},
        },
        [],
    )


@pytest.mark.parametrize(
    ("note", "line", "said"),
    [
        ("RU\nПуш: Срок", 2, "“Пуш: Срок” is no label here. Did you mean “Push, первая строка” or “Push, текст”?"),
        ("RU\nSMS: a\nПисьмо:\nb\n\nТема писма: c", 6, "Did you mean “Тема письма”?"),
        ("RU\nПисьмо:\nb\nКазахсий\nSMS: c", 4, "Did you mean “Қазақша”?"),
        (
            "RU\nSMS: a\nКнопка: Оплатить",
            3,
            "“Кнопка: Оплатить” is no label here. Did you mean “Тема письма” or “Push, ",
        ),
        ("RU\nSMS: a\nЗаголовочек: b", 3, "Did you mean “Тема письма” or “Push, первая строка”? If a line is part"),
        ("RU\nСообщенье: b", 2, "Did you mean “Push, первая строка” or “Push, текст” or “SMS”?"),
        ("RU\nSMS: a\nРусскоязычный: b", 3, "Did you mean “Русский”?"),
        ("RU\nТема: a\nb", 3, "“b” belongs to no label: “Тема письма” has ended above it."),
        ("RU\nSMS: a\n\nС уважением", 4, "“С уважением” belongs to no label: “SMS” has ended above it."),
        ("RU\nСрок", 2, "“Срок” stands there without a label."),
        ("RU\nSMS: a\nKK\nSMS: b\nСМС: c", 5, "“SMS” stands here a second time in this language; the first is on"),
        ("RU\nSMS: a\nНемецкий\nSMS: b\nc\n\nd", 3, "“Немецкий”: this rule has no texts in that language."),
        ("RU\nMessage 2\nПисьмо: a", 3, "“Текст письма”: there is no such text in “Другие слова"),
        ("RU\nПисьмо:\nа\nEnglish\n\nKK\nSMS: b", 4, "No text stands below “English”. Take this line away."),
        ("RU\nПисьмо:\nа\nПуш на телефон:\nb", 4, "“Пуш на телефон:” is no label here. Did you mean"),
        ("RU\nSMS:\nказ: b", 3, "write the language on a line of its own, and the label of the text below it."),
        ("SMS: a", 1, "“SMS: a” stands above the first language."),
        ("Здравствуйте!\nТема писма: a\nRU\nSMS: b", 2, "“Тема писма: a” stands above the first language."),
        ("Оплатите штраф.\nСпасибо.", 1, "Take it away, or write the language above it on a line of its own, as"),
    ],
)
def test_a_line_that_belongs_nowhere_is_told(note: str, line: int, said: str) -> None:
    """Each is named with what is meant or to be done, and is no part of another text."""
    [(first, last, text)] = told(note)
    assert (first, last) == (line, line)
    assert said in text


def test_lines_that_are_wrong_together_are_told_once() -> None:
    """Texts above the first language are one remark; so is what stands below a label that is none."""
    found = told("SMS: a\nТема: b\n\nRU\nПуш\nодин\n\nдва\nSMS: a\nKK\nSMS: b")
    assert [(first, last) for first, last, _ in found] == [(1, 2), (5, 5)]


def test_a_greeting_above_the_first_language_is_left_out() -> None:
    """It does not stop the note, and its lines are named."""
    found = read("Здравствуйте, Дана!\n\nВот тексты:\nАйгуль\n\nRU\nSMS: a")
    assert found == ReadNote({"ru": {"sms": "a"}}, [], Above(1, 4, "Здравствуйте, Дана! Вот тексты: Айгуль"))


def test_a_language_that_only_its_file_can_change_is_told() -> None:
    """Its texts are not taken, and nobody is told that the rule has none."""
    assert told("RU\nSMS: a\nEN\nSMS: b", {**KNOWN, "en": ()}) == [
        (3, 3, "“EN”: the texts in this language can be changed only in the file.")
    ]


def test_a_long_note_takes_no_longer_for_each_line() -> None:
    """Lines of signs, of labels and of slips are read in a time that grows with their number."""

    def taken(times: int) -> float:
        before = thread_time()
        read("RU\nПисьмо:\n" + f"{':' * 300}\n{'а: ' * 90}\nТема писма:\nписма:\n" * times)
        return thread_time() - before

    taken(10)
    long = min(taken(740) for _ in range(3))  # the garbage of other tests may be collected in one of them
    assert long < 16 * max(taken(185), 0.05)


def test_a_note_of_too_many_lines_is_refused_as_a_whole() -> None:
    """One remark says so, whatever its lines are, and no text of it is taken."""
    note = "English\nsubject: x\n\n" + "q\n" * MOST_LINES
    assert (told(note), read(note).texts) == (
        [(MOST_LINES + 1, MOST_LINES + 3, "A note has at most 3000 lines; nothing of this one is read.")],
        {},
    )
    assert read("English\nSMS: x" + "\n" * (MOST_LINES - 1)).texts == {"en": {"sms": "x"}}
