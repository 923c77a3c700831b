"""The parts of what people send: put together with those of the same text, and with no others."""

from notifiers.sms_joining import Joining

KEY = ("77012345678", "1414", 7, 2)
PATIENCE, MONTH = 600.0, 86_400 * 30.0


def test_an_old_part_is_not_joined_to_a_new_text() -> None:
    """References of one byte come again: what nobody sent the rest of stays alone, and the new text is whole."""
    joining = Joining(PATIENCE)
    assert joining.add(KEY, 2, "is old", b"old", 0.0) is None
    assert joining.abandoned(KEY, 1, "This ", b"new 1", MONTH) == "…is old"
    assert joining.forget(KEY) == {b"old"}
    assert joining.add(KEY, 1, "This ", b"new 1", MONTH) is None
    assert joining.abandoned(KEY, 2, "is new", b"new 2", MONTH) is None
    assert joining.add(KEY, 2, "is new", b"new 2", MONTH) == "This is new"


def test_a_part_with_other_words_is_of_another_text() -> None:
    """Where a part is there already in other words, the two are of two texts, however soon the second comes."""
    joining = Joining(PATIENCE)
    joining.add(KEY, 2, "is old", b"old", 0.0)
    assert joining.abandoned(KEY, 2, "is new", b"new", 1.0) == "…is old"
    assert joining.abandoned(KEY, 2, "is old", b"old, with another parameter", 1.0) is None


def test_a_part_that_is_still_offered_waits_for_the_others() -> None:
    """As long as the centre offers a part again and again, the missing one may come."""
    joining = Joining(PATIENCE)
    for now in 0.0, 599.0:
        assert joining.abandoned(KEY, 1, "Yes, ", b"1", now) is None
        assert joining.add(KEY, 1, "Yes, ", b"1", now) is None
    assert joining.abandoned(KEY, 2, "please", b"2", 1198.0) is None
    assert joining.add(KEY, 2, "please", b"2", 1198.0) == "Yes, please"


def test_a_part_alone_is_kept_when_it_is_offered_again_too_late() -> None:
    """Once we are no longer patient, the part that comes again is all there is."""
    joining = Joining(PATIENCE)
    assert joining.add(KEY, 1, "Yes, ", b"1", 0.0) is None
    assert joining.abandoned(KEY, 1, "Yes, ", b"1", 900.0) is None
    assert joining.add(KEY, 1, "Yes, ", b"1", 900.0) == "Yes, …"
