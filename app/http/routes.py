"""Routes that are analysed when they are first asked for: a start need not wait until the framework has seen all."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

from fastapi.params import Depends
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send


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


class Routes:
    """The routes of some pages or calls. `common`: the options that they all have, as `LazyRoute` takes them."""

    def __init__(self, **common: Any) -> None:
        self._common = common
        self._added: list[tuple[str, Callable[..., Any], dict[str, Any]]] = []

    def add(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """Add a route."""
        self._added.append((path, endpoint, self._common | options))

    def made(
        self, responses: Mapping[int | str, dict[str, Any]], dependencies: Sequence[Depends] = ()
    ) -> Iterator[LazyRoute]:
        """Yield the routes. `responses`, `dependencies`: what they have besides their own."""
        for path, endpoint, options in self._added:
            both = [*dependencies, *options.get("dependencies", ())]
            every = {**responses, **options.get("responses", {})}
            yield LazyRoute(path, endpoint, **(options | {"dependencies": both, "responses": every}))


def analysed(routes: Sequence[BaseRoute]) -> list[BaseRoute]:
    """Return the routes as the framework describes them."""
    return [each.analysed if isinstance(each, LazyRoute) else each for each in routes]
