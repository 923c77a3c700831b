import json
from collections.abc import Sequence
from pathlib import Path
from shutil import copytree

import pytest
from msgspec.structs import replace

from templates.checks.declarations import CheckCache
from templates.checks.loader import BUILT_IN, Pack, examine, load_packs, shipped
from templates.reading.files import PackFiles
from templates.reading.findings import Report
from tests.templates.packs import KK, LAW, METER, RU, RULES, Change, write_town


def town(folder: Path, *changes: Change) -> Pack:
    """The small pack, loaded."""
    return load_packs([write_town(folder, *changes)])[1]


def test_shipped_packs_have_no_findings() -> None:
    """Everything that is shipped loads, the built-in pack first."""
    names = [pack.name for pack in load_packs(shipped())]
    assert names[0] == BUILT_IN
    assert "kz" in names


def test_the_built_in_pack_is_loaded_once() -> None:
    """Naming it does no harm."""
    folder = shipped()[0].parent / BUILT_IN
    assert [pack.name for pack in load_packs([folder, folder])] == [BUILT_IN]


def test_a_pack_is_plain_data(tmp_path: Path) -> None:
    """It goes into the log as JSON and comes back the same: dates and times of day are text."""
    pack = town(tmp_path)
    assert json.loads(json.dumps(pack.content)) == pack.content
    assert pack.content["live_from"] == "2024-03-01"
    assert pack.content["defaults"]["quiet_hours"] == {"from": "21:00", "to": "09:00"}
    assert [event["type"] for event in pack.content["events"]] == ["town.flood", "town.meter.installed"]
    (trigger,) = pack.triggers
    assert json.loads(json.dumps([trigger.rules, trigger.words])) == [trigger.rules, trigger.words]
    assert trigger.rules["on"] == "town.meter.installed"
    assert trigger.words["kk"]["steps"] == {"day": {"sms": "Соңғы күн. № {{ event.number }}"}}
    assert trigger.words["ru"]["body"].startswith("Здравствуйте!")


def test_the_words_of_other_triggers_can_be_left_alone(tmp_path: Path) -> None:
    """Whoever asks about one trigger hears of its words, and of the rules of all."""
    pack = write_town(tmp_path)
    other = copytree(pack / "meter_check", pack / "meter_check_again")
    (other / "kk.md").write_text((other / "kk.md").read_text().replace("{{ event.number }}", "{{ event.nomber }}"))
    (other / "trigger.yaml").write_text(
        (other / "trigger.yaml").read_text().replace("meter.installed", "meter.instaled")
    )
    files = {
        only: {Path(each.path).name for each in examine([pack], only=only)[1].findings}
        for only in (None, "meter_check")
    }
    assert files == {None: {"kk.md", "ru.md", "trigger.yaml"}, "meter_check": {"trigger.yaml"}}


def test_what_was_read_before_is_found_again(tmp_path: Path) -> None:
    """Files that were kept give the documents, places and findings that reading them anew gives, under new paths."""
    cache, told = CheckCache(), []
    for each in ("once", "again"):
        pack = write_town(tmp_path / each, (RULES, "\non: town.meter.installed", "\non: town.meter.instaled"))
        files, report = examine([pack], only="meter_check", cache=cache)
        places = [(document.data, document.values, document.keys) for read in files for document in read.events]
        assert {Path(document.path).is_relative_to(pack) for document in files[-1].events} == {True}
        told.append((places, [replace(found, path=Path(found.path).name) for found in report.findings]))
    assert told[0] == told[1]
    assert told[0][1] != []


@pytest.mark.parametrize("only", ["meter_check", "another"])
def test_what_was_sound_is_checked_again_once_it_changed(only: str, tmp_path: Path) -> None:
    """Whatever was found before, what is found is what checking all of it anew finds."""
    renamed, unknown = (
        (METER, "town.meter.installed", "town.meter.fitted"),
        (METER, "agency: water", "agency: wather"),
    )
    slip, stranger = (RULES, "event.fee > 0", "event.feee > 0"), (RULES, "owner: water", "owner: wather")
    cache, wrong = CheckCache(), list[bool]()
    for number, change in enumerate([None, renamed, None, unknown, unknown, slip, slip, stranger, stranger, None]):
        pack = write_town(tmp_path / str(number), *([change] if change else []))
        _, report = examine([pack], only=only, cache=cache)
        assert report.findings == examine([pack], only=only)[1].findings
        wrong.append(bool(report.findings))
    assert wrong == [False, True, False, *[True] * 6, False]


def test_what_is_sound_is_checked_once(tmp_path: Path) -> None:
    """While a draft changes, neither what the packs declare nor any other trigger is checked again."""
    cache, pack = CheckCache(), write_town(tmp_path)
    first, _ = examine([pack], only="another", cache=cache)
    declared, made = cache.declarations(first, Report()), cache.trigger("meter_check", _rules_of(first))
    again, _ = examine([pack], only="another", cache=cache)
    assert cache.declarations(again, Report()) is declared
    assert made is not None
    assert cache.trigger("meter_check", _rules_of(again)) is made


def _rules_of(packs: Sequence[PackFiles]) -> object:
    [rules] = [trigger.rules.data for files in packs for trigger in files.triggers if trigger.name == "meter_check"]
    return rules


def test_a_file_that_nobody_reads_is_named(tmp_path: Path) -> None:
    """What is saved under a slightly other name is a warning, with the name that was meant; notes are left alone."""
    pack = write_town(tmp_path)
    for name in (
        "meter_check/test.yaml",
        "meter_check/KK.md",
        "meter_check/en.txt",
        "events/flat.yml",
        "benefit.yaml",
        "NOTES.md",
        "meter_check/README.md",
        "meter_check/.kk.md.swp",
    ):
        (pack / name).write_text("")
    found = [str(each).removeprefix(f"{pack}/") for each in examine([pack])[1].findings]
    assert found == [
        "benefit.yaml:1:1: warning: nobody reads this file (did you mean 'benefits.yaml'?)",
        "events/flat.yml:1:1: warning: nobody reads this file (did you mean 'flat.yaml'?)",
        "meter_check/KK.md:1:1: warning: nobody reads this file (did you mean 'kk.md'?)",
        "meter_check/en.txt:1:1: warning: nobody reads this file",
        "meter_check/test.yaml:1:1: warning: nobody reads this file (did you mean 'tests.yaml'?)",
    ]


@pytest.mark.parametrize(
    "change",
    [
        (RULES, "class: reminder", "class:   reminder   # which"),
        (RULES, f"owner: water\n{LAW}", f"{LAW}\nowner:   water"),
        (
            KK,
            'push:\n  title: "Есептегішті тексеріңіз"\n  body: "Мерзімі: {{ event.valid_until | date }}"',
            'push: {body: "Мерзімі: {{ event.valid_until | date }}", title: "Есептегішті тексеріңіз"}',
        ),
        (KK, "---\nСәлеметсіз бе!", "---\n\n\nСәлеметсіз бе!"),
    ],
)
def test_layout_does_not_change_the_hash(tmp_path: Path, change: Change) -> None:
    """Comments, quotes, the order of keys: the same trigger."""
    assert town(tmp_path / "a", change).triggers[0].hash == town(tmp_path / "b").triggers[0].hash


@pytest.mark.parametrize(
    "change",
    [
        (KK, "Бір ай қалды", "Бір ай ғана қалды"),
        (KK, "Соңғы күн", "Ең соңғы күн"),
        (RULES, "PT10M", "PT15M"),
        (RULES, "Правила 2020 года", "Правила 2021 года"),
        (RULES, "  month:", "  week:"),
    ],
)
def test_another_word_or_rule_is_another_hash(tmp_path: Path, change: Change) -> None:
    """Whatever a citizen could notice makes another version; the pack's own hash stays."""
    changed, before = town(tmp_path / "a", change), town(tmp_path / "b")
    assert changed.triggers[0].hash != before.triggers[0].hash
    assert changed.hash == before.hash


def test_an_event_type_changes_the_hash_of_its_pack_only(tmp_path: Path) -> None:
    """The log keeps packs and triggers apart."""
    changed, before = town(tmp_path / "a", (METER, "minLength: 2", "minLength: 1")), town(tmp_path / "b")
    assert changed.hash != before.hash
    assert changed.triggers == before.triggers


def test_the_hash_is_known_for_ever(tmp_path: Path) -> None:
    """The log finds words by it: another way of hashing would lose them all."""
    law = (RULES, LAW, 'legal_basis: "Rules of 2020"')
    sms = (RU, "event.number }}: до", "event.number }}: поверьте до")
    assert (
        town(tmp_path, law, sms).triggers[0].hash
        == "f71458633d5ffadea6602f01fbdd3b5937d559545fdf6bc36463c60e1f0793a8"
    )


def test_scalars_are_read_as_in_yaml_1_2(tmp_path: Path) -> None:
    """`on`, `yes` and `no` are words, a time of day is no number, and a code keeps its zeros."""
    texts = "{kk: Қала, ru: Город, on: yes, no: 21:00, off: 0075, nil: 2024-03-01}"
    pack = town(tmp_path, ("pack.yaml", "title: {kk: Қала, ru: Город}", f"title: {texts}"))
    assert pack.content["title"] == {
        "kk": "Қала",
        "ru": "Город",
        "on": "yes",
        "no": "21:00",
        "off": "0075",
        "nil": "2024-03-01",
    }


def test_aliases_save_writing(tmp_path: Path) -> None:
    """The same words for two steps are written once."""
    twice: list[Change] = [
        (KK, '{sms: "Соңғы күн. № {{ event.number }}"}', '&d {sms: "№ {{ event.number }}"}\n  month: *d'),
        (RU, '{sms: "Последний день. № {{ event.number }}"}', '&d {sms: "№ {{ event.number }}"}\n  month: *d'),
    ]
    steps = town(tmp_path, *twice).triggers[0].words["kk"]["steps"]
    assert steps == {"day": {"sms": "№ {{ event.number }}"}, "month": {"sms": "№ {{ event.number }}"}}
