"""Findings that need more than one change, or whole files."""

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from templates.checks.loader import BrokenPack, load_packs
from tests.templates.packs import FILES, FLOOD, KK, METER, PACK, RU, RULES, findings_of, write_town

FIELDS = (
    "event.fee, event.holder, event.kind, event.number, event.place.street, event.sealed, event.seals, event.time, "
    "event.type, event.valid_until"
)


def test_the_small_pack_has_no_findings(tmp_path: Path) -> None:
    """What the other tests find is what they changed."""
    assert findings_of(write_town(tmp_path)) == []


def test_all_findings_come_at_once(tmp_path: Path) -> None:
    """Mistakes in several files, in the shape of a trigger and in what it says, are all in the first answer."""
    pack = write_town(
        tmp_path,
        (RULES, "category: water", "categry: water"),
        (RULES, "when: event.fee > 0", "when: event.fe > 0"),
        (RULES, "{from: event.valid_until, offset", "{from: event.number, offset"),
        (RULES, "    from: event.valid_until\n    offset: -P1D", "    from: citizen.checked\n    offset: -P1D"),
        (RULES, "expires: event.valid_until", "expires: event.expiry"),
        (KK, "- Нөмірі: {{ event.number }}", "- Нөмірі: {{ event.numbr }}"),
        (METER, "agency: water", "agency: wter"),
    )
    assert findings_of(pack) == [
        f"{METER}:3:9: no agency is called 'wter' (did you mean 'water'?)",
        f"{KK}:22:14: there is no variable event.numbr (did you mean 'event.number'?)",
        f"{RULES}:2:1: category is missing",
        f"{RULES}:5:1: the key 'categry' is not known here (did you mean 'category'?)",
        f"{RULES}:8:7: there is no field 'event.fe' (did you mean 'event.fee'?)",
        f"{RULES}:12:17: 'event.number' is no date",
        f"{RULES}:14:11: 'citizen.checked' is no field of town.meter.installed (did you mean 'citizen.checked_on'?)",
        f"{RULES}:17:10: 'event.expiry' is no field of town.meter.installed; there are: {FIELDS}",
    ]


@pytest.mark.parametrize("wrong", ["event.fee > 0 && event.fee < 0", "event.fe > 0"])
def test_a_mistake_in_the_rule_hides_no_long_sms(tmp_path: Path, wrong: str) -> None:
    """A condition that never holds, or that does not compile, is told together with the SMS that is too long."""
    pack = write_town(
        tmp_path,
        (RULES, "event.fee > 0", wrong),
        (RU, 'sms: "Сообщение отменено"', f'sms: "{"я" * 170}"'),
    )
    found = findings_of(pack)
    assert len(found) == 2
    assert found[0].startswith(f"{RU}:12:8: with office and code this comes to ")
    assert found[1].startswith(f"{RULES}:8:")


def test_no_trigger_is_called_like_the_platform_s_own(tmp_path: Path) -> None:
    """The digest has a name already; a folder of that name is refused before anything is compiled from it."""
    pack = write_town(tmp_path)
    (pack / "meter_check").rename(pack / "digest")
    assert findings_of(pack) == [
        "digest/trigger.yaml:2:8: 'digest' is the name of the platform's own trigger; name the folder otherwise"
    ]


def test_every_bad_prevention_is_named(tmp_path: Path) -> None:
    """Of two clauses of `unless`, the second one's findings keep their places."""
    pack = write_town(
        tmp_path,
        (
            RULES,
            "  - {on: town.meter.installed, when: later.number == event.number}",
            "  - {on: town.meter.removed}\n  - {on: town.flood, when: later.wher == event.number, grace: P1D}",
        ),
    )
    assert findings_of(pack) == [
        f"{RULES}:19:10: no event type is called 'town.meter.removed'",
        f"{RULES}:20:28: there is no field 'later.wher' (did you mean 'later.where'?)",
    ]


def test_another_error_of_a_condition_names_its_line(tmp_path: Path) -> None:
    """Values that cannot be compared are found in the line of the condition in which they are."""
    pack = write_town(tmp_path, (RULES, "when: event.fee > 0 &&", "when: |\n  event.fee > 'a' &&\n "))
    (found,) = findings_of(pack)
    assert found.startswith(f"{RULES}:9:")
    assert found.endswith("'>' does not go with a whole number and a text")


@pytest.mark.parametrize(
    ("language", "message"),
    [
        ("ru", "meter_check/ru.md: this file is missing: it holds the words in 'ru'"),
        ("kk", "meter_check/kk.md: this file is missing: it holds the words in 'kk'"),
    ],
)
def test_a_language_without_words_is_missed(tmp_path: Path, language: str, message: str) -> None:
    """Each language of the pack needs a words file."""
    pack = write_town(tmp_path)
    (pack / "meter_check" / f"{language}.md").unlink()
    assert findings_of(pack) == [message]


def test_words_in_a_language_that_the_pack_does_not_have_are_found(tmp_path: Path) -> None:
    """A misspelt file name is no silent loss."""
    pack = write_town(tmp_path)
    shutil.copy(pack / KK, pack / "meter_check" / "kz.md")
    assert findings_of(pack) == ["meter_check/kz.md:1:1: the pack has no language 'kz'"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A folder without trigger.yaml, and a pack without pack.yaml, say what is missing."""
    pack = write_town(tmp_path)
    (pack / RULES).unlink()
    (pack / "pack.yaml").unlink()
    assert findings_of(pack) == [f"{RULES}: this file is missing", "pack.yaml: this file is missing"]


def test_a_folder_that_is_not_there_is_a_finding(tmp_path: Path) -> None:
    """A misspelt path of a pack is told as any other mistake."""
    assert findings_of(tmp_path / "twon") == ["pack.yaml: this file is missing"]


def test_a_file_that_is_no_utf8_says_where(tmp_path: Path) -> None:
    """The line of the first wrong byte is named."""
    pack = write_town(tmp_path)
    (pack / KK).write_bytes("---\nsubject: Қала\n".encode("utf-16"))
    assert findings_of(pack) == [f"{KK}:1:1: this is no UTF-8; save the file in that encoding"]


def test_line_ends_and_marks_of_windows_change_nothing(tmp_path: Path) -> None:
    """CRLF and a byte order mark give the same pack."""
    plain, windows = write_town(tmp_path / "a"), write_town(tmp_path / "b")
    for name, text in FILES.items():
        (windows / name).write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert load_packs([windows])[1] == load_packs([plain])[1]


def test_an_empty_file_is_found(tmp_path: Path) -> None:
    """An empty file, or one of comments only, says so."""
    pack = write_town(tmp_path)
    (pack / FLOOD).write_text("# nothing\n", encoding="utf-8")
    assert findings_of(pack) == [f"{FLOOD}:1:1: there is nothing here"]


def test_a_trigger_on_a_broken_event_type_is_not_blamed(tmp_path: Path) -> None:
    """Only the cause is told: variables of an event type that cannot be read are taken as they are."""
    pack = write_town(tmp_path, (METER, "subject: holder", "subject: Holder"))
    assert findings_of(pack) == [f"{METER}:4:10: subject: is written in small Latin letters, digits and underscores"]


def test_a_field_that_may_be_absent_must_be_guarded(tmp_path: Path) -> None:
    """Words that fail for the smallest event that the schema allows are found before a citizen goes without."""
    pack = write_town(
        tmp_path,
        (KK, "- Нөмірі: {{ event.number }}", "- Нөмірі: {{ event.number }} {{ event.kind }}"),
        (RU, "- Номер:", "- {% if event.kind is defined %}{{ event.kind }}{% endif %}Номер:"),
    )
    assert findings_of(pack) == [
        f'{KK}:22:33: an event may lack event.kind: write {{% if event.kind is defined %}}, or | default("…")'
    ]


def test_a_trigger_may_be_named_once(tmp_path: Path) -> None:
    """Two packs with a trigger, an agency or an event type of one name cannot be loaded together."""
    first, second = write_town(tmp_path / "a"), write_town(tmp_path / "b", ("pack.yaml", "pack: town", "pack: city"))
    with pytest.raises(BrokenPack) as broken:
        load_packs([first, second])
    assert [str(finding).removeprefix(f"{second}/") for finding in broken.value.findings] == [
        f"{FLOOD}:1:7: the event type 'town.flood' is declared twice",
        f"{METER}:1:7: the event type 'town.meter.installed' is declared twice",
        f"{RULES}:2:1: another trigger is called 'meter_check' too",
        "pack.yaml:14:3: 'water' is declared by two packs",
        "pack.yaml:16:3: 'meter' is declared by two packs",
        "pack.yaml:17:3: 'checked_on' is declared by two packs",
    ]
    assert str(broken.value.findings[0]) in str(broken.value)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("pack: town", "pack: town", []),
        ("zone: Asia/Almaty", "zone: Asia/Oral", ["8:9: zone"]),
        ('from: "21:00"', 'from: "22:00"', ["9:23: from"]),
        ("languages: [kk, ru]", "languages: [ru, kk]", ["7:14: languages"]),
        ("area_levels: [2, 4]", "area_levels: [3]", ["12:14: area_levels"]),
    ],
)
def test_packs_that_are_loaded_together_agree_on_what_holds_for_a_person(
    tmp_path: Path, old: str, new: str, expected: list[str]
) -> None:
    """A city's pack beside the country's says the same defaults and area levels, or none; order decides nothing."""
    country = write_town(tmp_path / "a", (PACK, old, new))
    city = tmp_path / "city"
    city.mkdir()
    head = FILES[PACK].partition("agencies:")[0].replace("pack: town", "pack: city")
    (city / "pack.yaml").write_text(head, encoding="utf-8")
    says_otherwise = "is another in an earlier pack; packs that are loaded together agree"
    found = [each for each in findings_of(city, country) if not each.startswith(str(tmp_path))]
    assert found == [f"pack.yaml:{each} {says_otherwise}" for each in expected]
    (city / "pack.yaml").write_text(head.partition("defaults:")[0], encoding="utf-8")
    assert findings_of(country, city) == []


def test_a_folder_name_must_be_a_name(tmp_path: Path) -> None:
    """The folder names the trigger, for ever: in the log, in addresses, in commands."""
    pack = write_town(tmp_path)
    (pack / "meter_check").rename(pack / "Meter-check")
    assert findings_of(pack) == [
        (
            "Meter-check/trigger.yaml:1:1: the folder 'Meter-check' names a trigger: small Latin letters, digits and "
            "underscores"
        )
    ]


def test_aliases_that_multiply_are_refused(tmp_path: Path) -> None:
    """Nine lines that stand for a thousand million values cost a moment and one finding."""
    bomb = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
    pack = write_town(tmp_path, (FLOOD, "type: town.flood", f"a0: &a0 [x]\n{bomb}type: town.flood"))
    assert findings_of(pack) == [f"{FLOOD}:1:1: this is nested too deeply, or its aliases multiply"]


@pytest.mark.parametrize("depth", [40, 5000])
def test_depth_is_refused(tmp_path: Path, depth: int) -> None:
    """Brackets in brackets end in a finding, not in a crash."""
    pack = write_town(tmp_path, (FLOOD, "type: town.flood", f"type: {'[' * depth}{']' * depth}"))
    assert len(findings_of(pack)) == 1


VALUES = st.recursive(
    st.sampled_from(
        ["null", "true", "7", "-1.5", "x", "''", "event.number", "P1D", "2024-01-01", "[]", "{}", "{a: b}"]
    ),
    lambda inner: st.lists(inner, max_size=3).map(lambda some: f"[{', '.join(some)}]"),
    max_leaves=4,
)


@given(file=st.sampled_from(sorted(FILES)), value=VALUES, data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_file_holds_there_are_findings_or_a_pack(
    tmp_path: Path, file: str, value: str, data: st.DataObject
) -> None:
    """Any value in any key's place is loaded or found wrong, and never raises anything else."""
    lines = FILES[file].split("\n")
    keys = [number for number, line in enumerate(lines) if ": " in line]
    number = data.draw(st.sampled_from(keys))
    lines[number] = f"{lines[number].partition(': ')[0]}: {value}"
    pack = write_town(tmp_path)
    (pack / file).write_text("\n".join(lines), encoding="utf-8")
    assert all(found.startswith((*FILES, "meter_check/")) for found in findings_of(pack))
