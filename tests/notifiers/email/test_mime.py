import re
from base64 import b64decode
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from notifiers.email.mime import Letterhead, UnsendableError
from notifiers.port.interface import Message, Reason
from tests.notifiers.letters import AT, config, email_to, letter
from tests.notifiers.peers import Box, real

WORDS = {
    "kk": (
        "Жеке куәлігіңіздің мерзімі 30 күннен кейін аяқталады: әіңғүұқөһ ӘІҢҒҮҰҚӨҺ",
        "Құрметті Әйгерім!\n\nЖеке куәлігіңіздің мерзімі 2026 ж. 31 наурызда аяқталады.\n.\nХалыққа қызмет көрсету\n",
    ),
    "ru": (
        "Срок действия удостоверения личности истекает через 30 дней — замените его «онлайн»",
        "Уважаемая Айгерим!\n\nУдостоверение действительно до 31 марта 2026 г. Пошлина 786 ₸.\n..\n",
    ),
    "en": (
        "Your identity card expires in 30 days: renew it online, it takes ten minutes",
        "Dear Aigerim,\n\nYour identity card expires on 31 March 2026.\n.\n--=_habarshy--\nFrom here on, renew it.\n",
    ),
}
LONG_NAME = "Қазақстан Республикасының Цифрлық даму министрлігі"
HEAD = Letterhead(config(25, sender_name=LONG_NAME))


def parsed(content: bytes) -> EmailMessage:
    """The letter as a mail program reads it."""
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def written(**parts: object) -> EmailMessage:
    """A letter with these parts, written and read again."""
    return parsed(HEAD.write(letter(**parts), AT).content)


def name_of_sender(content: bytes) -> str:
    """The phrase before the sender's address, its encoded words joined by RFC 2047, section 6.2."""
    phrase, _, _ = str(message_from_bytes(content)["From"]).rpartition("<")
    return str(make_header(decode_header(phrase.strip())))


def part(message: EmailMessage, kind: str) -> str:
    """The words of the plain or html part, with plain line ends."""
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


@pytest.mark.parametrize("language", WORDS)
async def test_what_arrives_is_what_was_written(language: str) -> None:
    """In each language a real server receives exactly the title, the text and the HTML, and no defect."""
    title, text = WORDS[language]
    html = f"<html><body><h1>{title}</h1><p>{text}</p></body></html>"
    box = Box()
    async with real(box) as port, email_to(port) as notifier:
        await notifier.send([letter(language=language, title=title, text=text, html=html)])
    content = box.envelopes[0].content
    assert isinstance(content, bytes)
    message = parsed(content)
    assert message["Subject"] == title
    assert part(message, "plain") == text
    assert part(message, "html") == html
    assert message["Content-Language"] == language
    assert not [defect for piece in message.walk() for defect in piece.defects]
    assert not [defect for value in message.values() for defect in value.defects]


def test_text_comes_before_html() -> None:
    """The parts are alternatives, the richest last (RFC 2046, section 5.1.4)."""
    message = written(html="<p>It expires soon.</p>")
    assert message.get_content_type() == "multipart/alternative"
    assert [piece.get_content_type() for piece in message.iter_parts()] == ["text/plain", "text/html"]
    assert {piece.get_content_charset() for piece in message.iter_parts()} == {"utf-8"}


def test_pictures_travel_with_the_html() -> None:
    """The HTML and what it shows are one alternative, the HTML first (RFC 2387); nothing is an attachment."""
    png = bytes(range(256))
    message = written(html='<img src="cid:shield@emblem">', pictures={"shield@emblem": png})
    assert message["Content-Type"].content_type == "multipart/alternative"
    plain, related = message.iter_parts()
    assert plain.get_content_type() == "text/plain"
    assert related.get_content_type() == "multipart/related"
    html, picture = related.iter_parts()
    assert html.get_content().strip() == '<img src="cid:shield@emblem">'
    assert picture["Content-ID"] == "<shield@emblem>"
    assert picture.get_content_disposition() == "inline"
    assert picture.get_content() == png
    assert list(message.iter_attachments()) == []
    assert not [defect for piece in message.walk() for defect in piece.defects]


def test_without_html_there_is_only_text() -> None:
    """A nudge without HTML is a plain letter."""
    message = written()
    assert message.get_content_type() == "text/plain"
    assert message.get_content() == "It expires soon."


def test_who_writes_to_whom_and_when() -> None:
    """Sender, recipient and date stand where they belong, once each."""
    message = written()
    assert message["To"] == "aigerim@mail.test"
    assert message["Date"].datetime == AT
    assert all(len(message.get_all(name, [])) == 1 for name in ("From", "To", "Date", "Subject", "Message-ID"))


@pytest.mark.parametrize("name", ["", "Habarshy", "Ministry, the (first)", 'The "best"', "Хабаршы"])
def test_any_name_may_stand_before_the_address(name: str) -> None:
    """The sender's name arrives as it was set, whatever marks it contains."""
    content = Letterhead(config(25, sender_name=name)).write(letter(), AT).content
    (sender,) = parsed(content)["From"].addresses
    assert (sender.display_name, sender.addr_spec) == (name, "habarshy@gov.test")


@pytest.mark.parametrize("name", [LONG_NAME, "x" * 61])
def test_a_long_name_is_one_name(name: str) -> None:
    """A name that needs several encoded words arrives whole, in one address."""
    content = Letterhead(config(25, sender_name=name)).write(letter(), AT).content
    (sender,) = parsed(content)["From"].addresses
    assert sender.addr_spec == "habarshy@gov.test"
    assert name_of_sender(content) == name  # the address parser of Python 3.11 would put spaces between the words


def test_international_domains_travel_in_ascii() -> None:
    """A Kazakh domain is written in its xn-- form, in the letter as on the envelope."""
    result = HEAD.write(letter("aigerim@пошта.қаз"), AT)
    assert result.recipient == "aigerim@xn--80a1acn3a.xn--80ao21a"
    assert parsed(result.content)["To"] == result.recipient


def test_answers_go_where_they_are_wanted() -> None:
    """A reply address is written if there is one, and only then."""
    with_reply = Letterhead(config(25, reply_to="help@gov.test")).write(letter(), AT)
    assert parsed(with_reply.content)["Reply-To"] == "help@gov.test"
    assert written()["Reply-To"] is None


def test_no_machine_answers() -> None:
    """The letter says that no person wrote it, so that absence notices stay away (RFC 3834)."""
    assert written()["Auto-Submitted"] == "auto-generated"


def test_the_message_id_is_the_same_at_every_attempt() -> None:
    """A mail program can see that a repeated letter is the same one; another recipient's is not."""
    first, again = (HEAD.write(letter(attempt=attempt), AT) for attempt in (1, 2))
    other = HEAD.write(letter("other@mail.test"), AT)
    assert first.reference == again.reference != other.reference
    assert parsed(first.content)["Message-ID"] == f"<{first.reference}@gov.test>"


def test_one_click_is_enough_to_unsubscribe() -> None:
    """An https link is offered for one click, as RFC 8058 asks for."""
    message = written(unsubscribe_url="https://gov.test/u/abc?x=1&y=%D2%9B")
    assert message["List-Unsubscribe"] == "<https://gov.test/u/abc?x=1&y=%D2%9B>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_without_https_there_is_no_one_click() -> None:
    """RFC 8058 allows one click only over https; without a link there is nothing to unsubscribe."""
    message = written(unsubscribe_url="http://127.0.0.1:8000/u/abc")
    assert message["List-Unsubscribe"] == "<http://127.0.0.1:8000/u/abc>"
    assert message["List-Unsubscribe-Post"] is None
    assert written()["List-Unsubscribe"] is None


INJECTION = "x\r\nBcc: victim@mail.test"


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"address": f"a@mail.test{INJECTION}"}, Reason.BAD_ADDRESS),
        ({"address": "a@mail.test>\r\nBcc: <v@mail.test"}, Reason.BAD_ADDRESS),
        ({"title": INJECTION}, Reason.BAD_CONTENT),
        ({"title": "Қазақ\nBcc: victim@mail.test"}, Reason.BAD_CONTENT),
        ({"title": "x\rBcc: victim@mail.test"}, Reason.BAD_CONTENT),
        ({"title": "x\x00"}, Reason.BAD_CONTENT),
        ({"title": "x\x85y"}, Reason.BAD_CONTENT),
        ({"title": "x\u2028y"}, Reason.BAD_CONTENT),
        ({"language": INJECTION}, Reason.BAD_CONTENT),
        ({"unsubscribe_url": f"https://gov.test/{INJECTION}"}, Reason.BAD_CONTENT),
        ({"unsubscribe_url": "https://gov.test/a\nb"}, Reason.BAD_CONTENT),
        ({"unsubscribe_url": "https://gov.test/>, <mailto:v@mail.test"}, Reason.BAD_CONTENT),
        ({"unsubscribe_url": "javascript:alert(1)"}, Reason.BAD_CONTENT),
        ({"unsubscribe_url": "https://gov.test/" + "a" * 2000}, Reason.BAD_CONTENT),
        ({"title": "\udcff"}, Reason.BAD_CONTENT),
        ({"text": "\udcff"}, Reason.BAD_CONTENT),
        ({"html": "\udcff"}, Reason.BAD_CONTENT),
    ],
)
def test_nothing_can_be_smuggled_into_a_header(parts: dict[str, str], reason: Reason) -> None:
    """Words that would break out of their header are given up, and the error does not repeat them."""
    with pytest.raises(UnsendableError) as error:
        HEAD.write(letter(**parts), AT)
    assert error.value.reason is reason
    assert "victim" not in str(error.value)
    assert error.value.__cause__ is None


def test_a_letter_hides_what_it_says() -> None:
    """Printing a letter shows neither its recipient nor its content."""
    shown = repr(HEAD.write(letter(), AT))
    assert "aigerim" not in shown
    assert "Subject" not in shown


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
ANY_TITLE = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=300)


@settings(deadline=None, derandomize=True)
@example(title="=?utf-8?b?eA==?=", text="", html="")
@example(title=" padded ", text=" padded ", html="")
@example(title="long " * 30, text="x" * 2000, html="\r\n.\r\n")
@example(title="ә" * 100 + "a" + "ә" * 100, text="\r\r\n\n", html="")
@example(title="👪🏽" * 20, text="👪🏽", html="")
@given(title=ANY_TITLE, text=ANY_TEXT, html=ANY_TEXT)
def test_any_words_survive(title: str, text: str, html: str) -> None:
    """Whatever a service owner writes arrives unchanged, and the letter keeps to the rules of the wire."""
    content = HEAD.write(letter(title=title, text=text, html=html), AT).content
    message = parsed(content)
    assert message["Subject"] == title
    assert part(message, "plain") == plain_ends(text)
    assert part(message, "html") == plain_ends(html)
    assert content.isascii()
    assert content.endswith(b"\r\n")
    lines = content.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    for word in re.findall(rb"=\?utf-8\?b\?([^?]*)\?=", content):
        assert b64decode(word, validate=True).decode()  # RFC 2047, section 5: no word splits a character
    assert max((len(line) for line in lines if b"=?" in line), default=0) <= 76
    assert not [line for line in lines if b"\n" in line or b"\r" in line or line.startswith(b".")]


def plain_ends(text: str) -> str:
    """The text with the line ends that a parser gives back."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def test_a_message_is_not_changed_by_writing() -> None:
    """Writing a letter twice gives the same bytes: nothing in it is random."""
    message: Message = letter(html="<p>x</p>", unsubscribe_url="https://gov.test/u")
    assert HEAD.write(message, AT) == HEAD.write(message, AT)
