"""Which handler a request is for: by path and, where two protocols claim one path, by a parameter of the query."""

import re
from collections.abc import Awaitable, Iterable
from typing import Any

from starlette.datastructures import QueryParams
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from captcha_stateless.http.query import is_bounded


class WholeRoute(Route):
    """A route whose ``{rest:path}`` is all the rest of a path: Starlette's own ends at a line feed, and answers 404."""

    def __init__(self, path: str, endpoint: ASGIApp) -> None:
        super().__init__(path, endpoint)
        if self.param_convertors:
            self.path_regex = re.compile(self.path_regex.pattern, re.DOTALL)


class QueryRoute(Route):
    """A route that a request takes only where it has the query parameter."""

    def __init__(self, path: str, endpoint: ASGIApp, *, query: str) -> None:
        super().__init__(path, endpoint)
        self._query, self._first = query, f"{query}=".encode("ascii")
        self._further = b"&" + self._first

    def asked(self, scope: Scope) -> bool:
        """Tell whether the parameter is there; only a spelling that few clients use is decoded for that."""
        query = scope["query_string"]
        if query.startswith(self._first) or self._further in query:
            return True
        return bool(query) and is_bounded(query) and self._query in QueryParams(query)


class RestRoute(Route):
    """A route that takes what no other protocol wants of a shared path."""


class Paths(BaseRoute):
    """Routes by path, found by one look-up: a request costs the same however many protocols are served."""

    def __init__(self, routes: Iterable[Route]) -> None:
        #: The routes of each path, in order.
        self.by_path: dict[str, list[Route]] = {}
        for route in routes:
            self.by_path.setdefault(route.path, []).append(route)

    def find(self, scope: Scope) -> dict[str, Any] | None:
        """Tell what the scope of a request lacks, by the first of its path's routes that takes it; None where none does."""
        for route in self.by_path.get(_path_below(scope), ()):
            if not isinstance(route, QueryRoute) or route.asked(scope):
                return {"endpoint": route.endpoint, "path_params": {}, "route": route}
        return None

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match a request; a websocket is for nobody here."""
        found = self.find(scope) if scope["type"] == "http" else None
        return (Match.NONE, {}) if found is None else (Match.FULL, found)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a matched request to its endpoint."""
        await scope["endpoint"](scope, receive, send)


class Shortcut:
    """ASGI middleware: hands a request whose path is served to its endpoint, past the layers that word errors.

    An endpoint words its own; the layers are for what no endpoint answers.
    """

    def __init__(self, app: ASGIApp, paths: Paths, patterns: Iterable[Route] = ()) -> None:
        self._app, self._paths, self._patterns = app, paths, tuple(patterns)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass a request on: nothing is left to be done here once it is answered."""
        _take_prefix_once(scope)
        found = self._find(scope) if scope["type"] == "http" else None
        if found is None:
            return self._app(scope, receive, send)
        scope.update(found)  # in place: whoever notes how it ended looks into the same scope
        return found["endpoint"](scope, receive, send)  # type: ignore[no-any-return]  # an ASGI application

    def _find(self, scope: Scope) -> dict[str, Any] | None:
        found = self._paths.find(scope)
        if found is not None:
            return found
        for route in self._patterns:
            match, given = route.matches(scope)
            if match is Match.FULL:
                return {**given, "route": route}
        return None


def in_order(routes: Iterable[Route]) -> tuple[Paths, list[Route]]:
    """Order the routes of all protocols, so that a path claimed twice goes to the one whose request it is.

    Returns:
        The table of all paths that are whole, and the routes that are patterns.
    """
    ranks: dict[type[Route], int] = {QueryRoute: 0, WholeRoute: 1, RestRoute: 2}
    ordered = sorted(routes, key=lambda route: ranks[type(route)])
    whole = Paths(route for route in ordered if "{" not in route.path)
    return whole, [route for route in ordered if "{" in route.path]


def _take_prefix_once(scope: Scope) -> None:
    # uvicorn puts its --root-path before every path, as for an edge that has taken it off; one that left it on is meant, too.
    path, root = str(scope.get("path", "")), str(scope.get("root_path", ""))
    if root and f"{path}/".startswith(f"{root}{root}/"):
        scope["path"] = path[len(root) :]


def _path_below(scope: Scope) -> str:
    # What is left of the path below the one that an edge mounts the server at.
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path[len(root) :] or "/" if root and (path == root or path.startswith(f"{root}/")) else path
