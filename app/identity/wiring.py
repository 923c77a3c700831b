"""Build what follows from the key file: pseudonyms, links and authenticity codes."""

from msgspec import Struct

from app.identity.authenticity_codes import Codes
from app.identity.links import Links
from domain.core.ids import Names
from streams.rules.context import WriteContext


class Identity(Struct, frozen=True):
    """The makers of pseudonyms, signed links, and the codes by which a message proves itself."""

    names: Names
    links: Links
    codes: Codes


def build(context: WriteContext, base_url: str, key: bytes) -> Identity:
    """Return the objects of this package; `key`: the one that pseudonyms are made with."""
    links = Links(base_url, key)
    return Identity(context.names, links, Codes(links.secret("genuine"), context))
