"""The texts of all languages in one note: copied out, sent to a translator, and taken back in one save."""

from html import unescape

from tests.app.pages.forms import fields_of
from tests.app.pages.work.test_texts_page import form_of, let_correct, text_of
from tests.app.pages.work.workshop import Somebody, Workshop, begun, signed_in

NOTE = """РУССКИЙ ЯЗЫК
Тема: Новый адрес
Push, первая строка: Адрес обновлён
**Push, текст:** Выберите поликлинику до {{ due | date }}.
СМС — Выберите поликлинику до {{ due | date }}.
Письмо:
Здравствуйте!

Выберите поликлинику до **{{ due | date }}**.

Қазақша:
Хаттың тақырыбы: Жаңа мекенжай
Push, бірінші жол: Мекенжай жаңарды
Push мәтіні: Емхананы {{ due | date }} күніне дейін таңдаңыз.
SMS: Емхананы {{ due | date }} күніне дейін таңдаңыз.
Хат
Сәлеметсіз бе!

Емхананы **{{ due | date }}** күніне дейін таңдаңыз.

EN
Subject: New address
Push title: Address updated
Push text: Choose your clinic until {{ due | date }}.
SMS: Choose your clinic until {{ due | date }}.
Email:
Hello,

choose your clinic until **{{ due | date }}**.
"""


def note_of(somebody: Somebody, where: str) -> dict[str, list[str]]:
    """The form of the note as their browser would send it."""
    return fields_of(somebody.get(f"{where}/note").text, "/note")


def test_a_note_is_taken_in_one_save(quiet: Workshop) -> None:
    """Each text goes into its file; the page says how many of each language, and that the greeting is left out."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    opened = note_of(aida, where)
    sent = {**opened, "note": [f"Good day, Aida!\n{NOTE}".replace("\n", "\r\n")]}
    answer = aida.client.post(f"{where}/note", data=sent)
    assert answer.headers["location"] == f"{where}/note?done=note"
    page = aida.get(f"{where}/note?done=note").text
    assert "Taken: English – 5 texts, Қазақша – 5 texts, Русский – 5 texts." in page
    assert "Line 1 was not taken: “Good day, Aida!”; it stands above the first language." in page
    assert int(note_of(aida, where)["revision"][0]) == int(opened["revision"][0]) + 1
    assert form_of(aida, where, "kk")["w.body"][0].startswith("Сәлеметсіз бе!\n\nЕмхананы **{{")
    assert form_of(aida, where, "ru")["w.push.body"] == ["Выберите поликлинику до {{ due | date }}."]
    again = aida.client.post(f"{where}/note", data=note_of(aida, where))
    assert "Unchanged: English – 5 texts" in aida.get(again.headers["location"]).text
    assert note_of(aida, where)["revision"] == [str(int(opened["revision"][0]) + 1)]


def test_a_new_draft_leaves_the_place_of_a_document_empty(quiet: Workshop) -> None:
    """Nobody pastes a whole document below texts of the sample; what is written in one language stands there."""
    aida = signed_in(quiet, "aida")
    where = begun(aida, **{"title.en": "A clinic", "pack": "kz", "on": "kz.health.clinic_attached"})
    assert note_of(aida, where)["note"] == ["\n"]
    assert "Copy them out" not in aida.get(f"{where}/note").text
    sent = {**note_of(aida, where), "note": ["RU\nSMS: Выберите поликлинику."]}
    assert aida.client.post(f"{where}/note", data=sent).status_code == 303
    assert note_of(aida, where)["note"] == ["Русский\nSMS: Выберите поликлинику.\n"]
    assert "Copy them out" in aida.get(f"{where}/note").text


def test_a_note_with_a_line_that_belongs_nowhere_changes_nothing(quiet: Workshop) -> None:
    """The page comes again with the note as it was typed, and names each such line in the reader's language."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    aida.get(f"{where}/note?language=ru")
    before = note_of(aida, where)
    typed = f"\nТекст:\n\n{NOTE}".replace("СМС —", "Пуш:").replace("EN\n", "Немецкий\n")
    page = aida.client.post(f"{where}/note", data={**before, "note": [typed]})
    assert page.status_code == 422
    said = unescape(page.text).partition('class="errors"')[2].partition("</div>")[0]
    assert "Строка 2: «Текст:» стоит до первого языка." in said
    assert "Строка 8: «Пуш: Выберите поликлинику до {{ due | date }}.» – здесь нет такого названия." in said
    assert "Возможно, имелось в виду «Push, первая строка» или «Push, текст»?" in said
    assert "Строка 24: «Немецкий»: на этом языке у правила нет текстов." in said
    assert said.count("<li>") == 3
    assert fields_of(page.text, "/note") == {**before, "note": [typed]}
    assert note_of(aida, where) == before
    for empty in ("", "RU\n"):
        assert aida.client.post(f"{where}/note", data={**before, "note": [empty]}).status_code == 422
    long = aida.client.post(f"{where}/note", data={**before, "note": [f"EN\nEmail:\n{'long ' * 4001}"]})
    assert "English: Текст письма – Слишком длинный текст" in long.text
    assert note_of(aida, where)["revision"] == before["revision"]


def test_what_a_note_does_not_name_stays(quiet: Workshop) -> None:
    """Other texts are untouched, but sample texts of other languages get the values of the new text."""
    aida = signed_in(quiet, "aida")
    where = begun(aida, pack="kz", on="kz.document.issued", **{"title.ru": "Новый документ"}, name="new_document")
    aida.get(f"{where}/note?language=ru")
    before = {spoken: form_of(aida, where, spoken) for spoken in ("ru", "kk", "en")}
    assert "Push" not in note_of(aida, where)["note"][0], "nobody translates what the rule does not send"
    note = "RU\nSMS: Готов {{ due | date }}.\nEN\nSMS: Ready.\nSubject:"
    answer = aida.client.post(f"{where}/note", data={**note_of(aida, where), "note": [note]})
    page = aida.get(answer.headers["location"]).text
    assert "Принято: Русский – 1 текст, English – 1 текст. Очищено: English – 1 текст. Без изменений: Русский" in page
    assert "Русский – Тема письма, Текст письма; English – Текст письма. Нет в документе: Қазақша." in page
    after = {spoken: form_of(aida, where, spoken) for spoken in ("ru", "kk", "en")}
    changed = {
        (spoken, name): fields[name][0]
        for spoken, fields in after.items()
        for name in fields
        if name.startswith("w.") and fields[name] != before[spoken][name]
    }
    assert changed == {
        ("ru", "w.sms"): "Готов {{ due | date }}.",
        ("kk", "w.sms"): f"{before['kk']['w.sms'][0]} {{{{ due | date }}}}",
        ("en", "w.sms"): "Ready.",
        ("en", "w.subject"): "",
    }


def test_the_languages_of_a_draft_say_what_is_left_in_each(quiet: Workshop) -> None:
    """A mistake that a note brought into one language is seen from the page of another one."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    note = NOTE.replace("SMS: Емхананы {{ due | date }}", "SMS: Емхананы {{ event.adress }}")
    aida.client.post(f"{where}/note", data={**note_of(aida, where), "note": [note]})
    for page in ("/words?spoken=en", "/note"):
        tabs = aida.get(f"{where}{page}").text.partition('class="spans"')[2].partition("</nav>")[0]
        assert '">Қазақша</a> <span class="left">1 mistake to correct' in " ".join(tabs.split())


def test_words_of_steps_and_of_the_correction_go_through_the_note(quiet: Workshop) -> None:
    """They stand below headings of their own, which are understood in each language of the pages."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    let_correct(aida, where)
    opened = note_of(aida, where)
    assert "\n\nWhen it is taken back\nSubject of the email:\n" in opened["note"][0]
    note = "RU\nSMS: a\nКогда сообщение отменяется:\nSMS: Отменено\nПисьмо: Всё отменено"
    aida.client.post(f"{where}/note", data={**opened, "note": [note]})
    fields = form_of(aida, where, "ru")
    assert fields["w.correction.sms"] == ["Отменено"]
    assert fields["w.correction.body"] == ["Всё отменено"]


def test_a_note_and_another_editor_lose_nothing(quiet: Workshop) -> None:
    """What somebody else saved meanwhile stays; where both changed a text, the second is asked by its language."""
    aida, dana = signed_in(quiet, "aida"), signed_in(quiet, "dana")
    where = begun(aida)
    theirs = note_of(dana, where)
    ours = form_of(aida, where, "en") | {"w.sms": ["Ours"], "then": ["save"]}
    assert aida.client.post(f"{where}/words", data=ours).status_code == 303
    kept = dana.client.post(f"{where}/note", data={**theirs, "note": ["RU\nСМС: Их\nEN\nSubject: Theirs"]})
    assert kept.status_code == 303
    assert form_of(aida, where, "en")["w.sms"] == ["Ours"]
    assert form_of(aida, where, "en")["w.subject"] == ["Theirs"]
    assert form_of(aida, where, "ru")["w.sms"] == ["Их"]
    asked = dana.client.post(f"{where}/note", data={**theirs, "note": ["RU\nPush text: Мы\nEN\nSMS: Mine"]})
    assert asked.status_code == 409
    assert "English: SMS" in asked.text
    assert dana.client.post(f"{where}/note/merge", data=fields_of(asked.text, "/merge")).status_code == 303
    assert form_of(aida, where, "en")["w.sms"] == ["Mine"]
    assert form_of(aida, where, "ru")["w.push.body"] == ["Мы"]


def test_a_language_that_is_no_form_is_left_to_its_file(quiet: Workshop) -> None:
    """The note has the other languages, and a text for this one is told, not lost."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    aida.post(where, revision="1", **{"file-en.md": "no keys\n"})
    opened = note_of(aida, where)
    assert "English" not in opened["note"][0]
    told = aida.client.post(f"{where}/note", data={**opened, "note": ["EN\nSMS: x"]})
    assert "the texts in this language can be changed only in the file" in told.text
    assert aida.client.post(f"{where}/note", data=opened).status_code == 303
    assert text_of(aida, where, "en").strip() == "no keys"


def test_a_draft_begins_with_its_document(quiet: Workshop) -> None:
    """Titles are the subjects, texts and ways stand in it; a line that belongs nowhere makes no draft."""
    aida = signed_in(quiet, "aida")
    given = {"pack": "kz", "on": "kz.residence.registered"}
    refused = aida.post("/work/new", **given, note=NOTE.replace("СМС —", "Пуш:"))
    assert (refused.status_code, "Пуш: Выберите" in refused.text) == (422, True)
    made = aida.post("/work/new", **given, note=NOTE).headers["location"]
    page = aida.get(made).text
    assert "Taken: English – 5 texts, Қазақша – 5 texts, Русский – 5 texts." in page
    fields = fields_of(page, "/form")
    assert [fields[f"title.{each}"] for each in ("ru", "kk", "en")] == [
        ["Новый адрес"],
        ["Жаңа мекенжай"],
        ["New address"],
    ]
    assert [fields[f"channels.{at}"] for at in range(3)] == [["push"], ["sms"], ["email"]]
    assert form_of(aida, made.partition("/form")[0], "kk")["w.body"][0].startswith("Сәлеметсіз бе!")


def test_texts_of_a_way_that_the_rule_does_not_use_are_told(quiet: Workshop) -> None:
    """A document with push texts for a rule without push says so."""
    aida = signed_in(quiet, "aida")
    where = begun(aida, **{"title.en": "A clinic", "pack": "kz", "on": "kz.residence.registered"})
    answer = aida.client.post(f"{where}/note", data={**note_of(aida, where), "note": [NOTE]})
    assert "The rule does not send this way: push message." in aida.get(answer.headers["location"]).text
