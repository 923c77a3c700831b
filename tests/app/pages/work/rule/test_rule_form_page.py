"""The form of a draft's rule: in step with its file, whoever writes which of them."""

import re
from collections import Counter
from collections.abc import Mapping
from html import unescape
from itertools import cycle
from pathlib import Path
from types import SimpleNamespace

import httpx2
import pytest
import yaml

from app.pages.catalogues import Speech
from app.pages.layout import _environment
from app.pages.rule_words import CLASSES
from app.pages.work.drafts.controls import Control
from app.pages.work.rule.advice import ADVICE, at_fields
from app.pages.work.rule.rule_controls import Setting
from app.pages.work.rule.rule_reading import RuleReading
from app.pages.work.rule.rule_view import RuleView
from app.pages.work.rule.sent_rule import SentRule
from domain.core.translatable import Words
from templates.authoring.cited_acts import acts_of
from templates.authoring.condition_form import BadRow, Row, Rows, after_start, without_after_start, written_condition
from templates.authoring.trigger_form import _CHECKS, UNITS, BadValue, Part, TriggerForm, value_meant
from templates.checks.sense_check import LONG_AGO
from templates.reading.findings import Finding
from tests.app.pages.forms import fields_of
from tests.app.pages.shipped_rules import speech_of
from tests.app.pages.work.workshop import CLINIC, Somebody, Workshop, begun, file_of, signed_in
from tests.templates.packs import SHIPPED

LANGUAGES = ("kk", "ru", "en")
ALL = """{% import "work/_form.html" as f with context %}{% for c in controls %}{{ f.control(c) }}{% endfor %}"""


def controls_of(view: RuleView) -> list[Control]:
    """All controls of a rule."""
    texts = (field for each in view.texts() for field in (*each.above, *each.seen, *each.folded))
    controls = [*texts, *view.topic_and_urgency(), *view.starting(), *view.ending(), *view.sending(), *view.rare()]
    controls += [each for *_, usual, rare in view.steps() for each in (*usual, *rare)]
    controls += [each for *_, mine in view.needless() for each in mine]
    controls += [each for _, mine in view.buttons() for each in mine]
    controls += [each for _, mine in (*view.new_steps(), *view.new_needless()) for each in mine]
    return [*controls, *view.nothing_needless(), *view.new_button()]


def sent_of(view: RuleView, speech: Speech) -> dict[str, list[str]]:
    """What a browser sends of all controls of a rule."""
    controls = controls_of(view)
    environment = _environment(speech.language, "", (Path("app/pages/html").resolve(),))
    units = list(UNITS.items())
    page = environment.from_string(ALL).render(controls=controls, speech=speech, units=units, icons=SimpleNamespace())
    return fields_of(page)


def shipped_rules() -> list[Path]:
    """The files of all shipped rules."""
    return sorted(path for pack in SHIPPED.values() for path in Path(pack).glob("*/trigger.yaml"))


def test_each_shipped_rule_saved_as_it_was_opened_is_the_same(quiet: Workshop) -> None:
    """No control sends anything else than it was filled with: the file stays as it is, whoever reads its form."""
    rules = quiet.world.platform.rules.library.rules()
    for path, language in zip(shipped_rules(), cycle(LANGUAGES), strict=False):  # what is sent is in no language
        form, speech = TriggerForm(path.read_text("utf-8"), LANGUAGES), speech_of(language)
        acts = acts_of(yaml.safe_load((path.parents[1] / "pack.yaml").read_text("utf-8")), LANGUAGES)
        sent = sent_of(RuleView(rules, speech, Setting(form, {}, {}, {}, acts=acts)), speech)
        changes, wrong = SentRule(RuleReading(rules, speech, form, sent, acts)).changes(form.values)
        assert (changes, wrong) == ({}, {}), path
    assert len(shipped_rules()) > 40


def test_every_field_of_a_shipped_rule_has_its_control(quiet: Workshop) -> None:
    """What a field holds is not told as text beside the form, so the form must show it."""
    rules, speech = quiet.world.platform.rules.library.rules(), speech_of("en")
    missing = Counter[str]()
    for path in shipped_rules():
        form = TriggerForm(path.read_text("utf-8"), LANGUAGES)
        shown = {each.name for each in controls_of(RuleView(rules, speech, Setting(form, {}, {}, {})))}
        missing.update(set(form.values) - shown)
    assert missing == {}


def form_of(somebody: Somebody, where: str) -> dict[str, list[str]]:
    """The form as their browser would send it."""
    answer = somebody.get(f"{where}/form")
    assert answer.status_code == 200
    return fields_of(answer.text, "/form")


def send(somebody: Somebody, where: str, fields: Mapping[str, list[str]], **changed: str) -> httpx2.Response:
    """Send it with some fields changed."""
    given = {**fields, **{name: [text] for name, text in changed.items()}, "then": ["save"]}
    return somebody.client.post(f"{where}/form", data=given)


def rules_of(somebody: Somebody, where: str) -> str:
    """The rule's file as the editor of files shows it."""
    return unescape(file_of(somebody.get(where).text, "trigger.yaml"))


def test_a_form_saved_unchanged_changes_no_byte(quiet: Workshop) -> None:
    """The revision stays too, so nobody else is disturbed."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    before = rules_of(aida, where)
    fields = form_of(aida, where)
    assert send(aida, where, fields).headers["location"] == f"{where}/form?done=saved"
    assert rules_of(aida, where) == before
    assert form_of(aida, where)["revision"] == fields["revision"]


def test_a_changed_field_changes_its_value_only(quiet: Workshop) -> None:
    """Titles, times, a condition by field, operator and value: the diff is those values, remarks stay."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    before, fields = rules_of(aida, where), form_of(aida, where)
    [step] = {
        name.split(".")[1] for name in fields if re.fullmatch(r"due\.[a-z_]+\.at", name) and ".new." not in name
    }
    changed = {
        "title.ru": "Прикрепитесь к поликлинике",
        f"due.{step}.at": "11:45",
        "when.1.field": "citizen.age",
        "when.1.operator": ">=",
        "when.1.value": "18",
    }
    assert send(aida, where, fields, **changed).status_code == 303
    after = rules_of(aida, where)
    assert "Прикрепитесь к поликлинике" in after
    assert 'at: "11:45"' in after
    assert 'when: event.kind == "moved" && citizen.age >= 18' in after
    changed_lines = [one for one, other in zip(before.split("\n"), after.split("\n"), strict=True) if one != other]
    assert len(changed_lines) == 3
    assert "# an attachment at the old address does not count" in after


def test_what_was_typed_stays_beside_what_is_wrong_with_it(quiet: Workshop) -> None:
    """An invalid date, a title of 51 letters, a wrong value: 422, each said at its field, all of it still there."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    before, fields = rules_of(aida, where), form_of(aida, where)
    arabic = "مرحبا"
    answer = send(
        aida,
        where,
        fields,
        reach="2025-02-30",
        **{"title.ru": "ы" * 51, "title.en": arabic, "when.1.field": "citizen.age", "when.1.value": "old"},
    )
    assert answer.status_code == 422
    for said in (
        "Write a date as DD.MM.YYYY",
        "Write 50 characters at most",
        "Age: Write it in digits, such as 10",
    ):
        assert said in answer.text
    kept = fields_of(answer.text, "/form")
    assert (kept["reach"], kept["title.ru"], kept["title.en"]) == (["2025-02-30"], ["ы" * 51], [arabic])
    assert (kept["when.1.field"], kept["when.1.value"]) == (["citizen.age"], ["old"])
    assert rules_of(aida, where) == before
    good = {**kept, "reach": ["2025-02-28"], "title.ru": ["Кратко"], "when.1.value": ["18"], "then": ["save"]}
    assert aida.client.post(f"{where}/form", data=good).status_code == 303
    assert arabic in rules_of(aida, where)


def problems_of(page: str) -> list[str]:
    """What the list of problems at the top of the page says."""
    return re.findall(r'<li><a href="#[^"]+">([^<]+)</a></li>', unescape(page).partition('class="errors"')[2])


def test_the_list_of_problems_names_the_field_of_each(quiet: Workshop) -> None:
    """Several fields ask for a number or a date, so each problem at the top says whose it is, and leads to it."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    wrong = {"due.moved.offset.number": "three", "cascade_after.number": "ten", "count.nth": "x"}
    page = send(aida, where, form_of(aida, where), **wrong).text
    links = re.findall('<a href="#([^"]+)"', page.partition('class="errors"')[2].partition("</div>")[0])
    assert links == ["due.moved.offset", "count.nth", "cascade_after"]
    assert all(f'id="{each}"' in page for each in links)
    problems = problems_of(page)
    assert [each.partition(" – ")[0] for each in problems] == [
        "Message 1: How long before or after?",
        "Which of several records?",
        "Go on to the next way after a silence of",
    ]
    assert problems[1].endswith(" – Write it in digits, such as 10")


def test_after_a_save_the_mistakes_of_all_files_are_listed_with_links(quiet: Workshop) -> None:
    """A condition that never holds hides neither a long SMS nor a test of a step that is gone."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    files = fields_of(aida.get(where).text, where)
    files["file-ru.md"] = [re.sub("(?m)^sms: .*", f'sms: "{"я" * 400}"', files["file-ru.md"][0])]
    files["file-tests.yaml"] = [files["file-tests.yaml"][0].replace("step: moved", "step: other", 1)]
    aida.client.post(where, data={**files, "then": ["save"]})
    rows = {"when.1.field": "citizen.age", "when.1.operator": ">", "when.1.value": "20"}
    rows |= {"when.2.field": "citizen.age", "when.2.operator": "<", "when.2.value": "10"}
    page = aida.get(send(aida, where, form_of(aida, where), **rows).headers["location"]).text
    listed = page.partition('id="left-title"')[2].partition("</div>")[0]
    links = re.findall('<li><a href="([^"]+)"', listed)
    assert f"Saved, {len(links)} mistakes are left" in listed
    assert {f"{where}/words?spoken=ru#w.sms", "#when"} <= set(links)
    assert any(each.startswith(f"{where}/example?at=0") for each in links)
    assert 'id="when"' in page


def test_two_of_each_are_added_in_one_save(quiet: Workshop) -> None:
    """Who has registered or found a job needs no message: both are said at once, as are two steps."""
    aida = signed_in(quiet, "aida")
    where = begun(aida, **{"title.en": "Lost a job", "pack": "kz", "on": "kz.employment.job_ended"})
    added = {
        "unless.new.on": "kz.employment.unemployment_registered",
        "unless.new.since": "yes",
        "unless.new-2.since": "yes",
        "unless.new-2.on": "kz.employment.job_started",
        "unless.new-2.after.number": "30",
        "due.new.offset.number": "7",
        "due.new-2.offset.number": "14",
        "when.0.field": "citizen.age",
        "when.0.operator": ">=",
        "when.0.value": "18",
        "when.1.field": "citizen.age",
        "when.1.operator": "<",
        "when.1.value": "63",
    }
    assert send(aida, where, form_of(aida, where), **added).status_code == 303
    rules = rules_of(aida, where)
    for text in (
        "on: kz.employment.unemployment_registered,",
        "on: kz.employment.job_started,",
        "within: {after: P30D}",
        "after_7_days: {offset: P7D}",
        "after_14_days: {offset: P14D}",
        "when: citizen.age >= 18 && citizen.age < 63",
    ):
        assert text in rules


def test_a_tick_and_an_event_that_contradict_each_other_are_asked_about(quiet: Workshop) -> None:
    """Nobody's tick that nothing makes the message needless is dropped unsaid, because an event was chosen too."""
    aida = signed_in(quiet, "aida")
    where = begun(aida, **{"title.en": "Lost a job", "pack": "kz", "on": "kz.employment.job_ended"})
    before, fields = rules_of(aida, where), form_of(aida, where)
    both = {"needless.none": "yes", "unless.new.on": "kz.employment.job_started", "unless.new.since": "yes"}
    answer = send(aida, where, fields, **both)
    assert answer.status_code == 422
    [problem] = problems_of(answer.text)
    assert problem.startswith("Nothing makes it needless – You ticked this and chose an event")
    kept = fields_of(answer.text, "/form")
    assert {name: kept[name] for name in both} == {name: [text] for name, text in both.items()}
    assert rules_of(aida, where) == before
    kept.pop("needless.none")
    assert send(aida, where, kept).status_code == 303
    assert "unless: [{on: kz.employment.job_started," in rules_of(aida, where)


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ({"when.1.value": "18"}, "Only if – 2: Choose what is compared, or remove this condition"),
        (
            {"unless.new.before.number": "1"},
            "Add an event that makes it needless: This has been recorded – Choose what has been recorded",
        ),
    ],
)
def test_nothing_that_was_typed_is_dropped_unsaid(quiet: Workshop, typed: dict[str, str], problem: str) -> None:
    """A part without what makes it one is not saved as if it were not there: the form asks for what is missing."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    answer = send(aida, where, form_of(aida, where), **typed)
    assert answer.status_code == 422
    assert problems_of(answer.text) == [problem]
    [(name, text)] = typed.items()
    assert fields_of(answer.text, "/form")[name] == [text]


def test_steps_and_buttons_are_named_by_what_they_say(quiet: Workshop) -> None:
    """Nobody has to invent an internal name: a step has it from its time, a button from its words."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    labels = {"actions.new.label.kk": "Төлеу", "actions.new.label.en": "Pay now"}
    added = {"due.new.offset.number": "2", "due.new.offset.unit": "W", "actions.new.url": "https://egov.kz"}
    assert send(aida, where, form_of(aida, where), **labels, **added).status_code == 303
    again = {"due.new.offset.number": "2", "due.new.offset.unit": "W", "due.new.at": "9.30"}
    assert send(aida, where, form_of(aida, where), **again).status_code == 303
    rules = rules_of(aida, where)
    assert "after_2_weeks: {offset: P2W}" in rules
    assert 'after_2_weeks_2: {offset: P2W, at: "09:30"}' in rules
    assert "id: pay_now" in rules


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"unless.new.since": "yes"}, "when: later.time > event.time"),
        ({"unless.new.since": "no"}, ""),
        (
            {
                "unless.new.since": "yes",
                "unless.new.when.0.field": "later.employer",
                "unless.new.when.0.operator": "==",
                "unless.new.when.0.of": "event.employer",
            },
            "when: later.time > event.time && later.employer == event.employer",
        ),
    ],
)
def test_what_makes_a_message_needless_happens_since_its_record(
    quiet: Workshop, sent: dict[str, str], kept: str
) -> None:
    """What came before the record that starts the rule does not count, unless its author says so."""
    aida = signed_in(quiet, "aida")
    where = begun(aida, name="new_job", pack="kz", on="kz.employment.job_started")
    added = {"unless.new.on": "kz.pension.contribution_received", **sent}
    assert send(aida, where, form_of(aida, where), **added).status_code == 303
    rules = rules_of(aida, where)
    assert "on: kz.pension.contribution_received" in rules
    assert kept in rules
    assert ("later.time" in rules) is bool(kept)
    asked = form_of(aida, where)
    assert asked["unless.0.since"] == ["yes" if kept else "no"]
    assert not any("later.time" in text for name, texts in asked.items() if name != "was" for text in texts)
    assert send(aida, where, asked).status_code == 303
    assert rules_of(aida, where) == rules
    assert send(aida, where, asked, **{"unless.0.since": "no"}).status_code == 303
    assert "later.time" not in rules_of(aida, where)


def test_a_record_that_comes_later_than_its_date_asks_when_an_exception_has_to_happen(quiet: Workshop) -> None:
    """Nothing is preset, so that nobody is reminded of what they did before the record came; days are then asked."""
    aida = signed_in(quiet, "aida")
    where = begun(aida, name="dismissed", pack="kz", on="kz.employment.job_ended")
    fields, added = form_of(aida, where), {"unless.new.on": "kz.tax.paid"}
    assert fields["unless.new.since"] == [""]
    refused = send(aida, where, fields, **added)
    assert refused.status_code == 422
    assert 'href="#unless.new.since"' in refused.text
    assert send(aida, where, fields, **added, **{"unless.new.since": "no"}).status_code == 303
    page = unescape(aida.get(f"{where}/form").text)
    asked = page.index("One of twenty years ago prevents the message too")
    assert page.rindex('name="unless.0.', 0, page.index('name="unless.0.before.number"')) < asked
    assert asked < page.index('name="unless.0.before.number"')


def test_what_happens_since_the_date_of_the_record_counts_the_whole_first_day(quiet: Workshop) -> None:
    """Ten days after a date, an exception since that date looks eleven days back, and nothing is remarked on it."""
    aida = signed_in(quiet, "aida")
    where = begun(aida, name="dismissed", pack="kz", on="kz.employment.job_ended")
    fields = form_of(aida, where)
    added = {"unless.new.on": "kz.tax.paid", "unless.new.since": "date"}
    moment = {"due.first.from": "event.time"}
    refused = send(aida, where, fields, **added, **moment)
    assert (refused.status_code, 'href="#unless.new.since"' in refused.text) == (422, True)
    counted = {"due.first.from": "event.ended_on", "due.first.offset.number": "10", "due.first.offset.unit": "D"}
    assert send(aida, where, fields, **added, **counted).status_code == 303
    page = unescape(aida.get(f"{where}/form").text)
    stands = fields_of(page, "/form")
    assert (stands["unless.0.since"], stands["unless.0.before.number"]) == (["date"], ["11"])
    assert "begins at its hour on that day" not in page
    assert "One of twenty years ago" not in page
    assert send(aida, where, stands, **{"due.first.offset.number": "20"}).status_code == 303
    assert form_of(aida, where)["unless.0.before.number"] == ["21"], "it goes with the step"


def test_days_of_the_sample_are_nobody_s_choice(quiet: Workshop) -> None:
    """Who chooses from which date a step counts writes how many days, too: those of the sample mean nothing."""
    aida = signed_in(quiet, "aida")
    where = begun(aida, name="dismissed", pack="kz", on="kz.employment.job_ended")
    fields = form_of(aida, where)
    assert fields["due.first.offset.number"] == [""]
    refused = send(aida, where, fields, **{"due.first.from": "event.ended_on"})
    assert (refused.status_code, 'href="#due.first.offset"' in refused.text) == (422, True)
    counted = {"due.first.from": "event.ended_on", "due.first.offset.number": "0"}
    assert send(aida, where, fields, **counted).status_code == 303


def test_a_remark_at_no_field_stays_above_the_form() -> None:
    """What the file says where the form has no field is not placed at a field that nobody sees."""
    found = Finding("trigger.yaml", 1, 1, Words(LONG_AGO, example="{before: P1Y}"), warning=True)
    assert at_fields(found, "") == [("", found)]
    assert at_fields(found, "unless.1.on") == [("unless.1.before", found)]


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "later.a == event.a",
        "later.a == 1 && later.b == 2",
        "later.a == 1 || later.b == 2",
        "(a || b) && (c || d)",
    ],
)
def test_a_demand_to_come_after_the_record_is_taken_off_as_it_was_put_on(rest: str) -> None:
    """The form shows the rest of a condition, and writes what it has read."""
    when = after_start(rest)
    asked, left = without_after_start(when)
    assert (asked, left) in (("yes", rest), ("no", when))
    assert (asked == "yes") is ("(" not in rest)


def test_a_value_that_its_field_never_has_is_refused(quiet: Workshop) -> None:
    """A rule for the sex “жен” would tell nobody: the form says which values there are, and takes their words."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    row = {"when.1.field": "citizen.sex", "when.1.operator": "=="}
    answer = send(aida, where, form_of(aida, where), **row, **{"when.1.value": "жен"})
    assert problems_of(answer.text) == ["Only if – Sex: Choose one of these: female, male"]
    assert send(aida, where, form_of(aida, where), **row, **{"when.1.value": "Female"}).status_code == 303
    assert 'citizen.sex == "female"' in rules_of(aida, where)


def test_a_person_of_the_event_is_called_in_the_language_of_the_page(quiet: Workshop) -> None:
    """A condition may read who is employed: the list of fields says so in words, and not by the name of the role.

    So it does of the event that makes the message needless.
    """
    aida = signed_in(quiet, "aida")
    where = begun(aida, name="job_lost", pack="kz", on="kz.employment.job_ended")
    aida.get(f"{where}/form?language=ru")
    fields = form_of(aida, where) | {"unless.new.on": ["kz.tax.paid"], "then": ["again"]}
    page = unescape(aida.client.post(f"{where}/form", data=fields).text)
    assert '<option value="event.employee">Работник</option>' in page
    assert '<option value="later.taxpayer">Налогоплательщик</option>' in page
    assert "Employee" not in page


def test_what_a_part_lacks_is_called_as_on_the_form(quiet: Workshop) -> None:
    """A repetition without its number and an address of a wrong kind name the fields, not the keys of the file."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    button = {"id": "apply", "url": "egov.kz", **{f"label.{each}": "Go" for each in LANGUAGES}}
    added = {f"actions.new.{key}": text for key, text in button.items()}
    repeated = {"due.moved.repeat.every.number": "7"}
    assert send(aida, where, form_of(aida, where), **added, **repeated).status_code == 303
    page = unescape(aida.get(f"{where}/form").text)
    assert "“How often in all?” is not filled in" in page
    assert 'class="error"><span lang="en">an address starts with https://' in page
    assert "at_most" not in page.partition('class="findings"')[2].partition("</ul>")[0]


def test_a_button_without_an_address_can_be_given_one(quiet: Workshop) -> None:
    """Whoever forgot the address of a button finds its field, empty."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    text = rules_of(aida, where).replace("service: kz.clinic_attachment, ", "")
    aida.post(where, revision="1", **{"file-trigger.yaml": text})
    fields = form_of(aida, where)
    assert fields["actions.0.url"] == [""]
    assert send(aida, where, fields, **{"actions.0.url": "https://egov.kz"}).status_code == 303
    assert "https://egov.kz" in rules_of(aida, where)


def test_two_editors_of_different_fields_both_keep_theirs(quiet: Workshop) -> None:
    """Whoever saves the form after somebody saved something else of the draft is asked nothing: both stand there."""
    aida, dana = signed_in(quiet, "aida"), signed_in(quiet, "dana")
    where = begun(aida)
    fields, text = form_of(dana, where), rules_of(aida, where)
    aida.post(where, revision="1", **{"file-trigger.yaml": text.replace("# an attachment", "# any attachment")})
    assert send(dana, where, fields, **{"title.ru": "Другое"}).status_code == 303
    mine = rules_of(aida, where)
    assert "Другое" in mine
    assert "# any attachment" in mine


def test_two_editors_of_one_field_choose_in_words(quiet: Workshop) -> None:
    """What both changed is shown field by field, in words and not as YAML; nothing is saved before they chose."""
    aida, dana = signed_in(quiet, "aida"), signed_in(quiet, "dana")
    where = begun(aida)
    first, second = form_of(aida, where), form_of(dana, where)
    assert send(aida, where, first, **{"title.ru": "Первое", "class": "service"}).status_code == 303
    asked = send(dana, where, second, **{"title.ru": "Второе", "title.en": "Another"})
    assert asked.status_code == 409
    text = unescape(asked.text)
    assert "Title (Русский)" in text
    assert "Первое" in text
    assert "Второе" in text
    assert "title:" not in text
    assert "Второе" not in rules_of(aida, where)
    chosen = fields_of(asked.text, "/merge")
    for take, kept, gone in (("theirs", "Первое", "Второе"), ("mine", "Второе", "Первое")):
        chosen["revision"] = form_of(dana, where)["revision"]
        answer = dana.client.post(f"{where}/form/merge", data={**chosen, "take.title.ru": [take]})
        assert answer.status_code == 303
        rules = rules_of(aida, where)
        assert kept in rules
        assert gone not in rules
        assert "Another" in rules
        assert "class: service" in rules


def test_choices_of_two_editors_are_shown_in_words(quiet: Workshop) -> None:
    """Of how urgent a rule is, what goes late and who is told for a minor both versions are read as on the form."""
    aida, dana = signed_in(quiet, "aida"), signed_in(quiet, "dana")
    where = begun(aida)
    first, second = form_of(aida, where), form_of(dana, where)
    theirs = {"class": "reminder", "catch_up": "latest", "minors": "guardians"}
    mine = {"class": "legal", "catch_up": "all", "minors": "self"}
    assert send(aida, where, first, **theirs).status_code == 303
    text = unescape(re.sub("<[^>]+>", " ", send(dana, where, second, **mine).text))
    words = (CLASSES["legal"], CLASSES["reminder"], "all go", "the latest goes", "they themselves", "their guardians")
    assert [each for each in words if each not in text] == []


MOVED, CLOSED = "{on: kz.residence.registered, grace: P1D}", "{on: kz.health.clinic_attached, grace: P2D}"
OPEN, READ = '{id: open, url: "https://egov.kz/a"}', '{id: read, url: "https://egov.kz/b"}'


def two_forms(quiet: Workshop) -> tuple[Somebody, Somebody, str]:
    """Two editors of a draft with two entries that make it needless, and with two buttons."""
    aida, dana = signed_in(quiet, "aida"), signed_in(quiet, "dana")
    where = begun(aida)
    rules = re.sub(r"(?m)^(unless|actions):.*\n((  |#).*\n)*", "", rules_of(aida, where)).rstrip()
    text = f"{rules}\nunless:\n  - {MOVED}\n  - {CLOSED}\nactions:\n  - {OPEN}\n  - {READ}\n"
    assert aida.post(where, revision="1", **{"file-trigger.yaml": text}).status_code == 303
    return aida, dana, where


@pytest.mark.parametrize(("gone", "kept", "more"), [("unless.0.gone", CLOSED, MOVED), ("actions.0.gone", READ, OPEN)])
def test_what_two_take_away_is_taken_away_once(quiet: Workshop, gone: str, kept: str, more: str) -> None:
    """Two editors, or one whose browser sends the form again, take away the entry that they saw, and no other."""
    aida, dana, where = two_forms(quiet)
    first, second = form_of(aida, where), form_of(dana, where)
    assert send(aida, where, first, **{gone: "yes"}).status_code == 303
    assert send(aida, where, first, **{gone: "yes"}).status_code == 303
    assert send(dana, where, second, **{gone: "yes", "title.en": "Another"}).status_code == 303
    rules = rules_of(aida, where)
    assert kept in rules
    assert more not in rules
    assert "Another" in rules


def test_an_entry_that_moved_keeps_what_another_editor_changed_in_it(quiet: Workshop) -> None:
    """One takes away the first entry while another changes the second: both are kept."""
    aida, dana, where = two_forms(quiet)
    first, second = form_of(aida, where), form_of(dana, where)
    assert send(aida, where, first, **{"unless.0.gone": "yes"}).status_code == 303
    assert send(dana, where, second, **{"unless.1.grace.number": "5"}).status_code == 303
    rules = rules_of(aida, where)
    assert MOVED not in rules
    assert CLOSED.replace("P2D", "P5D") in rules


LONGER = {"unless.0.grace.number": "5"}


@pytest.mark.parametrize(
    ("theirs", "mine", "shown"),
    [
        ({"unless.0.gone": "yes"}, LONGER, "P5D"),
        (LONGER, {"unless.0.gone": "yes"}, CLOSED),
        ({"actions.0.gone": "yes"}, {"actions.0.url": "https://egov.kz/c"}, "https://egov.kz/c"),
    ],
)
def test_what_no_entry_takes_any_more_is_shown_and_not_dropped(
    quiet: Workshop, theirs: Mapping[str, str], mine: Mapping[str, str], shown: str
) -> None:
    """Where one changes what another took away, nothing is saved, and both texts are shown."""
    aida, dana, where = two_forms(quiet)
    first, second = form_of(aida, where), form_of(dana, where)
    assert send(aida, where, first, **theirs).status_code == 303
    before = rules_of(aida, where)
    answer = send(dana, where, second, **mine)
    assert answer.status_code == 409
    assert "Nothing was saved" in answer.text
    assert shown in unescape(file_of(answer.text, "trigger.yaml"))
    assert rules_of(aida, where) == before


def test_what_is_chosen_is_kept_where_the_file_became_unreadable(quiet: Workshop) -> None:
    """Whoever chooses between two versions while a third person breaks the file sees their text, beside that one."""
    aida, dana = signed_in(quiet, "aida"), signed_in(quiet, "dana")
    where = begun(aida)
    first, second = form_of(aida, where), form_of(dana, where)
    assert send(aida, where, first, **{"title.ru": "Первое"}).status_code == 303
    chosen = fields_of(send(dana, where, second, **{"title.ru": "Второе"}).text, "/merge")
    aida.post(where, revision=form_of(aida, where)["revision"][0], **{"file-trigger.yaml": "title: {kk: [\n"})
    answer = dana.client.post(f"{where}/form/merge", data={**chosen, "take.title.ru": ["mine"]})
    assert answer.status_code == 409
    assert "Второе" in unescape(file_of(answer.text, "trigger.yaml"))
    assert rules_of(aida, where) == "title: {kk: [\n"


def test_what_only_the_file_can_change_is_told_in_words(quiet: Workshop) -> None:
    """A part that no field shows stands on the form as a sentence, with a link to its line of the file."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    text = rules_of(aida, where)
    more = "with:\n  - {on: kz.citizen.registered, within: P1Y, order: before}\n"
    aida.post(where, revision="1", **{"file-trigger.yaml": text.replace("channels:", f"{more}channels:")})
    page = unescape(aida.get(f"{where}/form").text)
    rest = page.partition("Only in the file")[2]
    assert "This is needed too, within 1 year before it" in rest
    assert re.search(
        rf'href="{where}\?file=trigger.yaml&line=([0-9]+)#at-trigger.yaml-\1">Change it in the file, line \1',
        rest,
    )


def test_a_file_that_the_form_cannot_show_is_kept(quiet: Workshop) -> None:
    """Broken YAML is not lost: the page says so, names the line, and leads to the file."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    broken = "title: {kk: [\n"
    aida.post(where, revision="1", **{"file-trigger.yaml": broken})
    page = aida.get(f"{where}/form").text
    assert "The form cannot show this file" in page
    assert "trigger.yaml:" in page
    assert aida.post(f"{where}/form", **{"title.kk": "x"}).status_code == 303
    assert rules_of(aida, where).strip() == broken.strip()


def test_what_the_file_lacks_is_asked_for_at_its_own_field(quiet: Workshop) -> None:
    """A rule without a topic is told at the field of the topic, not at the one that stands first in the file."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    text = rules_of(aida, where)
    aida.post(where, revision="1", **{"file-trigger.yaml": re.sub(r"(?m)^category: .*\n", "", text)})
    page = unescape(aida.get(f"{where}/form").text)
    assert "Choose the topic" in page.partition('id="category-findings"')[2].partition("</ul>")[0]
    assert re.search(r'href="[^"]*/form#category"', aida.get(f"{where}/submit").text)


def test_a_finding_stands_beside_its_field(quiet: Workshop) -> None:
    """It names the field and not its line; a choice of an event shows its fields without saving anything."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    text = rules_of(aida, where)
    aida.post(
        where, revision="1", **{"file-trigger.yaml": text.replace('event.kind == "moved"', 'event.kin == "moved"')}
    )
    page = aida.get(f"{where}/form").text
    assert re.search(r'id="when-findings">.*?“Kin” does not stand in such a record', page, re.DOTALL)
    assert "column" not in page
    [place] = re.findall(r'href="([^"]*)">This part can be changed only in the file', unescape(page))
    assert "file=trigger.yaml&line=" in place
    assert "This part can be changed only in the file." in page
    before, fields = rules_of(aida, where), form_of(aida, where)
    shown = aida.client.post(f"{where}/form", data={**fields, "on": ["kz.traffic.fine_issued"], "then": ["again"]})
    assert shown.status_code == 200
    assert 'value="event.amount"' in shown.text
    assert rules_of(aida, where) == before


_UNKNOWN = """\
on: kz.health.clinic_attached
owner: health
topic: healthh
class: urgent
channels: [sms, pigeon]
to: [neighbour]
catch_up: newest
minors: parents
cascade: until_read
expires: [1]
due: {first: {offset: P1D, repeat: {every: P1D, until: answer}}}
unless: [{on: kz.nothing}]
"""
"""A value in each list of the form that it does not offer."""

ODD = {
    "trigger.yaml": (
        "title: text\ndue: [1]\nactions: [5, x]\nunless: [x, {on: 5}]\non: [a]\nclass: 5\nchannels: sms\n",
        "title: {kk: 5}\ndue: {first: text, second: [1], third: {at: 5}}\nwhen: 5\nexpires: [1]\non: {x: y}\n",
        "- a list\n",
        _UNKNOWN,
        "title: &a {kk: x}\nlegal_basis: *a\ndue: {a: {when: '((('}}\non: kz.traffic.fine_issued\n",
    ),
    "tests.yaml": (
        "- {name: 5, events: [x, {at: 5, data: [1]}], expect: [1, {at: [2]}], citizen: text}\n- text\n- {}\n",
        "{a: b}\n",
        "# only a remark\n",
    ),
    "en.md": (
        "---\nsubject: [1]\nsteps: text\npush: text\nsms: {x: y}\n---\n",
        "---\n---\n",
        "---\n[a\n---\nbody\n",
        "",
    ),
}


@pytest.mark.parametrize("file", ODD)
def test_whatever_stands_in_a_file_its_forms_open_and_keep_it(quiet: Workshop, file: str) -> None:
    """No odd content breaks a page, and saving each form unchanged, or with nonsense in it, loses nothing."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    for odd in ODD[file]:
        revision = fields_of(aida.get(where).text)["revision"][0]
        aida.post(where, revision=revision, **{f"file-{file}": odd})
        before = unescape(file_of(aida.get(where).text, file))
        for path in (
            "/form",
            "/words?spoken=en",
            "/note",
            "/tests",
            "/preview",
            "/submit",
            "/example?at=0",
            "/example?at=1",
        ):
            answer = aida.get(f"{where}{path}")
            assert answer.status_code in (200, 404), (odd, path)
            action = path.partition("?")[0]
            sent = fields_of(answer.text, action)
            if (
                answer.status_code == 200
                and "revision" in sent
                and action in ("/form", "/words", "/note", "/example")
            ):
                for nonsense in ({}, {"was": ["[" * 20_000], "revision": ["x"]}):
                    done = aida.client.post(f"{where}{action}", data={**sent, **nonsense, "then": ["save"]})
                    assert done.status_code in (303, 409, 422), (odd, path)
                assert unescape(file_of(aida.get(where).text, file)) == before, (odd, path)


def test_advice_beside_the_form_speaks_of_the_form(quiet: Workshop) -> None:
    """What lint says of keys of the file is said beside a field by the labels of the form, and never as YAML."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    text = re.sub(r"channels: .*", "channels: [sms]", rules_of(aida, where))
    aida.post(where, revision="1", **{"file-trigger.yaml": text})
    page = unescape(aida.get(f"{where}/form").text).partition("Only in the file")[0]
    assert "There is no second way to send it, so this changes nothing: Go on to the next way" in page
    assert "`" not in page
    assert "`cascade_after`" in unescape(aida.get(where).text)


@pytest.mark.parametrize("due", ["{offset: -P30D}", "\n    offset: -P30D", "{from: event.time, offset: -P30D}"])
def test_a_mistake_in_when_a_step_is_due_stands_at_the_step(quiet: Workshop, due: str) -> None:
    """The finding is of the step as a whole; the form says it where the time of the step is chosen."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    text = re.sub(r"(?m)^(due|catch_up|act_by|expires):.*\n((  |#).*\n)*", "", rules_of(aida, where))
    text += f"due:\n  early: {due}\ncatch_up: none\n"
    aida.post(where, revision="1", **{"file-trigger.yaml": text})
    page = unescape(aida.get(f"{where}/form").text)
    at_field = page.partition('id="due.early.offset-findings"')[2].partition("</ul>")[0]
    assert "This step is overdue when its event becomes known, and then none goes" in at_field
    assert "Mistakes in the file" not in page


def test_each_advice_is_of_a_finding_that_there_is() -> None:
    """What is said of the form stands for something that lint says: one that is reworded takes its advice along."""
    said = (
        path for folder in ("templates/checks", "domain", "streams/rehearsal") for path in Path(folder).rglob("*.py")
    )
    source = "".join(path.read_text("utf-8") for path in said)
    joined = re.sub(r'"\s*\n\s*"', "", source)
    assert [each for each in ADVICE if each not in joined] == []


LATIN = re.compile(r"(?<![\w.@/-])[A-Za-z]{2,}(?:[ ,:]+[A-Za-z]{2,})+(?![\w.@/])")
"""Two Latin words one after another: a sentence and no name, code or path."""


@pytest.mark.parametrize("language", ["kk", "ru"])
def test_whatever_a_form_does_not_take_is_told_in_the_readers_language(language: str) -> None:
    """Every error of a field and of a row of a condition: nobody who reads no English meets it in English."""
    speech = speech_of(language)
    errors = [BadValue(problem).problem for problem, _ in _CHECKS.values()]
    for kind, text in (("count", "x"), ("text", "x" * 301), ("title", "x" * 51), ("date", "x"), ("offset", "x")):
        with pytest.raises(BadValue) as bad:
            value_meant(Part("", (), kind), text)
        errors.append(bad.value.problem)
    for field, operator, value, of in BAD_ROWS:
        with pytest.raises(BadRow) as wrong:
            written_condition(Rows((Row(field, operator, value, of),)), TYPES)
        errors.append(wrong.value.problem)
    assert [each for each in errors if speech.tell(each) == each or LATIN.search(speech.tell(each))] == []
    assert len(errors) > 20


TYPES = {
    "event.text": "string",
    "event.amount": "integer",
    "event.share": "number",
    "event.open": "boolean",
    "event.day": "date",
    "event.time": "instant",
}
BAD_ROWS = [
    ("event.none", "==", "x", False),
    ("event.text", "<", "x", False),
    ("event.text", "==", "event.day", True),
    ("event.text", "==", "", False),
    ("event.text", "==", '"', False),
    ("event.amount", "==", "x", False),
    ("event.amount", "==", "30,000", False),
    ("event.amount", "==", "30 000 тг", False),
    ("event.share", "==", "x", False),
    ("event.open", "==", "x", False),
    ("event.day", "==", "15 февраля", False),
    ("event.time", "<", "x", False),
]


@pytest.mark.parametrize("language", ["kk", "ru"])
def test_errors_on_the_page_are_in_the_readers_language(quiet: Workshop, language: str) -> None:
    """The form itself, in that language, says beside the field what is wrong with it."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    aida.get(f"{where}/form?language={language}")
    fields = form_of(aida, where)
    wrong = {"title.ru": "ы" * 51, "reach": "15 февраля", "when.1.field": "citizen.age", "when.1.value": "x"}
    page = send(aida, where, fields, **wrong).text
    told = re.findall(r'<p class="error" id="[^"]*-error">(.*?)</p>', page)
    assert len(told) == 3
    assert [each for each in told if LATIN.search(each)] == []


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("-5", "Write 5 without a minus, and choose “before it” beside it"),
        ("10,5", "Write a whole number, such as 10 or 11"),
        ("-2.5", "Write a whole number, such as -3 or -2"),
        ("ten", "Write it in digits, such as 10"),
        ("10 days", "Write only the number: 10"),
        ("1,000", "Write only the number, such as 30000 or 30 000: no comma, no point, no currency"),
    ],
)
def test_a_number_is_refused_with_what_was_likely_meant(quiet: Workshop, typed: str, told: str) -> None:
    """Each slip of a number has its own sentence, and the number stays as it was typed."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    answer = send(aida, where, form_of(aida, where), **{"due.moved.offset.number": typed})
    assert problems_of(answer.text) == [f"Message 1: How long before or after? – {told}"]
    assert fields_of(answer.text, "/form")["due.moved.offset.number"] == [typed]


@pytest.mark.parametrize(
    ("number", "unit", "sign", "asked"),
    [
        ("1000", "D", "", "That is 2 years and 9 months after it: is it meant so?"),
        ("1000", "D", "-", "That is 2 years and 9 months before it: is it meant so?"),
        ("120", "TH", "", "That is 5 days after it: is it meant so?"),
        ("0", "D", "", "That is on the day itself."),
        ("14", "D", "", ""),
        ("16", "Y", "", ""),
    ],
)
def test_an_odd_length_of_time_is_asked_about(quiet: Workshop, number: str, unit: str, sign: str, asked: str) -> None:
    """A thousand days are saved and said in years, so that a slip is seen; so is no time at all."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    under = "due.moved.offset"
    typed = {f"{under}.number": number, f"{under}.unit": unit, f"{under}.sign": sign}
    assert send(aida, where, form_of(aida, where), **typed).status_code == 303
    page = unescape(aida.get(f"{where}/form").text)
    assert re.findall(f'id="{under}-doubt">(.*?)</p>', page) == [asked][: len(asked)]


@pytest.mark.parametrize(("typed", "kept"), [("50 000", "50000"), ("50\u00a0000", "50000"), ("1000000", "1000000")])
def test_digit_groups_are_taken(typed: str, kept: str) -> None:
    """Amounts are typed as they are written on paper."""
    assert written_condition(Rows((Row("event.amount", ">", typed),)), TYPES) == f"event.amount > {kept}"


def test_days_and_times_are_taken_as_people_write_them() -> None:
    """01.04.2027, 15.08 and 10.00 mean what they mean on paper; what is no day stays an error."""
    given = {"date": "01.04.2027", "day": "15.08", "clock": "9.05", "count": "1 000"}
    assert {kind: value_meant(Part("", (), kind), text) for kind, text in given.items() if kind != "count"} == {
        "date": "2027-04-01",
        "day": "08-15",
        "clock": "09:05",
    }
    assert written_condition(Rows((Row("event.day", "<", "01.04.2027"),)), TYPES) == 'event.day < "2027-04-01"'
    for kind, text in (("date", "31.02.2027"), ("day", "15 февраля"), ("clock", "25.00")):
        with pytest.raises(BadValue):
            value_meant(Part("", (), kind), text)


def test_a_rule_is_for_somebody_and_goes_some_way(quiet: Workshop) -> None:
    """Nobody ticked is an error and no silent choice of the person concerned; no way to send it is one too."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    before, fields = rules_of(aida, where), form_of(aida, where)
    answer = send(aida, where, {name: values for name, values in fields.items() if name != "to"})
    assert (answer.status_code, "Choose who gets the message" in answer.text) == (422, True)
    answer = send(
        aida, where, {name: [""] if name.startswith("channels.") else each for name, each in fields.items()}
    )
    assert (answer.status_code, "Choose how it is sent" in answer.text) == (422, True)
    assert rules_of(aida, where) == before


@pytest.mark.parametrize(
    ("language", "told"), [("en", "so it has one button"), ("ru", "кнопка в нём одна"), ("kk", "бір түйме болады")]
)
def test_a_second_button_is_said_to_be_one_too_many(quiet: Workshop, language: str, told: str) -> None:
    """A letter asks for one thing: beside a second button the form says so, in the reader's language."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    rules = re.sub(r"(?m)^actions:\n(  .*\n)+", "", file_of(aida.get(where).text, "trigger.yaml"))
    label = "{kk: Ашу, ru: Открыть, en: Open}"
    buttons = "".join(f'  - {{id: {each}, url: "https://egov.kz/{each}", label: {label}}}\n' for each in ("a", "b"))
    aida.post(where, revision="1", **{"file-trigger.yaml": f"{rules}\nactions:\n{buttons}"})
    assert told in aida.get(f"{where}/form?language={language}").text


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Write the title in English"),
        ("ru", "Напишите название на английском языке"),
        ("kk", "Атауын ағылшын тілінде жазыңыз"),
    ],
)
def test_the_empty_field_of_a_language_is_marked(quiet: Workshop, language: str, said: str) -> None:
    """A title that lacks a language is told at the field of that language; "Saved" says that something is left."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    aida.get(f"{where}/form?language={language}")
    fields = fields_of(aida.get(f"{where}/form").text, "/form")
    answer = send(aida, where, fields, **{"title.en": ""})
    page = unescape(aida.get(answer.headers["location"]).text)
    assert said in page.partition('id="title.en-findings"')[2].partition("</ul>")[0]
    assert 'id="title.kk-findings"' not in page
    assert '<div class="banner warning"' in page
    assert '<div class="banner success"' not in page
    listed = unescape(aida.get(f"{where}/submit").text)
    assert re.search(r'href="[^"]*/form#title\.en"', listed)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Nobody would get the message, for this can never be true together with: "),
        ("ru", "Сообщение не получит никто: это никогда не выполнится вместе с условием: "),
        ("kk", "Хабарламаны ешкім алмайды: бұл мына шартпен бірге ешқашан орындалмайды: "),
    ],
)
def test_a_condition_that_is_never_true_is_a_sentence_at_its_field(quiet: Workshop, language: str, said: str) -> None:
    """The form and the list of Hand in say it in the same words, without names of the file; Write has no tick."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    aida.get(f"{where}/form?language={language}")
    never = {"when.1.field": "event.kind", "when.1.operator": "!=", "when.1.value": "moved"}
    assert send(aida, where, form_of(aida, where), **never).status_code == 303
    page = unescape(aida.get(f"{where}/form").text)
    at_field = page.partition('id="when-findings"')[2].partition("</ul>")[0]
    listed = unescape(aida.get(f"{where}/submit").text).partition('<ul class="findings">')[2].partition("</ul>")[0]
    for told in (at_field, listed):
        assert said in told
        assert "event." not in told
    assert re.search(r'href="[^"]*/form#when"', listed)
    assert page.partition('class="stepper"')[2].partition("<li")[2].partition(">")[0].count("next") == 1


@pytest.mark.parametrize("path", ["/submit", "/preview", "/tests"])
def test_lists_of_mistakes_speak_as_the_form_does(quiet: Workshop, path: str) -> None:
    """No list names a key or a file: each mistake is in the words in which its field has it, behind its label."""
    aida = signed_in(quiet, "aida")
    where = begun(aida, **{"title.en": "A clinic", "pack": "kz", "on": "kz.health.clinic_attached"})
    rules = re.sub("(?m)^to: .*$", "to: patient\noccurrence: event.gone", rules_of(aida, where))
    rules = rules.replace("from: event.time", "from: event.lost").replace("expires:", "smooth: P3D\nexpires:")
    words = unescape(file_of(aida.get(where).text, "ru.md")).replace("sms: ", "sms: '{{ event.clinic | money }}' #")
    aida.post(where, revision="1", **{"file-trigger.yaml": rules, "file-ru.md": words})
    pages = ("form", *(f"words?spoken={each}" for each in LANGUAGES))
    form = "".join(unescape(aida.get(f"{where}/{each}").text) for each in pages)
    page = unescape(aida.get(f"{where}{path}").text)
    listed = re.findall(r"(?s)<li>\s*(.*?)</li>", page.partition('<ul class="findings">')[2].partition("</ul>")[0])
    assert len(listed) > 3
    for each in listed:
        assert not re.search(r"event\.|\.md|\.yaml|`|due\.", re.sub("<[^>]+>", "", each))
        [sentence] = re.findall(r'</a>: <span lang="[a-z]+">(.*?)</span>', each)
        assert sentence in form or "needless" in sentence  # the form has a box for it


@pytest.mark.parametrize("page", ["/work/new", "/form", "/example?at=0"])
def test_events_stand_under_the_offices_that_report_them(quiet: Workshop, page: str) -> None:
    """Fifty events are too many for one list: each office has its own, and the author's own office comes first."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    text = unescape(aida.get(page if page == "/work/new" else f"{where}{page}").text)
    offices = re.findall(
        '<optgroup label="(.*?)">(.*?)</optgroup>', text.partition("data-find")[2].partition("</select>")[0]
    )
    mine = next(events for title, events in offices if title == "Ministry of Healthcare")
    assert ("A clinic was chosen" in mine, "A traffic fine was issued" in mine) == (True, False)
    assert page.startswith("/example") or offices[0][0] == "Ministry of Healthcare"


def test_a_condition_of_the_rule_compares_two_values_of_its_event(quiet: Workshop) -> None:
    """Beside a date only dates are offered; what was chosen is the condition, and “contains” takes a text only."""
    aida = signed_in(quiet, "aida")
    where = begun(aida, name="job", pack="kz", on="kz.employment.job_started")
    fields = form_of(aida, where)
    fields = {**fields, "when.0.field": ["event.started_on"], "then": ["again"]}
    page = aida.client.post(f"{where}/form", data=fields).text
    offered = page.partition('name="when.0.of"')[2].partition("</select>")[0]
    assert set(re.findall('value="([a-z_.]+)"', offered)) == {"citizen.born_on"}
    chosen = {"when.0.operator": ">", "when.0.of": "citizen.born_on"}
    assert send(aida, where, fields, **chosen).status_code == 303
    assert "when: event.started_on > citizen.born_on" in rules_of(aida, where)
    assert form_of(aida, where)["when.0.of"] == ["citizen.born_on"]
    wrong = {"when.0.field": "event.employer", "when.0.operator": "contains", "when.0.of": "event.type"}
    answer = send(aida, where, form_of(aida, where), **wrong)
    assert (answer.status_code, "This comparison does not go with it" in answer.text) == (422, True)


def test_whom_the_event_is_about_is_offered_once(quiet: Workshop) -> None:
    """A new draft names them by their role: no second box says the same with other words."""
    aida = signed_in(quiet, "aida")
    where = begun(aida, name="job", pack="kz", on="kz.employment.job_started")
    page = unescape(aida.get(f"{where}/form").text).partition("Who is told?")[2].partition("</fieldset>")[0]
    assert re.findall('name="to" value="([a-z]+)"( checked)?', page) == [("employee", " checked")]


def test_what_is_taken_over_from_another_rule_is_asked_until_it_is_answered(quiet: Workshop) -> None:
    """A new draft asks for its law, topic and urgency, also after a save, until they are ticked or changed."""
    aida = signed_in(quiet, "aida")
    given = {"title.en": "Lost a job", "pack": "kz", "on": "kz.employment.job_ended", "like": CLINIC}
    made = aida.post("/work/new", **given).headers["location"]
    where = made.partition("/form")[0]

    def asked() -> list[str]:
        page = unescape(aida.get(made).text)
        assert page.count("over from “Clinic at a new address”: change it and save, or") == page.count('id="right"')
        return re.findall(r'<label for="right">What of this is not changed is right here too: ([^<]*)<', page)

    assert send(aida, where, form_of(aida, where), **{"due.first.at": "11:00"}).status_code == 303
    assert asked() == ["Legal basis, Topic, Kind of message"]
    told = aida.get(f"{where}/submit").text.partition("3 things taken over to confirm (")[2].partition(")</p>")[0]
    assert re.findall(r'href="[^"]+/form#right">([^<]+)</a>', told) == ["Legal basis", "Topic", "Kind of message"]
    fields = {**form_of(aida, where), "category": ["family"], "then": ["again"]}
    shown = aida.client.post(f"{where}/form", data=fields).text
    assert "What of this is not changed is right here too: Legal basis, Kind of message<" in shown, (
        "what was changed has nothing to confirm"
    )
    assert (
        'name="right" value="yes" checked' in aida.client.post(f"{where}/form", data=fields | {"right": "yes"}).text
    )
    assert send(aida, where, form_of(aida, where), category="family").status_code == 303
    assert asked() == ["Legal basis, Kind of message"]
    assert send(aida, where, form_of(aida, where), right="yes").status_code == 303
    assert (asked(), "taken over" in rules_of(aida, where)) == ([], False)


def test_topic_and_urgency_of_a_new_draft_are_chosen_by_nobody_but_its_author(quiet: Workshop) -> None:
    """They begin empty and are asked for until the author chooses, as is the date, where the event has one."""
    aida = signed_in(quiet, "aida")
    where = begun(aida, **{"title.en": "Lost a job", "pack": "kz", "on": "kz.employment.job_ended"})

    def asked() -> list[str]:
        told = re.findall(r"(\d) things? to choose", aida.get(f"{where}/submit").text)
        assert len(told) == ("is of the sample" in rules_of(aida, where))
        return re.findall(r'id="(category|class|due.first.from)-findings">', aida.get(f"{where}/form").text)

    fields = form_of(aida, where)
    assert (fields["category"], "class" in fields, fields["due.first.from"]) == ([""], False, [""])
    assert send(aida, where, fields, **{"due.first.at": "11:00"}).status_code == 303
    assert asked() == ["category", "class", "due.first.from"]
    counted = {"due.first.from": "event.time", "due.first.offset.number": "1"}
    assert send(aida, where, form_of(aida, where), **counted).status_code == 303
    assert asked() == ["category", "class"]
    assert send(aida, where, form_of(aida, where), **{"class": "service"}).status_code == 303
    assert (asked(), form_of(aida, where)["class"]) == (["category"], ["service"])
    assert "[general]" in file_of(aida.get(where).text, "tests.yaml")
    assert send(aida, where, form_of(aida, where), category="health").status_code == 303
    assert "[health]" in file_of(aida.get(where).text, "tests.yaml"), "the test of the sample opts out of it too"
    assert "tests of the sample to replace" not in aida.get(f"{where}/form").text
    assert ">4. Do not send if the person has already</a>:" in unescape(aida.get(f"{where}/submit").text)
    assert (asked(), yaml.safe_load(rules_of(aida, where))["category"]) == ([], "health")


def test_the_page_after_a_mistake_is_the_page_before_it_with_the_mistake(quiet: Workshop) -> None:
    """What was asked at the fields is asked again beside what is wrong, but not of what was changed."""
    aida = signed_in(quiet, "aida")
    given = {"title.en": "Lost a job", "pack": "kz", "on": "kz.employment.job_ended", "like": CLINIC}
    made = aida.post("/work/new", **given).headers["location"]
    asked = r'id="([a-z_.]+)-(?:doubt|findings)">'
    opened = aida.get(made).text
    before = set(re.findall(asked, opened))
    assert {"right", "title.kk", "needless.none"} <= before
    where, fields = made.partition("/form")[0], fields_of(opened, "/form")
    wrong = send(aida, where, fields, reach="tomorrow", **{"title.kk": "Жұмыстан шықты"}).text
    assert set(re.findall(asked, wrong)) == before - {"title.kk"} | {"title.ru"}, "the next language has it now"
    chosen = send(aida, where, fields, reach="tomorrow", **{"unless.new.on": "kz.employment.job_started"}).text
    assert set(re.findall(asked, chosen)) == before - {"needless.none"}


def folded(page: str, summary: str) -> list[bool]:
    """Whether what is folded under that summary is closed, for each such part."""
    return [not found for found in re.findall(rf"<details( open)?><summary>{re.escape(summary)}", unescape(page))]


def test_what_is_folded_stays_open_where_it_was_filled(quiet: Workshop) -> None:
    """A button, a step and a rare wish that were typed are still seen after a mistake somewhere else."""
    aida = signed_in(quiet, "aida")
    where = begun(aida, **{"title.en": "Lost a job", "pack": "kz", "on": "kz.employment.job_ended"})
    page = aida.get(f"{where}/form").text
    parts = ("Add a button", "Add a step", "What few rules need", "More about this step")
    assert [folded(page, each) for each in parts] == [[True]] * 4
    typed = {
        "actions.new.label.en": "Pay",
        "due.new-2.offset.number": "7",
        "smooth.number": "2",
        "due.first.when.0.field": "citizen.age",
        "due.first.when.0.operator": ">=",
        "due.first.when.0.value": "18",
    }
    wrong = send(aida, where, fields_of(page, "/form"), **{"due.first.at": "noon"}, **typed).text
    assert [folded(wrong, each) for each in (*parts, "Add another step")] == [[False]] * 5


def test_the_words_of_a_button_keep_the_order_of_languages(quiet: Workshop) -> None:
    """The reader's own language stands first in a new button, and in it once it is saved."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    button = {"actions.new.label.en": "Open", "actions.new.label.ru": "Открыть", "actions.new.label.kk": "Ашу"}
    button["actions.new.url"] = "https://egov.kz/"
    assert send(aida, where, form_of(aida, where), **button).status_code == 303
    page = aida.get(f"{where}/form").text
    assert re.findall(r'name="actions\.(?:0|new)\.label\.([a-z]+)"', page) == ["en", "kk", "ru"] * 2


def test_another_step_is_offered_inside_the_first_that_is_added(quiet: Workshop) -> None:
    """One line adds a step; a second one stands in it, so that the two are never read as one mistake."""
    aida = signed_in(quiet, "aida")
    page = unescape(aida.get(f"{begun(aida)}/form").text)
    for first, other in (
        ("Add a step", "Add another step"),
        ("Add an event that makes it needless", "Add another event that makes it needless"),
    ):
        between = page.partition(f"<summary>{first}</summary>")[2].partition(f"<summary>{other}</summary>")[0]
        assert between.count("<details") - between.count("</details>") == 1


def test_what_few_rules_say_of_a_needless_message_is_folded(quiet: Workshop) -> None:
    """How long before or after an event counts stands under “More about this event”, unless the rule says it."""
    aida = signed_in(quiet, "aida")
    where = begun(aida, **{"title.en": "Lost a job", "pack": "kz", "on": "kz.employment.job_ended"})
    added = {"unless.new.on": "kz.employment.job_started", "unless.new.since": "yes", "unless.new.after.number": "30"}
    assert send(aida, where, form_of(aida, where), **added).status_code == 303
    page = unescape(aida.get(f"{where}/form").text).partition("4. Do not send if the person has already:")[2]
    seen, _, rare = page.partition("More about this event")
    assert 'id="unless.0.after"' in seen
    assert 'id="unless.0.before"' in rare.partition("</details>")[0]


def test_which_records_are_of_one_matter_is_asked_where_it_matters(quiet: Workshop) -> None:
    """It stands among what few rules need; with several messages, or where the rule says it, at the start."""
    aida = signed_in(quiet, "aida")
    where = begun(aida, **{"title.en": "Lost a job", "pack": "kz", "on": "kz.employment.job_ended"})

    def stands_at_the_start() -> bool:
        return "about the same matter?" in aida.get(f"{where}/form").text.partition("3. When is it sent?")[0]

    assert not stands_at_the_start()
    assert "about the same matter?" in aida.get(f"{where}/form").text.partition("What few rules need")[2]
    fields = form_of(aida, where)
    assert send(aida, where, fields, occurrence="person").status_code == 303
    assert stands_at_the_start()
    assert send(aida, where, {**fields, "due.new.offset.number": ["7"]}).status_code == 303
    assert stands_at_the_start()


def test_what_can_be_handed_in_is_called_so_where_nothing_warns(quiet: Workshop) -> None:
    """Where a remark is left, the page of Hand in shows it in place of “It can be handed in.”."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    assert send(aida, where, form_of(aida, where), **{"title.en": "Your clinic"}).status_code == 303
    assert "It can be handed in." in aida.get(f"{where}/submit").text
    ever = {"unless.new.on": "kz.employment.job_started", "unless.new.since": "no"}
    assert send(aida, where, form_of(aida, where), **ever).status_code == 303
    page = unescape(aida.get(f"{where}/submit").text)
    assert "It can be handed in." not in page
    assert "One of twenty years ago prevents the message too" in page
    assert "Hand in for approval</button>" in page


def test_the_rule_in_words_is_said_to_be_the_one_that_was_saved(quiet: Workshop) -> None:
    """The sentences are of what is stored, say so, and stand nowhere beside a field that may be changed by then."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    fields = form_of(aida, where)
    for page in (aida.get(f"{where}/form").text, send(aida, where, fields, reach="tomorrow").text):
        above, _, rest = page.partition("3. When is it sent?")
        assert "The rule in words, as it was saved last" in above
        assert "3 days after" in above
        assert "3 days after" not in rest


def test_the_dates_of_an_event_say_what_they_are(quiet: Workshop) -> None:
    """The date from which a step is counted is chosen by its author; some lie ahead."""
    aida = signed_in(quiet, "aida")
    where = begun(aida, **{"title.en": "A card", "pack": "kz", "on": "kz.document.issued"})
    page = unescape(aida.get(f"{where}/form").text)
    dates = page.partition('name="due.first.from"')[2].partition("</select>")[0]
    assert re.findall("<option[^>]* selected>(.*?)</option>", dates) == ["Choose"]
    assert re.search(r'value="event.expires_on">[^<]+ \(when it ends\)<', dates)
    assert re.search(r'value="event.issued_on">[^<(]+ – [^<(]+<', dates), "with the event that has it"
    hint = page.partition('id="due.first.from-hint">')[2].partition("</p>")[0]
    assert re.match(
        "The time of the event is when the registry recorded it, maybe days later than this date: “[^”]+”", hint
    )


SOCIAL_CODE = {
    "kk": "Қазақстан Республикасының 2023 жылғы 20 сәуірдегі № 224-VII Әлеуметтік кодексі",
    "ru": "Социальный кодекс Республики Казахстан от 20 апреля 2023 года № 224-VII",
    "en": "Social Code of the Republic of Kazakhstan No. 224-VII of 20 April 2023",
}


def law_of(somebody: Somebody, where: str) -> dict[str, str]:
    """What the file says of the law, by language."""
    return dict(yaml.safe_load(rules_of(somebody, where))["legal_basis"])


def test_an_act_and_its_articles_write_the_legal_basis_in_each_language(quiet: Workshop) -> None:
    """They stand in the form again, whoever opens it; taken together they change with one of them."""
    aida = signed_in(quiet, "aida")
    where = begun(aida, **{"title.en": "Lost a job", "pack": "kz", "on": "kz.employment.job_ended"})
    fields = form_of(aida, where)
    assert (fields["law.act"], fields["law.articles"]) == ([""], [""])
    assert send(aida, where, fields, **{"law.act": "social_code", "law.articles": "71-72"}).status_code == 303
    assert law_of(aida, where) == {
        "kk": f"{SOCIAL_CODE['kk']}, 71-72-баптар",
        "ru": f"{SOCIAL_CODE['ru']}, статьи 71–72",
        "en": f"{SOCIAL_CODE['en']}, arts. 71-72",
    }
    page = aida.get(f"{where}/form").text
    fields = fields_of(page, "/form")
    assert (fields["law.act"], fields["law.articles"]) == (["social_code"], ["71–72"])
    assert folded(page, "The legal basis in your own words") == [True]
    assert send(aida, where, fields, **{"law.articles": ""}).status_code == 303
    assert law_of(aida, where) == SOCIAL_CODE


def test_a_legal_basis_that_was_written_by_hand_is_not_written_over(quiet: Workshop) -> None:
    """In the language in which it was; one that was only emptied is written. Then it is no act of the list."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    own = "Health Code, article 123"
    by_hand = {"law.act": "social_code", "law.articles": "71", "legal_basis.en": own, "legal_basis.ru": ""}
    assert send(aida, where, form_of(aida, where), **by_hand).status_code == 303
    assert law_of(aida, where) == {
        "kk": f"{SOCIAL_CODE['kk']}, 71-бап",
        "ru": f"{SOCIAL_CODE['ru']}, статья 71",
        "en": own,
    }
    fields = form_of(aida, where)
    assert (fields["law.act"], fields["law.articles"]) == ([""], [""])


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ({"law.act": "social_code", "law.articles": "abc"}, "Articles – “abc” is no article"),
        ({"law.act": "", "law.articles": "71"}, "Act – Choose the act that has these articles"),
        ({"law.act": "no_such_code", "law.articles": "71"}, "Act – Choose an act of the list"),
        (
            {"law.act": "social_code", "law.articles": ", ".join(map(str, range(1000, 1100)))},
            "Articles – The act and",
        ),
    ],
)
def test_what_is_wrong_with_an_act_or_its_articles_is_told_at_the_field(
    quiet: Workshop, typed: Mapping[str, str], problem: str
) -> None:
    """Both stay as they were typed, beside all else, and nothing is saved."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    before = rules_of(aida, where)
    answer = send(aida, where, form_of(aida, where), **{**typed, "title.ru": "Другое название"})
    assert answer.status_code == 422
    [told] = problems_of(answer.text)
    assert told.startswith(problem)
    kept = fields_of(answer.text, "/form")
    assert {name: kept[name] for name in typed} == {name: [text] for name, text in typed.items()}
    assert kept["title.ru"] == ["Другое название"]
    assert rules_of(aida, where) == before


def test_an_act_that_is_taken_away_leaves_what_is_written(quiet: Workshop) -> None:
    """Its articles, which stand there still, are no mistake: the author goes on by hand."""
    aida = signed_in(quiet, "aida")
    where = begun(aida, **{"title.en": "Lost a job", "pack": "kz", "on": "kz.employment.job_ended"})
    send(aida, where, form_of(aida, where), **{"law.act": "social_code", "law.articles": "71"})
    by_hand = {"law.act": "", "legal_basis.en": f"{SOCIAL_CODE['en']}, art. 71, second part"}
    assert send(aida, where, form_of(aida, where), **by_hand).status_code == 303
    assert law_of(aida, where)["en"] == by_hand["legal_basis.en"]
    assert law_of(aida, where)["ru"] == f"{SOCIAL_CODE['ru']}, статья 71"
