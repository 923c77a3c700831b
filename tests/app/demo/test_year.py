"""The demo's year: a whole small population from its first event to its last nudge."""

from datetime import UTC

from sqlalchemy import func, select

from app.demo.family import with_family
from app.demo.population import population
from app.demo.show import END, START
from domain.nudges.delivery import State
from domain.nudges.nudge import Nudge
from projections import nudges, statistics
from projections.tables import history, micros
from projections.tables import nudges as nudges_table
from streams.intake.cloudevents import time_of
from streams.storage.tables import fake_messages
from tests.app.demo.running import Lived


def everybodys(lived: Lived) -> list[Nudge]:
    """All nudges of the demo."""
    with lived.platform.database.reading() as connection:
        ids = connection.execute(select(nudges_table.c.nudge)).scalars().all()
        return list(nudges.by_id(connection, ids).values())


def languages(lived: Lived) -> set[str]:
    """The languages of all messages that were handed over."""
    with lived.platform.database.reading() as connection:
        rows = connection.execute(select(fake_messages.c.recipient, fake_messages.c.nudge)).all()
        kept = [
            lived.platform.delivery.fake_outbox.last_of_each(connection, row.recipient, [row.nudge])[row.nudge]
            for row in rows
        ]
    return {message.language for message in kept}


def test_messages_go_out_in_all_three_languages(lived: Lived) -> None:
    """Whoever looks at the demo sees Kazakh, Russian and English words."""
    assert languages(lived) == {"kk", "ru", "en"}


def test_messages_go_out_on_every_channel(lived: Lived) -> None:
    """Whoever looks at the demo sees push messages, SMS and email."""
    with lived.platform.database.reading() as connection:
        channels = set(connection.execute(select(fake_messages.c.channel)).scalars())
    assert channels == {"push", "sms", "email"}


def test_every_nudge_has_a_state_and_those_that_were_due_have_ended(lived: Lived) -> None:
    """Nothing is dropped silently: at the end nothing waits but what is due after the year."""
    ended = {State.SENT, State.DELIVERED, State.OPENED, State.FAILED, State.WITHHELD, State.EXPIRED, State.CANCELLED}
    found = everybodys(lived)
    waiting = [nudge for nudge in found if nudge.state in (State.PLANNED, State.DEFERRED)]
    assert {nudge.state for nudge in found} <= ended | {State.PLANNED, State.DEFERRED}
    assert all(one.due is not None and one.due > END for nudge in waiting for one in nudge.deliveries)
    assert len(waiting) < len(found)


def test_nudges_go_when_they_are_due_or_when_quiet_hours_end(lived: Lived) -> None:
    """The clock jumps to every due time: nothing is sent before it, and nothing later unless it was put off."""
    sent = [(nudge, one) for nudge in everybodys(lived) for one in nudge.deliveries if one.attempted_at]
    on_time = [one.attempted_at == nudge.intent.due for nudge, one in sent]
    assert all(one.attempted_at and one.attempted_at >= nudge.intent.due for nudge, one in sent)
    assert sum(on_time) > len(sent) / 2


def test_what_the_registries_knew_before_sends_nothing_late(lived: Lived) -> None:
    """Ten years of history loaded on the first day send no ten years of nudges."""
    assert all(nudge.intent.due >= START for nudge in everybodys(lived))


def test_every_event_is_taken_in_once_and_planned(lived: Lived) -> None:
    """The log has all events of the population, and none of them still waits for its plan."""
    people = with_family(population(40, 2, START, END), START)
    with lived.platform.database.reading() as connection:
        totals = statistics.totals(connection)
        unplanned = connection.execute(select(func.count()).where(~history.c.planned)).scalar_one()
    assert sum(count for (trigger, _), count in totals.items() if not trigger) == len(people.known + people.coming)
    assert unplanned == 0


def test_events_come_in_the_order_of_their_time() -> None:
    """What was known before the start comes first, and then the year as it happens."""
    people = population(30, 2, START, END)
    times = [time_of(event) for event in people.known + people.coming]
    assert times == sorted(times)
    assert max(map(time_of, people.known)) < START <= min(map(time_of, people.coming))


def test_the_same_seed_gives_the_same_people() -> None:
    """Two runs can be compared: the population depends on its arguments only."""
    assert population(30, 7, START, END) == population(30, 7, START, END) != population(30, 8, START, END)


def test_the_invented_reports_come_after_what_they_report(lived: Lived) -> None:
    """A message is delivered after it was handed over, as the log tells it."""
    first = {State.DELIVERED: 0, State.OPENED: 0}
    for nudge in everybodys(lived):
        if nudge.state in first:
            first[nudge.state] += 1
            told = [one for one in nudge.deliveries if one.state in first]  # of two guardians one may be out of reach
            assert all(one.sent_at and one.sent_at.astimezone(UTC) >= nudge.intent.due for one in told)
    assert all(first.values())


def test_the_clock_stops_at_the_end_of_the_year(lived: Lived) -> None:
    """Nothing in the log is later than the year."""
    with lived.platform.database.reading() as connection:
        last = lived.platform.log.facts.last_position(connection)
        (entry,) = lived.platform.log.read(connection, [last])
    recorded = entry.recorded or getattr(entry.fact, "at", None)
    assert recorded is not None
    assert micros(recorded) <= micros(END)
