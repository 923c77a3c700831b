"""The tools of an assistant as its person's token opens them, without HTTP."""

from mcp.server import MCPServer

from app.reports.assistant import Assistant
from tests.app.pages.visitor import token_of
from tests.world import World


def server_for(world: World, national_id: str) -> MCPServer:
    """A server for whoever has a token that they made now."""
    token = token_of(world, national_id)
    return Assistant(world.platform, lambda: token).server()
