"""The golden corpus: what the platform decides and says over two years, as digests.

`python -m benchmarks.golden` lets 3,000 invented citizens live from 2024 to 2026, with corrections and annulments. It
prints a digest of each kind of result. `--write FILE` keeps the digests. `--against FILE` compares with kept ones and
ends with 1 where one differs: so a change of structure shows that it changed no behaviour.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import Any

from msgspec import to_builtins
from msgspec.structs import replace

from app.clock import VirtualClock
from app.compose import Platform, compose
from app.compose_sending import compose_engine
from app.demo.population import Population, population
from app.reports.plain_data import as_plain
from app.settings import Settings
from domain.facts.receipts import ReceiptStatus
from domain.persons.channels import ADDRESS_OF
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Message
from notifiers.port.routes import single_routes
from projections import statistics
from streams.delivery.outcomes.receipt_facts import Receipt
from streams.intake.cloudevents import Envelope, time_of
from streams.planning.recompute import intents_of
from streams.queries.explain import explain
from tests.beginnings import KEYRING

START, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
SEED = 11
STEP = timedelta(hours=4)
MOST = 20_000
"""More events than happen in one step."""
EXPLAINED = 200
ENGLISH = ("title", "cause_title", "clause", "words", "legal_basis", "used")
"""Parts of an explanation that are words for readers."""


def main() -> int:
    """Run the corpus, print its digests, and compare or keep them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.golden")
    parser.add_argument("--citizens", type=int, default=3000)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--against", type=Path)
    asked = parser.parse_args()
    found = corpus(asked.citizens)
    print(json.dumps(found, indent=2))
    if asked.write:
        asked.write.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    if asked.against:
        kept = json.loads(asked.against.read_text(encoding="utf-8"))
        differing = sorted(name for name in kept.keys() | found.keys() if kept.get(name) != found.get(name))
        print(f"differs: {', '.join(differing)}" if differing else "equal", file=sys.stderr)
        return 1 if differing else 0
    return 0


def corpus(citizens: int) -> dict[str, str]:
    """Return the digest of each kind of result after two years of that many citizens."""
    with tempfile.TemporaryDirectory() as folder:
        clock = VirtualClock(START)
        settings = Settings.model_construct(
            database=f"sqlite:///{folder}/golden.sqlite",
            key_file=Path(folder) / "key",
            base_url="https://example.org",
        )
        platform = compose(settings, clock, KEYRING)
        try:
            mailroom = Mailroom(platform)
            asyncio.run(_lived(platform, clock, mailroom, _people(citizens)))  # noqa: TID251  (the same on every loop)
            return dict(_digests(platform, mailroom))
        finally:
            platform.database.close()


class Mailroom:
    """Keeps what was handed over, and reports on it at the next step, whatever the order of handing over was."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self.handed: list[Message] = []
        self._open: list[Message] = []

    def keep(self, message: Message) -> None:
        """Take a message over: the sink of the fakes."""
        self._platform.delivery.fake_outbox.keep(message)
        self.handed.append(message)
        self._open.append(message)

    def report(self) -> None:
        """Report on everything that was handed over since the last time: most arrives, some bounces."""
        reported, self._open = sorted(self._open, key=_identity), []
        for message in reported:
            bounced = Random("/".join(map(str, _identity(message)))).random() < 1 / 30  # noqa: S311  (drawn again)
            heard, reason = (ReceiptStatus.FAILED, "bounced") if bounced else (ReceiptStatus.DELIVERED, "")
            self._platform.delivery.receipts.record(
                Receipt(message.nudge, message.recipient, message.attempt, heard, reason)
            )


def _identity(message: Message) -> tuple[str, str, int]:
    return str(message.nudge), message.recipient, message.attempt


async def _lived(platform: Platform, clock: VirtualClock, mailroom: Mailroom, people: Population) -> None:
    notifiers = {channel: FakeNotifier(channel, mailroom.keep) for channel in ADDRESS_OF}
    engine = compose_engine(platform, single_routes(notifiers))
    platform.intake.accept(people.known, START)
    await engine.until_idle()
    arrived = 0
    while clock() < END:
        clock.advance_to(clock() + STEP)
        mailroom.report()
        now = [event for event in people.coming[arrived : arrived + MOST] if time_of(event) <= clock()]
        platform.intake.accept(now, None)
        arrived += len(now)
        await engine.until_idle()


def _people(citizens: int) -> Population:
    """The demo's population; one event in twelve is reported again with a new revision, or annulled."""
    people = population(citizens, SEED, START, END)
    random = Random(SEED)  # noqa: S311  (drawn to be repeated)
    coming = [again for event in people.coming for again in (event, *_revised(random, event))]
    coming.sort(key=lambda event: (time_of(event), event.id))
    return Population(people.known, tuple(coming))


def _revised(random: Random, event: Envelope) -> Iterator[Envelope]:
    if random.random() < 1 / 12 and event.type.startswith("kz."):
        later = time_of(event) + timedelta(hours=random.randrange(1, 400))
        if later < END:
            changed = {"annuls": True, "data": None} if random.random() < 1 / 3 else {"data": _moved(random, event)}
            yield replace(event, id=f"{event.id}-r", corrects=event.id, revision=2, **changed)


def _moved(random: Random, event: Envelope) -> dict[str, Any]:
    """The event's data with its dates moved by some days."""
    by = timedelta(days=random.randrange(-5, 20))
    return {name: _later(value, by) for name, value in (event.data or {}).items()}


def _later(value: Any, by: timedelta) -> Any:
    try:
        return (date.fromisoformat(value) + by).isoformat()
    except (TypeError, ValueError):
        return value


def _digests(platform: Platform, mailroom: Mailroom) -> Iterator[tuple[str, str]]:
    rules = platform.rules.library.rules()
    intents = [
        each
        for batch in intents_of(platform.database, platform.log, platform.rules.library.rules().rulebook)
        for each in batch
    ]
    yield "intents", _digest(sorted(_json(each) for each in intents))
    nudges = sorted({each.nudge for each in mailroom.handed})
    with platform.database.reading() as connection:
        counts = statistics.between(connection, START.date(), END.date())
        yield "statistics", _digest(counts)
        yield (
            "handed over",
            _digest(sorted((*_identity(each), each.channel, each.language) for each in mailroom.handed)),
        )
        kept = [
            _plain(found)
            for nudge, recipient in sorted({(each.nudge, each.recipient) for each in mailroom.handed})
            for found in platform.delivery.fake_outbox.last_of_each(connection, recipient, [nudge]).values()
        ]
        yield "rendered messages", _digest(kept)
        facts = platform.log.streams(connection, nudges)
        yield "facts of nudges", _digest(sorted(_fact(entry) for entry in facts))
        chosen = nudges[:: max(1, len(nudges) // EXPLAINED)][:EXPLAINED]
        why = [as_plain(explain(connection, platform.log, rules, nudge, END)) for nudge in chosen]
        yield "why", _digest([{name: value for name, value in each.items() if name not in ENGLISH} for each in why])
    yield "counts", f"{len(intents)} intents, {len(nudges)} nudges sent, {len(mailroom.handed)} messages"


def _fact(entry: Any) -> str:
    return _json([str(entry.originator_id), entry.fact.TOPIC, _plain(entry.fact)])


def _plain(thing: Any) -> Any:
    return to_builtins(thing, str_keys=True, enc_hook=str)


def _json(thing: Any) -> str:
    return json.dumps(_plain(thing), sort_keys=True, ensure_ascii=False, default=str)


def _digest(things: Iterable[Any]) -> str:
    digest = blake2b(digest_size=16)
    for each in things:
        digest.update(_json(each).encode() + b"\n")
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
