"""The texts of a draft, a language at a time, beside what a person would read."""

import re
from html import unescape

import pytest

from domain.facts.principals import Principal, Role
from streams.rules.drafts import DraftStore
from tests.app.pages.forms import fields_of
from tests.app.pages.work.workshop import Somebody, Workshop, begun, file_of, revision_of, signed_in


def form_of(somebody: Somebody, where: str, spoken: str) -> dict[str, list[str]]:
    """The form of that language as their browser would send it."""
    answer = somebody.get(f"{where}/words?spoken={spoken}")
    assert answer.status_code == 200
    return fields_of(answer.text, "/words")


def text_of(somebody: Somebody, where: str, spoken: str) -> str:
    """The file as the editor of files shows it."""
    return unescape(file_of(somebody.get(where).text, f"{spoken}.md"))


@pytest.mark.parametrize(
    ("spoken", "then"),
    [
        ("en", "/words?spoken=kk&persona=adult&done=saved&saved=en"),
        ("kk", "/words?spoken=ru&persona=adult&done=saved&saved=kk"),
        ("ru", "/tests?done=saved"),
    ],
)
def test_texts_saved_unchanged_change_no_byte(quiet: Workshop, spoken: str, then: str) -> None:
    """Nor does the revision move; the page leads on to the next language, and from the last to the tests."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    before, fields = text_of(aida, where, spoken), form_of(aida, where, spoken)
    answer = aida.client.post(f"{where}/words", data={**fields, "then": ["next"]})
    assert answer.headers["location"] == f"{where}{then}"
    assert text_of(aida, where, spoken) == before
    assert form_of(aida, where, spoken)["revision"] == fields["revision"]


@pytest.mark.parametrize(
    ("reader", "languages"), [("ru", ["ru", "kk", "en"]), ("en", ["en", "kk", "ru"]), ("kk", ["kk", "ru", "en"])]
)
def test_texts_open_in_the_language_of_whoever_writes_them(
    quiet: Workshop, reader: str, languages: list[str]
) -> None:
    """The author begins in the language of their pages; the pack's other languages follow."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    page = aida.get(f"{where}/words?language={reader}").text
    assert fields_of(page, "/words")["spoken"] == [reader]
    assert re.findall(r"/words\?spoken=([a-z]+)&amp;persona", page) == languages


def test_the_next_language_is_not_blamed_for_what_was_saved(quiet: Workshop) -> None:
    """After a save each mistake that is left is listed at its language; a finished one has none in the list."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    unfinished = form_of(aida, where, "ru") | {"w.sms": ["{{ event.adress }}"], "then": ["save"]}
    assert aida.client.post(f"{where}/words", data=unfinished).status_code == 303
    fields = form_of(aida, where, "kk") | {"then": ["next"]}
    saved = aida.client.post(f"{where}/words", data=fields).headers["location"]
    page = aida.get(saved).text
    assert languages_left(page) == {"ru"}
    broken = form_of(aida, where, "kk") | {"w.sms": ["{{ event.adress }}"], "then": ["next"]}
    saved = aida.client.post(f"{where}/words", data=broken).headers["location"]
    assert languages_left(aida.get(saved).text) == {"ru", "kk"}


def languages_left(page: str) -> set[str]:
    """The languages to whose texts the list of mistakes leads."""
    listed = page.partition('id="left-title"')[2].partition("</div>")[0]
    here = re.findall('name="spoken" value="([a-z]+)"', page) if 'href="#' in listed else []
    return {*re.findall(r"words\?spoken=([a-z]+)#", listed), *here}


def test_what_is_typed_is_shown_before_it_is_kept(quiet: Workshop) -> None:
    """The preview is of the typed text with its parts, characters and price; nothing is saved until it is saved."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    before, fields = text_of(aida, where, "en"), form_of(aida, where, "en")
    typed = {**fields, "w.sms": ["You moved on {{ due | date }}."], "then": ["look"]}
    page = aida.client.post(f"{where}/words", data=typed)
    assert page.status_code == 200
    shown = page.text.partition('class="sms"')[2]
    assert re.search(r"You moved on \d+ \w+ 20\d\d\.", shown)
    assert "parts: 1, " in page.text
    assert ", 10\u00a0₸" in page.text
    assert fields_of(page.text, "/words")["w.sms"] == ["You moved on {{ due | date }}."]
    assert text_of(aida, where, "en") == before
    assert aida.client.post(f"{where}/words", data={**typed, "then": ["save"]}).status_code == 303
    after = text_of(aida, where, "en")
    changed = [one for one in after.split("\n") if one not in before.split("\n")]
    assert changed == ['sms: "You moved on {{ due | date }}."']


def test_a_mistake_in_a_text_stands_beside_its_field(quiet: Workshop) -> None:
    """An unknown placeholder is named at the field that has it, in each of them; lines are for the page of files."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    fields = form_of(aida, where, "ru")
    typed = {**fields, "w.sms": ["Адрес: {{ event.adress }}"], "w.body": ["Здравствуйте, {{ event.aria }}"]}
    page = aida.client.post(f"{where}/words", data={**typed, "then": ["look"]}).text
    for name, wrong in (("w.sms", "event.adress"), ("w.body", "event.aria")):
        said = page.partition(f'id="{name}-findings"')[2].partition("</ul>")[0]
        assert wrong in said
        assert "column" not in said
    assert "It cannot be shown" in page


def test_two_who_write_texts_at_once_lose_nothing(quiet: Workshop) -> None:
    """Of two editors' different texts both stay; of one that both changed the second is asked, in words."""
    aida, dana = signed_in(quiet, "aida"), signed_in(quiet, "dana")
    where = begun(aida)
    ours, theirs = form_of(aida, where, "en"), form_of(dana, where, "en")
    saved = aida.client.post(f"{where}/words", data={**ours, "w.subject": ["Ours"], "then": ["save"]})
    assert saved.status_code == 303
    kept = dana.client.post(f"{where}/words", data={**theirs, "w.sms": ["Theirs"], "then": ["save"]})
    assert kept.status_code == 303
    text = text_of(aida, where, "en")
    assert "Ours" in text
    assert "Theirs" in text
    asked = dana.client.post(f"{where}/words", data={**theirs, "w.subject": ["Mine"], "then": ["save"]})
    assert asked.status_code == 409
    assert "Subject of the email" in asked.text
    assert "Mine" not in text_of(aida, where, "en")
    chosen = fields_of(asked.text, "/merge")
    assert dana.client.post(f"{where}/words/merge", data=chosen).status_code == 303
    text = text_of(aida, where, "en")
    assert "Mine" in text
    assert "Theirs" in text


def test_texts_that_the_form_cannot_show_are_kept(quiet: Workshop) -> None:
    """A file without its keys is said to be one for the editor of files, which still has it."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    aida.post(where, revision="1", **{"file-en.md": "no keys\n"})
    assert "The form cannot show this file" in aida.get(f"{where}/words?spoken=en").text
    assert aida.post(f"{where}/words", spoken="en", **{"w.sms": "x"}).status_code == 303
    assert text_of(aida, where, "en").strip() == "no keys"


def test_all_texts_can_be_emptied_and_written_anew(quiet: Workshop) -> None:
    """Whoever begins again empties every field, a broken one too; the form stays open, and takes new texts."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    broken = form_of(aida, where, "ru") | {"w.sms": ["Билет {{ x }"], "then": ["save"]}
    assert aida.client.post(f"{where}/words", data=broken).status_code == 303
    empty = {name: [""] if name.startswith("w.") else each for name, each in form_of(aida, where, "ru").items()}
    assert aida.client.post(f"{where}/words", data={**empty, "then": ["save"]}).status_code == 303
    again = form_of(aida, where, "ru") | {"w.sms": ["Новый текст"], "then": ["save"]}
    assert aida.client.post(f"{where}/words", data=again).status_code == 303
    assert "sms: Новый текст\n" in text_of(aida, where, "ru")


def test_a_long_sms_is_remarked_beside_its_preview_at_once(quiet: Workshop) -> None:
    """Nine parts cost nine times as much, whatever else is unfinished: the limit stands beside them."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    long = form_of(aida, where, "ru") | {"w.sms": ["Очень длинный текст. " * 28], "then": ["look"]}
    page = aida.client.post(f"{where}/words", data=long).text
    field = page.partition('id="w.sms-said"')[2].partition("</div>")[0]
    for place in (field, page.partition('class="seen"')[2]):
        assert re.search("Too long: an SMS may have 2 parts at most. Shorten it by [0-9]+ characters.", place)
    whole = form_of(aida, where, "ru") | {
        "w.body": ["[x](https://bit.ly/x)"],
        "w.sms": long["w.sms"],
        "then": ["look"],
    }
    page = aida.client.post(f"{where}/words", data=whole).text
    field = page.partition('id="w.sms-said"')[2].partition("</div>")[0]
    assert "Too long" in field
    assert "the limit is 2" in field
    assert "bit.ly is not allowed: links may lead to" in page


def test_an_sms_says_before_anybody_types_how_much_room_it_has(quiet: Workshop) -> None:
    """Cyrillic letters leave less of one SMS than Latin ones, of an empty text too."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    room = {}
    for spoken in ("ru", "en"):
        empty = form_of(aida, where, spoken) | {"w.sms": [""], "then": ["look"]}
        page = aida.client.post(f"{where}/words", data=empty).text
        found = re.search("One SMS with such letters has room for ([0-9]+) characters\\.", page)
        assert found is not None
        room[spoken] = int(found[1])
    assert 0 < room["ru"] < 70 < room["en"] < 160
    typed = form_of(aida, where, "en") | {"w.sms": ["x" * (room["en"] - 1)], "then": ["look"]}
    assert "has room for 1 character more" in aida.client.post(f"{where}/words", data=typed).text


def test_a_text_of_the_sample_is_told_once(quiet: Workshop) -> None:
    """The email of the sample has three sentences to replace, and one remark."""
    aida = signed_in(quiet, "aida")
    where = begun(aida, name="moved_in", pack="kz", on="kz.residence.registered")
    page = aida.get(f"{where}/words?spoken=en").text
    assert page.partition('id="w.body-findings"')[2].partition("</ul>")[0].count("is of the sample") == 1


def test_an_sms_of_two_parts_is_remarked_once(quiet: Workshop) -> None:
    """After the save it is told with a link, and at the field; neither the field's hint nor its preview says it."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    two = form_of(aida, where, "ru") | {"w.sms": ["{{ citizen.age }}: " + "длинный текст. " * 4], "then": ["save"]}
    saved = aida.client.post(f"{where}/words", data=two)
    page = unescape(aida.get(saved.headers["location"]).text)
    said = re.findall(r"this is 2 SMS \([^<]* fewer would make it 1[^<]*", page)
    assert len(said) == 2
    assert '<a href="#w.sms">SMS (Русский)</a>' in page.partition('id="remarks-title"')[2].partition("</div>")[0]
    assert "This goes as" not in page
    assert "one part less" not in page


def test_the_sample_s_sms_is_not_counted(quiet: Workshop) -> None:
    """Before anybody writes, the page says how much room an SMS has, and not what the sample's text would cost."""
    aida = signed_in(quiet, "aida")
    where = begun(aida, name="moved_in", pack="kz", on="kz.residence.registered")
    page = aida.get(f"{where}/words?spoken=ru").text
    field = page.partition('id="w.sms-said"')[2].partition("</div>")[0]
    assert "This goes as" not in field
    assert "One SMS with such letters has room for" in field


def test_further_languages_begin_with_what_the_first_one_says(quiet: Workshop) -> None:
    """Its finished texts stand beside their fields, and their sample texts have its values."""
    aida = signed_in(quiet, "aida")
    where = begun(aida, pack="kz", on="kz.document.issued", **{"title.ru": "Новый документ"}, name="new_document")
    written = form_of(aida, where, "ru") | {"w.sms": ["Готов {{ due | date }}."], "then": ["save"]}
    aida.get(f"{where}/words?language=ru")
    assert aida.client.post(f"{where}/words", data=written).status_code == 303
    page = aida.get(f"{where}/words?spoken=en")
    assert "Готов {{ due | date }}." in page.text.partition('class="original"')[2]
    assert form_of(aida, where, "en")["w.sms"] == ["Write here what has changed and what to do. {{ due | date }}"]
    assert 'class="original"' not in aida.get(f"{where}/words?spoken=ru").text
    own = form_of(aida, where, "en") | {"w.sms": ["Ready in 60 days: {{ due | date }}."], "then": ["save"]}
    assert aida.client.post(f"{where}/words", data=own).status_code == 303
    again = form_of(aida, where, "ru") | {"w.sms": ["Готов за 30 дней."], "then": ["save"]}
    assert aida.client.post(f"{where}/words", data=again).status_code == 303
    assert form_of(aida, where, "en")["w.sms"] == ["Ready in 60 days: {{ due | date }}."]
    aida.get(f"{where}/words?language=en")
    said = aida.get(f"{where}/words?spoken=en").text.partition('id="w.sms-findings"')[2].partition("</ul>")[0]
    assert "60 stands here, and 30 in the text in Russian: is it the same in both?" in said


def test_a_mistake_in_one_language_is_not_put_into_the_others(quiet: Workshop) -> None:
    """A value with a slip is told at the text that has it, and the sample texts of other languages stay."""
    aida = signed_in(quiet, "aida")
    where = begun(aida, pack="kz", on="kz.document.issued", **{"title.ru": "Новый документ"}, name="new_document")
    before = form_of(aida, where, "kk")["w.sms"]
    slip = form_of(aida, where, "ru") | {"w.sms": ["Готов {{ due | date }}, {{ event.numbr }}."], "then": ["save"]}
    aida.client.post(f"{where}/words", data=slip)
    assert form_of(aida, where, "kk")["w.sms"] == before
    note = "RU\nSMS: Готов {{ due | date }}, {{ event.nmber }}."
    aida.client.post(f"{where}/note", data=fields_of(aida.get(f"{where}/note").text, "/note") | {"note": [note]})
    assert form_of(aida, where, "kk")["w.sms"] == before
    assert "nmber" in form_of(aida, where, "ru")["w.sms"][0]


@pytest.mark.parametrize(("language", "said"), [("ru", "Нет текста SMS"), ("kk", "SMS мәтіні жоқ")])
def test_findings_beside_the_texts_are_in_plain_words(quiet: Workshop, language: str, said: str) -> None:
    """What is missing, a link elsewhere and a value that one language lacks are told without keys of files."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    aida.get(f"{where}/words?language={language}")
    fields = form_of(aida, where, "ru") | {"w.sms": [""], "w.body": ["[Ссылка](https://bit.ly/x)"], "then": ["look"]}
    page = unescape(aida.client.post(f"{where}/words", data=fields).text)
    assert said in page
    assert [each for each in ("link_domains", "due здесь", "не хватает части", "closed by") if each in page] == []
    broken = form_of(aida, where, "ru") | {"w.sms": ["{{ имя }} и {{ event.kind }"], "then": ["look"]}
    page = unescape(aida.client.post(f"{where}/words", data=broken).text)
    assert [each for each in ("there is no variable", "is closed by") if each in page] == []


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "“| date” goes only with a date or a moment, and this value is a text"),
        ("ru", "«| date» подходит только сюда: дата или момент времени; а здесь – текст"),
        ("kk", "«| date» тек мынаған келеді: күн немесе уақыт сәті; ал мұнда – мәтін"),
    ],
)
def test_a_filter_that_does_not_go_with_a_value_is_told_by_kinds(quiet: Workshop, language: str, said: str) -> None:
    """Whoever writes a text as a date reads what each is, and not the types of the rule's language."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    aida.get(f"{where}/words?language={language}")
    fields = form_of(aida, where, "ru") | {"w.sms": ["Адрес: {{ event.address | date }}"], "then": ["look"]}
    assert said in unescape(aida.client.post(f"{where}/words", data=fields).text)


def test_a_push_message_without_its_text_is_told_at_the_empty_field(quiet: Workshop) -> None:
    """Its place in the file is the group, and the reader knows only the field, also in the list of what hinders."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    fields = form_of(aida, where, "en") | {"w.push.body": [""], "then": ["save"]}
    assert aida.client.post(f"{where}/words", data=fields).status_code == 303
    page = aida.get(f"{where}/words?spoken=en").text
    assert "There is no text" in page.partition('id="w.push.body-findings"')[2].partition("</ul>")[0]
    listed = aida.get(f"{where}/submit").text
    assert re.search(r'href="[^"]*spoken=en#w\.push\.body"', listed)


def test_each_missing_text_is_told_at_its_empty_field(quiet: Workshop) -> None:
    """Whoever empties texts that the rule sends reads which are missing, at the fields, and never of the file."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    names = ("subject", "push.title", "push.body", "sms", "body")
    fields = form_of(aida, where, "en") | {f"w.{each}": [""] for each in names} | {"then": ["save"]}
    assert aida.client.post(f"{where}/words", data=fields).status_code == 303
    page = aida.get(f"{where}/words?spoken=en").text
    told = ("subject of the email", "text of the push message", "", "text of the SMS", "text of the email")
    for name, text in zip(names, told, strict=True):
        assert text in page.partition(f'id="w.{name}-findings"')[2].partition("</ul>")[0]
    assert "Mistakes in the file" not in page


def let_correct(somebody: Somebody, where: str) -> None:
    """Write into the file of a draft's rule that it has words for taking a message back."""
    editor = somebody.get(where).text
    rule = unescape(file_of(editor, "trigger.yaml")) + "correction: true\n"
    somebody.post(where, revision=revision_of(editor), **{"file-trigger.yaml": rule})


def test_a_missing_text_of_the_correction_is_told_at_its_field(quiet: Workshop) -> None:
    """A rule that corrects asks for the texts of the correction at their own fields, though none is written yet."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    let_correct(aida, where)
    page = aida.get(f"{where}/words?spoken=en").text
    said = page.partition('id="w.correction.sms-findings"')[2].partition("</ul>")[0]
    assert "There is no text of the SMS" in said
    assert re.search(r'href="[^"]*spoken=en#w\.correction\.sms"', aida.get(f"{where}/submit").text)
    assert "Mistakes in the file" not in page


def test_a_language_without_a_file_is_written_like_the_others(quiet: Workshop) -> None:
    """The page of a language of which the draft has no texts marks each text that the rule sends, and saves them."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    drafts, author = (
        DraftStore(quiet.world.platform.database, quiet.world.platform.clock),
        Principal("aida", "health", frozenset({Role.AUTHOR})),
    )
    draft = drafts.find(int(where.rpartition("/")[2]), author)
    drafts.save(
        draft.id, draft.revision, {name: text for name, text in draft.files.items() if name != "kk.md"}, author
    )
    hindering = aida.get(f"{where}/submit").text
    assert re.search(r'spoken=kk">Texts in Kazakh</a>:\s*<span[^>]*>There are no texts', hindering)
    page = aida.get(f"{where}/words?spoken=kk").text
    assert "There is no text of the SMS" in page.partition('id="w.sms-findings"')[2].partition("</ul>")[0]
    fields = form_of(aida, where, "kk") | {"w.sms": ["Жаңа мәтін"], "then": ["save"]}
    assert aida.client.post(f"{where}/words", data=fields).status_code == 303
    assert "sms: Жаңа мәтін\n" in text_of(aida, where, "kk")


def test_values_are_put_in_so_that_everybody_gets_the_message(quiet: Workshop) -> None:
    """What "Put in" writes copes with a record and a person without the value."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    values = [unescape(each) for each in re.findall('data-insert="([^"]+)"', aida.get(f"{where}/words").text)]
    assert '{{ citizen.given_name | default("") }}' in values
    for spoken in ("kk", "ru", "en"):
        fields = form_of(aida, where, spoken)
        fields |= {"w.sms": [" ".join([*values, fields["w.sms"][0]])], "then": ["save"]}
        assert aida.client.post(f"{where}/words", data=fields).status_code == 303
    page = aida.get(f"{where}/words?spoken=en").text
    assert "put it in again" not in page
    assert "default(" not in page.partition('class="sms"')[2]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "“Given name” is not known of everybody, and whoever has none gets no message"),
        ("ru", "«Имя» известно не обо всех, и кто без этого, не получит сообщения"),
        ("kk", "«Аты» барлығы туралы белгілі емес, ал онсыз адам хабарлама алмайды"),
    ],
)
def test_a_value_that_is_not_known_of_everybody_is_remarked_in_plain_words(
    quiet: Workshop, language: str, said: str
) -> None:
    """Whoever types a name that some people lack reads who gets no message, and how to mend it, without code."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    aida.get(f"{where}/words?language={language}")
    for spoken in ("kk", "en", "ru"):
        fields = form_of(aida, where, spoken)
        fields |= {"w.sms": [f"{{{{ citizen.given_name }}}}, {fields['w.sms'][0]}"], "then": ["save"]}
        assert aida.client.post(f"{where}/words", data=fields).status_code == 303
    remarks = unescape(aida.get(f"{where}/words?spoken=ru").text)
    remarks = remarks.partition('id="w.sms-findings"')[2].partition("</ul>")[0]
    assert said in remarks
    assert "{%" not in remarks
    assert "to mend here too" not in aida.get(f"{where}/form").text, "a remark stops nobody"
