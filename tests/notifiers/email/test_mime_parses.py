"""Every letter that can be written is one that the standard library's parser reads without a defect."""

from email import message_from_bytes, policy
from email.message import EmailMessage

from hypothesis import example, given, settings
from hypothesis import strategies as st

from notifiers.email.addresses import mailbox
from notifiers.email.mime import Letterhead, UnsendableError
from notifiers.port.interface import Message
from tests.notifiers.letters import AT, config, letter

KAZAKH = "аәбвгғдеёжзийкқлмнңоөпрстуұүфхһцчшщъыіьэюя"
WORDS = st.one_of(st.text(), st.text(KAZAKH + KAZAKH.upper() + " .,:;()<>\"'«»—№₸0123456789abcxyz=?_-"))
ATOMS = st.text("abcxyz0189!#$%&'*+-/=?^_`{|}~", min_size=1, max_size=12)
LABELS = st.text(KAZAKH + "abcxyz0189", min_size=1, max_size=8)
ADDRESSES = st.one_of(
    st.emails(),
    st.builds("{}.{}@{}.{}".format, ATOMS, ATOMS, LABELS, st.sampled_from(["kz", "қаз", "test"])),
    st.text(max_size=30),
)
URLS = st.one_of(st.none(), st.builds("https://gov.test/{}".format, st.text("abc-%_./?=&#~:;,!()'@$*+", max_size=80)))
LANGUAGES = st.one_of(st.sampled_from(["kk", "ru", "en", "sr-Latn-RS"]), st.text(max_size=8))
TRACES = st.one_of(st.none(), st.just("00-" + "a" * 32 + "-" + "b" * 16 + "-01"))
LETTERS = st.builds(
    letter,
    ADDRESSES,
    title=WORDS,
    text=WORDS,
    html=st.one_of(st.none(), WORDS),
    language=LANGUAGES,
    unsubscribe_url=URLS,
    page_url=URLS,
    traceparent=TRACES,
)
HEADS = [
    Letterhead(config(25, sender_name=name, **more))
    for name in ("", "Habarshy", 'Ministry, the "first"', "Қазақстан Республикасының Цифрлық даму министрлігі")
    for more in ({}, {"reply_to": "help@gov.test", "bounces": "bounces@gov.test"})
]


def defects(message: EmailMessage) -> list[object]:
    """What is wrong with it, with any of its parts, or with a header of those."""
    pieces = list(message.walk())
    return [
        *(defect for piece in pieces for defect in piece.defects),
        *(defect for piece in pieces for value in piece.values() for defect in value.defects),
    ]


@settings(deadline=None, derandomize=True, max_examples=400)
@example(
    message=letter("aigerim@пошта.қаз", title="=?utf-8?b?eA==?=", text="\r.\n", html="--=_habarshy--"), head=HEADS[-1]
)
@given(message=LETTERS, head=st.sampled_from(HEADS))
def test_what_can_be_written_parses_without_a_defect(message: Message, head: Letterhead) -> None:
    """Whatever subject, body, address, language and links pass: it is read as it was meant, header by header."""
    try:
        written = head.write(message, AT)
    except UnsendableError:
        return
    parsed = message_from_bytes(written.content, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    assert defects(parsed) == []
    assert parsed["Subject"] == message.title
    assert [each.addr_spec for each in parsed["To"].addresses] == [mailbox(message.address)] == [written.recipient]
    assert [each.addr_spec for each in parsed["From"].addresses] == ["habarshy@gov.test"]
    assert (parsed["Content-Language"], parsed["traceparent"]) == (message.language, message.traceparent)
    links = {"List-Unsubscribe": message.unsubscribe_url, "List-Help": message.page_url}
    assert {name: parsed[name] for name in links} == {name: url and f"<{url}>" for name, url in links.items()}
    kinds = ["text/plain"] if message.html is None else ["text/plain", "text/html"]
    assert [piece.get_content_type() for piece in parsed.walk() if not piece.is_multipart()] == kinds
