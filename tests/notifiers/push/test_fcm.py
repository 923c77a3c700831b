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

from notifiers.http.client import Answer, Http, Timeouts
from notifiers.port.interface import Accepted, Action, GiveUp, Outcome, Reason, RetryLater, Unknown
from notifiers.port.kinds import Tools
from notifiers.push.fcm import KIND, FcmNotifier, FcmOptions, meaning
from notifiers.push.google_account import AccessTokens, service_account
from tests.notifiers.browsers import AT, Browser, Clock, NoInbound, push
from tests.notifiers.google import Google, made_google
from tests.notifiers.http_peers import answer, http_peer
from tests.notifiers.peers import Act
from tests.notifiers.sms_helpers import until_taken
from tests.services.delay import far_away

PHONE = "phone-1:APA91b_x"


@pytest.fixture(scope="module")
def google(tmp_path_factory: pytest.TempPathFactory) -> Google:
    """Keys and certificates, made once."""
    return made_google(tmp_path_factory.mktemp("google"))


async def sent(google: Google, clock: Clock | None = None, /, **parts: object) -> dict[str, Any]:
    """One message, as FCM got it."""
    settings: dict[str, Any] = {name: parts.pop(name) for name in ("shown_by", "reports_display") if name in parts}
    async with google.listening() as port, google.sending(port, clock, **settings) as notifier:
        (outcome,) = await notifier.send([push(PHONE, **parts)])
        assert outcome == Accepted("projects/demo/messages/1")
        seen = await google.seen(port)
    assert seen["protocols"] == ["h2", "h2"]  # the token and the message
    message: dict[str, Any] = seen["messages"][0]
    return message


async def test_the_system_shows_it(google: Google) -> None:
    """FCM gets the words, how a resend replaces on each platform, how long to try, and no more."""
    links = (Action("renew", "Ауыстыру", "https://egov.test/renew"),)
    got = await sent(google, actions=links, expires=AT + timedelta(hours=1))
    message = push(PHONE, actions=links)
    key = got["android"]["collapse_key"]
    assert got == {
        "token": PHONE,
        "notification": {"title": "Жеке куәлік", "body": "Мерзімі аяқталады."},
        "data": {
            "nudge": str(message.nudge),
            "tag": message.key,
            "lang": "kk",
            "actions": json.dumps(
                [{"action": "renew", "title": "Ауыстыру", "url": "https://egov.test/renew"}],
                ensure_ascii=False,
                separators=(",", ":"),
            ),
        },
        "android": {
            "priority": "HIGH",
            "ttl": "3600s",
            "collapse_key": key,
            "notification": {"tag": message.key},
        },
        "apns": {
            "headers": {
                "apns-collapse-id": key,
                "apns-priority": "10",
                "apns-expiration": str(int(AT.timestamp()) + 3600),
            }
        },
    }
    assert len(key) <= 64


async def test_the_app_shows_it(google: Google) -> None:
    """An app of ours gets the words as data, with no collapse key that would lose nudges; iOS shows them itself."""
    got = await sent(google, shown_by="app", reports_display=True)
    assert "notification" not in got
    assert "collapse_key" not in got["android"]
    assert {"title", "body", "tag"} <= got["data"].keys()
    assert got["apns"]["payload"]["aps"]["alert"] == {"title": "Жеке куәлік", "body": "Мерзімі аяқталады."}


async def test_the_phone_gets_the_messages_own_page(google: Google) -> None:
    """The link to the page and the code stand in the data, whoever shows the message."""
    page, code = "https://habarshy.test/m/abc", "AAAAA-BBBBB"
    got = await sent(google, page_url=page, code=code)
    assert (got["data"]["page"], got["data"]["code"]) == (page, code)
    assert page not in str(got["notification"])


async def test_an_offer_wakes_no_phone(google: Google) -> None:
    """What is not urgent is brought when the phone is awake."""
    got = await sent(google, klass="offer")
    assert got["android"]["priority"] == "NORMAL"
    assert got["apns"]["headers"]["apns-priority"] == "5"


async def test_a_long_text_is_cut(google: Google) -> None:
    """A text of any length fits into what FCM takes."""
    got = await sent(google, text="Ұзақ мәтін. " * 100_000)
    assert len(json.dumps(got, ensure_ascii=False).encode()) < 4200
    assert got["notification"]["body"].endswith("…")


async def test_refusals_are_classified(google: Google) -> None:
    """Each error of FCM says whether to give up, to wait, how long and with what; the others of the batch go."""
    expected: dict[str, Outcome] = {
        "gone": GiveUp(Reason.BAD_ADDRESS, "UNREGISTERED"),
        "mismatch": GiveUp(Reason.REJECTED, "SENDER_ID_MISMATCH"),
        "badtoken": GiveUp(Reason.BAD_ADDRESS, "INVALID_ARGUMENT"),
        "badwords": GiveUp(Reason.BAD_CONTENT, "INVALID_ARGUMENT"),
        "apns": RetryLater(None, Reason.NOT_ADMITTED, "THIRD_PARTY_AUTH_ERROR"),
        "quota": RetryLater(timedelta(seconds=90), Reason.BUSY, "QUOTA_EXCEEDED", everybody=True),
        "often": RetryLater(timedelta(seconds=90), Reason.BUSY, "QUOTA_EXCEEDED"),
        "quotas": RetryLater(timedelta(minutes=1), Reason.BUSY, "QUOTA_EXCEEDED"),
        "down": RetryLater(timedelta(minutes=2), Reason.BUSY, "UNAVAILABLE", everybody=True),
        "internal": RetryLater(None, Reason.BUSY, "INTERNAL"),
        "garbage": Unknown(Reason.GARBLED, "200"),
        "empty": Unknown(Reason.GARBLED, "200"),
        "phone": Accepted("projects/demo/messages/1"),
    }
    async with google.listening() as port, google.sending(port) as notifier:
        outcomes = await notifier.send([push(f"{fate}-1:APA91b") for fate in expected])
        assert (await google.seen(port))["grants"] == 1
    assert dict(zip(expected, outcomes, strict=True)) == expected


async def test_a_message_without_answer_is_unknown(google: Google) -> None:
    """A message that FCM took and did not answer for may have gone."""
    async with google.listening() as port, google.sending(port, connect_timeout=0.5, timeout=1) as hasty:
        await until_taken(hasty, push(PHONE))
        assert await hasty.send([push("hang-1:APA91b")]) == [Unknown(Reason.TIMED_OUT)]
    async with google.listening() as port, google.sending(port) as notifier:
        assert await notifier.send([push("cut-1:APA91b")]) == [Unknown(Reason.LINK_LOST)]
        assert isinstance((await notifier.send([push(PHONE)]))[0], Accepted)


async def test_the_token_is_fetched_once(google: Google) -> None:
    """However many messages wait for it, the token is asked for once, and again only near its end."""
    clock = Clock()
    async with google.listening() as port, google.sending(port, clock) as notifier:
        await asyncio.gather(*(notifier.send([push(PHONE) for _ in range(9)]) for _ in range(3)))
        assert (await google.seen(port))["grants"] == 1
        clock.now += timedelta(minutes=50)
        await notifier.send([push(PHONE)])
        assert (await google.seen(port))["grants"] == 1
        clock.now += timedelta(minutes=5)
        await notifier.send([push(PHONE) for _ in range(9)])
        assert (await google.seen(port))["grants"] == 2


async def test_a_refused_token_is_renewed_once(google: Google) -> None:
    """A token that FCM refuses is replaced, once for all, and the messages go; if that is no help, they wait."""
    async with google.listening() as port, google.sending(port) as notifier:
        outcomes = await notifier.send([push(f"stale-{n}:APA91b") for n in range(9)])
        assert [type(outcome) for outcome in outcomes] == [Accepted] * 9
        assert (await google.seen(port))["grants"] == 2
        assert await notifier.send([push("never-1:APA91b")]) == [RetryLater(None, Reason.NOT_ADMITTED, "401")]


async def test_a_late_refusal_of_an_old_token_costs_nothing(google: Google) -> None:
    """Whoever hears late that the token before was refused does not throw the new one away."""
    grants = [answer(200, body=b'{"access_token":"%b","expires_in":3599}' % name) for name in (b"first", b"second")]
    async with http_peer(grants) as peer:
        http = Http(Timeouts(20, 40))
        account = service_account(google.account(f"http://127.0.0.1:{peer.port}/token"))
        tokens = AccessTokens(account, http, Clock())
        assert await tokens.current() == "first"
        tokens.forget("first")
        assert await tokens.current() == "second"
        tokens.forget("first")
        assert await tokens.current() == "second"
        assert len(peer.heard) == 2
        await http.aclose()


@pytest.mark.parametrize(
    ("said", "later"),
    [
        (answer(400, body=b'{"error":"invalid_grant"}'), RetryLater(None, Reason.NOT_ADMITTED, "400")),
        (answer(503, "retry-after: 5"), RetryLater(timedelta(seconds=5), Reason.BUSY, "503", everybody=True)),
        (answer(200, body=b"<html>"), RetryLater(None, Reason.GARBLED)),
        (answer(200, body=b'{"access_token":"a\\nb","expires_in":1}'), RetryLater(None, Reason.GARBLED)),
        (answer(200, body=b'{"access_token":"a","expires_in":-1}'), RetryLater(None, Reason.GARBLED)),
        (answer(302, "location: https://evil.test/"), RetryLater(None, Reason.GARBLED, "302")),
        (Act.HANG, RetryLater(None, Reason.TIMED_OUT)),
        (Act.CLOSE, RetryLater(None, Reason.LINK_LOST)),
    ],
)
async def test_without_a_token_nothing_has_gone(google: Google, said: bytes | Act, later: RetryLater) -> None:
    """Whatever the token service does instead of giving one, every message may be tried again."""
    async with http_peer(said) as tokens, http_peer() as messages:
        account = google.account(f"http://127.0.0.1:{tokens.port}/token")
        options = FcmOptions(
            service_account_file=account,
            base_url=f"http://127.0.0.1:{messages.port}",
            connect_timeout=0.9 if said is Act.HANG else 20,
            timeout=1 if said is Act.HANG else 40,
        )
        notifier = FcmNotifier(options, Clock())
        assert await notifier.send([push(PHONE), push(PHONE)]) == [later, later]
        await tokens.asked.wait()  # who is busy reads it only after it was given up
        assert messages.heard == []
        assert len(tokens.heard) == 1
        await notifier.aclose()


async def test_a_project_that_is_none_means_later(google: Google) -> None:
    """A wrong project or base URL gives no nudge up: it is the operator's to mend."""
    async with google.listening() as port, google.sending(port, project="other") as notifier:
        assert await notifier.send([push(PHONE)]) == [RetryLater(None, Reason.NOT_ADMITTED, "404")]


async def test_a_server_nobody_vouches_for_gets_nothing(google: Google) -> None:
    """Without our authority, neither the assertion nor a message is handed over."""
    async with google.listening() as port, google.sending(port, ca_file=None) as notifier:
        assert await notifier.send([push(PHONE)]) == [RetryLater(None, Reason.NOT_ADMITTED)]
        assert (await google.seen(port))["grants"] == 0


async def test_distance_changes_nothing(google: Google) -> None:
    """With 20 ms each way, every message of a batch arrives once over one HTTP/2 connection."""
    async with google.listening() as far, far_away(far, 0.04) as port, google.sending(port) as notifier:
        batch = [push(f"phone-{n}:APA91b", recipient=f"device {n}") for n in range(40)]
        outcomes = await notifier.send(batch)
        seen = await google.seen(far)
    assert len({outcome.reference for outcome in outcomes if isinstance(outcome, Accepted)}) == 40
    assert sorted(message["token"] for message in seen["messages"]) == sorted(one.address for one in batch)
    assert (set(seen["protocols"]), seen["sessions"]) == ({"h2"}, 2)  # the other is that of `seen`


async def test_a_resend_replaces(google: Google) -> None:
    """Attempts at one nudge share what replaces, another device has its own."""
    async with google.listening() as port, google.sending(port) as notifier:
        first = push(PHONE)
        for message in (first, replace(first, attempt=2), replace(first, recipient="other device")):
            await notifier.send([message])
        got = [message["android"] for message in (await google.seen(port))["messages"]]
    tags = [(one["collapse_key"], one["notification"]["tag"]) for one in got]
    assert tags[0] == tags[1]
    assert set(tags[0]).isdisjoint(tags[2])
    assert notifier.removes_doubles


SAID = [
    "UNREGISTERED",
    "INVALID_ARGUMENT",
    "QUOTA_EXCEEDED",
    "x",
    [],
    [{"field": "message.token"}],
    [{"field": 1}],
    [{"subject": "device:x"}],
    None,
]
DETAIL = st.dictionaries(
    st.sampled_from(["@type", "errorCode", "fieldViolations", "violations"]), st.sampled_from(SAID)
)
BODIES = (
    st.builds(lambda details: json.dumps({"error": {"details": details}}).encode(), st.lists(DETAIL, max_size=3))
    | st.builds(lambda name: json.dumps({"name": name}).encode(), st.text(max_size=5) | st.integers())
    | st.binary(max_size=20)
    | st.just(b"[" * 9000)
)


@given(st.integers(100, 999), st.dictionaries(st.just("retry-after"), st.text(max_size=9)), BODIES)
def test_any_answer_is_classified(status: int, headers: dict[str, str], body: bytes) -> None:
    """Any status, headers and body give one outcome, and only a 2xx with a name is success."""
    outcome = meaning(Answer(status, headers, body), AT)
    assert isinstance(outcome, Accepted | RetryLater | GiveUp | Unknown)
    if isinstance(outcome, Accepted):
        assert 200 <= status < 300
        assert json.loads(body)["name"] == outcome.reference != ""


@pytest.mark.parametrize(
    "address",
    [
        "",
        "short",
        "a b c d e f g h",
        "токен-токен",
        Browser().address("https://x.test/"),
        "a" * 2000,
        "+77010000000\n",
    ],
)
async def test_what_is_no_registration_token(google: Google, address: str) -> None:
    """Another kind of address is told apart, and given up if it comes nevertheless."""
    async with google.sending(1) as notifier:
        assert not notifier.reaches(address)
        assert await notifier.send([push(address)]) == [GiveUp(Reason.BAD_ADDRESS)]


def test_bad_options_are_named(google: Google, tmp_path: Path) -> None:
    """Each option that cannot work is refused by its name and likely meaning, and no key is shown."""

    def refused(file: Path, **options: Any) -> str:
        with pytest.raises(ValidationError) as error:
            FcmOptions(service_account_file=file, **options)
        said = str(error.value)
        assert "PRIVATE KEY" not in said
        return said

    good = google.account("https://oauth2.googleapis.com/token")
    assert FcmOptions(service_account_file=good).limit == 52
    assert "base_url" in refused(good, base_url="http://fcm.googleapis.com")
    assert "base_url" in refused(good, base_url="https://fcm.googleapis.com/v1")
    assert "project" in refused(good, project="a/b")
    assert "shown_by: app" in refused(good, reports_display=True)
    assert "cannot be read" in refused(tmp_path / "none")
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"client_email": None}, "client_email"),
        ({"client_email": 5}, "client_email"),
        ({"private_key": "none"}, "private_key"),
        ({"token_uri": "http://oauth2.googleapis.com/token"}, "token_uri"),
    ]
    for others, meant in wrong:
        said = refused(google.account(**{"token_uri": "https://x.test/token"} | others))
        assert meant in said
        assert "service_account_file" in said
    (tmp_path / "text").write_text("hello")
    assert "not a service account" in refused(tmp_path / "text")


async def test_the_kind_makes_a_notifier(google: Google) -> None:
    """The kind takes its options as plain data, and the notifier knows its own kind of address."""
    file = google.account("https://oauth2.googleapis.com/token")
    options = KIND.options.model_validate({"service_account_file": str(file)})
    notifier = KIND.make(options, Tools(Clock(), NoInbound()))
    assert isinstance(notifier, FcmNotifier)
    assert (KIND.channel, notifier.channel, notifier.reports) == ("push", "push", False)
    assert notifier.reaches("dQw4w9WgXcQ:APA91bH-x_Y")
    await notifier.start()
    await notifier.aclose()
