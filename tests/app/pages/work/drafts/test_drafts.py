"""Drafts: from the scaffold or a published version, through editor, tests and preview, to publication."""

import re
from datetime import timedelta
from functools import partial
from html import unescape
from pathlib import Path

import httpx2
import pytest

from app.packs.draft_bench import Bench, DraftText, Verdict
from app.pages.catalogues import LANGUAGES
from app.pages.layout import Pages
from app.pages.work.approving import Approving
from app.pages.work.drafts.progress import Progress
from app.pages.work.field_places import field_finder
from app.pages.work.mailing import Mailing
from app.pages.work.office import Office
from app.server import application
from domain.facts.principals import Principal
from streams.rules.drafts import DraftStore
from templates.checks.loader import shipped
from tests.app.pages.forms import fields_of
from tests.app.pages.work.workshop import (
    AUTHOR,
    CLINIC,
    FINE,
    Somebody,
    Workshop,
    begun,
    file_of,
    revision_of,
    signed_in,
    workshop_in,
)


def test_a_draft_of_a_published_version_is_as_its_author_wrote_it(quiet: Workshop) -> None:
    """With comments and tests, where the pack is at hand; a second one of the same is the first."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    page = aida.get(where).text
    assert "# an attachment at the old address does not count" in file_of(page, "trigger.yaml")
    assert "No mistakes found" in page
    assert begun(aida) == where
    tests = aida.get(f"{where}/tests").text
    assert "All tests pass" in tests
    assert "gets nothing (Message" in tests
    assert "<code>done</code>" not in tests


def test_a_new_draft_passes_before_it_is_changed(quiet: Workshop) -> None:
    """The scaffold begins without mistakes, and its tests pass; a wrong name is told at its field."""
    aida = signed_in(quiet, "aida")
    for name, said in (("Clinic 2", "small Latin letters"), (CLINIC, "on its page"), (FINE, "The name is taken")):
        answer = aida.post("/work/new", name=name, pack="few", on="kz.residence.registered")
        assert answer.status_code == 422
        assert said in answer.text
    where = begun(aida, name="moved_in", pack="kz", on="kz.residence.registered")
    page = aida.get(where).text
    assert "warnings</h2>" in page
    assert "✗" not in page
    assert "All tests pass" in aida.get(f"{where}/tests").text


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Утрата паспорта", "utrata_pasporta"),
        ("Жеке куәлік жоғалды", "zheke_kualik_zhogaldy"),
        ("Lost passport", "lost_passport"),
        ("2 шага до пенсии", "shaga_do_pensii"),
        ("Clinic attachment", "clinic_attachment_2"),
    ],
)
def test_an_internal_name_is_made_from_the_title(quiet: Workshop, title: str, name: str) -> None:
    """An empty name is filled from the title, valid and taken by nobody, and no page asks about it."""
    aida = signed_in(quiet, "aida")
    fields = {"title.en": title, "pack": "kz", "on": "kz.residence.registered"}
    made = aida.post("/work/new", name="", **fields)
    assert made.status_code == 303
    draft = made.headers["location"].removesuffix("/form")
    assert f"<span>{name}</span>" in aida.get("/work").text
    assert f'en: "{title}"' in file_of(aida.get(draft).text, "trigger.yaml")
    assert f'subject: "{title}"' in file_of(aida.get(draft).text, "en.md")
    assert f'/form">{title}</a>' in unescape(aida.get("/work").text)
    for part in ("", "/form", "/words", "/tests", "/backtest", "/submit"):
        assert re.search(rf"<h1>[^<]*{re.escape(title)}[^<]*</h1>", unescape(aida.get(f"{draft}{part}").text)), part
    assert "All tests pass" in aida.get(f"{draft}/tests").text
    assert "получает письмо" in aida.get(f"{draft}/tests?language=ru").text
    aida.post("/work/new", name="", **fields)
    assert re.search(rf"<span>{name.removesuffix('_2')}_[23]</span>", aida.get("/work").text)


def test_no_title_is_made_from_that_of_another_language(quiet: Workshop) -> None:
    """A draft with one title asks for the others, in the rule and over the texts, before it can be handed in."""
    aida = signed_in(quiet, "aida")
    given = {"title.ru": "Новый адрес", "pack": "kz", "on": "kz.residence.registered"}
    draft = begun(aida, **given)
    page = aida.get(draft).text
    asked = '{kk: Тақырыпты осында жазыңыз, ru: "Новый адрес", en: Write the title here}'
    assert asked in file_of(page, "trigger.yaml")
    assert 'subject: "Write the title here"' in file_of(page, "en.md")
    assert "Novyi" not in unescape(page).replace("novyi", "")
    assert f'<a href="{draft}/form#title.kk">Rule</a>: 5 texts' in aida.get(f"{draft}/submit").text


def test_a_new_draft_begins_with_all_its_titles(quiet: Workshop) -> None:
    """Each title stands in the rule and over the texts of its language; the name comes from Latin letters first."""
    aida = signed_in(quiet, "aida")
    titles = {"kk": "Жаңа мекенжай", "ru": "Новый адрес", "en": "A new address"}
    given = {f"title.{each}": title for each, title in titles.items()}
    page = aida.get(begun(aida, pack="kz", on="kz.residence.registered", **given)).text
    assert '/form#law.act">Rule: 3 texts</a>' in page, "one act is the law in all languages"
    for language, title in titles.items():
        assert f'{language}: "{title}"' in file_of(page, "trigger.yaml")
        assert f'subject: "{title}"' in file_of(page, f"{language}.md")
    assert "<title>A new address" in page
    assert "a_new_address" in aida.get("/work").text or "A new address" in aida.get("/work").text


def test_a_new_draft_has_law_topic_and_urgency_of_a_rule_that_it_is_like(quiet: Workshop) -> None:
    """A rule of one's own agency lends them; one of another agency is neither offered nor taken."""
    aida = signed_in(quiet, "aida")
    page = aida.get("/work/new").text
    [offered] = re.findall('<select id="like".*?</select>', page, re.DOTALL)
    assert (f'value="{CLINIC}"' in offered, FINE in offered) == (True, False)
    given = {"pack": "kz", "on": "kz.residence.registered"}
    rules = file_of(aida.get(begun(aida, name="like_ours", like=CLINIC, **given)).text, "trigger.yaml")
    assert "category: health" in rules
    assert "class: service" in rules
    assert "Write here the law" not in rules
    assert "All tests pass" in aida.get("/work/drafts/1/tests").text
    theirs = file_of(aida.get(begun(aida, name="like_theirs", like=FINE, **given)).text, "trigger.yaml")
    assert "category: general" in theirs
    assert "Write here the law" in theirs


NUMBERED = {"title.en": "№ 5", "name": "", "pack": "kz", "on": "kz.residence.registered"}


def test_a_title_without_letters_proposes_no_name(quiet: Workshop) -> None:
    """Where nothing can be proposed the form asks for the name, and keeps the title."""
    shown = signed_in(quiet, "aida").post("/work/new", **NUMBERED)
    assert (shown.status_code, "Write a name of small Latin letters" in shown.text) == (422, True)
    assert 'value="№ 5"' in shown.text


def test_a_draft_as_the_scaffold_wrote_it_is_not_submitted(quiet: Workshop) -> None:
    """Each page with texts of the sample is named with their number, as in the steps; the answer is 422."""
    aida = signed_in(quiet, "aida")
    where = begun(aida, pack="kz", on="kz.residence.registered", **{"title.en": "A new address"})
    refused = aida.post(f"{where}/submit")
    assert refused.status_code == 422
    page = unescape(refused.text)
    for at, told in (
        ("form#title.kk", "Rule</a>: 5 texts still to write"),
        ("words?spoken=ru#w.subject", "Texts in Russian</a>: 3 texts still to write"),
        ("words?spoken=en#w.sms", "Texts in English</a>: 2 texts still to write"),
    ):
        assert f'<li><a href="{where}/{at}">{told}</li>' in page
    assert page.count("still to write") == 4
    assert "13 sample texts to replace, part 4 of the rule is empty, 2 things to choose" in page
    assert f'to choose (<a href="{where}/form#title.kk">Rule: 5 texts</a>, <a href="{where}/words?spoken=en' in page
    assert f'<a href="{where}/form#category">Topic</a>, <a href="{where}/form#class">' in page
    russian = unescape(aida.get(f"{where}/submit?language=ru").text)
    listed = re.findall(r"([А-Яа-я ]+)</a>: осталось написать", russian)
    assert listed == ["Правило", "Тексты на русском", "Тексты на английском", "Тексты на казахском"]
    assert quiet.world.platform.rules.approval.governed().submitted == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_published_already_is_not_handed_in(quiet: Workshop, language: str) -> None:
    """A draft that is word for word what is published leads nowhere: its page says so, in each language."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    told = {"en": "nothing to hand in", "ru": "передавать на утверждение нечего", "kk": "беретін ештеңе жоқ"}[
        language
    ]
    page = aida.get(f"{where}/submit?language={language}")
    sent = aida.post(f"{where}/submit")
    assert (page.status_code, sent.status_code) == (200, 422)
    for text in (page.text, sent.text):
        assert told in text.lower()
        assert f'action="{where}/submit"' not in text
    assert "/work/submissions/" not in aida.get("/work").text


def test_a_new_draft_suggests_nothing_of_others(quiet: Workshop) -> None:
    """No event and no rule is chosen before its author chooses one; the country is, as the agency's only one."""
    page = signed_in(quiet, "aida").get("/work/new").text
    for name, chosen in (("pack", '<option value="kz" selected>'), ("on", ""), ("like", "")):
        [field] = re.findall(rf'<select id="{name}".*?</select>', page, re.DOTALL)
        options = re.findall(r"<option.*?>", field)
        assert options[0] == '<option value="">'
        assert [each for each in options if "selected" in each] == ([chosen] if chosen else [])


def test_findings_stand_beside_their_line(quiet: Workshop) -> None:
    """A misspelt key is named with its line, the line's text, and what was probably meant; nothing else is lost."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    text = file_of(aida.get(where).text, "trigger.yaml")
    broken = text.replace("category: health", "categry: health")
    saved = aida.post(where, revision="1", then="save", **{"file-trigger.yaml": broken.replace("\n", "\r\n")})
    assert saved.headers["location"] == f"{where}?done=saved"
    page = aida.get(where).text
    line = broken.split("\n").index("categry: health") + 1
    assert f'<mark id="at-trigger.yaml-{line}">{line} ✗</mark>' in page
    assert "ключ «categry» здесь неизвестен" in unescape(aida.get(f"{where}?language=ru").text)
    page = aida.get(f"{where}?language=en").text
    assert "Did you mean category?" in page
    assert "<code>categry: health</code>" in page
    for path in ("tests", "preview", "submit"):
        shown = aida.get(f"{where}/{path}")
        assert shown.status_code == 200
        assert f"trigger.yaml:{line}:1" in shown.text
    assert aida.post(f"{where}/submit").status_code == 422
    assert quiet.world.platform.rules.approval.governed().submitted == {}


MOVED = """\
- name: a case
  clock: 2026-03-01T09:00+05:00
  citizen: {language: ru, channels: [sms], born_on: "1990-05-05"}
  events:
    - at: 2026-03-02T12:00+05:00
      type: kz.residence.registered
      data: {kind: moved, area: "750000000", address: "проспект Абая, 10, 5"}
  expect:
    - {at: 2026-03-05T10:00+05:00, step: moved, channel: sms}
"""
TYPE, TIME, AREA = "type: kz.residence.registered", "at: 2026-03-02T12:00+05:00", 'area: "750000000"'
PERSON, GOES = 'born_on: "1990-05-05"', "step: moved, channel: sms"
SLIPS = {
    "clock: 2026-03-01T09:00+05:00": ["clock: tomorrow", "clock: 2026-03-01T09:00", "clock:", ""],
    TYPE: [
        "type: kz.residence.moved",
        "code: 5\n      answers: moved",
        f"{TYPE}\n      as: mother",
        f"{TYPE}\n      id: ''",
    ],
    TIME: [
        f"{TIME}\n      corrects: old",
        f"{TIME}\n      revision: 1",
        f"{TIME}\n      annuls: true",
        "at: +P9999Y",
    ],
    AREA: [f"{AREA}, flat: 5", "area: 75", 'area: "x"', f"{AREA}, citizen: $one"],
    PERSON: ["born_on: 1990", "zone: Mars", "opted_out: [balls]", "sex: x", "hair: 1", "guardians: [anna]"],
    "language: ru, channels: [sms]": ["language: fr", "channels: [fax]"],
    GOES: ["step: mved", "channel: fax", "channel: push, parts: x", "nothing: true, channel: sms", "because: done"],
    f"{{at: 2026-03-05T10:00+05:00, {GOES}}}": ["{step: moved}", "{at: soon}", "[]", "{nothing: true, because: dne}"],
}
"""A part of a case -> what might be written there instead."""
ENGLISH = re.compile(r"\b(?:a|and|are|called|does|has|have|is|it|must|no|not|nothing|of|only|or|the|this|with)\b")


@pytest.mark.parametrize("language", ["ru", "kk"])
def test_mistakes_in_tests_are_told_in_the_language_of_the_page(quiet: Workshop, language: str) -> None:
    """Whatever is wrong in tests.yaml is told without an English word, on the page that plays the tests."""
    slips = [MOVED.replace(part, slip) for part, others in SLIPS.items() for slip in others]
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    assert aida.post(where, revision="1", **{"file-tests.yaml": "".join(slips)}).status_code == 303
    page = aida.get(f"{where}/tests?language={language}").text
    told = re.findall(rf'<li>.*?<span lang="{language}">(.*?)</span>', page)
    assert len(told) >= len(slips)
    words = [re.sub("`.*?`", "", unescape(each)) for each in told]
    assert [each for each in words if ENGLISH.search(each)] == []


def test_mistakes_of_a_draft_are_told_by_the_fields_of_its_forms(quiet: Workshop) -> None:
    """Whoever writes by form reads which field of which page or example is meant, with its address, and no line."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    text = aida.get(where).text
    tests = file_of(text, "tests.yaml") + MOVED.replace("2026-03-02T12:00+05:00", "tomorrow")
    russian = unescape(file_of(text, "ru.md"))
    words = russian.replace('sms: "', 'sms: "{{ event.adress }} ')
    rules = re.sub("cascade_after: .*", "cascade_after: soon", file_of(text, "trigger.yaml"))
    aida.post(where, revision="1", **{"file-ru.md": words, "file-tests.yaml": tests, "file-trigger.yaml": rules})
    page = unescape(aida.get(f"{where}/submit").text)
    assert f'<a href="{where}/words?spoken=ru#w.sms">SMS (Русский)</a>' in page
    assert f'<a href="{where}/form#cascade_after">Go on to the next way after a silence of</a>' in page
    assert "trigger.yaml:" not in page
    files = {"file-ru.md": russian, "file-trigger.yaml": file_of(text, "trigger.yaml")}
    aida.post(where, revision="2", **files)
    page = unescape(aida.get(f"{where}/tests").text)
    [[href, called]] = re.findall(r'<li><a href="([^"]*)">(a case[^<]*)</a>', page)
    assert (href.partition("#")[2], called) == ("events.0.at", "a case: When does it happen?")
    assert 'id="events.0.at"' in aida.get(href.partition("#")[0]).text


def test_two_who_write_at_once_lose_nothing(quiet: Workshop) -> None:
    """Whoever saves second gets 409 with both texts, and nothing is written over; the same text is no conflict."""
    aida, dana = signed_in(quiet, "aida"), signed_in(quiet, "dana")
    where = begun(aida)
    text = file_of(aida.get(where).text, "en.md")
    ours, theirs = text.replace("Choose", "Pick"), text.replace("Choose", "Take")
    assert aida.post(where, revision="1", **{"file-en.md": ours}).status_code == 303
    answer = dana.post(where, revision="1", **{"file-en.md": theirs})
    assert answer.status_code == 409
    for text in ("Pick", "Take", "aida changed it"):
        assert text in answer.text
    assert "You changed it in another window" in aida.post(where, revision="1", **{"file-en.md": theirs}).text
    assert "Pick" in file_of(dana.get(where).text, "en.md")
    assert dana.post(where, revision="1", **{"file-en.md": ours}).status_code == 303
    assert dana.post(where, revision="2", **{"file-en.md": theirs}).status_code == 303
    assert "Take" in file_of(aida.get(where).text, "en.md")


def test_a_draft_goes_back_to_an_earlier_save(quiet: Workshop) -> None:
    """The page lists what each save replaced, by whom and when; going back is a save of its own and loses nothing."""
    aida, dana = signed_in(quiet, "aida"), signed_in(quiet, "dana")
    where = begun(aida)
    first = file_of(aida.get(where).text, "kk.md")
    dana.post(where, revision="1", **{"file-kk.md": "---\nsms: second\n---\n"})
    aida.post(where, revision="2", **{"file-kk.md": "---\nsms: third\n---\n"})
    page = unescape(dana.get(f"{where}/saves").text)
    assert re.findall('name="back" value="([0-9]+)"', page) == ["2", "1"]
    assert re.findall("<h2>(Save [0-9]: [a-z]+), 2 June 2025", page) == ["Save 2: dana", "Save 1: aida"]
    assert "Texts in Kazakh" in page
    assert "sms: second" in page
    back = dana.post(f"{where}/saves", revision="3", back="1")
    assert back.headers["location"] == f"{where}/saves?done=back"
    assert file_of(aida.get(where).text, "kk.md") == first
    assert re.findall('name="back" value="([0-9]+)"', aida.get(f"{where}/saves").text) == ["3", "2"]
    late = aida.post(f"{where}/saves", revision="3", back="2")
    assert late.headers["location"] == f"{where}/saves?done=moved"
    assert file_of(aida.get(where).text, "kk.md") == first
    assert aida.post(f"{where}/saves", revision="4", back="99").status_code == 404
    berik = signed_in(quiet, "berik")
    assert 'name="back"' not in berik.get(f"{where}/saves").text
    assert berik.post(f"{where}/saves", revision="4", back="1").status_code == 403


def test_what_was_written_when_the_visit_was_over_can_still_be_sent(quiet: Workshop) -> None:
    """Nothing is saved for whose visit is over; the page keeps what they wrote, to be sent when they are back."""
    aida, where, over = over_with(quiet, 'title: "<Ә>\n\nконец')
    assert over.status_code == 401
    assert "конец" not in signed_in(quiet, "dana").get(where).text
    aida.client.post("/sign-in/token", data={"token": quiet.tokens["aida"]})
    assert aida.client.post(where, data=hidden_in(over.text)).status_code == 303
    assert file_of(aida.get(where).text, "trigger.yaml").splitlines() == ['title: "&lt;Ә>', "", "конец"]


def test_what_somebody_wrote_is_sent_by_nobody_else(quiet: Workshop) -> None:
    """Who signs in after them at the same browser cannot send it, and no other site gets it shown."""
    aida, where, over = over_with(quiet, "title: theirs")
    assert aida.client.post(where, data={"csrf": "made-up", "revision": "1"}).headers["location"] == "/sign-in"
    aida.client.post("/sign-in/token", data={"token": quiet.tokens["dana"]})
    assert aida.client.post(where, data=hidden_in(over.text)).status_code == 403


def over_with(workshop: Workshop, text: str) -> tuple[Somebody, str, httpx2.Response]:
    """Who writes this into a new draft and saves it nine hours after they signed in: they, where, and the answer."""
    aida = signed_in(workshop, "aida")
    where = begun(aida)
    revision = revision_of(aida.get(where).text)
    workshop.world.at(workshop.world.clock() + timedelta(hours=9))
    return aida, where, aida.post(where, revision=revision, **{"file-trigger.yaml": text})


def hidden_in(page: str) -> dict[str, str]:
    """The fields that the page keeps."""
    return {
        name: unescape(value)
        for name, value in re.findall(r'type="hidden" name="(.*?)" value="(.*?)"', page, re.DOTALL)
    }


def test_a_failing_test_is_shown_letter_by_letter(quiet: Workshop) -> None:
    """What was expected stands beside what there was, with what differs in the words; it cannot be submitted so."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    tests = file_of(aida.get(where).text, "tests.yaml").replace("емханаға тіркеліңіз", "емханаға тіркелініз")
    aida.post(where, revision="1", **{"file-tests.yaml": tests})
    page = aida.get(f"{where}/tests").text
    assert "Some tests fail" in page
    went, came = ('<span class="hidden">taken away: </span>', '<span class="hidden">put in: </span>')
    assert f"емханаға <del>{went}тіркелініз</del><ins>{came}тіркеліңіз:</ins>" in page
    answer = aida.post(f"{where}/submit")
    assert answer.status_code == 422
    assert "These tests fail:" in answer.text


def test_a_preview_is_as_it_will_look(quiet: Workshop) -> None:
    """Each language and channel with its size; the mail in a frame that may run, load and submit nothing."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    page = aida.get(f"{where}/preview?persona=pensioner")
    assert (
        page.text.count('class="push"') == page.text.count('class="sms"') == page.text.count("<iframe sandbox") == 3
    )
    assert "parts: 2, characters: 114, 20\u00a0₸ (one part less if it is shorter by 44 characters)" in page.text
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    mail = aida.get(f"{where}/mail?persona=pensioner&step=moved&spoken=kk")
    assert "Сәлеметсіз бе" in mail.text
    assert "sandbox" in mail.headers["content-security-policy"]
    assert aida.get(f"{where}/mail?persona=pensioner&step=moved&spoken=de").status_code == 404
    assert aida.get(f"{where}/preview?persona=nobody").status_code == 422


def submitted(quiet: Workshop) -> str:
    """The address of a version that Dana, author and approver, has submitted."""
    dana, where = written(quiet)
    answer = dana.post(f"{where}/submit")
    assert answer.status_code == 303
    return answer.headers["location"].partition("?")[0]


def written(quiet: Workshop, who: str = "dana") -> tuple[Somebody, str]:
    """An author, and their draft of another version, always the same; Dana is an approver too."""
    dana = signed_in(quiet, who)
    where = begun(dana)
    text = file_of(dana.get(where).text, "trigger.yaml").replace(
        'offset: P3D, at: "10:00"', 'offset: P3D, at: "10:30"'
    )
    tests = file_of(dana.get(where).text, "tests.yaml").replace("T10:00+05:00, step", "T10:30+05:00, step")
    dana.post(where, revision="1", **{"file-trigger.yaml": text, "file-tests.yaml": tests})
    return dana, where


def test_an_approver_reads_what_the_check_remarks(quiet: Workshop) -> None:
    """A warning that its author left does not hinder a version; the second person finds it below the texts."""
    dana, draft = written(quiet)
    page = dana.get(draft).text
    text = file_of(page, "trigger.yaml").replace(", within: {before: P1Y}", "")
    tests = file_of(page, "tests.yaml")
    dana.post(draft, revision=revision_of(page), **{"file-trigger.yaml": text, "file-tests.yaml": tests})
    where = dana.post(f"{draft}/submit").headers["location"].partition("?")[0]
    page = unescape(signed_in(quiet, "berik").get(where).text)
    remarks = page.partition("<details><summary>1 remark of the check</summary>")[2].partition("</details>")[0]
    assert "One of twenty years ago prevents the message too" in remarks
    assert remarks.count("<li>") == 1, "tests are not handed in, so nothing is said of them"


def test_an_approver_reads_the_answer_first(quiet: Workshop) -> None:
    """On top stand the rule, how many it would tell, law and urgency; the rest is folded above the decision."""
    page = unescape(signed_in(quiet, "berik").get(submitted(quiet)).text)
    answer, _, rest = page.partition("What changes for citizens")
    essence = ("The rule", "Who is told", "When", "Exception", "How many", "Legal basis", "Kind of message", "Topic")
    assert re.findall("<dt>(.*?)</dt>", answer) == [*essence]
    more = rest.partition("Approve this version")[0].partition("<summary>More about this version</summary>")[2]
    for name in ("How it is sent", "Its tests", "Handed in"):
        assert f"<dt>{name}</dt>" in more.partition("</details>")[0]
    seen, _, folded = rest.partition("<details><summary>Files and commands</summary>")
    for text in ("trigger.yaml", "habarshy approve", "<del>"):
        assert text not in answer + seen
        assert text in folded.partition("</details>")[0]
    assert "Approve this version" in seen


def test_a_version_goes_its_whole_way_in_a_browser(quiet: Workshop) -> None:
    """Submitted by one, shown with what changes to and approved by another, published for some and then for all."""
    where = submitted(quiet)
    dana, berik, aida = (signed_in(quiet, who) for who in ("dana", "berik", "aida"))
    assert where in berik.get("/work").text
    page = berik.get(where).text
    assert "10:30" in page
    assert re.search("[0-9] tests pass", page)
    assert "this version was not tried on last year" in page
    read = page.partition("What people will read")[2].partition("Comments")[0]
    assert all(f'<div class="sms" lang="{each}">' in read for each in ("kk", "ru", "en"))
    assert "<del>-     at: &#39;10:00&#39;</del>" in page
    assert "nobody approves their own" in dana.get(where).text
    refused = dana.post(f"{where}/approve")
    assert refused.status_code == 403
    assert "nobody approves their own" in refused.text
    assert aida.post(f"{where}/publish", share="0.05").status_code == 403
    assert berik.post(f"{where}/approve").headers["location"] == f"{where}?done=approved"
    for each in (aida, berik):
        above, _, below = each.get(where).text.partition("Who is told")
        assert "Publish for 10\u202f% of all people</button>" in above, "seen without scrolling"
        assert "Refuse this version" not in below
        folded = below.partition('<details id="approve">')[2].partition("</details>")[0]
        assert ("Take back the approval" in folded) == (each is berik)
    for share in ({}, {"share": ""}, {"share": "0.050"}, {"share": "5%"}, {"share": "abc"}):
        wrong = aida.post(f"{where}/publish", **share)
        assert (wrong.status_code, "Choose for whom" in wrong.text) == (422, True), share
        assert '<button id="share" name="share" value="0.1">' in wrong.text
    assert (
        not quiet.world.platform.rules.approval.governed()
        .publications_of(CLINIC)[-1]
        .fact.hash.startswith(where[-12:])
    )
    asked = aida.post(f"{where}/publish", share="0.05", pending="yes")
    assert asked.status_code == 200
    assert (
        not quiet.world.platform.rules.approval.governed()
        .publications_of(CLINIC)[-1]
        .fact.hash.startswith(where[-12:])
    )
    for said in (
        "5\u202f% of all people",
        "was not tried on last year",
        "planned already",
        'name="pending" value="yes"',
    ):
        assert said in asked.text
    assert asked.text.index("Publish it now?") < asked.text.index("Who is told"), "seen without scrolling"
    few = aida.post(f"{where}/publish", share="0.05", pending="yes", sure="yes")
    assert few.headers["location"] == f"{where}?done=published"
    wider = aida.get(where).text
    publish = wider.partition("Who is told")[0]
    result = aida.get(f"{where}?done=published").text.partition("It is published")[2].partition("<form")[0]
    for page in (publish, result):
        assert "is planned yet. Few people are in this share: look again" in page
        assert f'<a href="/work/triggers/{CLINIC}">See how it goes</a>' in page
    assert re.findall(r'name="share" value="([0-9.]+)"', publish) == ["1.0", "0.5", "0.25", "0.1"], (
        "a share only grows"
    )
    assert "To publish it for everybody changes who gets its messages" in wider
    assert "Apply it also to messages that are planned already" in wider, "those of the version before"
    assert aida.post(f"{where}/publish", share="1.0", sure="yes").headers["location"] == f"{where}?done=published"
    current = quiet.world.platform.rules.approval.governed().current(CLINIC)
    assert current is not None
    assert (where.endswith(current.hash), current.share, current.by) == (True, 1.0, "aida")
    history = aida.get(f"/work/triggers/{CLINIC}").text
    assert "approved: berik" in history
    assert f'<a href="{where}">' in history
    kept = file_of(aida.get(begun(aida)).text, "trigger.yaml")
    assert "# an attachment at the old address does not count" in kept


def test_whoever_wrote_words_of_a_draft_does_not_approve_them(quiet: Workshop) -> None:
    """A colleague who hands in what an approver wrote does not make it somebody else's; its page names who wrote."""
    aida = signed_in(quiet, "aida")
    dana, draft = written(quiet)
    where = aida.post(f"{draft}/submit").headers["location"].partition("?")[0]
    assert "wrote a part of it" in dana.get(where).text
    assert dana.post(f"{where}/approve").status_code == 403
    assert "<dt>Written by</dt><dd>dana</dd>" in re.sub(r"\s*\n\s*", "", signed_in(quiet, "berik").get(where).text)
    assert signed_in(quiet, "berik").post(f"{where}/approve").status_code == 303


class Deleting(Bench):
    """A bench at which somebody deletes each draft while its tests run."""

    def __init__(self, workshop: Workshop) -> None:
        super().__init__(workshop.world.platform.rules.library)
        self.drafts = DraftStore(workshop.world.platform.database, workshop.world.platform.clock)

    def verdict(self, text: DraftText) -> Verdict:
        """The verdict of a draft that is gone by then."""
        found = super().verdict(text)
        [there] = self.drafts.all("health")
        self.drafts.drop(there.id, Principal("dana", "health", frozenset({AUTHOR})))
        return found


def test_a_draft_deleted_while_it_is_handed_in_keeps_its_writers(quiet: Workshop) -> None:
    """An approver who wrote a draft, and deletes it while a colleague hands it in, does not approve it."""
    (aida, draft), dana = written(quiet, "aida"), signed_in(quiet, "dana")
    platform, bench = quiet.world.platform, Deleting(quiet)
    text = file_of(aida.get(draft).text, "trigger.yaml")
    for number, who in enumerate((dana, aida), 2):
        text += "# a comment\n"
        assert who.post(draft, revision=f"{number}", **{"file-trigger.yaml": text}).status_code == 303
    office = Office(platform, Pages("http://testserver", lambda: platform.rules.library.rules().defaults.zone))
    progress = Progress(office, bench, partial(field_finder, platform.rules.library))
    page = Approving(office, bench.drafts, bench, progress, Mailing(platform, bench.drafts))
    app = application(platform, works=True)
    app.router.routes[:0] = page.routes(app.router.responses, ())
    answer = signed_in(quiet, "aida", app).post(f"{draft}/submit")
    where = answer.headers["location"].partition("?")[0]
    assert dana.post(f"{where}/approve").status_code == 403
    assert signed_in(quiet, "berik").post(f"{where}/approve").status_code == 303


def test_no_decision_that_somebody_has_not_seen_is_overridden(quiet: Workshop) -> None:
    """A decision from a page of before another one is asked for again beside that one, and its words are kept."""
    where, berik = submitted(quiet), signed_in(quiet, "berik")
    dana = signed_in(quiet, "dana")
    before = fields_of(berik.get(where).text, "/comment")["seen"][0]
    assert dana.post(f"{where}/refuse", said="the law says no", seen=before).status_code == 303
    late = berik.post(f"{where}/approve", said="it is fine", seen=before)
    shown = fields_of(late.text, "/comment")
    assert (late.status_code, "the law says no" in late.text, shown["said"]) == (409, True, ["it is fine"])
    for _ in range(2):
        assert berik.post(f"{where}/approve", said="it is fine", seen=shown["seen"][0]).status_code == 303
    late = dana.post(f"{where}/refuse", said="still not", seen=shown["seen"][0])
    shown = fields_of(late.text, "/comment")
    assert (late.status_code, shown["said"]) == (409, ["still not"])
    assert dana.post(f"{where}/refuse", said="still not", seen=shown["seen"][0]).status_code == 303


def test_an_approver_refuses_in_a_browser(quiet: Workshop) -> None:
    """A reason is asked for, the author reads it, and what was refused cannot be published."""
    where = submitted(quiet)
    berik, aida = signed_in(quiet, "berik"), signed_in(quiet, "aida")
    for reason in ("", "no", "x" * 501):
        assert berik.post(f"{where}/refuse", said=reason).status_code == 422
    assert berik.post(f"{where}/approve", said="x" * 501).status_code == 422
    assert berik.post(f"{where[:-1]}/approve").status_code == 422, "this is not the whole hash"
    assert aida.post(f"{where}/refuse", said="the date is wrong").status_code == 403
    answer = berik.post(f"{where}/refuse", said="the date is wrong")
    assert answer.headers["location"] == f"{where}?done=refused"
    assert "the date is wrong" in aida.get(where).text
    assert "отклонена" in aida.get("/work?language=ru").text
    assert aida.post(f"{where}/publish", share="1.0").status_code == 403
    assert "This very content was refused before" not in berik.get(where).text
    page = berik.get(where).text
    folded = page.partition('<details id="approve">')[2].partition("</details>")[0]
    assert "/approve" in folded, "a mistaken refusal can be followed by an approval"
    assert page.count("/approve") == folded.count("/approve"), "nothing invites to approve what was refused"
    assert 'href="#approve">Approve</a>' not in page
    dana, draft = written(quiet)
    asked = dana.get(f"{draft}/submit").text
    assert dana.post(f"{draft}/submit").headers["location"].startswith(where)
    for page in (asked, berik.get(where).text):
        assert page.index("This very content was refused before") < page.index("berik: the date is wrong")
    assert berik.post(f"{where}/approve", said="it is right after all").status_code == 303
    assert "it is right after all" in aida.get(where).text


def test_an_approver_s_words_go_with_the_button_that_is_pressed(quiet: Workshop) -> None:
    """One field serves all decisions, and what does not do for one is still there for another."""
    where = submitted(quiet)
    berik, dana = signed_in(quiet, "berik"), signed_in(quiet, "dana")
    page = berik.get(where).text
    assert page.count("<textarea") == 1
    for way in ("approve", "refuse", "comment"):
        assert f'action="{where}/{way}"' in page
        answer = berik.post(f"{where}/{way}", said="why so?" + "x" * 500)
        assert answer.status_code == 422
        assert fields_of(answer.text, "/comment")["said"][0].startswith("why so?")
    assert berik.post(f"{where}/refuse", said="no").status_code == 422
    own = dana.get(where).text
    assert (own.count("<textarea"), f'action="{where}/approve"' in own) == (1, False)


def test_another_agency_comes_near_no_draft(quiet: Workshop) -> None:
    """Another agency's people get 403 for every page and form of a draft and of what waits; unknown ones are 404."""
    where, fred = submitted(quiet), signed_in(quiet, "fred")
    draft = begun(signed_in(quiet, "aida"))
    for path in ("", "/tests", "/preview", "/submit", "/mail?persona=adult&step=moved&spoken=kk"):
        assert fred.get(f"{draft}{path}").status_code == 403, path
    for path in ("", "/delete", "/submit"):
        assert fred.post(f"{draft}{path}", revision="1").status_code == 403, path
    for path in ("", "/preview", "/mail?persona=adult&step=moved&spoken=kk"):
        assert fred.get(f"{where}{path}").status_code == 403, path
    for path in ("/approve", "/publish"):
        assert fred.post(f"{where}{path}").status_code == 403, path
    assert fred.post("/work/new", **{"from": CLINIC}).status_code == 403
    assert fred.get("/work/drafts/99").status_code == 404
    assert fred.get(f"/work/submissions/nothing/{'0' * 12}").status_code == 404
    assert signed_in(quiet, "berik").post(draft, revision="1").status_code == 403
    assert signed_in(quiet, "aida").post(f"{draft}/delete").headers["location"] == "/work"
    assert signed_in(quiet, "aida").get(draft).status_code == 404


def test_a_refused_author_is_sent_to_mend(quiet: Workshop) -> None:
    """After a refusal the next step is to write, for the reason that was given, and not to wait for approval."""
    where = submitted(quiet)
    berik, dana = signed_in(quiet, "berik"), signed_in(quiet, "dana")
    berik.post(f"{where}/refuse", said="the date is wrong")
    draft = begun(dana)
    for page in (dana.get(f"{draft}/form").text, dana.get(where).text):
        assert "Next: Write</strong> – mend: the date is wrong" in unescape(page)
    assert re.search(r'class="button" href="/work/drafts/[^"]+/form">Change the rule<', dana.get(where).text)
    dana.post(
        draft,
        revision=revision_of(dana.get(draft).text),
        **{"file-en.md": file_of(dana.get(draft).text, "en.md") + "More.\n"},
    )
    assert "mend: the date is wrong" not in dana.get(f"{draft}/form").text


def test_what_was_written_outlives_signing_out_in_another_window(quiet: Workshop) -> None:
    """The page keeps it; the same person sends it once they are back, and whoever signs in instead cannot."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    written = {"csrf": aida.csrf, "revision": "1", "file-en.md": "конец"}
    aida.post("/sign-out")
    over = aida.client.post(where, data=written)
    assert (over.status_code, "конец" in over.text) == (401, True)
    assert "you signed out in another window" in over.text
    assert aida.client.post(where, data={**written, "csrf": "made-up"}).headers["location"] == "/sign-in"
    cookies = dict(aida.client.cookies)
    aida.client.post("/sign-in/token", data={"token": quiet.tokens["dana"]})
    assert aida.client.post(where, data=hidden_in(over.text)).status_code == 403
    aida.post("/sign-out")
    aida.client.cookies.clear()
    aida.client.cookies.update(cookies)
    aida.client.post("/sign-in/token", data={"token": quiet.tokens["aida"]})
    assert aida.client.post(where, data=hidden_in(over.text)).status_code == 303
    assert "конец" in file_of(aida.get(where).text, "en.md")


@pytest.mark.parametrize(("language", "order"), [("ru", ["ru", "kk", "en"]), ("kk", ["kk", "ru", "en"])])
def test_a_rule_is_asked_for_in_the_reader_s_own_language_first(
    quiet: Workshop, language: str, order: list[str]
) -> None:
    """The titles of a new draft, and titles, laws and words of buttons of its form, begin with that language."""
    aida = signed_in(quiet, "aida")
    asked = aida.get(f"/work/new?language={language}").text
    assert re.findall(r'<input[^>]*name="title\.(\w+)"', asked) == order
    form = aida.get(f"{begun(aida)}/form").text
    for name in ("title", "legal_basis", r"actions\.new\.label"):
        assert re.findall(rf'<(?:input type="text"|textarea)[^>]* name="{name}\.(\w+)"', form) == order, name


def test_one_remark_asks_for_the_law_in_all_languages(quiet: Workshop) -> None:
    """It stands at the act, which writes the law in each language; languages with nothing to do are folded."""
    aida = signed_in(quiet, "aida")
    titles = {"title.kk": "Жаңа мекенжай", "title.ru": "Новый адрес", "title.en": "A new address"}
    where = begun(aida, pack="kz", on="kz.residence.registered", **titles)
    page = aida.get(f"{where}/form?language=ru").text
    assert re.findall(r'id="(law\.\w+|legal_basis\.\w+)-findings"', page) == ["law.act"]
    assert re.findall("<details><summary>(?:Название|Правовое основание)[^<]*", page) == [
        "<details><summary>Название: Қазақша, English",
        "<details><summary>Правовое основание своими словами",
    ]


@pytest.mark.parametrize(
    ("agency", "name"), [("labour", "kz"), ("alatau_akimat", "alatau"), ("tourism", ""), ("platform", "kz")]
)
def test_a_new_draft_is_for_the_pack_of_its_agency(tmp_path: Path, agency: str, name: str) -> None:
    """The country or city is chosen already where the agency has all its rules; another one has to choose."""
    packs = [path for path in shipped() if path.name in ("kz", "alatau")]
    workshop = workshop_in(tmp_path, people={"sana": (agency, (AUTHOR,))}, packs=packs)
    page = signed_in(workshop, "sana").get("/work/new").text
    assert re.findall(
        r'<option value="(\w+)" selected>', page.partition('id="pack"')[2].partition("</select>")[0]
    ) == ([name] if name else [])
    workshop.world.close()


def test_the_only_country_of_a_platform_is_chosen(tmp_path: Path) -> None:
    """An agency that no pack names yet writes its first rule where all others do."""
    workshop = workshop_in(tmp_path, people={"sana": ("tourism", (AUTHOR,))})
    assert '<option value="kz" selected>' in signed_in(workshop, "sana").get("/work/new").text
    workshop.world.close()


@pytest.mark.parametrize("address", ["999", "0", "abc", "99999999999999999999"])
def test_an_address_of_no_draft_says_so(quiet: Workshop, address: str) -> None:
    """Whatever stands in the address: there is no such draft, and nothing is said of what was sent."""
    answer = signed_in(quiet, "aida").get(f"/work/drafts/{address}/form")
    assert (answer.status_code, "There is no such draft" in answer.text) == (404, True)


def test_a_new_draft_asks_in_words_of_the_country(quiet: Workshop) -> None:
    """Packs are told by their titles, and the name is said to be an internal one."""
    page = signed_in(quiet, "aida").get("/work/new?language=ru").text
    assert '<option value="kz" selected>Казахстан</option>' in page
    assert "Служебное имя (граждане его не видят)" in page


def test_a_comparison_is_offered_once(quiet: Workshop) -> None:
    """No two options of a list of comparisons read the same."""
    aida = signed_in(quiet, "aida")
    page = aida.get(f"{begun(aida)}/form").text
    for chosen in re.findall(r'<select[^>]*name="when\.[0-9]+\.operator"[^>]*>(.*?)</select>', page, re.DOTALL):
        told = re.findall(r">([^<]+)</option>", chosen)
        assert len(told) == len(set(told))


NO_WORDS = re.compile(r"<(code|script|textarea|iframe)\b.*?</\1>|<[^>]*>", re.DOTALL)
"""What of a page nobody reads as words: its marks, and what stands in it as code."""


@pytest.mark.parametrize(("language", "called"), [("ru", "Сообщение 1"), ("kk", "1-хабарлама")])
def test_steps_have_names_in_the_language_of_the_page(quiet: Workshop, language: str, called: str) -> None:
    """An author's names of steps stand on no page as words: a message is told by its place among them."""
    fred = signed_in(quiet, "fred")
    where = begun(fred, **{"from": "identity_card_expiry"})
    for path in ("form", "tests", "preview", "words"):
        words = NO_WORDS.sub(" ", fred.get(f"{where}/{path}?language={language}").text)
        assert called in words, path
        assert not re.search(r"[“(:] ?(month|week|day)\b", words), path


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ("Legal basis", "about a service", "Topic", "your turn: approve or refuse")),
        ("ru", ("Правовое основание", "Тема", "ваша очередь: утвердите или отклоните")),
        ("kk", ("Құқықтық негізі", "Тақырып", "кезек сізде: мақұлдаңыз немесе қабылдамаңыз")),
    ],
)
def test_an_approver_reads_by_which_law_and_how_urgent_it_is(
    quiet: Workshop, language: str, said: tuple[str, ...]
) -> None:
    """Topic, kind and legal basis of a version stand above its texts before it is approved, in each language."""
    page = unescape(signed_in(quiet, "berik").get(f"{submitted(quiet)}?language={language}").text)
    above = page.partition("<h2>")[0]
    for each in said:
        assert each in above, each


def test_whose_turn_it_is_stands_above_a_version(quiet: Workshop) -> None:
    """Who may approve it reads so on top; who handed it in reads for whom it waits."""
    where = submitted(quiet)
    above = [unescape(signed_in(quiet, who).get(where).text).partition("<dl")[0] for who in ("berik", "dana")]
    assert ["your turn: approve or refuse" in each for each in above] == [True, False]
    assert ["waits for an approver who did not hand it in" in each for each in above] == [False, True]


def test_no_version_but_an_earlier_one_has_planned_messages(quiet: Workshop) -> None:
    """Where no other version was ever published nothing is asked about messages that it planned."""
    dana = signed_in(quiet, "dana")
    known = dana.get(begun(dana)).text
    where = begun(dana, name="moved_in", pack="kz", on="kz.residence.registered")
    files = ("trigger.yaml", "tests.yaml", "kk.md", "ru.md", "en.md")
    dana.post(where, revision="1", **{f"file-{name}": unescape(file_of(known, name)) for name in files})
    page = dana.post(f"{where}/submit").headers["location"].partition("?")[0]
    signed_in(quiet, "berik").post(f"{page}/approve")
    asked = ["Apply it also to messages that are planned already" in dana.get(page).text]
    assert dana.post(f"{page}/publish", share="0.05").status_code == 303, "only more than a tenth is confirmed"
    wider = dana.get(page).text
    asked.append("Apply it also to messages that are planned already" in wider)
    assert ('<button id="share"' in wider, asked) == (True, [False, False])


def test_a_rule_is_listed_once(quiet: Workshop) -> None:
    """Whatever there is of a rule, the list has one entry of it, which says so and leads to the next step."""
    dana, draft = written(quiet)
    berik, listed = signed_in(quiet, "berik"), partial(entry_of, dana, CLINIC)
    opened = (f"{draft}/form", ["live", "a draft of a new version is open"])
    assert listed() == opened
    where = dana.post(f"{draft}/submit").headers["location"].partition("?")[0]
    assert listed() == (where, ["live", "new version: waits for approval"])
    berik.post(f"{where}/refuse", said="the date is wrong")
    assert listed() == (f"{draft}/form", ["live", "new version: refused"])
    berik.post(f"{where}/approve")
    assert listed() == (where, ["live", "new version: approved, not published"])
    dana.post(f"{where}/publish", share="0.1", sure="yes")
    assert listed() == (where, ["live", "latest version: for 10\u202f% of all people"])
    dana.post(f"{where}/publish", share="1.0", sure="yes")
    assert listed() == (f"/work/triggers/{CLINIC}", ["live"])
    text = dana.get(draft).text
    files = {"file-trigger.yaml": file_of(text, "trigger.yaml") + "# more\n"}
    dana.post(draft, revision=revision_of(text), **files)
    assert listed() == opened


def test_rules_are_listed_by_title(quiet: Workshop) -> None:
    """Who looks for a rule finds it by what the page calls it, whatever its internal name is."""
    aida = signed_in(quiet, "aida")
    for name, title in (("first", "Zebra"), ("second", "apple")):
        begun(aida, name=name, pack="kz", on="kz.residence.registered", **{"title.en": title})
    assert re.findall(r'/form">(Zebra|apple)</a>', aida.get("/work").text) == ["apple", "Zebra"]


def entry_of(somebody: Somebody, name: str) -> tuple[str, list[str]]:
    """The address and the states of the only entry of a rule in the list."""
    entries = re.findall(r'<li><h3><a href="([^"]+)">.*?</h3>\n(.*?)</li>', somebody.get("/work").text)
    [(href, meta)] = [each for each in entries if f"<span>{name}</span>" in each[1]]
    return href, re.findall(r'<strong class="tag [^"]*">(.*?)</strong>', meta)


def test_an_empty_form_of_a_new_draft_asks_for_the_title(quiet: Workshop) -> None:
    """The internal name is made from the title, so an empty one is no mistake."""
    answer = signed_in(quiet, "aida").post("/work/new", name="", pack="kz", on="kz.residence.registered")
    assert answer.status_code == 422
    assert re.findall('<a href="#([a-z.]+)">', answer.text) == ["title.en"]
    assert "Write the title in at least one language" in answer.text


def test_a_title_that_is_too_long_is_kept_whole(quiet: Workshop) -> None:
    """Nothing of a pasted title is cut off: its author reads by how much it is too long."""
    title = "How to register at the employment centre, and what for"
    answer = signed_in(quiet, "aida").post(
        "/work/new", **{"title.en": title}, pack="kz", on="kz.residence.registered"
    )
    assert answer.status_code == 422
    assert "Shorten it to 50 characters: it has 54" in answer.text
    assert f'value="{title}"' in answer.text
    assert "maxlength" not in answer.text.partition('id="title.en"')[2].partition(">")[0]


def test_the_name_of_what_is_published_leads_to_its_page(quiet: Workshop) -> None:
    """Where one's agency has published it the form links the page on which a draft is made of it, else nothing."""
    aida = signed_in(quiet, "aida")
    for name, links in ((CLINIC, 1), (FINE, 0)):
        page = aida.post("/work/new", name=name, pack="kz", on="kz.residence.registered").text
        assert page.count(f'href="/work/triggers/{name}"') == links
