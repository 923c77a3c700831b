"""Governing: submit, approve by another person of the agency, publish; each a fact in the log.

What publishing an approved trigger version takes: a first time, for more persons, or for pending nudges too.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection

from domain.core.ids import Names
from domain.facts.governance import (
    PackApproved,
    PackPublished,
    PackRefused,
    PackSubmitted,
    TriggerApproved,
    TriggerPublished,
    TriggerReachChanged,
    TriggerRefused,
    TriggerSubmitted,
)
from domain.facts.principals import NotAllowed, Principal
from domain.facts.submissions import (
    Subject,
    Submission,
    check_approving,
    check_publishing,
    check_refusing,
    check_submitting,
)
from projections import nudges
from projections.tables import micros
from streams.log.log import Log
from streams.rules.governed import Governed
from streams.rules.ownership import (
    check_names_are_free,
    check_owner_stays,
    check_packs_hold,
    owner_of,
)
from streams.rules.publishing import append_governance, govern, publication, read_governed
from streams.storage.database import Database
from templates.checks.loader import BUILT_IN, Pack, load_packs
from templates.checks.placeholders import require_own_text
from templates.reading.catalogue import catalogue_of
from templates.reading.findings import closest


class NotPublished(LookupError):
    """The pack {pack}, on which {trigger} stands, is not published. Publish pack:{pack} before it, or with it."""

    def __init__(self, trigger: str, pack: str) -> None:
        super().__init__((type(self).__doc__ or "").format(trigger=trigger, pack=pack))


def released(
    connection: Connection,
    before: Governed,
    packs: Mapping[str, Mapping[str, Any]],
    source: TriggerSubmitted,
    by: str,
    now: datetime,
    share: float,
    *,
    to_pending: bool,
) -> list[TriggerPublished | TriggerReachChanged]:
    """The facts that publish the version for that share of persons; none where that is so already.

    Raises:
        NotAllowed: it is for more persons already.
        NotPublished: its pack is not published, nor among `packs`.
    """
    if source.pack not in packs:
        raise NotPublished(source.trigger, source.pack)
    current = before.current(source.trigger)
    facts: list[TriggerPublished | TriggerReachChanged] = []
    if current is None or current.hash != source.hash or current.share < share:
        current = publication(source, packs[source.pack], before, by, now, share)
        facts.append(current)
    elif current.share > share:
        raise NotAllowed(f"{source.trigger} is for {current.share:.0%} of all already, and a canary only grows")
    if to_pending and (moved := _to_pending(connection, before, current, by, now)) is not None:
        facts.append(moved)
    return facts


def _to_pending(
    connection: Connection, before: Governed, current: TriggerPublished, by: str, now: datetime
) -> TriggerReachChanged | None:
    """Look as far back as any version before it, and leave out no nudge that waits although its time has come."""
    reach = min([current.reach, *(each.fact.reach for each in before.of(current.trigger))])
    ahead = min([current.ahead_from, *nominal(connection, before, current.trigger, now)])
    if (reach, ahead) == (current.reach, current.ahead_from):
        return None
    return TriggerReachChanged(now, by, current.trigger, current.hash, reach, ahead)


def nominal(connection: Connection, before: Governed, trigger: str, now: datetime) -> Sequence[datetime]:
    """When the trigger's nudges that wait although their time has come were due, before they were spread."""
    waiting = [each for each in nudges.overdue(connection, micros(now)) if each.intent.trigger == trigger]
    if not waiting:
        return []
    catalogue = catalogue_of(before.contents)
    versions = [each.version(catalogue).trigger for each in before.of(trigger)]
    spread = max((step.smooth for version in versions for step in version.steps), default=0)
    return [each.intent.due - timedelta(seconds=spread) for each in waiting]


class NotSubmitted(LookupError):
    """Nothing submitted is called {name}{hint}. See `habarshy submissions`; `habarshy submit` adds to them."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        meant = closest(name, known)
        hint = f" (did you mean {meant!r}?)" if meant else ""
        super().__init__((type(self).__doc__ or "").format(name=name, hint=hint))


class TwoVersions(ValueError):
    """{name} is named with two versions ({hashes}), and only one can hold. Name one, by enough of its hash."""

    def __init__(self, one: Submission, other: Submission) -> None:
        length = 12 if one.hash[:12] != other.hash[:12] else None
        hashes = f"{one.hash[:length]} and {other.hash[:length]}"
        super().__init__((type(self).__doc__ or "").format(name=one.about, hashes=hashes))


class AlreadyPublished(ValueError):
    """{name} is published, so it can no longer be refused. Pause it, or withdraw it."""

    def __init__(self, about: Subject) -> None:
        super().__init__((type(self).__doc__ or "").format(name=about))


class Reference(Struct, frozen=True):
    """What a command names: a subject, and the beginning of its hash (empty: the latest)."""

    about: Subject
    hash: str = ""

    def __str__(self) -> str:
        return f"{self.about}@{self.hash}" if self.hash else str(self.about)


def reference(text: str) -> Reference:
    """`card_ends`, `card_ends@3f2a`, `pack:kz` or `pack:kz@3f2a`."""
    name, _, hash_ = text.partition("@")
    return Reference(subject(name), hash_)


def subject(name: str) -> Subject:
    """`card_ends` or `pack:kz`."""
    kind, separator, rest = name.partition(":")
    return Subject(kind, rest) if separator else Subject("trigger", name)


class Done(Struct, frozen=True):
    """What became of one of the things that a command names; `new`: whether that took a fact."""

    submission: Submission
    new: bool
    share: float = 1.0


class Governing:
    """Lets principals change what is published, each by what they may."""

    def __init__(self, database: Database, log: Log, names: Names, clock: Callable[[], datetime]) -> None:
        self._database, self._log, self._names, self._clock = database, log, names, clock

    def governed(self) -> Governed:
        """What holds and what waits now."""
        with self._database.reading() as connection:
            return read_governed(connection, self._log)

    def waiting(self, who: Principal) -> list[Submission]:
        """What waits for approval or publication and is theirs to know, by name."""
        now = self.governed()
        return [
            latest
            for about, versions in sorted(now.submitted.items())
            if (latest := versions[-1]).hash != now.hash_of(about) and who.may_read(latest.owner)
        ]

    def submit(self, packs: Sequence[Pack], wanted: Sequence[Subject], who: Principal) -> list[Done]:
        """Put up for approval what is new of the wanted in these packs, which lint and their tests have passed.

        Raises:
            NotAllowed: some of it belongs to another agency, or takes a name that does.
            OtherPack: a trigger without its pack, which is not as published.
            StillPlaceholders: a trigger has text of the scaffold.
        """
        return govern(self._database, lambda connection: self._submit(connection, packs, wanted, who))

    def _submit(
        self, connection: Connection, packs: Sequence[Pack], wanted: Sequence[Subject], who: Principal
    ) -> list[Done]:
        before, now = read_governed(connection, self._log), self._clock()
        done, facts = [], []
        for fact in _submissions(packs, who, now):
            submission = Submission(_about(fact), fact.owner, fact.hash, fact, (who.name,))
            if submission.about not in wanted:
                continue
            check_submitting(who, fact.owner, submission.about)
            check_owner_stays(before, submission, who)
            check_names_are_free(before, fact)
            new = not _is_known(before, submission)
            if new:
                _require_own_text(fact)
            facts += [fact] if new else []
            done.append(Done(submission, new))
        check_packs_hold(before, packs, wanted)
        append_governance(connection, self._log, self._names, facts, before, now)
        return done

    def find(self, wanted: Reference, who: Principal, *, approved: bool = False) -> Submission:
        """The submission of that name and hash, without one the latest; `approved`: the latest approved, if any is.

        Raises:
            NotSubmitted: there is none.
            NotAllowed: it belongs to another agency.
            TwoVersions: what is given of the hash begins two.
        """
        return find(self.governed(), wanted, who, approved=approved)

    def approve(self, submission: Submission, who: Principal, comment: str = "") -> Done:
        """Approve this very version; the log keeps the comment.

        Raises:
            NotAllowed: not yours to approve.
            StillPlaceholders: it has text of the scaffold.
        """
        return govern(self._database, lambda connection: self._approve(connection, submission, who, comment))

    def _approve(self, connection: Connection, seen: Submission, who: Principal, comment: str) -> Done:
        before, now = read_governed(connection, self._log), self._clock()
        submission = find(before, Reference(seen.about, seen.hash), who)
        check_approving(who, submission)
        if submission.approved_by:
            return Done(submission, new=False)
        _require_own_text(submission.fact)
        about, fact = submission.about, PackApproved if submission.about.kind == "pack" else TriggerApproved
        facts = [fact(now, who.name, about.name, submission.hash, comment)]
        append_governance(connection, self._log, self._names, facts, before, now)
        return Done(submission, new=True)

    def refuse(self, submission: Submission, who: Principal, reason: str) -> Done:
        """Refuse this very version: it is not published until it is submitted or approved again.

        Raises:
            NotAllowed: not yours to approve.
            AlreadyPublished: it is published.
        """
        return govern(self._database, lambda connection: self._refuse(connection, submission, who, reason))

    def _refuse(self, connection: Connection, seen: Submission, who: Principal, reason: str) -> Done:
        before, now = read_governed(connection, self._log), self._clock()
        submission = find(before, Reference(seen.about, seen.hash), who)
        check_refusing(who, submission)
        about = submission.about
        if before.hash_of(about) == submission.hash:
            raise AlreadyPublished(about)
        if submission.refused_by:
            return Done(submission, new=False)
        kind = PackRefused if about.kind == "pack" else TriggerRefused
        facts = [kind(now, who.name, about.name, submission.hash, reason)]
        append_governance(connection, self._log, self._names, facts, before, now)
        return Done(submission, new=True)

    def publish(
        self, wanted: Sequence[Reference], who: Principal, *, share: float = 1.0, to_pending: bool = False
    ) -> list[Done]:
        """Publish approved versions, all or none; `to_pending`: also for the nudges that are planned already.

        Raises:
            BreaksVersions, NoDefaults, NotPublished: they do not work with what is published.
            NotAllowed: not yours to publish, not approved, or the canary would shrink.
            NotSubmitted: there is none of that name.
            StillPlaceholders: one has text of the scaffold.
            TwoVersions: two of one name.
        """
        begins = load_packs(()) if BUILT_IN not in self.governed().packs else ()
        return govern(
            self._database,
            lambda connection: self._publish(connection, wanted, who, share, begins, to_pending=to_pending),
        )

    def _publish(
        self,
        connection: Connection,
        wanted: Sequence[Reference],
        who: Principal,
        share: float,
        begins: Sequence[Pack],
        *,
        to_pending: bool,
    ) -> list[Done]:
        """`begins`: what is published before anything else, if the log has nothing: what belongs to the program."""
        before, now = read_governed(connection, self._log), self._clock()
        found = _each_once(find(before, each, who, approved=True) for each in wanted)
        for submission in found:
            check_publishing(who, submission)
            _require_own_text(submission.fact)
        done: list[Done] = []
        facts: list[Any] = [
            PackPublished(now, "pack", pack.name, pack.hash, pack.content)
            for pack in begins
            if pack.name not in before.packs
        ]
        packs = {name: pack.content for name, pack in before.packs.items()}
        for submission in found:  # packs come first
            fact = submission.fact
            if isinstance(fact, PackSubmitted):
                check_names_are_free(before, fact)
                packs[fact.pack] = fact.content
                new: list[Any] = [PackPublished(now, who.name, fact.pack, fact.hash, fact.content)]
                new = new if before.hash_of(submission.about) != fact.hash else []
            else:
                new = released(connection, before, packs, fact, who.name, now, share, to_pending=to_pending)
            facts += new
            done.append(Done(submission, bool(new), 1.0 if isinstance(fact, PackSubmitted) else share))
        append_governance(connection, self._log, self._names, facts, before, now)
        return done


def find(before: Governed, wanted: Reference, who: Principal, *, approved: bool = False) -> Submission:
    """See Governing.find."""
    versions = before.submitted.get(wanted.about, ())
    fitting = [each for each in versions if each.hash.startswith(wanted.hash)]
    if not fitting:
        mine = [str(about) for about, each in before.submitted.items() if who.may_read(each[-1].owner)]
        raise NotSubmitted(str(wanted), mine)
    if not who.may_read(fitting[-1].owner):
        raise NotAllowed(f"{wanted.about} belongs to another agency than yours ({who.agency})")
    if wanted.hash and len(fitting) > 1:  # an author can make two that begin alike, one to be looked at
        raise TwoVersions(*fitting[-2:])
    ready = [each for each in fitting if each.approved_by] if approved else []
    return (ready or fitting)[-1]


def _each_once(found: Iterable[Submission]) -> list[Submission]:
    """By what they are about, however often each was named."""
    by_name: dict[Subject, Submission] = {}
    for each in found:
        if (other := by_name.setdefault(each.about, each)).hash != each.hash:
            raise TwoVersions(other, each)
    return [by_name[about] for about in sorted(by_name)]


def _submissions(packs: Sequence[Pack], who: Principal, now: datetime) -> Iterable[PackSubmitted | TriggerSubmitted]:
    for pack in packs:
        yield PackSubmitted(now, who.name, pack.name, owner_of(pack.content), pack.hash, pack.content)
        for each in pack.triggers:
            owner = str(each.rules["owner"])
            yield TriggerSubmitted(now, who.name, pack.name, each.name, owner, each.hash, each.rules, each.words)


def _require_own_text(fact: PackSubmitted | TriggerSubmitted) -> None:
    if isinstance(fact, TriggerSubmitted):
        require_own_text(fact.trigger, fact.rules, fact.words)


def _about(fact: PackSubmitted | TriggerSubmitted) -> Subject:
    return Subject("pack", fact.pack) if isinstance(fact, PackSubmitted) else Subject("trigger", fact.trigger)


def _is_known(before: Governed, submission: Submission) -> bool:
    """Whether it is published or waits already, as the latest of its name."""
    versions = before.submitted.get(submission.about, ())
    waits = bool(versions) and versions[-1].hash == submission.hash and not versions[-1].refused_by
    return waits or before.hash_of(submission.about) == submission.hash
