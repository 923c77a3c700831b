"""`habarshy test` for several events together, counts, repetition with answers, and working days."""

from pathlib import Path

import pytest

from streams.rehearsal.case_reader import read_cases
from streams.rehearsal.rehearse import rehearse
from streams.rehearsal.stage import Stage, stages
from streams.rehearsal.verdict import judge, said
from templates.reading.findings import Report
from tests.beginnings import packs_in
from tests.templates.packs import KK, PACK, RU, RULES, Change, write_town

MONTH = 'month: {from: event.valid_until, offset: -P30D, at: "09:00"}'
DAY = "  day:\n    from: event.valid_until\n    offset: -P1D\n    when: \"event.number != ''\"\n"
UNLESS = "unless:\n  - {on: town.meter.installed, when: later.number == event.number}\n"
ALONE: list[Change] = [
    (RULES, " && citizen.age >= 18", ""),
    (RULES, DAY, ""),
    (RULES, UNLESS, ""),
    (RULES, "expires: event.valid_until\n", ""),
    (RU, '  day: {sms: "Последний', '  month: {sms: "Последний'),
    (KK, '  day: {sms: "Соңғы', '  month: {sms: "Соңғы'),
    (KK, '{% if step == "day" %}**Ертең** мерзімі бітеді.{% else %}Бір ай қалды.{% endif %}', "Тексеріңіз"),
    (RU, '{% if step == "day" %}Срок кончается **завтра**.{% else %}Остался месяц.{% endif %}', "Поверьте."),
]
INSTALLED = "type: town.meter.installed, data: {number: M1, valid_until: 2026-05-20, fee: 7}"
OTHER = "type: town.meter.installed, data: {number: M2, valid_until: 2026-05-20, fee: 7, kind: hot}"


def stage_of(folder: Path, step: str, *more: Change) -> Stage:
    """The trigger of the small pack with one step only, and what else is changed."""
    [stage] = stages(packs_in([write_town(folder, *ALONE, (RULES, MONTH, f"month: {{{step}}}"), *more)]))
    return stage


def yaml(events: list[str], expect: list[str]) -> str:
    """One case about a citizen who reads Russian."""
    head = "- name: a case\n  clock: 2026-03-02T09:00+05:00\n  citizen: {language: ru, channels: [sms]}\n"
    listed = "".join(f"\n  - {{{each}}}" for each in events)
    return f"{head}  events:{listed}\n  expect:" + ("".join(f"\n  - {{{each}}}" for each in expect) or " []") + "\n"


def differences(folder: Path, stage: Stage, text: str) -> list[tuple[str, str]]:
    """What the only case expects and what it gets, where they differ."""
    path, report = folder / "town" / "meter_check" / "tests.yaml", Report()
    path.write_text(text, encoding="utf-8")
    found = read_cases(path, stage, report)
    assert [str(finding).removeprefix(f"{path}:") for finding in report.findings] == []
    [case] = found
    return [
        (said(case, one.expected) if one.expected else "", said(case, one.got) if one.got else "")
        for one in judge(case, rehearse(stage, case).endings)
    ]


TOGETHER: Change = (
    RULES,
    "channels:",
    "with:\n  - {on: town.meter.installed, when: 'later.kind == \"hot\"', within: P90D}\nchannels:",
)


@pytest.mark.parametrize(
    "events",
    [
        [f"at: +P1D, {INSTALLED}", f"at: +P9D, {OTHER}"],
        [f"at: +P9D, {OTHER}", f"at: +P1D, known: +P20D, {INSTALLED}"],
    ],
)
def test_several_events_together(tmp_path: Path, events: list[str]) -> None:
    """The message goes when all is there and known; for one event alone nothing is ever planned."""
    stage = stage_of(tmp_path, "", TOGETHER)
    at = "2026-03-22T09:00+05:00" if "known" in events[1] else "2026-03-11T09:00+05:00"
    assert differences(tmp_path, stage, yaml(events, [f"at: {at}, step: month"])) == []
    never = ["nothing: true, because: not_applicable"]
    assert differences(tmp_path, stage, yaml(events[:1], never)) == []
    assert differences(tmp_path, stage, yaml(events, never)) != []


def test_a_count(tmp_path: Path) -> None:
    """The third event within the time gets the message; where one is annulled afterwards, a correction."""
    stage = stage_of(tmp_path, "", (RULES, "channels:", "count: {nth: 3, within: P30D}\nchannels:"))
    events = [f"at: +P{day}D, id: e{day}, {INSTALLED}" for day in (1, 2, 3, 4)]
    third = "at: 2026-03-05T09:00+05:00, step: month"
    assert differences(tmp_path, stage, yaml(events[:3], [third])) == []
    assert differences(tmp_path, stage, yaml(events[:2], [])) == []
    gone = "at: +P5D, corrects: e1, revision: 2, annuls: true, type: town.meter.installed"
    back = "at: 2026-03-07T09:00+05:00, step: correction"
    assert differences(tmp_path, stage, yaml([*events[:3], gone], [third, back])) == []


ASK = "repeat: {every: P7D, at_most: 3, until: answered}"
ASKED = [
    f"at: 2026-03-{day:02}T09:00+05:00, step: {step}"
    for day, step in ((3, "month"), (10, "month.2"), (17, "month.3"))
]


def test_repetition_until_an_answer(tmp_path: Path) -> None:
    """`answers` names the step whose message is answered; what is due later is done."""
    stage, asked = stage_of(tmp_path, ASK), f"at: +P1D, {INSTALLED}"
    assert differences(tmp_path, stage, yaml([asked], ASKED)) == []
    for step, sent in (("month", 1), ("month.2", 2)):
        answer = f'at: +P{7 * sent}D, type: citizen.replied, answers: {step}, data: {{answer: "1"}}'
        done = [f"{each}, nothing: true, because: done" for each in ASKED[sent:]]
        assert differences(tmp_path, stage, yaml([asked, answer], ASKED[:sent] + done)) == []


def test_a_repetition_has_the_words_of_its_step(tmp_path: Path) -> None:
    """The words of the step apply to each, and may say which one it is."""
    numbered = (RU, "Последний день. №", "Напоминание {{ repetition }}. №")
    stage = stage_of(tmp_path, ASK, numbered)
    said_ = [f'{each}, contains: "Напоминание {number}. № M1"' for number, each in enumerate(ASKED, 1)]
    assert differences(tmp_path, stage, yaml([f"at: +P1D, {INSTALLED}"], said_)) == []


@pytest.mark.parametrize(
    ("answer", "finding"),
    [
        ("type: citizen.replied, answers: mnth", "no step is called 'mnth' (did you mean 'month'?)"),
        ("type: citizen.replied, answers: month.4", "no step is called 'month.4'; known: month, month.2, month.3"),
        (
            "type: citizen.disputed, data: {nudge: 00000000-0000-0000-0000-000000000000}, answers: month",
            "only citizen.replied answers a message",
        ),
        (
            "type: citizen.replied, answers: Month",
            "answers: a step is named as in trigger.yaml, its repetitions as in ask.2",
        ),
    ],
)
def test_an_answer_to_no_step_is_found(tmp_path: Path, answer: str, finding: str) -> None:
    """A misspelt step, and an answer that is none, are named."""
    stage, report = stage_of(tmp_path, ASK), Report()
    path = tmp_path / "town" / "meter_check" / "tests.yaml"
    path.write_text(yaml([f"at: +P1D, {answer}"], []), encoding="utf-8")
    assert read_cases(path, stage, report) == []
    assert [str(each).split(": ", 1)[1] for each in report.findings] == [finding]


def test_working_days_of_a_country(tmp_path: Path) -> None:
    """Three working days before 24 March 2026, in Kazakhstan: Nauryz (21 to 25 March) and weekends are free."""
    kz = (PACK, "area_levels", "holidays: {country: KZ, off: [2026-03-19], working: [2026-03-15]}\narea_levels")
    stage = stage_of(tmp_path, "from: event.valid_until, working_days: -3, on_working_day: next", kz)
    event = f"at: +P1D, {INSTALLED.replace('05-20', '03-24')}"  # working: 20, 18, 17 March
    assert differences(tmp_path, stage, yaml([event], ["at: 2026-03-17T09:00+05:00"])) == []
    rolled = stage_of(tmp_path / "b", "from: event.valid_until, on_working_day: next", kz)
    assert differences(tmp_path / "b", rolled, yaml([event], ["at: 2026-03-26T09:00+05:00"])) == []


def test_what_happens_after_it_was_sent_changes_nothing(tmp_path: Path) -> None:
    """The thing itself after the message, or in time and reported late: nothing more is said, also with words for it.

    Only a report that was wrong is put right.
    """
    stage = stage_of(
        tmp_path,
        "",
        (RULES, "channels:", "unless: [{on: town.meter.installed, when: 'later.kind == \"hot\"'}]\nchannels:"),
    )
    first, sent = (
        f"at: +P1D, id: one, {INSTALLED.replace('fee: 7', 'fee: 7, kind: cold')}",
        "at: 2026-03-03T09:00+05:00, step: month",
    )
    hot = OTHER.replace("fee: 7", "fee: 0")  # starts nothing itself
    for late in (f"at: +P3D, {hot}", f"at: -P1D, known: +P3D, {hot}"):
        assert differences(tmp_path, stage, yaml([first, late], [sent])) == []
    gone = "at: +P3D, corrects: one, revision: 2, annuls: true, type: town.meter.installed"
    assert (
        differences(tmp_path, stage, yaml([first, gone], [sent, "at: 2026-03-05T09:00+05:00, step: correction"]))
        == []
    )
