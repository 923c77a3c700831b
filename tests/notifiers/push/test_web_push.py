import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from notifiers.http.client import Answer
from notifiers.port.interface import Accepted, Action, GiveUp, Outcome, Reason, RetryLater, Unknown
from notifiers.port.kinds import Tools
from notifiers.push.web_push import KIND, WebPushNotifier, meaning
from notifiers.push.web_push_options import WebPushOptions
from tests.notifiers.authority import Authority
from tests.notifiers.browsers import (
    AT,
    Browser,
    Clock,
    NoInbound,
    base64url,
    push,
    vapid_file,
    web_push,
    web_push_options,
)
from tests.notifiers.http_peers import OK, HttpPeer, answer, http_peer

BROWSER = Browser()
TOO_LARGE = answer(413)


def device(peer: HttpPeer, path: str = "push/1") -> str:
    """The browser's subscription at this push service."""
    return BROWSER.address(f"http://127.0.0.1:{peer.port}/{path}")


async def outcome_of(folder: Path, *answers: bytes, **parts: object) -> tuple[Outcome, HttpPeer]:
    """What becomes of one message when the push service answers so."""
    async with http_peer(answers) as peer, web_push(folder, peer.port) as notifier:
        (outcome,) = await notifier.send([push(device(peer), **parts)])
    return outcome, peer


async def test_the_browser_reads_what_it_shows(tmp_path: Path) -> None:
    """The payload has the words, the tag by which a resend replaces, the nudge, links and time, and no more."""
    links = (Action("renew", "Ауыстыру", "https://egov.test/renew"),)
    outcome, peer = await outcome_of(tmp_path, OK, actions=links)
    message = push(device(peer), actions=links)
    assert outcome == Accepted(message.key)
    assert BROWSER.read(peer.heard[0].body) == {
        "title": "Жеке куәлік",
        "body": "Мерзімі аяқталады.",
        "lang": "kk",
        "tag": message.key,
        "nudge": str(message.nudge),
        "seen": None,
        "page": None,
        "code": "",
        "actions": [{"action": "renew", "title": "Ауыстыру", "url": "https://egov.test/renew"}],
        "timestamp": int(AT.timestamp()) * 1000,
    }


async def test_the_headers_of_the_standard(tmp_path: Path) -> None:
    """The request is as RFC 8030, 8188 and 8292 ask: a POST, encrypted, with its life, its urgency and who sends."""
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    _, peer = await outcome_of(tmp_path, OK, expires=AT + timedelta(minutes=5), traceparent=trace)
    heard = peer.heard[0]
    assert heard.headers["traceparent"] == trace
    assert heard.line == "POST /push/1 HTTP/1.1"
    assert heard.headers["content-encoding"] == "aes128gcm"
    assert (heard.headers["ttl"], heard.headers["urgency"]) == ("300", "high")
    assert heard.headers["authorization"].startswith("vapid t=")
    assert len(heard.headers["topic"]) == 32


@pytest.mark.parametrize(
    ("klass", "urgency"), [("legal", "high"), ("service", "high"), ("reminder", "normal"), ("offer", "low")]
)
async def test_an_offer_wakes_no_phone(tmp_path: Path, klass: str, urgency: str) -> None:
    """What is urgent for the citizen may wake a device, an offer waits."""
    _, peer = await outcome_of(tmp_path, OK, klass=klass)
    assert peer.heard[0].headers["urgency"] == urgency


async def test_a_resend_replaces(tmp_path: Path) -> None:
    """Attempts at one nudge share topic and tag, another nudge has its own."""
    async with http_peer() as peer, web_push(tmp_path, peer.port) as notifier:
        first = push(device(peer))
        other = replace(first, recipient="somebody else")
        await notifier.send([first])
        await notifier.send([replace(first, attempt=2)])
        await notifier.send([other])
    topics = [heard.headers["topic"] for heard in peer.heard]
    tags = [BROWSER.read(heard.body)["tag"] for heard in peer.heard]
    assert topics[0] == topics[1] != topics[2]
    assert tags[0] == tags[1] != tags[2]
    assert notifier.removes_doubles


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        (answer(404), GiveUp(Reason.BAD_ADDRESS, "404")),
        (answer(410), GiveUp(Reason.BAD_ADDRESS, "410")),
        (answer(400), GiveUp(Reason.REJECTED, "400")),
        (answer(401), RetryLater(None, Reason.NOT_ADMITTED, "401")),
        (answer(403), RetryLater(None, Reason.NOT_ADMITTED, "403")),
        (answer(429, "retry-after: 30"), RetryLater(timedelta(seconds=30), Reason.BUSY, "429")),
        (answer(429), RetryLater(None, Reason.BUSY, "429")),
        (answer(500), RetryLater(None, Reason.BUSY, "500")),
        (
            answer(503, "retry-after: Sun, 01 Mar 2026 04:01:00 GMT"),
            RetryLater(timedelta(minutes=1), Reason.BUSY, "503"),
        ),
        (answer(307, "location: https://web.push.apple.com/x"), RetryLater(None, Reason.GARBLED, "307")),
    ],
)
async def test_refusals_are_classified(tmp_path: Path, said: bytes, outcome: Outcome) -> None:
    """Each refusal says whether to give up, to wait and for how long."""
    got, _ = await outcome_of(tmp_path, said)
    assert got == outcome


REFUSED = RetryLater(None, Reason.NOT_ADMITTED, "403")


async def test_a_subscription_of_another_key_is_left_alone(tmp_path: Path) -> None:
    """While a service takes others, whom it refuses has subscribed with another key; five in a row have not."""
    said = [answer(403), OK, *[answer(403)] * 5, OK, answer(401)]
    async with http_peer(said) as peer, web_push(tmp_path, peer.port) as notifier:
        outcomes = [each for _ in said for each in await notifier.send([push(device(peer))])]
    alone, taken = GiveUp(Reason.BAD_ADDRESS, "403"), Accepted(push(device(peer)).key)
    assert outcomes == [REFUSED, taken, *[alone] * 4, REFUSED, taken, GiveUp(Reason.BAD_ADDRESS, "401")]


async def test_what_one_service_takes_says_nothing_of_another(tmp_path: Path) -> None:
    """A service that refuses our key refuses everybody, whoever else takes it."""
    async with http_peer() as well, http_peer(answer(403)) as other:
        hosts = tuple(f"http://127.0.0.1:{each.port}" for each in (well, other))
        async with web_push(tmp_path, well.port, hosts=hosts) as notifier:
            outcomes = [each for at in (well, other, other) for each in await notifier.send([push(device(at))])]
    assert outcomes[1:] == [REFUSED] * 2


async def test_a_service_that_asks_for_patience_is_asked_no_more_meanwhile(tmp_path: Path) -> None:
    """Its messages wait without a request until it is over, and those of another service go."""
    clock = Clock()
    async with http_peer([answer(503, "retry-after: 30"), OK]) as busy, http_peer() as well:
        hosts = tuple(f"http://127.0.0.1:{each.port}" for each in (busy, well))
        async with web_push(tmp_path, busy.port, clock, hosts=hosts) as notifier:
            [first] = await notifier.send([push(device(busy))])
            clock.now += timedelta(seconds=10)
            second, other = await notifier.send([push(device(busy)), push(device(well))])
            assert [first, second] == [
                RetryLater(timedelta(seconds=30), Reason.BUSY, "503"),
                RetryLater(timedelta(seconds=20), Reason.BUSY),
            ]
            assert (len(busy.heard), isinstance(other, Accepted)) == (1, True)
            clock.now += timedelta(seconds=20)
            [third] = await notifier.send([push(device(busy))])
    assert isinstance(third, Accepted)


async def test_too_many_for_one_browser_holds_up_no_other(tmp_path: Path) -> None:
    """A 429 is that browser's, as long as a service takes others; after five in a row nobody is tried."""
    said = [answer(429, "retry-after: 30"), OK, *[answer(429, "retry-after: 30")] * 5]
    async with http_peer(said) as peer, web_push(tmp_path, peer.port) as notifier:
        outcomes = [each for _ in range(9) for each in await notifier.send([push(device(peer))])]
        assert len(peer.heard) == len(said)
    assert [type(each) for each in outcomes] == [RetryLater, Accepted, *[RetryLater] * 7]


@pytest.mark.parametrize(
    ("origin", "outcome"),
    [
        (
            "https://wns2-by3p.notify.windows.com",
            RetryLater(timedelta(minutes=1), Reason.BUSY, "406", everybody=True),
        ),
        ("https://web.push.apple.com", GiveUp(Reason.REJECTED, "406")),
    ],
)
def test_windows_asks_for_patience_in_its_own_way(origin: str, outcome: Outcome) -> None:
    """Where Windows takes no more at the moment (406) the message waits; elsewhere that is a refusal."""
    assert meaning(Answer(406, {"retry-after": "60"}, b""), "key", AT, origin) == outcome


async def test_too_large_is_shortened_once(tmp_path: Path) -> None:
    """A message that is too large there goes again with less text; title and link stay."""
    links = (Action("renew", "Ауыстыру", "https://egov.test/renew"),)
    outcome, peer = await outcome_of(tmp_path, TOO_LARGE, OK, text="Мерзімі аяқталады. " * 60, actions=links)
    assert isinstance(outcome, Accepted)
    first, second = (BROWSER.read(heard.body) for heard in peer.heard)
    assert len(json.dumps(second)) <= len(json.dumps(first)) / 2 + 50
    assert first["body"].startswith(second["body"].removesuffix("…"))
    assert (second["title"], second["actions"]) == (first["title"], first["actions"])


async def test_too_large_again_is_given_up(tmp_path: Path) -> None:
    """What is too large even shortened, or cannot be, is given up after at most two tries."""
    long, twice = await outcome_of(tmp_path, TOO_LARGE, text="Мерзімі аяқталады. " * 60)
    short, once = await outcome_of(tmp_path, TOO_LARGE, text="", title="т" * 500)
    assert long == short == GiveUp(Reason.TOO_LARGE, "413")
    assert (len(twice.heard), len(once.heard)) == (2, 1)


async def test_two_megabytes_are_cut_before_they_go(tmp_path: Path) -> None:
    """A text of any length fits into what every push service takes."""
    outcome, peer = await outcome_of(tmp_path, OK, text="Ұзақ мәтін. " * 100_000)
    assert isinstance(outcome, Accepted)
    assert 4000 < len(peer.heard[0].body) <= 4096


async def test_a_title_beyond_measure_is_given_up(tmp_path: Path) -> None:
    """Where nothing is left to cut, nothing is sent."""
    outcome, peer = await outcome_of(tmp_path, OK, title="т" * 3000)
    assert outcome == GiveUp(Reason.TOO_LARGE)
    assert peer.heard == []


async def test_words_that_are_no_text_are_given_up(tmp_path: Path) -> None:
    """Half a character is bad content, and the other messages of the batch go."""
    async with http_peer() as peer, web_push(tmp_path, peer.port) as notifier:
        outcomes = await notifier.send([push(device(peer), title="\ud83d"), push(device(peer))])
    assert outcomes[0] == GiveUp(Reason.BAD_CONTENT)
    assert isinstance(outcomes[1], Accepted)


async def test_an_endpoint_elsewhere_is_never_called(tmp_path: Path) -> None:
    """A server that is not listed hears nothing; that its list may be wrong is not the address's fault."""
    async with http_peer() as listed, http_peer() as other, web_push(tmp_path, listed.port) as notifier:
        at = f"http://127.0.0.1:{other.port}/x"
        tricks = [
            at,
            f"http://127.0.0.1:{listed.port}@127.0.0.1:{other.port}/x",
            "https://xn--a.notify.windows.com/x",
        ]
        outcomes = await notifier.send([push(BROWSER.address(endpoint)) for endpoint in tricks])
    assert [each.reason for each in outcomes if isinstance(each, GiveUp)] == [
        Reason.NOT_LISTED,
        Reason.BAD_ADDRESS,
        Reason.NOT_LISTED,
    ]
    assert other.connections == 0


async def test_a_key_off_the_curve_is_a_bad_address(tmp_path: Path) -> None:
    """A subscription whose key is no point of the curve is given up, and nothing is sent there."""
    async with http_peer() as peer, web_push(tmp_path, peer.port) as notifier:
        keys = {"p256dh": base64url(b"\x04" + b"\x01" * 64), "auth": base64url(BROWSER.auth)}
        address = json.dumps({"endpoint": f"http://127.0.0.1:{peer.port}/x", "keys": keys})
        outcomes = await notifier.send([push(address)])
    assert outcomes == [GiveUp(Reason.BAD_ADDRESS)]
    assert peer.connections == 0


async def test_a_host_that_no_url_can_have_is_a_bad_address(tmp_path: Path) -> None:
    """A name under a listed domain that international domain names forbid raises nothing."""
    async with web_push(tmp_path, 1, hosts=("*.notify.windows.com",)) as notifier:
        (outcome,) = await notifier.send([push(BROWSER.address("https://xn--a.notify.windows.com/x"))])
    assert outcome == GiveUp(Reason.BAD_ADDRESS)


async def test_the_token_is_signed_once_for_many(tmp_path: Path) -> None:
    """All messages to one push service carry the same token until it is renewed."""
    clock = Clock()
    async with http_peer() as peer, web_push(tmp_path, peer.port, clock) as notifier:
        await notifier.send([push(device(peer)) for _ in range(5)])
        clock.now += timedelta(hours=11)
        await notifier.send([push(device(peer))])
    tokens = [heard.headers["authorization"] for heard in peer.heard]
    assert len(set(tokens[:5])) == 1
    assert tokens[5] != tokens[0]


async def test_closing_lets_what_is_on_its_way_finish(tmp_path: Path) -> None:
    """What is handed over while the notifier closes keeps its true outcome, the rest is put off."""
    async with http_peer() as peer, web_push(tmp_path, peer.port, lanes=1) as notifier:
        peer.release = asyncio.Event()
        sending = asyncio.create_task(notifier.send([push(device(peer)), push(device(peer))]))
        await peer.asked.wait()
        closing = asyncio.create_task(notifier.aclose())
        await asyncio.wait([closing], timeout=0.05)
        peer.release.set()
        first, second = await sending
        await closing
    assert isinstance(first, Accepted)
    assert second == RetryLater(None, Reason.CLOSED)


ANSWERS = st.builds(
    Answer,
    st.integers(100, 999),
    st.dictionaries(st.sampled_from(["retry-after", "location"]), st.text(max_size=20)),
    st.binary(max_size=50),
)


@given(ANSWERS)
def test_any_answer_is_classified(said: Answer) -> None:
    """Any status, headers and body give one outcome, and only a 2xx is success."""
    outcome = meaning(said, "key", AT, "https://wns2-by3p.notify.windows.com")
    assert isinstance(outcome, Accepted) == (200 <= said.status < 300)
    assert isinstance(outcome, Accepted | RetryLater | GiveUp | Unknown)


def refused(**options: Any) -> str:
    """What the options say that are not accepted."""
    with pytest.raises(ValidationError) as error:
        WebPushOptions(**options)
    return str(error.value)


def test_bad_options_are_named(tmp_path: Path) -> None:
    """Each option that cannot work is refused by its name, with what to do, and no secret is shown."""
    key = vapid_file(tmp_path)
    good = {"key_file": key, "subject": "mailto:push@gov.test"}
    (empty := tmp_path / "empty.pem").write_text("")
    rsa = Authority(tmp_path).file
    assert "subject" in refused(key_file=key)
    assert "key_file" in refused(subject="mailto:push@gov.test")
    assert "subject" in refused(**good | {"subject": "push@gov.test"})
    assert "key_file" in (said := refused(**good | {"key_file": empty}))
    assert "openssl ecparam" in said
    assert "no P-256 private key" in refused(**good | {"key_file": rsa})
    assert "cannot be read" in refused(**good | {"key_file": tmp_path / "none"})
    assert "hosts" in refused(**good | {"hosts": ["*"]})
    assert "hosts" in refused(**good | {"hosts": []})
    assert "lanes" in refused(**good, lanes=0)
    assert "connect_timeout" in refused(**good, connect_timeout=9)
    assert "ca_file" in refused(**good, ca_file=tmp_path / "none")
    assert "endpoint" in refused(**good, endpoint="https://x.test")


async def test_the_kind_makes_a_notifier(tmp_path: Path) -> None:
    """The kind takes its options as plain data, and the notifier knows its own kind of address."""
    options = KIND.options.model_validate(
        {"key_file": str(vapid_file(tmp_path)), "subject": "https://gov.test/contact"}
    )
    notifier = KIND.make(options, Tools(Clock(), NoInbound()))
    assert isinstance(notifier, WebPushNotifier)
    assert (KIND.channel, notifier.channel, notifier.reports) == ("push", "push", False)
    assert notifier.reaches(BROWSER.address("https://web.push.apple.com/x"))
    assert not notifier.reaches("dQw4w9WgXcQ:APA91bH")
    await notifier.start()
    await notifier.aclose()


def test_a_longest_batch_is_told(tmp_path: Path) -> None:
    """The options say how long a batch may take: its beginning, and the last message sent twice."""
    assert web_push_options(tmp_path, begin=20, connect_timeout=4, timeout=8).limit == 36
