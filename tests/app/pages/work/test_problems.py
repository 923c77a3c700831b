"""The pages of problems, as officials read them."""

import re
from html import unescape
from uuid import UUID

import pytest

from app.http.problems import MEDIA_TYPE
from tests.app.pages.work.drafts.test_drafts import written
from tests.app.pages.work.rule.test_rule_form_page import LATIN
from tests.app.pages.work.workshop import CLINIC, FINE, Workshop, begun, signed_in

DETAIL = re.compile(r'<p lang="(\w+)">(.*?)</p>')
"""The sentence about this very request, and its language."""


COMMANDS = re.compile(r"`habarshy [a-z ]+`")


@pytest.mark.parametrize("language", ["kk", "ru"])
def test_an_official_reads_what_is_wrong_in_their_language(quiet: Workshop, language: str) -> None:
    """What is not there, not allowed or not expected is told in the language of the page; a program reads English."""
    aida, fred = signed_in(quiet, "aida"), signed_in(quiet, "fred")
    mine, theirs = begun(aida), begun(fred, **{"from": FINE})
    aida.get(f"/work?language={language}")
    for path, status in {
        "/work/drafts/99": 404,
        theirs: 403,
        f"/work/submissions/clinic/{'a' * 64}": 404,
        "/work/backtests/7": 404,
        f"/work/letters/{UUID(int=7)}": 404,
        "/console": 403,
        f"{mine}/example?at=99": 404,
        f"{mine}/example?at=first": 422,
        f"{mine}/mail?step=none&spoken=kk": 404,
    }.items():
        answer = aida.get(path)
        assert answer.status_code == status, path
        [(spoken, said)] = DETAIL.findall(unescape(answer.text))
        assert spoken == language, path
        assert not LATIN.search(COMMANDS.sub("", said)), said
        plain = aida.client.get(path, headers={"accept": "application/json"})
        assert plain.headers["content-type"] == MEDIA_TYPE
        assert LATIN.search(plain.json()["detail"]), path


def test_an_address_that_takes_forms_leads_to_their_page(quiet: Workshop) -> None:
    """Whoever opens the address of a confirmation or of a refused form anew gets the page that has the form."""
    dana, draft = written(quiet)
    version = dana.post(f"{draft}/submit").headers["location"].partition("?")[0]
    for page, form in ((version, "publish"), (f"{draft}/form", "merge"), (f"/work/triggers/{FINE}", "pause")):
        answer = dana.get(f"{page}/{form}")
        assert (answer.status_code, answer.headers["location"]) == (303, page)
    assert dana.client.get(f"{version}/publish", headers={"accept": "application/json"}).status_code == 405


def test_only_the_answer_to_a_form_of_a_draft_is_kept_by_the_browser(quiet: Workshop) -> None:
    """Back shows a refused form with all that was typed; any other page is asked for anew."""
    dana, draft = written(quiet)
    refused = dana.post(f"{draft}/note", note="nothing")
    assert (refused.status_code, refused.headers["cache-control"]) == (422, "private, no-cache")
    for page in (dana.get(f"{draft}/note"), dana.post("/work/new"), dana.post(f"/work/triggers/{CLINIC}/pause")):
        assert page.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("language", ["kk", "ru"])
def test_a_request_made_by_hand_is_refused_in_the_language_of_the_page(quiet: Workshop, language: str) -> None:
    """What no form of the page sends is refused without an English word, but for the names that were sent."""
    dana, draft = written(quiet)
    version = dana.post(f"{draft}/submit").headers["location"].partition("?")[0]
    dana.get(f"/work?language={language}")
    olga, everybody = signed_in(quiet, "olga"), {"share": "1.0", "sure": "yes"}
    olga.get(f"/console?language={language}")
    for answer in (
        dana.get(f"{draft}/preview?persona=king"),
        dana.get("/work/triggers/clinic_attachment?days=8"),
        dana.post(f"{version}/approve"),
        dana.post(f"{version}/publish", **everybody),
        dana.post(f"{version}/refuse", said="x" * 501),
        dana.post("/work/triggers/clinic_attachment/pause", reason=""),
        olga.post("/console/jobs/new", kind="replay views", views="trial"),
    ):
        assert answer.status_code >= 400
        told = re.findall(r'<p lang="[a-z]+">(.*?)</p>|<p class="error"[^>]*>(.*?)</p>', unescape(answer.text))
        for said in filter(None, (sentence for both in told for sentence in both)):
            assert not re.search("[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}", said), said


@pytest.mark.parametrize(("language", "said"), [("kk", "форма басқа кіруден"), ("ru", "форма осталась от другого")])
def test_an_old_form_is_told_in_the_language_of_the_page(quiet: Workshop, language: str, said: str) -> None:
    """A form of another visit is refused in words, not in the platform's own English."""
    aida = signed_in(quiet, "aida")
    aida.get(f"/work?language={language}")
    answer = aida.client.post("/work/new", data={"csrf": "of another visit"})
    assert answer.status_code == 403
    assert said.capitalize() in answer.text


def test_a_page_that_is_not_there_says_nothing_twice(quiet: Workshop) -> None:
    """Where only the status is known, no English sentence of the framework follows."""
    answer = signed_in(quiet, "aida").get("/work/nothing?language=ru")
    assert answer.status_code == 404
    assert DETAIL.findall(answer.text) == []
