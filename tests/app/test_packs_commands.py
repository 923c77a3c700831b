"""habarshy lint and habarshy test: exact lines, exit codes, and no database."""

import contextlib
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.app.terminal import Terminal
from tests.templates.packs import KK, PACK, RULES, SHIPPED, write_town
from tests.templates.packs import Change as Edit

NO_AGE: Edit = (RULES, " && citizen.age >= 18", "")
HEAD = """\
- name: {name}
  clock: 2026-03-01T09:00+05:00
  citizen: {{language: ru, channels: [sms]{more}}}
  events:
    - at: 2026-03-02T09:00+05:00
      type: town.meter.installed
      data: {{number: M1, valid_until: "2026-05-20", fee: 7}}
  expect:
"""
MONTH = '    - {at: 2026-04-20T09:00+05:00, step: month, channel: sms, contains: "20 мая"}\n'
DAY = '    - {at: 2026-05-19T09:00+05:00, step: day, channel: sms, contains: "Последний"}\n'
GOT_MONTH = '2026-04-20T09:00+05:00 month sms "№ M1: до 20 мая 2026 г. 7 ₸ Вода код 7K2MQ-X9DPA"'
GOT_DAY = '2026-05-19T09:00+05:00 day sms "Последний день. № M1 Вода код 7K2MQ-X9DPA"'
WANT_MONTH = '2026-04-20T09:00+05:00 month sms contains "20 мая"'
OPTED_OUT = ", opted_out: [water]"


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal in an empty folder."""
    return Terminal(tmp_path)


def town(terminal: Terminal, *cases: tuple[str, str, str], changes: tuple[Edit, ...] = (NO_AGE,)) -> Path:
    """The small pack with these tests: name, more of the citizen, and what is expected."""
    folder = write_town(terminal.folder, *changes)
    text = "".join(HEAD.format(name=name, more=more) + expect for name, more, expect in cases)
    if text:
        (folder / "meter_check" / "tests.yaml").write_text(text, encoding="utf-8")
    return folder


def test_lint_of_what_is_fine(terminal: Terminal) -> None:
    """Only the counts, exit 0, and nothing written anywhere."""
    folder = town(terminal)
    assert terminal.run("lint", str(folder)) == (0, ["1 trigger, 2 event types, 0 findings, 0 warnings"], "")
    both = terminal.run("lint", str(folder), str(folder), "--json")
    assert (both.code, both.objects) == (0, [{"triggers": 1, "event_types": 2, "findings": 0, "warnings": 0}])
    assert [each.name for each in terminal.folder.iterdir()] == ["town"]


def test_lint_names_the_place_and_what_was_meant(terminal: Terminal) -> None:
    """A finding is a line with path, line, column, message and suggestion; the counts come last; exit 1."""
    misspelt = ((RULES, "category: water", "categroy: water"), (KK, "Бағасы: {{ event.fee", "Бағасы: {{ event.fe"))
    folder = town(terminal, changes=misspelt)
    assert terminal.run("lint", str(folder)) == (
        1,
        [
            f"{folder}/{KK}:24:14: there is no variable event.fe (did you mean 'event.fee'?)",
            f"{folder}/{RULES}:2:1: category is missing",
            f"{folder}/{RULES}:5:1: the key 'categroy' is not known here (did you mean 'category'?)",
            "1 trigger, 2 event types, 3 findings, 0 warnings",
        ],
        "",
    )


def test_lint_as_json(terminal: Terminal) -> None:
    """An object a finding, and the counts in the last one."""
    folder = town(terminal, changes=((RULES, "category: water", "categroy: water"),))
    ended = terminal.run("lint", str(folder), "--json")
    path = f"{folder}/{RULES}"
    assert (ended.code, ended.objects) == (
        1,
        [
            {
                "path": path,
                "line": 2,
                "column": 1,
                "message": "category is missing",
                "suggestion": None,
                "warning": False,
                "placeholder": False,
                "excerpt": None,
            },
            {
                "path": path,
                "line": 5,
                "column": 1,
                "message": "the key 'categroy' is not known here",
                "suggestion": "category",
                "warning": False,
                "placeholder": False,
                "excerpt": None,
            },
            {"triggers": 1, "event_types": 2, "findings": 2, "warnings": 0},
        ],
    )


@pytest.mark.parametrize("command", ["lint", "test"])
def test_the_pack_that_has_a_missing_event_type_is_named(terminal: Terminal, command: str) -> None:
    """An event type of a pack that was not named is found in those beside, and in those that are shipped."""
    ours = (RULES, "on: town.meter.installed,", "on: village.well.dug,")
    folder = town(terminal, changes=(ours,))
    village = terminal.folder / "village" / "events"
    village.mkdir(parents=True)
    (village.parent / "pack.yaml").write_text("pack: village\n", encoding="utf-8")
    (village / "well.yaml").write_text("type: village.well.dug\n", encoding="utf-8")
    [found, _] = terminal.run(command, str(folder)).lines
    place, told = f"{folder}/{RULES}:19:10", "no event type is called 'village.well.dug'"
    assert found == f"{place}: {told}; {village.parent} has it: name that pack too"
    with contextlib.chdir(folder):
        [found, _] = terminal.run(command, ".").lines
    assert found == f"{RULES}:19:10: {told}; {village.parent} has it: name that pack too"
    (village.parent / "pack.yaml").write_text("pack: town\n", encoding="utf-8")
    [found, _] = terminal.run(command, str(folder)).lines
    assert found == f"{place}: {told}", "a copy of the pack itself is no other one"
    rules = folder / RULES
    rules.write_text(rules.read_text("utf-8").replace("village.well.dug", "kz.document.issued"), encoding="utf-8")
    [found, _] = terminal.run(command, str(folder)).lines
    assert found.endswith("'kz.document.issued'; templates/kz has it: name that pack too")


@pytest.mark.parametrize("command", ["lint", "test"])
def test_a_folder_that_is_not_there(terminal: Terminal, command: str) -> None:
    """Exit 2 and its name, before anything else is looked at."""
    ended = terminal.run(command, str(town(terminal)), "/no/such/pack")
    assert ended == (2, [], "/no/such/pack: no such folder\n")


@pytest.mark.parametrize("packs", [["kz"], ["kz", "alatau"]], ids="+".join)
def test_the_shipped_packs_are_clean_and_pass(terminal: Terminal, packs: list[str]) -> None:
    """Every shipped trigger has at least three tests, and all of them pass, the country's alone or with a city's."""
    folders = [SHIPPED[name] for name in packs]
    linted, tried = (terminal.run(command, *map(str, folders), "--json") for command in ("lint", "test"))
    assert (linted.code, linted.objects[-1]["findings"]) == (0, 0)
    assert (tried.code, [one["case"] for one in tried.objects[:-1] if not one["passed"]]) == (0, [])
    cases = Counter(one["trigger"] for one in tried.objects[:-1])
    assert set(cases) == {path.parent.name for folder in folders for path in folder.glob("*/trigger.yaml")}
    assert min(cases.values()) >= 3
    assert tried.objects[-1] == {"cases": len(tried.objects) - 1, "failed": 0, "findings": 0}


def test_cases_that_pass(terminal: Terminal) -> None:
    """A line a case, then the counts; exit 0."""
    ended = terminal.run("test", str(town(terminal, ("told twice", "", MONTH + DAY))))
    assert ended == (0, ["ok meter_check: told twice", "1 case, 0 failed, 0 findings"], "")


@pytest.mark.parametrize(
    ("more", "expect", "lines"),
    [
        (
            "",
            MONTH.replace("step: month", "step: day") + DAY,
            [
                f"  - {WANT_MONTH.replace(' month', ' day')}  (@:9)",
                f"  + {GOT_MONTH}",
                "    wrong step: expected day, got month",
            ],
        ),
        (
            "",
            MONTH.replace("T09:00", "T10:00") + DAY,
            [
                f"  - {WANT_MONTH.replace('T09:00', 'T10:00')}  (@:9)",
                f"  + {GOT_MONTH}",
                "    wrong time: expected 2026-04-20T10:00+05:00, got 2026-04-20T09:00+05:00",
            ],
        ),
        ("", MONTH, [f"  + {GOT_DAY}", "    was sent, and nothing in `expect` says so"]),
        (
            "",
            MONTH + DAY + DAY.replace("2026-05-19", "2027-05-19").replace("step: day, ", ""),
            [
                '  - 2027-05-19T09:00+05:00 sms contains "Последний"  (@:11)',
                "    nothing like it was sent or decided",
            ],
        ),
        (
            OPTED_OUT,
            MONTH + "    - {step: day, nothing: true, because: opted_out}\n",
            [
                f"  - {WANT_MONTH}  (@:9)",
                "  + 2026-04-20T09:00+05:00 month nothing, because opted_out",
                "    should be sent, and was not",
            ],
        ),
        (
            OPTED_OUT,
            "    - {step: day, nothing: true, because: done}\n",
            [
                "  - day nothing, because done  (@:9)",
                "  + 2026-05-19T09:00+05:00 day nothing, because opted_out",
                "    wrong reason: expected done, got opted_out",
            ],
        ),
        (
            "",
            MONTH + "    - {step: day, nothing: true, because: opted_out}\n",
            [
                "  - day nothing, because opted_out  (@:10)",
                f"  + {GOT_DAY}",
                "    was sent, and should not be",
            ],
        ),
    ],
    ids=["step", "time", "unexpected", "missing", "withheld", "reason", "sent"],
)
def test_cases_that_fail(terminal: Terminal, more: str, expect: str, lines: list[str]) -> None:
    """A failed case says where it stands, what was expected in which line, and what came instead; exit 1."""
    folder = town(terminal, ("a case", more, expect))
    path = str(folder / "meter_check" / "tests.yaml")
    ended = terminal.run("test", str(folder))
    assert (ended.code, ended.talk) == (1, "")
    assert ended.lines == [
        f"{path}:1: FAILED meter_check: a case",
        *(line.replace("@", path) for line in lines),
        "1 case, 1 failed, 0 findings",
    ]


def test_what_happened_too_early_is_said(terminal: Terminal) -> None:
    """Where nothing goes because the event came before the case's clock, that is said, with what to do."""
    folder = town(terminal, ("a case", "", MONTH), changes=(NO_AGE, (PACK, "live_from: 2024-03-01\n", "")))
    tests = folder / "meter_check" / "tests.yaml"
    tests.write_text(tests.read_text("utf-8").replace("at: 2026-03-02", "at: 2026-02-02"), encoding="utf-8")
    [told] = [line for line in terminal.run("test", str(folder)).lines if "nothing like it" in line]
    assert told == (
        "    nothing like it was sent or decided; town.meter.installed happened at 2026-02-02T09:00+05:00, and the "
        "trigger looks from 2026-03-01T09:00+05:00 on: let the clock start before the event, or say in trigger.yaml "
        "how far back it looks (`reach`)"
    )


def test_words_that_are_not_there_are_compared_with_the_nearest(terminal: Terminal) -> None:
    """For a text that should be in the words, what comes nearest to it is shown with the letters that differ."""
    wrong = MONTH.replace('"20 мая"', '["21 мая", "xylophone"]')
    folder = town(terminal, ("a case", "", wrong + DAY))
    lines = terminal.run("test", str(folder)).lines
    assert lines[3:6] == [
        "    words are missing",
        "    wanted → there: [-21-]{+20+} мая",
        '    "xylophone": nothing is like it',
    ]
    [tried, _] = terminal.run("test", str(folder), "--json").objects
    assert tried["differences"][0]["words"] == [line.strip() for line in lines[4:6]]


def test_one_failure_stops_no_other_case(terminal: Terminal) -> None:
    """All cases are played, also after one that fails; as JSON each has its differences."""
    folder = town(terminal, ("wrong", "", MONTH), ("right", "", MONTH + DAY))
    ended = terminal.run("test", str(folder), "--json")
    path = str(folder / "meter_check" / "tests.yaml")
    assert (ended.code, ended.objects) == (
        1,
        [
            {
                "path": path,
                "line": 1,
                "trigger": "meter_check",
                "case": "wrong",
                "passed": False,
                "differences": [{"line": None, "expected": None, "got": GOT_DAY, "differs": [], "words": []}],
            },
            {"path": path, "line": 10, "trigger": "meter_check", "case": "right", "passed": True, "differences": []},
            {"cases": 2, "failed": 1, "findings": 0},
        ],
    )


def test_explain_prints_each_decision(terminal: Terminal) -> None:
    """What became known, was planned, put off, withheld or sent: when, and why."""
    more = ', quiet_from: "23:00", quiet_to: "10:30"'
    expect = (MONTH + DAY).replace("T09:00", "T10:30")
    ended = terminal.run("test", str(town(terminal, ("a case", more, expect))), "--explain")
    assert ended.lines == [
        "ok meter_check: a case",
        "    2026-03-02T09:00+05:00 known       town.meter.installed",
        "    2026-03-02T09:00+05:00 planned     month for 2026-04-20T09:00+05:00",
        "    2026-03-02T09:00+05:00 planned     day for 2026-05-19T09:00+05:00",
        "    2026-04-20T09:00+05:00 deferred    month for 2026-04-20T10:30+05:00 (quiet_hours)",
        '    2026-04-20T10:30+05:00 sent        month by sms: "№ M1: до 20 мая 2026 г. 7 ₸ Вода код 7K2MQ-X9DPA"',
        "    2026-05-19T09:00+05:00 deferred    day for 2026-05-19T10:30+05:00 (quiet_hours)",
        '    2026-05-19T10:30+05:00 sent        day by sms: "Последний день. № M1 Вода код 7K2MQ-X9DPA"',
        "1 case, 0 failed, 0 findings",
    ]
    decisions = terminal.run("test", str(terminal.folder / "town"), "--explain", "--json").objects[0]["decisions"]
    assert decisions[3] == {
        "at": "2026-04-20T09:00+05:00",
        "what": "deferred",
        "about": "month",
        "reason": "quiet_hours",
        "until": "2026-04-20T10:30+05:00",
        "channel": None,
        "text": None,
    }


def test_only_one_trigger_or_case(terminal: Terminal) -> None:
    """`--only` takes the name of a trigger or of a case; one that is not there is a usage error."""
    folder = str(town(terminal, ("first", "", MONTH + DAY), ("second", "", MONTH + DAY)))
    assert terminal.run("test", folder, "--only", "second").lines[0] == "ok meter_check: second"
    assert terminal.run("test", folder, "--only", "meter_check", "--json").objects[-1]["cases"] == 2
    ended = terminal.run("test", folder, "--only", "secnd")
    assert ended == (2, [], "--only: no trigger and no case is called 'secnd' (did you mean 'second'?)\n")


def test_what_is_wrong_with_the_tests_fails_them(terminal: Terminal) -> None:
    """Findings in tests.yaml are lint's too; with them, or without it, `test` ends with 1 and plays the rest."""
    folder = town(terminal, ("misspelt", "", MONTH.replace("step:", "stpe:")), ("right", "", MONTH + DAY))
    path = folder / "meter_check" / "tests.yaml"
    assert terminal.run("test", str(folder)) == (
        1,
        [
            f"{path}:9:36: the key 'stpe' is not known here (did you mean 'step'?)",
            "ok meter_check: right",
            "1 case, 0 failed, 1 finding",
        ],
        "",
    )
    assert terminal.run("lint", str(folder)) == (
        1,
        [
            f"{path}:9:36: the key 'stpe' is not known here (did you mean 'step'?)",
            "1 trigger, 2 event types, 1 finding, 0 warnings",
        ],
        "",
    )
    path.unlink()
    assert terminal.run("lint", str(folder)).code == 0
    assert terminal.run("test", str(folder)).lines == [
        f"{path}: this file is missing",
        "0 cases, 0 failed, 1 finding",
    ]


def test_words_that_come_out_too_long_are_not_played(terminal: Terminal) -> None:
    """What is too long only when it is laid out is a finding of both commands, and no case is played."""
    too_long = (KK, "- Бағасы", "- Бағасы" + "&" * 19_000)
    folder = town(terminal, ("told", "", MONTH + DAY), changes=(NO_AGE, too_long))
    linted, tried = terminal.run("lint", str(folder)), terminal.run("test", str(folder))
    assert linted.code == 1
    assert linted.lines[0].endswith("the text comes out longer than 65536 bytes")
    assert tried == (1, [linted.lines[0], "0 cases, 0 failed, 1 finding"], "")


def test_a_pack_that_is_broken_is_not_played(terminal: Terminal) -> None:
    """The findings of lint come first: exit 1, and no case is played."""
    folder = town(terminal, ("a case", "", MONTH), changes=((RULES, "category: water", "categroy: water"),))
    linted, tried = terminal.run("lint", str(folder)), terminal.run("test", str(folder))
    assert tried == (1, [*linted.lines[:-1], f"0 cases, 0 failed, {len(linted.lines) - 1} findings"], "")


def test_one_trigger_is_linted_and_tested_by_its_folder(terminal: Terminal) -> None:
    """Its pack is read beside it, a mistake in another trigger is not told, and --with names what it needs."""
    folder = town(terminal)
    shutil.copytree(folder / "meter_check", folder / "other")
    words = folder / "other" / "kk.md"
    words.write_text(words.read_text("utf-8").replace("event.fee", "event.fe"), "utf-8")
    (folder / "meter_check" / "tests.yaml").write_text(HEAD.format(name="told", more="") + MONTH + DAY, "utf-8")
    linted = terminal.run("lint", str(folder / "meter_check"))
    assert (linted.code, linted.lines[-1]) == (0, "1 trigger, 0 event types, 0 findings, 0 warnings")
    assert terminal.run("lint", str(folder / "other")).code == 1
    assert terminal.run("lint", str(folder)).code == 1
    shutil.rmtree(folder / "other")
    assert terminal.run("test", str(folder / "meter_check")).lines[-1] == "1 case, 0 failed, 0 findings"
    alone = terminal.run("test", str(SHIPPED["alatau"]), "--only", "flood_evacuation")
    assert (alone.code, "add --with PACK" in alone.talk) == (1, True)
    needing = SHIPPED["alatau"] / "flood_warning"
    assert terminal.run("lint", str(needing), "--with", str(SHIPPED["kz"])).code == 0
    tested = terminal.run("test", str(needing), "--with", str(SHIPPED["kz"]), "--json").objects
    assert {each["trigger"] for each in tested[:-1]} == {"flood_warning"}
    whole = terminal.run("test", str(SHIPPED["alatau"]), "--with", str(SHIPPED["kz"]), "--json").objects
    assert whole[-1]["cases"] > 1
    assert all((SHIPPED["alatau"] / each["trigger"]).is_dir() for each in whole[:-1])


def test_new_files_name_their_schemas_relative_to_themselves(terminal: Terminal) -> None:
    """An editor finds the schemas of a pack and of a trigger on every machine that has the same folders."""
    folder = terminal.folder / "mytown"
    assert terminal.run("new", "--pack", str(folder)).code == 0
    assert terminal.run("new", str(folder / "card_ends")).code == 0
    for path in folder.rglob("*.yaml"):
        found = re.search(r"\$schema=(\S+)", path.read_text("utf-8"))
        assert found is not None
        assert not Path(found[1]).is_absolute()
        assert (path.parent / found[1]).is_file(), path
