from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

import pytest
from sqlalchemy import Connection

from domain.facts import facts
from domain.facts.facts import NudgeFact
from domain.nudges.cap import ON_ITS_WAY
from domain.nudges.delivery import Due
from domain.nudges.nudge import Nudge, evolve
from domain.rules.triggers import CLASSES
from projections import claims, nudges
from projections import inbox as inbox_view
from projections.bulk import insert_rows
from projections.front import LOOK, Front
from projections.lanes import Shares
from projections.tables import ENDLESS, due, inbox, micros
from streams.storage.database import Database
from tests.streams.storing import AIDA, BOLAT, DANA, NOW, counted, nudge, nudge_id, to_guardians

T = TypeVar("T")
MINUTE = timedelta(minutes=1)
LEASE = 3 * MINUTE


def ask(database: Database, question: Callable[[Connection], T]) -> T:
    """What the view answers."""
    with database.reading() as connection:
        return question(connection)


def store(database: Database, *changed: Nudge, new: bool = True) -> None:
    """Bring the views to these nudges; `new`: no view has them yet."""

    def stored(connection: Connection) -> None:
        before = {} if new else nudges.by_id(connection, [one.intent.id for one in changed])
        nudges.store(connection, changed, before)

    database.write(stored)


def claim(
    database: Database,
    at: timedelta = timedelta(),
    limit: int = 10,
    holder: str = "first",
    front: Front | None = None,
    shares: Shares | None = None,
    *,
    urgent: bool = False,
) -> list[Due]:
    """Claim what is due that long after now, for the length of a lease."""
    now, until = micros(NOW + at), micros(NOW + at + LEASE)
    return database.write(
        lambda connection: claims.claim(
            connection, now=now, until=until, holder=holder, limit=limit, front=front, shares=shares, urgent=urgent
        )
    )


def release(database: Database, *these: Due) -> None:
    """Let go of claimed deliveries."""
    database.write(lambda connection: nudges.release(connection, these))


def after(one: Nudge, *happened: NudgeFact) -> Nudge:
    """The nudge after these facts."""
    for fact in happened:
        one = evolve(one, one.intent.id, one.version + 1, fact)
    return one


def attempted(number: int = 1, person: str = AIDA, until: timedelta = LEASE) -> Nudge:
    """A nudge on its way, whose lease holds that long from now."""
    return after(nudge(number, person), facts.NudgeAttempted(NOW, person, 1, "push", "push", NOW + until))


def sent(number: int = 1, person: str = AIDA) -> Nudge:
    """A nudge that a provider took over a second after it was attempted."""
    return after(attempted(number, person), facts.NudgeSent(NOW + timedelta(seconds=1), person, 1, "reference"))


# what they are


def test_a_nudge_is_kept_whole(database: Database) -> None:
    """What is stored is what is read, by id and by person."""
    one = after(sent(1), facts.NudgeDelivered(NOW, AIDA, 1))
    other = nudge(2, BOLAT, due=NOW + MINUTE, channels=("email",), expires=NOW + LEASE, moot_from=NOW)
    store(database, one, other)

    assert ask(database, lambda connection: nudges.by_id(connection, [nudge_id(1), nudge_id(2)])) == {
        nudge_id(1): one,
        nudge_id(2): other,
    }
    assert ask(database, lambda connection: nudges.of_persons(connection, [AIDA, BOLAT, DANA])) == {
        AIDA: {nudge_id(1): one},
        BOLAT: {nudge_id(2): other},
        DANA: {},
    }


def test_unknown_ids_are_left_out(database: Database) -> None:
    """Who asks for what is not there gets nothing."""
    store(database, nudge(1))

    assert ask(database, lambda connection: nudges.by_id(connection, [UUID(int=404)])) == {}
    assert ask(database, lambda connection: nudges.versions_held(connection, [UUID(int=404), nudge_id(1)])) == {
        nudge_id(1): 1
    }


def test_storing_replaces_every_view(database: Database) -> None:
    """A changed nudge takes the place of the old one in all views: state, due row and inbox."""
    store(database, nudge(1), nudge(2, BOLAT))
    store(database, attempted(1), new=False)
    store(database, sent(1), new=False)

    assert ask(database, lambda connection: nudges.by_id(connection, [nudge_id(1)])) == {nudge_id(1): sent(1)}
    assert claim(database, timedelta(days=1)) == [Due(nudge_id(2), BOLAT)]
    assert [row[4] for row in rows_of_inbox(database)] == ["sent"]


def test_new_and_known_nudges_are_stored_together(database: Database) -> None:
    """One call may bring new nudges and changes of known ones."""
    store(database, nudge(1))
    changed = [sent(1), nudge(2)]
    before = {nudge_id(1): nudge(1)}
    database.write(lambda connection: nudges.store(connection, changed, before))

    assert ask(database, nudges.states) == {"sent": 1, "planned": 1}


def test_states_are_counted(database: Database) -> None:
    """How many nudges are in which state; states that no nudge has are not there."""
    store(database, nudge(1), nudge(2), attempted(3), sent(4), after(nudge(5), facts.NudgeCancelled(NOW)))

    assert ask(database, nudges.states) == {"planned": 2, "attempted": 1, "sent": 1, "cancelled": 1}


# what is due


def test_only_what_is_due_is_claimed(database: Database) -> None:
    """A delivery is given from its due time on, not before."""
    store(database, nudge(1, due=NOW), nudge(2, due=NOW + MINUTE))

    assert claim(database) == [Due(nudge_id(1), AIDA)]
    assert claim(database, MINUTE - timedelta(microseconds=1)) == []
    assert claim(database, MINUTE) == [Due(nudge_id(2), AIDA)]


def test_what_is_due_first_goes_first(database: Database) -> None:
    """Emergencies come first and alone; the others by due time, then by class (legal before service), then by id."""
    _, *others = CLASSES
    wanted = [(NOW - MINUTE, "offer"), *((NOW, klass) for klass in others)]
    numbers = [9, 8, 7, 6, 5]
    made = [nudge(number, due=due_at, klass=klass) for number, (due_at, klass) in zip(numbers, wanted, strict=True)]
    store(
        database,
        *sorted([*made, nudge(4, klass="offer"), nudge(3, klass="emergency")], key=lambda one: one.intent.id),
    )

    assert [row.nudge for row in claim(database)] == [nudge_id(3)]
    assert [row.nudge for row in claim(database)] == [nudge_id(number) for number in (9, 8, 7, 6, 4, 5)]


def test_a_limited_claim_takes_the_first(database: Database) -> None:
    """With a limit the earliest are taken, and the next claim continues behind them."""
    store(database, *(nudge(number, due=NOW - number * MINUTE) for number in range(1, 6)))

    claims = [[row.nudge for row in claim(database, limit=2)] for _ in range(4)]
    assert claims == [[nudge_id(5), nudge_id(4)], [nudge_id(3), nudge_id(2)], [nudge_id(1)], []]


def test_what_comes_in_behind_the_front_is_found(database: Database) -> None:
    """A process that claims on from where it was finds what is due earlier too: soon, and before it finds nothing."""
    store(database, *(nudge(number, due=NOW - number * MINUTE) for number in range(1, 60)))
    front = Front()
    assert [row.nudge for row in claim(database, limit=1, front=front)] == [nudge_id(59)]
    store(database, nudge(99, due=NOW - 99 * MINUTE))

    found = [row.nudge for _ in range(LOOK) for row in claim(database, limit=1, front=front)]
    assert found[0] == nudge_id(58), "it does not begin at the beginning each time"
    assert nudge_id(99) in found

    rest = [row.nudge for _ in range(8) for row in claim(database, limit=8, front=front)]
    assert sorted([nudge_id(59), *found, *rest]) == sorted([nudge_id(number) for number in [*range(1, 60), 99]])
    store(database, nudge(100, due=NOW - 100 * MINUTE))
    assert [row.nudge for row in claim(database, limit=8, front=front)] == [nudge_id(100)]


def test_a_front_where_nothing_is_left_is_given_up(database: Database) -> None:
    """Where nothing is due from the front on, the same claim looks from the beginning."""
    store(database, nudge(1), nudge(2))
    front = Front()
    claim(database, limit=2, front=front)
    store(database, nudge(3, due=NOW - MINUTE))

    assert [row.nudge for row in claim(database, limit=2, front=front)] == [nudge_id(3)]


def test_a_claimed_delivery_is_given_again_only_after_its_lease(database: Database) -> None:
    """Until the lease is over nobody else gets it; from then on it can be claimed again."""
    store(database, nudge(1))

    assert claim(database) == [Due(nudge_id(1), AIDA)]
    assert claim(database, holder="second") == []
    assert claim(database, LEASE - timedelta(microseconds=1), holder="second") == []
    assert claim(database, LEASE, holder="second") == [Due(nudge_id(1), AIDA)]
    assert claim(database, LEASE, holder="third") == []


def test_a_released_delivery_can_be_claimed_at_once(database: Database) -> None:
    """What is let go is free for everybody, and only that."""
    store(database, nudge(1), nudge(2))
    first, _ = claim(database)
    release(database, first)

    assert claim(database, holder="second") == [first]


def test_each_recipient_of_a_nudge_is_a_delivery(database: Database) -> None:
    """A minor's nudge is due to each guardian by itself."""
    store(database, to_guardians(1, BOLAT, DANA))

    assert sorted(claim(database)) == [Due(nudge_id(1), BOLAT), Due(nudge_id(1), DANA)]
    assert claim(database) == []


def test_what_is_released_for_one_guardian_stays_claimed_for_the_other(database: Database) -> None:
    """Each delivery has its own claim, but for a nudge that nobody has looked at: it has one for all guardians."""
    store(database, to_guardians(1, BOLAT, DANA), nudge(2))
    claim(database)
    release(database, Due(nudge_id(1), BOLAT), Due(nudge_id(2), DANA))

    assert sorted(claim(database)) == [Due(nudge_id(1), BOLAT), Due(nudge_id(2), AIDA)]


def test_one_guardian_may_be_done_before_the_other(database: Database) -> None:
    """What has ended for one recipient is still due to the other."""
    both = to_guardians(1, BOLAT, DANA)
    store(database, both)
    store(database, after(both, facts.NudgeWithheld(NOW, BOLAT, "opted_out")), new=False)

    assert claim(database) == [Due(nudge_id(1), DANA)]


@pytest.mark.parametrize(
    "ended",
    [
        sent(),
        after(nudge(), facts.NudgeCancelled(NOW)),
        after(nudge(), facts.NudgeWithheld(NOW, AIDA, "opted_out")),
        after(nudge(), facts.NudgeExpired(NOW, AIDA)),
        after(attempted(), facts.NudgeFailed(NOW, AIDA, 1, "refused")),
        after(attempted(), facts.NudgeUnknown(NOW, AIDA, 1, "no_outcome")),
    ],
    ids=lambda one: str(one.state),
)
def test_what_has_ended_is_never_due(database: Database, ended: Nudge) -> None:
    """An ended nudge leaves the due list, however late one looks."""
    store(database, nudge())
    store(database, ended, new=False)

    assert claim(database, timedelta(days=3650)) == []
    assert ask(database, nudges.next_due) is None


def test_each_trigger_has_its_share(database: Database) -> None:
    """Where rates bind, a claim takes of every trigger that has something due, however much one has before it."""
    many = [nudge(number, due=NOW - LEASE) for number in range(1, 30)]
    other = nudge(50, due=NOW, trigger="another")
    store(database, *many, other, nudge(51, due=NOW + LEASE, trigger="later"))
    assert Due(nudge_id(50), AIDA) not in claim(database)

    assert Due(nudge_id(50), AIDA) in claim(database, shares=Shares())
    assert len(claim(database, LEASE, limit=50, shares=Shares())) <= 31


def test_a_trigger_whose_messages_wait_is_claimed_less(database: Database) -> None:
    """What was given back is not claimed again, until more of the same can go: then twice as much, and so on."""
    one, shares = nudge(due=NOW), Shares()
    store(database, *(nudge(number, due=NOW) for number in range(1, 30)))
    taken = len(claim(database, shares=shares))
    shares.adjust([nudges.lane(one.intent)] * (taken - 1))

    assert (taken, len(claim(database, shares=shares))) == (10, 1)
    shares.adjust([])
    assert len(claim(database, shares=shares)) == 2


def test_only_the_lanes_of_what_is_urgent(database: Database) -> None:
    """The urgent drain takes its shares of what is urgent alone."""
    store(database, nudge(1, due=NOW, klass="offer"), nudge(2, due=NOW, klass="legal", trigger="law"))

    assert claim(database, shares=Shares(), urgent=True) == [Due(nudge_id(2), AIDA)]


def test_a_deferred_nudge_is_due_later(database: Database) -> None:
    """Put off means due then, by the same order."""
    store(database, after(nudge(), facts.NudgeDeferred(NOW, AIDA, NOW + MINUTE, "quiet_hours")))

    assert claim(database) == []
    assert claim(database, MINUTE) == [Due(nudge_id(1), AIDA)]


def test_an_open_attempt_is_due_when_its_lease_ends(database: Database) -> None:
    """An attempt without an outcome is looked at again when its lease is over, and not before."""
    store(database, attempted())

    assert claim(database, LEASE - timedelta(microseconds=1)) == []
    assert claim(database, LEASE) == [Due(nudge_id(1), AIDA)]


def test_the_next_due_time(database: Database) -> None:
    """When the next delivery is due, claimed or not; nothing where nothing waits."""
    assert ask(database, nudges.next_due) is None
    store(database, nudge(1, due=NOW + MINUTE), nudge(2, due=NOW + LEASE))

    assert ask(database, nudges.next_due) == micros(NOW + MINUTE)


def test_how_many_are_waiting(database: Database) -> None:
    """The operator sees how many deliveries are due by now, and since when the first of them could go."""
    assert ask(database, lambda connection: nudges.waiting(connection, micros(NOW))) == (0, None)
    store(database, nudge(1, due=NOW - MINUTE), nudge(2, due=NOW), nudge(3, due=NOW + MINUTE))  # planned at NOW

    assert ask(database, lambda connection: nudges.waiting(connection, micros(NOW))) == (2, micros(NOW))


# taking over from the dead


def test_open_attempts_are_known(database: Database) -> None:
    """Attempts without an outcome are counted and named; planned and sent nudges are not among them."""
    store(database, attempted(1), attempted(2), nudge(3, due=NOW + LEASE), sent(4))
    assert ask(database, nudges.open_attempts) == 2
    assert sorted(ask(database, nudges.attempted)) == [Due(nudge_id(1), AIDA), Due(nudge_id(2), AIDA)]


def test_the_claims_of_a_dead_process_end_now(database: Database) -> None:
    """What a dead process had claimed and not yet attempted can be claimed again."""
    store(database, nudge(1), nudge(2))
    claimed = claim(database, holder="dead")

    database.write(nudges.release_all)
    assert claim(database, holder="alive") == claimed


@pytest.mark.parametrize("many", [0, 1, 16, 17, 256, 257])
def test_any_number_of_nudges_is_found(database: Database, many: int) -> None:
    """Each that is asked for is found, once, and no other, however many fit into one statement."""
    every = [nudge(number) for number in range(1, 259)]
    store(database, *every)
    wanted = {one.intent.id: one for one in every[:many]}
    assert ask(database, lambda connection: nudges.by_id(connection, wanted)) == wanted


# what reached whom


def test_the_inbox_has_what_was_attempted(database: Database) -> None:
    """A nudge is in its recipient's inbox from its first attempt on: how and when it went, since when it counts."""
    store(database, nudge(1), attempted(2), sent(3))

    counts, rest = micros(ON_ITS_WAY), (None, "push", "identity_card", ENDLESS)
    assert rows_of_inbox(database) == [
        (AIDA, nudge_id(2), micros(NOW), "push", "attempted", counts, *rest),
        (AIDA, nudge_id(3), micros(NOW + timedelta(seconds=1)), "push", "sent", micros(NOW), *rest),
    ]


def test_a_guardian_has_an_inbox_of_their_own(database: Database) -> None:
    """What went to a guardian is in the guardian's inbox, not in the child's."""
    to_dana = facts.NudgeAttempted(NOW, DANA, 1, "sms", "sms", NOW + LEASE)
    store(database, after(to_guardians(1, BOLAT, DANA), to_dana))

    counts = micros(ON_ITS_WAY)
    assert rows_of_inbox(database) == [
        (DANA, nudge_id(1), micros(NOW), "sms", "attempted", counts, None, "sms", "identity_card", ENDLESS)
    ]
    assert counted(database, due) == 2


def test_unknown_outcomes_are_counted_by_cause_and_age(database: Database) -> None:
    """Those that an operator has to decide about are counted by cause, provider, channel and age."""
    unknown, closed = ("sms", "unknown", None, "timed_out", "centre", "card", None), ("sms", "unknown", *[None] * 5)
    told = [(1, unknown), (5, unknown), (9, unknown), (10, unknown), (10, closed)]
    rows = [(AIDA, UUID(int=number), at, *what) for number, (at, what) in enumerate(told)]
    database.write(lambda connection: insert_rows(connection, inbox, rows))
    ages = {"new": 8, "old": 4}
    found = ask(database, lambda connection: inbox_view.unresolved_by_age(connection, ages, "older"))
    cause = inbox_view.Cause("timed_out", "centre", "sms")
    assert found == {(cause, "new"): 2, (cause, "old"): 1, (cause, "older"): 1}


def rows_of_inbox(database: Database) -> list[tuple[object, ...]]:
    """All rows, by nudge."""
    return ask(
        database,
        lambda connection: [tuple(row) for row in connection.execute(inbox.select().order_by(inbox.c.nudge))],
    )
