"""What `approve` shows of something new: all of it, as people read it."""

from pathlib import Path

import pytest

from app.cli.submission_view import changes
from tests.app.terminal import Terminal
from tests.templates.scaffolded import write_own_texts

UNLESS = "unless:\n- {on: mytown.library.card_issued, when: later.valid_until > event.valid_until}\n"


def test_what_is_new_is_shown_in_words(tmp_path: Path) -> None:
    """Who approves reads every rule, lists one by one: nothing is written as a programming language writes it."""
    terminal, pack = Terminal(tmp_path), str(tmp_path / "mytown")
    assert terminal.run("new", "--pack", pack).code == 0
    assert terminal.run("new", f"{pack}/ends", "--on", "mytown.library.card_issued").code == 0
    write_own_texts(tmp_path / "mytown/ends")
    rules = tmp_path / "mytown/ends/trigger.yaml"
    rules.write_text(rules.read_text("utf-8") + UNLESS, encoding="utf-8")
    author = terminal.act("aigerim", "library", "author")
    approver = terminal.act("dana", "library", "approver")
    assert terminal.run("submit", pack, env=author).code == 0
    shown = terminal.run("approve", "pack:mytown", "ends", "--yes", env=approver)
    assert shown.code == 0
    for line in (
        "defaults.languages: kk, ru, en",
        "events.mytown.library.card_issued.data.additionalProperties: no",
        "channels: sms, email",
    ):
        assert f"    {line}" in shown.lines
    assert "    The event type mytown.library.card_issued is new. No trigger and no benefit reads it." in shown.lines
    assert shown.lines.index("  event types") < shown.lines.index("  in detail")
    assert any(line.startswith("    When this is recorded: ") for line in shown.lines)
    assert any(line.startswith("    It is not sent if this happens first: ") for line in shown.lines)
    assert not [line for line in shown.lines if line.startswith(("    rules.", "    due.", "    unless."))]
    assert not [line for line in shown.lines if line.endswith("→ gone")]
    assert not [line for line in shown.lines if line.partition(": ")[2].startswith(("[", "{'"))]


def test_what_changes_in_a_pack_is_told_in_words(tmp_path: Path) -> None:
    """Who approves a pack reads sentences, as `diff` writes them, and then each value by its path."""
    terminal, pack = Terminal(tmp_path), tmp_path / "mytown"
    assert terminal.run("new", "--pack", str(pack)).code == 0
    author = terminal.act("aigerim", "library", "author")
    approver = terminal.act("dana", "library", "approver")
    assert terminal.run("submit", str(pack), env=author).code == 0
    assert terminal.run("approve", "pack:mytown", "--yes", env=approver).code == 0
    assert terminal.run("publish", "pack:mytown", env=author).code == 0
    rules = pack / "pack.yaml"
    rules.write_text(rules.read_text("utf-8").replace("messages: 3", "messages: 4"), encoding="utf-8")
    assert terminal.run("submit", str(pack), env=author).code == 0
    shown = terminal.run("approve", "pack:mytown", "--yes", env=approver).lines
    told = next(line for line in shown if line.startswith("    The most messages that reach one person"))
    assert "4 in 7 days" in told
    assert shown.index(told) < shown.index("  in detail") < shown.index("    defaults.cap.messages: 3 → 4")


def test_a_new_trigger_is_not_submitted_before_it_has_texts_of_its_own(tmp_path: Path) -> None:
    """Every placeholder is named, of the tests as well; exit 1, and nothing waits. The pack itself may go."""
    terminal, pack = Terminal(tmp_path), str(tmp_path / "mytown")
    terminal.run("new", "--pack", pack)
    terminal.run("new", f"{pack}/ends", "--on", "mytown.library.card_issued")
    author = terminal.act("aigerim", "library", "author")
    refused = terminal.run("submit", f"{pack}/ends", "--json", env=author)
    assert (refused.code, "Nothing was submitted" in refused.talk) == (1, True)
    assert not any(each["warning"] for each in refused.objects)
    assert {Path(each["path"]).name for each in refused.objects} == {"trigger.yaml", "kk.md", "ru.md", "en.md"}
    assert all(each["placeholder"] for each in refused.objects)
    tests = (tmp_path / "mytown/ends/tests.yaml").read_text("utf-8")
    write_own_texts(tmp_path / "mytown/ends")
    (tmp_path / "mytown/ends/tests.yaml").write_text(tests, "utf-8")
    refused = terminal.run("submit", f"{pack}/ends", "--json", env=author)
    assert [Path(each["path"]).name for each in refused.objects] == ["tests.yaml"] * 2
    assert terminal.run("submissions", env=author).lines == []
    write_own_texts(tmp_path / "mytown/ends")
    assert terminal.run("submit", pack, env=author).code == 0


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (1, "1", '1 → "1"'),
        (1, True, "1 → yes"),
        (True, "yes", 'true → "yes"'),
        ([], None, "[] → null"),
        (["a, b"], ["a", "b"], '["a, b"] → ["a","b"]'),
        ({}, 5, "nothing → 5"),
        (5, None, "5 → nothing"),
    ],
)
def test_what_only_looks_alike_is_a_change(before: object, after: object, told: str) -> None:
    """Who approves a pack sees each change of it, also of values that people, or Python, write alike."""
    rows = dict(changes({"events": [], "limit": before}, {"events": [], "limit": after}))
    assert rows == {"limit": told}
