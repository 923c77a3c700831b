"""Routes that are analysed when they are first asked for."""

from app.http.routes import LazyRoute
from tests.app.http.wire import client_of, routes_of, served
from tests.world import World


def test_a_start_analyses_no_route(world: World) -> None:
    """A request has only its own route analysed; the others wait until somebody asks for them."""
    app = served(world.platform)
    lazy = [each for each in app.routes if isinstance(each, LazyRoute)]
    assert not any("analysed" in vars(each) for each in lazy)

    client_of(app).get("/livez")

    assert [each.path for each in lazy if "analysed" in vars(each)] == ["/livez"]
    assert len(routes_of(app)) == len(lazy)
