"""Routes, each declared at the method that answers it, and analysed when it is first asked for.

A start need not wait until the framework has seen all.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, ClassVar, TypeVar

from fastapi.params import Depends
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Parts = tuple[str, Callable[..., Any], Mapping[str, Any]]
"""The path, the endpoint and the options of a route."""
_MARKED = "_routes"
"""The attribute of an endpoint that has its routes: pairs of a path and options."""


class LazyRoute(Route):
    """A route whose parameters and answers are analysed when it is first asked for.

    `route_class` and `options`: what it is made of then, as `fastapi.routing.APIRoute` has them.
    """

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        methods: Sequence[str],
        route_class: type[APIRoute] = APIRoute,
        **options: Any,
    ) -> None:
        super().__init__(path, endpoint, methods=methods, include_in_schema=options.get("include_in_schema", True))
        self.methods = set(methods)  # without HEAD, which the application answers for all routes
        self._make = partial(route_class, path, endpoint, methods=[*methods], **options)

    @cached_property
    def analysed(self) -> APIRoute:
        """Return the framework's own route."""
        return self._make()

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return whether this is the route of a request, and what the request then knows."""
        match, known = super().matches(scope)
        return match, {**known, "route": self} if match is not Match.NONE else known

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        await self.analysed.handle(scope, receive, send)


def route(path: str, **options: Any) -> Callable[[Endpoint], Endpoint]:
    """Make a method of a `Routed` the endpoint of a route. `options`: as `LazyRoute` takes them."""

    def mark(endpoint: Endpoint) -> Endpoint:
        vars(endpoint).setdefault(_MARKED, []).append((path, options))
        return endpoint

    return mark


def get(path: str, **options: Any) -> Callable[[Endpoint], Endpoint]:
    """Make a method of a `Routed` the endpoint of a GET."""
    return route(path, methods=["GET"], **options)


def post(path: str, **options: Any) -> Callable[[Endpoint], Endpoint]:
    """Make a method of a `Routed` the endpoint of a POST."""
    return route(path, methods=["POST"], **options)


class Routed:
    """Pages or calls whose methods are the endpoints of routes. A subclass names the options that all these have."""

    _common: ClassVar[Mapping[str, Any]] = {}

    def __init_subclass__(cls, **common: Any) -> None:
        super().__init_subclass__()
        cls._common = {**cls._common, **common}

    def endpoints(self) -> Iterator[Parts]:
        """Yield the path, the endpoint and the options of each route."""
        for name, method in vars(type(self)).items():
            for path, options in getattr(method, _MARKED, ()):
                yield path, getattr(self, name), options

    def routes(
        self, responses: Mapping[int | str, dict[str, Any]], dependencies: Sequence[Depends]
    ) -> Iterator[LazyRoute]:
        """Yield the routes. `responses`, `dependencies`: what they have besides their own."""
        for path, endpoint, own in self.endpoints():
            options = {**self._common, **own}
            both = [*dependencies, *options.get("dependencies", ())]
            every = {**responses, **options.get("responses", {})}
            yield LazyRoute(path, endpoint, **(options | {"dependencies": both, "responses": every}))


def analysed(routes: Sequence[BaseRoute]) -> list[BaseRoute]:
    """Return the routes as the framework describes them."""
    return [each.analysed if isinstance(each, LazyRoute) else each for each in routes]
