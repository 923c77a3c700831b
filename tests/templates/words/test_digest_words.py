"""The platform's own words about several messages at once."""

import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.core.sms import segments
from domain.nudges.digest import MOST_MEMBERS
from domain.rules.event_types import Office
from templates.words.digest_words import PUSH_LONGEST, SMS_PARTS, WORDS, render_digest
from templates.words.email_layout import Action, Letterhead
from templates.words.rendering import Rendered


def message(title: str = "Card", body: str = "Renew it", *actions: Action) -> Rendered:
    """One message in all its forms."""
    return Rendered("ru", "Subject", title, body, "SMS", "text", "<p>html</p>", actions)


@pytest.mark.parametrize(
    ("language", "sms"),
    [
        ("kk", "Хабарламалар: 2. Card; Fine"),
        ("ru", "Сообщений: 2. Card; Fine"),
        ("en", "Messages: 2. Card; Fine"),
        ("de", "Хабарламалар: 2. Card; Fine"),
    ],
)
def test_a_digest_speaks_the_recipients_language(language: str, sms: str) -> None:
    """The platform's words are in Kazakh, Russian and English; whoever reads another language gets Kazakh."""
    found = render_digest(language, [message(), message("Fine")])
    assert (found.sms, found.push_body) == (sms, "Card; Fine")
    assert found.push_title == sms.partition(".")[0]


@pytest.mark.parametrize(("second", "name"), [("Aigerim S.", "Aigerim S."), ("", "")])
def test_a_digest_names_its_addressee_if_each_message_does(second: str, name: str) -> None:
    """What goes with a discreet message names nobody, like that one; the platform writes it."""
    members = [replace(message(each), head=Letterhead("Office", each)) for each in ("Aigerim S.", second)]
    head = render_digest("en", members, Office({}, {"en": "Habarshy"})).head
    assert head == Letterhead("Habarshy", name)


def test_an_email_has_each_message_with_its_link() -> None:
    """Each message stands in the email with its title, its words and its links, in HTML and in text."""
    pay = Action("pay", "https://egov.kz/?a=1&b=2", "Pay <now>")
    found = render_digest("en", [message("A & B", "Body", pay), message("Second")])
    assert "- A & B\n  Body\n  Pay <now>:\n  https://egov.kz/?a=1&b=2\n\n- Second\n  Renew it" in found.text
    assert "<strong>A &amp; B</strong><br>\nBody<br>\n" in found.html
    assert '<a href="https://egov.kz/?a=1&amp;b=2">Pay &lt;now&gt;</a>' in found.html
    assert found.actions == ()


@settings(deadline=None, max_examples=200, derandomize=True, database=None)
@examples(
    st.sampled_from(sorted(WORDS)), st.lists(st.text(min_size=1, max_size=80), min_size=1, max_size=MOST_MEMBERS)
)
def test_every_message_is_named_within_the_limits(language: str, titles: list[str]) -> None:
    """However long the titles are, all of them are named in an SMS of two parts and in a push message."""
    found = render_digest(language, [message(title) for title in titles])
    assert len(segments(found.sms).parts) <= SMS_PARTS
    assert len(found.push_body) <= PUSH_LONGEST
    for title in titles:
        assert title[:8].rstrip() in found.sms
        assert title[:8].rstrip() in found.push_body
