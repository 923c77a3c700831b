"""What must hold when a campaign is over, read from the log, the views and what the providers saw."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from app.clock import fixed
from app.compose import compose
from app.settings import load_settings
from domain.built_in import DIGEST
from domain.delivery import State
from domain.events import LifeEvent
from domain.facts import NudgeAttempted, NudgeCancelled, NudgeDelivered, NudgeFailed, NudgePlanned, NudgeSent
from domain.facts import NudgeUnknown as Unknown
from domain.nudge import Nudge
from notifiers.verp import reference_of
from projections import history, nudges
from streams.dead_letters import total
from streams.recomputing import all_intents
from streams.reconciling import finds
from tests.kills.campaign import Campaign
from tests.kills.registries import START
from tests.notifiers.sms import sms

ENDED = {
    State.SENT, State.DELIVERED, State.WITHHELD, State.EXPIRED, State.UNKNOWN, State.FAILED, State.CANCELLED,
}  # fmt: skip
WAITING = {State.PLANNED, State.DEFERRED, State.DIGESTED}


TIMES = 3
"""How often a legal notice is tried on a channel where nobody can know whether it went."""


class Try(NamedTuple):
    """An attempt, and what was heard of it, in the order of the log."""

    fact: NudgeAttempted
    heard: list[Any]


class Verdict:
    """Looks at everything once, and says what is wrong with it."""

    def __init__(self, campaign: Campaign) -> None:
        self._campaign, self._land, self._peers = campaign, campaign.land, campaign.peers
        self.platform = self._land.platform
        self.facts: dict[UUID, list[Any]] = defaultdict(list)
        self.life: list[LifeEvent] = []
        for page in self.platform.log.scan():
            for entry in page:
                if isinstance(entry.fact, LifeEvent):
                    self.life.append(entry.fact)
                elif hasattr(entry.fact, "TOPIC") and entry.fact.TOPIC.startswith("nudge-"):
                    self.facts[entry.originator_id].append(entry.fact)
        with self.platform.database.reading() as connection:
            persons = history.persons_after(connection, "", 10**6)
            found = nudges.of_persons(connection, persons)
            self.letters = total(connection)
        self.nudges = {id_: one for theirs in found.values() for id_, one in theirs.items()}
        contacts = campaign.registries.contacts.items()
        self._contacts = {self.platform.names.pseudonym(who or ""): data or {} for who, data in contacts}
        self._ways = {who: {"sms" if way == "phone" else way for way in data} for who, data in self._contacts.items()}
        self.tries = {id_: list(_tries(facts)) for id_, facts in self.facts.items()}

    def says_that_all_is_well(self, folder: Path) -> None:
        """Every promise holds.

        Raises AssertionError with the first that does not.
        """
        self.every_event_is_in_once()
        self.every_event_is_planned_once()
        self.nonsense_is_put_aside_once()
        self.all_intents_are_nudges()
        self.every_nudge_has_one_end()
        self.nobody_is_told_twice()
        self.what_is_unknown_follows_its_policy()
        self.intents_are_those_of_the_embedded_run(folder)

    def every_event_is_in_once(self) -> None:
        """What was reported is in the log, once each, and nothing else is."""
        names = self.platform.names
        wanted = {names.stream(each.source, each.id) for each in self._campaign.registries.events}
        assert len(self.life) == len(wanted), "an event is there twice, or is missing"
        assert {each.stream for each in self.life} == wanted

    def every_event_is_planned_once(self) -> None:
        """Nobody waits for a plan, and no nudge was planned while it was planned already."""
        assert self._land.waiting()[0] == 0, "somebody still waits for their plan"
        for facts in self.facts.values():
            planned = False
            for fact in facts:
                if type(fact) is NudgePlanned:
                    assert not planned, "a nudge was planned twice"
                    planned = True
                planned = planned and not isinstance(fact, NudgeCancelled)

    def nonsense_is_put_aside_once(self) -> None:
        """Each record that says nothing is one dead letter at most (Kafka may have lost it), and nothing else is."""
        assert self.letters <= self._campaign.done["poison records"]

    def all_intents_are_nudges(self) -> None:
        """Whatever the plan wants is in the views as the plan wants it."""
        platform = self.platform
        batches = all_intents(platform.database, platform.log, platform.library)
        intents = {each.id: each for batch in batches for each in batch}
        assert intents.keys() <= self.nudges.keys(), "what should be planned never was"
        pending = {
            id_: one.intent for id_, one in self.nudges.items() if one.pending and one.intent.trigger != DIGEST
        }
        assert pending == {id_: intents.get(id_) for id_ in pending}, "what waits is not what the plan says"

    def intents_are_those_of_the_embedded_run(self, folder: Path) -> None:
        """`habarshy intents` prints the same bytes for the events in one file, each once, in their order."""
        land, database = self._land, f"sqlite:///{folder}/embedded.sqlite"
        packs = ":".join(map(str, land.packs))
        settings = load_settings(database=database, key_file=land.key_file, packs=packs)
        embedded = compose(settings, fixed(START))
        outcomes = embedded.intake.accept(self._campaign.registries.in_order())
        embedded.database.close()
        assert all(outcome.accepted for outcome in outcomes)
        found = land.asked("intents", "--json", database=database)
        assert found == land.asked("intents", "--json", database=land.url), "the plans differ"
        assert found.count(b"\n") > len(self._campaign.registries.contacts), "hardly anything was planned"

    def every_nudge_has_one_end(self) -> None:
        """It has ended, or waits for a time to come; nothing is under way."""
        now = self._land.clock()
        assert self._land.waiting() == (0, 0, 0)
        for one in self.nudges.values():
            for delivery in one.deliveries:
                assert delivery.state in ENDED | WAITING, f"{delivery.state} is no end"
                if delivery.due is None:
                    assert delivery.state in ENDED, f"{delivery.state} waits for nothing"
                else:
                    assert delivery.due > now, f"{delivery.state} is overdue"

    def nobody_is_told_twice(self) -> None:
        """Providers saw what was attempted and no more; what was attempted again had failed, or is unknown."""
        mails, texts = self._peers.mails(), self._peers.texts()
        by_mail = Counter(
            reference_of(sms("a@example.org", nudge=id_, recipient=each.fact.recipient, channel="email"))
            for id_, each in self._each_try() if each.fact.channel == "email"
        )  # fmt: skip
        by_phone = Counter(
            self._contacts[each.fact.recipient]["phone"] for _, each in self._each_try() if each.fact.channel == "sms"
        )
        assert not mails - by_mail, "a mail went twice, or unattempted"
        assert not texts - by_phone, "a text went twice, or unattempted"
        for id_, tries in self.tries.items():
            for before, after in pairwise(tries):
                if _same_recipient(before, after):
                    assert self._may_follow(self.nudges[id_], before, after), "it was tried again without a reason"

    def what_is_unknown_follows_its_policy(self) -> None:
        """A legal notice is tried again, three times a channel at most; the rest has its next channel, if any."""
        for id_, tries in self.tries.items():
            for each in tries:
                for fact in each.heard:
                    if isinstance(fact, Unknown):
                        self._follows_its_policy(self.nudges[id_], fact, each.fact, tries)

    def _follows_its_policy(self, nudge: Nudge, fact: Unknown, tried: NudgeAttempted, tries: Sequence[Try]) -> None:
        before = [each.fact for each in tries if each.fact.recipient == tried.recipient and each.fact.at < tried.at]
        left = {each.channel for each in before} - {tried.channel}
        again = nudge.intent.klass == "legal" and tried.attempt < TIMES * (len(left) + 1)
        assert (fact.retry_at is not None) is again, "what is unknown was tried again, or was not, against its policy"
        if not again and nudge.intent.expires is None:
            more = set(nudge.intent.channels) & self._ways[tried.recipient] - left - {tried.channel}
            assert (fact.silent_at is not None) is bool(more), "what is unknown has its next channel, or has none"

    @staticmethod
    def _may_follow(nudge: Nudge, before: Try, after: Try) -> bool:
        heard = before.heard
        at = after.fact.at
        failed = any(isinstance(each, NudgeFailed) for each in heard)
        silent = any(
            isinstance(each, NudgeSent | Unknown) and each.silent_at and each.silent_at <= at for each in heard
        )
        if before.fact.channel != after.fact.channel:
            return (failed or silent) and not any(isinstance(each, NudgeDelivered) for each in heard)
        again = any(isinstance(each, Unknown) and each.retry_at and each.retry_at <= at for each in heard)
        taken = any(isinstance(each, NudgeSent) for each in heard)
        return not taken and (failed or (again and nudge.intent.klass == "legal"))

    def _each_try(self) -> Iterator[tuple[UUID, Try]]:
        return ((id_, each) for id_, tries in self.tries.items() for each in tries)

    def counts(self) -> dict[str, Any]:
        """What happened, to be shown."""
        tries = [each for _, each in self._each_try()]
        heard = Counter(type(fact).__name__ for each in tries for fact in each.heard)
        channels = Counter(each.fact.channel for each in tries)
        pairs = [pair for each in self.tries.values() for pair in pairwise(each) if _same_recipient(*pair)]
        again = Counter("again" if a.fact.channel == b.fact.channel else "next channel" for a, b in pairs)
        with self.platform.database.reading() as connection:
            reconciled = finds(connection)[0]
        states = Counter(one.state.value for one in self.nudges.values())
        return {
            "kills": self._campaign.kills, "done": dict(sorted(self._campaign.done.items())),
            "events": len(self.life), "reported again": self._campaign.registries.duplicates,
            "reconciled": reconciled, "dead letters": self.letters,
            "nudges": len(self.nudges), "states": states, "attempts": channels | again, "heard": heard,
            "arrived": self._peers.mails().total() + self._peers.texts().total(),
        }  # fmt: skip


def _same_recipient(before: Try, after: Try) -> bool:
    return before.fact.recipient == after.fact.recipient


def _tries(facts: Sequence[Any]) -> Iterator[Try]:
    """The attempts of a nudge, each with the facts about it."""
    found = {(each.recipient, each.attempt): Try(each, []) for each in facts if isinstance(each, NudgeAttempted)}
    for fact in facts:
        if (
            not isinstance(fact, NudgeAttempted)
            and (getattr(fact, "recipient", ""), getattr(fact, "attempt", 0)) in found
        ):
            found[fact.recipient, fact.attempt].heard.append(fact)
    yield from sorted(found.values(), key=lambda each: (each.fact.recipient, each.fact.attempt))
