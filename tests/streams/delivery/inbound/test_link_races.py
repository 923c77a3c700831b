"""Two processes that get answers and stops of one person in the same moment, on both kinds of database."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pytest
import uvloop
from msgspec.structs import replace
from sqlalchemy import Connection

from app.clock import VirtualClock
from app.compose import Platform, compose
from app.compose_sending import compose_engine
from app.settings import load_settings
from domain.core.events import LifeEvent
from domain.facts.facts import NudgeAnswered
from domain.persons.replies import Reply
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Message
from notifiers.port.routes import single_routes
from projections import nudges
from streams.delivery.inbound.opt_outs import OptOuts
from streams.delivery.inbound.replies import ReplyIntake
from streams.log.person_keys import PersonKey
from streams.planning import histories
from streams.rules.publishing import Publisher
from templates.checks.loader import load_packs
from tests.beginnings import KEYRING
from tests.streams.delivery.inbound.test_replies import AIGERIM, ASKED, OFFERS, REGISTERED
from tests.world import LONG_AGO, NOON, card, event, few_triggers, fine, registered

TOGETHER = 0.3
"""Seconds that one waits for the other to be as far as it is: only who is kept from it by nothing gets there."""
Append = Callable[[Connection, Sequence[LifeEvent]], Mapping[str, PersonKey]]


@pytest.fixture
def hands(url: str, tmp_path: Path) -> Iterator[list[Platform]]:
    """Two processes on one database; Aigerim, who reads SMS only, was registered as unemployed and fined."""
    made = [compose(load_settings(database=url), VirtualClock(NOON), KEYRING) for _ in range(2)]
    first = made[0]
    packs = load_packs([few_triggers(tmp_path, *OFFERS)])
    Publisher(first.database, first.log, first.identity.names).publish(packs, by="tests", now=NOON)
    time = "2024-01-03T00:00:00+05:00"
    only = event("citizen.preferences_changed", AIGERIM, time, {"channels": ["sms"]}, id="only")
    known = [*registered(AIGERIM, LONG_AGO), only, REGISTERED, fine(AIGERIM, "F1", NOON.isoformat())]
    assert all(one.accepted for one in first.intake.accept([*known, card(AIGERIM, "2025-12-01")]))
    first.planning.planning.drain()
    yield made
    for each in made:
        each.database.close()


def meeting(hands: Sequence[Platform]) -> list[Append]:
    """How each appends when it waits for the other just before."""
    barrier = threading.Barrier(len(hands))

    def appends(on: Platform) -> Append:
        def append(connection: Connection, events: Sequence[LifeEvent]) -> Mapping[str, PersonKey]:
            with suppress(threading.BrokenBarrierError):
                barrier.wait(TOGETHER)
            return on.intake.append(connection, events)

        return append

    return [appends(on) for on in hands]


def asked(on: Platform) -> Message:
    """The question whether offers are welcome, when it has come."""
    on.clock.advance_to(datetime.fromisoformat(ASKED))  # type: ignore[attr-defined]
    sent: list[Message] = []
    uvloop.run(compose_engine(on, single_routes({"sms": FakeNotifier("sms", sent)})).until_idle())
    [message] = [each for each in sent if "1 (иә)" in each.text]
    return message


def test_one_answer_that_comes_in_twice_at_once_is_stored_once(hands: list[Platform]) -> None:
    """Pressed twice, and taken in by two processes, an answer is one consent and one fact of the nudge."""
    message = asked(hands[0])
    reply = Reply(message.nudge, message.recipient, "1", datetime.fromisoformat("2025-06-05T18:00+05:00"), "link")
    again = replace(reply, at=datetime.fromisoformat("2025-06-05T18:00:01+05:00"))
    takes = [
        ReplyIntake(replace(on.rules.context, append=append))
        for on, append in zip(hands, meeting(hands), strict=True)
    ]
    with ThreadPoolExecutor(2) as pool:
        streams = set(pool.map(lambda take, each: take.take(each), takes, (reply, again)))
    facts = [entry.fact for page in hands[0].log.scan() for entry in page]
    assert len(streams) == 1
    assert len([one for one in facts if isinstance(one, LifeEvent) and one.type == "citizen.consent_given"]) == 1
    assert [one.reply for one in facts if isinstance(one, NudgeAnswered)] == list(streams)


def test_two_topics_stopped_at_once_are_both_stopped(hands: list[Platform]) -> None:
    """Of two links followed in the same moment, neither stop forgets the other."""
    first = hands[0]
    person = first.identity.names.pseudonym(AIGERIM)
    with first.database.reading() as connection:
        found = nudges.of_persons(connection, [person])[person].values()
    topics = [next(one.intent.id for one in found if name in one.intent.trigger) for name in ("fine", "card")]
    stops = [
        OptOuts(replace(on.rules.context, append=append)) for on, append in zip(hands, meeting(hands), strict=True)
    ]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda stop, topic: stop.stop(topic, person), stops, topics))
    with first.database.reading() as connection:
        now = histories.persons(connection, first.log, [person], first.rules.library.rules().rulebook)[person]
    assert now.get("opted_out") == ["documents", "transport"]
