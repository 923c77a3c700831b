"""The certificate of an erasure as a page to print, which needs no other file."""

from app.pages.catalogues import Speech
from app.pages.layout import self_contained_page
from app.pages.self_erasure import proof_rows
from streams.privacy.erasure import Certificate


def erasure_letter(one: Certificate, speech: Speech) -> str:
    """Return the page, in that language; names of tables and of facts are as they are."""
    say = speech.say
    return self_contained_page(
        "certificate.html",
        speech,
        rows=[
            *proof_rows(one, speech),
            (say("Erased by"), f"{one.by} ({one.agency})"),
            (say("Why"), one.reason),
        ],
        clean=one.clean,
        removed=[(name, speech.number(count)) for name, count in sorted(one.removed.items())],
        kept=[(topic, speech.number(count)) for topic, count in one.kept.items()],
    )
