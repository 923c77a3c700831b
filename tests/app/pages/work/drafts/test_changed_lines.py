"""The lines in which two versions differ, however long they are."""

from app.pages.work.drafts.changed_lines import MOST_COMPARED, MOST_LETTERS, Room, changed_lines

LONG = [f"line {number}" for number in range(100_000)]


def differing(old: list[str], new: list[str]) -> list[tuple[str, str]]:
    """The lines shown of one file that differs."""
    [(name, lines)] = changed_lines({"trigger.yaml": "\n".join(old)}, {"trigger.yaml": "\n".join(new)})
    assert name == "trigger.yaml"
    return lines


def test_a_change_in_a_long_file_is_shown_with_what_is_around_it() -> None:
    """One changed line is shown with two before and two after it, wherever it stands."""
    for at in (0, 50_000, 99_999):
        lines = differing(LONG, [*LONG[:at], "other", *LONG[at + 1 :]])
        around = [("", each) for each in LONG[max(0, at - 2) : at]], [("", each) for each in LONG[at + 1 : at + 3]]
        assert [each for each in lines if each[0] != "@"] == [
            *around[0],
            ("-", LONG[at]),
            ("+", "other"),
            *around[1],
        ]


def test_what_would_take_long_to_compare_is_left_out() -> None:
    """Where more than a thousand lines differ, it is said that the file differs, and no more."""
    assert differing(LONG, LONG[::-1]) == [("@", "")]
    assert list(changed_lines({"en.md": "same"}, {"en.md": "same"})) == []


def test_a_page_of_many_versions_compares_no_more_than_three_long_ones() -> None:
    """Versions that are made to be slow to compare take no longer together than three of them."""
    old, new = ("\n".join(f"same\n{side}{each}" for each in range(MOST_COMPARED // 4)) for side in "ab")
    room = Room()
    shown = [list(changed_lines({"en.md": old}, {"en.md": new}, room)) for _ in range(20)]
    whole = [lines != [("@", "")] for [(_, lines)] in shown]
    assert whole == [True] * 3 + [False] * 17
    assert list(changed_lines({"en.md": "a"}, {"en.md": "b"}, Room())) == [
        ("en.md", [("@", "@ -1 +1 @@"), ("-", "a"), ("+", "b")])
    ]


def test_a_page_shows_no_more_of_long_lines_than_it_has_room_for() -> None:
    """Of many versions with one line each that is very long, those are shown that fit onto the page together."""
    room, long = Room(), "x" * (MOST_LETTERS // 2 - 10)
    shown = [dict(changed_lines({"en.md": f"{each}{long}"}, {"en.md": "b"}, room))["en.md"] for each in range(5)]
    assert [lines != [("@", "")] for lines in shown] == [True] * 2 + [False] * 3
