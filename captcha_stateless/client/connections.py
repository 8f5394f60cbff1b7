"""Calls to the server: one pool of connections for each event loop, and a call that failed is no answer."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Any
from weakref import WeakKeyDictionary

import httpx


class Pools:
    """A pool of connections for each event loop that asks, closed with it: one loop's sockets are no use to another."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options
        self._kept: WeakKeyDictionary[
            asyncio.AbstractEventLoop, tuple[httpx.AsyncClient, AsyncGenerator[httpx.AsyncClient]]
        ] = WeakKeyDictionary()

    async def client(self) -> httpx.AsyncClient:
        """Find the running loop's client."""
        loop = asyncio.get_running_loop()
        if loop not in self._kept:
            keeper = self._open()
            self._kept[loop] = await anext(keeper), keeper
        return self._kept[loop][0]

    async def close(self) -> None:
        """Close the running loop's."""
        kept = self._kept.pop(asyncio.get_running_loop(), None)
        if kept is not None:
            await kept[1].aclose()

    async def _open(self) -> AsyncGenerator[httpx.AsyncClient]:
        # A loop that is shut down closes the generators that it has begun (PEP 525), and this one its connections.
        async with httpx.AsyncClient(**self._options) as client:
            yield client


def fetched(client: httpx.Client, method: str, path: str, **content: Any) -> httpx.Response | None:
    """Make a call; None where it failed."""
    try:
        return client.request(method, path, **content)
    except httpx.HTTPError:
        return None


async def afetched(
    client: httpx.AsyncClient, method: str, path: str, **content: Any
) -> httpx.Response | None:
    """Do what :func:`fetched` does, without blocking the event loop."""
    try:
        return await client.request(method, path, **content)
    except httpx.HTTPError:
        return None
