"""Small pieces of the past for backtests: what happened, when it was told, and the platform that lived through it."""

import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from app.simulation.population import simulate
from domain.nudges.delivery import State
from domain.nudges.digest import is_digest
from projections import nudges
from projections.tables import moment
from streams.intake.cloudevents import Envelope, envelope_of
from streams.intake.intake import IntakeOutcome
from streams.rehearsal.backtest import Backtest, BacktestQuestion
from streams.rehearsal.backtest_results import AHEAD, PersonResult, Samples, Tally
from streams.rules.drafts import Draft, rules_with
from streams.rules.publishing import Publisher
from templates.checks.loader import Pack
from tests.beginnings import packs_in
from tests.world import World, annulled, birth, card, corrected, event, few_triggers, fine, iin, registered

START, END = datetime(2025, 3, 3, 7, tzinfo=UTC), datetime(2025, 6, 1, 7, tzinfo=UTC)
MORE = ("vaccination_due", "medical_insurance_adult", "work_offers_consent", "childcare_allowance")
SINCE = date(2024, 6, 1)
FAMILIES = 4


class Told(Struct, frozen=True, order=True):
    """When something is reported, and what."""

    known: datetime
    id: str
    envelope: Envelope


def past(seed: int, citizens: int = 14) -> list[Told]:
    """A year of a few citizens: late reports, corrections, annulments, refusals of a kind of message."""
    random = Random(seed)  # noqa: S311  (a test's, the same every time)
    found: list[Told] = []
    people: set[str] = set()
    for each in simulate(citizens, seed, SINCE, END.date()):
        envelope = envelope_of(msgspec.to_builtins(each))
        known = datetime.fromisoformat(envelope.time).astimezone(UTC)
        if random.random() < 0.2:
            known += timedelta(days=random.choice([0, 1, 5, 40]), minutes=random.randrange(1000))
        found.append(Told(known, envelope.id, envelope))
        people |= {envelope.subject} if envelope.subject else set()
        if random.random() < 0.15:
            found.append(_again(random, found[-1], annul=random.random() < 0.4))
    for number in range(FAMILIES):
        found += _family(random, number)
    for person in sorted(people):
        if random.random() < 0.3:
            found.append(_refusal(random, person))
    return sorted(found)


def _family(random: Random, number: int) -> Iterator[Told]:
    """A mother of several, all of whom are to be vaccinated within days, with cards and fines of her own."""
    mother, father = iin(100 + 10 * number), iin(101 + 10 * number)
    envelopes = [*registered(mother, "1990-01-01"), *registered(father, "1988-01-01")]
    for each in range(random.randrange(2, 5)):
        child = iin(102 + 10 * number + each)
        parents = {"father": father} if random.random() < 0.5 else {}
        envelopes.append(birth(child, mother, f"2024-0{random.randrange(1, 9)}-11", **parents))
        for visit in ("two_months", "one_year", "two_years"):
            on = START.date() + timedelta(days=random.randrange(8, 40))
            data = {"visit": visit, "planned_on": on.isoformat()}
            time = (START - timedelta(days=random.randrange(2, 30))).isoformat()
            envelopes.append(
                event("kz.health.vaccination_planned", child, time, data, id=f"v{number}-{each}-{visit}")
            )
    for fined in range(random.randrange(0, 4)):
        moment_ = START + timedelta(days=random.randrange(5, 25))
        envelopes.append(fine(mother, f"{number}-{fined}", moment_.isoformat()))
        envelopes.append(card(mother, (moment_ + timedelta(days=31)).date().isoformat(), f"C{number}{fined}"))
    return (Told(datetime.fromisoformat(each.time).astimezone(UTC), each.id, each) for each in envelopes)


def _again(random: Random, told: Told, *, annul: bool) -> Told:
    before = told.envelope
    after = annulled(before, 2) if annul else corrected(before, 2)
    known = told.known + timedelta(days=random.randrange(-3, 30))
    return Told(max(known, datetime.fromisoformat(before.time).astimezone(UTC)), after.id, after)


def _refusal(random: Random, person: str) -> Told:
    known = START + timedelta(days=random.randrange(-60, 60), hours=random.randrange(24))
    refused = random.choice(["children", "documents", "fines", "work"])
    data = {"opted_out": [refused]} if random.random() < 0.6 else {"channels": ["sms"]}
    told = event("citizen.preferences_changed", person, known.isoformat(), data, id=f"wish-{random.random()}")
    return Told(known, told.id, told)


class Pasts(Struct, frozen=True):
    """The packs before the publication, which have no trigger, and those that are published."""

    bare: Path
    full: Path

    @staticmethod
    def in_folder(folder: Path) -> "Pasts":
        """Both written into the folder."""
        full, bare = few_triggers(folder / "full", *MORE), folder / "bare" / "few"
        shutil.copytree(
            full,
            bare,
            ignore=lambda _, names: [
                name for name in names if "." not in name and (full / name / "trigger.yaml").is_file()
            ],
        )
        return Pasts(bare, full)

    @property
    def draft(self) -> Draft:
        """All triggers of the pack, as a draft."""
        return draft_of(packs_in([self.full])[-1])

    def one(self, trigger: str) -> Draft:
        """One trigger of the pack, as a draft."""
        return replace(self.draft, triggers=tuple(each for each in self.draft.triggers if each.name == trigger))


def draft_of(pack: Pack) -> Draft:
    """A pack as a draft."""
    return Draft(pack.name, pack.content, pack.triggers)


async def lived(world: World, packs: Sequence[Path], told: Sequence[Told]) -> None:
    """Everything is told in its time; at the start the packs are published; what is due goes when it is due."""
    waiting, published, taken = sorted(told, reverse=True), False, list[IntakeOutcome]()
    while True:
        with world.platform.database.reading() as connection:
            due = nudges.next_due(connection)
        come = [
            *([waiting[-1].known] if waiting else []),
            *([moment(due)] if due else []),
            *([] if published else [START]),
        ]
        if not come or min(come) >= END:
            assert all(each.refused is None for each in taken), taken
            return
        world.at(max(min(come), world.clock()))
        while waiting and waiting[-1].known <= world.clock():
            taken.append(world.take(waiting.pop().envelope)[0])
        if not published and world.clock() >= START:
            platform, published = world.platform, True
            publisher = Publisher(platform.database, platform.log, platform.identity.names)
            publisher.publish(packs_in(packs), by="pack", now=START)
        await world.settle()


def question_of(world: World, draft: Draft, *, others: bool = False) -> BacktestQuestion:
    """What the draft would have said from the start to the end; `others`: beside all that is in force."""
    platform = world.platform
    rules = rules_with(draft, platform.rules.library.rules().governed, START, platform.identity.names, others=others)
    return BacktestQuestion(rules, draft.names, START, END)


def played(world: World, question: BacktestQuestion, *, together: bool = True) -> dict[str, PersonResult]:
    """Everybody's part; `together`: families are played together, as they are."""
    platform = world.platform
    backtest = Backtest(platform.database, platform.log, question)
    found = [own for owns in backtest.results(question.selection(), Tally()) for own in owns]
    if not together:
        found = [*backtest.together([[own.person] for own in found], backtest.sides, question.end, Samples())]
    return {own.person: own for own in found}


def went_live(world: World) -> set[tuple[object, ...]]:
    """What went: nudge, recipient, when, by which channel, in which words."""
    at = {(one.intent.id, each.recipient): each.sent_at for one in world.nudges() for each in one.deliveries}
    return {
        (each.nudge, each.recipient, at[each.nudge, each.recipient], each.channel, each.language)
        for each in world.sent
    }


def went_played(owns: dict[str, PersonResult]) -> set[tuple[object, ...]]:
    """The same of a backtest."""
    return {
        (each.nudge, each.to, each.at, each.channel, each.language)
        for own in owns.values()
        for each in own.played.messages
        if not each.digest
    }


def ended_live(world: World) -> Iterator[tuple[object, ...]]:
    """What did not go, and why."""
    for one in world.nudges():
        for each in one.deliveries:
            if not each.maybe_sent and not is_digest(one.intent):
                what = AHEAD if each.due is not None else each.state.value
                yield one.intent.id, each.recipient, what, each.reason if each.state is State.WITHHELD else None


def ended_played(owns: dict[str, PersonResult]) -> Iterator[tuple[object, ...]]:
    """The same of a backtest."""
    for own in owns.values():
        for each in own.played.unsent:
            yield each.nudge, each.to, each.what, each.reason if each.what == "withheld" else None
