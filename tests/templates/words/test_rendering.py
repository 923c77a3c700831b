import json
from collections.abc import Mapping
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from templates.checks.loader import shipped
from templates.checks.sample_events import samples
from templates.reading.catalogue import catalogue_of
from templates.words.compiled_texts import PlainText
from templates.words.email_layout import Action
from templates.words.rendering import Rendered, Renderer, WordsFailed, context
from tests.beginnings import packs_in
from tests.templates.fine import DUE, FINE, RULES, WORDS, values


@pytest.fixture
def fines() -> Renderer:
    """The words about half of a traffic fine, compiled."""
    return Renderer(WORDS, RULES, "kk", trigger="fine")


def render(words: Mapping[str, Any], event: Mapping[str, Any] = FINE) -> Rendered:
    """Words in English, rendered."""
    return Renderer({"en": words}, {}).render("en", "day", values(event))


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "kk",
            (
                "№ 263017 айыппұл",
                "Айыппұл",
                "43\u202f250\u00a0₸, 2026\u202fж. 2 наурыз күнінен бастап",
                "43\u202f250\u00a0₸: жартысын 2026\u202fж. 8 наурыз күнінің соңына дейін төлеңіз",
            ),
        ),
        (
            "ru",
            (
                "Штраф № 263017",
                "Штраф",
                "43\u202f250\u00a0₸, с 2 марта 2026\u202fг.",
                "43\u202f250\u00a0₸: оплатите половину до конца дня 8 марта 2026\u202fг.",
            ),
        ),
        (
            "en",
            (
                "Fine No. 263017",
                "Fine",
                "43\u202f250\u00a0₸, from 2 March 2026",
                "43 250 KZT: pay half by the end of 8 March 2026",
            ),
        ),
    ],
)
def test_each_language_writes_dates_and_money_its_own_way(
    fines: Renderer, language: str, expected: tuple[str, ...]
) -> None:
    """Dates are written out, money has the tenge sign (English SMS spell it), and the due day is the local one."""
    rendered = fines.render(language, "issued", values())
    assert (rendered.subject, rendered.push_title, rendered.push_body, rendered.sms) == expected


@pytest.mark.parametrize(
    ("language", "subject"),
    [
        ("kk", "Аз уақыт қалды"),
        ("ru", "Срок подходит к концу"),
        ("en", "Little time is left"),
    ],
)
def test_a_step_has_words_of_its_own(fines: Renderer, language: str, subject: str) -> None:
    """The step that is named gets its own words, and only it."""
    assert fines.render(language, "last_day", values()).subject == subject
    assert fines.render(language, "issued", values()).subject != subject


def test_a_repetition_has_the_words_of_its_step() -> None:
    """The repetition of a step is told in the step's words, which read the step's name and the number."""
    words = {"sms": "usual", "steps": {"ask": {"sms": "{{ step }} {{ repetition }}"}}}
    renderer = Renderer({"en": words}, {})
    told = [renderer.render("en", step, values()).sms for step in ("ask", "ask.2", "ask.10", "other", "other.2")]
    assert told == ["ask 1", "ask 2", "ask 10", "usual", "usual"]


def test_the_text_part_is_readable_without_html(fines: Renderer) -> None:
    """Lists keep their signs, Markdown's own signs are gone, the action comes last, its address on its own line."""
    assert fines.render("ru", "last_day", values()).text == (
        "Здравствуйте!\n\n- Номер: 263017\n- Сумма: 43\u202f250\u00a0₸\n\nОстался день.\n\n1. Найдите штраф.\n\n"
        "Спасибо.\n\nОплатить:\nhttps://egov.kz/?a=1&b=2\n"
    )
    assert fines.render("en", "issued", values()).text == (
        "Hello,\n\npay half: https://egov.kz/263017 of 43\u202f250\u00a0₸.\n\nPay:\nhttps://egov.kz/?a=1&b=2\n"
    )


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
    assert "https://egov.kz/?a=1&b=2" in [each["href"] for name, each in tags.seen if name == "a"]


def test_every_shipped_word_is_sound_html() -> None:
    """Steps that choose whole paragraphs open and close the same tags."""
    packs = packs_in(shipped())
    catalogue = catalogue_of([pack.content for pack in packs])
    for source in (trigger for pack in packs for trigger in pack.triggers):
        renderer = Renderer(source.words, source.rules)
        full = samples(source.rules["on"], catalogue).full
        for language in source.words:
            for step in source.rules["due"]:
                tags = _Tags()
                tags.feed(renderer.render(language, step, full).html)
                assert tags.open == []


def test_a_correction_has_words_of_its_own_and_no_actions(fines: Renderer) -> None:
    """What takes a message back does not invite to pay."""
    rendered = fines.render("en", "correction", values(), correction=True)
    assert rendered.subject == "Fine No. 263017 has been cancelled"
    assert rendered.text == "You do not have to pay.\n"
    assert rendered.actions == ()
    assert "href" not in rendered.html


def test_a_correction_without_words_fails_as_words(fines: Renderer) -> None:
    """The usual words would say the contrary of a correction."""
    with pytest.raises(WordsFailed, match="fine cannot be rendered: the correction has no words"):
        fines.render("ru", "correction", values(), correction=True)


def test_actions_come_in_the_language(fines: Renderer) -> None:
    """A push message gets the same buttons as the email, and their addresses are escaped in HTML."""
    rendered = fines.render("kk", "issued", values())
    assert rendered.actions == (Action("pay", "https://egov.kz/?a=1&b=2", "Төлеу"),)
    assert 'href="https://egov.kz/?a=1&amp;b=2"' in rendered.html


@pytest.mark.parametrize(
    ("asked", "default", "spoken"),
    [
        ("ru", "kk", "ru"),
        ("de", "ru", "ru"),
        ("de", "fr", "kk"),
        ("", "", "kk"),
    ],
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
        "subject": "S",
        "push": {"title": "T", "body": "B"},
        "sms": "M",
        "body": "E",
        "steps": {"day": {"sms": "M2", "push": {"body": "B2"}}},
    }
    rendered = render(words)
    assert (rendered.subject, rendered.push_title, rendered.push_body, rendered.sms) == ("S", "T", "B2", "M2")
    assert rendered.text == "E\n"


def test_short_parts_are_one_line() -> None:
    """A line break in the words or in a value would end a header, or begin a second paragraph of an SMS."""
    text = "One\n  {{ event.number }}\n\tthree\n"
    words = {"subject": text, "sms": text, "push": {"title": text, "body": text}}
    rendered = render(words, {"event.number": "two\r\nBcc: x\u2028y"})
    assert {rendered.subject, rendered.push_title, rendered.push_body, rendered.sms} == {"One two Bcc: x y three"}


def test_a_value_cannot_reorder_or_hide_what_is_around_it() -> None:
    """Controls, marks of direction and private characters of a value become spaces."""
    words = {"sms": "[{{ event.number }}]", "body": "[{{ event.number }}]"}
    rendered = render(words, {"event.number": "a\u202eb\ue0000\ue001c\x00"})
    assert rendered.sms == "[a b 0 c ]"
    assert rendered.text == "[a b 0 c ]\n"


def test_values_are_escaped_in_the_subject_of_the_html_part() -> None:
    """The subject is a heading of the HTML part, and plain text everywhere else."""
    rendered = render({"subject": "{{ event.number }}"}, {"event.number": "<b>&"})
    assert rendered.subject == "<b>&"
    assert rendered.html.count("&lt;b&gt;&amp;") == 2
    assert "<b>" not in rendered.html


@pytest.mark.parametrize("event", [{}, {"event.number": None}], ids=["absent", "cleared"])
@pytest.mark.parametrize(
    "words",
    [
        {"sms": "{{ event.number }}"},
        {"body": "{{ event.number }}"},
        {"sms": "{% if event.number > 1 %}{% endif %}"},
        {"sms": "{{ event.number | upper_first }}"},
    ],
)
def test_a_missing_value_fails_by_name(words: Mapping[str, Any], event: Mapping[str, Any]) -> None:
    """What was never reported, or was cleared, fails with the names of trigger and variable, in every part."""
    with pytest.raises(WordsFailed) as failed:
        Renderer({"en": words}, {}, trigger="meter_check").render("en", "day", values(event))
    assert (failed.value.trigger, failed.value.variable) == ("meter_check", "event.number")
    assert str(failed.value).startswith("The words of meter_check cannot be rendered: event.number has no value.")


@pytest.mark.parametrize(
    "words",
    [
        "{% if event.number > 1 %}{% endif %}",
        "{{ event.number | date }}",
        "{{ event.number | money }}",
    ],
)
def test_a_failure_never_says_values(words: str) -> None:
    """A value of another type than the words expect is not quoted in the error."""
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


def test_the_memory_for_courses_through_a_text_is_bounded() -> None:
    """Lists of many lengths take many courses through a text; each comes out right, and few are kept."""
    renderer = Renderer({"en": {"body": "{% for each in event.seals %}\n- {{ each }}{% endfor %}"}}, {})
    for length in range(300):
        text = renderer.render("en", "day", values({"event.seals": ["x"] * length})).text
        assert text.count("- x") == length
    assert len(renderer._languages["en"]._usual.body._pages) <= 256


def test_words_render_the_same_after_the_log(fines: Renderer) -> None:
    """Words and rules that went through JSON, with their keys in another order, give the same message."""
    words, rules = json.loads(json.dumps([WORDS, RULES], sort_keys=True))
    again = Renderer(words, rules, "kk").render("ru", "last_day", values())
    assert again == fines.render("ru", "last_day", values())


SAID = (
    "always the same",
    "{{ event.a }}",
    "{{ event.a | money }}",
    "{{ event.a | date }}",
    "{{ event.a | number }}",
    "{{ event.a | upper_first }}",
    '{{ event.a | default("none") }}',
    "{% if event.a %}yes{% endif %}",
    "{% if event.a is defined %}{{ event.a }}{% endif %}",
    "{% if event.a is defined %}{{ event.b }}{% endif %}",
    '{% if event.a is undefined or event.a == "x" %}{{ event.b | date }}{% else %}{{ event.a }}{% endif %}',
    "{% if not event.a is defined %}no{% elif event.a == 7 %}{{ event.b }}{% else %}{{ event.a }}{% endif %}",
    "{% if event.a is defined and event.a != event.b %}{{ event.a }}{% endif %}",
    "{{ event.deep.a }}",
    "{% for each in event.a %}{{ each }}{% endfor %}",
    "{% if event.a > 3 %}much{% endif %}",
    "{% if event.a is defined and event.a < 18 %}{{ event.b }}{% endif %}",
    "{% if 3 < event.a <= event.b %}much{% endif %}",
    "{{ event.a ~ event.b }}",
    "{{ event.b }}" * 400,
    "{{ citizen.a }} {{ recipient.b }}",
    "{% if step == 'day' %}{{ due | date }}{% endif %}",
)
VALUES = st.none() | st.sampled_from(["x", "2026-03-01", "x" * 70_000, 7, 10**400, 2.5, True, False, ["x", "y"], []])


@example(["", "", "", "{% for each in event.a %}{{ each }}{% endfor %}", ""], {"a": "x" * 60_000})
@example(["", "", "", "{{ event.a | date }}", ""], {"a": 7})
@example(["", "", "", "{{ event.a | number }}", ""], {"a": "x"})
@given(st.lists(st.sampled_from(SAID), min_size=5, max_size=5), st.dictionaries(st.sampled_from("ab"), VALUES))
def test_one_channel_reads_as_among_all_and_fails_where_any_does(said: list[str], data: Mapping[str, Any]) -> None:
    """Rendered for one channel, a message is what it is among all, and fails wherever any part of them does."""
    subject, title, push, sms, body = said
    words = {"subject": subject, "push": {"title": title, "body": push}, "sms": sms, "body": body}
    renderer = Renderer({"en": words}, {})
    named = {f"event.{name}": value for name, value in data.items()}
    told = context(
        named | {"event.deep.a": data.get("b")}, {f"citizen.{name}": value for name, value in data.items()}, {}, DUE
    )
    whole = tried(renderer, told, None)
    for channel, parts in READ.items():
        alone = tried(renderer, told, channel)
        assert (alone is None) == (whole is None)
        if alone is not None and whole is not None:
            assert [getattr(alone, part) for part in parts] == [getattr(whole, part) for part in parts]


class Piece(str):
    """A piece of a text that counts how often it is encoded."""

    __slots__ = ()
    encoded = 0

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """Encode it, and count that."""
        Piece.encoded += 1
        return super().encode(encoding, errors)


def test_a_text_of_many_pieces_takes_no_longer_for_each_of_them() -> None:
    """The size of a text is kept up with its pieces; it is not reckoned anew for each."""
    text = PlainText(lambda _: (Piece("x") for _ in range(17_000)), "")
    assert len(text.render({})) == Piece.encoded == 17_000


READ = {"sms": ["sms"], "push": ["push_title", "push_body", "actions"], "email": ["subject", "text", "html"]}


def tried(renderer: Renderer, told: Mapping[str, Any], only: str | None) -> Rendered | None:
    """The words, or None where they fail."""
    try:
        return renderer.render("en", "day", told, only=only)
    except WordsFailed:
        return None
