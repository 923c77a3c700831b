"""What must hold when a campaign is over, read from the log, the views and what the providers saw."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from domain.core.events import LifeEvent
from domain.facts.facts import NudgeAttempted, NudgeCancelled, NudgePlanned
from domain.facts.facts import NudgeUnknown as Unknown
from domain.facts.governance import (
    GOVERNANCE_FACTS,
    TriggerApproved,
    TriggerPublished,
    TriggerReachChanged,
    TriggerSubmitted,
)
from domain.nudges.delivery import State
from domain.nudges.nudge import Nudge
from domain.planning.plan import Intent
from domain.rules.built_in_triggers import DIGEST
from notifiers.port.message_names import key, token
from notifiers.push.messages import collapse_key
from projections import history, nudges
from streams.delivery.outcomes.suppression import SOURCE as OWN
from streams.planning.recompute import intents_of
from streams.planning.reconciler import count_of_finds
from streams.queues.dead_letters import total
from streams.queues.jobs import JobState
from tests.kills.campaign import Campaign
from tests.kills.embedded import take_all
from tests.kills.floods import TRIGGER, concerned
from tests.kills.tries import TIMES, Try, cascades, following, is_made_again, left_before, may_follow, tries_of
from tests.notifiers.sms_helpers import sms

FIRST = "pack"
"""Whose name the packs were published in before anything happened."""
ENDED = {
    State.SENT,
    State.DELIVERED,
    State.WITHHELD,
    State.EXPIRED,
    State.UNKNOWN,
    State.FAILED,
    State.CANCELLED,
}
WAITING = {State.PLANNED, State.DEFERRED, State.DIGESTED}


class Verdict:
    """Looks at everything once, and says what is wrong with it."""

    def __init__(self, campaign: Campaign) -> None:
        self._campaign, self._land, self._peers = campaign, campaign.land, campaign.peers
        self.platform = self._land.platform
        self.facts: dict[UUID, list[Any]] = defaultdict(list)
        self.life: list[LifeEvent] = []
        self.governed: list[Any] = []
        for page in self.platform.log.scan():
            for entry in page:
                if isinstance(entry.fact, LifeEvent):
                    self.life += [entry.fact] if entry.fact.source != OWN else []
                elif isinstance(entry.fact, GOVERNANCE_FACTS):
                    self.governed.append(entry.fact)
                elif hasattr(entry.fact, "TOPIC") and entry.fact.TOPIC.startswith("nudge-"):
                    self.facts[entry.originator_id].append(entry.fact)
        with self.platform.database.reading() as connection:
            persons = history.persons_after(connection, "", 10**6)
            found = nudges.of_persons(connection, persons)
            self.letters = total(connection)
        batches = intents_of(self.platform.database, self.platform.log, self.platform.rules.library.rules().rulebook)
        self.intents = {each.id: each for batch in batches for each in batch}
        self.nudges = {id_: one for theirs in found.values() for id_, one in theirs.items()}
        contacts = campaign.registries.contacts.items()
        self._contacts: dict[str, dict[str, Any]] = {
            self.platform.identity.names.pseudonym(who or ""): data or {} for who, data in contacts
        }
        self._ways: dict[str, set[str]] = {
            who: {"sms" if way == "phone" else way for way in data} for who, data in self._contacts.items()
        }
        self.tries = {id_: list(tries_of(facts)) for id_, facts in self.facts.items()}
        self._gone = {each.fact.recipient for _, each in self._each_try() if each.refused}

    def says_that_all_is_well(self, folder: Path) -> None:
        """Every promise holds.

        Raises AssertionError with the first that does not.
        """
        self.every_event_is_in_once()
        self.every_event_is_planned_once()
        self.nonsense_is_put_aside_once()
        self.all_intents_are_nudges()
        self.whoever_lives_there_is_warned_once()
        self.versions_are_published_once()
        self.every_nudge_has_one_end()
        self.nobody_is_told_twice()
        self.pushes_replace_each_other()
        self.what_is_unknown_follows_its_policy()
        self.long_work_is_done()
        self.intents_are_those_of_the_embedded_run(folder)

    def long_work_is_done(self) -> None:
        """Every verification ended, whoever died over it, and the last one finds nothing that differs."""
        if self._land.cluster:
            work = self._campaign.harm.long_work
            assert {job.state for job in work.all()} == {JobState.DONE}, "long work was lost"
            assert work.found().equal, "a verification differs"

    def every_event_is_in_once(self) -> None:
        """What was reported is in the log, once each, and nothing else is."""
        names = self.platform.identity.names
        wanted = {names.stream(each.source, each.id) for each in self._campaign.registries.events}
        assert len(self.life) == len(wanted), "an event is there twice, or is missing"
        assert {each.stream for each in self.life} == wanted

    def every_event_is_planned_once(self) -> None:
        """Nobody waits for a plan, and no nudge was planned while it was planned already."""
        assert self._land.waiting()[0] == 0, "somebody still waits for their plan"
        assert self._land.areas() == 0, "an area still waits for its plan"
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
        intents = self.intents
        missing = [one for id_, one in intents.items() if id_ not in self.nudges]
        assert not missing, f"what should be planned never was: {[self._told_of(one) for one in missing[:5]]}"
        pending = {
            id_: one.intent for id_, one in self.nudges.items() if one.pending and one.intent.trigger != DIGEST
        }
        assert pending == {id_: intents.get(id_) for id_ in pending}, "what waits is not what the plan says"

    def _told_of(self, intent: Intent) -> tuple[Any, ...]:
        """The intent, what the log says of its nudge, and its person's life with the time of recording."""
        life = [
            (entry.position, entry.fact.type, entry.recorded, entry.fact.annuls, entry.fact.revision)
            for page in self.platform.log.scan()
            for entry in page
            if isinstance(entry.fact, LifeEvent) and intent.person in entry.fact.everybody
        ]
        return intent.trigger, intent.step, intent.due, intent.version, self.facts.get(intent.id), life

    def intents_are_those_of_the_embedded_run(self, folder: Path) -> None:
        """`habarshy intents` prints the same bytes for the events in one file, each once, in their order.

        What was published comes there after all that had happened by then.
        """
        land, database = self._land, f"sqlite:///{folder}/embedded.sqlite"
        published = [
            each
            for each in self.governed
            if isinstance(each, TriggerPublished | TriggerReachChanged) and each.by != FIRST
        ]
        take_all(land, database, self._campaign.registries.in_order(), published)
        found = land.asked("intents", "--json", database=database)
        assert found == land.asked("intents", "--json", database=land.url), "the plans differ"
        assert found.count(b"\n") > len(self._campaign.registries.contacts), "hardly anything was planned"

    def whoever_lives_there_is_warned_once(self) -> None:
        """A flood is planned for each who lived there, by the registries' events alone, once, and for nobody else."""
        names, events = self.platform.identity.names, self._campaign.registries.events
        for flood in self._campaign.harm.floods:
            cause = names.stream(flood.source, flood.id)
            warned = Counter(
                one.person for one in self.intents.values() if (one.trigger, one.cause) == (TRIGGER, cause)
            )
            living, dead = (set(map(names.pseudonym, each)) for each in concerned(flood, events))
            assert living, "nobody lives there: the campaign proves nothing"
            assert set(warned.values()) == {1}
            assert living <= warned.keys() <= living | dead, "not those who live there are warned"

    def versions_are_published_once(self) -> None:
        """Each version was submitted, approved by somebody else and published, once, and it plans."""
        published = self._campaign.harm.drafts.published
        for kind in (TriggerSubmitted, TriggerApproved, TriggerPublished):
            facts = [each for each in self.governed if isinstance(each, kind) and each.by != FIRST]
            assert [(each.trigger, each.hash) for each in facts] == published, "not what was published, or not once"
        submitted = {each.hash: each.by for each in self.governed if isinstance(each, TriggerSubmitted)}
        approved = {each.hash: each.by for each in self.governed if isinstance(each, TriggerApproved)}
        assert all(submitted[hash_] != approved[hash_] for _, hash_ in published), "somebody approved their own"
        if published:
            assert any(one.version in approved for one in self.intents.values()), "nothing is planned by a version"

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
        mails, texts, pushes = self._peers.mails(), self._peers.texts(), self._peers.browsers.shown()
        by_mail = Counter(
            token(sms("a@example.org", nudge=id_, recipient=each.fact.recipient, channel="email").key)
            for id_, each in self._tries_by("email")
        )
        by_phone = Counter(self._contacts[each.fact.recipient]["phone"] for _, each in self._tries_by("sms"))
        by_push = Counter(
            key(id_, "push", each.fact.recipient) for id_, each in self._tries_by("push") if each.may_have_come
        )
        assert not mails - by_mail, "a mail went twice, or unattempted"
        assert not texts - by_phone, "a text went twice, or unattempted"
        assert not pushes - by_push, "a push went twice, or unattempted, or would not replace the one before it"
        for id_, facts in self.facts.items():
            for pair in following(facts):
                gone = pair.before.fact.recipient in self._gone
                assert may_follow(self.nudges[id_], pair, gone=gone), f"it was tried again without a reason: {facts}"

    def pushes_replace_each_other(self) -> None:
        """The push service was asked to keep the latest push of each nudge only."""
        asked = Counter(collapse_key(key(id_, "push", each.fact.recipient)) for id_, each in self._tries_by("push"))
        assert not self._peers.browsers.topics - asked, "a push would wait beside another of the same nudge"

    def what_is_unknown_follows_its_policy(self) -> None:
        """A legal notice and a push are made again, three times a channel at most; the rest has its next, if any."""
        for id_, tries in self.tries.items():
            for each in tries:
                unknown = [fact for fact in each.heard if isinstance(fact, Unknown)]
                if unknown:
                    self._follows_its_policy(self.nudges[id_], unknown[0], each.fact, tries)
                if unknown[1:] and unknown[0].reason != "no_outcome":  # else its process lived
                    # its browser has unsubscribed meanwhile, so it is not made again after all
                    assert each.fact.recipient in self._gone, f"it became unknown twice: {self.facts[id_]}"
                    assert unknown[1].retry_at is None, "it would be made again where nobody can be reached"

    def _follows_its_policy(self, nudge: Nudge, fact: Unknown, tried: NudgeAttempted, tries: Sequence[Try]) -> None:
        left = left_before(tries, tried)
        again = is_made_again(nudge, tried.channel) and tried.attempt < TIMES * (len(left) + 1)
        assert (fact.retry_at is not None) is again, f"against its policy: {fact}\n{nudge.intent.klass}\n{tries}"
        if not again and nudge.intent.expires is None:
            more = set(nudge.intent.channels) & self._ways[tried.recipient] - left - {tried.channel}
            perhaps = {"push"} if tried.recipient in self._gone else set()
            if more != perhaps:
                assert (fact.silent_at is not None) is bool(more), "what is unknown has its next channel, or has none"

    def _each_try(self) -> Iterator[tuple[UUID, Try]]:
        return ((id_, each) for id_, tries in self.tries.items() for each in tries)

    def _tries_by(self, channel: str) -> Iterator[tuple[UUID, Try]]:
        return ((id_, each) for id_, each in self._each_try() if each.fact.channel == channel)

    def counts(self) -> dict[str, Any]:
        """What happened, to be shown."""
        tries = [each for _, each in self._each_try()]
        heard = Counter(type(fact).__name__ for each in tries for fact in each.heard)
        channels = Counter(each.fact.channel for each in tries)
        pairs = [pair for each in self.facts.values() for pair in following(each)]
        again = Counter("again" if a.fact.channel == b.fact.channel else "next channel" for a, b, _ in pairs)
        with self.platform.database.reading() as connection:
            reconciled = count_of_finds(connection)[0]
        ways = Counter(way for each in self.tries.values() for way in cascades(each) if " > " in way)
        pushes = self._peers.browsers.shown()
        states = Counter(one.state.value for one in self.nudges.values())
        versions = {hash_ for _, hash_ in self._campaign.harm.drafts.published}
        return {
            "kills": self._campaign.kills,
            "done": dict(sorted(self._campaign.done.items())),
            "events": len(self.life),
            "reported again": self._campaign.registries.duplicates,
            "reconciled": reconciled,
            "dead letters": self.letters,
            "warned of floods": sum(one.trigger == TRIGGER for one in self.intents.values()),
            "planned by new versions": sum(one.version in versions for one in self.intents.values()),
            "nudges": len(self.nudges),
            "states": states,
            "attempts": channels | again,
            "heard": heard,
            "cascades": ways,
            "arrived": self._peers.mails().total() + self._peers.texts().total() + pushes.total(),
            "pushes": pushes.total(),
            "replaced": pushes.total() - len(pushes),
        }
