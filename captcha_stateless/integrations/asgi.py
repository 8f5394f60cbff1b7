"""ASGI: a middleware that guards paths, for every framework that has no file of its own here."""

import json
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from captcha_stateless.client import HEADER, Client
from captcha_stateless.tokens.cookie import pass_in

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_REFUSAL = json.dumps({"error": "A solved CAPTCHA is needed"}).encode()
#: RFC 6455, section 7.4.1: a policy was violated.
_POLICY_VIOLATION = 1008
#: Doubled slashes, dot segments and backslashes.
_UNPLAIN = re.compile(r"//|/\.\.?(?:/|$)|\\")


class PassGuard:
    """Lets requests for some paths through with a right pass only.

    A path is what the router matches: below the root path or mount of the application. One that is not in its plain form
    (doubled slashes, dot segments, backslashes) is refused, for file servers and routers read it as another.

    Online the pass comes in the ``X-Captcha-Pass`` header and is used up; with ``offline`` the clearance cookie of ``/auth``
    counts, too, and nothing is used up: a pass opens every guarded path until it expires.
    """

    def __init__(
        self,
        app: App,
        *,
        client: Client,
        paths: Iterable[str],
        methods: Iterable[str] = (),
        offline: bool = False,
        action: str | None = None,
    ) -> None:
        """Take what to guard.

        Args:
            app: the application behind the guard.
            client: asks the server.
            paths: each path and everything below it.
            methods: the methods to guard; none means all, and a WebSocket is guarded always.
            offline: verify without a call.
            action: what a pass must have been earned for.
        """
        self._app, self._client, self._offline, self._action = app, client, offline, action
        self._paths = tuple("/" + path.strip("/") if path.strip("/") else "" for path in paths)
        self._methods = frozenset(method.upper() for method in methods)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
        elif _UNPLAIN.search(scope["path"]):
            await _refuse(scope, send)
        elif not self._is_guarded(scope) or await self._is_right(scope):
            await self._app(scope, receive, send)
        else:
            await _refuse(scope, send)

    def _is_guarded(self, scope: Scope) -> bool:
        if self._methods and scope.get("method", "") and scope["method"] not in self._methods:
            return False
        path = _below(scope.get("root_path", "").rstrip("/"), scope["path"])
        return any(path == guarded or path.startswith(guarded + "/") for guarded in self._paths)

    async def _is_right(self, scope: Scope) -> bool:
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        token = headers.get(HEADER.lower())
        if self._offline:
            token = token or pass_in(headers.get("cookie", ""))
            return bool(await self._client.averify_offline(token, action=self._action))
        return bool(await self._client.averify(token, action=self._action))


def _below(root: str, path: str) -> str:
    """Take the root path off, which servers and mounts leave in front (ASGI, version 2.5 of HTTP)."""
    return path.removeprefix(root) if path.startswith(f"{root}/") else path


async def _refuse(scope: Scope, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        return
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": _REFUSAL})
