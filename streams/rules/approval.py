"""Submit, approve (by another person of the agency), refuse and publish packs and triggers; each is a fact."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from msgspec import Struct
from sqlalchemy import Connection

from domain.core.ids import Names
from domain.core.translatable import Said, Words
from domain.facts.governance import PackPublished, PackSubmitted, TriggerSubmitted
from domain.facts.principals import Principal, other_agency
from domain.facts.submissions import Subject, Submission, check_publishing, subject_of
from projections import nudges
from projections.tables import micros
from streams.log.log import Log
from streams.rules.aggregates import Versioned, owner_of
from streams.rules.governed import Governed
from streams.rules.ownership import check_names_are_free, check_packs_hold
from streams.rules.publishing import Rulemaking, govern, publication, read_governed, submission_of
from streams.storage.database import Database
from templates.checks.loader import Pack, load_packs
from templates.checks.placeholders import require_own_text
from templates.reading.catalogue import Content, catalogue_of
from templates.reading.findings import hint


class NotPublished(LookupError):
    """Raised for a trigger whose pack is not published."""


def nominal(connection: Connection, before: Governed, trigger: str, now: datetime) -> Sequence[datetime]:
    """Return the due times, before spreading (`smooth`), of the trigger's overdue nudges."""
    waiting = [nudge for nudge in nudges.overdue(connection, micros(now)) if nudge.intent.trigger == trigger]
    if not waiting:
        return []
    catalogue = catalogue_of(before.contents)
    versions = [publication.version(catalogue).trigger for publication in before.publications_of(trigger)]
    spread = max((step.smooth for version in versions for step in version.steps), default=0)
    return [nudge.intent.due - timedelta(seconds=spread) for nudge in waiting]


class NotSubmitted(LookupError):
    """Raised for a name that no submission has."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(
            Words(
                "Nothing submitted is called {name}{hint}."
                " See `habarshy submissions`; `habarshy submit` adds to them.",
                name=name,
                hint=hint(name, known),
            )
        )


class DecidedMeanwhile(Exception):
    """Raised for a decision that would change another one which whoever decides has not seen."""

    def __init__(self) -> None:
        super().__init__(
            Said(
                "Somebody has decided on this version since you opened its page. Read what stands here now, and"
                " decide again if you still want to."
            )
        )


class TwoVersions(ValueError):
    """Raised when two versions of one pack or trigger are meant."""

    def __init__(self, one: Submission, other: Submission) -> None:
        length = 12 if one.hash[:12] != other.hash[:12] else None
        super().__init__(
            Words(
                "{about} is named with two versions ({one} and {other}), and only one can hold."
                " Name one, by enough of its hash.",
                about=one.about,
                one=one.hash[:length],
                other=other.hash[:length],
            )
        )


class Reference(Struct, frozen=True):
    """A subject named in a command, with the beginning of its hash (empty: the latest version)."""

    about: Subject
    hash: str = ""

    def __str__(self) -> str:
        return f"{self.about}@{self.hash}" if self.hash else str(self.about)


def reference(text: str) -> Reference:
    """Parse `card_ends`, `card_ends@3f2a`, `pack:kz` or `pack:kz@3f2a`."""
    name, _, hash_ = text.partition("@")
    return Reference(subject(name), hash_)


def subject(name: str) -> Subject:
    """Parse `card_ends` or `pack:kz`."""
    kind, separator, rest = name.partition(":")
    return Subject(kind, rest) if separator else Subject("trigger", name)


class SubmissionResult(Struct, frozen=True):
    """The result for one subject named in a command; `new`: True if a fact was appended."""

    submission: Submission
    new: bool
    share: float = 1.0


class RuleApproval:
    """Lets principals submit, approve, refuse and publish, each within their rights."""

    def __init__(self, database: Database, log: Log, names: Names, clock: Callable[[], datetime]) -> None:
        self._database, self._log, self._names, self._clock = database, log, names, clock
        self._govern = partial(govern, database, log, names)

    def governed(self) -> Governed:
        """Return what is published and what is submitted now."""
        with self._database.reading() as connection:
            return read_governed(connection, self._log)

    def waiting(self, who: Principal) -> list[Submission]:
        """Return the latest submissions that are not published and that the principal may read, by name."""
        now = self.governed()
        return [
            latest
            for about, versions in sorted(now.submitted.items())
            if (latest := versions[-1]).hash != now.hash_of(about) and who.may_read(latest.owner)
        ]

    def submit(
        self, packs: Sequence[Pack], wanted: Sequence[Subject], who: Principal, written_by: tuple[str, ...] = ()
    ) -> list[SubmissionResult]:
        """Submit for approval what is new among the wanted subjects of these packs, which passed lint and tests.

        `written_by`: all who wrote the draft that is submitted, as far as that is known.

        Raises:
            NotAllowed: a subject, or a name that it declares, belongs to another agency.
            OtherPack: a trigger is submitted without its pack, which differs from the published one.
            StillPlaceholders: a trigger still has text of the scaffold.
        """

        def work(rules: Rulemaking) -> list[SubmissionResult]:
            done = []
            for fact in _submissions(packs, who, self._clock(), written_by):
                if (about := subject_of(fact)) not in wanted:
                    continue
                one = rules.version(about)
                refusals = one.refusals(fact.hash)
                new = one.submit(fact, who)
                check_names_are_free(rules.before, fact)
                if new:
                    _require_own_text(fact)
                submission = Submission(about, fact.owner, fact.hash, fact, (who.name,), refusals=refusals)
                done.append(SubmissionResult(submission, new))
            check_packs_hold(rules.before, packs, wanted)
            return done

        return self._govern(work)

    def find(self, wanted: Reference, who: Principal) -> Submission:
        """Return the submission of that name and hash; without a hash the latest.

        Raises:
            NotSubmitted: there is none.
            NotAllowed: it belongs to another agency.
            TwoVersions: two versions begin with the given hash.
        """
        return find(self.governed(), wanted, who)

    def approve(
        self, submission: Submission, who: Principal, comment: str = "", seen: str | None = None
    ) -> SubmissionResult:
        """Approve exactly this version; the log keeps the comment. `seen`: its standing, as the approver read it.

        Raises:
            DecidedMeanwhile: it was refused since.
            NotAllowed: the principal may not approve it.
            StillPlaceholders: it still has text of the scaffold.
        """

        def approve(one: Versioned, now: Submission) -> bool:
            if new := one.approve(who, now.hash, comment, self._clock()):
                _require_own_text(now.fact)
            return new

        return self._decide(submission, approve, seen)

    def refuse(
        self, submission: Submission, who: Principal, reason: str, seen: str | None = None
    ) -> SubmissionResult:
        """Refuse exactly this version: it cannot be published until it is submitted or approved again.

        `seen`: its standing, as the approver read it.

        Raises:
            DecidedMeanwhile: it was approved since.
            NotAllowed: the principal may not approve it.
            AlreadyPublished: it is published.
        """
        return self._decide(submission, lambda one, now: one.refuse(who, now.hash, reason, self._clock()), seen)

    def _decide(
        self, submission: Submission, decide: Callable[[Versioned, Submission], bool], seen: str | None
    ) -> SubmissionResult:
        """Decide about a version, given as it is stored; `decide` returns True if that appended a fact."""

        def decided(rules: Rulemaking) -> SubmissionResult:
            one = rules.version(submission.about)
            now = one.submissions[submission.hash]
            new = decide(one, now)
            if new and seen not in (None, now.standing):
                raise DecidedMeanwhile
            return SubmissionResult(now, new)

        return self._govern(decided)

    def comment(self, submission: Submission, who: Principal, text: str) -> SubmissionResult:
        """Write about a trigger's version without deciding anything.

        Raises:
            NotAllowed: the principal is not of the agency.
        """

        def comment(rules: Rulemaking) -> SubmissionResult:
            one = rules.trigger(submission.about.name)
            new = one.comment(who, submission.hash, text, self._clock())
            return SubmissionResult(one.submissions[submission.hash], new)

        return self._govern(comment)

    def publish(
        self, wanted: Sequence[Reference], who: Principal, *, share: float = 1.0, to_pending: bool = False
    ) -> list[SubmissionResult]:
        """Publish approved versions, all or none; `to_pending`: also for the nudges that are planned already.

        Raises:
            BreaksVersions, NoDefaults, NotPublished: they do not work with what is published.
            NotAllowed: the principal may not publish, a version is not approved, or the canary would shrink.
            NotSubmitted: there is none of that name.
            StillPlaceholders: a trigger still has text of the scaffold.
            TwoVersions: two versions of one name.
        """
        known = self.governed().packs
        # The built-in packs as shipped come first where the log differs.
        begins = [pack for pack in load_packs(()) if pack.name not in known or known[pack.name].hash != pack.hash]

        def work(rules: Rulemaking) -> list[SubmissionResult]:
            before, now = rules.before, self._clock()
            found = _each_once(find(before, reference_, who, approved=True) for reference_ in wanted)
            for submission in found:
                check_publishing(who, submission)  # first of all: without the right nobody is told anything else
            packs = {name: pack.content for name, pack in before.packs.items()}
            for pack in begins:
                rules.pack(pack.name).install(PackPublished(now, "pack", pack.name, pack.hash, pack.content))
                packs[pack.name] = pack.content
            done = []
            for submission in found:  # packs come first
                fact = submission.fact
                if isinstance(fact, PackSubmitted):
                    new = _publish_pack(rules, fact, who, now)
                    packs[fact.pack] = fact.content
                    done.append(SubmissionResult(submission, new))
                else:
                    new = _publish_trigger(rules, fact, packs, who, now, share, to_pending=to_pending)
                    done.append(SubmissionResult(submission, new, share))
            return done

        return self._govern(work)


def _publish_pack(rules: Rulemaking, fact: PackSubmitted, who: Principal, now: datetime) -> bool:
    """Publish a pack; return whether that is new."""
    new = rules.pack(fact.pack).publish(PackPublished(now, who.name, fact.pack, fact.hash, fact.content), who)
    check_names_are_free(rules.before, fact)
    return new


def _publish_trigger(
    rules: Rulemaking,
    fact: TriggerSubmitted,
    packs: Mapping[str, Content],
    who: Principal,
    now: datetime,
    share: float,
    *,
    to_pending: bool,
) -> bool:
    """Publish a trigger, and have it reach pending nudges if so wanted; return whether anything is new."""
    if fact.pack not in packs:
        raise NotPublished(
            Words(
                "The pack {pack} of {trigger} is not published. Publish pack:{pack} before it, or with it.",
                pack=fact.pack,
                trigger=fact.trigger,
            )
        )
    trigger = rules.trigger(fact.trigger)
    new = trigger.publish(publication(fact, packs[fact.pack], trigger.publications, who.name, now, share), who)
    _require_own_text(fact)
    if to_pending:
        new |= trigger.reach_pending(who.name, now, nominal(rules.connection, rules.before, fact.trigger, now))
    return new


def find(before: Governed, wanted: Reference, who: Principal, *, approved: bool = False) -> Submission:
    """As RuleApproval.find; `approved`: without a hash the latest that is approved."""
    versions = before.submitted.get(wanted.about, ())
    fitting = [version for version in versions if version.hash.startswith(wanted.hash)]
    if not fitting:
        mine = [str(about) for about, versions_ in before.submitted.items() if who.may_read(versions_[-1].owner)]
        raise NotSubmitted(str(wanted), mine)
    if not who.may_read(fitting[-1].owner):
        raise other_agency(str(wanted.about), who)
    if wanted.hash and len(fitting) > 1:  # an author could craft two that begin alike, to have the wrong one approved
        raise TwoVersions(*fitting[-2:])
    ready = [submission for submission in fitting if submission.approved_by] if approved else []
    return (ready or fitting)[-1]


def _each_once(found: Iterable[Submission]) -> list[Submission]:
    """Return each subject's submission once, sorted by subject, however often it was named."""
    by_name: dict[Subject, Submission] = {}
    for submission in found:
        if (other := by_name.setdefault(submission.about, submission)).hash != submission.hash:
            raise TwoVersions(other, submission)
    return [by_name[about] for about in sorted(by_name)]


def _submissions(
    packs: Sequence[Pack], who: Principal, now: datetime, written_by: tuple[str, ...]
) -> Iterable[PackSubmitted | TriggerSubmitted]:
    for pack in packs:
        yield PackSubmitted(now, who.name, pack.name, owner_of(pack.content), pack.hash, pack.content)
        yield from (submission_of(trigger, pack.name, who.name, now, written_by) for trigger in pack.triggers)


def _require_own_text(fact: PackSubmitted | TriggerSubmitted) -> None:
    if isinstance(fact, TriggerSubmitted):
        require_own_text(fact.trigger, fact.rules, fact.words)
