"""Who may submit, approve, publish and stop what: another person of the same agency, and nobody else."""

import pytest

from domain.facts.governance import PackSubmitted, TriggerApproved, TriggerSubmitted
from domain.facts.principals import NotAllowed, Principal, Role
from domain.facts.submissions import (
    Subject,
    Submission,
    check_approving,
    check_publishing,
    check_stopping,
    check_submitting,
    submissions,
)
from tests.domain.world import at

NOW = at("2025-06-02")
CARD = Subject("trigger", "card")
AIDA = Principal("aida", "library", frozenset({Role.AUTHOR, Role.APPROVER}))
DANA = Principal("dana", "library", frozenset({Role.APPROVER}))
SAULE = Principal("saule", "library", frozenset({Role.AUTHOR}))
FRED = Principal("fred", "finance", frozenset({Role.AUTHOR, Role.APPROVER}))
OLGA = Principal("olga", "platform", frozenset({Role.OPERATOR, Role.AUTHOR, Role.APPROVER}))
OLEG = Principal("oleg", "platform", frozenset({Role.OPERATOR, Role.APPROVER}))


def submitted(by: str, hash_: str = "v1") -> TriggerSubmitted:
    """The card's trigger, put up for approval."""
    return TriggerSubmitted(NOW, by, "town", "card", "library", hash_, {}, {})


def latest(*facts: TriggerSubmitted | TriggerApproved | PackSubmitted) -> Submission:
    """The latest submission of these facts."""
    [versions] = submissions(facts).values()
    return versions[-1]


def may(check: object, *arguments: object) -> bool:
    """Whether a check lets it pass."""
    try:
        check(*arguments)  # type: ignore[operator]  # one of the checks
    except NotAllowed:
        return False
    return True


def test_nobody_approves_their_own() -> None:
    """Whoever submitted a version does not approve it, whatever else they may; another approver does."""
    own = latest(submitted("aida"))
    assert not may(check_approving, AIDA, own)
    assert may(check_approving, DANA, own)
    with pytest.raises(NotAllowed, match="nobody approves their own"):
        check_approving(AIDA, own)


def test_submitting_somebody_elses_version_again_makes_it_ones_own() -> None:
    """Of a version that two submitted, neither is its approver: not even the first after the second."""
    both = latest(submitted("aida"), submitted("dana"))
    assert not may(check_approving, AIDA, both)
    assert not may(check_approving, DANA, both)


@pytest.mark.parametrize("who", [FRED, OLGA, OLEG, SAULE])
def test_only_an_approver_of_the_agency_approves(who: Principal) -> None:
    """Another agency's people, operators and mere authors do not."""
    assert not may(check_approving, who, latest(submitted("aida")))


@pytest.mark.parametrize("who", [FRED, OLGA, DANA])
def test_only_an_author_of_the_agency_submits(who: Principal) -> None:
    """Another agency's people, operators and mere approvers do not."""
    assert not may(check_submitting, who, "library", CARD)
    assert may(check_submitting, SAULE, "library", CARD)


def test_only_what_is_approved_is_published() -> None:
    """Anybody of the agency publishes a version that was approved, and nobody another one, however alike."""
    waiting = latest(submitted("aida", "v1"), TriggerApproved(NOW, "dana", "card", "v1"), submitted("aida", "v2"))
    approved = latest(submitted("aida"), TriggerApproved(NOW, "dana", "card", "v1"))
    assert not may(check_publishing, AIDA, waiting)
    assert may(check_publishing, AIDA, approved)
    assert may(check_publishing, SAULE, approved)
    assert not may(check_publishing, FRED, approved)
    assert not may(check_publishing, OLGA, approved)


def test_an_approval_stays_with_its_version() -> None:
    """Submitting a version again does not undo its approval, and another version's is no approval of it."""
    facts = (submitted("aida"), TriggerApproved(NOW, "dana", "card", "v1"), submitted("saule"))
    assert latest(*facts).approved_by == "dana"
    assert [one.hash for one in submissions([*facts, submitted("aida", "v2")])[CARD]] == ["v1", "v2"]


def test_what_several_agencies_share_is_the_operators() -> None:
    """A pack without one owner is submitted and approved by operators, of whom one is not enough."""
    shared = latest(PackSubmitted(NOW, "olga", "town", "", "v1", {}))
    assert not may(check_approving, OLGA, shared)
    assert not may(check_approving, DANA, shared)
    assert may(check_approving, OLEG, shared)
    assert may(check_submitting, OLGA, "", shared.about)
    assert not may(check_submitting, AIDA, "", shared.about)


@pytest.mark.parametrize(("who", "allowed"), [(AIDA, True), (SAULE, True), (OLEG, True), (FRED, False)])
def test_its_agency_and_operators_stop_a_trigger(who: Principal, allowed: bool) -> None:  # noqa: FBT001  (a row)
    """Stopping needs nobody's consent, but it takes the agency or an operator."""
    assert may(check_stopping, who, "library", "card") is allowed
