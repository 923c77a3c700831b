import pytest

from notifiers.email.smtp_replies import SmtpCommand, refusal
from notifiers.port.interface import GiveUp, Reason, RetryLater


@pytest.mark.parametrize(
    ("stage", "code", "words", "reason"),
    [
        (SmtpCommand.RCPT, 550, "5.1.1 user unknown", Reason.BAD_ADDRESS),
        (SmtpCommand.RCPT, 550, "relay not permitted", Reason.REJECTED),
        (SmtpCommand.RCPT, 551, "we do not relay", Reason.REJECTED),
        (SmtpCommand.RCPT, 553, "not in my rcpthosts", Reason.REJECTED),
        (SmtpCommand.RCPT, 556, "5.1.10 null MX", Reason.BAD_ADDRESS),
        (SmtpCommand.RCPT, 550, "5.7.1 blocked", Reason.REJECTED),
        (SmtpCommand.RCPT, 550, "5.2.1 disabled", Reason.BAD_ADDRESS),
        (SmtpCommand.RCPT, 552, "mailbox full", Reason.MAILBOX_FULL),
        (SmtpCommand.RCPT, 552, "5.2.2 mailbox full", Reason.MAILBOX_FULL),
        (SmtpCommand.RCPT, 554, "no", Reason.REJECTED),
        (SmtpCommand.MAIL, 552, "message too big", Reason.TOO_LARGE),
        (SmtpCommand.MAIL, 552, "5.3.4 message too big", Reason.TOO_LARGE),
        (SmtpCommand.LETTER, 552, "message too big", Reason.TOO_LARGE),
        (SmtpCommand.LETTER, 552, "5.3.4 message too big", Reason.TOO_LARGE),
        (SmtpCommand.LETTER, 552, "5.2.2 over quota", Reason.MAILBOX_FULL),
        (SmtpCommand.LETTER, 550, "5.1.1 user unknown", Reason.BAD_ADDRESS),
        (SmtpCommand.DATA, 554, "no valid recipients", Reason.REJECTED),
    ],
)
def test_a_permanent_refusal_says_why(stage: SmtpCommand, code: int, words: str, reason: Reason) -> None:
    """Each permanent refusal becomes one of our reasons; the enhanced code counts more than the plain one."""
    outcome = refusal(stage, code, words)
    assert isinstance(outcome, GiveUp)
    assert outcome.reason is reason


@pytest.mark.parametrize("code", [530, 534, 535, 538])
def test_a_refused_sign_in_is_not_the_messages_fault(code: int) -> None:
    """When the server wants another sign-in, messages wait for the operator instead of failing."""
    assert refusal(SmtpCommand.MAIL, code, "5.7.0 sign in") == RetryLater(None, Reason.NOT_ADMITTED, f"{code} 5.7.0")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (550, "sender unknown"),
        (550, "5.7.1 <habarshy@gov.test>: Sender address rejected: not owned by user"),
        (553, "5.1.8 sender's domain unknown"),
        (550, "5.1.0 sender rejected"),
        (552, "5.2.2 the sender's quota is used up"),
    ],
)
def test_a_refused_sender_is_not_the_messages_fault(code: int, words: str) -> None:
    """The sender is that of every letter: when the server will not have it, letters wait for the operator."""
    outcome = refusal(SmtpCommand.MAIL, code, words)
    assert isinstance(outcome, RetryLater)
    assert outcome.reason is Reason.NOT_ADMITTED


@pytest.mark.parametrize("words", ["5.1.1 <aigerim@mail.test>: unknown", "aigerim@mail.test is unknown", ""])
def test_only_codes_are_kept(words: str) -> None:
    """The server's words never leave, for they may quote the address."""
    assert "aigerim" not in repr(refusal(SmtpCommand.RCPT, 550, words))


@pytest.mark.parametrize("code", [-25, 0, 99, 199, 200, 250, 354, 600, 999])
def test_what_is_no_refusal_is_not_taken_for_one(code: int) -> None:
    """Only 4xx and 5xx refuse."""
    assert refusal(SmtpCommand.MAIL, code, "") is None


def test_only_the_awaited_digit_goes_on() -> None:
    """MAIL and RCPT go on after 2xx, DATA only after 3xx."""
    welcomed = {
        (stage, code) for stage in SmtpCommand for code in (-2, 199, 250, 251, 354, 450, 550) if stage.welcomes(code)
    }
    others = {(stage, code) for stage in SmtpCommand if stage is not SmtpCommand.DATA for code in (250, 251)}
    assert welcomed == others | {(SmtpCommand.DATA, 354)}
