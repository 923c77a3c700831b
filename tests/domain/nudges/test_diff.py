import pytest
from msgspec.structs import replace

from domain.facts.facts import (
    NudgeAttempted,
    NudgeDeferred,
    NudgeDelivered,
    NudgeExpired,
    NudgeFact,
    NudgeFailed,
    NudgeRescheduled,
    NudgeSent,
    NudgeUnknown,
    NudgeWithheld,
)
from domain.nudges.delivery import State
from domain.nudges.diff import diff
from domain.nudges.later_completion import is_note
from tests.domain.given import NudgeLog, before, given, published, rulebook, rules
from tests.domain.world import AIDA, ERLAN, SAULE, annulment, at, correction, paper, renewed

CARD = rules(
    "paper.issued",
    {"month": before(30), "week": before(7)},
    occurrence="event.number",
    unless=[{"on": "paper.renewed"}],
)
PAPER = paper("2025-02-20", time="2025-01-10")
MOVED = correction(PAPER, paper("2025-06-20", time="2025-01-10"))
AGAIN = correction(PAPER, PAPER)
GONE = annulment(PAPER, 9)
ATTEMPT = NudgeAttempted(at("2025-01-21 09:00"), AIDA, 1, "sms", "fake", at("2025-01-21 09:03"))
SENT = NudgeSent(at("2025-01-21 09:01"), AIDA, 1, "ref")
BOUNCED = NudgeFailed(at("2025-01-23"), AIDA, 1, "bounced", at("2025-01-23"), gave_up=True)
WITHHELD = NudgeWithheld(at("2025-01-21 09:00"), AIDA, "no_address")
EXPIRED = NudgeExpired(at("2025-03-21 09:00"), AIDA)


def _desk(*facts: NudgeFact) -> NudgeLog:
    """A desk with both nudges of the paper planned, and these facts on that of a month before."""
    desk = NudgeLog()
    assert desk.follow(given(PAPER).when(CARD), "2025-01-10") == ["planned month", "planned week"]
    desk.tell("month", *facts)
    return desk


def test_new_is_planned() -> None:
    """What is in the plan and has no nudge yet is planned, exactly as the plan says."""
    desk = _desk()
    assert desk.pending == list(given(PAPER).when(CARD).plan.intents)
    assert desk.of("month").planned_at == at("2025-01-10")


def test_the_same_plan_again_asks_for_nothing() -> None:
    """A second look at the same history changes nothing, whenever it is."""
    assert _desk().follow(given(PAPER, PAPER).when(CARD), "2026-01-01") == []


def test_changed_is_rescheduled() -> None:
    """A corrected date moves the pending nudge, which stays the same nudge."""
    desk = _desk()
    id_ = desk.of("month").intent.id
    assert desk.follow(given(PAPER, MOVED).when(CARD), "2025-01-11") == ["rescheduled month", "rescheduled week"]
    assert (desk.of("month").intent.id, desk.of("month").intent.due) == (id_, at("2025-05-21 09:00"))
    assert len(desk.nudges) == 2


def test_a_change_of_any_content_reschedules() -> None:
    """Also another version or another cause is a change: what is kept is what the plan says now."""
    desk = _desk()
    legal = given(PAPER).when(published({**CARD, "class": "legal"}, 2))
    assert desk.follow(legal, "2025-01-11") == ["rescheduled month", "rescheduled week"]
    assert (desk.of("week").intent.klass, desk.of("week").intent.version) == ("legal", "card@2")
    assert desk.of("week").intent.expires is None


def test_gone_is_cancelled() -> None:
    """What is no longer in the plan and was never attempted is cancelled, once."""
    desk = _desk()
    assert desk.follow(given(PAPER, GONE).when(CARD), "2025-01-11") == ["cancelled month", "cancelled week"]
    assert desk.pending == []
    assert desk.follow(given(PAPER, GONE).when(CARD), "2025-01-12") == []


def test_done_in_time_is_cancelled() -> None:
    """When the thing itself happens in time, what is pending goes."""
    assert _desk().follow(given(PAPER, renewed("2025-01-15")).when(CARD), "2025-01-15") == [
        "cancelled month",
        "cancelled week",
    ]


def test_a_withdrawn_trigger_cancels_what_is_pending() -> None:
    """Without the trigger there is no plan, and so nothing on its way."""
    assert _desk().follow(given(PAPER).when(), "2025-01-11") == ["cancelled month", "cancelled week"]


def test_back_after_cancelling_is_planned_again() -> None:
    """A nudge that returns to the plan is the next version of the same stream."""
    desk = _desk()
    desk.follow(given(PAPER, GONE).when(CARD), "2025-01-11")
    back = given(PAPER, GONE, correction(PAPER, PAPER, 10)).when(CARD)
    assert desk.follow(back, "2025-01-12") == ["planned month", "planned week"]
    assert (desk.of("month").version, desk.of("month").state) == (3, State.PLANNED)
    assert desk.pending == list(back.plan.intents)


def test_back_after_cancelling_is_planned_again_for_the_guardian_who_still_waited() -> None:
    """One guardian's refusal does not keep the other from hearing when a cancelled nudge is back in the plan."""
    card = rules("paper.issued", {"month": before(30)}, unless=[{"on": "paper.renewed"}])
    done = renewed("2025-01-15")
    desk = NudgeLog()
    desk.follow(given(paper()).when(card), "2025-01-10")
    desk.tell(
        "month",
        NudgeWithheld(at("2025-01-21 09:00"), SAULE, "opted_out"),
        NudgeDeferred(at("2025-01-21 09:00"), ERLAN, at("2025-01-22 09:00"), "quiet_hours"),
    )
    assert desk.follow(given(paper(), done).when(card), "2025-01-21 10:00") == ["cancelled month"]
    assert desk.follow(given(paper(), done, annulment(done)).when(card), "2025-01-21 11:00") == ["planned month"]


@pytest.mark.parametrize(
    "waits",
    [
        NudgeDeferred(at("2025-01-21 09:00"), ERLAN, at("2025-01-22 09:00"), "quiet_hours"),
        NudgeWithheld(at("2025-01-21 09:00"), ERLAN, "no_address"),
    ],
)
def test_what_was_tried_for_one_guardian_is_rescheduled_for_both(waits: NudgeFact) -> None:
    """A message that could not be handed over to one guardian moves with its date, also for the other."""
    busy = NudgeFailed(at("2025-01-21 09:01"), SAULE, 1, "busy", at("2025-01-21 10:00"))
    desk = _desk(replace(ATTEMPT, recipient=SAULE), waits, busy)
    assert "rescheduled month" in desk.follow(given(PAPER, MOVED).when(CARD), "2025-01-21 09:30")
    due = at("2025-05-21 09:00")
    assert [(one.recipient, one.state, one.due) for one in desk.of("month").deliveries] == [
        (ERLAN, State.PLANNED, due),
        (SAULE, State.PLANNED, due),
    ]


def test_a_deferred_nudge_is_still_on_its_way() -> None:
    """What was put off is rescheduled and cancelled like what waits for its time."""
    deferred = NudgeDeferred(at("2025-01-21 09:00"), AIDA, at("2025-01-22 09:00"), "quiet_hours")
    assert "cancelled month" in _desk(deferred).follow(given(PAPER, GONE).when(CARD), "2025-01-21 10:00")
    assert "rescheduled month" in _desk(deferred).follow(given(PAPER, MOVED).when(CARD), "2025-01-21 10:00")


FAILED = NudgeFailed(at("2025-01-21 09:01"), AIDA, 1, "refused", gave_up=True)


def test_attempted_is_never_planned_again() -> None:
    """Once a provider has had a nudge it is neither planned again nor cancelled once it has ended."""
    delivered = NudgeDelivered(at("2025-01-21 09:02"), AIDA, 1)
    for outcome, histories in (
        ([FAILED], ([PAPER, AGAIN], [PAPER, GONE], [PAPER])),
        ([SENT, delivered], ([PAPER, MOVED], [PAPER, AGAIN], [PAPER, GONE], [PAPER])),
    ):
        desk = _desk(ATTEMPT, *outcome)
        for history in histories:
            assert [each for each in desk.follow(given(*history).when(CARD), "2025-01-22") if "month" in each] == []


def test_what_failed_is_planned_anew_when_it_moves_to_later() -> None:
    """A step of which nobody can have read anything is told at its new time, once that is still to come."""
    desk = _desk(ATTEMPT, FAILED)
    moved = given(PAPER, MOVED).when(CARD)
    assert desk.follow(moved, "2025-05-22") == ["rescheduled week"], "the new time is over too"
    assert desk.follow(moved, "2025-01-22") == ["rescheduled month"]
    assert (desk.of("month").state, desk.of("month").intent) in [(State.PLANNED, one) for one in moved.plan.intents]
    assert desk.follow(moved, "2025-01-22") == [], "once"


def test_what_is_gone_while_it_is_attempted_is_not_tried_again() -> None:
    """An attempt under way learns that it left the plan: its outcome counts, and leads to no other attempt."""
    busy = NudgeFailed(at("2025-01-21 09:01"), AIDA, 1, "busy", at("2025-01-21 09:10"))
    desk = _desk(ATTEMPT)
    assert "cancelled month" in desk.follow(given(PAPER, GONE).when(CARD), "2025-01-21 09:00")
    assert desk.of("month").waits
    desk.tell("month", busy)
    assert not desk.of("month").waits
    assert desk.follow(given(PAPER).when(CARD), "2025-01-22") == ["planned week"]


@pytest.mark.parametrize("outcome", [SENT, NudgeUnknown(at("2025-01-21 09:01"), AIDA, 1, "timed_out")])
def test_what_is_gone_after_it_was_sent_goes_by_no_further_channel(outcome: NudgeFact) -> None:
    """The bounce of a message whose event was annulled after it had gone leads to no other attempt."""
    desk = _desk(ATTEMPT, outcome)
    assert desk.follow(given(PAPER, GONE).when(CARD), "2025-01-22") == ["cancelled month", "cancelled week"]
    assert desk.of("month").maybe_sent
    assert desk.follow(given(PAPER, GONE).when(CARD), "2025-01-22") == [], "once"
    desk.tell("month", BOUNCED)
    assert (desk.of("month").state, desk.of("month").waits) == (State.FAILED, False)


def test_what_is_wanted_again_goes_by_the_next_channel() -> None:
    """An annulment that was itself corrected before the message bounced leaves it as if it had never been."""
    desk = _desk(ATTEMPT, SENT)
    desk.follow(given(PAPER, GONE).when(CARD), "2025-01-22")
    back = correction(PAPER, PAPER, 10)
    assert desk.follow(given(PAPER, GONE, back).when(CARD), "2025-01-22") == ["planned week", "rescheduled month"]
    assert desk.follow(given(PAPER, GONE, back).when(CARD), "2025-01-22") == [], "once"
    desk.tell("month", BOUNCED)
    assert desk.of("month").waits


def test_what_was_needless_after_it_was_sent_may_yet_arrive() -> None:
    """A version that looks ahead from later says nothing about a message that had gone by then."""
    desk = _desk(ATTEMPT, SENT)
    ahead = published(CARD, 2, ahead_from="2025-02-10")
    assert desk.follow(given(PAPER).when(ahead), "2025-02-10") == ["rescheduled week"]


def test_no_channel_or_no_time_left_is_not_cancelled() -> None:
    """A message whose bounce would lead to no other attempt needs no further fact."""
    alone = {**CARD, "channels": ["sms"]}
    desk = NudgeLog()
    desk.follow(given(PAPER).when(alone), "2025-01-10")
    desk.tell("month", ATTEMPT, SENT)
    assert desk.follow(given(PAPER, GONE).when(alone), "2025-01-22") == ["cancelled week"]
    assert _desk(ATTEMPT, SENT).follow(given(PAPER, GONE).when(CARD), "2025-06-22") == ["cancelled week"]


def test_the_step_that_went_does_not_hold_back_the_other() -> None:
    """What happened to one step is nothing to the next."""
    delivered = NudgeDelivered(at("2025-01-21 09:02"), AIDA, 1)
    desk = _desk(ATTEMPT, SENT, delivered)
    assert desk.follow(given(PAPER, MOVED).when(CARD), "2025-01-22") == ["rescheduled week"]


SILENT = replace(SENT, silent_at=at("2025-01-23"))


UNKNOWN = NudgeUnknown(at("2025-01-21 09:01"), AIDA, 1, "timed_out")
UNDER_WAY = [[], [SENT], [SILENT], [UNKNOWN], [replace(UNKNOWN, retry_at=at("2025-01-21 09:10"))]]
NEW_TIME = at("2025-05-21 09:00")


@pytest.mark.parametrize("sent", UNDER_WAY)
def test_what_moved_to_later_while_it_was_under_way_goes_at_its_new_time_if_it_fails(sent: list[NudgeFact]) -> None:
    """Silence leads to no other attempt, a failure to the one that is due by the new date."""
    desk = _desk(ATTEMPT, *sent)
    moved = given(PAPER, MOVED).when(CARD)
    assert desk.follow(moved, "2025-01-22") == ["rescheduled month", "rescheduled week"]
    assert desk.follow(moved, "2025-01-22") == [], "once"
    assert desk.of("month").waits == (not sent), "for the lease of the open attempt"
    desk.tell("month", BOUNCED, replace(BOUNCED, at=at("2025-01-24")))
    [delivery] = desk.of("month").deliveries
    assert (delivery.state, delivery.due, delivery.attempt) == (State.PLANNED, NEW_TIME, 1)
    assert desk.follow(moved, "2025-01-25") == []


def test_what_moved_to_later_is_planned_anew_for_the_guardian_who_was_told_nothing() -> None:
    """One guardian was told, the other waited for the morning: the other is told at the new time."""
    waits = NudgeDeferred(at("2025-01-21 09:00"), ERLAN, at("2025-01-22 09:00"), "quiet_hours")
    told = [replace(each, recipient=SAULE) for each in (ATTEMPT, SENT)]
    desk = _desk(waits, *told)
    desk.follow(given(PAPER, MOVED).when(CARD), "2025-01-21 10:00")
    assert [(one.recipient, one.state, one.due) for one in desk.of("month").deliveries] == [
        (ERLAN, State.PLANNED, NEW_TIME),
        (SAULE, State.SENT, None),
    ]
    sooner = correction(PAPER, paper("2025-02-19", time="2025-01-10"), 5)
    desk.follow(given(PAPER, MOVED, sooner).when(CARD), "2025-01-21 11:00")
    assert [one.due for one in desk.of("month").deliveries] == [at("2025-01-20 09:00"), None]


def test_an_outcome_that_comes_late_is_that_of_the_attempt_before() -> None:
    """What was planned anew and turns out to have gone is not sent again."""
    desk = _desk(ATTEMPT, FAILED)
    desk.follow(given(PAPER, MOVED).when(CARD), "2025-01-22")
    desk.tell("month", SENT)
    assert (desk.of("month").state, desk.of("month").waits) == (State.SENT, False)


@pytest.mark.parametrize("sent", [SENT, SILENT])
def test_what_moved_to_earlier_after_it_was_sent_goes_on_with_the_new_date(sent: NudgeFact) -> None:
    """What is due by its new date already goes by the next channel, with the corrected event as its cause."""
    desk, sooner = _desk(ATTEMPT, sent), correction(PAPER, paper("2025-02-19", time="2025-01-10"))
    wanted = given(PAPER, sooner).when(CARD)
    assert desk.follow(wanted, "2025-01-22") == ["rescheduled month", "rescheduled week"]
    assert desk.follow(wanted, "2025-01-22") == [], "once"
    assert desk.of("month").intent in wanted.plan.intents
    assert desk.of("month").deliveries[0].state is State.SENT
    desk.tell("month", BOUNCED)
    assert desk.of("month").waits


def test_what_moved_back_after_it_was_sent_goes_by_the_next_channel() -> None:
    """A correction that was itself corrected before the message bounced gives the nudge its channels back."""
    desk = _desk(ATTEMPT, SENT)
    desk.follow(given(PAPER, MOVED).when(CARD), "2025-01-22")
    back = given(PAPER, MOVED, correction(PAPER, PAPER, 10)).when(CARD)
    assert desk.follow(back, "2025-01-22") == ["rescheduled month", "rescheduled week"]
    desk.tell("month", BOUNCED)
    assert desk.of("month").waits


def test_a_correction_of_what_was_sent_is_a_note() -> None:
    """A log from before lacks what is said of a correction after sending: that is no missing nudge."""
    desk, sooner = _desk(ATTEMPT, SENT), correction(PAPER, paper("2025-02-19", time="2025-01-10"))
    for history in ([PAPER, MOVED], [PAPER, sooner]):
        wanted = given(*history).when(CARD)
        changes = diff(wanted.plan, desk.nudges, wanted.book, at("2025-01-22"))
        assert [is_note(change, desk.nudges[change.nudge]) for change in changes] == [
            change.nudge == desk.of("month").intent.id for change in changes
        ]


def test_another_version_leaves_what_was_sent() -> None:
    """A version with another due time says nothing about a message that had gone by then."""
    later = published({**CARD, "due": {"month": before(20), "week": before(7)}}, 2)
    desk = _desk(ATTEMPT, SENT)
    assert [each for each in desk.follow(given(PAPER).when(later), "2025-01-22") if "month" in each] == []


def test_what_ended_unsent_is_looked_at_again_when_it_moves() -> None:
    """Withheld or expired, a nudge lives again when its date or its cause is another."""
    for ended in (WITHHELD, EXPIRED):
        for history in ([PAPER, MOVED], [PAPER, AGAIN]):
            desk = _desk(ended)
            assert "rescheduled month" in desk.follow(given(*history).when(CARD), "2025-01-22")
            assert desk.of("month").pending


def test_what_ended_unsent_stays_ended_for_anything_less() -> None:
    """Another version or another expiry is no reason to send what was withheld or expired."""
    other = {**CARD, "class": "legal", "channels": ["email"]}
    for ended in (WITHHELD, EXPIRED):
        desk = _desk(ended)
        assert desk.follow(given(PAPER).when(published(other, 2)), "2025-01-22") == ["rescheduled week"]
        assert not desk.of("month").pending


def test_what_ended_unsent_is_not_cancelled() -> None:
    """A reason is kept: what was withheld stays withheld when it leaves the plan, and when it comes back."""
    desk = _desk(WITHHELD)
    assert desk.follow(given(PAPER, GONE).when(CARD), "2025-01-22") == ["cancelled week"]
    assert desk.of("month").state is State.WITHHELD
    assert desk.follow(given(PAPER).when(CARD), "2025-01-23") == ["planned week"]


def test_moot_is_told_to_the_pending_nudge() -> None:
    """When the thing happens after the deadline, the nudge learns from when it is not to be sent."""
    desk = _desk()
    assert desk.follow(given(PAPER, renewed("2025-02-01")).when(CARD), "2025-02-01") == [
        "cancelled week",
        "rescheduled month",
    ]
    assert desk.of("month").intent.moot_from == at("2025-02-01")


def test_the_fact_says_the_whole_content() -> None:
    """A planned or rescheduled nudge can be read from its fact alone."""
    desk = _desk()
    intent = desk.of("month").intent
    assert replace(intent) == next(each for each in given(PAPER).when(CARD).plan.intents if each.id == intent.id)
    assert NudgeRescheduled.__struct_fields__[1:] == tuple(name for name in intent.__struct_fields__ if name != "id")


def test_two_paper_trails_do_not_mix() -> None:
    """Another paper has its own nudges: cancelling those of one leaves those of the other."""
    other = paper("2025-03-20", event_id="other", number="N2")
    desk = NudgeLog()
    desk.follow(given(PAPER, other).when(CARD), "2025-01-10")
    desk.follow(given(PAPER, GONE, other).when(CARD), "2025-01-11")
    assert desk.pending == list(given(other).when_book(rulebook(CARD)).plan.intents)
