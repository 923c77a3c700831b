"""The meaning of the command_status of an answer (SMPP 3.4, 5.1.3)."""

from typing import Final

from notifiers.port.interface import GiveUp, Reason, RetryLater

OK: Final = 0x00
INVALID_COMMAND: Final = 0x03
NOT_BOUND: Final = 0x04
TRY_AGAIN: Final = 0x64  # ESME_RX_T_APPN: our answer to what we could not keep now
NEVER: Final = 0x65  # ESME_RX_P_APPN: our answer to what makes no sense

THROTTLED: Final = {0x14: "ESME_RMSGQFUL", 0x58: "ESME_RTHROTTLED"}
"""The provider asks us to go slower: the message itself is welcome."""

_PASSING: Final = {
    0x08: "ESME_RSYSERR",
    0x64: "ESME_RX_T_APPN",
    0xFF: "ESME_RUNKNOWNERR",
}
_ABOUT_US: Final = {  # whatever message comes next will be refused alike, until somebody corrects the settings
    0x04: "ESME_RINVBNDSTS",
    0x05: "ESME_RALYBND",
    0x0A: "ESME_RINVSRCADR",
    0x0D: "ESME_RBINDFAIL",
    0x0E: "ESME_RINVPASWD",
    0x0F: "ESME_RINVSYSID",
    0x15: "ESME_RINVSERTYP",
    0x48: "ESME_RINVSRCTON",
    0x49: "ESME_RINVSRCNPI",
    0x50: "ESME_RINVDSTTON",
    0x51: "ESME_RINVDSTNPI",
    0x53: "ESME_RINVSYSTYP",
}
_ABOUT_IT: Final = {
    0x01: ("ESME_RINVMSGLEN", Reason.TOO_LARGE),
    0x02: ("ESME_RINVCMDLEN", Reason.REJECTED),
    0x03: ("ESME_RINVCMDID", Reason.REJECTED),
    0x06: ("ESME_RINVPRTFLG", Reason.REJECTED),
    0x07: ("ESME_RINVREGDLVFLG", Reason.REJECTED),
    0x0B: ("ESME_RINVDSTADR", Reason.BAD_ADDRESS),
    0x0C: ("ESME_RINVMSGID", Reason.REJECTED),
    0x43: ("ESME_RINVESMCLASS", Reason.REJECTED),
    0x45: ("ESME_RSUBMITFAIL", Reason.REJECTED),
    0x54: ("ESME_RINVREPFLAG", Reason.REJECTED),
    0x61: ("ESME_RINVSCHED", Reason.REJECTED),
    0x62: ("ESME_RINVEXPIRY", Reason.REJECTED),
    0x63: ("ESME_RINVDFTMSGID", Reason.REJECTED),
    0x65: ("ESME_RX_P_APPN", Reason.REJECTED),
    0x66: ("ESME_RX_R_APPN", Reason.REJECTED),
    0xC0: ("ESME_RINVOPTPARSTREAM", Reason.REJECTED),
    0xC1: ("ESME_ROPTPARNOTALLWD", Reason.REJECTED),
    0xC2: ("ESME_RINVPARLEN", Reason.REJECTED),
    0xC3: ("ESME_RMISSINGOPTPARAM", Reason.REJECTED),
    0xC4: ("ESME_RINVOPTPARAMVAL", Reason.REJECTED),
    0xFE: ("ESME_RDELIVERYFAILURE", Reason.UNDELIVERED),
}


BOUND_ELSEWHERE: Final = _ABOUT_US[0x05]
"""The account has a link already, and may have no other."""


def refusal(status: int) -> RetryLater | GiveUp:
    """Return the outcome of a message that was answered with this status, which is not `OK`.

    A status that the standard reserves or leaves to the vendor refuses the message.
    """
    if passing := _PASSING.get(status) or THROTTLED.get(status):
        return RetryLater(None, Reason.BUSY, passing)
    if about_us := _ABOUT_US.get(status):
        return RetryLater(None, Reason.NOT_ADMITTED, about_us)
    name, reason = _ABOUT_IT.get(status, (f"{status:#x}", Reason.REJECTED))
    return GiveUp(reason, name)


def no_bind(status: int) -> tuple[Reason, str]:
    """Return the reason why the bind was refused, and the status's name."""
    answer = refusal(status)
    passing = isinstance(answer, RetryLater) and answer.reason is Reason.BUSY
    return (Reason.BUSY if passing else Reason.NOT_ADMITTED), answer.detail
