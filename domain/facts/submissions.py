"""Submissions for publication, and the checks of who may approve and publish them."""

from datetime import datetime
from typing import Any

from msgspec import Struct

from domain.core.translatable import Words
from domain.facts.governance import ControlSet, LogRestored, PackSubmitted, TriggerSubmitted
from domain.facts.principals import NotAllowed, Principal, Role, require


class Subject(Struct, frozen=True, order=True):
    """The subject of a governance fact: a trigger, a pack's content besides its triggers (as `pack:kz`), or a switch.

    Restores of the log have one too. Each subject has a stream of its own.
    """

    kind: str
    name: str

    def __str__(self) -> str:
        return self.name if self.kind == "trigger" else f"{self.kind}:{self.name}"


class Refusal(Struct, frozen=True):
    """An approver's refusal of a version."""

    by: str
    at: datetime
    reason: str


class Comment(Struct, frozen=True):
    """Something that somebody of the agency wrote about a version."""

    by: str
    at: datetime
    text: str


class Submission(Struct, frozen=True):
    """A version that was put up for approval. `by`: all who submitted it; `written_by`: all who saved a draft of it.

    `fact`: the last one by which it was submitted; of an approved version the one that was approved.

    `approved_by`: empty until then; `refused_by`: who refused it since, if it was not submitted or approved again;
    `said`: the approver's comment, or the reason of the refusal; `refusals`: all refusals of this very content, also
    from before it was submitted again; `comments`: all that was written about it besides.
    """

    about: Subject
    owner: str
    hash: str
    fact: PackSubmitted | TriggerSubmitted
    by: tuple[str, ...]
    approved_by: str = ""
    refused_by: str = ""
    said: str = ""
    refusals: tuple[Refusal, ...] = ()
    comments: tuple[Comment, ...] = ()
    written_by: tuple[str, ...] = ()

    @property
    def authors(self) -> frozenset[str]:
        """Return those whose own it is: none of them approves it."""
        return frozenset((*self.by, *self.written_by))

    @property
    def refused_before(self) -> Refusal | None:
        """The last refusal of this very content, if it was submitted or approved again since."""
        return self.refusals[-1] if self.refusals and not self.refused_by else None

    @property
    def state(self) -> str:
        """Return the state: submitted, approved or refused."""
        return "refused" if self.refused_by else "approved" if self.approved_by else "submitted"

    @property
    def standing(self) -> str:
        """Return what was decided about it, in a word that no earlier decision had."""
        return f"{self.state}-{len(self.refusals)}"

    @property
    def last_by(self) -> str:
        """Return the principal who brought it into that state."""
        return self.refused_by or self.approved_by or self.by[-1]


def subject_of(fact: Any) -> Subject:  # noqa: ANN401  (any governance fact)
    """Return the subject of the fact, which names its stream."""
    if isinstance(fact, ControlSet):
        return Subject("control", f"{fact.scope}/{fact.name}")
    if isinstance(fact, LogRestored):
        return Subject("log", "restored")
    return Subject("trigger", fact.trigger) if hasattr(fact, "trigger") else Subject("pack", fact.pack)


def check_submitting(who: Principal, owner: str, about: Subject) -> None:
    """Check that the principal may submit it for approval. Raises NotAllowed."""
    require(who, Role.AUTHOR, owner, str(about))


def check_approving(who: Principal, submission: Submission) -> None:
    """Check that the principal may approve it: another person of the agency than submitted it or wrote its draft.

    Raises:
        NotAllowed: they may not, whatever else they are.
    """
    require(who, Role.APPROVER, submission.owner, str(submission.about))
    if who.name in submission.by:
        raise NotAllowed(
            Words("you submitted {about} yourself, and nobody approves their own", about=submission.about)
        )
    if who.name in submission.written_by:
        raise NotAllowed(
            Words("you wrote a part of {about} yourself, and nobody approves their own", about=submission.about)
        )


def may_approve(who: Principal, submission: Submission) -> bool:
    """Return True if the principal may approve it."""
    try:
        check_approving(who, submission)
    except NotAllowed:
        return False
    return True


def check_refusing(who: Principal, submission: Submission) -> None:
    """Check that the principal may refuse it: an approver of the agency. Raises NotAllowed."""
    require(who, Role.APPROVER, submission.owner, str(submission.about))


def check_publishing(who: Principal, submission: Submission) -> None:
    """Check that the principal may publish it: anybody of the agency, once it is approved. Raises NotAllowed."""
    check_acting(who, submission.owner, str(submission.about))
    if not submission.approved_by:
        raise NotAllowed(Words("{version} is not approved yet", version=f"{submission.about}@{submission.hash[:12]}"))


def check_acting(who: Principal, owner: str, what: str) -> None:
    """Check that the principal acts for the owner as author or approver. Raises NotAllowed."""
    role = Role.APPROVER if Role.APPROVER in who.roles else Role.AUTHOR
    require(who, role, owner, what)


def check_stopping(who: Principal, owner: str, what: str) -> None:
    """Check that the principal may stop it: the agency's people and operators. Raises NotAllowed."""
    if not who.operator:
        check_acting(who, owner, what)
