from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from templates.layout import Action
from templates.loader import Pack, load_packs, shipped
from templates.render import Renderer, WordsFailed, context

ALMATY = ZoneInfo("Asia/Almaty")
DUE = datetime(2026, 3, 8, 10, tzinfo=ALMATY)
FINE = {
    "event.number": "263000000000017", "event.amount": 43250, "event.violated_on": "2026-03-01",
    "event.issued_on": "2026-03-02", "event.time": datetime(2026, 3, 2, 7, tzinfo=UTC),
}  # fmt: skip


@pytest.fixture(scope="module")
def kz() -> Pack:
    """The shipped pack of Kazakhstan."""
    return next(pack for pack in load_packs(shipped()) if pack.name == "kz")


@pytest.fixture(scope="module")
def fines(kz: Pack) -> Renderer:
    """The words about half a traffic fine."""
    source = next(trigger for trigger in kz.triggers if trigger.name == "traffic_fine_discount")
    return Renderer(source.words, source.rules, "kk", trigger=source.name)


def values(event: dict[str, Any] | None = None, **citizen: Any) -> dict[str, Any]:  # noqa: ANN401
    """What words may read, of an event and a citizen."""
    return context(
        FINE if event is None else event, {f"citizen.{key}": each for key, each in citizen.items()}, {}, DUE
    )


def render(words: dict[str, Any], event: dict[str, Any] | None = None, **citizen: Any) -> Any:  # noqa: ANN401
    """Words in English, rendered."""
    return Renderer({"en": words}, {}).render("en", "day", values(event, **citizen))


@pytest.mark.parametrize(("language", "subject", "sms"), [
    ("kk", "Айыппұлдың жартысын төлеу мерзімі аяқталып келеді",
     "№ 263000000000017 айыппұлдың жартысын төлеуге үлгеру үшін 2026\u202fж. 8 наурыз күнінің соңына дейін төлеңіз: egov.kz"),
    ("ru", "Оплатить половину штрафа ещё можно, но срок подходит к концу",
     "Чтобы успеть оплатить половину штрафа № 263000000000017, сделайте это до конца дня 8 марта 2026\u202fг.: egov.kz"),
    ("en", "There is still a little time to pay half of your fine",
     "To be in time to pay half of fine No. 263000000000017, pay by the end of 8 March 2026: egov.kz"),
])  # fmt: skip
def test_a_step_has_words_of_its_own_in_each_language(fines: Renderer, language: str, subject: str, sms: str) -> None:
    """Kazakh, Russian and English, with the number and the local day of the nudge."""
    rendered = fines.render(language, "last_day", values())
    assert (rendered.language, rendered.subject, rendered.sms) == (language, subject, sms)


@pytest.mark.parametrize(("language", "body"), [
    ("kk", "№ 263000000000017, 43\u202f250\u00a0₸. 2026\u202fж. 2 наурыз күнінен бастап 7 күн ішінде төлесеңіз, жартысы жеткілікті."),
    ("ru", "№ 263000000000017, 43\u202f250\u00a0₸. Если оплатить в течение 7 дней с 2 марта 2026\u202fг., достаточно половины."),
    ("en", "No. 263000000000017, 43\u202f250\u00a0₸. If you pay within 7 days of 2 March 2026, half is enough."),
])  # fmt: skip
def test_amounts_and_dates_are_written_as_in_the_language(fines: Renderer, language: str, body: str) -> None:
    """Money always has the sign of the tenge, and dates are written out."""
    assert fines.render(language, "issued", values()).push_body == body


def test_the_text_part_is_readable_without_html(fines: Renderer) -> None:
    """Lists keep their dashes and numbers, the action is "label: address", and Markdown's signs are gone."""
    text = fines.render("ru", "issued", values()).text
    assert text.startswith(
        "Здравствуйте!\n\nЗафиксировано нарушение правил дорожного движения (дата: 1 марта 2026\u202fг.), "
        "за него вам выписан штраф.\n\n- Номер штрафа: 263000000000017\n- Полная сумма: 43\u202f250\u00a0₸\n"
    )
    assert (
        "Если оплатить штраф в течение 7 дней с этой даты, достаточно половины суммы.\n\nЧто нужно сделать\n\n1. "
        in text
    )
    assert text.endswith("звонок бесплатный.\n\nОплатить штраф: https://egov.kz/\n")
    assert "*" not in text


class _Tags(HTMLParser):
    """Notes which tags are open, and fails on one that closes another."""

    VOID = ("meta", "br", "hr")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
@pytest.mark.parametrize("step", ["issued", "last_day"])
def test_the_html_part_is_sound_and_accessible(fines: Renderer, language: str, step: str) -> None:
    """Tags nest, the language is said, there is one main heading, and nothing is loaded from elsewhere."""
    tags = _Tags()
    tags.feed(fines.render(language, step, values()).html)
    tags.close()
    names = [name for name, _ in tags.seen]
    assert tags.open == []
    assert dict(tags.seen)["html"]["lang"] == language
    assert names.count("h1") == names.count("title") == names.count("main") == 1
    assert not {"img", "script", "link", "iframe", "form"} & set(names)
    assert [each["href"] for name, each in tags.seen if name == "a"] == ["https://egov.kz/"]


def test_every_shipped_word_is_sound_html(kz: Pack) -> None:
    """Steps that choose whole paragraphs open and close the same tags."""
    event = FINE | {
        "event.expires_on": "2026-04-01",
        "event.born_on": "2026-01-01",
        "event.order": 4,
        "event.kind": "x",
    }
    for source in kz.triggers:
        renderer = Renderer(source.words, source.rules)
        for language in source.words:
            for step in source.rules["due"]:
                tags = _Tags()
                tags.feed(renderer.render(language, step, values(event, born_on="1963-01-01")).html)
                assert tags.open == []


def test_a_correction_has_words_of_its_own_and_no_actions(fines: Renderer) -> None:
    """What takes a message back does not invite to pay."""
    rendered = fines.render("en", "correction", values(), correction=True)
    assert rendered.subject == "Fine No. 263000000000017 has been cancelled"
    assert "you do not have to pay it" in rendered.text
    assert rendered.actions == ()
    assert "href" not in rendered.html
    assert "https://" not in rendered.text


def test_actions_come_in_the_language(fines: Renderer) -> None:
    """A push message gets the same buttons as the email."""
    assert fines.render("kk", "issued", values()).actions == (Action("pay", "https://egov.kz/", "Айыппұлды төлеу"),)


@pytest.mark.parametrize(
    ("asked", "default", "spoken"), [("ru", "kk", "ru"), ("de", "ru", "ru"), ("de", "fr", "kk"), ("", "", "kk")]
)
def test_a_language_without_words_falls_back(asked: str, default: str, spoken: str) -> None:
    """To the pack's default, else to the first that there is."""
    words = {"kk": {"sms": "бір"}, "ru": {"sms": "один"}}
    assert Renderer(words, {}, default).render(asked, "day", values()).language == spoken


def test_no_words_at_all_fail_as_words() -> None:
    """A trigger without any language is the owner's to mend."""
    with pytest.raises(WordsFailed, match="every language is missing"):
        Renderer({}, {}).render("kk", "day", values())


def test_a_step_falls_back_part_by_part() -> None:
    """A step that has only another SMS keeps the rest of the words."""
    words = {
        "subject": "S", "push": {"title": "T", "body": "B"}, "sms": "M", "body": "E",
        "steps": {"day": {"sms": "M2", "push": {"body": "B2"}}},
    }  # fmt: skip
    rendered = render(words)
    assert (rendered.subject, rendered.push_title, rendered.push_body, rendered.sms) == ("S", "T", "B2", "M2")
    assert rendered.text == "E\n"


def test_short_parts_are_one_line() -> None:
    """A line break in the words or in a value would end a header, or begin a second paragraph of an SMS."""
    words = dict.fromkeys(("subject", "sms"), "One\n  {{ event.number }}\n\tthree\n")
    words |= {"push": {"title": words["sms"], "body": words["sms"]}}  # type: ignore[dict-item]
    rendered = render(words, {"event.number": "two\r\nBcc: x\u2028y"})
    assert {rendered.subject, rendered.push_title, rendered.push_body, rendered.sms} == {"One two Bcc: x y three"}


def test_a_value_cannot_reorder_or_hide_what_is_around_it() -> None:
    """Controls, marks of direction and private characters of a value become spaces."""
    rendered = render(
        {"sms": "[{{ event.number }}]", "body": "[{{ event.number }}]"},
        {"event.number": "a\u202eb\ue0000\ue001c\x00"},
    )
    assert rendered.sms == "[a b 0 c ]"
    assert rendered.text == "[a b 0 c ]\n"


def test_values_are_escaped_in_the_subject_of_the_html_part() -> None:
    """The subject is a heading of the HTML part, and plain text everywhere else."""
    rendered = render({"subject": "{{ event.number }}"}, {"event.number": "<b>&"})
    assert rendered.subject == "<b>&"
    assert rendered.html.count("&lt;b&gt;&amp;") == 2
    assert "<b>" not in rendered.html


@pytest.mark.parametrize("missing", [{}, {"event.number": None}])
def test_a_missing_value_fails_by_name(missing: dict[str, Any]) -> None:
    """What was never reported, or was cleared, fails with the names of trigger and variable, in every part."""
    for part in (
        {"sms": "{{ event.number }}"},
        {"body": "{{ event.number }}"},
        {"sms": "{% if event.number > 1 %}{% endif %}"},
    ):
        with pytest.raises(WordsFailed) as failed:
            Renderer({"en": part}, {}, trigger="meter_check").render("en", "day", values(missing))
        assert (failed.value.trigger, failed.value.variable) == ("meter_check", "event.number")
        assert str(failed.value).startswith("The words of meter_check cannot be rendered: event.number has no value.")


def test_a_failure_never_says_values() -> None:
    """A value of another type than the words expect is not quoted in the error."""
    for words in ("{% if event.number > 1 %}{% endif %}", "{{ event.number | date }}", "{{ event.number | money }}"):
        with pytest.raises(WordsFailed) as failed:
            render({"sms": words}, {"event.number": "secret"})
        assert "secret" not in str(failed.value)
        assert failed.value.__cause__ is None


def test_what_may_be_missing_can_be_asked_for() -> None:
    """`is defined` and `default` work on fields, on groups, and on what lies inside a missing group."""
    words = {
        "sms": "{{ event.a | default('-') }}{{ event.b.c | default('-') }}{% if event.b is defined %}x{% endif %}"
    }
    assert render(words, {}).sms == "--"
    assert render(words, {"event.a": 1, "event.b.c": 2}).sms == "12x"


def test_lists_are_looped_over() -> None:
    """A list of the event can be told with commas, or as a list in the email."""
    words = {
        "sms": "{% for each in event.seals %}{{ each }}{% if not loop.last %}, {% endif %}{% endfor %}",
        "body": "{% for each in event.seals %}\n- {{ each | upper_first }}{% endfor %}",
    }
    rendered = render(words, {"event.seals": ["a*", "b"]})
    assert (rendered.sms, rendered.text) == ("a*, b", "- A*\n- B\n")


def test_times_are_shown_in_the_zone_of_who_reads_them() -> None:
    """20:00 of 1 March in UTC is 2 March in Almaty."""
    event = {"event.time": datetime(2026, 3, 1, 20, tzinfo=UTC)}
    assert render({"sms": "{{ event.time | date }}, {{ due | date }}"}, event).sms == "2 March 2026, 8 March 2026"


def test_the_recipient_is_not_always_the_citizen() -> None:
    """A guardian reads about the child: both can be named."""
    words = {"en": {"sms": "{{ recipient.given_name }}: {{ citizen.given_name }}"}}
    read = context({}, {"citizen.given_name": "Айша"}, {"citizen.given_name": "Айгерім"}, DUE)
    assert Renderer(words, {}).render("en", "day", read).sms == "Айгерім: Айша"


def test_what_words_read_cannot_be_changed() -> None:
    """The same values serve all parts and languages."""
    with pytest.raises(TypeError):
        values()["event"]["number"] = "other"


def test_the_course_of_the_words_is_parsed_once_and_forgotten_in_time() -> None:
    """Lists of many lengths take many courses through a text; the memory for them is bounded."""
    renderer = Renderer({"en": {"body": "{% for each in event.seals %}\n- {{ each }}{% endfor %}"}}, {})
    for length in range(600):
        text = renderer.render("en", "day", values({"event.seals": ["x"] * length})).text
        assert text.count("- x") == length
    body = renderer._languages["en"]._usual.body
    assert len(body._pages) <= 256


def test_renderers_need_nothing_but_the_data_in_the_log(kz: Pack, tmp_path: Path) -> None:
    """Words that went through JSON render the same, and no file is read."""
    import json  # noqa: PLC0415  (only here)

    source = kz.triggers[0]
    again = json.loads(json.dumps({"words": source.words, "rules": source.rules}, sort_keys=True))
    step = next(iter(source.rules["due"]))
    event = {"event.born_on": "2026-01-01", "event.order": 1}
    first = Renderer(source.words, source.rules, "kk").render("ru", step, values(event))
    assert Renderer(again["words"], again["rules"], "kk").render("ru", step, values(event)) == first
    assert list(tmp_path.iterdir()) == []
