"""habarshy erase: a plan, a typed word, a certificate; and afterwards nobody reads the person's data."""

from pathlib import Path

import pytest

from tests.app.terminal import Terminal
from tests.world import LONG_AGO, card, iin, registered

AIGERIM = iin(1)
PHONE = "+77019998877"


@pytest.fixture
def lived(tmp_path: Path) -> Terminal:
    """A terminal on whose database Aigerim is known."""
    terminal = Terminal(tmp_path)
    life = [*registered(AIGERIM, LONG_AGO, phone=PHONE), card(AIGERIM, "2035-01-10")]
    assert terminal.run("ingest", terminal.written("life.ndjson", *life)).code == 0
    assert terminal.run("run", "--until-idle").code == 0
    return terminal


def test_a_person_is_erased_once_the_word_is_typed(lived: Terminal) -> None:
    """The plan changes nothing, another word declines; the right one erases, by the certificate, and only once."""
    plan = lived.run("erase", AIGERIM, "--reason", "asked", "--plan", "--json")
    [scope] = plan.objects
    assert (scope["key"], scope["sealed"]) == (True, 4)
    told = lived.run("erase", AIGERIM, "--reason", "asked", "--plan")
    assert (told.lines[0], told.talk) == (f"{scope['person']}: a key is destroyed", ""), "what was asked for is data"
    nobody = lived.run("erase", iin(7), "--reason", "asked", "--plan")
    assert (nobody.code, nobody.lines, "Nothing is known" in nobody.talk) == (1, [], True)
    assert PHONE in str(lived.run("trail", AIGERIM, "--json").lines)

    assert lived.run("erase", AIGERIM, "--reason", "asked", stdin=b"yes\n").code == 5
    word = scope["person"][:8].encode()
    page = lived.folder / "certificate.html"
    done = lived.run(
        "erase",
        "-",
        "--reason",
        "asked <i>",
        "--html",
        str(page),
        "--json",
        stdin=AIGERIM.encode() + b"\n" + word + b"\n",
    )
    [certificate] = done.objects
    assert (certificate["by"], certificate["reason"], certificate["clean"]) == ("local", "asked <i>", True)
    assert certificate["removed"]["history"] == 4
    assert "asked &lt;i&gt;" in page.read_text()
    assert certificate["fact"] in page.read_text()

    assert PHONE not in str(lived.run("trail", AIGERIM, "--json").lines)
    assert lived.run("intents").lines == []
    again = lived.run("erase", AIGERIM, "--reason", "again", "--yes", "--json")
    assert again.objects == [certificate]


def test_who_may_not_erase_does_not(lived: Terminal) -> None:
    """Where there are principals, an operator erases; a stranger is an answer of its own."""
    author, operator = lived.act("asel", "justice", "author"), lived.act("omar", "platform", "operator")

    for environment in ({}, author):
        assert lived.run("erase", AIGERIM, "--reason", "asked", "--yes", env=environment).code == 4
    assert lived.run("erase", iin(7), "--reason", "asked", "--yes", env=operator).code == 1
    done = lived.run("erase", AIGERIM, "--reason", "asked", "--yes", "--json", env=operator)
    assert [(each["by"], each["agency"]) for each in done.objects] == [("omar", "platform")]


def test_a_certificate_is_told_also_where_its_page_cannot_be_written(lived: Terminal) -> None:
    """Who names a file that cannot be written erases all the same, gets the certificate, and reads what is wrong."""
    page = lived.folder / "nowhere" / "certificate.html"
    done = lived.run("erase", AIGERIM, "--reason", "asked", "--yes", "--json", "--html", str(page))
    assert (done.code, f"--html: {page} cannot be written" in done.talk) == (2, True)
    [certificate] = done.objects
    assert certificate["reason"] == "asked"
