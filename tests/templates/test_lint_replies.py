"""Replies in a trigger: lint finds those that nobody can give, that nothing can become, and that go in circles."""

from pathlib import Path

import pytest

from tests.templates.packs import FILES, KK, RU, RULES, Change, findings_of, write_town

SAYS = (
    (KK, "күніне дейін тексеріңіз.", "күніне дейін. Жауап: 1, 2."),
    (RU, '{{ event.fee | money }}"', 'Ответ: 1, 2."'),
)
DAY = ((KK, "Соңғы күн.", "Соңғы күн: 1, 2."), (RU, "Последний день.", "Последний день: 1, 2."))
FEES = (KK, '{{ event.fee | money }}"', '"')


def replies(what: str) -> Change:
    """The trigger with these replies."""
    return (RULES, "correction: true\n", f"replies: {what}\ncorrection: true\n")


def found(folder: Path, *changes: Change) -> list[str]:
    """What is found in the small pack, whose SMS say the codes 1 and 2."""
    return findings_of(write_town(folder, *SAYS, *DAY, FEES, *changes))


def test_replies_that_are_fine(tmp_path: Path) -> None:
    """Two codes, both said in every SMS, in every language."""
    assert found(tmp_path, replies('{"1": citizen.consent_given, 2: citizen.replied}')) == []


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        (
            '{"1": citizen.consent_gven}',
            "24:16: no event type is called 'citizen.consent_gven' (did you mean 'citizen.consent_given'?)",
        ),
        (
            '{"1": citizen.consent_withdrawn}',
            "24:16: citizen.consent_withdrawn has no field 'nudge', which says what is answered",
        ),
        ('{"1": town.flood}', "24:16: town.flood is about an area, and a reply is that of a person"),
        ('{"123": citizen.replied}', "24:11: 123: a code is one or two digits, or a short word"),
        ('{"a b": citizen.replied}', "24:11: a b: a code is one or two digits, or a short word"),
        ("{}", "24:10: replies is empty"),
    ],
)
def test_replies_that_are_wrong(tmp_path: Path, what: str, expected: str) -> None:
    """Each is found at its line and column, with the reason."""
    assert found(tmp_path, replies(what)) == [f"{RULES}:{expected}"]


def test_codes_that_people_cannot_tell_apart(tmp_path: Path) -> None:
    """Nobody minds small and capital letters in an SMS, so no two codes may differ in them alone."""
    usual = [(file, "№ {{ event.number }}: ", "Иә? ") for file in (KK, RU)]
    day = [(KK, "Соңғы күн. № {{ event.number }}", "Иә?"), (RU, "Последний день. № {{ event.number }}", "Иә?")]
    pack = write_town(tmp_path, *usual, *day, replies("{иә: citizen.replied, ИӘ: citizen.consent_given}"))
    problem = "two codes differ only in small and capital letters, and people write either"
    assert findings_of(pack) == [f"{RULES}:24:10: replies: {problem}"]


def test_a_code_that_the_sms_never_says_is_found_in_every_language(tmp_path: Path) -> None:
    """Who is not told of a code cannot answer with it, whichever step they read; a 2 within 12 tells nothing."""
    hidden = (RU, "Последний день: 1, 2.", "Последний день: 12.")
    changes = [each for each in (*SAYS, *DAY, FEES) if each != DAY[1]]
    pack = write_town(tmp_path, *changes, (RU, "Последний день.", hidden[2]), replies('{"2": citizen.replied}'))
    assert findings_of(pack) == [f"{RU}:8:14: the SMS never says that '2' can be answered"]
    plain = write_town(tmp_path, replies('{"9": citizen.replied}'))
    assert findings_of(plain) == [
        f"{file}:{place}: the SMS never says that '9' can be answered"
        for file in (KK, RU)
        for place in ("6:6", "8:14")
    ]


ONLY = (RULES, "channels: [push, sms, email]", "channels: [push, email]")
ORDER = "  - {id: order, url"


def button(code: str) -> Change:
    """One more action, which answers with that code."""
    return (RULES, ORDER, f"  - {{id: answer, reply: {code}, label: {{kk: Иә, ru: Да}}}}\n{ORDER}")


def test_replies_need_a_way_to_be_given(tmp_path: Path) -> None:
    """Without SMS a code needs a button, and with one the words need not say it."""
    problem = "nobody can answer '1': the channels have no sms, and no action has `reply: 1`"
    assert found(tmp_path / "a", ONLY, replies('{"1": citizen.replied}')) == [f"{RULES}:24:16: {problem}"]
    pack = write_town(tmp_path / "b", ONLY, button('"9"'), replies('{"9": citizen.replied}'))
    assert findings_of(pack) == []


def test_a_button_answers_with_a_code_that_there_is(tmp_path: Path) -> None:
    """A misspelt code is named with a guess; a button leads to an address or answers, not both."""
    pack = write_town(tmp_path / "a", ONLY, button("да"), replies("{даа: citizen.replied}"))
    assert f"{RULES}:23:25: no reply of the trigger is called 'да' (did you mean 'даа'?)" in findings_of(pack)
    both = (RULES, 'url: "https://water.example/order"', 'reply: "1", url: "https://water.example/order"')
    problem = "each has a url and a label, or a reply and a label, or names a service"
    assert found(tmp_path / "b", both, replies('{"1": citizen.replied}')) == [f"{RULES}:23:5: actions: {problem}"]


def test_an_event_that_refuses_what_a_reply_says_is_found(tmp_path: Path) -> None:
    """The type's own schema decides, so that no reply is stored that intake would refuse."""
    pack = write_town(tmp_path, *SAYS, *DAY, FEES, replies('{"1": town.asked}'))
    (pack / "events" / "asked.yaml").write_text("""\
type: town.asked
title: {kk: Сұрақ, ru: Вопрос}
agency: water
subject: citizen
data:
  type: object
  additionalProperties: false
  required: [nudge, answer]
  properties:
    nudge: {type: string, format: uuid}
    answer: {type: string, enum: ["yes", "no"]}
""")
    assert findings_of(pack) == [f"{RULES}:24:16: town.asked refuses 'answer' as a reply fills it: '1'"]


def test_a_trigger_on_its_own_reply_is_a_loop(tmp_path: Path) -> None:
    """Answering would send the message again."""
    pack = write_town(
        tmp_path,
        (
            RULES,
            FILES[RULES],
            """\
title: {kk: Тексеру, ru: Поверка}
owner: water
legal_basis: "Rules of 2020"
category: water
class: reminder
on: citizen.replied
due:
  day: {offset: P1D}
channels: [sms]
replies: {"1": citizen.replied}
""",
        ),
        *((file, FILES[file], '---\nsms: "1"\n---\n') for file in (KK, RU)),
    )
    assert findings_of(pack) == [
        f"{RULES}:6:5: answering the message gives citizen.replied, which would send it again"
    ]


def test_a_circle_of_replies_over_two_triggers_is_found(tmp_path: Path) -> None:
    """One trigger's answer starts another whose answer starts the first: both are told, at the reply."""
    pack = write_town(tmp_path)
    for name, on, code in (
        ("one", "citizen.replied", "citizen.consent_given"),
        ("two", "citizen.consent_given", "citizen.replied"),
    ):
        (pack / name).mkdir()
        (pack / name / "trigger.yaml").write_text(f"""\
title: {{kk: Тексеру, ru: Поверка}}
owner: water
legal_basis: "Rules of 2020"
category: water
class: reminder
on: {on}
due:
  day: {{offset: P1D}}
channels: [sms]
replies: {{"1": {code}}}
""")
        for language in ("kk", "ru"):
            (pack / name / f"{language}.md").write_text('---\nsms: "1"\n---\n')
    assert findings_of(pack) == [
        "one/trigger.yaml:10:16: answers to what citizen.consent_given starts give citizen.replied again: a circle",
        "two/trigger.yaml:10:16: answers to what citizen.replied starts give citizen.consent_given again: a circle",
    ]
