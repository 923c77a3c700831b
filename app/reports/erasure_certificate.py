"""The certificate of an erasure as a page to print."""

from collections.abc import Iterator

from markupsafe import escape

from streams.privacy.erasure import Certificate

_TOP = (
    '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Certificate of erasure</title>\n'
    "<style>body{font-family:system-ui,sans-serif;margin:2cm;max-width:18cm}td,th{padding:4px 12px 4px 0;"
    "text-align:left;vertical-align:top}td{overflow-wrap:anywhere}@page{margin:2cm}</style>\n</head>\n<body>\n"
)
_SAID = (
    "The key that opened this person's data was destroyed. Every part of the log that it sealed can be read by "
    "nobody, in any copy that follows this log. What stays names no person but by a pseudonym: "
    "the law obliges to keep it as proof of what was done."
)


def certificate_rows(one: Certificate) -> Iterator[tuple[str, str]]:
    """Yield the certificate line by line: name and value."""
    yield "person", one.person
    yield "erased at", f"{one.at:%Y-%m-%d %H:%M:%S}Z"
    yield "by", f"{one.by} of {one.agency}"
    yield "reason", one.reason
    yield "fact", f"position {one.position}, SHA-256 {one.fact}"
    yield "destroyed key", f"{one.key or 'none'}, SHA-256 {one.wrapped or 'none'}"
    yield from ((f"removed from {name}", str(count)) for name, count in sorted(one.removed.items()))
    yield from ((f"kept, sealed for ever: {topic}", str(count)) for topic, count in one.kept.items())
    yield "write-ahead log", "emptied" if one.clean else "somebody reads it: run the command again to empty it"


def page(one: Certificate) -> str:
    """Return the page."""
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>\n" for name, value in certificate_rows(one)
    )
    return (
        f"{_TOP}<h1>Certificate of erasure</h1>\n<p>{escape(_SAID)}</p>\n<table>\n{rows}</table>\n</body>\n</html>\n"
    )
