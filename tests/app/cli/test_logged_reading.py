"""Where there are principals, people's data is read by a role, for a purpose, and the log says so first."""

from pathlib import Path

from tests.app.terminal import Terminal
from tests.world import LONG_AGO, card, iin, registered

AIGERIM, NOBODY = iin(1), iin(9)


def test_reading_a_person_takes_a_role_and_a_purpose_and_leaves_a_fact(tmp_path: Path) -> None:
    """Nobody, and no author, reads; an auditor says why, and whoever looks next sees who looked."""
    terminal = Terminal(tmp_path)
    life = terminal.written("life.ndjson", *registered(AIGERIM, LONG_AGO), card(AIGERIM, "2035-01-10"))
    assert terminal.run("ingest", life).code == 0
    assert terminal.run("run", "--until-idle").code == 0
    nudge = terminal.run("intents", "--json").objects[0]["id"]
    author, auditor = terminal.act("asel", "justice", "author"), terminal.act("olga", "court", "auditor")

    out = f"--out={tmp_path / 'evidence.json'}"
    asked = [["trail", AIGERIM], ["why", nudge], ["eligible", AIGERIM], ["evidence", nudge, out]]
    for command in asked:
        assert terminal.run(*command, "--purpose=curious").code == 4
        assert terminal.run(*command, "--purpose=curious", env=author).code == 4
        refused = terminal.run(*command, env=auditor)
        assert (refused.code, "--purpose" in refused.talk) == (2, True)
        assert terminal.run(*command, "--purpose=complaint 7", env=auditor).code == 0
    for unknown in ("trail", "eligible"):
        assert terminal.run(unknown, NOBODY, "--purpose=complaint 8", env=auditor)[:2] == (1, [])
    asked_in_vain = terminal.run("audit", "list", f"--person={NOBODY}", "--json", env=auditor).objects
    assert [each["purpose"] for each in asked_in_vain] == ["complaint 8"] * 2, "that nothing is known says something"

    facts = terminal.run("trail", AIGERIM, "--purpose=again", "--json", env=auditor).objects
    seen = [(each["by"], each["agency"], each["what"], each["purpose"]) for each in facts if "purpose" in each]
    assert seen == [("olga", "court", what, "complaint 7") for what in ("trail", "why", "eligible", "evidence")]

    assert terminal.run("audit", "list", env=author).code == 4
    listed = terminal.run("audit", "list", f"--person={AIGERIM}", "--by=olga", "--json", env=auditor)
    assert [each["what"] for each in listed.objects] == ["trail", "why", "eligible", "evidence", "trail"]
    for nobody in ("--by=asel", "--agency=justice", f"--person={iin(8)}", "--to=2000-01-01", "--from=2999-01-01"):
        assert terminal.run("audit", "list", nobody, "--json", env=auditor).objects == []
    assert terminal.run("audit", "list", "--from=2025-01-02", "--to=2025-01-01", env=auditor).code == 2


def test_what_a_repair_or_an_erasure_tells_of_somebody_is_a_reading(tmp_path: Path) -> None:
    """To name a person takes an operator, and is noted before it is told what is missing, or would be erased."""
    terminal = Terminal(tmp_path)
    life = terminal.written("life.ndjson", *registered(AIGERIM, LONG_AGO), card(AIGERIM, "2035-01-10"))
    assert terminal.run("ingest", life).code == 0
    author, operator = terminal.act("asel", "interior", "author"), terminal.act("olga", "platform", "operator")
    mine = ("repair", "--plan", "--trigger=identity_card_expiry")
    assert terminal.run(*mine, env=author).code == 0
    for person in (AIGERIM, NOBODY):
        assert terminal.run(*mine, f"--person={person}", env=author).code == 4
        assert terminal.run("repair", "--plan", f"--person={person}", env=operator).code == (person == NOBODY)
        assert terminal.run("erase", person, "--plan", "--reason=asked for", env=operator).code == 0
        noted = terminal.run("audit", "list", f"--person={person}", "--json", env=operator).objects
        assert [(each["by"], each["what"]) for each in noted] == [("olga", "repair"), ("olga", "erase")]
