"""Rehearsing a trigger: a case passes if, and only if, what it expects is what the platform does."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from streams.rehearsal.case_model import RehearsedCase, TriggerTest
from streams.rehearsal.case_reader import read_cases
from streams.rehearsal.rehearse import rehearse
from streams.rehearsal.stage import Stage, stages
from streams.rehearsal.verdict import judge, said
from templates.reading.findings import Report
from templates.words.compiled_texts import BadWords
from tests.beginnings import packs_in
from tests.templates.packs import METER, PACK, RULES, Change, write_town

NO_AGE: Change = (RULES, " && citizen.age >= 18", "")
CLOCK = "  clock: 2026-03-01T09:00+05:00\n"
INSTALLED = "type: town.meter.installed, data: {number: M1, valid_until: 2026-05-20, fee: 7}"
LATER = "type: town.meter.installed, data: {number: M1, valid_until: 2036-05-20, fee: 7}"
MONTH, DAY = "2026-04-20T09:00+05:00", "2026-05-19T09:00+05:00"
MONTH_SMS = "№ M1: до 20 мая 2026 г. 7 ₸ Вода код 7K2MQ-X9DPA"
TWICE = (f"- {{at: {MONTH}, step: month}}", f"- {{at: {DAY}, step: day}}")


def stage_of(folder: Path, *changes: Change) -> Stage:
    """The trigger of the small pack, with changes."""
    [stage] = stages(packs_in([write_town(folder, NO_AGE, *changes)]))
    return stage


def written(folder: Path, text: str) -> Path:
    """A tests.yaml of the small pack's trigger."""
    path = folder / "town" / "meter_check" / "tests.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def yaml(*expect: str, events: str = f"[{{at: +P1D, {INSTALLED}}}]", citizen: str = "channels: [sms]") -> str:
    """One case about a citizen who reads Russian."""
    head = f"- name: a case\n{CLOCK}  citizen: {{language: ru, {citizen}}}\n  events: {events}\n  expect:"
    return head + "".join(f"\n  {each}" for each in expect) + (" []\n" if not expect else "\n")


def played(stage: Stage, folder: Path, text: str) -> tuple[TriggerTest, RehearsedCase]:
    """The only case of a text, played."""
    report = Report()
    found = read_cases(written(folder, text), stage, report)
    assert [str(finding) for finding in report.findings] == []
    [case] = found
    return case, rehearse(stage, case)


def differences(folder: Path, text: str, *changes: Change) -> list[tuple[str, str, tuple[str, ...]]]:
    """What a case expects, what it gets, and in what they differ."""
    case, came = played(stage_of(folder, *changes), folder, text)
    return [
        (said(case, one.expected) if one.expected else "", said(case, one.got) if one.got else "", one.keys)
        for one in judge(case, came.endings)
    ]


def findings(folder: Path, text: str, *changes: Change) -> list[str]:
    """What is wrong with a tests.yaml, with paths from its folder."""
    stage, report = stage_of(folder, *changes), Report()
    path = written(folder, text)
    assert read_cases(path, stage, report) == []
    return [str(each).removeprefix(f"{path}:") for each in report.findings]


def test_a_case_passes_where_each_message_is_expected(tmp_path: Path) -> None:
    """Time, step, channel, words and parts of each message, in whatever order the case says them."""
    expect = (
        f'- {{at: {DAY}, step: day, channel: sms, contains: ["Последний", M1], parts: 1}}',
        f'- {{at: {MONTH}, step: month, channel: sms, contains: "20 мая", parts: {{max: 2}}}}',
    )
    assert differences(tmp_path, yaml(*expect)) == []


@pytest.mark.parametrize(
    ("wrong", "expected", "keys"),
    [
        (f"{{at: {MONTH}, step: day}}", f"{MONTH} day", ("step",)),
        ("{at: 2026-04-20T10:00+05:00, step: month}", "2026-04-20T10:00+05:00 month", ("at",)),
        (f"{{at: {MONTH}, channel: email}}", f"{MONTH} email", ("channel",)),
        (f'{{at: {MONTH}, step: month, contains: "21 мая"}}', f'{MONTH} month contains "21 мая"', ("contains",)),
        (f"{{at: {MONTH}, step: month, parts: 2}}", f"{MONTH} month in 2 parts", ("parts",)),
        (f"{{at: {MONTH}, step: month, parts: {{min: 2}}}}", f"{MONTH} month in 2 or more parts", ("parts",)),
        (f"{{at: {MONTH}, step: month, to: $other}}", f"{MONTH} month to $other", ("to",)),
        ("{step: month, nothing: true}", "month nothing", ("nothing",)),
        ("{step: month, nothing: true, because: done}", "month nothing, because done", ("nothing",)),
        (
            "{step: month, nothing: true, because: not_applicable}",
            "month nothing, because not_applicable",
            ("nothing",),
        ),
    ],
)
def test_a_case_fails_where_a_message_is_another(
    tmp_path: Path, wrong: str, expected: str, keys: tuple[str, ...]
) -> None:
    """A wrong step, time, channel, text, length or recipient is told with what was sent instead."""
    got, citizen = f'{MONTH} month sms "{MONTH_SMS}"', "channels: [sms], guardians: [$other]"
    assert differences(tmp_path, yaml(f"- {wrong}", TWICE[1], citizen=citizen)) == [(expected, got, keys)]


def test_a_case_fails_on_a_message_that_it_does_not_mention(tmp_path: Path) -> None:
    """Whatever is sent is expected, or the case fails; a case that expects nothing fails on everything."""
    day = ("", f'{DAY} day sms "Последний день. № M1 Вода код 7K2MQ-X9DPA"', ())
    assert differences(tmp_path, yaml(TWICE[0])) == [day]
    assert differences(tmp_path, yaml()) == [("", f'{MONTH} month sms "{MONTH_SMS}"', ()), day]


def test_a_case_fails_on_a_message_that_does_not_go(tmp_path: Path) -> None:
    """What is expected and not sent is missing, also where a message like it is expected twice."""
    third = "- {at: 2027-01-01T09:00+05:00, step: correction}"
    assert differences(tmp_path, yaml(*TWICE, third)) == [("2027-01-01T09:00+05:00 correction", "", ())]
    assert differences(tmp_path, yaml(*TWICE, TWICE[0])) == [(f"{MONTH} month", "", ())]


@pytest.mark.parametrize(
    ("citizen", "because"),
    [
        ("opted_out: [water]", "opted_out"),
        ("phone: null, email: null", "no_address"),
        ("channels: [push]", "no_address"),
    ],
)
def test_why_nothing_is_sent_is_asserted(tmp_path: Path, citizen: str, because: str) -> None:
    """The reason of settle is asked for: the right one passes, another one fails."""
    right = [f"- {{step: {step}, nothing: true, because: {because}}}" for step in ("month", "day")]
    assert differences(tmp_path, yaml(*right, citizen=citizen)) == []
    wrong = [right[0], "- {step: day, nothing: true, because: done}"]
    assert differences(tmp_path, yaml(*wrong, citizen=citizen)) == [
        ("day nothing, because done", f"{DAY} day nothing, because {because}", ("because",))
    ]
    assert differences(tmp_path, yaml(right[0], TWICE[1], citizen=citizen)) == [
        (f"{DAY} day", f"{DAY} day nothing, because {because}", ("nothing",))
    ]


CAPPED = f"[{{at: +P1D, {INSTALLED}}}]\n  sent_lately: 3"
MONTH_DIGEST, DAY_DIGEST = "2026-04-20T18:00+05:00", "2026-05-19T18:00+05:00"


def test_what_exceeds_the_cap_goes_with_the_digest(tmp_path: Path) -> None:
    """Who had enough messages lately gets each step with the digest of its day; expecting less fails."""
    right = [
        f"- {{at: {MONTH_DIGEST}, step: month, channel: sms, digest: true, parts: 1, contains: Поверьте}}",
        f"- {{at: {DAY_DIGEST}, step: day, digest: true}}",
    ]
    assert differences(tmp_path, yaml(*right, events=CAPPED)) == []
    assert [keys for _, _, keys in differences(tmp_path, yaml(*TWICE, events=CAPPED))] == [("at", "digest")] * 2
    below = CAPPED.replace("3", "2")
    assert [keys for _, _, keys in differences(tmp_path, yaml(*right, events=below))][1] == ("at", "digest")


def test_a_step_of_a_digest_is_told_with_what_exceeded_the_cap(tmp_path: Path) -> None:
    """The explanation of a case says that a step joined the digest, and why."""
    _, came = played(stage_of(tmp_path), tmp_path, yaml(events=CAPPED))
    assert [(each.what, each.reason) for each in came.decisions if each.about == "month"] == [
        ("planned", None),
        ("digested", "3 messages in 7 days"),
        ("sent", None),
    ]
    assert [each.what for each in came.decisions if each.about == "digest"] == ["planned", "gathered", "sent"] * 2


def test_what_expires_before_its_digest_is_not_sent_because_of_the_cap(tmp_path: Path) -> None:
    """Nothing, because cap: where no digest comes in time, and where the citizen wants none."""
    never = [f"- {{step: {step}, nothing: true, because: cap}}" for step in ("month", "day")]
    short: Change = (RULES, "expires: event.valid_until", "expires: PT3H")
    assert differences(tmp_path, yaml(*never, events=CAPPED), short) == []
    no_digests = "opted_out: [digest], channels: [sms]"
    assert differences(tmp_path / "other", yaml(*never, events=CAPPED, citizen=no_digests)) == []


def test_what_digests_say_in_a_case_is_checked(tmp_path: Path) -> None:
    """A digest is not claimed of what is not sent, and nobody has had less than one message."""
    none = CAPPED.replace("sent_lately: 3", "sent_lately: 0")
    [found] = findings(tmp_path, yaml(*TWICE, events=none))
    assert "sent_lately" in found or "greater" in found
    both = yaml("- {step: day, nothing: true, because: cap, digest: true}", events=CAPPED)
    [found] = findings(tmp_path, both)
    assert found.endswith("nothing is sent, so there is no digest")


def test_done_is_also_what_unless_prevents(tmp_path: Path) -> None:
    """A step that left the plan, and one that was never in it, are done when their time would have come."""
    replaced = (RULES, "when: later.number == event.number}", 'when: later.kind == "hot"}')
    cold = (RULES, "when: event.fee > 0", "when: event.fee > 1")
    other = "type: town.meter.installed, data: {number: M2, kind: hot, valid_until: 2026-05-20, fee: 1}"
    steps = {"month": MONTH, "day": DAY}
    expect = [f"- {{at: {at}, step: {step}, nothing: true, because: done}}" for step, at in steps.items()]
    between = f"[{{at: +P1D, {INSTALLED}}}, {{at: 2026-05-01T09:00+05:00, {other}}}]"
    assert differences(tmp_path, yaml(TWICE[0], expect[1], events=between), replaced, cold) == []
    before = f"[{{at: +P1D, {other}}}, {{at: +P2D, {INSTALLED}}}]"
    assert differences(tmp_path, yaml(*expect, events=before), replaced, cold) == []
    assert differences(tmp_path, yaml(TWICE[0], expect[1], events=before), replaced, cold) == [
        (f"{MONTH} month", f"{MONTH} month nothing, because done", ("nothing",))
    ]


def test_not_applicable_is_what_was_never_planned(tmp_path: Path) -> None:
    """Where the trigger's condition does not hold, nothing is planned, and the case says so."""
    free = f"[{{at: +P1D, {INSTALLED.replace('fee: 7', 'fee: 0')}}}]"
    assert differences(tmp_path, yaml("- {nothing: true, because: not_applicable}", events=free)) == []
    assert differences(tmp_path, yaml("- {nothing: true}", events=free)) == []
    assert differences(tmp_path, yaml("- {nothing: true, because: done}", events=free)) == [
        ("nothing, because done", "", ())
    ]


def test_what_is_already_overdue_is_caught_up(tmp_path: Path) -> None:
    """Of the steps overdue when the event becomes known, the latest goes; the other says why it does not."""
    late = f"[{{at: 2026-03-02T09:00+05:00, known: 2026-05-19T12:00+05:00, {INSTALLED}}}]"
    skipped = "- {at: 2026-05-19T12:00+05:00, step: month, nothing: true, because: catch_up}"
    sent = "- {at: 2026-05-19T12:00+05:00, step: day}"
    assert differences(tmp_path, yaml(skipped, sent, events=late)) == []


def test_an_annulment_takes_back_what_was_sent_and_cancels_the_rest(tmp_path: Path) -> None:
    """The correction goes when the annulment becomes known; the other step is cancelled.

    What was sent stays sent: it is found to be wrong, and not cancelled.
    """
    back = "corrects: one, revision: 2, annuls: true, type: town.meter.installed"
    annulled = f"[{{at: +P1D, id: one, {INSTALLED}}}, {{at: 2026-05-01T10:00+05:00, {back}}}]"
    expect = (
        TWICE[0],
        '- {at: 2026-05-01T10:00+05:00, step: correction, contains: "отменено"}',
        f"- {{at: {DAY}, step: day, nothing: true, because: cancelled}}",
    )
    assert differences(tmp_path, yaml(*expect, events=annulled)) == []
    _, came = played(stage_of(tmp_path), tmp_path, yaml(*expect, events=annulled))
    ends = {each.about: each.what for each in came.decisions if each.about in ("month", "day")}
    assert ends == {"month": "found_wrong", "day": "cancelled"}


def test_quiet_hours_defer_in_the_zone_of_the_citizen(tmp_path: Path) -> None:
    """The clock jumps to the end of the quiet hours, and every decision on the way is kept."""
    quiet = yaml(
        "- {at: 2026-04-20T10:30+05:00, step: month}",
        "- {at: 2026-05-19T10:30+05:00, step: day}",
        citizen='quiet_from: "23:00", quiet_to: "10:30"',
    )
    case, came = played(stage_of(tmp_path), tmp_path, quiet)
    assert judge(case, came.endings) == []
    assert [(each.what, each.about, each.reason) for each in came.decisions] == [
        ("known", "town.meter.installed", None),
        ("planned", "month", None),
        ("planned", "day", None),
        ("deferred", "month", "quiet_hours"),
        ("sent", "month", None),
        ("deferred", "day", "quiet_hours"),
        ("sent", "day", None),
    ]


def test_a_role_of_the_citizen_and_the_names_of_others(tmp_path: Path) -> None:
    """`as` puts the citizen under test into a role, so what is said to the subject is not about them."""
    named = f"[{{at: +P1D, as: neighbours, subject: $holder, {INSTALLED}}}]"
    assert differences(tmp_path, yaml("- {nothing: true, because: not_applicable}", events=named)) == []
    to_neighbours = (RULES, "to: subject", "to: neighbours")
    assert differences(tmp_path, yaml(*TWICE, events=named), to_neighbours) == []


def test_a_minor_is_told_through_the_guardians(tmp_path: Path) -> None:
    """What is about the citizen's ward reaches the citizen; what is about a minor goes to each guardian."""
    born = (PACK, "attributes:\n", "attributes:\n  born_on: {type: date, title: {kk: Туған күні, ru: Дата}}\n")
    ward = "channels: [sms], guardians: [$mother], born_on: 2015-01-01"
    both = [f"- {{at: {at}, to: $mother}}" for at in (MONTH, DAY)]
    # the pack's event makes the neighbours guardians, so it names the mother
    guarded = f"[{{at: +P1D, {INSTALLED[:-1]}, neighbours: [$mother]}}}}]"
    assert differences(tmp_path, yaml(*both, events=guarded, citizen=ward), born) == []
    others = f"[{{at: +P1D, as: neighbours, subject: $child, {INSTALLED}}}]"
    persons = yaml(*TWICE, events=others).replace("  events:", "  persons: {child: {born_on: 2015-01-01}}\n  events:")
    assert differences(tmp_path, persons, born) == []


def test_a_later_reach_and_the_clock_decide_what_is_looked_at(tmp_path: Path) -> None:
    """Without words of the pack or the trigger the rule looks from the clock's start on."""
    unlimited = (PACK, "live_from: 2024-03-01\n", "")
    early = f"[{{at: -P1D, {INSTALLED}}}]"
    assert differences(tmp_path, yaml("- {nothing: true, because: not_applicable}", events=early), unlimited) == []
    reaching = (RULES, "expires:", 'reach: "2020-01-01"\nexpires:')
    assert differences(tmp_path, yaml(*TWICE, events=early), unlimited, reaching) == []


def test_a_reach_begins_with_its_day_in_the_zone_of_the_pack(tmp_path: Path) -> None:
    """As on the platform: a few hours after midnight there it is still the day before in UTC."""
    reaching = (RULES, "expires:", 'reach: "2026-03-02"\nexpires:')
    events = f"[{{at: 2026-03-02T02:00+05:00, {INSTALLED}}}]"
    assert differences(tmp_path, yaml(*TWICE, events=events), reaching) == []


def test_keys_and_kinds_are_checked(tmp_path: Path) -> None:
    """A misspelt key, a wrong kind, an empty key and a time without a zone are named by line and column."""
    text = f"""\
- name: a case
{CLOCK}  events:
  - {{at: +P1D, tpye: x, {INSTALLED}}}
  expect: []
- name: another
  clock: 2026-03-01T09:00
  expect:
  - {{at: {MONTH}, channel: smss, parts: many}}
  - {{at: tomorrow, contains: }}
  - {{nothing: yes}}
- clock: 2026-03-01T09:00+05:00
- clock: 0001-01-01T00:00+05:00
  name: before all clocks
  events:
  - {{at: 9999-12-31T23:00-05:00, {INSTALLED}}}
  expect: []
"""
    assert findings(tmp_path, text) == [
        "4:16: the key 'tpye' is not known here (did you mean 'type'?)",
        "7:10: clock: the time has no zone; write 2026-03-01T09:00+05:00",
        "9:43: channel must be 'push', 'sms' or 'email' (did you mean 'sms'?)",
        "9:56: parts: a number, or {min: 1, max: 2}",
        "10:10: at: a time is written 2026-03-01T09:00+05:00",
        "10:30: contains is empty",
        "11:15: nothing must be true",
        "12:3: expect is missing",
        "12:3: name is missing",
        "13:10: clock: this lies beyond the calendar",
        "16:10: at: this lies beyond the calendar",
    ]


def test_names_and_data_are_checked(tmp_path: Path) -> None:
    """Attributes, event types, roles, fields, persons and ids are known, or named with a guess."""
    text = f"""\
- name: a case
{CLOCK}  citizen: {{langauge: ru, opted_out: water, checked_on: 2026-02-30, guardians: [mother]}}
  persons: {{citizen: {{language: kk}}, child: {{channels: [sms, psh]}}}}
  events:
  - {{at: +P1D, type: town.meter.instaled}}
  - {{at: +P1D, as: holdr, {INSTALLED}}}
  - {{at: +P1D, {INSTALLED.replace("fee", "fe")}}}
  - {{at: +P1D, {INSTALLED[:-1]}, neighbours: [mother]}}}}
  - {{at: +P1D, {INSTALLED[:-1]}, neighbours: [$citizen]}}}}
  - {{at: +P1D, as: neighbours, {INSTALLED[:-1]}, neighbours: [$x]}}}}
  - {{at: +P1D, id: one, {INSTALLED}}}
  - {{at: +P2D, id: one, {INSTALLED}}}
  - {{at: +P1D, corrects: on, revision: 2, {INSTALLED}}}
  - {{at: +P9000Y, {INSTALLED}}}
  expect: []
"""
    assert findings(tmp_path, text) == [
        "3:13: no attribute is called 'langauge' (did you mean 'language'?)",
        "3:38: opted_out must be a list of texts",
        "3:57: checked_on must be a date such as 1990-05-05",
        "3:80: guardians are named as in $mother",
        "4:13: the one under test stands under `citizen`",
        "4:62: no channel is called 'psh' (did you mean 'push'?)",
        "6:22: no event type is called 'town.meter.instaled' (did you mean 'town.meter.installed'?)",
        "7:20: no role of town.meter.installed is called 'holdr' (did you mean 'holder'?)",
        "8:88: no field of town.meter.installed is called 'fe' (did you mean 'fee'?)",
        "9:108: a person is named as in $child; the one under test is $citizen",
        "10:108: the citizen under test is both holder and neighbours; write as: neighbours",
        "11:124: the citizen under test is neighbours: write $citizen here",
        "13:20: another event has this id; a revision has its own",
        "14:26: no event of this case is called 'on' (did you mean 'one'?)",
        "15:10: this lies beyond the calendar",
    ]


def test_what_is_expected_is_checked(tmp_path: Path) -> None:
    """Steps and reasons are known, or named with a guess, and what is expected says all that it takes and no more."""
    text = f"""\
- name: a case
{CLOCK}  expect:
  - {{at: {MONTH}, step: mnth, because: done}}
  - {{nothing: true, because: optd_out, channel: sms}}
  - {{step: day}}
"""
    assert findings(tmp_path, text) == [
        "4:40: no step is called 'mnth' (did you mean 'month'?)",
        "4:46: only `nothing: true` has a reason",
        "5:30: no reason is called 'optd_out' (did you mean 'opted_out'?)",
        "5:40: nothing is sent, so there is no channel",
        "6:5: at is missing: when does it go?",
    ]


def test_what_nothing_could_have_set_is_refused(tmp_path: Path) -> None:
    """A value that no event sets and no words have is named by line and column, with what was probably meant."""
    text = f"""\
- name: a case
{CLOCK}  citizen: {{language: kz, opted_out: [watr, water/smss, water/sms], consents: [wter, digest], zone: Almaty}}
  persons: {{mother: {{phone: "87010000000", quiet_from: 21, quiet_to: "9:00", email: x, meter: cld, language: ru}}}}
  events:
  - {{at: +P1D, {INSTALLED[:-1]}, neighbours: [$mother]}}}}
  expect: []
"""
    assert findings(tmp_path, text, (METER, "meter: event.number", "meter: event.kind")) == [
        "3:23: no language of the packs is called 'kz'; known: kk, ru",
        "3:39: no category of these packs' triggers is called 'watr' (did you mean 'water'?)",
        "3:45: no channel is called 'smss' (did you mean 'sms'?)",
        "3:80: no category of these packs' triggers is called 'wter' (did you mean 'water'?)",
        "3:101: no time zone is called 'Almaty' (did you mean 'Asia/Almaty'?)",
        "4:29: phone is written as in '+1000000'",
        "4:56: quiet_from must be text; put it in quotes",
        "4:70: quiet_to is written as in '00:00'",
        "4:85: email must be a valid email",
        "4:95: no value of meter is called 'cld' (did you mean 'cold'?)",
    ]


def test_whom_nothing_in_a_case_names_is_refused(tmp_path: Path) -> None:
    """A person of whom something is known, or who is expected to hear, is named by something in the case."""
    text = f"""\
- name: a case
{CLOCK}  persons: {{mohter: {{language: ru}}}}
  events:
  - {{at: +P1D, {INSTALLED[:-1]}, neighbours: [$mother]}}}}
  expect:
  - {{at: {MONTH}, to: $mothr, step: month}}
  - {{at: {MONTH}, channel: push, step: month}}
"""
    no_push = (RULES, "channels: [push, sms, email]", "channels: [sms, email]")
    stage, report = stage_of(tmp_path, no_push), Report()
    assert read_cases(path := written(tmp_path, text), stage, report) == []
    assert [str(each).removeprefix(f"{path}:") for each in report.findings] == [
        "3:13: no person of this case is called '$mohter' (did you mean '$mother'?)",
        "7:38: no person of this case is called '$mothr' (did you mean '$mother'?)",
        "8:43: the trigger never goes by push, only by sms, email",
    ]


def test_cases_are_read_without_words(tmp_path: Path) -> None:
    """Words are compiled for playing a case, not for reading it: lint reads the cases of hundreds of triggers."""
    text = yaml(f"- {{at: {MONTH}, step: month}}")
    report, stage = Report(), stage_of(tmp_path)
    stage = replace(stage, source=replace(stage.source, words={"ru": {"sms": "{% import 'x' %}"}}))
    assert len(read_cases(written(tmp_path, text), stage, report)) == 1
    with pytest.raises(BadWords):
        _ = stage.renderer


def test_a_file_that_is_no_list_or_not_there_is_a_finding(tmp_path: Path) -> None:
    """What cannot be read as cases is said at the top of the file."""
    assert findings(tmp_path, "name: x") == ["1:1: the file is a list of cases, each with a name"]
    report = Report()
    assert read_cases(tmp_path / "tests.yaml", stage_of(tmp_path), report) == []
    assert [str(each) for each in report.findings] == [f"{tmp_path}/tests.yaml: this file is missing"]
