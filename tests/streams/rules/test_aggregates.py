"""The aggregates of the rules, without a database: who may do what, and which facts that adds."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import pytest
from eventsourcing.utils import resolve_topic
from msgspec.structs import replace

from domain.facts.facts import Fact
from domain.facts.governance import (
    GOVERNANCE_FACTS,
    ControlSet,
    PackSubmitted,
    TriggerApproved,
    TriggerCommented,
    TriggerPaused,
    TriggerPublished,
    TriggerReachChanged,
    TriggerRefused,
    TriggerSubmitted,
    TriggerWithdrawn,
)
from domain.facts.principals import NotAllowed, Principal, Role
from domain.facts.submissions import (
    Subject,
    Submission,
    check_approving,
    check_publishing,
    check_stopping,
    check_submitting,
    subject_of,
)
from streams.log.fact_events import FactEvent
from streams.log.mapper import Entry
from streams.rules.aggregates import MOST_COMMENTS_A_DAY, AlreadyPublished, GovernedTrigger, KillSwitch
from streams.rules.governed import Governed, governed
from tests.domain.world import NAMES, at

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


def latest(*facts: TriggerSubmitted | TriggerApproved | TriggerRefused | PackSubmitted) -> Submission:
    """The latest submission of these facts."""
    [versions] = state(facts).submitted.values()
    return versions[-1]


def state(facts: Iterable[Fact]) -> Governed:
    """The state after these facts."""
    return governed(in_streams(facts))


def in_streams(facts: Iterable[Fact]) -> list[Entry]:
    """These facts in the log, each in its stream."""
    versions: Counter[Subject] = Counter()
    entries = []
    for at_, fact in enumerate(facts, 1):
        versions[about := subject_of(fact)] += 1
        entries.append(Entry(NAMES.registry_stream(about.kind, about.name), versions[about], fact, at_))
    return entries


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


def test_whoever_wrote_a_part_of_a_version_does_not_approve_it() -> None:
    """A version is also the own one of those who saved its draft, whoever submitted it, and however often."""
    first = replace(submitted("aida"), written_by=("dana",))
    for own in (latest(first), latest(first, submitted("aida"))):
        assert own.written_by == ("dana",)
        assert not may(check_approving, DANA, own)


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
    assert [one.hash for one in state([*facts, submitted("aida", "v2")]).submitted[CARD]] == ["v1", "v2"]


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


# given facts, when a command comes, then these facts are new


def card(*facts: Fact) -> GovernedTrigger:
    """The trigger of the card after these facts."""
    return state(facts).trigger("card")


def published(share: float = 1.0, hash_: str = "v1", reach: datetime = NOW) -> TriggerPublished:
    """A version of the card, published for that share of persons."""
    return TriggerPublished(NOW, "aida", "town", "card", hash_, {"owner": "library"}, {}, reach, NOW, share)


APPROVED = TriggerApproved(NOW, "dana", "card", "v1")
REFUSED = TriggerRefused(NOW, "dana", "card", "v1", "too long")
PAUSED = TriggerPaused(NOW, "aida", "card", "wrong date")
WITHDRAWN = TriggerWithdrawn(NOW, "aida", "card")
MAY = at("2025-05-01")


def test_an_approval_is_one_fact_however_often_it_is_given() -> None:
    """The second approval of a version adds nothing, whoever gives it."""
    trigger = card(submitted("aida"))
    assert trigger.approve(DANA, "v1", "", NOW)
    assert not trigger.approve(DANA, "v1", "once more", NOW)
    assert trigger.new_facts == [APPROVED]


def test_a_comment_decides_nothing() -> None:
    """Anybody of the agency writes about a version, also about their own; its state stays, and what was said too."""
    trigger = card(submitted("aida"), APPROVED)
    assert trigger.comment(AIDA, "v1", "look at the date", NOW)
    assert not trigger.comment(AIDA, "v1", "look at the date", NOW)
    assert trigger.comment(DANA, "v1", "it is right", NOW)
    assert trigger.new_facts == [
        TriggerCommented(NOW, "aida", "card", "v1", "look at the date"),
        TriggerCommented(NOW, "dana", "card", "v1", "it is right"),
    ]
    again = card(submitted("aida"), APPROVED, *trigger.new_facts, submitted("aida")).submissions["v1"]
    assert (again.state, [each.text for each in again.comments]) == ("approved", ["look at the date", "it is right"])
    with pytest.raises(NotAllowed):
        trigger.comment(FRED, "v1", "mine", NOW)


def test_nobody_comments_without_end() -> None:
    """After so many comments on a trigger's versions their writer waits a day; others do not."""
    trigger = card(submitted("aida"), submitted("aida", "v2"))
    for number in range(MOST_COMMENTS_A_DAY):
        assert trigger.comment(AIDA, ("v1", "v2")[number % 2], f"number {number}", NOW)
    with pytest.raises(NotAllowed, match="times within a day"):
        trigger.comment(AIDA, "v1", "one more", NOW)
    assert trigger.comment(DANA, "v1", "it is right", NOW)
    assert trigger.comment(AIDA, "v1", "one more", NOW + timedelta(days=1))


def test_a_command_that_is_not_allowed_adds_nothing() -> None:
    """Whoever submitted a version gets no approval into the log, and no publication of it either."""
    trigger = card(submitted("aida"))
    commands: list[Callable[[], bool]] = [
        lambda: trigger.approve(AIDA, "v1", "", NOW),
        lambda: trigger.publish(published(), AIDA),
        lambda: trigger.refuse(SAULE, "v1", "no", NOW),
        lambda: trigger.submit(submitted("fred", "v2"), FRED),
    ]
    for command in commands:
        with pytest.raises(NotAllowed):
            command()
    assert trigger.new_facts == []


def test_what_waits_or_is_published_is_not_submitted_again() -> None:
    """The latest version is submitted once; a refused or an earlier one is submitted again."""
    assert not card(submitted("aida")).submit(submitted("saule"), SAULE)
    assert not card(published()).submit(submitted("saule"), SAULE)
    assert card(submitted("aida"), REFUSED).submit(submitted("saule"), SAULE)
    assert card(submitted("aida"), submitted("aida", "v2")).submit(submitted("saule"), SAULE)


def test_a_version_has_the_time_at_which_it_was_submitted_last() -> None:
    """What is submitted again after a refusal has the later time; what is approved keeps what was approved."""
    again = replace(submitted("aida"), at=at("2025-06-09"))
    assert latest(submitted("aida"), REFUSED, again).fact == again
    assert latest(submitted("aida"), APPROVED, again).fact == submitted("aida")


def test_a_refusal_takes_the_approval_back_unless_it_is_published() -> None:
    """What was refused after its approval is not published; what is published is not refused."""
    refused = card(submitted("aida"), APPROVED)
    assert refused.refuse(DANA, "v1", "too long", NOW)
    assert not refused.refuse(DANA, "v1", "still", NOW)
    assert refused.new_facts == [REFUSED]
    with pytest.raises(NotAllowed, match="not approved yet"):
        refused.publish(published(), SAULE)
    with pytest.raises(AlreadyPublished):
        card(submitted("aida"), APPROVED, published()).refuse(DANA, "v1", "too late", NOW)


def test_a_canary_grows_and_never_shrinks() -> None:
    """A version for half of all persons is published for all, once; then it is not for fewer."""
    trigger = card(submitted("aida"), APPROVED, published(0.5))
    assert trigger.publish(published(), SAULE)
    assert not trigger.publish(published(), SAULE)
    assert [fact.share for fact in trigger.new_facts] == [1.0]
    with pytest.raises(NotAllowed, match="a canary only grows"):
        trigger.publish(published(0.2), SAULE)


def test_what_was_withdrawn_may_begin_again_for_fewer() -> None:
    """A withdrawal ends all publications; the next one is the only one that counts."""
    trigger = card(submitted("aida"), APPROVED, published(), WITHDRAWN)
    assert trigger.current is None
    assert not trigger.withdraw(SAULE, NOW)
    assert trigger.publish(published(0.2), SAULE)
    assert [one.fact.share for one in trigger.live] == [0.2]


def test_nobody_gives_a_name_another_owner() -> None:
    """Not with an agency's trigger of another owner, published or only submitted."""
    theirs = TriggerSubmitted(NOW, "fred", "town", "card", "finance", "v2", {}, {})
    for trigger in (card(submitted("aida")), card(published())):
        with pytest.raises(NotAllowed, match="belongs to another agency"):
            trigger.submit(theirs, FRED)


def test_a_pause_holds_until_it_is_resumed() -> None:
    """Pausing twice is one fact, as is resuming; operators may do both, another agency neither."""
    trigger = card(published())
    assert [trigger.pause(SAULE, "wrong date", NOW), trigger.pause(OLEG, "", NOW)] == [True, False]
    assert trigger.stop is not None
    assert trigger.stop.by == "saule"
    assert [trigger.resume(OLEG, "", NOW), trigger.resume(OLEG, "", NOW)] == [True, False]
    assert [fact.TOPIC for fact in trigger.new_facts] == ["trigger-paused/1", "trigger-resumed/1"]
    with pytest.raises(NotAllowed):
        trigger.pause(FRED, "", NOW)


def test_a_backfill_adds_a_reach_and_keeps_the_first() -> None:
    """A version that looks further back keeps its publication; asked again it has nothing to add."""
    trigger = card(published())
    assert trigger.backfill("aida", NOW, MAY, NOW)
    assert not trigger.backfill("aida", NOW, MAY, NOW)
    assert [one.fact.reach for one in trigger.live] == [NOW, MAY]


def test_the_reach_of_pending_nudges_goes_back_to_the_earliest_version() -> None:
    """A new version takes over the reach of the earlier ones, and nudges that are overdue."""
    trigger = card(published(reach=MAY), published(hash_="v2"))
    assert trigger.reach_pending("aida", NOW, [MAY])
    assert not trigger.reach_pending("aida", NOW, [MAY])
    assert trigger.new_facts == [TriggerReachChanged(NOW, "aida", "card", "v2", MAY, MAY)]


def test_a_kill_switch_is_set_once_and_by_operators() -> None:
    """The switch of a channel is set and cleared by operators alone."""
    switch = KillSwitch.empty(NAMES.registry_stream("control", "channel/sms"), "channel/sms")
    assert [switch.set(OLEG, NOW, "storm", stopped=True), switch.set(OLGA, NOW, "", stopped=True)] == [True, False]
    assert switch.new_facts == [ControlSet(NOW, "oleg", "channel", "sms", stopped=True, reason="storm")]
    with pytest.raises(NotAllowed, match="only an operator"):
        switch.set(AIDA, NOW, "", stopped=False)


def test_aggregates_know_every_governance_fact() -> None:
    """Each kind of governance fact is an event of an aggregate, under the topic that the log keeps."""
    events = {kind: resolve_topic(kind.TOPIC) for kind in GOVERNANCE_FACTS}
    assert all(issubclass(event, FactEvent) and event.__name__ == kind.__name__ for kind, event in events.items())


def test_what_an_older_release_accepted_is_read() -> None:
    """Commands check, reading does not: an approval of one's own that the log has counts as it did then."""
    trigger = card(submitted("dana"), APPROVED, PAUSED)
    assert trigger.submissions["v1"].approved_by == "dana"
    assert trigger.paused == PAUSED


def test_a_view_that_lost_a_fact_gives_the_others() -> None:
    """The rules are read while a damaged view is not repaired yet: what it lost is missing, and nothing else."""
    first, _, last = in_streams([published(), WITHDRAWN, PAUSED])
    trigger = governed([first, last]).trigger("card")
    assert (trigger.hash, trigger.paused) == ("v1", PAUSED)


def test_an_approval_of_what_is_not_known_counts_for_nothing() -> None:
    """Where the submission is lost, its approval and refusal approve nothing, and the rest is read."""
    _, *rest = in_streams([submitted("aida"), APPROVED, REFUSED, published(), PAUSED])
    trigger = governed(rest).trigger("card")
    assert (trigger.submissions, trigger.hash, trigger.paused) == ({}, "v1", PAUSED)
