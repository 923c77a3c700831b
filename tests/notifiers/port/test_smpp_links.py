"""The session with an SMS centre: how it begins, stays, ends and begins again."""

import asyncio
import signal
import struct
from datetime import datetime, timedelta
from typing import Any

import pytest

from notifiers.port.contract import BUSY_MACHINE_SECONDS
from notifiers.port.interface import Accepted, Reason, RetryLater, Unknown
from notifiers.port.kinds import Tools
from notifiers.sms.smpp.notifier import SmppNotifier
from tests.notifiers.authority import END, START, Authority
from tests.notifiers.hurrying import hurry
from tests.notifiers.sms_helpers import AT, PATIENT, KeptInbound, number, options, sms, sms_to, until_taken
from tests.notifiers.smsc import Act, real_centre, scripted_centre


async def test_one_session_serves_all_batches() -> None:
    """Batch after batch goes over one bind, also at the same time."""
    async with scripted_centre() as centre, sms_to(centre.port) as notifier:
        await asyncio.gather(*(notifier.send([sms(number(n)), sms(number(n + 10))]) for n in range(5)))
        await notifier.send([sms()])
    assert (centre.connections, centre.heard.count("bind"), len(centre.submits)) == (1, 1, 11)


async def test_no_more_is_under_way_than_the_window_allows() -> None:
    """Unanswered messages never exceed the window; the next one goes when an answer comes."""
    async with scripted_centre(submit=Act.IGNORE) as centre, sms_to(centre.port, window=4) as notifier:
        sending = asyncio.create_task(notifier.send([sms(number(n)) for n in range(6)]))
        for answered in range(6):
            await centre.until(lambda seen=answered: len(centre.submits) == min(6, 4 + seen))
            centre.say(centre.response(4, answered + 2, 0))  # the bind was the first
        assert all(isinstance(outcome, Accepted) for outcome in await sending)


async def test_it_listens_from_the_start() -> None:
    """`start` binds without a message, so that receipts of the last run come in."""
    async with scripted_centre() as centre, sms_to(centre.port) as notifier:
        await notifier.start()
        await centre.until(lambda: "bind" in centre.heard)
        await notifier.start()
    assert centre.connections == 1


async def test_it_is_ready_once_it_is_bound() -> None:
    """`ready` waits for the bind, and messages go over that session."""
    async with scripted_centre() as centre, sms_to(centre.port) as notifier:
        assert await notifier.ready() is None
        assert centre.heard == ["bind"]
        await notifier.send([sms()])
        await notifier.aclose()
        assert await notifier.ready() == RetryLater(None, Reason.CLOSED)
    assert centre.connections == 1


async def test_it_is_not_ready_where_it_cannot_bind() -> None:
    """`ready` answers what a send would, while the notifier rests as well."""
    async with real_centre(password="another") as centre, sms_to(centre.port) as notifier:
        assert [await notifier.ready() for _ in range(2)] == 2 * [
            RetryLater(None, Reason.NOT_ADMITTED, "ESME_RINVPASWD")
        ]


async def test_a_wrong_password_is_told_as_such() -> None:
    """A centre that refuses the account is told apart from one that is not there."""
    async with real_centre(password="another") as centre, sms_to(centre.port) as notifier:
        assert await notifier.send([sms()]) == [RetryLater(None, Reason.NOT_ADMITTED, "ESME_RINVPASWD")]


@pytest.mark.parametrize(
    ("status", "reason", "name"),
    [
        (0x05, Reason.NOT_ADMITTED, "ESME_RALYBND"),
        (0x0D, Reason.NOT_ADMITTED, "ESME_RBINDFAIL"),
        (0x0B, Reason.NOT_ADMITTED, "ESME_RINVDSTADR"),
        (0x08, Reason.BUSY, "ESME_RSYSERR"),
        (0x58, Reason.BUSY, "ESME_RTHROTTLED"),
    ],
)
async def test_a_refused_bind_says_why(status: int, reason: Reason, name: str) -> None:
    """A centre in trouble means later; any other refusal means that it does not want us."""
    async with scripted_centre(bind=status) as centre, sms_to(centre.port) as notifier:
        assert await notifier.send([sms()]) == [RetryLater(None, reason, name)]


async def test_a_host_that_is_none_is_not_reached() -> None:
    """A name that cannot be looked up means later, as one that nobody has."""
    async with sms_to(1, host="a..b") as notifier:
        assert await notifier.send([sms()]) == [RetryLater(None, Reason.UNREACHABLE)]


async def test_while_it_rests_it_says_so_at_once() -> None:
    """After a failure nobody waits for the next try, and the centre is not stormed."""
    async with (
        scripted_centre(bind=0x0E) as centre,
        sms_to(centre.port, limits={"rest": 60.0, "longest_rest": 60.0}) as notifier,
    ):
        outcomes = [(await notifier.send([sms()]))[0] for _ in range(20)]
    assert set(outcomes) == {RetryLater(None, Reason.NOT_ADMITTED, "ESME_RINVPASWD")}
    assert centre.connections == 1


async def test_it_rests_longer_each_time() -> None:
    """The rests double up to their limit, and may be spread by what is passed in."""
    rests: list[float] = []
    enough = asyncio.Event()

    def spread(seconds: float) -> float:
        rests.append(seconds)
        if len(rests) == 6:
            enough.set()
        return 0.0

    async with scripted_centre(bind=0x0E) as centre:
        settings = options(centre.port, limits={"rest": 1.0, "longest_rest": 9.0})
        notifier = SmppNotifier(settings, Tools(lambda: AT, KeptInbound()), jitter=spread)
        await notifier.start()
        async with asyncio.timeout(BUSY_MACHINE_SECONDS):
            await enough.wait()
        await notifier.aclose()
    assert rests[:6] == [1, 2, 4, 8, 9, 9]


async def test_after_a_lost_link_comes_another() -> None:
    """When the centre is back, so are we."""
    async with scripted_centre() as centre, sms_to(centre.port, limits={"rest": 0.001}) as notifier:
        await notifier.send([sms()])
        centre.hang_up()
        await centre.until(lambda: centre.heard.count("bind") == 2)
        assert await notifier.send([sms()]) == [Accepted("2")]


async def test_leave_is_taken() -> None:
    """Closing waits for what is under way and then unbinds, so that no centre counts us as lost."""
    async with scripted_centre(submit=Act.IGNORE) as centre, sms_to(centre.port, window=1) as notifier:
        sending = asyncio.create_task(notifier.send([sms(), sms()]))
        await centre.until(lambda: centre.submits)
        closing = asyncio.create_task(notifier.aclose())
        await asyncio.sleep(0)
        assert "unbind" not in centre.heard
        centre.say(centre.response(4, 2, 0))
        await closing
        assert await sending == [Accepted("1"), RetryLater(None, Reason.CLOSED)]
    assert centre.heard[-1] == "unbind"


@pytest.mark.parametrize("goodbye", [Act.CLOSE, Act.IGNORE, 0x08, b"\xff" * 20])
async def test_closing_ends_whatever_the_centre_says(goodbye: Act | int | bytes) -> None:
    """Closing comes to an end with a centre that doesn't take leave."""
    async with scripted_centre(unbind=goodbye) as centre, sms_to(centre.port, limits={"response": 0.2}) as notifier:
        await notifier.send([sms()])
        async with asyncio.timeout(BUSY_MACHINE_SECONDS):
            await notifier.aclose()


async def test_closing_while_it_connects_ends() -> None:
    """Closing does not wait for a centre that is silent at the bind; what waited is put off."""
    async with scripted_centre(bind=Act.IGNORE) as centre, sms_to(centre.port) as notifier:
        sending = asyncio.create_task(notifier.send([sms()]))
        await centre.until(lambda: "bind" in centre.heard)
        async with asyncio.timeout(BUSY_MACHINE_SECONDS):
            await notifier.aclose()
            assert await sending == [RetryLater(None, Reason.CLOSED)]


async def test_a_centre_may_take_leave_itself() -> None:
    """Its unbind is answered, and we bind again."""
    async with scripted_centre() as centre, sms_to(centre.port, limits={"rest": 0.001}) as notifier:
        await notifier.send([sms()])
        centre.say(struct.pack(">IIII", 16, 6, 0, 77))
        await centre.until(lambda: (77, 0) in centre.answered)
        await centre.until(lambda: centre.heard.count("bind") == 2)


async def test_we_answer_when_we_are_asked() -> None:
    """enquire_link is answered, what nobody knows is refused by name, and an alert wants no answer."""
    async with scripted_centre() as centre, sms_to(centre.port) as notifier:
        await notifier.send([sms()])
        for command, sequence in (0x102, 76), (0x15, 77), (0x103, 78):
            centre.say(struct.pack(">IIII", 16, command, 0, sequence))
        await centre.until(lambda: len(centre.answered) == 2)
    assert centre.answered == [(77, 0), (78, 0x03)]


async def test_a_silent_link_is_asked_whether_it_is_there() -> None:
    """After a silence we enquire; a centre that answers keeps its link."""
    async with real_centre() as centre, sms_to(centre.port, limits={"enquire": 0.1}) as notifier:
        await notifier.send([sms()])
        await centre.told("enquire", 3)
        assert isinstance((await notifier.send([sms()]))[0], Accepted)
    assert len(centre.of("bind")) == 1


async def test_a_hung_link_is_found_without_a_message() -> None:
    """A link whose centre answers nothing any more is replaced, though nothing was sent over it."""
    limits = {"enquire": 0.1, "response": 0.1, "rest": 0.001}
    async with scripted_centre(enquire=Act.IGNORE) as centre, sms_to(centre.port, limits=limits) as notifier:
        await notifier.start()
        await centre.until(lambda: centre.connections >= 2)


async def test_a_stopped_process_holds_nobody() -> None:
    """A centre whose process is stopped leaves its messages unknown or later, within the limit, and may come back."""
    async with real_centre() as centre, sms_to(centre.port, window=2) as notifier:
        await until_taken(notifier, sms())
        centre.process.send_signal(signal.SIGSTOP)
        sending = asyncio.create_task(notifier.send([sms(number(n)) for n in range(4)]))
        await asyncio.sleep(0)  # two are given to the link
        await asyncio.sleep(0)  # and written
        hurry(PATIENT["response"])
        outcomes = await sending
        centre.process.send_signal(signal.SIGCONT)
        assert [type(outcome) for outcome in outcomes] == [Unknown, Unknown, RetryLater, RetryLater]


@pytest.mark.parametrize(
    "nonsense",
    [
        pytest.param(struct.pack(">IIII", 0xFFFFFFFF, 4, 0, 1), id="absurdly long"),
        pytest.param(struct.pack(">IIII", 0, 4, 0, 1), id="absurdly short"),
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", id="another protocol"),
        pytest.param(struct.pack(">IIII", 100, 0x80000004, 0, 2) + b"half", id="half a PDU"),
    ],
)
async def test_nonsense_is_no_success(nonsense: bytes) -> None:
    """Whatever comes instead of an answer, the message is unknown within the limit."""
    async with scripted_centre(submit=nonsense) as centre, sms_to(centre.port, limits={"response": 0.2}) as notifier:
        async with asyncio.timeout(BUSY_MACHINE_SECONDS):
            (outcome,) = await notifier.send([sms()])
    assert isinstance(outcome, Unknown)


async def test_an_answer_may_come_byte_by_byte() -> None:
    """A slow answer is an answer, wherever it is cut."""
    async with scripted_centre(submit=Act.IGNORE) as centre, sms_to(centre.port) as notifier:
        sending = asyncio.create_task(notifier.send([sms()]))
        await centre.until(lambda: centre.submits)
        for byte in centre.response(4, 2, 0):
            centre.say(bytes((byte,)))
            await asyncio.sleep(0)
        assert await sending == [Accepted("1")]


@pytest.mark.parametrize(
    ("silent", "limit", "outcome"),
    [
        ("bind", "connect", RetryLater(None, Reason.TIMED_OUT)),
        ("submit", "response", Unknown(Reason.TIMED_OUT)),
    ],
)
async def test_an_answer_without_end_is_left_at_its_limit(silent: str, limit: str, outcome: object) -> None:
    """A centre that answers byte by byte, for ever, gains no time by that."""
    script: dict[str, Any] = {silent: Act.IGNORE}
    async with scripted_centre(**script) as centre, sms_to(centre.port, limits={limit: 0.2}) as notifier:
        sending = asyncio.create_task(notifier.send([sms()]))
        await centre.until(lambda: silent in centre.heard)
        centre.say(struct.pack(">IIII", 60_000, 0x80000004, 0, 2))
        while not sending.done():
            centre.say(b"x")
            await asyncio.wait([sending], timeout=0.01)
        assert await sending == [outcome]


async def test_tls_with_an_own_authority_and_a_client_certificate(authority: Authority) -> None:
    """A centre that wants to know who we are gets our certificate, and is itself checked by the authority given."""
    leaf = authority.leaf()
    files = {"ca_file": authority.file, "client_cert_file": leaf.certificate, "client_key_file": leaf.key}
    given: dict[str, Any] = {"tls": True, **files}
    async with real_centre(tls=_server(authority, ask=True)) as centre, sms_to(centre.port, **given) as notifier:
        assert await notifier.send([sms()]) == [Accepted("1")]


async def test_without_the_client_certificate_we_are_not_admitted(authority: Authority) -> None:
    """A centre that closes because of our missing certificate is no centre that is away."""
    async with (
        real_centre(tls=_server(authority, ask=True)) as centre,
        sms_to(centre.port, tls=True, ca_file=authority.file) as notifier,
    ):
        (outcome,) = await notifier.send([sms()])
    assert isinstance(outcome, RetryLater)
    assert outcome.reason is Reason.NOT_ADMITTED


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("unknown authority", Reason.NOT_ADMITTED),
        ("expired", Reason.NOT_ADMITTED),
        ("no TLS at all", Reason.UNREACHABLE),
    ],
)
async def test_a_centre_that_cannot_be_trusted_gets_nothing(authority: Authority, case: str, reason: Reason) -> None:
    """Neither the account nor a message goes to somebody else's, an expired or no certificate."""
    server = _server(authority, until=START + timedelta(days=1) if case == "expired" else END)
    trusted = None if case == "unknown authority" else authority.file
    async with (
        real_centre(**({} if case == "no TLS at all" else {"tls": server})) as centre,
        sms_to(centre.port, tls=True, ca_file=trusted) as notifier,
    ):
        (outcome,) = await notifier.send([sms()])
    assert isinstance(outcome, RetryLater)
    assert outcome.reason is reason
    assert not centre.of("bind")


def _server(authority: Authority, *, until: datetime = END, ask: bool = False) -> dict[str, str]:
    """How a centre with TLS is started; it may ask for our certificate."""
    leaf = authority.leaf(until=until)
    files = {"cert": str(leaf.certificate), "key": str(leaf.key)}
    return files | ({"ca": str(authority.file)} if ask else {})
