"""habarshy mcp: an assistant asks for one person, over standard input and output."""

import os

from app.cli.platform_options import TimedOptions
from app.identity.links import BadLink
from app.identity.principals import TOKEN_VARIABLE
from domain.facts.principals import NotAllowed


def mcp(*, on: TimedOptions) -> None:
    """Serve an assistant (MCP) for the person whose token is in HABARSHY_TOKEN; read-only."""
    from app.compose import compose  # noqa: PLC0415  (the same)
    from app.reports.assistant import Assistant, person_of_token  # noqa: PLC0415  (a second of imports that no other command needs)

    platform = compose(on.settings, on.clock, make=False)
    token = os.environ.get(TOKEN_VARIABLE, "")
    try:
        person_of_token(platform, token)
    except BadLink:
        platform.database.close()
        raise NotAllowed(
            f"{TOKEN_VARIABLE} has no personal token that is valid now; the page My data makes one"
        ) from None
    try:
        Assistant(platform, lambda: token).server().run("stdio")
    finally:
        platform.database.close()
