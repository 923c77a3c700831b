"""Intake: each fact once, a batch whole or not at all, and nobody's data in the clear."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from eventsourcing.persistence import IntegrityError

from domain.core.events import LifeEvent
from projections import history
from streams.intake.cloudevents import Envelope, Refused, read_envelope
from streams.intake.intake import ACCEPTED, DUPLICATE, Intake
from tests.streams.meddling import MeddledDatabase, PowerCut
from tests.world import World, annulled, birth, card, corrected, event, fine, iin, registered

AIGERIM, DANA, MARAT, SAULE = iin(1), iin(2), iin(3), iin(4)
ADDRESS, DOCUMENT = "Абай көшесі 7", "N-8812-XY"


@pytest.fixture
def meddled(world: World) -> Iterator[tuple[Intake, MeddledDatabase]]:
    """A second intake on the same file, and its database."""
    platform = world.platform
    database = MeddledDatabase(platform.settings.database)
    yield (
        Intake(
            database,
            platform.log,
            platform.identity.names,
            lambda: platform.rules.library.rules().checker,
            world.clock,
        ),
        database,
    )
    database.close()


def life(world: World) -> list[LifeEvent]:
    """The life events in the log."""
    return [entry.fact for entry in world.entries() if isinstance(entry.fact, LifeEvent)]


def waiting(world: World) -> set[str]:
    """Whoever is woken."""
    return set(world.platform.planning.planning.waiting())


def test_what_is_refused_keeps_nothing_else_out(world: World) -> None:
    """A batch with broken events in it stores the others; each outcome stands in its event's place."""
    broken = Refused("$", "no valid JSON", "bad_json")
    unknown = event("kz.no.such", AIGERIM, "2025-01-01T00:00:00Z", {})
    good, other = registered(AIGERIM)[:2]

    outcomes = world.platform.intake.accept([good, broken, unknown, other])

    assert [outcomes[0], outcomes[3]] == [ACCEPTED, ACCEPTED]
    assert [one.refused and one.refused.field for one in outcomes[1:3]] == ["$", "type"]
    assert [one.id for one in life(world)] == [good.id, other.id]


def test_nothing_but_refusals_stores_nothing(world: World) -> None:
    """A batch of refusals, or an empty one, leaves the log as it was."""
    before = world.health().facts
    assert world.platform.intake.accept([]) == []
    world.platform.intake.accept([Refused("$", "no valid JSON", "bad_json")])
    assert (world.health().facts, waiting(world)) == (before, set())


def test_the_same_event_is_stored_once(world: World) -> None:
    """Sent twice, in one batch or in the next, an event is a duplicate and wakes nobody again."""
    one = card(AIGERIM, "2035-01-01")
    assert world.take(one, one) == [ACCEPTED, DUPLICATE]
    world.plan()
    assert world.take(one) == [DUPLICATE]
    assert len(life(world)) == 1
    assert waiting(world) == set()


def test_an_event_is_known_by_source_and_id(world: World) -> None:
    """The same id of another source is another event."""
    assert world.take(
        card(AIGERIM, "2035-01-01", id="7", source="/one"), card(AIGERIM, "2035-01-01", id="7", source="/other")
    ) == [ACCEPTED, ACCEPTED]


def test_an_id_is_never_used_for_another_body(world: World) -> None:
    """The same id with another body is refused, in one batch and across batches, and changes nothing."""
    first, other = card(AIGERIM, "2035-01-01", id="7"), card(AIGERIM, "2036-01-01", id="7")
    outcomes = [*world.take(first, other), *world.take(other)]
    assert [one.refused and (one.refused.field, one.refused.code) for one in outcomes] == [
        None,
        ("id", "id_reused"),
        ("id", "id_reused"),
    ]
    assert [one.values["event.expires_on"] for one in life(world)] == ["2035-01-01"]


def test_everybody_who_is_named_is_woken(world: World) -> None:
    """Whoever an event names, in whatever role, has it in their history and waits for a plan."""
    world.take(birth(SAULE, AIGERIM, "2025-05-01", father=MARAT))
    assert waiting(world) == {world.name(person) for person in (SAULE, AIGERIM, MARAT)}
    with world.platform.database.reading() as connection:
        assert {version.rows for version in history.versions(connection, waiting(world)).values()} == {1}


def test_a_batch_goes_in_whole_or_not_at_all(world: World, meddled: tuple[Intake, MeddledDatabase]) -> None:
    """A batch whose transaction is lost leaves no fact, no history and no key; sent again, it goes in and is read."""
    intake, database = meddled
    batch = [*registered(AIGERIM), birth(SAULE, AIGERIM, "2025-05-01")]
    before = world.health().facts

    database.cut = True
    with pytest.raises(PowerCut):
        intake.accept(batch)
    assert (world.health().facts, waiting(world)) == (before, set())
    assert [outcome.accepted for outcome in intake.accept(batch)] == [True] * 4

    assert [one.values.get("event.given_name") for one in life(world)] == ["Айгерім", None, None, "Дана"]
    assert waiting(world) == {world.name(AIGERIM), world.name(SAULE)}


def test_two_who_take_the_same_in_at_once_store_it_once(world: World) -> None:
    """Registries that send the same events at the same moment get one stored fact each, and duplicates."""
    batches = [[fine(AIGERIM, str(number), "2025-05-01T12:00:00+05:00") for number in range(20)]] * 4
    with ThreadPoolExecutor(4) as threads:
        outcomes = [outcome for taken in threads.map(lambda batch: world.take(*batch), batches) for outcome in taken]
    assert sum(outcome.accepted for outcome in outcomes) == len(life(world)) == 20
    assert sum(outcome.duplicate for outcome in outcomes) == 60


async def test_nobody_can_be_read_in_the_file(world: World) -> None:
    """National ids, names, contacts, addresses, document numbers and filled-in words are nowhere in the clear."""
    home = {"kind": "first", "area": "751110000", "address": ADDRESS}
    world.take(
        *registered(AIGERIM),
        birth(SAULE, AIGERIM, "2025-05-01", father=MARAT),
        event("kz.residence.registered", AIGERIM, "2020-02-01T00:00:00+05:00", home, id="home"),
        card(AIGERIM, "2025-07-20", number=DOCUMENT, id="card"),
        event("citizen.contact_changed", MARAT, "2020-01-02T00:00:00+05:00", {"push": "device-77"}, id="contact"),
    )
    world.take(corrected(card(AIGERIM, "2025-07-20", number=DOCUMENT, id="card"), 2, expires_on="2025-07-25"))
    messages = await world.settle("2025-07-08T12:00+05:00")
    for message in messages:
        world.platform.delivery.fake_outbox.keep(message)
    filled_in = [message.text for message in messages if "25 шілде" in message.text]
    secrets = {
        AIGERIM,
        SAULE,
        MARAT,
        "Айгерім",
        "Серікқызы",
        "Дана",
        "7701234567",
        "a@example.org",
        "device-77",
        ADDRESS,
        DOCUMENT,
        "1990-01-01",
        "751110000",
        *filled_in,
    }

    kept = b"".join(file.read_bytes() for file in sorted(world.file.parent.glob("world.sqlite*")))

    assert world.name(AIGERIM).encode() in kept, "the scan would find what is there"
    assert ({message.channel for message in messages}, len(filled_in)) == ({"sms", "push"}, 1)
    assert [secret for secret in secrets if secret.encode() in kept] == []


def test_whoever_has_the_keys_reads_everything(world: World) -> None:
    """What is sealed in the file is read whole through the log."""
    taken = birth(SAULE, AIGERIM, "2025-05-01")
    world.take(taken)
    [event_] = life(world)
    parts = {name: value for part in event_.fields.values() for name, value in part.items()}
    assert parts == {name: value for name, value in (taken.data or {}).items() if name != "mother"}


def test_a_refusal_at_the_store_says_no_value(world: World) -> None:
    """Also the refusal of a reused id repeats nothing of either body."""
    world.take(card(AIGERIM, "2035-01-01", number=DOCUMENT, id="7"))
    [outcome] = world.take(card(AIGERIM, "2036-01-01", number=DOCUMENT, id="7"))
    assert not any(value in repr(outcome) for value in (AIGERIM, DOCUMENT, "2035-01-01", "2036-01-01"))


def test_an_annulment_that_names_nobody_wakes_whom_its_original_names(world: World) -> None:
    """An annulment says only what it annuls; those whom that names are woken, and nobody else."""
    born = birth(SAULE, AIGERIM, "2025-05-01")
    world.take(born, *registered(DANA))
    world.plan()
    world.take(annulled(born, 2))
    assert waiting(world) == {world.name(SAULE), world.name(AIGERIM)}


def raw(**changes: object) -> bytes:
    """A fine as a registry sends it, with changes."""
    plain = {
        "specversion": "1.0",
        "id": "fine-1",
        "source": "/test",
        "type": "kz.traffic.fine_issued",
        "time": "2025-01-10T12:00:00+05:00",
        "subject": AIGERIM,
        "data": {"number": "1", "amount": 7, "violated_on": "2025-01-10", "issued_on": "2025-01-10"},
    }
    return json.dumps(plain | changes).encode()


def read(line: bytes) -> Envelope | Refused:
    """As `ingest` reads a line."""
    try:
        return read_envelope(line)
    except Refused as refused:
        return refused


@pytest.mark.parametrize(
    "line",
    [
        raw()[:-1] + b', "more": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        raw(data={"number": "1", "amount": 10**30, "violated_on": "2025-01-10", "issued_on": "2025-01-10"}),
        raw(corrects="other", revision="9" * 30),
        raw(corrects="other", revision=10**30),
        raw(time="0001-01-01T00:00:00+05:00"),
        raw(time="9999-12-31T23:59:59-05:00"),
    ],
    ids=["nested", "amount", "revision as text", "revision", "first year", "last year"],
)
def test_a_line_that_cannot_be_kept_is_refused_alone(world: World, line: bytes) -> None:
    """Numbers, times and nestings beyond what can be stored are refused like anything else; the rest goes in."""
    broken, good = world.platform.intake.accept([read(line), card(AIGERIM, "2035-01-01")])
    assert broken.refused is not None
    assert good.accepted


@pytest.mark.parametrize(
    "changes",
    [
        {"corrects": f"birth-of-{AIGERIM}", "revision": 2},
        {"traceparent": f"00-{AIGERIM}-01"},
    ],
)
def test_no_attribute_brings_a_national_id_into_the_file(world: World, changes: dict[str, object]) -> None:
    """Whatever is kept in the clear has no national id in it, or the event is refused."""
    world.platform.intake.accept([read(raw(**changes))])
    kept = b"".join(file.read_bytes() for file in sorted(world.file.parent.glob("world.sqlite*")))
    assert AIGERIM.encode() not in kept


def test_an_annulment_is_true_or_not(world: World) -> None:
    """`annuls` that is neither true nor false is refused: read as a correction, it would say the opposite."""
    outcome = world.platform.intake.accept([read(raw(id="a", corrects="fine-1", revision=2, annuls="yes"))])[0]
    assert outcome.refused is not None
    assert outcome.refused.field == "annuls"


def test_a_first_revision_may_be_said(world: World) -> None:
    """`revision: 1` says what is so anyway: with and without it, it is the same event."""
    outcomes = world.platform.intake.accept([read(raw()), read(raw(revision=1)), read(raw(revision="1"))])
    assert [outcome.accepted or outcome.duplicate for outcome in outcomes] == [True] * 3


def test_others_may_be_faster_again_and_again(meddled: tuple[Intake, MeddledDatabase]) -> None:
    """A batch whose events others store meanwhile, one after the other, is stored all the same, each once."""

    def faster() -> None:
        raise IntegrityError

    intake, database = meddled
    database.before_writes.extend([faster] * 5)
    assert [outcome.accepted for outcome in intake.accept(registered(AIGERIM))] == [True] * 3
    assert [outcome.duplicate for outcome in intake.accept(registered(AIGERIM))] == [True] * 3
