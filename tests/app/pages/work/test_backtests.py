"""A draft backtested from a browser: a job, and what came of it."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from sqlalchemy import update

from app.backtests.job import BacktestArguments, BacktestCounts, counts, parse_arguments, parse_counts
from app.backtests.run import run_backtest
from app.pages.work.approving import _look_again
from app.pages.work.backtests import _ReportWords
from app.server import application
from streams.queues.jobs import JobState
from streams.storage.tables import jobs as rows
from tests.app.http.wire import client_of, served
from tests.app.pages.shipped_rules import speech_of
from tests.app.pages.work.drafts.test_drafts import written
from tests.app.pages.work.workshop import AIGERIM, Somebody, Workshop, begun, file_of, revision_of, signed_in
from tests.world import event, registered

CAPS = re.compile('name="caps" value="yes" checked')
"""The box for the limit of messages, ticked."""


def test_a_backtest_is_a_job_with_a_report(told: Workshop) -> None:
    """It counts what the command does, compares with what is in force, shows nobody's data, and no other agency."""
    aida, platform = signed_in(told, "aida"), told.world.platform
    where = begun(aida)
    rules = file_of(aida.get(where).text, "trigger.yaml").replace("P3D", "P4D")
    aida.post(where, revision="1", **{"file-trigger.yaml": rules})
    begin = aida.post(f"{where}/backtest", **{"from": "2025-05-01", "to": "2025-06-20"})
    assert begin.status_code == 303
    report = begin.headers["location"]
    [job] = platform.queues.jobs.latest(5)
    while platform.queues.jobs.job(job.id).state in (JobState.PLANNED, JobState.RUNNING):
        aida.get(report)
    done = platform.queues.jobs.job(job.id)
    assert done.state is JobState.DONE, done.words
    found = parse_counts(done.cursor)
    asked = parse_arguments(done.arguments)
    assert found is not None
    assert asked is not None
    assert (found.people, found.changes) == (1, [("moved", "", 1)])
    assert counts(run_backtest(platform, asked.order(platform), 1), found.price) == found
    page = aida.get(report).text
    assert "told by both, at another time or by another channel" in page
    assert "<dd>1 person</dd>" in page
    by_step = page.partition("By step</caption>")[2].partition("</table>")[0]
    assert re.findall('<th scope="row"[^>]*>(.*?)</th>', by_step) == ["Message 1"]
    assert [f'href="{where}/{each}"' in page for each in ("submit", "form", "backtest")] == [True] * 3
    assert told.world.name(AIGERIM) not in page + done.cursor
    assert "messages,sms,kk,1" in aida.get(f"{report}/report.csv").text
    assert report in aida.get(f"{where}/backtest").text
    fred = signed_in(told, "fred")
    for path in (report, f"{report}/report.csv", f"{where}/backtest"):
        assert fred.get(path).status_code == 403
    assert fred.post(f"{where}/backtest").status_code == 403


def test_the_steps_stand_on_every_page_on_the_way(told: Workshop) -> None:
    """The page of a backtest, of what came of it, and of a version's preview show the steps; so does a lost race."""
    aida, where = written(told, "aida")
    report = aida.post(f"{where}/backtest", **{"from": "2025-05-01", "to": "2025-06-20"}).headers["location"]
    submission = aida.post(f"{where}/submit").headers["location"].partition("?")[0]
    pages = [aida.get(path).text for path in (f"{where}/backtest", report, submission, f"{submission}/preview")]
    files = {"file-trigger.yaml": file_of(aida.get(where).text, "trigger.yaml") + "# more\n"}
    moved = [aida.post(where, revision="1", **files) for _ in range(2)][1]
    assert moved.status_code == 409
    for page in (*pages, moved.text):
        assert page.count('<nav class="stepper"') == 1
    assert f'href="{where}/backtest" aria-current="step"' in pages[1]
    aida.post(f"{where}/delete")
    assert '<nav class="stepper"' in aida.get(report).text
    assert '<nav class="stepper"' in aida.get(f"{submission}/preview").text


@pytest.mark.parametrize("cursor", ["{", '{"persons": "x"}', "\x00", ""])
def test_a_result_that_cannot_be_read_says_so(told: Workshop, cursor: str) -> None:
    """What somebody wrote over a finished backtest in the database is told on its page, and breaks no other one."""
    aida, jobs = signed_in(told, "aida"), told.world.platform.queues.jobs
    where = begun(aida)
    report = aida.post(f"{where}/backtest", **{"from": "2025-05-01", "to": "2025-06-20"}).headers["location"]
    while jobs.latest(1)[0].state in (JobState.PLANNED, JobState.RUNNING):
        aida.get(report)
    write(told, cursor=cursor)
    page = aida.get(report)
    assert (page.status_code, "Its result cannot be read" in page.text) == (200, True)
    assert aida.get(f"{report}/report.csv").status_code == 409
    aida.post(f"{where}/submit")
    assert [aida.get(f"{where}/{each}").status_code for each in ("backtest", "submit", "form")] == [200] * 3
    write(told, arguments='{"agency": 1}')
    assert aida.get(report).status_code == 404
    assert [aida.get(f"{where}/{each}").status_code for each in ("backtest", "submit", "form")] == [200] * 3


def write(workshop: Workshop, **values: str) -> None:
    """Somebody with the database's password writes over all jobs."""
    workshop.world.platform.database.write(lambda connection: connection.execute(update(rows).values(values)))


@pytest.mark.parametrize(
    ("since", "until"),
    [("", "2025-06-20"), ("2025-06-20", "2025-06-20"), ("2025-01-01", "x"), ("0001-01-01", "2025-01-01")],
)
def test_a_backtest_of_no_time_is_not_begun(told: Workshop, since: str, until: str) -> None:
    """Days that are none, or in no order, or too far apart, are told at their field, and no job is made."""
    aida = signed_in(told, "aida")
    where = f"{begun(aida)}/backtest"
    answer = aida.post(where, **{"from": since, "to": until})
    assert (answer.status_code, CAPS.search(answer.text)) == (422, None)
    assert CAPS.search(aida.post(where, **{"from": since, "to": until, "caps": "yes"}).text)
    assert told.world.platform.queues.jobs.latest(5) == []
    client = client_of(served(told.world.platform), accept="text/html")
    assert client.get("/work/backtests/1").headers["location"].startswith("/sign-in")
    assert aida.get("/work/backtests/1").status_code == 404


def test_a_report_says_when_everything_became_known_too_late(quiet: Workshop) -> None:
    """Records of last year that were loaded as news are known only since today: the report says how to load them."""
    world, aida = quiet.world, signed_in(quiet, "aida")
    moved = {"kind": "moved", "area": "750000000", "address": "Абай даңғылы, 10, 5"}
    world.take(*registered(AIGERIM), event("kz.residence.registered", AIGERIM, "2024-06-02T11:30:00+05:00", moved))
    begin = aida.post(f"{begun(aida)}/backtest", **{"from": "2024-05-01", "to": "2024-08-20"})
    report, jobs = begin.headers["location"], world.platform.queues.jobs
    while jobs.latest(1)[0].state in (JobState.PLANNED, JobState.RUNNING):
        aida.get(report)
    assert "habarshy ingest --historical" in aida.get(report).text


def test_a_backtest_that_nobody_works_at_says_so(told: Workshop) -> None:
    """Where nothing works at jobs, the page says that it waits for the administrator; to open the form is no try."""
    platform = told.world.platform
    alone = application(platform, works=False)
    client = client_of(alone, accept="text/html")
    client.post("/sign-in/token", data={"token": told.tokens["aida"]})
    found = re.search(r'name="csrf" value="([^"]+)"', client.get("/sign-in").text)
    assert found is not None
    aida = Somebody(client, found[1])
    where = begun(aida)
    form = aida.get(f"{where}/backtest").text
    assert "Next: Try on last year" in form
    report = aida.post(f"{where}/backtest", **{"from": "2025-05-01", "to": "2025-06-20"}).headers["location"]
    assert "It waits: nothing is working on it yet" in aida.get(report).text
    assert "Next: Try on last year" in aida.get(f"{where}/backtest").text


def test_figures_of_a_report_do_not_contradict_each_other() -> None:
    """The figure of what was not sent is the sum of the table that says why."""
    moment = datetime(2025, 6, 1, tzinfo=UTC)
    asked = BacktestArguments("health", "kz", "x", "0" * 64, {}, {}, moment, moment + timedelta(days=1))
    ended = [("expired", 12)]
    found = BacktestCounts(1, 1, 1, 0, [], [], [], [], [], [], [("no_channel", 3)], ended, [], "", None)
    told = _ReportWords(asked, found, speech_of("en"))
    assert dict(told.figures)["Not sent"] == "15"


def test_quiet_hours_are_said_to_be_each_person_s_own() -> None:
    """Whoever reads that a message at ten was put off learns that some people sleep longer than the usual hours."""
    moment = datetime(2025, 6, 1, tzinfo=UTC)
    rules: dict[str, object] = {"due": {"day": {}}}
    asked = BacktestArguments("health", "kz", "x", "0" * 64, rules, {}, moment, moment + timedelta(days=1))
    found = BacktestCounts(1, 1, 1, 0, [], [], [], [], [], [("quiet_hours", 3)], [], [], [], "", None)
    [table] = [
        each for each in _ReportWords(asked, found, speech_of("en")).tables if each.title == "Put off, and why"
    ]
    assert table.rows == [("the person’s quiet hours, which each may choose", "3")]


@pytest.mark.parametrize(
    ("since", "until", "said"),
    [
        ("x", "2025-06-20", ["Write the first day, such as 02.06.2024"]),
        ("x", "x", ["Write the first day, such as 02.06.2024", "Write the last day, such as 02.06.2025"]),
        (
            "2025-06-20",
            "2025-05-01",
            ["Choose a last day that is later than the first, by three years at most"],
        ),
    ],
)
def test_an_error_in_the_days_of_a_backtest_names_its_day(
    quiet: Workshop, since: str, until: str, said: list[str]
) -> None:
    """It says which of both days is meant, once, with an example that could be meant today."""
    aida = signed_in(quiet, "aida")
    page = aida.post(f"{begun(aida)}/backtest", **{"from": since, "to": until}).text
    assert re.findall('<p class="error"[^>]*>([^<]*)</p>', page) == said


def test_a_day_in_words_stays_in_its_field(quiet: Workshop) -> None:
    """A browser lets it be typed whole, and the page with its mistake still has it."""
    aida = signed_in(quiet, "aida")
    page = aida.post(f"{begun(aida)}/backtest", **{"from": "last January", "to": "2025-06-30"}).text
    [field] = re.findall('<input [^>]*name="from"[^>]*>', page)
    assert 'value="last January"' in field
    assert "maxlength" not in field


def test_a_backtest_in_which_nobody_was_told_shows_nothing(told: Workshop) -> None:
    """The steps say so at once beside the result, and so does the question before publishing."""
    dana, jobs = signed_in(told, "dana"), told.world.platform.queues.jobs
    aida, where = written(told, "aida")
    report = aida.post(f"{where}/backtest", **{"from": "2024-05-01", "to": "2024-06-20"}).headers["location"]
    while jobs.latest(1)[0].state in (JobState.PLANNED, JobState.RUNNING):
        aida.get(report)
    page = aida.get(report).text
    assert "nobody would have been told on the days that were tried" in page
    assert "not tried yet" not in page
    english = unescape(file_of(aida.get(where).text, "en.md"))
    for text in (f"{english} Hurry.", english):
        aida.post(where, revision=revision_of(aida.get(where).text), **{"file-en.md": text})
        assert ("have changed since it was tried" in aida.get(where).text) == (text != english)
    assert page.index("data-live") < page.index('<nav class="stepper"')
    submission = aida.post(f"{where}/submit").headers["location"].partition("?")[0]
    dana.post(f"{submission}/approve")
    asked = dana.post(f"{submission}/publish", share="1.0").text
    assert "On the days that were tried nothing happened on which it begins. That says nothing about it." in asked
    assert "it would have reached" not in asked


def test_an_approver_is_warned_of_a_rule_that_reached_nobody(quiet: Workshop) -> None:
    """Where its events happened and nobody was told, both read why on top, and the step has no tick."""
    moved = {"kind": "moved", "area": "750000000", "address": "Абай даңғылы, 10, 5"}
    attached = {"clinic": "Емхана", "area": "750000000", "attached_on": "2025-06-03"}
    world = quiet.world
    world.take(*registered(AIGERIM))
    world.at("2025-06-02T12:00:00+05:00")
    world.take(event("kz.residence.registered", AIGERIM, "2025-06-02T11:30:00+05:00", moved))
    world.at("2025-06-03T12:00:00+05:00")
    world.take(event("kz.health.clinic_attached", AIGERIM, "2025-06-03T11:30:00+05:00", attached))
    world.at("2025-06-20T12:00:00+05:00")
    dana, jobs = signed_in(quiet, "dana"), world.platform.queues.jobs
    aida, where = written(quiet, "aida")
    report = aida.post(f"{where}/backtest", **{"from": "2025-05-01", "to": "2025-06-20"}).headers["location"]
    while jobs.latest(1)[0].state in (JobState.PLANNED, JobState.RUNNING):
        aida.get(report)
    submit = aida.get(f"{where}/submit").text
    submission = aida.post(f"{where}/submit").headers["location"].partition("?")[0]
    for page in (submit, dana.get(submission).text):
        warned = page.partition("On past days it would have reached nobody")[2].partition("</div>")[0]
        assert "1 of 1: the thing itself was done" in warned
        assert "says nothing about it" not in page
        step = page.partition(f'href="{where}/backtest"')[0].rpartition("<li ")[2]
        assert not step.startswith('class="done"')


def test_days_of_a_backtest_are_typed_as_people_write_them(told: Workshop) -> None:
    """01.05.2025 is a day here as in every other field of dates; under the result stands what the steps say next."""
    aida, jobs = signed_in(told, "aida"), told.world.platform.queues.jobs
    where = begun(aida)
    report = aida.post(f"{where}/backtest", **{"from": "01.05.2025", "to": "20.6.2025"}).headers["location"]
    while jobs.latest(1)[0].state in (JobState.PLANNED, JobState.RUNNING):
        aida.get(report)
    page = aida.get(report).text
    assert page.index(f'<a class="button" href="{where}/submit">Next: Hand in</a>') < page.index("<figure")
    assert re.search(f'action="{where}/backtest">.*<button>Next: Try on last year<', aida.get(f"{where}/tests").text)
    failing = file_of(aida.get(where).text, "tests.yaml").replace("T10:00+05:00, step", "T10:30+05:00, step")
    aida.post(where, revision="1", **{"file-tests.yaml": failing})
    assert re.search(f'class="button" href="{where}/tests[^"]*">Next: Tests<', aida.get(report).text)


NOBODY, CONDITIONS = "Nobody would have got a message.", "the conditions of the rule do not hold"


@pytest.mark.parametrize(
    ("days", "outcomes", "messages", "said"),
    [
        (
            [("2025-05-03", "push", 2)],
            [("told", 2)],
            [("push", "ru", 2)],
            [
                "Nobody would have got a message in: April 2025, June 2025.",
                "0 by SMS: it goes only where push message fails or is not there.",
            ],
        ),
        (
            [(f"2025-0{month}-03", "sms", 1) for month in (4, 5, 6)],
            [("told", 3)],
            [("sms", "ru", 3)],
            ["0 by push message: nobody who was told can be reached so."],
        ),
        (
            [],
            [("when", 3), ("past", 1)],
            [],
            [f"{NOBODY} 3 of 4: {CONDITIONS}; 1 of 4: too old: it was due before the first day."],
        ),
    ],
)
def test_what_is_empty_in_a_report_is_said(
    days: list[tuple[str, str, int]],
    outcomes: list[tuple[str, int]],
    messages: list[tuple[str, str, int]],
    said: list[str],
) -> None:
    """A zero reads as a mistake of the page: months, ways and all of it are named where nothing went."""
    begin, end = (datetime(2025, month, day, tzinfo=UTC) for month, day in ((4, 1), (6, 30)))
    asked = BacktestArguments("health", "kz", "x", "0" * 64, {"channels": ["push", "sms"]}, {}, begin, end)
    found = BacktestCounts(4, 4, len(days), 0, messages, [], [], days, [], [], [], [], [], "", None, outcomes)
    assert list(_ReportWords(asked, found, speech_of("en")).zeros) == said


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        (
            [("told", 1), ("done", 15), ("ahead", 2), ("no_event", 70), ("later", 4)],
            (
                "Of 18 to whom it happened, 1 would have got the message."
                " Not the others: 15 – the thing itself was done, 2 – still to come when the time was over."
            ),
        ),
        ([("told", 3), ("role", 5), ("no_event", 70)], "All to whom it happened would have got the message: 3."),
        ([("done", 3)], ""),
    ],
)
def test_a_report_says_in_a_sentence_why_others_were_not_told(outcomes: list[tuple[str, int]], said: str) -> None:
    """Of those to whom it happened it counts who was told, and by reason who was not; others are none of them."""
    begin, end = (datetime(2025, month, 1, tzinfo=UTC) for month in (4, 6))
    asked = BacktestArguments("health", "kz", "x", "0" * 64, {"channels": ["push"]}, {}, begin, end)
    found = BacktestCounts(92, 92, 1, 0, [], [], [], [], [], [], [], [], [], "", None, outcomes)
    assert _ReportWords(asked, found, speech_of("en")).in_short == said


@pytest.mark.parametrize(
    ("a_day", "said"),
    [
        (0.01, "Few people are in this share"),
        (2, "Look again in 7 days: about 14 persons"),
        (400, "in 1 day: about 400"),
    ],
)
def test_an_approver_reads_when_to_look_again(a_day: float, said: str) -> None:
    """Soon where many are told, and without a day where a month is not enough."""
    assert said in _look_again(a_day, speech_of("en"))


def test_a_report_calls_languages_by_their_names() -> None:
    """A code such as kk is nobody's word for a language."""
    begin, end = (datetime(2025, month, 1, tzinfo=UTC) for month in (4, 6))
    rules = {"channels": ["sms"], "due": {"first": None}}
    asked = BacktestArguments("health", "kz", "x", "0" * 64, rules, {}, begin, end)
    found = BacktestCounts(1, 1, 1, 0, [("sms", "kk", 3)], [], [], [], [], [], [], [], [], "", None)
    [table] = [
        each for each in _ReportWords(asked, found, speech_of("en")).tables if each.title == "By channel and language"
    ]
    assert table.rows == [("SMS", "Қазақша", "3")]


def test_a_backtest_is_asked_for_in_few_plain_fields(quiet: Workshop) -> None:
    """Its days stand as people write them, the last year before anybody asks, and what few need is folded."""
    aida = signed_in(quiet, "aida")
    page = aida.get(f"{begun(aida)}/backtest").text
    written = re.findall('<input [^>]*name="(?:from|to)" value="([^"]*)"', page)
    assert written == ["02.06.2024", "02.06.2025"]
    before = page.partition('name="caps"')[0]
    assert before.count("<details") > before.count("</details>")
