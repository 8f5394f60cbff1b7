"""ASGI: a middleware that guards paths, for every framework that has no file of its own here."""

import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from captcha_stateless.client import COOKIE, HEADER, Client

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_REFUSAL = json.dumps({"error": "A solved CAPTCHA is needed"}).encode()
#: RFC 6455, section 7.4.1: a policy was violated.
_POLICY_VIOLATION = 1008


class PassGuard:
    """Lets requests for some paths through with a right pass only.

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
        self._paths = tuple(path.rstrip("/") for path in paths)
        self._methods = frozenset(method.upper() for method in methods)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if not self._is_guarded(scope) or await self._is_right(scope):
            await self._app(scope, receive, send)
        else:
            await _refuse(scope, send)

    def _is_guarded(self, scope: Scope) -> bool:
        if scope["type"] not in ("http", "websocket"):
            return False
        if self._methods and scope.get("method", "") and scope["method"] not in self._methods:
            return False
        path: str = scope["path"]
        return any(path == guarded or path.startswith(guarded + "/") for guarded in self._paths)

    async def _is_right(self, scope: Scope) -> bool:
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        token = headers.get(HEADER.lower())
        if self._offline:
            token = token or _cookie(headers.get("cookie", ""))
            return bool(await self._client.averify_offline(token, action=self._action))
        return bool(await self._client.averify(token, action=self._action))


def _cookie(header: str) -> str | None:
    try:
        morsel = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel else None


async def _refuse(scope: Scope, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        return
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": _REFUSAL})
