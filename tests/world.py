"""A platform for tests: real SQLite, a few shipped triggers, a clock moved by hand, fakes that keep what they get."""

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy import select
from sqlalchemy.engine import make_url

from app.clock import VirtualClock
from app.compose import Platform, compose
from app.compose_sending import compose_engine
from app.settings import Settings, load_settings
from domain.core.national_id import with_check_digit
from domain.facts.governance import ControlSet
from domain.nudges.delivery import Delivery
from domain.nudges.nudge import Nudge
from domain.planning.plan import Intent
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Message, Notifier, Outcome
from notifiers.port.routes import single_routes
from projections import governance, history, nudges, tables
from streams.intake.cloudevents import Envelope, envelope_of
from streams.intake.intake import IntakeOutcome
from streams.log.mapper import Entry
from streams.planning.recompute import intents_of
from streams.queries.explain import Explanation, explain
from streams.queries.health import Health, health
from streams.runtime.scheduler import Engine
from streams.storage.tables import log
from templates.checks.loader import shipped
from tests.beginnings import KEYRING, at_first, publish, unchanging

NOON = datetime(2025, 6, 2, 7, tzinfo=UTC)  # 12:00 in Almaty: nobody's quiet hours


def iin(number: int) -> str:
    """A valid national id: the number-th person of these tests."""
    for serial in range(number * 10, number * 10 + 10):
        if (found := with_check_digit(f"900101{3}{serial:04d}")) is not None:
            return found
    raise AssertionError("ten serial numbers in a row have no check digit")


TRIGGERS = (
    "birth_allowance",
    "clinic_attachment",
    "identity_card_expiry",
    "kindergarten_queue",
    "retirement_age",
    "traffic_fine_discount",
)
"""What a world knows of the pack kz, so that what a test counts does not grow with the pack."""


def few_triggers(folder: Path, *more: str) -> Path:
    """The pack kz as it is shipped, with all its event types and a few of its triggers, and `more`."""
    [kz] = [path for path in shipped() if path.name == "kz"]
    made = folder / "few"
    made.mkdir(parents=True, exist_ok=True)
    for path in kz.iterdir():
        link = made / path.name
        if (path.is_file() or path.name in ("events", *TRIGGERS, *more)) and not link.exists():
            link.symlink_to(path)
    return made


_EVENTS = {"future_events": "accept"}


@cache
def _settings() -> Settings:
    """The settings of most worlds: to read where each comes from takes as long as a short test."""
    return load_settings(**_EVENTS)


_OURS = TemporaryDirectory(prefix="habarshy-few-")


@cache
def _usual() -> Path:
    """The few triggers, for all worlds of this process."""
    return unchanging(few_triggers(Path(_OURS.name)))


def limited(folder: Path, **limits: str) -> Path:
    """The few triggers, with limits for some event types (by the names of their files)."""
    few = few_triggers(folder)
    _add_to_events(few, lambda stem: f"\nretention: {limits[stem]}\n" if stem in limits else "")
    return few


def at_any_time(folder: Path) -> Path:
    """The pack kz as it is shipped, but its events may be dated as far ahead of the clock as a test likes."""
    [kz] = [path for path in shipped() if path.name == "kz"]
    made = folder / "kz_at_any_time"
    made.mkdir(parents=True)
    for path in kz.iterdir():
        (made / path.name).symlink_to(path)
    _add_to_events(made, lambda _: "\nahead: any\n")
    return made


def _add_to_events(pack: Path, more: Callable[[str], str]) -> None:
    """Put the pack's own copies of its event types in place of the link to them, with `more` by the file's name."""
    events = (pack / "events").resolve()
    (pack / "events").unlink()
    (pack / "events").mkdir()
    for path in events.iterdir():
        text = path.read_text(encoding="utf-8") + more(path.stem)
        (pack / "events" / path.name).write_text(text, encoding="utf-8")


LONG_AGO = "1950-01-01"
"""A birth date with which nothing is ahead but what a test reports: the pension age is behind."""


def event(type_: str, subject: str | None, time: str, data: Mapping[str, Any], **more: Any) -> Envelope:
    """A CloudEvent; its id is made from type, subject and time unless given."""
    attributes = {
        "specversion": "1.0",
        "id": f"{type_}-{len(data)}-{time}",
        "source": "/test",
        "type": type_,
        "time": time,
        "subject": subject,
        "data": dict(data),
    }
    return envelope_of({name: value for name, value in (attributes | more).items() if value is not None})


def registered(person: str, born_on: str = "1990-01-01", *, language: str = "kk", **contact: str) -> list[Envelope]:
    """The events with which a citizen opens: registration, contact and language."""
    names = {"given_name": "Айгерім", "family_name": "Серікқызы", "sex": "female", "born_on": born_on}
    return [
        event("kz.citizen.registered", person, "2020-01-01T00:00:00+05:00", names, id=f"reg-{_tail(person)}"),
        event(
            "citizen.contact_changed",
            person,
            "2020-01-02T00:00:00+05:00",
            {"phone": "+77011234567", "email": "a@example.org"} | contact,
            id=f"contact-{_tail(person)}",
        ),
        event(
            "citizen.preferences_changed",
            person,
            "2020-01-03T00:00:00+05:00",
            {"language": language},
            id=f"language-{_tail(person)}",
        ),
    ]


def _tail(person: str) -> str:
    return person[6:11]


def card(
    person: str, expires_on: str, number: str = "N1", time: str = "2025-01-10T12:00:00+05:00", **more: Any
) -> Envelope:
    """An identity card was issued."""
    data = {"kind": "identity_card", "number": number, "issued_on": time[:10], "expires_on": expires_on}
    return event("kz.document.issued", person, time, data, **({"id": f"card-{number}-{_tail(person)}"} | more))


def fine(person: str, number: str, time: str, **more: Any) -> Envelope:
    """A traffic fine was issued."""
    data = {"number": number, "amount": 43250, "violated_on": time[:10], "issued_on": time[:10]}
    return event("kz.traffic.fine_issued", person, time, data, **({"id": f"fine-{number}"} | more))


def birth(child: str, mother: str, born_on: str, **more: Any) -> Envelope:
    """A birth was registered at noon of its day; `father` names him, if he is known."""
    parents = {"mother": mother} | ({"father": more.pop("father")} if "father" in more else {})
    names = {"given_name": "Дана", "family_name": "Серікқызы", "sex": "female", "born_on": born_on, "order": 1}
    attributes = {"id": f"birth-{_tail(child)}"} | more
    return event("kz.civil.birth_registered", child, f"{born_on}T12:00:00+05:00", parents | names, **attributes)


def corrected(envelope: Envelope, revision: int, **changes: Any) -> Envelope:
    """A correction of the event: the same data with changes."""
    data = (envelope.data or {}) | changes
    return replace(envelope, id=f"{envelope.id}-r{revision}", data=data, corrects=envelope.id, revision=revision)


def annulled(envelope: Envelope, revision: int) -> Envelope:
    """An annulment of the event, which names nobody."""
    nobody = replace(envelope, subject=None, data=None, annuls=True)
    return replace(nobody, id=f"{envelope.id}-a{revision}", corrects=envelope.id, revision=revision)


class World:
    """One platform on a file of its own, with fakes for all channels.

    `packs`: instead of `few_triggers`; `copy_of`: a database to start from; `notifiers`: instead of the fakes; `url`:
    a database with our tables instead of the file, which gets the packs if its log is empty; and more `settings`.
    Events may be dated ahead of the clock unless `future_events="refuse"`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        now: datetime = NOON,
        script: Mapping[str, Iterable[Outcome]] | None = None,
        packs: Sequence[Path] = (),
        copy_of: Path | None = None,
        notifiers: Mapping[str, Notifier] | None = None,
        url: str = "",
        **settings: Any,
    ) -> None:
        self.clock = VirtualClock(now)
        self.sent: list[Message] = []
        at = make_url(url or f"sqlite:///{folder}/world.sqlite")
        self.file, on_file = Path(at.database or ""), at.drivername == "sqlite"
        folder.mkdir(parents=True, exist_ok=True)
        if on_file and copy_of is not None:
            shutil.copy(copy_of, self.file)
        elif on_file and not self.file.exists():
            self.file.write_bytes(at_first(packs or [_usual()], now))
        own = {
            "database": at.render_as_string(hide_password=False),
            "principals": folder / "principals.toml",
            "key_file": folder / "key",
        }
        given = load_settings(**(_EVENTS | own | settings)) if settings else _settings().model_copy(update=own)
        self.platform: Platform = compose(given, self.clock, KEYRING)
        if self.platform.log.facts.max_notification_id() is None:
            publish(self.platform, packs or [_usual()])
        scripts = script or {}
        self.notifiers: dict[str, Notifier] = {
            channel: FakeNotifier(channel, self.sent, script=scripts.get(channel, ()))
            for channel in ("push", "sms", "email")
        }
        self.notifiers |= notifiers or {}
        self.engine: Engine = compose_engine(self.platform, single_routes(self.notifiers))

    def take(self, *envelopes: Envelope, ahead_from: datetime | None = None) -> list[IntakeOutcome]:
        """Take events in."""
        return self.platform.intake.accept(list(envelopes), ahead_from)

    async def settle(self, now: str | datetime | None = None) -> list[Message]:
        """Move the clock, run until idle, and give the messages that went meanwhile."""
        if now is not None:
            self.at(now)
        before = len(self.sent)
        await self.engine.until_idle()
        return self.sent[before:]

    def at(self, now: str | datetime) -> None:
        """Move the clock."""
        self.clock.advance_to(datetime.fromisoformat(now) if isinstance(now, str) else now)

    def plan(self) -> None:
        """Plan until nobody waits, the residents of areas included."""
        self.platform.planning.planning.drain()
        self.platform.planning.areas.drain()

    def name(self, national_id: str) -> str:
        """The person's pseudonym."""
        return self.platform.identity.names.pseudonym(national_id)

    def nudges(self) -> list[Nudge]:
        """All nudges, by due time and id."""
        with self.platform.database.reading() as connection:
            found = nudges.of_persons(connection, history.persons_after(connection, "", 10**6))
        every = [one for theirs in found.values() for one in theirs.values()]
        return sorted(every, key=lambda one: (one.intent.due, one.intent.id.int))

    def nudge(self, step: str, trigger: str = "") -> Nudge:
        """The only nudge of that step (and trigger, if said)."""
        [found] = [one for one in self.nudges() if one.intent.step == step and trigger in {"", one.intent.trigger}]
        return found

    def delivery(self, step: str) -> Delivery:
        """The only delivery of the only nudge of that step."""
        [found] = self.nudge(step).deliveries
        return found

    def pending(self) -> list[Intent]:
        """The intents of the pending nudges, by id."""
        return sorted((one.intent for one in self.nudges() if one.pending), key=lambda each: each.id.int)

    def intents(self) -> list[Intent]:
        """What plan gives for everybody, by id."""
        platform = self.platform
        batches = intents_of(platform.database, platform.log, platform.rules.library.rules().rulebook)
        return sorted((each for batch in batches for each in batch), key=lambda each: each.id.int)

    def facts(self, nudge: UUID) -> list[Any]:
        """The facts of a nudge, in their order."""
        with self.platform.database.reading() as connection:
            return [entry.fact for entry in self.platform.log.streams(connection, [nudge])]

    def entries(self) -> list[Entry]:
        """The whole log."""
        return [entry for page in self.platform.log.scan() for entry in page]

    def concerned(self) -> list[tuple[str, UUID, int | None]]:
        """Whom each event concerns, in any order of arrival: person, event, and the load that counts."""
        theirs = select(tables.history.c.person, log.c.originator_id, tables.history.c.ahead_from)
        joined = theirs.join_from(tables.history, log, tables.history.c.position == log.c.position)
        with self.platform.database.reading() as connection:
            return sorted(map(tuple, connection.execute(joined)))

    def why(self, nudge: UUID) -> Explanation:
        """The explanation of a nudge."""
        with self.platform.database.reading() as connection:
            return explain(connection, self.platform.log, self.platform.rules.library.rules(), nudge, self.clock())

    def health(self) -> Health:
        """How it stands."""
        return health(self.platform.database, self.platform.log, self.platform.replay.follower, self.clock())

    def control(self, scope: str, name: str, *, stopped: bool) -> None:
        """Set or clear a kill switch, as a command for it would."""
        self.govern("control", f"{scope}/{name}", ControlSet(self.clock(), "tests", scope, name, stopped, "a test"))

    def govern(self, kind: str, name: str, fact: Any) -> None:
        """Append a governance fact to its stream."""
        log, stream = self.platform.log, self.platform.identity.names.registry_stream(kind, name)
        with self.platform.database.reading() as connection:
            version = len(log.streams(connection, [stream])) + 1
        self.platform.database.write(
            lambda connection: governance.note(
                connection, log.append(connection, [Entry(stream, version, fact)]) + 1, fact.TOPIC
            )
        )

    def close(self) -> None:
        """Let go of the file."""
        self.platform.database.close()
