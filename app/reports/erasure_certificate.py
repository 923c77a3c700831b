"""The certificate of an erasure, line by line."""

from collections.abc import Iterator

from streams.privacy.erasure import Certificate


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
