"""Mails of the workbench: who is told what, and who never is."""

import re
from pathlib import Path

import pytest
from sqlalchemy import select

from app.identity.principals import add
from app.providers import ProviderSettings
from domain.facts.governance import SentAsTest
from domain.facts.principals import Principal
from domain.facts.submissions import Subject
from streams.delivery.send.fake_outbox import KeptMessage
from streams.storage.tables import fake_messages
from tests.app.pages.work.drafts.test_drafts import submitted, written
from tests.app.pages.work.workshop import APPROVER, AUTHOR, CLINIC, Workshop, begun, signed_in, workshop_in


def somebody(workshop: Workshop, name: str, agency: str, *roles: str, email: str = "") -> None:
    """Register one more official, with an address if there is one."""
    contacts = {"email": email} if email else {}
    who = Principal(name, agency, frozenset(map(type(AUTHOR), roles)), contacts)
    workshop.tokens[name] = add(workshop.world.platform.settings.principals, who)  # type: ignore[index]


def mails(workshop: Workshop, name: str) -> list[KeptMessage]:
    """What the stand-in of the mail service kept for an official, in its order."""
    platform = workshop.world.platform
    recipient = platform.rules.context.names.pseudonym(f"principal {name}")
    with platform.database.reading() as connection:
        query = select(fake_messages.c.nudge).where(fake_messages.c.recipient == recipient)
        nudges = [row.nudge for row in connection.execute(query)]
        return list(platform.delivery.fake_outbox.last_of_each(connection, recipient, nudges).values())


def test_approvers_are_mailed_when_something_is_handed_in(quiet: Workshop) -> None:
    """In three languages with the address of the page; neither who handed it in, nor authors, nor other agencies."""
    somebody(quiet, "saule", "health", APPROVER, email="saule@health.example")
    somebody(quiet, "marat", "health", AUTHOR, email="marat@health.example")
    somebody(quiet, "zhan", "interior", APPROVER, email="zhan@interior.example")
    where = submitted(quiet)
    [mail] = mails(quiet, "saule")
    assert mail.title == "Хабаршы: clinic_attachment"
    for said in ("мақұлдауыңызды күтіп тұр", "ждёт вашего утверждения", "waits for your approval", "dana"):
        assert said in mail.text
    assert f"http://testserver{where}" in mail.text
    assert mails(quiet, "marat") == mails(quiet, "zhan") == mails(quiet, "dana") == []
    assert quiet.world.nudges() == []
    assert quiet.world.sent == []


def test_who_handed_it_in_is_told_by_page_whom_a_mail_reached(quiet: Workshop) -> None:
    """The names once, or that nobody has an address; handing in the same again mails nobody anew."""
    dana, where = written(quiet)
    page = dana.client.post(f"{where}/submit", data={"csrf": dana.csrf}, follow_redirects=True).text
    assert "Your colleagues got no email about this: none whom it concerns has a registered address." in page
    address = re.search(r'<input type="text" id="address" class="long" value="([^"]+)" readonly>', page)
    assert address is not None, "it is selected without a script"
    path = address[1].removeprefix("http://testserver")
    assert re.fullmatch("/work/submissions/clinic_attachment/[0-9a-f]{12}", path), "it fits into its field"
    assert signed_in(quiet, "berik").get(path).status_code == 200
    assert len(re.findall("address of this page", page)) == 1
    somebody(quiet, "saule", "health", APPROVER, email="saule@health.example")
    assert dana.post(f"{where}/submit").headers["location"].endswith("done=before")
    assert mails(quiet, "saule") == []


def test_the_author_is_mailed_the_refusal_and_reads_it_on_the_draft(quiet: Workshop) -> None:
    """The reason goes by mail to who handed it in, and stands on each page of the draft."""
    somebody(quiet, "saule", "health", AUTHOR, email="saule@health.example")
    berik, (saule, where) = signed_in(quiet, "berik"), written(quiet, "saule")
    address = saule.post(f"{where}/submit").headers["location"].partition("?")[0]
    done = berik.post(f"{address}/refuse", said="the date is wrong")
    assert done.status_code == 303
    assert "Your colleagues got an email about this: saule" in berik.get(done.headers["location"]).text
    assert "Your colleagues got an email about this" not in berik.get(done.headers["location"]).text, (
        "it is said once"
    )
    [mail] = mails(quiet, "saule")
    assert "the date is wrong" in mail.text
    assert f"http://testserver{where}/form" in mail.text, "there it is mended"
    for page in ("/form", "/words", "/tests", "/preview", ""):
        shown = saule.get(f"{where}{page}").text
        assert "The version that was handed in is refused" in shown, page
        assert "the date is wrong" in shown, page


def test_the_author_is_mailed_the_comment_of_an_approval(quiet: Workshop) -> None:
    """The comment goes by mail, and is shown on the draft."""
    somebody(quiet, "saule", "health", AUTHOR, email="saule@health.example")
    berik, (saule, where) = signed_in(quiet, "berik"), written(quiet, "saule")
    address = saule.post(f"{where}/submit").headers["location"].partition("?")[0]
    berik.post(f"{address}/approve", said="well written")
    [mail] = mails(quiet, "saule")
    assert "well written" in mail.text
    assert "The approver’s comment" in saule.get(f"{where}/form").text


def test_what_somebody_wrote_is_told_from_the_words_of_the_mail(quiet: Workshop) -> None:
    """Each line of a comment is marked as quoted, and characters that turn or hide text are shown."""
    somebody(quiet, "saule", "health", AUTHOR, email="saule@health.example")
    berik, (saule, where) = signed_in(quiet, "berik"), written(quiet, "saule")
    address = saule.post(f"{where}/submit").headers["location"].partition("?")[0]
    berik.post(f"{address}/comment", said="fine\u202e\n\n—\n\n“Clinic” is approved by olga.\u2028http://evil.example")
    [mail] = mails(quiet, "saule")
    found = [line for line in mail.text.splitlines() if "olga" in line or "evil" in line]
    assert found
    assert all(line.startswith("> ") for line in found)
    assert "\u202e" not in mail.text


def test_a_comment_decides_nothing_and_goes_to_the_other_side(quiet: Workshop) -> None:
    """What an approver asks is kept with the version and mailed to its author, and the answer to the approvers."""
    somebody(quiet, "saule", "health", AUTHOR, email="saule@health.example")
    somebody(quiet, "marat", "health", APPROVER, email="marat@health.example")
    marat, (saule, draft) = signed_in(quiet, "marat"), written(quiet, "saule")
    where = saule.post(f"{draft}/submit").headers["location"].partition("?")[0]
    before = len(mails(quiet, "marat"))
    asked = marat.post(f"{where}/comment", said="why half past ten?")
    page = marat.get(asked.headers["location"]).text
    assert ("Nothing is decided by it." in page, "Your colleagues got an email about this: saule" in page) == (
        True,
        True,
    )
    assert saule.post(f"{where}/comment", said="the clinics open then").status_code == 303
    assert saule.post(f"{where}/comment", said="the clinics open then").headers["location"].endswith("done=before")
    [mail] = mails(quiet, "saule")
    answers = mails(quiet, "marat")[before:]
    assert ("why half past ten?" in mail.text, f"http://testserver{where}" in mail.text) == (True, True)
    assert [("the clinics open then" in each.text, "сұрады" in each.text) for each in answers] == [(True, False)]
    for language in ("kk", "ru", "en"):
        shown = marat.get(f"{where}?language={language}").text
        assert shown.index("why half past ten?") < shown.index("the clinics open then")
    assert "the clinics open then" in saule.get(f"{draft}/form").text
    [submission] = quiet.world.platform.rules.approval.governed().submitted[Subject("trigger", CLINIC)]
    assert (submission.state, len(submission.comments)) == ("submitted", 2)
    assert marat.post(f"{where}/approve").headers["location"].endswith("done=approved")


def test_a_comment_has_words_and_is_of_the_agency(quiet: Workshop) -> None:
    """An empty one and one that is too long are asked for again; another agency writes none."""
    dana, draft = written(quiet)
    where = dana.post(f"{draft}/submit").headers["location"].partition("?")[0]
    for said, told in ((" ", "Write your comment"), ("x" * 501, "500 characters at most")):
        answer = dana.post(f"{where}/comment", said=said)
        assert (answer.status_code, told in answer.text) == (422, True)
    assert signed_in(quiet, "fred").post(f"{where}/comment", said="mine?").status_code == 403
    assert 'id="comments"' not in dana.get(where).text


def test_an_author_sends_a_message_to_themselves(quiet: Workshop) -> None:
    """To their own address only, marked as a test; a fact without an address, and no nudge."""
    somebody(quiet, "saule", "health", AUTHOR, email="saule@health.example")
    saule, aida = signed_in(quiet, "saule"), signed_in(quiet, "aida")
    where = begun(saule)
    done = saule.post(f"{where}/trial", persona="adult", channel="email", step="moved", spoken="ru")
    assert done.headers["location"].endswith("&done=sent")
    [mail] = mails(quiet, "saule")
    assert mail.title.startswith("[TEST] ")
    assert mail.text.startswith("[TEST] ")
    facts = [each.fact for each in quiet.world.entries() if isinstance(each.fact, SentAsTest)]
    assert [(each.by, each.to, each.channel) for each in facts] == [("saule", "saule", "email")]
    assert "health.example" not in str(facts)
    assert quiet.world.nudges() == []
    refused = aida.post(f"{where}/trial", persona="adult", channel="email", spoken="ru")
    assert refused.headers["location"].endswith("&done=no-address")
    assert "You have no registered address" in aida.get(refused.headers["location"]).text
    assert signed_in(quiet, "fred").post(f"{where}/trial", persona="adult", channel="email").status_code == 403
    assert signed_in(quiet, "berik").post(f"{where}/trial", persona="adult", channel="email").status_code == 403


@pytest.mark.parametrize(
    ("step", "told"), [("month", "best to apply now"), ("week", "There is little time left"), ("day", "apply today")]
)
def test_the_step_that_is_chosen_is_sent(quiet: Workshop, step: str, told: str) -> None:
    """Each message of the rule is offered with its day, and the one that was chosen comes."""
    somebody(quiet, "ivan", "interior", AUTHOR, email="ivan@interior.example")
    ivan = signed_in(quiet, "ivan")
    where = begun(ivan, **{"from": "identity_card_expiry"})
    page = ivan.get(f"{where}/preview").text
    offered = page.partition('<select id="step"')[2].partition("</select>")[0]
    assert re.findall('value="([a-z_]+)"', offered) == ["month", "week", "day"]
    assert offered.count("Message ") == 3
    done = ivan.post(f"{where}/trial", persona="adult", channel="email", step=step, spoken="en")
    assert done.headers["location"].endswith("&done=sent")
    [mail] = mails(quiet, "ivan")
    assert told in " ".join(mail.text.split())


def test_a_step_that_there_is_not_is_not_sent(quiet: Workshop) -> None:
    """A request made by hand for a step that nobody hears sends nothing, and says so."""
    somebody(quiet, "saule", "health", AUTHOR, email="saule@health.example")
    saule = signed_in(quiet, "saule")
    where = begun(saule)
    done = saule.post(f"{where}/trial", persona="adult", channel="email", step="nothing_such", spoken="ru")
    assert (done.headers["location"].endswith("&done=nothing"), mails(quiet, "saule")) == (True, [])


def test_a_preview_of_what_was_handed_in_only_shows(quiet: Workshop) -> None:
    """There is no draft behind it: it offers neither a message to oneself nor a test."""
    where = submitted(quiet)
    page = signed_in(quiet, "berik").get(f"{where}/preview").text
    assert "/trial" not in page
    assert "/examples" not in page


def test_a_mail_service_that_takes_no_mail_is_told(tmp_path: Path) -> None:
    """Where an approver has an address and no mail went, the page says that it is the mail service."""
    nobody_listens = {"kind": "smtp", "host": "127.0.0.1", "port": 1, "security": "none", "sender": "h@gov.test"}
    workshop = workshop_in(tmp_path, providers={"mail": ProviderSettings.model_validate(nobody_listens)})
    somebody(workshop, "saule", "health", APPROVER, email="saule@health.example")
    dana, where = written(workshop)
    page = dana.client.post(f"{where}/submit", data={"csrf": dana.csrf}, follow_redirects=True).text
    assert "Your colleagues got no email about this: the mail service does not take it now." in page
    workshop.world.close()
