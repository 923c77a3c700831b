"""Jobs from a browser: counted, begun by their name; paused, gone on with, cancelled; they send nothing."""

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote_plus

import httpx2
import pytest
from starlette.testclient import TestClient

from app.jobs.requests import BadOrder, Orders
from app.pages.catalogues import Speech
from app.server import application
from domain.core.timing import zone_of
from domain.facts.principals import Principal, Role
from projections.tables import statistics, trail
from streams.log.signing import Signer
from streams.queues.jobs import JobState, Plan
from streams.storage.leadership import Lane
from streams.storage.tables import jobs as job_rows
from streams.storage.tables import log
from tests.app.http.wire import client_of
from tests.app.pages.console.forms import send
from tests.app.pages.console.office import AIGERIM, HTML, Office, office_in, signed_in
from tests.world import card, registered

JOBS = "/console/jobs"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """An office with one citizen who is planned and followed."""
    made = office_in(tmp_path)
    made.world.take(*registered(AIGERIM), card(AIGERIM, "2025-07-20"))
    made.world.plan()
    made.world.platform.replay.follower.drain()
    yield made
    ended()
    made.world.close()


def ended() -> None:
    """Wait for the jobs of this process."""
    for thread in threading.enumerate():
        if thread.name.startswith("job-"):
            thread.join()


def counted(office: Office, who: str = "olga", **wish: str) -> tuple[TestClient, str]:
    """Their browser, and the page of the job that they have asked for, once it is counted."""
    browser = signed_in(office, who)
    begun = send(browser, f"{JOBS}/new", f"{JOBS}/new?kind={quote_plus(wish['kind'])}", **wish)
    assert begun.status_code == 303, begun.text
    ended()
    return browser, begun.headers["location"]


def confirmed(browser: TestClient, page: str, name: str, **fields: str) -> httpx2.Response:
    """Confirm what the page shows, by the name of its kind."""
    seen = re.search(r'name="count" value="([0-9]+)"', browser.get(page).text)
    answer = send(browser, f"{page}/confirm", page, **({"count": seen[1] if seen else "0", "name": name} | fields))
    ended()
    return answer


def put_up(office: Office, state: JobState) -> int:
    """A job of that state at which nobody works; its number."""
    jobs = office.world.platform.queues.jobs
    job = jobs.add("replay verify", Lane.VIEWS, {}, Plan("verify", 10, "facts", 1.0), "olga")
    if state is JobState.PAUSED:
        jobs.pause(job.id)
    return job.id


def test_a_rebuild_mends_what_differs_and_sends_nothing(office: Office) -> None:
    """The plan says how much, another name begins nothing, the right one begins a job that goes to its end."""
    world = office.world
    world.platform.database.write(lambda connection: connection.execute(trail.delete()))
    browser, page = counted(office, kind="replay views", views="trail")
    shown = browser.get(page).text
    assert page == f"{JOBS}/1"
    assert "rebuild 1 views" in shown
    assert "habarshy replay views trail" in shown
    wrong = confirmed(browser, page, "replay view")
    assert (wrong.status_code, "Type the name replay views" in wrong.text) == (409, True)
    assert world.platform.queues.jobs.job(1).state is JobState.COUNTED
    assert confirmed(browser, page, "replay views").headers["location"] == page
    job = world.platform.queues.jobs.job(1)
    assert (job.state, job.asked_by, job.confirmed_by, world.sent) == (JobState.DONE, "olga", "olga", [])
    shown = browser.get(f"{JOBS}/1").text
    assert "Done" in shown
    assert "Rows that differed: trail" in shown
    assert "Cancel it" not in shown
    with world.platform.database.reading() as connection:
        assert connection.execute(trail.select()).all()
        assert connection.execute(statistics.select()).all()


def test_an_audit_says_where_the_log_is_not_what_it_was(office: Office) -> None:
    """A job checks every fact of the chain, its command is shown, and what was altered is named by its place."""
    browser, on = signed_in(office, "olga"), office.world.platform
    form = f"{JOBS}/new?kind=audit+verify"
    assert "it has no key that signs heads" in send(browser, f"{JOBS}/new", form, kind="audit verify").text
    on.runtime.chain_builder.signer = Signer(bytes(range(32)))
    on.runtime.chain_builder.finish()
    altered = log.update().where(log.c.position == 3).values(state=b"")
    on.database.write(lambda connection: connection.execute(altered))
    browser, page = counted(office, kind="audit verify")
    assert "habarshy audit verify" in browser.get(page).text
    confirmed(browser, page, "audit verify")
    assert on.queues.jobs.job(1).state is JobState.DONE
    shown = browser.get(f"{JOBS}/1").text
    assert "1; the first: position 3, block 1" in shown
    assert "Done, but not everything is as it should be" in shown
    shown = browser.get(f"{JOBS}/1?language=ru").text
    assert "1; первое место: позиция 3, блок 1 (факт не тот, что был)" in shown


def test_a_repair_with_nothing_to_do_says_so(office: Office) -> None:
    """Where nothing is missing the job ends with its count, which says how many were looked at."""
    browser, page = counted(office, kind="repair", trigger="identity_card_expiry")
    shown = browser.get(page).text
    assert "There was nothing to do." in shown
    assert "There is nothing to do: 1 person looked at." in shown
    assert office.world.platform.queues.jobs.job(1).state is JobState.DONE


def test_a_repair_plans_what_is_missing_once(office: Office) -> None:
    """Who was not planned is counted first and planned once that is confirmed, by another operator if they like."""
    world = office.world
    world.take(card(AIGERIM, "2025-08-20", number="N2", time="2025-06-01T12:00:00+05:00"))
    browser, page = counted(office, kind="repair", **{"from": "2020-01-01"})
    shown = browser.get(page).text
    assert "Waits to be confirmed" in shown
    assert "to plan" in shown
    assert "habarshy repair --from 2019-12-31T18:00:00Z" in shown
    assert "/console/jobs/new?kind=repair&amp;from=2019-12-31T18%3A00%3A00Z" in shown
    assert world.health().unplanned > 0
    other = signed_in(office, "oleg")
    stale = send(other, f"{page}/confirm", page, name="repair", count="99")
    assert (stale.status_code, "What was counted does not hold any more" in stale.text) == (409, True)
    assert confirmed(other, page, "repair").status_code == 303
    again = confirmed(browser, page, "repair")
    assert (again.status_code, "cannot be confirmed: it is done" in again.text) == (409, True)
    job = world.platform.queues.jobs.job(1)
    assert (job.state, job.asked_by, job.confirmed_by) == (JobState.DONE, "olga", "oleg")
    assert (world.health().unplanned, world.sent) == (0, [])
    assert "oleg" in browser.get(page).text


def test_a_count_that_takes_long_is_watched_and_cancelled(office: Office) -> None:
    """The page says that it is counted and how far, and has no button that begins anything; it is cancelled."""
    jobs = office.world.platform.queues.jobs
    number = jobs.ask("repair", Lane.NUDGES, {}, "olga").id
    browser, page = signed_in(office, "olga"), f"{JOBS}/{number}"
    shown = browser.get(page).text
    assert "Counting" in shown
    assert "Nothing is done before you confirm it" in shown
    assert "/confirm" not in shown
    early = send(browser, f"{page}/confirm", page, name="repair", count="0")
    assert (early.status_code, "cannot be confirmed: it is counting" in early.text) == (409, True)
    assert "Counting" in browser.get(JOBS).text
    refused = send(browser, f"{JOBS}/new", f"{JOBS}/new?kind=backfill", kind="repair-failed")
    assert (refused.status_code, "asked for by olga" in refused.text) == (422, True)
    assert send(browser, f"{page}/cancel", page, number=str(number)).status_code == 303
    assert jobs.job(number).state is JobState.CANCELLED


def test_a_paused_count_goes_on_to_its_confirmation(office: Office) -> None:
    """Whoever goes on with a count gets a count; counted again it waits once more."""
    office.world.take(card(AIGERIM, "2025-08-20", number="N2", time="2025-06-01T12:00:00+05:00"))
    jobs = office.world.platform.queues.jobs
    number = jobs.ask("repair", Lane.NUDGES, {}, "olga").id
    browser, page = signed_in(office, "olga"), f"{JOBS}/{number}"
    send(browser, f"{page}/pause", page)
    assert jobs.job(number).state is JobState.PAUSED
    for _ in range(2):
        send(browser, f"{page}/resume", page)
        ended()
        assert jobs.job(number).state is JobState.COUNTED
    assert "Count again" in browser.get(page).text
    assert office.world.health().unplanned > 0


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("kind=repair&from=yesterday", "&#39;yesterday&#39; is no time"),
        ("kind=repair&from=2025-02-01&to=2025-01-01", "2025-01-01 is not after 2025-02-01"),
        ("kind=repair&trigger=identity_card", "did you mean"),
        ("kind=repair&area=7", "&#39;7&#39; is no code"),
        ("kind=replay+views", "name at least one"),
        ("kind=replay+views&views=trial", "did you mean"),
        ("kind=replay+kafka&from=1", "there is no Kafka here"),
        ("kind=repair-failed&channel=pigeon", "no channel is called"),
        ("kind=backfill&trigger=identity_card_expiry&since=2020-01-01", "belongs to another agency"),
    ],
)
def test_what_cannot_be_asked_is_named(office: Office, query: str, words: str) -> None:
    """A wrong field is named beside the form, nothing is begun."""
    wish = dict(parse_qsl(query))
    form = f"{JOBS}/new?kind={quote_plus(wish['kind'])}"
    answer = send(signed_in(office, "olga"), f"{JOBS}/new", form, **wish)
    assert (answer.status_code, words in answer.text) == (422, True)
    assert office.world.platform.queues.jobs.latest(9) == []


def test_a_paused_job_is_gone_on_with_here(office: Office) -> None:
    """What was paused goes on from the browser and ends."""
    number = put_up(office, JobState.PAUSED)
    browser = signed_in(office, "olga")
    send(browser, f"{JOBS}/{number}/resume", f"{JOBS}/{number}")
    ended()
    assert office.world.platform.queues.jobs.job(number).state is JobState.DONE
    again = send(browser, f"{JOBS}/{number}/resume", f"{JOBS}/{number}")
    assert (again.status_code, "cannot be resumed" in again.text) == (409, True)


LANGUAGES = {
    "ru": (
        "исправление планов – отменить: 3, запланировать: 3",
        "отменить: 3, запланировать: 3",
        "Задание 1 нельзя продолжить: оно завершено.",
    ),
    "kk": (
        "жоспарларды түзету – тоқтату: 3, жоспарлау: 3",
        "тоқтату: 3, жоспарлау: 3",
        "1-тапсырманы жалғастыру мүмкін емес: ол аяқталған.",
    ),
}
"""Language -> what was counted, what came of it, and why it is not resumed."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_plans_results_and_refusals_are_told_in_the_language_of_the_page(office: Office, language: str) -> None:
    """What a job would do, what came of it and why it is refused are translated; the words of older rows stay."""
    plan, result, refusal = LANGUAGES[language]
    office.world.take(card(AIGERIM, "2025-08-20", number="N2", time="2025-06-01T12:00:00+05:00"))
    browser, page = counted(office, kind="repair", **{"from": "2020-01-01"})
    assert plan in browser.get(f"{page}?language={language}").text
    confirmed(browser, page, "repair")
    assert f'<span class="faint">{result}</span>' in browser.get(page).text
    assert refusal in send(browser, f"{page}/resume", page).text
    old = job_rows.update().where(job_rows.c.id == 1).values(words="3 to plan")
    office.world.platform.database.write(lambda connection: connection.execute(old))
    assert '<span class="faint">3 to plan</span>' in browser.get(page).text


@pytest.mark.parametrize(("language", "label"), [("ru", "Сообщений по плану"), ("kk", "Жоспар бойынша хабарламалар")])
def test_results_that_are_kept_for_programs_have_labels(office: Office, language: str, label: str) -> None:
    """The numbers of a verification are told by what they count, in the language of the page."""
    browser, page = counted(office, kind="replay verify")
    confirmed(browser, page, "replay verify")
    shown = browser.get(f"{page}?language={language}").text
    assert f"{label}: " in shown
    assert [each for each in ("unplannable: ", "intents: ", "digest: ") if each in shown] == []


def test_a_job_is_cancelled_after_its_number_was_typed(office: Office) -> None:
    """Without its number it stays; with it, it has ended for good, and another may begin."""
    number = put_up(office, JobState.PAUSED)
    browser, page = signed_in(office, "olga"), f"{JOBS}/{number}"
    busy = send(browser, f"{JOBS}/new", f"{JOBS}/new?kind=replay+verify", kind="replay verify")
    assert (busy.status_code, "Not now" in busy.text) == (422, True)
    assert send(browser, f"{page}/cancel", page, number="9").status_code == 409
    assert send(browser, f"{page}/cancel", page, number=str(number)).status_code == 303
    assert office.world.platform.queues.jobs.job(number).state is JobState.CANCELLED
    counted(office, kind="replay verify")


def test_a_planned_job_is_paused(office: Office) -> None:
    """Pausing is seen by whoever works at it, between two steps."""
    number = put_up(office, JobState.PLANNED)
    assert send(signed_in(office, "olga"), f"{JOBS}/{number}/pause", f"{JOBS}/{number}").status_code == 303
    assert office.world.platform.queues.jobs.job(number).state is JobState.PAUSED


def test_a_server_that_ends_leaves_its_jobs_to_others(office: Office) -> None:
    """A server that works at jobs has none at work at its end; one is done, or waits for whoever goes on with it."""
    platform = office.world.platform
    number = put_up(office, JobState.PAUSED)
    with client_of(application(platform, works=True), **HTML) as browser:
        browser.post("/sign-in/token", data={"token": office.tokens["olga"]})
        send(browser, f"{JOBS}/{number}/resume", f"{JOBS}/{number}")
    job = platform.queues.jobs.job(number)
    assert (job.state, job.waits) in {(JobState.DONE, False), (JobState.PLANNED, True)}
    assert not [each for each in threading.enumerate() if each.name.startswith("job-")]


def test_a_server_only_asks(office: Office) -> None:
    """Where no process of the role jobs runs, the page of the job says that it waits, and what to start."""
    platform = office.world.platform
    number = put_up(office, JobState.PAUSED)
    with client_of(application(platform), **HTML) as browser:
        browser.post("/sign-in/token", data={"token": office.tokens["olga"]})
        send(browser, f"{JOBS}/{number}/resume", f"{JOBS}/{number}")
        page = browser.get(f"{JOBS}/{number}", headers={"accept-language": "en"}).text
    assert "Waits: no process works on jobs. Start habarshy jobs" in page
    assert platform.queues.jobs.job(number).waits


@pytest.mark.parametrize("path", ["99", "x", "99999999999999"])
def test_no_such_job(office: Office, path: str) -> None:
    """A job that is not there is 404."""
    assert signed_in(office, "olga").get(f"{JOBS}/{path}").status_code == 404


BAD_FORMS: Sequence[Mapping[str, Any]] = [
    {"kind": "replay views"},
    {"kind": "repair", "from": "tomorrow"},
    {"kind": "repair", "from": "2026-02-01", "to": "2026-01-01"},
    {"kind": "repair", "area": "x"},
    {"kind": "repair-failed", "channel": "smss"},
    {"kind": "resolve-unknown", "how": "so"},
    {"kind": "resolve-unknown", "how": "close"},
    {"kind": "erase"},
    {"kind": "erase", "persons": "somebody"},
    {"kind": "backfill", "trigger": "clinic_attachment"},
    {"kind": "backfill", "trigger": "clinic_attachment", "since": "2999-01-01"},
]


@pytest.mark.parametrize("language", ["ru", "kk"])
@pytest.mark.parametrize("given", BAD_FORMS, ids=str)
def test_what_is_wrong_with_a_form_is_told_in_the_readers_language(
    office: Office, given: Mapping[str, Any], language: str
) -> None:
    """Whatever is wrong with the form of a job, the page that says so has no English sentence about it."""
    orders = Orders(office.world.platform)
    olga = Principal("olga", "health", frozenset([Role.OPERATOR, Role.AUTHOR]))
    with pytest.raises(BadOrder) as caught:
        orders.of(given["kind"], {name: [value] for name, value in given.items() if name != "kind"}, olga)
    said = Speech(language, zone_of("Asia/Almaty")).tell(caught.value.problem)
    names = re.compile(r"'[^']*'|replay \w+|\b(?:push|sms|email|ask|again|close)\b")
    assert not re.search(r"[a-z]{3,}", names.sub("", said)), said
