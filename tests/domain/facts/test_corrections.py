import pytest
from msgspec.structs import replace

from domain.facts.facts import NudgeAttempted, NudgeFact, NudgeFailed, NudgeSent, NudgeUnknown
from domain.nudges.delivery import State
from domain.planning.plan import Intent
from tests.domain.given import NudgeLog, before, given, published, rules
from tests.domain.world import AIDA, annulment, at, correction, paper, renewed

WORDS = rules(
    "paper.issued",
    {"month": before(30), "week": before(7)},
    occurrence="event.number",
    unless=[{"on": "paper.renewed"}],
    correction=True,
)
PAPER = paper("2025-02-20", time="2025-01-10")
GONE = annulment(PAPER, 2)
BACK = correction(PAPER, PAPER, 3)
GONE_AGAIN = annulment(PAPER, 4)
ATTEMPT = NudgeAttempted(at("2025-01-21 09:00"), AIDA, 1, "sms", "fake", at("2025-01-21 09:03"))
SENT = NudgeSent(at("2025-01-21 09:01"), AIDA, 1, "ref")
REFUSED = NudgeFailed(at("2025-01-21 09:01"), AIDA, 1, "refused", gave_up=True)
UNKNOWN = NudgeUnknown(at("2025-01-21 09:03"), AIDA, 1, "no_outcome")


def _desk(*facts: NudgeFact, content: dict[str, object] = WORDS) -> NudgeLog:
    desk = NudgeLog()
    desk.follow(given(PAPER).when(content), "2025-01-10")
    desk.tell("month", *facts)
    return desk


@pytest.mark.parametrize("facts", [[ATTEMPT], [ATTEMPT, SENT], [ATTEMPT, UNKNOWN], [ATTEMPT, SENT, REFUSED]])
def test_what_may_have_been_read_is_put_right(facts: list[NudgeFact]) -> None:
    """A nudge that somebody may have read, and that is no longer so, gets a correction at once."""
    desk = _desk(*facts)
    told = desk.follow(given(PAPER, GONE).when(WORDS), "2025-01-25")
    assert [each for each in told if each != "cancelled month"] == ["cancelled week", "planned correction"]


def test_what_the_correction_says() -> None:
    """The correction is a step of the same occurrence, due at once, and ends after thirty days also for the law."""
    desk = _desk(ATTEMPT, SENT, content={**WORDS, "class": "legal"})
    desk.follow(given(PAPER, GONE).when({**WORDS, "class": "legal"}), "2025-01-25")
    sent, made = desk.of("month").intent, desk.of("correction").intent
    assert made == Intent(
        id=made.id,
        person=AIDA,
        trigger="card",
        version="card@1",
        occurrence=sent.occurrence,
        step="correction",
        due=at("2025-01-25"),
        expires=at("2025-02-24"),
        klass="legal",
        channels=sent.channels,
        cause=sent.cause,
    )
    assert made.id != sent.id


@pytest.mark.parametrize("facts", [[], [ATTEMPT, REFUSED]])
def test_what_nobody_read_needs_no_correction(facts: list[NudgeFact]) -> None:
    """What was never sent, or surely failed, is not put right."""
    assert "planned correction" not in _desk(*facts).follow(given(PAPER, GONE).when(WORDS), "2025-01-25")


def test_without_words_there_is_no_correction() -> None:
    """A trigger that has no words for it corrects nothing; what went and may bounce goes by no other channel."""
    silent = {**WORDS, "correction": False}
    desk = _desk(ATTEMPT, SENT, content=silent)
    assert desk.follow(given(PAPER, GONE).when(silent), "2025-01-25") == ["cancelled month", "cancelled week"]


def test_the_words_are_those_of_the_version_that_spoke() -> None:
    """Whether there are words is asked of the version that was sent, not of the latest."""
    desk = _desk(ATTEMPT, SENT)
    silent = published({**WORDS, "correction": False}, 2, reach="2025-02-01")
    assert "planned correction" in desk.follow(given(PAPER, GONE).when(published(WORDS), silent), "2025-01-25")


def test_a_withdrawn_trigger_corrects_nothing() -> None:
    """When the service owner withdraws a trigger, what it said was not wrong."""
    assert _desk(ATTEMPT, SENT).follow(given(PAPER).when(), "2025-01-25") == ["cancelled week"]
    withdrawn = replace(published(WORDS), withdrawn=True)
    assert _desk(ATTEMPT, SENT).follow(given(PAPER, GONE).when(withdrawn), "2025-01-25") == ["cancelled week"]


def test_a_correction_is_planned_once() -> None:
    """However often the plan is looked at, and by whatever clock, there is one correction."""
    desk = _desk(ATTEMPT, SENT)
    gone = given(PAPER, GONE).when(WORDS)
    desk.follow(gone, "2025-01-25")
    for now in ("2025-01-25", "2025-01-26", "2025-06-01"):
        assert desk.follow(gone, now) == []
    assert desk.of("correction").intent.due == at("2025-01-25")


def test_two_steps_of_one_occurrence_are_put_right_by_one_correction() -> None:
    """Somebody reminded twice of what is not so is told once that it is not."""
    desk = _desk(ATTEMPT, SENT)
    desk.tell("week", ATTEMPT, SENT)
    told = desk.follow(given(PAPER, GONE).when(WORDS), "2025-02-15")
    assert told == ["cancelled month", "cancelled week", "planned correction"]


@pytest.mark.parametrize("done", ["2025-01-15", "2025-01-21 09:00"])
def test_what_was_done_in_time_but_reported_late_was_not_wrong(done: str) -> None:
    """Who was reminded although they had done it already is not told that the reminder was wrong."""
    told = _desk(ATTEMPT, SENT).follow(given(PAPER, renewed(done)).when(WORDS), "2025-01-25")
    assert told == ["cancelled week", "rescheduled month"]


def test_what_was_done_after_it_was_sent_was_not_wrong() -> None:
    """A reminder that was followed by the thing itself has done its work."""
    desk = _desk(ATTEMPT, SENT)
    assert desk.follow(given(PAPER, renewed("2025-02-01")).when(WORDS), "2025-02-01") == ["cancelled week"]


def test_a_moved_date_is_no_reason_for_a_correction() -> None:
    """While the step is still in the plan, what was sent about it needs no correction: it is only not repeated."""
    moved = correction(PAPER, paper("2025-06-20", time="2025-01-10"))
    desk = _desk(ATTEMPT, SENT)
    assert desk.follow(given(PAPER, moved).when(WORDS), "2025-01-25") == ["rescheduled month", "rescheduled week"]
    assert not desk.of("month").waits


def test_a_correction_goes_when_the_fact_is_back_before_it_went() -> None:
    """What is so after all needs no correction any more; and if it is gone once more, the correction is back."""
    desk = _desk(ATTEMPT, SENT)
    desk.follow(given(PAPER, GONE).when(WORDS), "2025-01-25")
    back = desk.follow(given(PAPER, GONE, BACK).when(WORDS), "2025-01-26")
    assert back == ["cancelled correction", "planned week", "rescheduled month"]
    gone = given(PAPER, GONE, BACK, GONE_AGAIN).when(WORDS)
    assert desk.follow(gone, "2025-01-27") == ["cancelled month", "cancelled week", "planned correction"]
    assert (desk.of("correction").intent.due, desk.of("correction").version) == (at("2025-01-27"), 3)


def test_a_correction_that_went_is_not_repeated() -> None:
    """Once the correction was handed to a provider, it is planned no more; only its further channels come and go."""
    desk = _desk(ATTEMPT, SENT)
    desk.follow(given(PAPER, GONE).when(WORDS), "2025-01-25")
    desk.tell("correction", ATTEMPT, SENT)
    back = desk.follow(given(PAPER, GONE, BACK).when(WORDS), "2025-01-26")
    assert back == ["cancelled correction", "planned week", "rescheduled month"]
    again = desk.follow(given(PAPER, GONE, BACK, GONE_AGAIN).when(WORDS), "2025-01-27")
    assert again == ["cancelled month", "cancelled week", "rescheduled correction"]
    assert desk.of("correction").state is State.SENT


def test_a_correction_is_not_itself_corrected() -> None:
    """A correction that was sent is not in the plan, and that is as it should be."""
    desk = _desk(ATTEMPT, SENT)
    gone = given(PAPER, GONE).when(WORDS)
    desk.follow(gone, "2025-01-25")
    desk.tell("correction", ATTEMPT, SENT)
    assert desk.follow(gone, "2025-01-26") == []
    assert desk.of("correction").state is State.SENT


def test_a_correction_that_is_not_needed_any_more_is_not_tried_again() -> None:
    """When the fact is back while an attempt at the correction waits to be repeated, it is not repeated."""
    desk = _desk(ATTEMPT, SENT)
    desk.follow(given(PAPER, GONE).when(WORDS), "2025-01-25")
    tried = replace(ATTEMPT, at=at("2025-01-25"))
    desk.tell("correction", tried, NudgeUnknown(at("2025-01-25"), AIDA, 1, "no_outcome", at("2025-01-26")))
    assert desk.of("correction").waits
    back = desk.follow(given(PAPER, GONE, BACK).when(WORDS), "2025-01-25")
    assert back == ["cancelled correction", "planned week", "rescheduled month"]
    assert not desk.of("correction").waits


@pytest.mark.parametrize("annuls", [True, False])
def test_an_event_of_another_type_revises_nothing(*, annuls: bool) -> None:
    """Whoever may report other types takes nothing back, and puts nothing right, whenever it came in."""
    foreign = replace(correction(PAPER, renewed("2025-01-11", event_id="x"), 99), source=PAPER.source, annuls=annuls)
    for recorded in ([PAPER, foreign], [foreign, PAPER]):
        assert given(*recorded).when(WORDS).intents == given(PAPER).when(WORDS).intents
    assert given(PAPER, foreign, GONE).when(WORDS).intents == []
