"""Several processes' worth of hands on one PostgreSQL database, all doing the same work at once."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path

import msgspec
import pytest
import uvloop
from sqlalchemy.engine import URL

from app.clock import fixed
from app.compose import Platform, compose
from app.compose_sending import compose_engine
from app.settings import load_settings
from app.simulation.population import simulate
from domain.facts.facts import NudgeAttempted, NudgePlanned
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Message
from notifiers.port.routes import single_routes
from streams.intake.cloudevents import Envelope, envelope_of
from streams.planning.recompute import intents_of
from streams.replay.rebuild_compare import Rebuilt
from streams.rules.publishing import Publisher
from templates.checks.loader import shipped
from tests.beginnings import KEYRING, packs_in
from tests.services import postgres
from tests.streams.rebuilding import rebuild

NOW = datetime(2026, 1, 5, 7, tzinfo=UTC)
HANDS, EVENTS, BATCH, FEWER = 3, 1_500, 40, 900


@pytest.fixture
def url(server: URL) -> Iterator[str]:
    """An empty database on it."""
    with postgres.fresh(server) as at:
        yield at.render_as_string(hide_password=False)


def platform(url: str) -> Platform:
    """A platform on that database, as one process has it."""
    return compose(load_settings(database=url), fixed(NOW), KEYRING)


@pytest.fixture
def hands(url: str) -> Iterator[list[Platform]]:
    """So many processes on one database with the shipped packs."""
    first = platform(url)
    Publisher(first.database, first.log, first.identity.names).publish(packs_in(shipped()), by="tests", now=NOW)
    made = [first, *(platform(url) for _ in range(HANDS - 1))]
    yield made
    for each in made:
        each.database.close()


def envelopes() -> list[Envelope]:
    """A year of a few citizens, shuffled, every second event twice."""
    found = [
        envelope_of(msgspec.to_builtins(each))
        for each in islice(simulate(150, 7, date(2025, 1, 1), date(2026, 1, 1)), EVENTS)
    ]
    twice = found + found[::2]
    random.Random(7).shuffle(twice)  # noqa: S311  (a test's order, the same every time)
    return twice


def take(on: Platform, events: Sequence[Envelope]) -> int:
    """Take all in, by batches; returns how many were new."""
    outcomes = [
        outcome for at in range(0, len(events), BATCH) for outcome in on.intake.accept(events[at : at + BATCH])
    ]
    assert all(outcome.refused is None for outcome in outcomes)
    return sum(outcome.accepted for outcome in outcomes)


def send(on: Platform) -> list[Message]:
    """Plan and send until nothing is left; returns what this hand sent."""
    sent: list[Message] = []
    notifiers = {channel: FakeNotifier(channel, sent) for channel in ("push", "sms", "email")}
    uvloop.run(compose_engine(on, single_routes(notifiers)).until_idle())
    return sent


def test_many_hands_do_it_once(hands: list[Platform], tmp_path: Path) -> None:
    """The same events from several sides at once, planned and sent by several: each fact once, each message once."""
    events = envelopes()
    with ThreadPoolExecutor(2 * HANDS) as pool:
        taking = [pool.submit(take, on, events) for on in hands]
        early = [pool.submit(send, on) for on in hands]
        new = sum(each.result(120) for each in taking)
        sent = [message for each in early for message in each.result(120)]
        late = [pool.submit(send, on) for on in hands]
        sent += [message for each in late for message in each.result(120)]
    assert new == len({(each.source, each.id) for each in events})

    entries = [entry for page in hands[0].log.scan() for entry in page]
    assert [each.position for each in entries] == sorted({each.position for each in entries})
    facts = Counter((each.originator_id, each.originator_version) for each in entries)
    assert set(facts.values()) == {1}
    planned = [each.originator_id for each in entries if isinstance(each.fact, NudgePlanned)]
    attempted = [
        (each.originator_id, each.fact.recipient, each.fact.attempt)
        for each in entries
        if isinstance(each.fact, NudgeAttempted)
    ]
    assert planned
    assert attempted
    assert len(set(attempted)) == len(attempted) == len(sent)
    alone = platform(f"sqlite:///{tmp_path}/alone.sqlite")
    take(alone, events)
    assert intents(hands[0]) == intents(alone)
    alone.database.close()


def test_views_are_swapped_while_others_write(hands: list[Platform]) -> None:
    """Beside hands that take in, plan and send, one rebuilds and swaps all views: they are equal, nothing fails."""
    events = envelopes()[:FEWER]
    rebuilding, *others = hands

    def rebuilt() -> Rebuilt:
        catalogue = rebuilding.rules.library.rules().catalogue
        return rebuild(rebuilding.database, rebuilding.log, rebuilding.identity.names, catalogue, swap=True)

    with ThreadPoolExecutor(2 * len(others)) as pool:
        taking = [pool.submit(take, on, events[::2]) for on in others]
        sending = [pool.submit(send, on) for on in others]
        found = [rebuilt()]
        taking += [pool.submit(take, on, events[1::2]) for on in others]
        sending += [pool.submit(send, on) for on in others]
        while not (all(each.done() for each in taking) and all(each.done() for each in sending)):
            found.append(rebuilt())
    assert sum(each.result() for each in taking)
    sent = [message for each in sending for message in each.result()] + send(others[0])
    found.append(rebuilt())

    assert [each.differences for each in found if not each.equal] == []
    assert found[0].position < found[-1].position
    facts = Counter(type(entry.fact) for page in rebuilding.log.scan() for entry in page)
    assert facts[NudgeAttempted] == len(sent) > 0


def intents(on: Platform) -> list[bytes]:
    """What plan gives for everybody, as bytes, but for the versions' hashes."""
    found = [each for batch in intents_of(on.database, on.log, on.rules.library.rules().rulebook) for each in batch]
    return sorted(msgspec.json.encode(each) for each in found)
