"""Email addresses as SMTP takes them (RFC 5321, section 4.1.2)."""

import re

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_MAILBOX = re.compile(rf"(?=.{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+")
_LONGEST = 254  # RFC 5321, section 4.5.3.1.3: a path has 256 octets, two of them its brackets


def mailbox(address: str) -> str | None:
    """Return the address in ASCII, an international domain in its `xn--` form; None if no mail can be sent to it.

    Quoted local parts, address literals and local parts beyond ASCII (RFC 6531) are not served.
    """
    if len(address) > _LONGEST:
        return None
    local, _, domain = address.rpartition("@")
    wire = f"{local}@{domain if domain.isascii() else _in_ascii(domain)}"
    return wire if len(wire) <= _LONGEST and _MAILBOX.fullmatch(wire) else None


def _in_ascii(domain: str) -> str:
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        return ""
