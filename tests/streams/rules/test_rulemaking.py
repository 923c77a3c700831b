"""The aggregates of the rules in the log: read by eventsourcing's repository, saved in the caller's transaction."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from eventsourcing.persistence import IntegrityError
from sqlalchemy import Connection, Delete, Update, delete, update

from domain.facts.governance import TriggerApproved, TriggerPaused
from streams.log.damaged import DamagedFact
from streams.log.mapper import Entry
from streams.rules.aggregates import GovernedTrigger
from streams.rules.publishing import Rulemaking, govern
from streams.storage.tables import log
from tests.streams.rules.test_aggregates import APPROVED, DANA, MAY, NOW, OLEG, WITHDRAWN, published, submitted
from tests.streams.storing import NAMES, PATIENCE, Store

CARD = NAMES.registry_stream("trigger", "card")
OLD = (
    (
        "trigger-submitted/1",
        "98d6ff683d4bf0a461696461a4746f776ea463617264a76c696272617279a46861736881a56f776e6572a76c69627261727980",
    ),
    ("trigger-approved/1", "94d6ff683d4bf0a464616e61a463617264a468617368"),
    (
        "trigger-published/1",
        "99d6ff683d4bf0a461696461a4746f776ea463617264a46861736881a56f776e6572a76c69627261727980d6ff683d4bf0d6ff683d4bf0",
    ),
    ("trigger-paused/1", "93d6ff683d4bf0a461696461a463617264"),
    ("trigger-reach-changed/1", "96d6ff683d4bf0a461696461a463617264a468617368d6ff68127330d6ff683d4bf0"),
)
"""Facts as the first releases stored them: without the fields that came later."""


def begin(store: Store, *facts: object) -> None:
    """Put facts about the card into the log."""
    store.append(*(Entry(CARD, version, fact) for version, fact in enumerate(facts, 1)))  # type: ignore[arg-type]


def card(store: Store) -> GovernedTrigger:
    """The trigger of the card, as the repository reads it."""
    with store.database.reading() as connection:
        return Rulemaking(connection, store.log, NAMES).trigger("card")


def save(store: Store, trigger: GovernedTrigger) -> None:
    """Save the trigger in a transaction of its own, without the lock of those who govern."""
    store.database.write(lambda connection: Rulemaking(connection, store.log, NAMES).save(trigger))


def test_facts_stored_by_the_first_releases_are_read(store: Store) -> None:
    """The repository gives the trigger as the bytes of the first releases tell of it, each at its position."""
    rows = [(CARD, version, topic, bytes.fromhex(state)) for version, (topic, state) in enumerate(OLD, 1)]
    store.database.write(lambda connection: store.log.facts.append(connection, rows))
    trigger = card(store)
    assert trigger.version == len(OLD)
    assert (trigger.submissions["hash"].approved_by, trigger.submissions["hash"].said) == ("dana", "")
    assert [(one.position, one.fact.share, one.fact.reach) for one in trigger.publications] == [(3, 1.0, MAY)]
    assert trigger.stop is not None
    assert trigger.stop.reason == ""


def test_what_is_saved_are_the_bytes_of_the_fact(store: Store) -> None:
    """An aggregate's event is stored under the fact's topic, as the log itself would have encoded it."""
    begin(store, submitted("aida"))
    trigger = card(store)
    trigger.approve(DANA, "v1", "fine", NOW)
    save(store, trigger)
    assert store.scanned()[1:] == [Entry(CARD, 2, TriggerApproved(NOW, "dana", "card", "v1", "fine"), 2)]


def test_of_two_writers_who_saw_the_same_one_is_refused(store: Store) -> None:
    """Optimistic concurrency: whoever saves an aggregate that somebody else changed meanwhile changes nothing."""
    begin(store, submitted("aida"), APPROVED, published())
    first, second = card(store), card(store)
    first.pause(OLEG, "first", NOW)
    second.pause(OLEG, "second", NOW)
    save(store, first)
    with pytest.raises(IntegrityError):
        save(store, second)
    assert [entry.fact for entry in store.scanned()][3:] == [TriggerPaused(NOW, "oleg", "card", "first")]


def test_two_approvers_at_once_approve_once(store: Store) -> None:
    """Of two who approve a version at the same time, the second sees the approval of the first."""
    begin(store, submitted("aida"))
    together = threading.Barrier(2)

    def approve() -> bool:
        together.wait(PATIENCE)
        return govern(
            store.database, store.log, NAMES, lambda rules: rules.trigger("card").approve(DANA, "v1", "", NOW)
        )

    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(approve) for _ in range(2)]
        assert sorted(each.result(PATIENCE) for each in done) == [False, True]
    assert [entry.fact for entry in store.scanned()][1:] == [APPROVED]


def test_an_aggregate_is_saved_in_the_transaction_of_the_caller(store: Store) -> None:
    """What fails after the save takes the facts of the aggregate with it."""
    begin(store, submitted("aida"))

    def work(connection: Connection) -> None:
        rules = Rulemaking(connection, store.log, NAMES)
        rules.trigger("card").approve(DANA, "v1", "", NOW)
        rules.store()
        assert Rulemaking(connection, store.log, NAMES).trigger("card").version == 2
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.database.write(work)
    assert card(store).version == 1


def test_a_damaged_fact_is_named_by_its_position(store: Store) -> None:
    """The repository says of a fact that cannot be read where it stands, as every other reader does."""
    begin(store, submitted("aida"))
    broken = [(CARD, 2, TriggerApproved.TOPIC, b"\xc1")]
    store.database.write(lambda connection: store.log.facts.append(connection, broken))
    with pytest.raises(DamagedFact, match="position 2"):
        card(store)


@pytest.mark.parametrize("lost", [1, 2, 3])
@pytest.mark.parametrize("how", [delete(log), update(log).values(code=b"forged")])
def test_a_trigger_whose_history_has_a_gap_is_still_paused(store: Store, lost: int, how: Delete | Update) -> None:
    """Where somebody deleted or forged a row of its stream, what is left counts, and the next fact has a place."""
    begin(store, submitted("aida"), APPROVED, published(), WITHDRAWN)
    store.database.write(lambda connection: connection.execute(how.where(log.c.position == lost)))
    assert govern(store.database, store.log, NAMES, lambda rules: rules.trigger("card").pause(OLEG, "storm", NOW))
    assert card(store).paused == TriggerPaused(NOW, "oleg", "card", "storm")
    assert card(store).version == 5


def test_nothing_in_the_environment_changes_the_application(store: Store) -> None:
    """The library reads settings from the environment of the process; this application has none of them."""
    with store.database.reading() as connection:
        assert Rulemaking(connection, store.log, NAMES).env == {}
