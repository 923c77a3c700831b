"""What the fuzzing found, each with the input that broke it: it stays mended."""

import os
from pathlib import Path
from typing import Any

import pytest
from smpp34 import DeliverSm, Tlv

from domain.conditions.language import BadCondition, Conditions
from domain.facts.receipts import ReceiptStatus
from notifiers.email.bounces import NoBounceError, reports_in
from notifiers.port.interface import Accepted, Reason, Report
from notifiers.sms.smpp.receipts import UnreadableError, report
from templates.reading.files import MOST_BYTES
from tests.notifiers.bounced import TOKEN, postfix
from tests.notifiers.gateway import gateway, http, sms_by
from tests.notifiers.sms_helpers import sms
from tests.templates.packs import KK, METER, RULES, findings_of, write_town

CONDITIONS = Conditions({"event.kind": "string", "event.amount": "integer"})
TENS = "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"
NUMBER = "number: {type: string, minLength: 2}"


def loops(depth: int) -> str:
    """Loops in loops, ten to the power of `depth` rounds in all."""
    inner = "event.amount > 0"
    for level in range(depth):
        inner = f"{TENS}.all(x{level}, {inner})"
    return inner


def test_a_condition_beyond_the_engines_budget_has_no_answer() -> None:
    """A billion rounds end at once, and are no answer rather than an exception in the midst of planning."""
    assert CONDITIONS.compile(loops(2)).holds({"event.amount": 1}) is True
    assert CONDITIONS.compile(loops(9)).holds({"event.amount": 1}) is None


@pytest.mark.parametrize("text", ["event.kind == '\ud800'", "\udfff"])
def test_half_a_character_in_a_condition_is_refused(text: str) -> None:
    """It is a bad condition like others."""
    with pytest.raises(BadCondition, match="half a character"):
        CONDITIONS.compile(text)


def test_half_a_character_in_a_value_is_no_answer() -> None:
    """A value that is no text the engine can hold is like one that is missing."""
    assert CONDITIONS.compile("event.kind == 'a'").holds({"event.kind": "\ud800"}) is None


@pytest.mark.parametrize("charset", [b'"a\0b"', b"\0", b"ut\0f-8"])
def test_a_bounce_with_an_impossible_charset_is_read(charset: bytes) -> None:
    """The words around the report are not decoded, so nothing in them can stop all bounces behind this one."""
    mail = postfix().replace(b"charset=us-ascii", b"charset=" + charset, 1).replace(b"I'm sorry", b"\xff\xfe")
    assert charset in mail
    assert reports_in(mail) == [Report(TOKEN, ReceiptStatus.FAILED, Reason.BAD_ADDRESS, "5.1.1")]
    with pytest.raises(NoBounceError):
        reports_in(b"Content-Type: text/plain; charset=" + charset + b"\r\n\r\n\xff")


@pytest.mark.parametrize("name", ["1\0", "\n", "1" * 501])
async def test_a_name_that_cannot_be_kept_is_none(name: str) -> None:
    """A gateway that took a message and names it so loses nobody's outcome: the message has our own name."""
    answer = http(200, b'{"id": "%b"}' % name.encode())
    async with gateway(answer) as peer, sms_by(peer.port, answer=r'"id":\s*"(?P<id>[^"]*)"') as notifier:
        [outcome] = await notifier.send([message := sms()])
    assert outcome == Accepted(f"{message.key}:{message.attempt}")


@pytest.mark.parametrize("name", [b"1\x002", b"1" * 5000, b"\n"])
def test_a_receipt_with_a_name_that_cannot_be_kept_is_unreadable(name: bytes) -> None:
    """It is refused alone: no database could look for it, and the receipts behind it would come again for ever."""
    pdu = DeliverSm("77012345678", "1414", b"", tlvs=[Tlv(0x1E, name + b"\0"), Tlv(0x427, b"\x02")])
    for decimal in (False, True):
        with pytest.raises(UnreadableError):
            report(pdu, decimal=decimal)


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _loop(path: Path) -> None:
    path.symlink_to(path)


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(100 * MOST_BYTES)


@pytest.mark.parametrize(
    ("put", "said"),
    [
        (_pipe, "this is no file"),
        (_device, "this is no file"),
        (_huge, "this file is larger than 1024 kB"),
        (_loop, "this file cannot be read: Too many levels of symbolic links"),
    ],
)
def test_what_is_no_file_of_a_pack_is_not_read(tmp_path: Path, put: Any, said: str) -> None:
    """A pipe or a device would never end, a huge file would take all memory: a finding says what is there."""
    town = write_town(tmp_path)
    for name in (KK, METER, RULES):
        (town / name).unlink()
        put(town / name)
    assert {f"{name}:1:1: {said}" for name in (KK, METER, RULES)} <= set(findings_of(town))


@pytest.mark.parametrize("pattern", ["(a?){50}a{50}", "(a|a)*b", "(a+)+c", "((x?){9}){9}x{81}"])
def test_a_pattern_that_takes_for_ever_does_not(tmp_path: Path, pattern: str) -> None:
    """An example is made for it within the limits of the validator, or not at all."""
    number = f'{NUMBER[:-1]}, maxLength: 99, pattern: "{pattern}"}}'
    assert findings_of(write_town(tmp_path, (METER, NUMBER, number))) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "found"),
    [
        (METER, NUMBER, "number: {type: string, minLength: 999999999}", "10:39: minLength must be at most 65536"),
        (
            METER,
            f"    {NUMBER}\n",
            f"    {NUMBER}\n" + "".join(f"    f{at}: {{type: boolean}}\n" for at in range(600)),
            "10:5: properties has more than 500 entries",
        ),
        (
            RULES,
            "  day:\n",
            "".join(f"  s{at}: {{from: event.valid_until}}\n" for at in range(200)) + "  day:\n",
            "12:3: due has more than 100 entries",
        ),
    ],
    ids=["minLength", "properties", "due"],
)
def test_numbers_that_only_cost_time_are_refused(tmp_path: Path, file: str, old: str, new: str, found: str) -> None:
    """What makes the linter work for minutes is a finding at once."""
    assert findings_of(write_town(tmp_path, (file, old, new))) == [f"{file}:{found}"]
