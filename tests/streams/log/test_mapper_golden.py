"""The storage format is frozen: what is stored today must be read for ever, and these bytes are what is stored."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from domain.core.events import LifeEvent
from domain.facts import access_facts, facts, governance
from domain.facts.facts import ALL_FACTS, Fact
from projections.bulk import insert_rows
from streams.log.mapper import LifeState, decode, decode_life, encode, seal, unseal
from streams.log.master_key import KEY_BYTES, NONCE_BYTES
from streams.log.person_keys import KEY_ID_BYTES, PersonKeys
from streams.storage.tables import person_keys
from tests.streams.storing import AIDA, DANA, KEYRING, NOW, Store, person_key

LATER = NOW + timedelta(days=1, microseconds=5)
LAST = NOW + timedelta(days=40)
ONE, OTHER = UUID("00112233-4455-6677-8899-aabbccddeeff"), UUID("ffeeddcc-bbaa-4988-b766-554433221100")
CONTENT: dict[str, Any] = {
    "at": NOW,
    "person": AIDA,
    "trigger": "identity_card",
    "version": "v1",
    "occurrence": ONE,
    "step": "month",
    "due": LATER,
    "expires": None,
    "klass": "reminder",
    "channels": ("push", "sms"),
    "cause": OTHER,
}

GOLDEN: tuple[tuple[str, Fact, str], ...] = (
    ("life-ahead-moved/1", facts.AheadMoved(ahead_from=None, at=NOW), "92c0d6ff683d4bf0"),
    (
        "nudge-planned/1",
        facts.NudgePlanned(**CONTENT, moot_from=LAST),
        (
            "9cd6ff683d4bf0d9206161616161616161616161616161616161616161616161616161616161616161ad6964656e7469"
            "74795f63617264a27631c41000112233445566778899aabbccddeeffa56d6f6e7468d7ff00004e20683e9d70c0a87265"
            "6d696e64657292a470757368a3736d73c410ffeeddccbbaa4988b766554433221100d6ff687207f0"
        ),
    ),
    (
        "nudge-rescheduled/1",
        facts.NudgeRescheduled(**CONTENT, moot_from=LAST),
        (
            "9cd6ff683d4bf0d9206161616161616161616161616161616161616161616161616161616161616161ad6964656e7469"
            "74795f63617264a27631c41000112233445566778899aabbccddeeffa56d6f6e7468d7ff00004e20683e9d70c0a87265"
            "6d696e64657292a470757368a3736d73c410ffeeddccbbaa4988b766554433221100d6ff687207f0"
        ),
    ),
    ("nudge-cancelled/1", facts.NudgeCancelled(at=NOW, reason="erased"), "92d6ff683d4bf0a6657261736564"),
    (
        "nudge-withheld/1",
        facts.NudgeWithheld(at=NOW, recipient=AIDA, reason="opted_out"),
        ("93d6ff683d4bf0d9206161616161616161616161616161616161616161616161616161616161616161a96f707465645f6f7574"),
    ),
    (
        "nudge-deferred/1",
        facts.NudgeDeferred(at=NOW, recipient=AIDA, until=LATER, reason="quiet_hours"),
        (
            "94d6ff683d4bf0d9206161616161616161616161616161616161616161616161616161616161616161d7ff00004e2068"
            "3e9d70ab71756965745f686f757273"
        ),
    ),
    (
        "nudge-expired/1",
        facts.NudgeExpired(at=NOW, recipient=AIDA),
        "92d6ff683d4bf0d9206161616161616161616161616161616161616161616161616161616161616161",
    ),
    (
        "nudge-attempted/1",
        facts.NudgeAttempted(
            at=NOW, recipient=AIDA, attempt=2, channel="sms", provider="smsc", until=LATER, language="kk"
        ),
        (
            "97d6ff683d4bf0d920616161616161616161616161616161616161616161616161616161616161616102a3736d73a473"
            "6d7363d7ff00004e20683e9d70a26b6b"
        ),
    ),
    (
        "nudge-sent/1",
        facts.NudgeSent(at=NOW, recipient=AIDA, attempt=2, reference="reference-7"),
        (
            "97d6ff683d4bf0d920616161616161616161616161616161616161616161616161616161616161616102ab7265666572"
            "656e63652d37c0c2a0"
        ),
    ),
    (
        "nudge-delivered/1",
        facts.NudgeDelivered(at=NOW, recipient=AIDA, attempt=2),
        "93d6ff683d4bf0d920616161616161616161616161616161616161616161616161616161616161616102",
    ),
    (
        "nudge-failed/1",
        facts.NudgeFailed(at=NOW, recipient=AIDA, attempt=2, reason="refused", retry_at=LATER, gave_up=True),
        (
            "96d6ff683d4bf0d920616161616161616161616161616161616161616161616161616161616161616102a77265667573"
            "6564d7ff00004e20683e9d70c3"
        ),
    ),
    (
        "nudge-unknown/1",
        facts.NudgeUnknown(at=NOW, recipient=AIDA, attempt=2, reason="no_outcome", retry_at=LATER),
        (
            "97d6ff683d4bf0d920616161616161616161616161616161616161616161616161616161616161616102aa6e6f5f6f75"
            "74636f6d65d7ff00004e20683e9d70c0c0"
        ),
    ),
    (
        "nudge-opened/1",
        facts.NudgeOpened(at=NOW, recipient=AIDA, attempt=2),
        "93d6ff683d4bf0d920616161616161616161616161616161616161616161616161616161616161616102",
    ),
    (
        "nudge-answered/1",
        facts.NudgeAnswered(at=NOW, recipient=AIDA, reply=OTHER),
        (
            "93d6ff683d4bf0d9206161616161616161616161616161616161616161616161616161616161616161c410ffeeddccbb"
            "aa4988b766554433221100"
        ),
    ),
    (
        "nudge-digested/1",
        facts.NudgeDigested(at=NOW, recipient=AIDA, digest=OTHER, until=LATER, messages=3, days=7),
        (
            "96d6ff683d4bf0d9206161616161616161616161616161616161616161616161616161616161616161c410ffeeddccbb"
            "aa4988b766554433221100d7ff00004e20683e9d700307"
        ),
    ),
    (
        "nudge-gathered/1",
        facts.NudgeGathered(at=NOW, recipient=AIDA, nudge=OTHER),
        (
            "93d6ff683d4bf0d9206161616161616161616161616161616161616161616161616161616161616161c410ffeeddccbb"
            "aa4988b766554433221100"
        ),
    ),
    (
        "nudge-renewed/1",
        facts.NudgeRenewed(at=NOW, recipient=AIDA, channels=("sms", "email"), by="olga"),
        (
            "94d6ff683d4bf0d920616161616161616161616161616161616161616161616161616161616161616192a3736d73a565"
            "6d61696ca46f6c6761"
        ),
    ),
    (
        "nudge-done/1",
        facts.NudgeDone(at=NOW, recipient=AIDA, attempt=2, done_at=LATER),
        "94d6ff683d4bf0d920616161616161616161616161616161616161616161616161616161616161616102d7ff00004e20683e9d70",
    ),
    (
        "nudge-undone/1",
        facts.NudgeUndone(at=NOW, recipient=AIDA, attempt=2, done_at=LATER),
        "94d6ff683d4bf0d920616161616161616161616161616161616161616161616161616161616161616102d7ff00004e20683e9d70",
    ),
    (
        "nudge-resolved/1",
        facts.NudgeResolved(at=NOW, recipient=AIDA, attempt=2, how="again", by="olga", why="never left"),
        (
            "96d6ff683d4bf0d920616161616161616161616161616161616161616161616161616161616161616102a5616761696e"
            "a46f6c6761aa6e65766572206c656674"
        ),
    ),
    (
        "pack-submitted/1",
        governance.PackSubmitted(at=NOW, by="aida", pack="kz", owner="", hash="hash", content={"a": "три"}),
        "96d6ff683d4bf0a461696461a26b7aa0a46861736881a161a6d182d180d0b8",
    ),
    (
        "pack-approved/1",
        governance.PackApproved(at=NOW, by="dana", pack="kz", hash="hash", comment="ok"),
        "95d6ff683d4bf0a464616e61a26b7aa468617368a26f6b",
    ),
    (
        "pack-refused/1",
        governance.PackRefused(at=NOW, by="dana", pack="kz", hash="hash", reason="no"),
        "95d6ff683d4bf0a464616e61a26b7aa468617368a26e6f",
    ),
    (
        "pack-published/1",
        governance.PackPublished(
            at=NOW, by="pack", pack="kz", hash="hash", content={"types": [1, 2.5, "три", None, True]}
        ),
        "95d6ff683d4bf0a47061636ba26b7aa46861736881a574797065739501cb4004000000000000a6d182d180d0b8c0c3",
    ),
    (
        "trigger-submitted/1",
        governance.TriggerSubmitted(
            at=NOW,
            by="aida",
            pack="kz",
            trigger="card",
            owner="interior",
            hash="hash",
            rules={"on": "a.b"},
            words={"kk": "сөз"},
            written_by=("dana",),
        ),
        (
            "99d6ff683d4bf0a461696461a26b7aa463617264a8696e746572696f72a46861736881a26f6ea3612e6281a26b6ba6d1"
            "81d3a9d0b791a464616e61"
        ),
    ),
    (
        "trigger-approved/1",
        governance.TriggerApproved(at=NOW, by="dana", trigger="card", hash="hash", comment="ok"),
        "95d6ff683d4bf0a464616e61a463617264a468617368a26f6b",
    ),
    (
        "trigger-refused/1",
        governance.TriggerRefused(at=NOW, by="dana", trigger="card", hash="hash", reason="no"),
        "95d6ff683d4bf0a464616e61a463617264a468617368a26e6f",
    ),
    (
        "trigger-commented/1",
        governance.TriggerCommented(at=NOW, by="dana", trigger="card", hash="hash", comment="why?"),
        "95d6ff683d4bf0a464616e61a463617264a468617368a47768793f",
    ),
    (
        "trigger-published/1",
        governance.TriggerPublished(
            at=NOW,
            by="pack",
            pack="kz",
            trigger="card",
            hash="hash",
            rules={"on": "a.b"},
            words={"kk": "сөз"},
            reach=LATER,
            ahead_from=LAST,
            share=0.05,
        ),
        (
            "9ad6ff683d4bf0a47061636ba26b7aa463617264a46861736881a26f6ea3612e6281a26b6ba6d181d3a9d0b7d7ff0000"
            "4e20683e9d70d6ff687207f0cb3fa999999999999a"
        ),
    ),
    (
        "trigger-reach-changed/1",
        governance.TriggerReachChanged(at=NOW, by="aida", trigger="card", hash="hash", reach=LATER, ahead_from=LAST),
        "97d6ff683d4bf0a461696461a463617264a468617368d7ff00004e20683e9d70d6ff687207f0c2",
    ),
    (
        "trigger-withdrawn/1",
        governance.TriggerWithdrawn(at=NOW, by="pack", trigger="card"),
        "94d6ff683d4bf0a47061636ba463617264a0",
    ),
    (
        "trigger-paused/1",
        governance.TriggerPaused(at=NOW, by="aida", trigger="card", reason="floods"),
        "94d6ff683d4bf0a461696461a463617264a6666c6f6f6473",
    ),
    (
        "trigger-resumed/1",
        governance.TriggerResumed(at=NOW, by="dana", trigger="card"),
        "94d6ff683d4bf0a464616e61a463617264a0",
    ),
    (
        "control-set/1",
        governance.ControlSet(at=NOW, by="pack", scope="channel", name="sms", stopped=True, reason="outage"),
        "96d6ff683d4bf0a47061636ba76368616e6e656ca3736d73c3a66f7574616765",
    ),
    (
        "test-sent/1",
        governance.SentAsTest(at=NOW, by="aida", to="dana", trigger="card", hash="hash", channel="sms"),
        "96d6ff683d4bf0a461696461a464616e61a463617264a468617368a3736d73",
    ),
    (
        "log-restored/1",
        governance.LogRestored(at=NOW, by="omar", until=LATER, position=7),
        "94d6ff683d4bf0a46f6d6172d7ff00004e20683e9d7007",
    ),
    (
        "person-erased/1",
        access_facts.PersonErased(NOW, "omar", "platform", AIDA, "asked", b"A" * 8, b"w" * 32, {"inbox": 2}),
        (
            "98d6ff683d4bf0a46f6d6172a8706c6174666f726dd92061616161616161616161616161616161616161616161616161"
            "61616161616161a561736b6564c4084141414141414141c4207777777777777777777777777777777777777777777777"
            "77777777777777777781a5696e626f7802"
        ),
    ),
    (
        "person-viewed/1",
        access_facts.PersonViewed(NOW, "olga", "court", AIDA, "trail", "complaint 7"),
        (
            "96d6ff683d4bf0a46f6c6761a5636f757274d92061616161616161616161616161616161616161616161616161616161"
            "61616161a5747261696cab636f6d706c61696e742037"
        ),
    ),
    (
        "letter-handled/1",
        access_facts.LetterHandled(NOW, "aida", "health", AIDA, OTHER, "told them"),
        (
            "96d6ff683d4bf0a461696461a66865616c7468d920616161616161616161616161616161616161616161616161616161"
            "6161616161c410ffeeddccbbaa4988b766554433221100a9746f6c64207468656d"
        ),
    ),
    (
        "tokens-ended/1",
        access_facts.TokensEnded(NOW, AIDA),
        "92d6ff683d4bf0d9206161616161616161616161616161616161616161616161616161616161616161",
    ),
    (
        "content-retired/1",
        access_facts.ContentRetired(NOW, "omar", "platform", "kz.tax.assessed", 2019, "P5Y", (b"A" * 8, b"B" * 8)),
        (
            "97d6ff683d4bf0a46f6d6172a8706c6174666f726daf6b7a2e7461782e6173736573736564cd07e3a350355992c40841"
            "41414141414141c4084242424242424242"
        ),
    ),
    (
        "letters-dropped/1",
        access_facts.LettersDropped(NOW, "omar", "platform", "too old", "person", "BadTrigger", 3, b"L" * 32),
        (
            "98d6ff683d4bf0a46f6d6172a8706c6174666f726da7746f6f206f6c64a6706572736f6eaa4261645472696767657203"
            "c4204c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c"
        ),
    ),
)

PUBLIC_ONLY = LifeEvent(
    stream=ONE,
    source="/registry",
    id="c-1",
    type="kz.weather.warning",
    time=datetime(1969, 7, 20, 20, 17, 40, 500_000, tzinfo=UTC),
    persons={"child": (AIDA,), "parents": (DANA, AIDA)},
    fields={"public": {"area": "75", "level": 3, "share": 0.5, "list": ["а", None, True], "inner": {"x": -1}}},
    corrects="c-0",
    revision=2,
    annuls=True,
    area="750000000",
    ahead_from=LATER,
    digest=b"\x00\xff",
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)
PUBLIC_ONLY_STORED = bytes.fromhex(
    "9fa92f7265676973747279a3632d31b26b7a2e776561746865722e7761726e696e67c70cff1dcd6500ffffffffff2795"
    "e482a56368696c6491d9206161616161616161616161616161616161616161616161616161616161616161a770617265"
    "6e747392d9206464646464646464646464646464646464646464646464646464646464646464d9206161616161616161"
    "61616161616161616161616161616161616161616161616185a461726561a23735a56c6576656c03a57368617265cb3f"
    "e0000000000000a46c69737493a2d0b0c0c3a5696e6e657281a178ff80a3632d3002c3a9373530303030303030d7ff00"
    "004e20683e9d70c40200ffd93730302d3061663736353139313663643433646438343438656232313163383033313963"
    "2d623761643662373136393230333333312d3031d6ff683d4bf0"
)

PERSONAL = LifeEvent(
    stream=OTHER,
    source="/registry",
    id="b-1",
    type="kz.civil.birth_registered",
    time=NOW,
    persons={"child": (AIDA,), "mother": (DANA,)},
    fields={"public": {"area": "75"}, "child": {"given_name": "Айда"}, "mother": {"address": "Абай көшесі 7"}},
    digest=b"digest",
)
PERSONAL_STORED = bytes.fromhex(
    "9fa92f7265676973747279a3622d31b96b7a2e636976696c2e62697274685f72656769737465726564d6ff683d4bf082"
    "a56368696c6491d9206161616161616161616161616161616161616161616161616161616161616161a66d6f74686572"
    "91d920646464646464646464646464646464646464646464646464646464646464646481a461726561a2373582a56368"
    "696c64c4394141414141414141d1c9729c89c110e1d521c08812024136d2b4625408c4dcabd01854595293881f8675f0"
    "5010efedae21eb713608057bfe01a66d6f74686572c4454444444444444444f6aa8bfac5d8ddc6004c662a51f39772be"
    "94a53f8197cf5b0435e02e499705eea60333864cba904fb30c3a56baabe922257874b37c643c40873f762c6ac001c2c0"
    "c0c406646967657374c0d6ff683d4bf0"
)
KEYS = {AIDA: person_key(b"A"), DANA: person_key(b"D")}

WRAPPED = bytes.fromhex(
    "000102030405060708090a0baeba69595ee8e759aa82a65921e68729fb5716d4c8ae2dd98f88e8b3334041dc20a39713"
    "5c47945299ff41ca17369f76"
)


@pytest.mark.parametrize(("topic", "fact", "state"), GOLDEN, ids=[topic for topic, _, _ in GOLDEN])
def test_a_fact_is_stored_as_these_bytes(topic: str, fact: Fact, state: str) -> None:
    """Every fact has the topic and the bytes that it has had since it exists, and they are read as that fact."""
    assert topic == fact.TOPIC
    assert encode(fact).hex() == state
    assert decode(topic, bytes.fromhex(state)) == fact


def test_a_publication_from_before_there_were_canaries_is_for_everybody() -> None:
    """A field that was added later has its default in what was stored before."""
    state = bytes.fromhex(
        "99d6ff683d4bf0a47061636ba26b7aa463617264a46861736881a26f6ea3612e6281a26b6ba6d181d3a9d0b7d7ff0000"
        "4e20683e9d70d6ff687207f0"
    )
    stored = decode("trigger-published/1", state)
    assert isinstance(stored, governance.TriggerPublished)
    assert (stored.share, stored.ahead_from) == (1.0, LAST)


def test_a_cancellation_from_before_erasures_has_no_reason() -> None:
    """Nudges that were cancelled by a plan, long ago, are read as such."""
    assert decode("nudge-cancelled/1", bytes.fromhex("91d6ff683d4bf0")) == facts.NudgeCancelled(at=NOW)


def test_a_pause_from_before_there_were_reasons_has_none() -> None:
    """Triggers that were paused and resumed without a reason are read as such."""
    for topic in ("trigger-paused/1", "trigger-resumed/1"):
        stored = decode(topic, bytes.fromhex("93d6ff683d4bf0a461696461a463617264"))
        assert isinstance(stored, governance.TriggerPaused | governance.TriggerResumed)
        assert (stored.by, stored.reason) == ("aida", "")


def test_an_approval_from_before_there_were_comments_has_none() -> None:
    """Versions that were approved without a comment are read as such."""
    stored = decode("trigger-approved/1", bytes.fromhex("94d6ff683d4bf0a464616e61a463617264a468617368"))
    assert stored == governance.TriggerApproved(at=NOW, by="dana", trigger="card", hash="hash")


def test_every_topic_is_frozen() -> None:
    """There is a golden example of every fact that exists, and every fact that exists can be read."""
    everything = [each for module in (facts, governance, access_facts) for each in vars(module).values()]
    structs = {each for each in everything if isinstance(each, type) and issubclass(each, Struct)}
    defined = {each for each in structs if hasattr(each, "TOPIC")}  # the bases of facts have none

    assert set(ALL_FACTS) == defined
    assert [topic for topic, _, _ in GOLDEN] == [each.TOPIC for each in ALL_FACTS]
    assert len({LifeEvent.TOPIC, *(topic for topic, _, _ in GOLDEN)}) == len(ALL_FACTS) + 1


def test_a_life_event_is_stored_as_these_bytes() -> None:
    """All fields of a life event have their place for ever, its time before 1970 and its time of recording too."""
    assert LifeEvent.TOPIC == "life/1"
    assert seal(PUBLIC_ONLY, {}, NOW).hex() == PUBLIC_ONLY_STORED.hex()
    assert decode_life(PUBLIC_ONLY_STORED).recorded == NOW
    assert unseal(ONE, decode_life(PUBLIC_ONLY_STORED), {}) == PUBLIC_ONLY


def test_what_was_sealed_long_ago_still_opens() -> None:
    """An event stored with personal parts is read with the keys of those days."""
    assert unseal(OTHER, decode_life(PERSONAL_STORED), KEYS) == PERSONAL


def test_sealing_today_gives_the_same_shape() -> None:
    """But for the nonces and what they change, an event is stored today as it was then."""
    then, now = decode_life(PERSONAL_STORED), decode_life(seal(PERSONAL, KEYS, NOW))

    assert msgspec.structs.replace(now, sealed=then.sealed) == then
    assert {role: part[:KEY_ID_BYTES] for role, part in now.sealed.items()} == {"child": b"A" * 8, "mother": b"D" * 8}
    assert [*map(len, now.sealed.values())] == [*map(len, then.sealed.values())]


def test_a_part_is_sealed_with_aes_gcm() -> None:
    """A sealed part is the key's id, the nonce and AES-256-GCM over the part, bound to the stream and the role."""
    part = decode_life(PERSONAL_STORED).sealed["child"]
    nonce, body = part[KEY_ID_BYTES : KEY_ID_BYTES + NONCE_BYTES], part[KEY_ID_BYTES + NONCE_BYTES :]

    plain = AESGCM(b"A" * KEY_BYTES).decrypt(nonce, body, OTHER.bytes + b"child")
    assert msgspec.msgpack.decode(plain) == {"given_name": "Айда"}


def test_a_persons_key_is_wrapped_as_these_bytes(store: Store) -> None:
    """The table of keys is frozen as well: without it no part could be opened."""
    row = (AIDA, bytes(range(8)), WRAPPED, 1)
    store.database.write(lambda connection: insert_rows(connection, person_keys, [row]))

    with store.database.reading() as connection:
        (opened,) = PersonKeys(KEYRING).load(connection, [AIDA]).values()
    sealed = opened.seal(b"plain", b"about")
    assert AESGCM(bytes(range(32))).decrypt(sealed[8:20], sealed[20:], b"about") == b"plain"


class GrownState(LifeState, frozen=True, array_like=True):
    """A life event as a later version of the code might store it."""

    added: str = "default"


def test_a_later_version_reads_what_this_one_stored() -> None:
    """A field added at the end, with a default, takes nothing from what is stored."""
    grown = msgspec.msgpack.decode(PERSONAL_STORED, type=GrownState)

    assert grown.added == "default"
    assert unseal(OTHER, grown, KEYS) == PERSONAL


def test_this_version_reads_what_a_later_one_stored() -> None:
    """While versions are exchanged one by one, the older reads over what it does not know yet."""
    assert decode_life(lengthened(PERSONAL_STORED)) == decode_life(PERSONAL_STORED)
    for topic, fact, state in GOLDEN:
        assert decode(topic, lengthened(bytes.fromhex(state))) == fact


def lengthened(state: bytes) -> bytes:
    """The array with one more field at its end."""
    return msgspec.msgpack.encode([*msgspec.msgpack.decode(state), "new"])


@pytest.mark.parametrize(
    ("fact", "defaulted"),
    [
        (facts.NudgePlanned(**CONTENT), 1),
        (facts.NudgeRescheduled(**CONTENT), 1),
        (facts.NudgeAttempted(NOW, AIDA, 2, "sms", "smsc", LATER), 1),
        (facts.NudgeFailed(NOW, AIDA, 2, "refused"), 2),
        (facts.NudgeFailed(NOW, AIDA, 2, "refused", LATER), 1),
        (facts.NudgeUnknown(NOW, AIDA, 2, "no_outcome"), 3),
        (facts.NudgeUnknown(NOW, AIDA, 2, "no_outcome", LATER), 2),
        (facts.NudgeUnknown(NOW, AIDA, 2, "no_outcome", None, LATER), 1),
        (facts.NudgeSent(NOW, AIDA, 2, "reference-7"), 3),
        (governance.TriggerWithdrawn(NOW, "pack", "card"), 1),
        (governance.TriggerSubmitted(NOW, "aida", "kz", "card", "interior", "hash", {"on": "a.b"}, {"kk": "w"}), 1),
    ],
)
def test_a_fact_of_before_its_last_fields_is_read(fact: Fact, defaulted: int) -> None:
    """Facts stored before a field with a default was added are read with that default."""
    fields: list[Any] = msgspec.msgpack.decode(encode(fact))

    assert decode(fact.TOPIC, msgspec.msgpack.encode(fields[:-defaulted])) == fact


def test_a_topic_of_the_future_is_refused_by_name() -> None:
    """A fact that this version does not know is no silent gap: reading it fails and names the topic."""
    with pytest.raises(KeyError, match="nudge-planned/2"):
        decode("nudge-planned/2", b"\x90")
