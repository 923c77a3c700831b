from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifiers.email.smtp_reader import NoReplyError, Replies

STREAM = b"220 hello\r\n250-first\r\n250-second\r\n250 last\r\n354\r\n550 5.1.1 no\n"
READ = [(220, b"hello\r"), (250, b"first\r"), (354, b""), (550, b"5.1.1 no")]


@settings(deadline=None, derandomize=True)
@given(st.lists(st.integers(0, len(STREAM))))
def test_pieces_do_not_matter(cuts: list[int]) -> None:
    """The same bytes give the same replies, wherever the network has cut them."""
    replies, places = Replies(), [0, *sorted(cuts), len(STREAM)]
    pieces = [STREAM[start:end] for start, end in pairwise(places)]
    assert [reply for piece in pieces for reply in replies.feed(piece)] == READ
    assert not replies.more


@pytest.mark.parametrize(
    "data",
    [
        b"hello\r\n",
        b"25\r\n",
        b"2500 ok\r\n",
        b"\xff\xff\xff ok\r\n",
        b"250-a\r\n251 b\r\n",
        b"x" * 3000,
        b"250-" + b"x" * 3000,
        b"250-a\r\n" * 300,
        b"\r\n",
        "٢٥٠ ok\r\n".encode(),
    ],
)
def test_what_is_no_reply_is_told(data: bytes) -> None:
    """Nonsense, endless lines and endless replies are found out."""
    with pytest.raises(NoReplyError):
        list(Replies().feed(data))


@settings(deadline=None, derandomize=True)
@given(st.lists(st.binary(max_size=300)))
def test_any_bytes_are_replies_or_none(pieces: list[bytes]) -> None:
    """Whatever comes, it is a reply with a three-digit code, or it is told to be none."""
    replies = Replies()
    try:
        codes = [code for piece in pieces for code, _ in replies.feed(piece)]
    except NoReplyError:
        return
    assert all(0 <= code <= 999 for code in codes)
