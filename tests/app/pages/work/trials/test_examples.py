"""Tests by example: made from a preview, told in sentences, edited by form."""

import re
from datetime import date, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
import yaml

from app.pages.work.drafts.gaps import Gaps, gaps_in
from tests.app.pages.forms import fields_of
from tests.app.pages.shipped_rules import names_in
from tests.app.pages.work.workshop import FINE, Somebody, Workshop, begun, file_of, revision_of, signed_in
from tests.templates.packs import SHIPPED


def cases_in(somebody: Somebody, where: str) -> str:
    """The file of tests as the editor of files shows it."""
    return unescape(file_of(somebody.get(where).text, "tests.yaml"))


def made(somebody: Somebody, where: str, **given: str) -> str:
    """The address of a new example."""
    answer = somebody.post(f"{where}/examples", **given)
    assert answer.status_code == 303
    return answer.headers["location"]


def test_an_example_is_made_from_a_preview(quiet: Workshop) -> None:
    """It says who gets what on which day, passes at once, and leaves each letter of the tests before it."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    before = cases_in(aida, where)
    address = made(aida, where, persona="adult", channel="email", spoken="ru")
    page = unescape(aida.get(address).text)
    assert "A person who reads Русский, reached by email, born on 2 June 1991" in page
    assert "5 June 2025, 10:00: gets “Message 1”, email" in page
    assert "The messages and their times are as this test expects" in page
    after = cases_in(aida, where)
    assert after.startswith(before.rstrip())
    shown = unescape(aida.get(f"{where}/tests").text)
    assert "All tests pass" in shown
    assert "5 June 2025, 10:00: gets “Message 1”, email" in shown
    assert "Make a test from this preview" in aida.get(f"{where}/preview").text


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "en",
            [
                "SMS parts: 2",
                "wrong time: expected 5 March 2026, 10:30, got 5 March 2026, 10:00",
                "it became known: A residence was registered",
                "planned: Message 1, for",
            ],
        ),
        (
            "ru",
            ["частей SMS: 2", "стало известно: Зарегистрировано место жительства", "запланировано: Сообщение 1, на"],
        ),
        ("kk", ["SMS бөліктері: 2", "белгілі болды: Тұрғылықты жері тіркелді", "жоспарланды: 1-хабарлама, уақыты:"]),
    ],
)
def test_a_played_test_is_told_in_the_language_of_the_page(quiet: Workshop, language: str, said: list[str]) -> None:
    """What was expected, what there was, and each decision on the way."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    tests = cases_in(aida, where).replace("channel: sms", "channel: email").replace("05T10:00", "05T10:30")
    aida.post(where, revision="1", **{"file-tests.yaml": tests})
    page = unescape(aida.get(f"{where}/tests?language={language}").text).replace("\u202f", " ")
    assert [each for each in said if each not in page] == [], page
    for english in ("parts</", "known ", "planned  ", "not applicable"):
        assert english not in page


def test_nothing_happens_after_the_last_day_of_the_calendar(quiet: Workshop) -> None:
    """A further event after the year 9999 is refused in words, and nothing is changed."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    address = made(aida, where, persona="adult", channel="sms", spoken="en")
    fields = fields_of(aida.get(address).text, "/example")
    last = {**fields, "events.0.at": ["9999-12-31 23:59"], "then": ["save"]}
    assert aida.client.post(f"{where}/example", data=last).status_code == 303
    before, fields = cases_in(aida, where), fields_of(aida.get(address).text, "/example")
    refused = aida.client.post(f"{where}/example", data={**fields, "more": ["kz.residence.registered"]})
    assert (refused.status_code, cases_in(aida, where)) == (422, before)
    assert "This can be changed only in the file" in refused.text


def test_who_hears_nothing_is_an_example_too(quiet: Workshop) -> None:
    """A child without a known guardian gets nothing, and the example says why."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    page = unescape(aida.get(made(aida, where, persona="minor", channel="sms", spoken="kk")).text)
    assert "gets nothing (Message 1): no living guardian of the child is known" in page


def test_an_example_is_edited_by_form(quiet: Workshop) -> None:
    """Saved unchanged it stays byte for byte; a changed story shows what happens instead, and can expect that."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    address = made(aida, where, persona="adult", channel="sms", spoken="en")
    before, fields = cases_in(aida, where), fields_of(aida.get(address).text, "/example")
    assert aida.client.post(f"{where}/example", data={**fields, "then": ["save"]}).status_code == 303
    assert cases_in(aida, where) == before
    later = {**fields, "name": ["Moved in autumn"], "events.0.at": ["2025-09-01 08:30"]}
    assert aida.client.post(f"{where}/example", data={**later, "then": ["save"]}).status_code == 303
    page = aida.get(address).text
    assert "Something else happens" in page
    assert "4 September 2025, 10:00: gets “Message 1”, SMS" in unescape(page)
    fields = fields_of(page, "/example")
    assert aida.client.post(f"{where}/example", data={**fields, "then": ["happens"]}).status_code == 303
    assert "The messages and their times are as this test expects" in aida.get(address).text
    assert "All tests pass" in aida.get(f"{where}/tests").text
    gone = fields_of(aida.get(address).text, "/example")
    assert (
        aida.client.post(f"{where}/example", data={**gone, "then": ["delete"]}).headers["location"].endswith("/tests")
    )
    assert "Moved in autumn" not in cases_in(aida, where)


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("events.0.at", "2025-02-30 10:00", "Write a date and a time such as 2026-03-02 12:00"),
        ("citizen.born_on", "yesterday", "Write a date as DD.MM.YYYY"),
        ("name", "ә" * 300, "Write a name of 200 letters at most"),
    ],
)
def test_a_bad_value_of_an_example_stays_beside_its_field(quiet: Workshop, field: str, typed: str, said: str) -> None:
    """It is said there, nothing is saved, and what was typed is still in the form."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    address = made(aida, where, persona="adult", channel="sms", spoken="en")
    before, fields = cases_in(aida, where), fields_of(aida.get(address).text, "/example")
    answer = aida.client.post(f"{where}/example", data={**fields, field: [typed], "then": ["save"]})
    assert answer.status_code == 422
    assert said in answer.text
    assert fields_of(answer.text, "/example")[field] == [typed]
    assert cases_in(aida, where) == before


def test_only_what_is_there_is_opened(quiet: Workshop) -> None:
    """An example that there is not is 404, one of another agency 403, and one of a broken draft is not made."""
    aida, fred = signed_in(quiet, "aida"), signed_in(quiet, "fred")
    where = begun(aida)
    assert aida.get(f"{where}/example?at=99").status_code == 404
    assert fred.get(f"{where}/example?at=0").status_code == 403
    assert fred.post(f"{where}/examples", persona="adult").status_code == 403
    aida.post(where, revision="1", **{"file-trigger.yaml": "title: x\n"})
    assert made(aida, where, persona="adult").endswith("/tests?done=not")
    assert "Open this test" in aida.get(f"{where}/tests").text, "the stories can still be read"


def test_the_tests_of_the_sample_go_at_once(quiet: Workshop) -> None:
    """A new draft's own examples are asked for in their place; an example of the author's stays."""
    aida = signed_in(quiet, "aida")
    where = begun(aida, name="moved_in", pack="kz", on="kz.residence.registered")
    made(aida, where, persona="adult", channel="sms", spoken="en")
    assert "Only take the tests of the sample away (not required)" in aida.get(f"{where}/tests").text
    assert aida.post(f"{where}/examples", then="samples").status_code == 303
    left = cases_in(aida, where)
    assert left.count("- name:") == 1
    assert "Test 4: A woman of 34" in left
    assert left.startswith("# yaml-language-server")
    assert "Only take the tests of the sample away (not required)" not in aida.get(f"{where}/tests").text


def test_an_example_has_a_second_event_by_form(quiet: Workshop) -> None:
    """What happens afterwards is chosen from a list, is about the same thing, a day later, and is edited alike."""
    fred = signed_in(quiet, "fred")
    where = begun(fred, **{"from": FINE})
    address = made(fred, where, persona="adult", channel="sms", spoken="en")
    fields = fields_of(fred.get(address).text, "/example")
    paid = {**fields, "more": ["kz.traffic.fine_paid"], "then": ["happens"]}
    assert fred.client.post(f"{where}/example", data=paid).status_code == 303
    page = unescape(fred.get(address).text)
    assert "The messages and their times are as this test expects" in page
    both = fields_of(page, "/example")
    assert both["events.1.data.number"] == both["events.0.data.number"]
    assert both["events.1.at"][0][:10] > both["events.0.at"][0][:10]
    assert "gets nothing (Message 2)" in page
    wrong = fred.client.post(f"{where}/example", data={**both, "more": ["kz.nothing"], "then": ["save"]})
    assert (wrong.status_code, "There is nothing of that name" in wrong.text) == (422, True)


def test_one_click_makes_the_usual_tests(quiet: Workshop) -> None:
    """By each way somebody hears; not after what makes it needless; not who opted out. The sample's tests go."""
    fred = signed_in(quiet, "fred")
    given = {"title.en": "A fine", "pack": "kz", "on": "kz.traffic.fine_issued"}
    where = begun(fred, **given)
    rules = file_of(fred.get(where).text, "trigger.yaml")
    paid = "unless: [{on: kz.traffic.fine_paid, when: later.number == event.number}]\nchannels:"
    fred.post(where, revision="1", **{"file-trigger.yaml": rules.replace("channels:", paid)})
    assert "Make the usual tests" in fred.get(f"{where}/preview").text
    assert "Make the usual tests" in fred.get(f"{where}/tests").text
    assert made(fred, where, then="typical") == f"{where}/tests?done=typical"
    page = unescape(fred.get(f"{where}/tests").text)
    assert "All tests pass" in page
    main_actions = re.findall(r'(?:class="button"|<button(?![^>]*class))[^>]*>([^<]*)', page.partition("<main")[2])
    assert main_actions == ["Next: Try on last year"]
    assert re.findall(r"<h2><strong.*?</strong> (.*?)</h2>", page) == [
        "Reached by SMS",
        "Reached by email",
        "And then: The fine was paid",
        "Opted out of: General",
    ]
    assert page.count("gets “Message 1”") == 2
    assert "gets nothing (Message 1): the thing itself was done" in page
    assert "gets nothing (Message 1): messages on this topic are not wanted" in page
    assert "Only take the tests of the sample away (not required)" not in page


def test_tests_that_a_change_of_the_rule_left_behind_are_named(quiet: Workshop) -> None:
    """The pages of tests and of handing in name each exception without a test, and each test of one that is gone."""
    fred = signed_in(quiet, "fred")
    where = begun(fred, **{"title.en": "A fine", "pack": "kz", "on": "kz.traffic.fine_issued"})
    page = fred.get(where).text
    rules = file_of(page, "trigger.yaml")
    paid = rules.replace(
        "channels:", "unless: [{on: kz.traffic.fine_paid, when: later.number == event.number}]\nchannels:"
    )
    fred.post(where, revision=revision_of(page), **{"file-trigger.yaml": paid})
    made(fred, where, then="typical")
    warned = "The tests do not fit the rule"
    assert [warned in fred.get(f"{where}/{each}").text for each in ("tests", "submit")] == [False, False]
    another = rules.replace("channels:", "unless: [{on: kz.civil.name_changed}]\nchannels:")
    fred.post(where, revision=revision_of(fred.get(where).text), **{"file-trigger.yaml": another})
    for page in (unescape(fred.get(f"{where}/{each}").text) for each in ("tests", "submit")):
        assert "There is no test for the exception: A name was changed" in page
        assert re.search(
            r"The rule has no such exception any more: <a [^>]*at=2\">And then: The fine was paid</a>", page
        )
    made(fred, where, then="typical")
    left = unescape(fred.get(f"{where}/tests").text)
    assert ("There is no test for the exception" in left, "no such exception any more" in left) == (False, True)


SILENT = """- name: gets nothing
  clock: 2026-03-01T09:00+05:00
  citizen: {language: kk, channels: [sms], opted_out: [health]}
  events:
    - {at: 2026-03-01T12:00+05:00, type: kz.residence.registered,
       data: {kind: moved, area: "750000000", address: "Абай 10"}}
  expect:
    - {nothing: true}
"""


def test_tests_that_prove_only_silence_are_not_enough(quiet: Workshop) -> None:
    """A draft whose examples all say that nobody gets anything is not tested, says so, and cannot be handed in."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    rules = file_of(aida.get(where).text, "trigger.yaml").replace('at: "10:00"', 'at: "10:30"')
    aida.post(where, revision="1", **{"file-trigger.yaml": rules, "file-tests.yaml": SILENT})
    page = unescape(aida.get(f"{where}/tests").text)
    assert "a test in which somebody gets the message is missing" in page
    assert aida.post(f"{where}/submit").status_code == 422
    assert "no test expects a message" in aida.get(f"{where}/submit").text
    assert quiet.world.platform.rules.approval.governed().submitted == {}
    made(aida, where, persona="adult", channel="sms", spoken="kk")
    assert aida.post(f"{where}/submit").status_code == 303


@pytest.mark.parametrize("due", ['{on: "02-15", at: "10:00"}', '{offset: P1Y, on: "06-15", at: "10:00"}'])
def test_an_example_has_values_by_which_somebody_hears(quiet: Workshop, due: str) -> None:
    """Where the day of the year is over, or after the usual deadline, other days are found for the example."""
    aida = signed_in(quiet, "aida")
    where = begun(aida, name="tax_soon", pack="kz", on="kz.tax.assessed")
    rules = file_of(aida.get(where).text, "trigger.yaml")
    rules = re.sub(r"(?m)^due:\n(  .*\n)+", f"due:\n  day: {due}\n", rules) + "\nexpires: event.pay_by\n"
    rules = re.sub(r"(?m)^expires:.*\n(?=(.*\n)*expires:)", "", rules)
    aida.post(where, revision="1", **{"file-trigger.yaml": rules, "file-tests.yaml": "# none\n"})
    address = made(aida, where, persona="adult", channel="sms", spoken="en")
    page = unescape(aida.get(address).text)
    assert "done=made" in address, page
    fields = fields_of(page, "/example")
    assert fields["events.0.data.year"] == [fields["events.0.at"][0][:4]], "the year is that of the day"
    assert fields["events.0.data.pay_by"][0] >= fields["expect.0.at"][0][:10], "nobody is told after the deadline"
    assert "gets “Message 1”, SMS" in page


def test_an_example_in_which_nobody_hears_says_so(quiet: Workshop) -> None:
    """Where no values are found, the page says that it does not prove that the message goes, and why it does not."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    page = unescape(aida.get(made(aida, where, persona="minor", channel="sms", spoken="kk")).text)
    assert "The test is made, and nobody gets anything in it" in page


def test_topics_of_an_example_are_ticked_by_their_words(quiet: Workshop) -> None:
    """Nobody has to know the internal name of a topic; one in the file that is unknown stays, and can be unticked."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    aida.post(where, revision="1", **{"file-tests.yaml": SILENT.replace("[health]", "[health, Работа]")})
    page = unescape(aida.get(f"{where}/example?at=0").text)
    fields = fields_of(page, "/example")
    assert fields["citizen.opted_out"] == ["health", "Работа"]
    assert "Transport" in page
    chosen = {**fields, "citizen.opted_out": ["health", "transport"], "then": ["save"]}
    assert aida.client.post(f"{where}/example", data=chosen).status_code == 303
    assert re.search(r"opted_out:\s*\[health, transport\]", cases_in(aida, where))


def test_all_wrong_fields_are_told_at_once_and_paper_dates_are_taken(quiet: Workshop) -> None:
    """Two wrong fields are two errors; 05.05.1990 and 02.03.2026 12.00 mean what they mean on paper."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    page = made(aida, where)
    fields = fields_of(aida.get(page).text, "/example")
    wrong = {**fields, "citizen.born_on": ["15 февраля"], "events.0.at": ["завтра"], "then": ["save"]}
    answer = aida.client.post(f"{where}/example", data=wrong)
    assert answer.status_code == 422
    assert "Date of birth – Write a date as DD.MM.YYYY" in answer.text
    assert "When does it happen? – Write a date and a time such as 2026-03-02 12:00" in answer.text
    right = {**fields, "citizen.born_on": ["05.05.1990"], "events.0.at": ["02.03.2026 12.00"], "then": ["save"]}
    assert aida.client.post(f"{where}/example", data=right).status_code == 303
    assert "2026-03-02T12:00" in cases_in(aida, where)


def test_mistakes_beside_played_tests_do_not_deny_that_they_were_played(quiet: Workshop) -> None:
    """Where some tests were played the page says that there are mistakes, and not that tests cannot be run."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    page = aida.get(where).text
    tests = file_of(page, "tests.yaml") + "\n- name: no such thing\n  nothing_such: 1\n"
    aida.post(where, revision="1", **{"file-tests.yaml": tests})
    shown = aida.get(f"{where}/tests").text
    assert ("There are mistakes in the tests" in shown, "The tests cannot be run" in shown) == (True, False)
    assert '<section class="case">' in shown


def test_an_error_of_an_example_stands_without_a_verdict(quiet: Workshop) -> None:
    """The page says nothing of what happens while what was typed has an error."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    address = made(aida, where, persona="adult", channel="sms", spoken="en")
    assert "are as this test expects" in aida.get(address).text
    fields = fields_of(aida.get(address).text, "/example")
    answer = aida.client.post(f"{where}/example", data={**fields, "citizen.born_on": ["x"], "then": ["save"]})
    assert (answer.status_code, "are as this test expects" in answer.text) == (422, False)


def test_the_usual_tests_reach_a_device(quiet: Workshop) -> None:
    """Where a rule sends push messages too, somebody with a device gets one, and the form takes the device away."""
    fred = signed_in(quiet, "fred")
    where = begun(fred, **{"title.en": "A fine", "pack": "kz", "on": "kz.traffic.fine_issued"})
    rules = file_of(fred.get(where).text, "trigger.yaml")
    ways = re.sub(r"(?m)^channels:.*$", "channels: [push, sms, email]", rules)
    fred.post(where, revision="1", **{"file-trigger.yaml": ways})
    made(fred, where, then="typical")
    page = unescape(fred.get(f"{where}/tests").text)
    assert [page.count(f"gets “Message 1”, {way}") for way in ("push message", "SMS", "email")] == [1, 1, 1]
    assert ("All tests pass" in page, "no address is known" in page) == (True, False)
    fields = fields_of(fred.get(f"{where}/example?at=0").text, "/example")
    assert fields["citizen.push"] == ["device"]
    assert "citizen.push" not in fields_of(fred.get(f"{where}/example?at=1").text, "/example")
    without = {**fields, "citizen.push": [], "then": ["save"]}
    assert fred.client.post(f"{where}/example", data=without).status_code == 303
    assert "no address is known" in unescape(fred.get(f"{where}/example?at=0").text)
    again = {**fields_of(fred.get(f"{where}/example?at=0").text, "/example"), "citizen.push": ["device"]}
    assert fred.client.post(f"{where}/example", data={**again, "then": ["save"]}).status_code == 303
    assert "All tests pass" in fred.get(f"{where}/tests").text


def test_the_usual_tests_of_an_offer_are_of_somebody_who_wants_it(quiet: Workshop) -> None:
    """An offer goes to whoever consented to its topic: the usual tests are of such a person, and say so."""
    fred = signed_in(quiet, "fred")
    where = begun(fred, **{"title.en": "A fine", "pack": "kz", "on": "kz.traffic.fine_issued"})
    rules = file_of(fred.get(where).text, "trigger.yaml")
    offer = re.sub(r"(?m)^class:.*$", "class: offer", rules)
    fred.post(where, revision="1", **{"file-trigger.yaml": offer})
    made(fred, where, then="typical")
    page = unescape(fred.get(f"{where}/tests").text)
    assert page.count("gets “Message 1”") == 2
    assert "who consented to offers on: General" in page
    fields = fields_of(fred.get(f"{where}/example?at=0").text, "/example")
    assert fields["citizen.consents"] == ["general"]


def test_the_usual_tests_are_offered_whenever_the_rule_is_right(quiet: Workshop) -> None:
    """Also where the sample's tests are wrong since the topic was changed; a test of the author's own stays."""
    fred = signed_in(quiet, "fred")
    where = begun(fred, **{"title.en": "A fine", "pack": "kz", "on": "kz.traffic.fine_issued"})
    rules = file_of(fred.get(where).text, "trigger.yaml")
    other = re.sub(r"(?m)^category:.*$", "category: transport", rules)
    fred.post(where, revision="1", **{"file-trigger.yaml": other})
    page = unescape(fred.get(f"{where}/tests").text)
    told = "The test opts out of a topic that no rule has: make the usual tests anew"
    assert (told in page, "Make the usual tests" in page) == (True, True)
    assert re.search("known: [A-Z]", page), "topics are told by their titles"
    made(fred, where, then="typical")
    page = unescape(fred.get(f"{where}/tests").text)
    assert ("All tests pass" in page, "Your own tests stay." in page) == (True, True)
    before = cases_in(fred, where)
    made(fred, where, then="typical")
    assert cases_in(fred, where) == before


def test_the_usual_tests_are_made_before_the_texts_are_right(quiet: Workshop) -> None:
    """A mistake in a text keeps nobody from trying the rule: the usual tests are made, and pass once it is mended."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    editor = aida.get(where).text
    rule, text = (unescape(file_of(editor, name)) for name in ("trigger.yaml", "en.md"))
    broken = re.sub("(?m)^sms: .*$", "sms: 'Moved to {{ event.adress }}'", text)
    files = {"file-trigger.yaml": rule + "correction: true\n", "file-en.md": broken}
    aida.post(where, revision=revision_of(editor), **files)
    assert "Make the usual tests" in aida.get(f"{where}/tests").text
    answer = aida.post(f"{where}/examples", then="typical")
    assert answer.headers["location"].endswith("done=typical")
    assert "Reached by SMS" in aida.get(answer.headers["location"]).text
    editor = aida.get(where).text
    assert "{{ event.adress }}" in file_of(editor, "en.md")
    aida.post(where, revision=revision_of(editor), **{"file-trigger.yaml": rule, "file-en.md": text})
    assert "All tests pass" in aida.get(f"{where}/tests").text


def test_a_story_says_the_date_from_which_the_rule_counts(quiet: Workshop) -> None:
    """Dates of its own stand beside the event where they are other days; the one that counts is marked."""
    fred = signed_in(quiet, "fred")
    where = begun(fred, **{"title.en": "A fine", "pack": "kz", "on": "kz.traffic.fine_issued"})
    rules = file_of(fred.get(where).text, "trigger.yaml")
    dated = re.sub(r"from: [a-z_.]+", "from: event.issued_on", rules)
    fred.post(where, revision="1", **{"file-trigger.yaml": dated})
    address = made(fred, where, persona="adult", channel="sms", spoken="en")
    fields = fields_of(fred.get(address).text, "/example")
    day = {**fields, "events.0.data.issued_on": ["2025-05-30"], "then": ["save"]}
    assert fred.client.post(f"{where}/example", data=day).status_code == 303
    page = unescape(fred.get(address).text)
    assert re.search(r"A traffic fine was issued \([^)]*: 30 May 2025 – counted from here", page)
    fred.post(where, revision=revision_of(fred.get(where).text), **{"file-trigger.yaml": rules})
    page = unescape(fred.get(address).text)
    assert re.search(r"A traffic fine was issued – counted from here \([^)]*: 30 May 2025[,)]", page)


def test_what_is_not_sent_is_told_with_its_day(quiet: Workshop) -> None:
    """Where a test fails because only the day of what is not sent differs, both days are said."""
    aida = signed_in(quiet, "aida")
    where = begun(aida)
    found = re.search(r"(?m)^due:\n  (\w+):", file_of(aida.get(where).text, "trigger.yaml"))
    assert found is not None
    late = f'step: {found[1]}, nothing: true, at: "2026-03-09T10:00+05:00", because: opted_out'
    aida.post(where, revision="1", **{"file-tests.yaml": SILENT.replace("nothing: true", late)})
    page = unescape(aida.get(f"{where}/tests").text)
    assert "9 March 2026, 10:00: gets nothing" in page
    assert re.search(r"<dt>There was</dt><dd>\d+ March 2026, 10:00: gets nothing", page)


def test_what_an_author_edited_of_the_sample_stays(quiet: Workshop) -> None:
    """Whoever edits a test with which a draft begins need not rename it: only those that nobody touched go."""
    aida = signed_in(quiet, "aida")
    where = begun(aida, name="moved_in", pack="kz", on="kz.residence.registered")
    fields = fields_of(aida.get(f"{where}/example?at=1").text, "/example")
    edited = {**fields, "citizen.born_on": ["1980-01-01"], "then": ["save"]}
    assert aida.client.post(f"{where}/example", data=edited).status_code == 303
    made(aida, where, then="typical")
    left = cases_in(aida, where)
    assert re.findall("- name: (.*)", left)[0] == "told by email"
    assert left.count("- name:") == 4
    assert "1980-01-01" in left


@pytest.mark.parametrize(
    ("born_on", "names"),
    [("", ["Opted out of: Housing"]), ("1980-01-01", ["Opted out of: General", "Opted out of: Housing"])],
)
def test_the_usual_test_of_an_opt_out_follows_the_topic(quiet: Workshop, born_on: str, names: list[str]) -> None:
    """After a change of the topic the test of the old one goes, on another day too; not one that somebody edited."""
    aida = signed_in(quiet, "aida")
    where = begun(aida, name="moved_in", pack="kz", on="kz.residence.registered")
    made(aida, where, then="typical")
    if born_on:
        fields = fields_of(aida.get(f"{where}/example?at=2").text, "/example")
        aida.client.post(f"{where}/example", data={**fields, "citizen.born_on": [born_on], "then": ["save"]})
    page = aida.get(where).text
    rules = file_of(page, "trigger.yaml").replace("category: general", "category: housing")
    aida.post(where, revision=revision_of(page), **{"file-trigger.yaml": rules})
    quiet.world.clock.advance_to(quiet.world.clock() + timedelta(days=3))
    made(signed_in(quiet, "aida"), where, then="typical")
    assert re.findall("- name: '?(Opted .*?)'?\n", cases_in(signed_in(quiet, "aida"), where)) == names


def test_the_usual_tests_are_made_anew_after_a_change_of_the_rule(quiet: Workshop) -> None:
    """Nothing is said to be made where all are there; whoever asks has them made anew, and they pass again."""
    aida = signed_in(quiet, "aida")
    where = begun(aida, name="moved_in", pack="kz", on="kz.residence.registered")
    made(aida, where, then="typical")
    page = aida.get(where).text
    rules = file_of(page, "trigger.yaml").replace("offset: P1D", "offset: P2D")
    aida.post(where, revision=revision_of(page), **{"file-trigger.yaml": rules})
    assert made(aida, where, then="typical") == f"{where}/tests?done=there"
    shown = aida.get(f"{where}/tests?done=there").text
    assert ("The usual tests are there already" in shown, "Some tests fail" in shown) == (True, True)
    assert "Make all usual tests anew" in shown
    names = re.findall("- name: (.*)", cases_in(aida, where))
    assert made(aida, where, then="anew") == f"{where}/tests?done=typical"
    assert re.findall("- name: (.*)", cases_in(aida, where)) == names
    assert "All tests pass" in aida.get(f"{where}/tests").text


def test_usual_tests_that_were_edited_are_not_replaced_unasked(quiet: Workshop) -> None:
    """Whoever has them made anew is asked first, and nothing is lost until they say so."""
    aida = signed_in(quiet, "aida")
    where = begun(aida, name="moved_in", pack="kz", on="kz.residence.registered")
    made(aida, where, then="typical")
    page = aida.get(where).text
    mine = file_of(page, "tests.yaml").replace("address: 'Абай даңғылы, 1'", "address: Abai 1", 1)
    assert mine != file_of(page, "tests.yaml")
    aida.post(where, revision=revision_of(page), **{"file-tests.yaml": mine})
    assert made(aida, where, then="anew") == f"{where}/tests?done=edited"
    assert "Somebody has edited usual tests" in aida.get(f"{where}/tests?done=edited").text
    assert "Abai 1" in cases_in(aida, where)
    assert made(aida, where, then="replace") == f"{where}/tests?done=typical"
    assert "Abai 1" not in cases_in(aida, where)


def test_the_usual_tests_play_on_days_that_can_be(quiet: Workshop) -> None:
    """What happens in them happens on a working day of the last year, and what is over is dated before its record."""
    aida = signed_in(quiet, "aida")
    where = begun(aida, name="lost_job", pack="kz", on="kz.employment.job_ended")
    made(aida, where, then="typical")
    events = [each["events"][0] for each in yaml.safe_load(cases_in(aida, where))]
    happened = [datetime.fromisoformat(each["at"]) for each in events]
    ended = [date.fromisoformat(each["data"]["ended_on"]) for each in events]
    now = quiet.world.platform.clock()
    assert len(happened) == len(ended) > 2
    for at, end in zip(happened, ended, strict=True):
        assert at.weekday() < 5
        assert now - timedelta(days=366) < at < now + timedelta(days=1)
        assert end <= at.date()


def test_tests_of_the_sample_that_fail_frighten_nobody(quiet: Workshop) -> None:
    """Whoever changed the rule of a new draft is led to the usual tests; the sample's own are folded, and not red."""
    aida = signed_in(quiet, "aida")
    where = begun(aida, name="moved_in", pack="kz", on="kz.residence.registered")
    page = aida.get(where).text
    rules = file_of(page, "trigger.yaml").replace("offset: P1D", "offset: P2D")
    aida.post(where, revision=revision_of(page), **{"file-trigger.yaml": rules})
    shown = unescape(aida.get(f"{where}/tests").text)
    assert ("There are no tests of your own yet" in shown, "Some tests fail" in shown) == (True, False)
    assert (
        shown.index("Make the usual tests")
        < shown.index("<summary>The tests of the sample")
        < shown.index("wrong time")
    )


def test_each_exception_of_a_shipped_rule_has_its_test() -> None:
    """An author who begins with a shipped rule is not told that its tests do not fit it."""
    for rule in sorted(path for pack in SHIPPED.values() for path in Path(pack).glob("*/trigger.yaml")):
        files = {each.name: each.read_text("utf-8") for each in rule.parent.glob("*.yaml")}
        assert gaps_in(files, names_in("en")) == Gaps([], []), rule
