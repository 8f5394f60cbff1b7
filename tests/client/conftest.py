"""A client for back ends on a wire that goes to a server in this process, and may be cut."""

from collections.abc import Callable
from typing import Any

import anyio
import httpx
import pytest

from captcha_stateless.client import Client, Verdict
from tests.support import Server


class Wire(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Carries requests to a server in this process, counts them, and fails as often as it is told to."""

    def __init__(self, server: Server) -> None:
        self.server, self.requests, self.failures, self.losses = server, 0, 0, 0
        self.bodies: list[bytes] = []
        self.failure: Callable[[], httpx.Response] = self._refused

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return anyio.run(self.handle_async_request, request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        content = request.read()
        self.bodies.append(content)
        if self.failures:
            self.failures -= 1
            return self.failure()
        transport = httpx.ASGITransport(app=self.server.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://captcha.test") as client:
            reply = await client.request(
                request.method, request.url.raw_path.decode(), content=content, headers=request.headers
            )
        if self.losses:
            self.losses -= 1
            raise httpx.ReadError("lost")
        return httpx.Response(reply.status_code, headers=reply.headers, content=reply.content)

    @staticmethod
    def _refused() -> httpx.Response:
        raise httpx.ConnectError("refused")


@pytest.fixture
def wire(server: Server) -> Wire:
    return Wire(server)


def client(wire: Wire, **options: Any) -> Client:
    options = {"secret": "dev-secret", "site_key": "dev-site", **options}
    return Client("http://captcha.test", clock=wire.server.clock, transport=wire, **options)


Ask = Callable[..., Verdict]


def sync(to: Client, question: str, *args: Any, **options: Any) -> Verdict:
    verdict = getattr(to, question)(*args, **options)
    assert isinstance(verdict, Verdict)
    return verdict


def later(to: Client, question: str, *args: Any, **options: Any) -> Verdict:
    async def ask() -> Verdict:
        verdict = await getattr(to, f"a{question}")(*args, **options)
        assert isinstance(verdict, Verdict)
        return verdict

    return anyio.run(ask)


@pytest.fixture(params=[sync, later], ids=["blocking", "async"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Ask both ways, which must agree."""
    way: Ask = request.param
    return way
