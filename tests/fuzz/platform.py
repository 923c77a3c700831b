"""The whole platform as a machine: whatever happens to it in any order, a small model knows what must be true."""

import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import uvloop
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from domain.facts.access_facts import PersonErased
from domain.facts.principals import Principal, Role
from domain.facts.receipts import ReceiptStatus
from domain.nudges.delivery import State
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import GiveUp, Message, Outcome, Reason, RetryLater, Unknown
from streams.delivery.outcomes.receipt_facts import Receipt
from streams.intake.cloudevents import Envelope
from streams.privacy.erasure import NobodyKnown
from tests.streams.rebuilding import rebuilt, verified
from tests.world import (
    LONG_AGO,
    NOON,
    TRIGGERS,
    World,
    annulled,
    birth,
    card,
    corrected,
    event,
    fine,
    iin,
    registered,
)

OMAR = Principal("omar", "platform", frozenset({Role.OPERATOR}))
PEOPLE = [iin(1), iin(2), iin(3)]
CHILD = iin(4)
OUTCOMES: Sequence[Outcome | None] = (
    None,
    None,
    RetryLater(None, Reason.BUSY),
    RetryLater(timedelta(hours=2), Reason.UNREACHABLE),
    GiveUp(Reason.BAD_ADDRESS),
    GiveUp(Reason.REJECTED),
    Unknown(Reason.TIMED_OUT),
    Unknown(Reason.LINK_LOST),
)
FAILURES = ("bad_address", "mailbox_full", "undelivered", "busy", "unreachable", "expired_there")
STEPS = [timedelta(minutes=11), timedelta(hours=1), timedelta(hours=9), timedelta(days=1), timedelta(days=6)]
ENDED = frozenset(State) - {State.PLANNED, State.DEFERRED, State.ATTEMPTED}
SAID = frozenset({State.WITHHELD, State.FAILED})
"""The ends that have their reason with them; an expiry is its own."""


def secrets(number: int) -> tuple[str, str]:
    """What only this person's part of the facts has."""
    return f"citizen{number}@secret.example", f"SECRET-{number}-CARD"


def life_of(number: int) -> list[Envelope]:
    """What may be reported about a person."""
    person, (email, document) = PEOPLE[number], secrets(number)
    opening = registered(person, LONG_AGO, email=email, phone=f"+7701000000{number}")
    more = [
        card(person, "2025-07-05", document, id=f"card-{number}"),
        card(person, "2035-07-05", f"{document}-NEW", "2025-06-25T12:00:00+05:00", id=f"newer-card-{number}"),
        *(fine(person, f"F-{number}-{day}", f"2025-06-{day:02}T12:00:00+05:00") for day in (2, 3, 9)),
        event(
            "citizen.preferences_changed",
            person,
            "2025-06-04T10:00:00+05:00",
            {"channels": ["email"]},
            id=f"by-mail-{number}",
        ),
        event(
            "citizen.preferences_changed",
            person,
            "2025-06-05T10:00:00+05:00",
            {"quiet_from": "08:00"},
            id=f"quiet-{number}",
        ),
    ]
    return [*opening, *more]


LIFE = [each for number in range(len(PEOPLE)) for each in life_of(number)]
LIFE += [birth(CHILD, PEOPLE[0], "2025-06-03", father=PEOPLE[1], id="birth")]
LIFE += [corrected(each, 2, expires_on="2025-07-20") for each in LIFE if each.id.startswith("card")]
LIFE += [
    annulled(each, 3) for each in LIFE if each.id.startswith(("card", "fine", "birth")) and each.corrects is None
]
OPENING = {name for number in range(len(PEOPLE)) for name in (f"card-{number}", f"fine-F-{number}-2")}
SWITCHES = [*(("trigger", each) for each in TRIGGERS), *(("channel", each) for each in ("push", "sms", "email"))]
NUMBERS = st.integers(0, len(PEOPLE) - 1)


class Machine(RuleBasedStateMachine):
    """A platform on SQLite, from the same published packs each time; `published` is set before it is run."""

    published: ClassVar[Path]

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.next: deque[Outcome | None] = deque()
        self.world = self._made(Path(self._folder.name))
        self.taken: dict[str, Envelope] = {}
        self.seen = 0
        self.gone: set[tuple[str, str, str]] = set()
        self.erased: set[str] = set()
        self.silent: set[tuple[str, str]] = set()
        self.stopped: set[tuple[str, str]] = set()

    def _made(self, folder: Path) -> World:
        def script() -> Iterator[Outcome | None]:
            while True:
                yield self.next.popleft() if self.next else None

        world = World(folder, copy_of=self.published)
        for fake in world.notifiers.values():
            assert isinstance(fake, FakeNotifier)
            fake._script = script()  # type: ignore[assignment]  # None is: accept it
        return world

    # What happens

    @initialize(outcomes=st.lists(st.sampled_from(OUTCOMES), max_size=len(PEOPLE)))
    def open(self, outcomes: list[Outcome | None]) -> None:
        """Everybody is known, has a card that ends, and was fined, of which they are told."""
        self.take([each for each in LIFE if each.id in OPENING or each.id.startswith(("reg", "contact", "language"))])
        self.wait(timedelta(hours=1), outcomes)

    @rule(events=st.lists(st.sampled_from(LIFE), min_size=1, max_size=8))
    def take(self, events: list[Envelope]) -> None:
        """Events come, new ones and old ones: each is stored once."""
        for each, outcome in zip(events, self.world.take(*events), strict=True):
            new = each.id not in self.taken
            assert (outcome.accepted, outcome.duplicate) == (new, not new), (each.id, outcome)
            self.taken[each.id] = each
            if new:
                self.erased -= {self.world.name(one) for one in names_of(each)}

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def take_another_body(self, data: st.DataObject) -> None:
        """A known id with another body is refused, and nothing is changed by it."""
        known = data.draw(st.sampled_from(sorted(self.taken)))
        before = self.world.health().facts
        [outcome] = self.world.take(replace(self.taken[known], time="2025-05-05T05:05:05Z"))
        assert outcome.refused is not None
        assert outcome.refused.code == "id_reused"
        assert self.world.health().facts == before

    @rule(by=st.sampled_from(STEPS), outcomes=st.lists(st.sampled_from(OUTCOMES), max_size=6))
    def wait(self, by: timedelta, outcomes: list[Outcome | None]) -> None:
        """Time passes, and providers fail as they like."""
        self.next.extend(outcomes)
        self.world.at(self.world.clock() + by)
        uvloop.run(self.world.engine.until_idle())
        self.next.clear()

    @precondition(lambda self: self.world.sent)
    @rule(data=st.data(), heard=st.sampled_from(ReceiptStatus), reason=st.sampled_from(FAILURES))
    def hear(self, data: st.DataObject, heard: ReceiptStatus, reason: str) -> None:
        """A receipt comes for any message that ever went, in any order, perhaps again."""
        message = self._any_message(data)
        reason = reason if heard is ReceiptStatus.FAILED else ""
        self.world.platform.delivery.receipts.record(
            Receipt(message.nudge, message.recipient, message.attempt, heard, reason)
        )
        if heard is ReceiptStatus.FAILED:
            self.gone.discard(key(message))

    @precondition(lambda self: self.world.sent)
    @rule(data=st.data())
    def stop_a_topic(self, data: st.DataObject) -> None:
        """Somebody wants no more messages of that kind, and gets none."""
        message = self._any_message(data)
        if message.recipient not in self.erased:
            topic = self.world.platform.delivery.inbound.opt_outs.stop(message.nudge, message.recipient)
            self.silent.add((message.recipient, topic.category))

    @rule(by=st.sampled_from(STEPS))
    def wait_for_a_good_day(self, by: timedelta) -> None:
        """Time passes, and providers take what they get."""
        self.wait(by, [])

    @rule(what=st.sampled_from(SWITCHES))
    def switch(self, what: tuple[str, str]) -> None:
        """A trigger is paused or resumed, or a channel's kill switch set or cleared."""
        self._switched(what)

    @precondition(lambda self: self.stopped)
    @rule()
    def clear_all_switches(self) -> None:
        """What stopped goes on."""
        for what in sorted(self.stopped):
            self._switched(what)

    def _switched(self, what: tuple[str, str]) -> None:
        stops, (scope, name) = what not in self.stopped, what
        switches = self.world.platform.rules.switches
        if scope == "channel":
            assert switches.control("channel", name, OMAR, stopped=stops, reason="x")
        else:
            assert switches.pause(name, OMAR) if stops else switches.resume(name, OMAR)
        self.stopped ^= {what}

    @rule(number=NUMBERS)
    def erase(self, number: int) -> None:
        """Somebody is erased: nothing of theirs can be read any more, wherever it was."""
        person = self.world.name(PEOPLE[number])
        try:
            assert self.world.platform.privacy.erasure.erase(person, OMAR, "asked for it").clean
        except NobodyKnown:
            assert not any(PEOPLE[number] in names_of(each) for each in self.taken.values())
        bytes_ = b"".join(each.read_bytes() for each in Path(self._folder.name).glob("*.sqlite*"))
        assert not [word for word in (*secrets(number), PEOPLE[number]) if word.encode() in bytes_]
        self.erased.add(person)
        self.silent -= {each for each in self.silent if each[0] == person}

    @rule()
    def replay(self) -> None:
        """Views and plans are what the log gives, and nothing is sent while that is looked at."""
        self.world.plan()
        before = len(self.world.sent)
        assert rebuilt(self.world.platform).equal
        assert verified(self.world.platform).equal
        assert len(self.world.sent) == before

    def _any_message(self, data: st.DataObject) -> Message:
        return self.world.sent[data.draw(st.integers(0, len(self.world.sent) - 1))]

    # What must be true

    @invariant()
    def nothing_goes_twice_or_where_it_must_not(self) -> None:
        """No double; nothing of what is stopped or silenced; nothing to who is erased."""
        nudges = {each.intent.id: each for each in self.world.nudges()} if self.seen < len(self.world.sent) else {}
        versions = self.world.platform.rules.library.rules().rulebook.versions
        categories = {version: each.trigger.category for version, each in versions.items()}
        for message in self.world.sent[self.seen :]:
            assert key(message) not in self.gone, f"twice by {message.channel}"
            self.gone.add(key(message))
            assert ("channel", message.channel) not in self.stopped
            assert message.recipient not in self.erased
            trigger = nudges[message.nudge].intent
            assert ("trigger", trigger.trigger) not in self.stopped
            assert (message.recipient, categories.get(trigger.version)) not in self.silent
        self.seen = len(self.world.sent)

    @invariant()
    def every_nudge_is_open_or_has_one_end(self) -> None:
        """What waits is open, what does not has an end, and an end that needs a reason has one."""
        for nudge in self.world.nudges():
            for one in nudge.deliveries:
                if one.due is None:
                    assert one.state in ENDED, f"open for ever: {one} of {nudge}"
                assert one.reason or one.state not in SAID, f"without its reason: {one} of {nudge}"

    def teardown(self) -> None:
        """In the end everything has ended, and the intents are those of the same facts in another order."""
        self.clear_all_switches()
        for days in (200, 240, 300, 3660, 3690, 4000):  # a card that was renewed ends in ten years
            self.world.at(NOON + timedelta(days=days))
            uvloop.run(self.world.engine.until_idle())
        self.nothing_goes_twice_or_where_it_must_not()
        self.every_nudge_is_open_or_has_one_end()
        assert not [one for nudge in self.world.nudges() for one in nudge.deliveries if one.due is not None]
        stands = self.world.health()
        assert (stands.unplanned, stands.due_now, stands.open_attempts, stands.dead_letters) == (0, 0, 0, 0)
        self._same_in_another_order()
        self.world.close()
        self._folder.cleanup()

    def _same_in_another_order(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            other = World(Path(folder), copy_of=self.published)
            for each in sorted(self.taken.values(), key=lambda each: each.id, reverse=True):
                other.take(each)
            ever = {entry.fact.person for entry in self.world.entries() if isinstance(entry.fact, PersonErased)}
            touched = ever | {
                self.world.name(each)
                for taken in self.taken.values()
                for each in names_of(taken)
                if {self.world.name(one) for one in names_of(taken)} & ever
            }
            mine = [each for each in self.world.intents() if each.person not in touched]
            assert mine == [each for each in other.intents() if each.person not in touched]
            other.close()


def key(message: Message) -> tuple[str, str, str]:
    """What may go only once."""
    return str(message.nudge), message.recipient, message.channel


def names_of(envelope: Envelope) -> set[str]:
    """The national ids in an event."""
    parents = {str(each) for name, each in (envelope.data or {}).items() if name in ("mother", "father")}
    return parents | ({envelope.subject} if envelope.subject else set())
