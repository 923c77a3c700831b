import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifiers.http.client import Answer, Http, Timeouts, retry_after
from notifiers.port.interface import Reason, RetryLater, Unknown
from tests.notifiers.authority import Authority
from tests.notifiers.browsers import AT
from tests.notifiers.http_peers import GARBAGE, OK, answer, http_peer, listening
from tests.notifiers.node import node
from tests.notifiers.peers import Act, drip
from tests.services.ports import kept_port

PATIENT = Timeouts(20, 40)
HASTY = Timeouts(0.9, 1.0)


async def ask(http: Http, url: str) -> Answer | RetryLater | Unknown:
    """One request, and the client closed after it."""
    try:
        return await http.request("POST", url, {"x": "y"}, b"body")
    finally:
        await http.aclose()


async def test_an_answer_comes_as_it_is() -> None:
    """Status, headers whatever their case, and body are what the server said."""
    async with http_peer(answer(503, "Retry-After: 7", body=b"later")) as peer:
        said = await ask(Http(PATIENT), f"http://127.0.0.1:{peer.port}/x")
    assert isinstance(said, Answer)
    assert (said.status, said.header("retry-after"), said.header("absent"), said.body) == (503, "7", "", b"later")
    assert peer.heard[0].body == b"body"


async def test_connections_are_kept() -> None:
    """Requests one after another share a connection."""
    async with http_peer(answer(404, body=b"no")) as peer:
        http = Http(PATIENT)
        for _ in range(4):
            await http.request("POST", f"http://127.0.0.1:{peer.port}/", {}, b"x")
        await http.aclose()
    assert peer.connections == 1


async def test_a_body_that_nobody_reads_keeps_its_connection() -> None:
    """Who wants no body gets none, and the next request goes by the same connection all the same."""
    async with http_peer(answer(429, "retry-after: 7", body=b"later")) as peer:
        http, url = Http(PATIENT), f"http://127.0.0.1:{peer.port}/"
        said = [await http.request("POST", url, {}, b"x", read=False) for _ in range(4)]
        await http.aclose()
    assert [(each.body, each.header("retry-after")) for each in said if isinstance(each, Answer)] == [(b"", "7")] * 4
    assert peer.connections == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_nothing_is_followed(status: int) -> None:
    """A redirect is an answer; nobody goes where it points."""
    async with (
        http_peer() as other,
        http_peer(answer(status, f"location: http://127.0.0.1:{other.port}/")) as peer,
    ):
        said = await ask(Http(PATIENT), f"http://127.0.0.1:{peer.port}/")
    assert isinstance(said, Answer)
    assert said.status == status
    assert other.connections == 0


async def test_an_endless_body_is_left() -> None:
    """Of a body without end the beginning is read, and no more."""

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 500 x\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
            await writer.drain()

    async with listening(flood) as port:
        said = await ask(Http(PATIENT), f"http://127.0.0.1:{port}/")
        http = Http(PATIENT)
        unread = await http.request("POST", f"http://127.0.0.1:{port}/", {}, b"x", read=False)
        await http.aclose()
    assert isinstance(said, Answer)
    assert isinstance(unread, Answer)
    assert (len(said.body), len(unread.body)) == (65_536, 0)


async def test_nobody_there_means_later() -> None:
    """Without a connection nothing has gone."""
    with kept_port() as kept:
        said = await ask(Http(PATIENT), f"http://127.0.0.1:{kept.getsockname()[1]}/")
    assert said == RetryLater(None, Reason.UNREACHABLE)


async def test_a_silent_handshake_means_later() -> None:
    """A server that takes the connection and never agrees on TLS has read nothing."""
    async with http_peer(Act.HANG) as peer:
        said = await ask(Http(Timeouts(0.2, PATIENT.whole)), f"https://127.0.0.1:{peer.port}/")
    assert said == RetryLater(None, Reason.UNREACHABLE)


@pytest.mark.parametrize(
    ("act", "reason"),
    [(Act.CLOSE, Reason.LINK_LOST), (Act.HANG, Reason.TIMED_OUT), (GARBAGE, Reason.GARBLED)],
)
async def test_a_request_that_was_written_is_unknown(act: bytes | Act, reason: Reason) -> None:
    """Whoever has read the request and gives no answer may have done what it asked."""
    async with http_peer(act) as peer:
        said = await ask(Http(HASTY if act is Act.HANG else PATIENT), f"http://127.0.0.1:{peer.port}/")
        await peer.asked.wait()  # who is busy reads it only after it was given up
    assert said == Unknown(reason)
    assert len(peer.heard) == 1


@pytest.mark.parametrize("ending", [b"", b"HTTP/1.1 201 x\r\ncontent-length: 9\r\n\r\nhalf"])
async def test_half_an_answer_is_unknown(ending: bytes) -> None:
    """An answer that breaks off is none."""

    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ending)
        await writer.drain()

    async with listening(break_off) as port:
        said = await ask(Http(PATIENT), f"http://127.0.0.1:{port}/")
    assert isinstance(said, Unknown)


async def test_a_drop_at_a_time_is_left() -> None:
    """A server that sends its answer forever by single bytes is left at the limit."""

    async def answer_for_ever(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 201 x\r\ncontent-length: 9999\r\n\r\n")
        with suppress(ConnectionError):
            await drip(reader, writer)

    async with listening(answer_for_ever) as port:
        said = await ask(Http(HASTY), f"http://127.0.0.1:{port}/")
    assert said == Unknown(Reason.TIMED_OUT)


async def test_an_own_authority_is_trusted_and_no_other(tmp_path: Path) -> None:
    """A server with a certificate of our authority is talked to; by whom nobody vouches, or no more, is not."""
    (tmp_path / "other").mkdir()
    ours, theirs = Authority(tmp_path), Authority(tmp_path / "other")
    good, expired = ours.leaf(), ours.leaf(until=datetime(2021, 1, 1, tzinfo=AT.tzinfo))
    said = []
    for leaf, trusted in ((good, ours), (expired, ours), (good, theirs)):
        async with node("fcm.js", str(leaf.key), str(leaf.certificate), str(leaf.key)) as port:
            http = Http(PATIENT, authority=trusted.file.read_bytes())
            said.append(await ask(http, f"https://127.0.0.1:{port}/seen"))
    assert isinstance(said[0], Answer)
    assert said[1:] == [RetryLater(None, Reason.NOT_ADMITTED)] * 2


@pytest.mark.parametrize(
    "content", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n"]
)
def test_a_file_without_certificate_is_refused(content: bytes) -> None:
    """A file that holds no certificate is refused by the name of its option, not silently trusted for nothing."""
    with pytest.raises(ValueError, match="authority"):
        Http(PATIENT, authority=content)


async def test_closing_waits_for_what_is_on_its_way() -> None:
    """A request under way gets its answer while the client closes, a later one is put off."""
    async with http_peer(OK) as peer:
        peer.release = asyncio.Event()
        http = Http(PATIENT)
        url = f"http://127.0.0.1:{peer.port}/"
        asking = asyncio.create_task(http.request("POST", url, {}, b"x"))
        await peer.asked.wait()
        closing = asyncio.create_task(http.aclose())
        await asyncio.wait([closing], timeout=0.05)
        peer.release.set()
        said = await asking
        await closing
        assert await http.request("POST", url, {}, b"x") == RetryLater(None, Reason.CLOSED)
    assert isinstance(said, Answer)


def waits(words: str) -> timedelta | None:
    """What a Retry-After with these words asks for."""
    return retry_after(Answer(503, {"retry-after": words}, b""), AT)


@pytest.mark.parametrize(
    ("words", "wait"),
    [
        ("0", timedelta(0)),
        ("120", timedelta(minutes=2)),
        ("Sun, 01 Mar 2026 04:02:00 GMT", timedelta(minutes=2)),
        ("Sunday, 01-Mar-26 04:02:00 GMT", timedelta(minutes=2)),
        ("Sun, 01 Mar 2026 03:00:00 GMT", timedelta(0)),
        ("99999999999999999999", timedelta(days=1)),
        ("Sun, 01 Mar 9999 04:02:00 GMT", timedelta(days=1)),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("٣", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(words: str, wait: timedelta | None) -> None:
    """Both forms of Retry-After are read, a day at most, and nonsense asks for nothing."""
    assert waits(words) == wait


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, ?\d{1,3} [A-Z][a-z]{2} \d{1,6} \d{1,3}:\d\d:\d\d ?[A-Z+0-9-]*"))
def test_whatever_retry_after_says(words: str) -> None:
    """No header makes anything raise, or a wait of less than nothing or more than a day."""
    wait = waits(words)
    assert wait is None or timedelta(0) <= wait <= timedelta(days=1)


async def test_a_header_that_is_no_text_is_none() -> None:
    """A header of bytes that are no text counts as absent."""
    async with http_peer(b"HTTP/1.1 503 x\r\nretry-after: \xff\xfe\r\ncontent-length: 0\r\n\r\n") as peer:
        said = await ask(Http(PATIENT), f"http://127.0.0.1:{peer.port}/")
    assert isinstance(said, Answer)
    assert retry_after(said, AT) is None
