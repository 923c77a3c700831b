"""By which way messages went: what became of each attempt is counted by its own channel and language."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.facts.facts import (
    NudgeAnswered,
    NudgeAttempted,
    NudgeCancelled,
    NudgeDelivered,
    NudgeDone,
    NudgeFact,
    NudgeOpened,
    NudgePlanned,
    NudgeSent,
    NudgeUndone,
)
from streams.log.mapper import Entry
from streams.replay.follower import Subject, additions_of, attempts_before
from tests.streams.storing import AIDA, DANA, NOW, Store, modest

CHILD, OTHER, UNSENT, REPLY = UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=9)
LATER = datetime(2030, 1, 1, tzinfo=UTC)


def planned(id_: UUID) -> NudgePlanned:
    """It was planned for Aida."""
    return NudgePlanned(
        NOW, AIDA, "card", "card@1", id_, "month", LATER, None, "service", ("push", "sms"), UUID(int=5)
    )


def attempted(to: str, number: int, channel: str, language: str = "", provider: str = "one") -> NudgeAttempted:
    """It was handed over."""
    return NudgeAttempted(NOW, to, number, channel, provider, NOW + timedelta(minutes=3), language)


STORY: Sequence[tuple[UUID, NudgeFact]] = (
    (CHILD, planned(CHILD)),
    (OTHER, planned(OTHER)),
    (CHILD, attempted(AIDA, 1, "push", "kk")),
    (CHILD, attempted(DANA, 1, "sms", "ru")),
    (CHILD, NudgeSent(NOW, AIDA, 1, "")),
    (OTHER, attempted(AIDA, 1, "email", "kk", "digest")),
    (CHILD, NudgeSent(NOW, DANA, 1, "")),
    (OTHER, NudgeSent(NOW, AIDA, 1, "")),
    (CHILD, attempted(AIDA, 2, "sms", "kk")),
    (CHILD, NudgeSent(NOW, AIDA, 2, "")),
    (CHILD, NudgeDelivered(NOW, AIDA, 1)),
    (CHILD, NudgeOpened(NOW, AIDA, 2)),
    (CHILD, NudgeAnswered(NOW, AIDA, REPLY)),
    (CHILD, attempted(AIDA, 3, "email")),
    (CHILD, NudgeSent(NOW, AIDA, 3, "")),
    (CHILD, NudgeDone(NOW, AIDA, 2, NOW)),
    (CHILD, NudgeDone(NOW, DANA, 1, NOW)),
    (CHILD, NudgeUndone(NOW, DANA, 1, NOW)),
    (OTHER, NudgeDone(NOW, AIDA, 1, NOW)),
    (UNSENT, planned(UNSENT)),
    (OTHER, NudgeCancelled(NOW)),
    (UNSENT, NudgeCancelled(NOW)),
)
"""Of two guardians; one is silent by push and gets an SMS, the push arrives after all, and they answer the SMS.

Then it is done, which for the other one turns out not to be so; and what went with a digest is done as well. That is
found to be wrong afterwards, and so is what nobody has sent yet.
"""
COUNTED = {
    "planned": 3,
    "cancelled": 1,
    "attempted.push.kk": 1,
    "attempted.sms.ru": 1,
    "attempted.sms.kk": 1,
    "attempted.digest.kk": 1,
    "attempted.email": 1,
    "sent.push.kk": 1,
    "sent.sms.ru": 1,
    "sent.sms.kk": 1,
    "sent.digest.kk": 1,
    "sent.email": 1,
    "delivered.push.kk": 1,
    "opened.sms.kk": 1,
    "answered.sms.kk": 1,
    "done.sms.kk": 1,
    "done.sms.ru": 0,
    "done.digest.kk": 1,
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A log with the story in it."""
    folder: Path = tmp_path_factory.mktemp("ways")
    made = Store(f"sqlite:///{folder / 'habarshy.db'}")
    versions = {CHILD: 0, OTHER: 0, UNSENT: 0}
    for id_, fact in STORY:
        versions[id_] += 1
        made.append(Entry(id_, versions[id_], fact))
    yield made
    made.database.close()


@modest
@given(cuts=st.sets(st.integers(1, len(STORY) - 1)))
def test_however_the_log_is_cut_into_pages_each_counts_by_its_own_attempt(store: Store, cuts: set[int]) -> None:
    """A late receipt of the first channel counts for that one, an answer for the last, whatever page they are on."""
    subjects = dict.fromkeys((CHILD, OTHER, UNSENT), Subject(AIDA, "card"))
    found: Counter[str] = Counter()
    with store.database.reading() as connection:
        for first, last in zip([0, *sorted(cuts)], [*sorted(cuts), len(STORY)], strict=True):
            entries = store.log.page(connection, first, last)
            page = additions_of(entries, subjects, attempts_before(connection, store.log, entries))
            found.update({what: count for (_, _, what), count in page.counts.items()})
    assert found == Counter(COUNTED)
