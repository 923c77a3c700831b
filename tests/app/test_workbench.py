"""habarshy preview, new and diff, as a service owner sees them."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from templates.checks.loader import shipped
from tests.app.terminal import Terminal
from tests.beginnings import packs_in
from tests.templates.packs import KK, RU, RULES, SHIPPED, write_town
from tests.templates.packs import Change as Edit

KZ = next(path for path in shipped() if path.name == "kz")
NO_AGE: Edit = (RULES, " && citizen.age >= 18", "")
AT = ("--clock", "2026-03-01T12:00+05:00")


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal in an empty folder."""
    return Terminal(tmp_path)


def town(terminal: Terminal, *changes: Edit) -> Path:
    """The small pack, in which everybody is told."""
    return write_town(terminal.folder, NO_AGE, *changes)


def trigger(terminal: Terminal, *changes: Edit) -> str:
    """The folder of its trigger."""
    return str(town(terminal, *changes) / "meter_check")


# preview


def test_preview_says_who_hears_what_and_shows_the_words(terminal: Terminal) -> None:
    """Who hears which step when; then each language and channel with its size; a step's same words only once."""
    ended = terminal.run("preview", trigger(terminal), "--language", "ru", *AT)
    assert (ended.code, ended.talk) == (0, "")
    assert ended.lines[:2] == ["meter_check: Тексеру", "on town.meter.installed, by push, sms, email, class reminder"]
    assert "  adult       month 2026-03-16 09:00 · day 2026-04-14 09:00" in ended.lines
    page = "\n".join(ended.lines)
    assert "ru  push   16 of 50        Поверьте счётчик" in page
    sms = r"^ru  sms    1 SMS           № 031234567: до 15 апреля 2026\sг\. 43\s250\s₸$"
    assert re.search(sms, page, re.MULTILINE)
    assert "ru  push                   the same as month" in page
    assert "Срок кончается завтра." in page
    assert max(map(len, ended.lines)) <= 100


def test_preview_counts_the_cost(terminal: Terminal) -> None:
    """With a price in the pack, an SMS has its cost beside its parts."""
    folder = town(terminal, (KK, 'sms: "№', f'sms: "{"Тексеріңіз. " * 4}№'))
    pack = folder / "pack.yaml"
    pack.write_text(pack.read_text(encoding="utf-8") + "sms_price: 12.5\n", encoding="utf-8")
    page = "\n".join(terminal.run("preview", str(folder), "--language", "kk").lines)
    assert "kk  sms    3 SMS, 37.5\u00a0₸   Тексеріңіз." in page


def test_preview_as_json_has_everything(terminal: Terminal) -> None:
    """An object for each person, step and language, with the HTML email."""
    objects = terminal.run("preview", trigger(terminal), "--persona", "sparse", "--json", *AT).objects
    assert [(each["step"], each["language"]) for each in objects[:4]] == [
        ("month", "kk"),
        ("month", "ru"),
        ("day", "kk"),
        ("day", "ru"),
    ]
    assert {each["step"] for each in objects} == {"month", "day", "correction"}
    assert objects[0]["sms"]["parts"] == 2
    assert objects[0]["email"]["html"].startswith("<!DOCTYPE html>")


def test_preview_without_a_listener(terminal: Terminal) -> None:
    """A condition that fails for somebody says so, and a minor's guardian is told."""
    ended = terminal.run("preview", str(KZ / "identity_card_expiry"), "--persona", "minor", "--json")
    assert ended.objects[0]["nothing"] == "`when` does not hold for them"
    told = terminal.run("preview", str(KZ / "traffic_fine_discount"), "--persona", "minor", "--json")
    assert {each["told"] for each in told.objects} == {"guardian"}


def test_preview_where_no_event_starts_it(terminal: Terminal) -> None:
    """A birthday to come is shown with its date; one that is past turns nothing any more."""
    folder = str(KZ / "medical_insurance_adult")
    child, adult = (
        terminal.run("preview", folder, "--persona", persona, "--language", "en", "--json", *AT).objects[0]
        for persona in ("orphan", "adult")
    )
    assert child["due"].startswith("2038-02-02T10:00")
    assert "2 February 2038" in child["sms"]["text"]
    assert adult["nothing"] == "no step applies to them"


def test_preview_finds_an_event_for_which_the_condition_holds(terminal: Terminal) -> None:
    """The sample event is chosen so that something is shown: another kind, a larger number."""
    ended = terminal.run("preview", trigger(terminal, (RULES, "event.fee > 0", "event.fee > 999999")), "--json")
    assert "nothing" not in ended.objects[0]
    assert "1\u202f000\u202f000" in ended.objects[0]["sms"]["text"]


def test_preview_of_own_people(terminal: Terminal) -> None:
    """The pack's personas.yaml brings people and what happens to them; they come first."""
    folder = town(terminal)
    (folder / "personas.yaml").write_text("widow:\n  citizen: {language: ru}\n  event: {fee: 17}\n", encoding="utf-8")
    ended = terminal.run("preview", str(folder), "--json", *AT)
    assert ended.objects[0]["persona"] == "widow"
    assert "17\u00a0₸" in ended.objects[0]["sms"]["text"]


def test_preview_writes_emails(terminal: Terminal) -> None:
    """Several emails come as a page of frames without scripts, a single one as it is."""
    folder, one, many = trigger(terminal), terminal.folder / "one.html", terminal.folder / "many.html"
    assert terminal.run("preview", folder, "--html", str(many)).talk == f"the emails are in {many}\n"
    assert len(re.findall('<iframe sandbox="allow-same-origin" ', many.read_text(encoding="utf-8"))) == 6
    clinic = str(KZ / "clinic_attachment")
    terminal.run("preview", clinic, "--language", "en", "--html", str(one))
    assert "<iframe" not in one.read_text(encoding="utf-8")
    assert terminal.run("preview", folder, "--html", "/no/such/folder/x.html").code == 2


@pytest.mark.parametrize(
    ("more", "talk"),
    [
        (["--persona", "minro"], "--persona: 'minro' is not known (did you mean 'minor'?)\n"),
        (["--language", "de"], "--language: 'de' is not known (there are: kk, ru)\n"),
    ],
)
def test_preview_of_what_is_not_there(terminal: Terminal, more: list[str], talk: str) -> None:
    """Exit 2, and what was probably meant."""
    assert terminal.run("preview", trigger(terminal), *more) == (2, [], talk)


def test_a_misspelt_folder(terminal: Terminal) -> None:
    """Exit 2 with the name of the folder that was probably meant; a folder of neither kind says so."""
    folder = trigger(terminal)
    ended = terminal.run("preview", folder + "s")
    assert ended == (2, [], f"{folder}s: no such folder (did you mean '{folder}'?)\n")
    assert terminal.run("diff", str(terminal.folder), folder).code == 2


def test_preview_of_a_broken_pack_says_what_is_broken(terminal: Terminal) -> None:
    """Exit 1 with lint's findings."""
    ended = terminal.run("preview", trigger(terminal, (KK, "Бағасы: {{ event.fee", "Бағасы: {{ event.fe")))
    assert (ended.code, ended.lines) == (1, [])
    assert "kk.md:24:14: there is no variable event.fe" in ended.talk


@pytest.mark.parametrize(
    "folder", sorted(path.parent for path in KZ.glob("*/trigger.yaml")), ids=lambda path: path.name
)
def test_every_shipped_trigger_can_be_seen(terminal: Terminal, folder: Path) -> None:
    """Somebody hears something of each, and no line is longer than a terminal."""
    pack = terminal.folder / "kz"  # without the other triggers, which are checked elsewhere
    pack.mkdir()
    for path in KZ.iterdir():
        if path == folder or not (path / "trigger.yaml").exists():
            (pack / path.name).symlink_to(path)
    ended = terminal.run("preview", str(pack / folder.name))
    assert (ended.code, ended.talk) == (0, "")
    assert any(line.startswith("── ") for line in ended.lines)
    assert max(map(len, ended.lines)) <= 100


# new


def _events() -> list[dict[str, Any]]:
    return [event for pack in packs_in(shipped()) for event in pack.content["events"]]


def _without_triggers(pack: Path, folder: Path, name: str = "") -> Path:
    made = folder / (name or pack.name)
    shutil.copytree(
        pack,
        made,
        ignore=lambda folder, names: [name for name in names if (Path(folder) / name / "trigger.yaml").is_file()],
    )
    return made


def test_a_new_trigger_on_any_event_type_passes(terminal: Terminal) -> None:
    """Whatever it starts on, lint finds only placeholders and its tests pass; answers to messages start none."""
    pack = _without_triggers(KZ, terminal.folder, "all")
    alone, made = terminal.folder / "alone" / "all", 0  # else each is checked again with all before it
    shutil.copytree(pack, alone)
    bare = [_without_triggers(path, terminal.folder / "bare") for path in shipped() if path != KZ]
    others = [part for path in bare for part in ("--with", str(path))]
    for event in _events():
        name = event["type"].replace(".", "_")
        ended = terminal.run("new", str(alone / name), "--on", event["type"], *others)
        assert ended.code == (2 if event["type"] in ("citizen.disputed", "citizen.preferences_changed") else 0)
        if ended.code == 0:
            (alone / name).rename(pack / name)
            made += 1
    packs = [str(pack), *(str(path) for path in shipped() if path != KZ)]
    linted = terminal.run("lint", *packs, "--json").objects[:-1]
    assert [each for each in linted if str(pack) in each["path"] and not each["placeholder"]] == []
    tried = terminal.run("test", str(pack), *packs[1:], "--json")
    mine = [one for one in tried.objects[:-1] if str(pack) in one["path"]]
    assert [one["path"] for one in mine if not one["passed"]] == []
    assert len(mine) == 3 * made


def test_a_new_trigger_of_an_area(terminal: Terminal) -> None:
    """A trigger on an area event tells residents, and its tests pass too."""
    folder = town(terminal)
    shutil.rmtree(folder / "meter_check")
    assert terminal.run("new", str(folder / "flooded"), "--on", "town.flood").code == 0
    assert terminal.run("test", str(folder), "--only", "flooded").lines[-1] == "3 cases, 0 failed, 0 findings"


def test_new_writes_what_it_says(terminal: Terminal) -> None:
    """Each file is named; without --on it starts on an event type of the pack, with its agency as owner."""
    folder = town(terminal)
    ended = terminal.run("new", str(folder / "leak"))
    names = ["trigger.yaml", "kk.md", "ru.md", "tests.yaml"]
    assert (ended.code, ended.lines) == (0, [str(folder / "leak" / name) for name in names])
    rules = (folder / "leak" / "trigger.yaml").read_text(encoding="utf-8")
    assert "on: town.meter.installed\n" in rules
    assert "owner: water\n" in rules


def test_new_beside_another_pack_says_how_to_go_on_with_both(terminal: Terminal) -> None:
    """On an event of another pack the trigger is the own pack's agency's, and what comes next names both packs."""
    folder, kz = terminal.folder / "ours", SHIPPED["kz"]
    terminal.run("new", "--pack", str(folder))
    ended = terminal.run("new", str(folder / "leak"), "--on", "kz.document.issued", "--with", str(kz))
    tries, shows = (f"test {kz} {folder} --only leak", f"preview {folder}/leak --with {kz}")
    assert ended.talk.splitlines()[-1] == f"next: habarshy {tries}, habarshy {shows}"
    assert "owner: library\n" in (folder / "leak" / "trigger.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "talk"),
    [
        (["meter_check"], "{}/meter_check: this is here already, and is left as it is"),
        (
            ["leak", "--on", "town.meter.instaled"],
            "--on: no event type is called 'town.meter.instaled' (did you mean 'town.meter.installed'?)",
        ),
        (
            ["leak", "--on", "kz.document.issued"],
            "--on: no event type is called 'kz.document.issued' (it is in another pack: --with templates/kz)",
        ),
        (["leak", "--owner", "watr"], "--owner: no agency is called 'watr' (did you mean 'water'?)"),
        (["Leak"], "'Leak': a name has small Latin letters, digits and underscores, as in lost_passport"),
        (["digest"], "'digest': this name is taken; choose another"),
        (["citizen", "--pack"], "'citizen': this name is taken; choose another"),
        (["null", "--pack"], "'null': this name is taken; choose another"),
        (["a" * 300], "the name has 300 characters; give it 100 at most"),
        (
            ["leak", "--on", "citizen.disputed"],
            "--on: answering any message gives citizen.disputed, so a message about it would never end",
        ),
    ],
)
def test_new_refuses(terminal: Terminal, arguments: list[str], talk: str) -> None:
    """What is there stays as it is, and what is misspelt is named; exit 2, and nothing is written."""
    folder = town(terminal)
    before = sorted(folder.rglob("*"))
    ended = terminal.run("new", str(folder / arguments[0]), *arguments[1:])
    assert ended == (2, [], talk.format(folder) + "\n")
    assert sorted(folder.rglob("*")) == before


def test_a_new_pack(terminal: Terminal) -> None:
    """A new pack is clean, and a trigger in it passes its tests; a trigger without a pack has nowhere to go."""
    pack = terminal.folder / "lake"
    nowhere = terminal.run("new", str(pack / "first"))
    assert (nowhere.code, "habarshy new --pack" in nowhere.talk) == (2, True)
    assert terminal.run("new", "--pack", str(pack)).code == 0
    assert terminal.run("lint", str(pack)).lines == ["0 triggers, 1 event type, 0 findings, 0 warnings"]
    assert terminal.run("new", str(pack / "first")).code == 0
    assert terminal.run("lint", str(pack)).code == 0
    assert terminal.run("test", str(pack)).lines[-1] == "3 cases, 0 failed, 0 findings"


# diff


def difference(terminal: Terminal, *changes: Edit) -> list[str]:
    """What diff says of the small trigger and of the same with changes."""
    old = write_town(terminal.folder / "old", NO_AGE)
    new = write_town(terminal.folder / "new", NO_AGE, *changes)
    ended = terminal.run("diff", str(old / "meter_check"), str(new / "meter_check"))
    assert (ended.code, ended.talk) == (0, "")
    whole = terminal.run("diff", str(old), str(new))
    assert whole.lines == ended.lines
    return [" ".join(line.split()) for line in ended.lines]


@pytest.mark.parametrize(
    "changes",
    [
        (),
        ((RULES, "owner: water\n", "\n# ours\nowner:   'water'\n"),),
        ((RULES, "to: subject", "to: [holder]"), (RULES, "offset: -P30D", "offset: '-P30D'")),
        ((RULES, "correction: true", "correction: true\ncatch_up: latest\nminors: guardians"),),
        ((RULES, "when: event.fee > 0", "when:   event.fee   >  0"),),
        ((KK, "Сәлеметсіз бе!\n\n{%", "Сәлеметсіз бе!\n\n\n{%"),),
    ],
)
def test_layout_is_no_difference(terminal: Terminal, changes: tuple[Edit, ...]) -> None:
    """Order, quotes, spaces, and what holds anyway, said or unsaid, change nothing."""
    assert difference(terminal, *changes) == ["no difference in meaning"]


def test_once_a_person_is_another_matter_than_each_event(terminal: Terminal) -> None:
    """Both read no field of the event, and yet one is told of every event, and the other of the first."""
    old = write_town(terminal.folder / "old", NO_AGE, (RULES, "occurrence: event.number\n", ""))
    new = write_town(terminal.folder / "new", NO_AGE, (RULES, "occurrence: event.number", "occurrence: person"))
    said = " ".join(" ".join(terminal.run("diff", str(old), str(new)).lines).split())
    assert "One matter is the person, once and for all; before, each event by itself." in said


def test_a_line_break_that_a_remark_needs_is_a_difference(terminal: Terminal) -> None:
    """Who joins the lines of a condition takes out what stood below a remark."""
    when, broken = "when: event.fee > 0", "when: |\n  event.fee > 0 // not free\n  && event.number != '0'"
    old = write_town(terminal.folder / "old", NO_AGE, (RULES, when, broken))
    new = write_town(terminal.folder / "new", NO_AGE, (RULES, when, broken.replace("|", ">")))
    said = " ".join(" ".join(terminal.run("diff", str(old), str(new)).lines).split())
    assert "It goes only if the event’s ‘fee’ is more than 0; before, only if" in said


@pytest.mark.parametrize(
    ("change", "group", "sentence"),
    [
        ((RULES, "class: reminder", "class: service"), "basis", "Its class is service; before, reminder."),
        (
            (RULES, "category: water", "category: homes"),
            "basis",
            "Citizens opt out of it by homes; before, by water.",
        ),
        (
            (RULES, "Правила 2020 года", "Правила 2026 года"),
            "basis",
            (
                "The legal basis is “kk: 2020 жылғы ережелер; ru: Правила 2026 года”; "
                "before, “kk: 2020 жылғы ережелер; ru: Правила 2020 года”."
            ),
        ),
        (
            (RULES, "[push, sms, email]", "[sms, push, email]"),
            "channels",
            "It goes by sms, push, email; before, by push, sms, email.",
        ),
        (
            (RULES, "PT10M", "PT1H"),
            "channels",
            "The next channel follows after a silence of 1 hour; before, of 10 minutes.",
        ),
        (
            (RULES, "event.fee > 0", "event.fee > 5"),
            "who",
            "It goes only if the event’s ‘fee’ is more than 5; before, only if the event’s ‘fee’ is more than 0.",
        ),
        (
            (RULES, "occurrence: event.number\n", ""),
            "who",
            "One matter is each event by itself; before, event.number.",
        ),
        (
            (RULES, "occurrence: event.number", "occurrence: person"),
            "who",
            "One matter is the person, once and for all; before, event.number.",
        ),
        (
            (RULES, "expires: event.valid_until", "expires: P3D"),
            "when",
            "It is worth sending until 3 days after it was due; before, until the event’s ‘valid until’.",
        ),
        (
            (RULES, "category: water", "category: water\ncatch_up: all"),
            "when",
            "Of steps overdue already, all go; before, latest.",
        ),
        (
            (RULES, "later.number == event.number", "later.fee == event.fee"),
            "when",
            "New: it is not sent if this happens first: “Есептегіш орнатылды”, and the later event’s ‘fee’ is",
        ),
        (
            (KK, 'title: "Есептегішті тексеріңіз"', 'title: "Есептегішті ауыстырыңыз"'),
            "words",
            "kk, push title: Есептегішті [-тексеріңіз-]{+ауыстырыңыз+}",
        ),
        ((RU, "Срок кончается **завтра**.", "Срок кончается **сегодня**."), "words", None),
        (
            (RU, "  day: {sms", "  day: {subject: Завтра, sms"),
            "words",
            "ru, email subject of step day: [-Поверьте счётчик № {{ event.number }}-]{+Завтра+}",
        ),
    ],
)
def test_a_difference_is_a_sentence(terminal: Terminal, change: Edit, group: str, sentence: str | None) -> None:
    """Each kind of change is told in its group, with what it was before."""
    said = difference(terminal, change)
    assert said[:2] == ["meter_check", group]
    assert sentence is None or sentence in " ".join(said)


def test_diff_of_steps(terminal: Terminal) -> None:
    """A step that moved, one that went and one that came are told apart."""
    said = " ".join(
        difference(
            terminal,
            (RULES, "-P30D", "-P14D"),
            (RULES, "  day:\n", "  eve:\n"),
            (KK, "  day: {", "  eve: {"),
            (RU, "  day: {", "  eve: {"),
            (KK, 'step == "day"', 'step == "eve"'),
            (RU, 'step == "day"', 'step == "eve"'),
        )
    )
    assert "Step month: it is due 14 days before" in said
    assert "Step day is gone: it is due 1 day before" in said
    assert "Step eve is new: it is due 1 day before" in said


def test_diff_of_entitlements(terminal: Terminal) -> None:
    """Edges of an entitlement are told as such, with the days from which steps count although nothing says so."""
    began, ends = (str(KZ / name) for name in ("childcare_allowance", "childcare_allowance_ending"))
    objects = terminal.run("diff", began, ends, "--json").objects
    [started] = [each["sentence"] for each in objects if each["about"] == "on"]
    assert started == (
        "It starts when this person ceases to be entitled to “Childcare allowance”, "
        "before when this person becomes entitled to “Childcare allowance”."
    )
    old = shutil.copytree(KZ, terminal.folder / "kz")
    shutil.rmtree(old / "childcare_allowance")
    [[story]] = [[each["sentence"]] for each in terminal.run("diff", str(old), str(KZ), "--json").objects]
    assert "When this person becomes entitled to “Childcare allowance”. It is for the mother." in story
    assert "the entitlement’s ‘from’" in story


def test_preview_of_an_entitlement(terminal: Terminal) -> None:
    """Its days and amounts are made up by the benefit and the law of the day."""
    page = terminal.run("preview", str(KZ / "childcare_allowance_ending"), "--language", "en", *AT).lines
    assert page[1].startswith("on ceases childcare_allowance, by push")
    assert "  adult       month 2027-07-27 10:00" in page


def test_diff_of_packs_names_what_came_and_went(terminal: Terminal) -> None:
    """A new trigger tells its whole story; the reading order is that of names."""
    old = town(terminal)
    new = terminal.folder / "next" / "town"
    shutil.copytree(old, new)
    shutil.move(new / "meter_check", new / "meter_due")
    objects = terminal.run("diff", str(old), str(new), "--json").objects
    assert [(each["trigger"], each["sentence"].split(".")[0]) for each in objects] == [
        ("meter_check", "This trigger is gone"),
        ("meter_due", "This trigger is new"),
    ]


def test_diff_with_what_is_published(terminal: Terminal) -> None:
    """With one folder, the log's latest version is the older one; an unknown trigger is exit 1."""
    published = write_town(terminal.folder / "published", NO_AGE)
    changed = write_town(terminal.folder / "changed", NO_AGE, (RULES, "class: reminder", "class: service"))
    env = {"HABARSHY_PACKS": str(published), **terminal.act("aida", "water", "author")}
    same = terminal.run("diff", str(published / "meter_check"), env=env)
    assert same == (0, ["no difference in meaning"], "")
    ended = terminal.run("diff", str(changed / "meter_check"), "--json", env=env)
    assert [each["sentence"] for each in ended.objects] == ["Its class is service; before, reminder."]
    shutil.move(changed / "meter_check", changed / "metre_check")
    unknown = terminal.run("diff", str(changed / "metre_check"), env=env)
    assert (unknown.code, unknown.talk) == (
        1,
        "no published trigger is called 'metre_check' (did you mean 'meter_check'?)\n",
    )


def test_diff_with_what_another_agency_has_published(terminal: Terminal) -> None:
    """Nobody reads another agency's trigger by comparing a folder of their own with it: exit 4, and not a word."""
    folder = write_town(terminal.folder, NO_AGE)
    env = {"HABARSHY_PACKS": str(folder)}
    stranger = terminal.act("fred", "finance", "author", "approver")
    for path, more, said in (
        (folder / "meter_check", {}, "HABARSHY_TOKEN"),
        (folder / "meter_check", stranger, "another agency"),
    ):
        ended = terminal.run("diff", str(path), env={**env, **more})
        assert (ended.code, ended.lines) == (4, [])
        assert said in ended.talk
