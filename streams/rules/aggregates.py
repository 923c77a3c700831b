"""The aggregates of the rules: packs, triggers, kill switches, restores of the log. Each is a stream of the log.

Their events are the governance facts. A command checks what must hold, and then calls a method decorated with
eventsourcing's `@event`. That method only applies the fact: it also runs when facts are read, and older releases
refused less. Commands return True if they triggered an event, and raise NotAllowed where the principal may not.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Self, cast
from uuid import UUID

from eventsourcing.domain import BaseAggregate
from msgspec import Struct
from msgspec.structs import replace

from domain.core.translatable import Words
from domain.facts.governance import (
    ControlSet,
    LogRestored,
    PackApproved,
    PackPublished,
    PackRefused,
    PackSubmitted,
    SentAsTest,
    TriggerApproved,
    TriggerCommented,
    TriggerPaused,
    TriggerPublished,
    TriggerReachChanged,
    TriggerRefused,
    TriggerResumed,
    TriggerSubmitted,
    TriggerWithdrawn,
)
from domain.facts.principals import NotAllowed, Principal, Role, require
from domain.facts.submissions import (
    Comment,
    Refusal,
    Subject,
    Submission,
    check_acting,
    check_approving,
    check_publishing,
    check_refusing,
    check_stopping,
    check_submitting,
)
from domain.nudges.settle import PAUSED
from domain.rules.event_types import Catalogue
from domain.rules.rulebook import Version
from domain.rules.trigger_compiling import compile_trigger
from streams.log.fact_events import FactEvent, records

A_DAY = timedelta(days=1)
MOST_COMMENTS_A_DAY = 50
"""By one person on all versions of a trigger; each is kept for ever and mailed to the other side."""


class AlreadyPublished(ValueError):
    """Raised when a published version is to be refused."""


class Publication(Struct, frozen=True):
    """A published version with its position in the log; `withdrawn`: its trigger was withdrawn since.

    `fact` has the `reach` and `ahead_from` that hold now.
    """

    position: int
    fact: TriggerPublished
    withdrawn: bool = False

    def version(self, catalogue: Catalogue) -> Version:
        """Compile the version for the rulebook. Raises BadTrigger where it does not work with these event types."""
        fact = self.fact
        trigger = compile_trigger(fact.trigger, fact.rules, catalogue)
        return Version(trigger, fact.hash, self.position, fact.reach, fact.ahead_from, self.withdrawn, fact.share)


class ActiveStop(Struct, frozen=True):
    """A kill switch that is on (as in ControlSet) or a paused trigger (`scope` is "paused")."""

    scope: str
    name: str
    since: datetime
    by: str
    reason: str


class RuleAggregate(BaseAggregate[UUID]):
    """An aggregate that begins empty, because several kinds of facts may be the first of its stream.

    `TOPIC`: the kind of subject that it is (see Subject).
    """

    TOPIC = ""

    class Event(FactEvent):
        """An event of the aggregate."""

    def __init__(self, name: str) -> None:
        self.name = name

    @classmethod
    def empty(cls, stream: UUID, name: str) -> Self:
        """Return the aggregate before its first fact."""
        made = cls.__new__(cls)
        made.__base_init__(stream, 0, datetime.min.replace(tzinfo=UTC))
        cls.__init__(made, name)
        return made

    @property
    def new_facts(self) -> list[Any]:
        """The facts that are not saved yet."""
        return [cast("FactEvent", one).fact for one in self.pending_events]

    def take(self, event: FactEvent) -> None:
        """Apply a stored event, also where facts before it are missing.

        A reader may ask for some topics only, a view may be damaged, and a row of the log may be gone or forged
        (`audit verify` names it). Then a trigger must still be paused.
        """
        self.version = event.originator_version - 1
        event.mutate(self)

    def trigger_event(self, event_class: Any, **kwargs: Any) -> None:  # noqa: ANN401  (eventsourcing's signature)
        """Trigger the event at the time of its fact; no clock is read."""
        super().trigger_event(event_class, timestamp=kwargs["fact"].at, **kwargs)


class Versioned(RuleAggregate):
    """The common part of packs and triggers: versions that are submitted, approved or refused, and published.

    `submissions`: hash -> version, the latest submitted last.
    """

    APPROVED = REFUSED = cast("Any", None)  # an annotation would make a dataclass of it

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.submissions: dict[str, Submission] = {}

    @property
    def about(self) -> Subject:
        """The name by which commands and facts call it."""
        return Subject(self.TOPIC, self.name)

    @property
    def hash(self) -> str | None:
        """The hash of the version that is published now."""
        raise NotImplementedError

    @property
    def owner(self) -> str | None:
        """The owner of what was published last; None if nothing was."""
        raise NotImplementedError

    @property
    def owners(self) -> Iterator[str]:
        """The owners of what was published last, and of what was submitted last."""
        if self.owner is not None:
            yield self.owner
        if self.latest is not None:
            yield self.latest.owner

    @property
    def latest(self) -> Submission | None:
        """The version that was submitted last."""
        return next(reversed(self.submissions.values()), None)

    def refusals(self, hash_: str) -> tuple[Refusal, ...]:
        """Return all refusals of this very content, the last one at the end."""
        return self.submissions[hash_].refusals if hash_ in self.submissions else ()

    def submit(self, fact: Any, who: Principal) -> bool:  # noqa: ANN401  (PackSubmitted, or TriggerSubmitted)
        """Submit a version, unless it is published, or waits already as the latest one."""
        check_submitting(who, fact.owner, self.about)
        self._check_owner_stays(fact, who)
        latest = self.latest
        waits = latest is not None and latest.hash == fact.hash and not latest.refused_by
        if waits or fact.hash == self.hash:
            return False
        self._submitted(fact)
        return True

    def install(self, fact: Any) -> bool:  # noqa: ANN401  (PackPublished, or TriggerPublished)
        """Publish a version without an approval, as an empty log needs it."""
        if fact.hash == self.hash:
            return False
        self._published(fact)
        return True

    def approve(self, who: Principal, hash_: str, comment: str, now: datetime) -> bool:
        """Approve exactly this version: another person of the agency does."""
        submission = self.submissions[hash_]
        check_approving(who, submission)
        if submission.approved_by:
            return False
        self._approved(self.APPROVED(now, who.name, self.name, hash_, comment))
        return True

    def refuse(self, who: Principal, hash_: str, reason: str, now: datetime) -> bool:
        """Refuse exactly this version, so that it cannot be published until it is submitted or approved again.

        Raises:
            AlreadyPublished: it is published.
        """
        submission = self.submissions[hash_]
        check_refusing(who, submission)
        if hash_ == self.hash:
            raise AlreadyPublished(
                Words(
                    "{about} is published, so it can no longer be refused. Pause it, or withdraw it.",
                    about=self.about,
                )
            )
        if submission.refused_by:
            return False
        self._refused(self.REFUSED(now, who.name, self.name, hash_, reason))
        return True

    def _check_owner_stays(self, fact: Any, who: Principal) -> None:  # noqa: ANN401  (as of submit)
        """Check that the name keeps its owner, so that nobody takes it over by writing another one."""
        for owner in self.owners:
            if owner != fact.owner:
                require(who, Role.AUTHOR, owner, str(self.about))
                if not who.operator:
                    raise NotAllowed(
                        Words("{about} would get another owner, which only an operator may give it", about=self.about)
                    )

    def _submitted(self, fact: Any) -> None:  # noqa: ANN401  (as of submit)
        known = self.submissions.pop(fact.hash, None)
        if known is None:
            new = Submission(self.about, fact.owner, fact.hash, fact, (fact.by,))
        elif known.approved_by:
            new = replace(known, by=(*known.by, fact.by))
        else:
            new = replace(known, fact=fact, by=(*known.by, fact.by), refused_by="", said="")
        if isinstance(fact, TriggerSubmitted):
            new = replace(new, written_by=tuple(dict.fromkeys((*new.written_by, *fact.written_by))))
        self.submissions[fact.hash] = new

    def _published(self, fact: Any) -> None:  # noqa: ANN401  (as of install)
        raise NotImplementedError

    def _approved(self, fact: Any) -> None:  # noqa: ANN401  (PackApproved, or TriggerApproved)
        if (before := self.submissions.get(fact.hash)) is not None:  # see `take`
            self.submissions[fact.hash] = replace(before, approved_by=fact.by, refused_by="", said=fact.comment)

    def _refused(self, fact: Any) -> None:  # noqa: ANN401  (PackRefused, or TriggerRefused)
        if (before := self.submissions.get(fact.hash)) is None:  # see `take`
            return
        refusals = (*before.refusals, Refusal(fact.by, fact.at, fact.reason))
        self.submissions[fact.hash] = replace(
            before, approved_by="", refused_by=fact.by, said=fact.reason, refusals=refusals
        )


class GovernedPack(Versioned):
    """A pack's content besides its triggers. `position`: of its first publication in the log."""

    TOPIC = "pack"
    APPROVED, REFUSED = PackApproved, PackRefused

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.published: PackPublished | None = None
        self.position = 0

    @property
    def hash(self) -> str | None:
        """The hash of the content that is published now."""
        return None if self.published is None else self.published.hash

    @property
    def owner(self) -> str | None:
        """The owner of the published content; None if none is."""
        return None if self.published is None else owner_of(self.published.content)

    def publish(self, fact: PackPublished, who: Principal) -> bool:
        """Publish content, which must be approved."""
        check_publishing(who, self.submissions[fact.hash])
        return self.install(fact)

    def _check_owner_stays(self, fact: PackSubmitted, who: Principal) -> None:
        """As of any other; but operators may give an agency's pack `emergencies`, by which it becomes theirs."""
        if not (fact.content.get("emergencies") and who.operator):
            super()._check_owner_stays(fact, who)

    @records(PackSubmitted)
    def _submitted(self, fact: PackSubmitted) -> None:
        super()._submitted(fact)

    @records(PackApproved)
    def _approved(self, fact: PackApproved) -> None:
        super()._approved(fact)

    @records(PackRefused)
    def _refused(self, fact: PackRefused) -> None:
        super()._refused(fact)

    @records(PackPublished)
    def _published(self, fact: PackPublished, position: int = 0) -> None:
        if self.published is None:
            self.position = position
        self.published = fact


class GovernedTrigger(Versioned):
    """A trigger's rules and words. `paused`: the fact by which it was, if it is paused now."""

    TOPIC = "trigger"
    APPROVED, REFUSED = TriggerApproved, TriggerRefused

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.publications: list[Publication] = []
        self.paused: TriggerPaused | None = None

    @property
    def live(self) -> list[Publication]:
        """The publications that are not withdrawn, the latest last."""
        return [publication for publication in self.publications if not publication.withdrawn]

    @property
    def current(self) -> TriggerPublished | None:
        """The latest publication that is not withdrawn."""
        return self.live[-1].fact if self.live else None

    @property
    def hash(self) -> str | None:
        """The hash of the version that is published now."""
        return None if self.current is None else self.current.hash

    @property
    def owner(self) -> str | None:
        """The owner of the version that was published last, even if it was withdrawn; None if none was."""
        return str(self.publications[-1].fact.rules["owner"]) if self.publications else None

    @property
    def stop(self) -> ActiveStop | None:
        """The pause that holds now."""
        fact = self.paused
        return None if fact is None else ActiveStop(PAUSED, self.name, fact.at, fact.by, fact.reason)

    def publish(self, fact: TriggerPublished, who: Principal) -> bool:
        """Publish a version, which must be approved, for its share of persons; a canary only grows."""
        check_publishing(who, self.submissions[fact.hash])
        current = self.current
        if current is not None and current.hash == fact.hash and current.share >= fact.share:
            if current.share > fact.share:
                raise NotAllowed(
                    Words(
                        "{name} is for {share} of all already, and a canary only grows",
                        name=self.name,
                        share=f"{current.share:.0%}",
                    )
                )
            return False
        self._published(fact)
        return True

    def comment(self, who: Principal, hash_: str, text: str, now: datetime) -> bool:
        """Write about a version, as anybody of the agency; the same words again say nothing."""
        submission = self.submissions[hash_]
        check_acting(who, submission.owner, self.name)
        if submission.comments and (submission.comments[-1].by, submission.comments[-1].text) == (who.name, text):
            return False
        comments = (each for version in self.submissions.values() for each in version.comments)
        if sum(each.by == who.name and each.at > now - A_DAY for each in comments) >= MOST_COMMENTS_A_DAY:
            raise NotAllowed(
                Words(
                    "you have commented on this rule {count} times within a day, which is the most",
                    count=MOST_COMMENTS_A_DAY,
                )
            )
        self._commented(TriggerCommented(now, who.name, self.name, hash_, text))
        return True

    def reach_pending(self, by: str, now: datetime, overdue: Sequence[datetime]) -> bool:
        """Extend the reach of the current version to that of the earlier ones, and to nudges due at those times."""
        current = self.live[-1].fact
        reach = min(publication.fact.reach for publication in self.live)
        ahead = min([current.ahead_from, *overdue])
        if (reach, ahead) == (current.reach, current.ahead_from):
            return False
        self._reach_changed(TriggerReachChanged(now, by, self.name, current.hash, reach, ahead))
        return True

    def backfill(self, by: str, now: datetime, since: datetime, ahead_from: datetime) -> bool:
        """Let the current version look from `since` as well; plan what it reaches only by that from `ahead_from`."""
        current = self.live[-1].fact
        if min(one.fact.reach for one in self.live if one.fact.hash == current.hash) <= since:
            return False
        self._reach_changed(TriggerReachChanged(now, by, self.name, current.hash, since, ahead_from, further=True))
        return True

    def pause(self, who: Principal, reason: str, now: datetime) -> bool:
        """Send nothing until it is resumed; it goes on planning."""
        check_stopping(who, self.owner or "", self.name)
        if self.paused is not None:
            return False
        self._paused(TriggerPaused(now, who.name, self.name, reason))
        return True

    def resume(self, who: Principal, reason: str, now: datetime) -> bool:
        """Send again, what waited included."""
        check_stopping(who, self.owner or "", self.name)
        if self.paused is None:
            return False
        self._resumed(TriggerResumed(now, who.name, self.name, reason))
        return True

    def withdraw(self, who: Principal, now: datetime, reason: str = "") -> bool:
        """Plan and send nothing until a version is published again."""
        check_acting(who, self.owner or "", self.name)
        if not self.live:
            return False
        self._withdrawn(TriggerWithdrawn(now, who.name, self.name, reason))
        return True

    def send_as_test(self, fact: SentAsTest, who: Principal) -> None:
        """Record that words are about to be sent to a colleague."""
        for owner in self.owners:
            check_acting(who, owner, self.name)
        self._sent_as_test(fact)

    @records(TriggerSubmitted)
    def _submitted(self, fact: TriggerSubmitted) -> None:
        super()._submitted(fact)

    @records(TriggerApproved)
    def _approved(self, fact: TriggerApproved) -> None:
        super()._approved(fact)

    @records(TriggerRefused)
    def _refused(self, fact: TriggerRefused) -> None:
        super()._refused(fact)

    @records(TriggerCommented)
    def _commented(self, fact: TriggerCommented) -> None:
        if (before := self.submissions.get(fact.hash)) is not None:  # see `take`
            said = Comment(fact.by, fact.at, fact.comment)
            self.submissions[fact.hash] = replace(before, comments=(*before.comments, said))

    @records(TriggerPublished)
    def _published(self, fact: TriggerPublished, position: int = 0) -> None:
        self.publications.append(Publication(position, fact))

    @records(TriggerReachChanged)
    def _reach_changed(self, fact: TriggerReachChanged, position: int = 0) -> None:
        """Give the latest publication of that version another reach, or add one with it (`further`)."""
        found = [at for at, one in enumerate(self.publications) if one.fact.hash == fact.hash][-1:]
        for at in found:
            before = self.publications[at]
            moved = replace(before.fact, reach=fact.reach, ahead_from=fact.ahead_from)
            if fact.further:
                self.publications.append(
                    Publication(position, replace(moved, at=fact.at, by=fact.by), before.withdrawn)
                )
            else:
                self.publications[at] = replace(before, fact=moved)

    @records(TriggerWithdrawn)
    def _withdrawn(self, fact: TriggerWithdrawn) -> None:  # noqa: ARG002  (it has no more to tell)
        self.publications = [replace(publication, withdrawn=True) for publication in self.publications]

    @records(TriggerPaused)
    def _paused(self, fact: TriggerPaused) -> None:
        self.paused = fact

    @records(TriggerResumed)
    def _resumed(self, fact: TriggerResumed) -> None:  # noqa: ARG002  (it has no more to tell)
        self.paused = None

    @records(SentAsTest)
    def _sent_as_test(self, fact: SentAsTest) -> None:
        """Change nothing but the number of facts, by which test sends are told apart."""


class KillSwitch(RuleAggregate):
    """A kill switch of operators, named by its scope and what it stops (as `channel/sms`). `last`: how it was set."""

    TOPIC = "control"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.last: ControlSet | None = None

    @property
    def stop(self) -> ActiveStop | None:
        """The stop, if the switch is on."""
        fact = self.last
        if fact is None or not fact.stopped:
            return None
        return ActiveStop(fact.scope, fact.name, fact.at, fact.by, fact.reason)

    def set(self, who: Principal, now: datetime, reason: str, *, stopped: bool) -> bool:
        """Set or clear it; only operators do."""
        if not who.operator:
            raise NotAllowed(
                Words("only an operator sets kill switches; {name} may pause what is their agency's", name=who.name)
            )
        if (self.stop is not None) == stopped:
            return False
        scope, _, name = self.name.partition("/")
        self._set(ControlSet(now, who.name, scope, name, stopped, reason))
        return True

    @records(ControlSet)
    def _set(self, fact: ControlSet) -> None:
        self.last = fact


class RestoredLog(RuleAggregate):
    """The log's restores from backups. `doubt_until`: what was due by then may have been sent already."""

    TOPIC = "log"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.doubt_until: datetime | None = None

    @records(LogRestored)
    def restore(self, fact: LogRestored) -> None:
        """Declare a restore."""
        self.doubt_until = max(self.doubt_until or fact.until, fact.until)


AGGREGATES: Mapping[str, type[RuleAggregate]] = {
    kind.TOPIC: kind for kind in (GovernedPack, GovernedTrigger, KillSwitch, RestoredLog)
}
"""Kind of a subject -> its aggregate."""


def owner_of(content: Mapping[str, Any]) -> str:
    """Return the only agency that a pack declares; "" if it declares several or has `emergencies`.

    Operators decide on both: no agency gives itself the right to wake a country.
    """
    if content.get("emergencies"):
        return ""
    agencies = list(content.get("agencies") or ())
    return str(agencies[0]) if len(agencies) == 1 else ""
