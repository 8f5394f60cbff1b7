"""Admission: how many come in, how many wait, and what the rest is told."""

import asyncio
from collections import Counter

import anyio
import httpx
import pytest

from captcha_stateless.admission import Admission
from captcha_stateless.errors import Unavailable
from tests.conftest import MakeServer
from tests.support import Server


async def crowd(admission: Admission, size: int) -> tuple[int, int, int]:
    """Let so many come at once; tell how many were served and refused, and how many were at work at most."""
    served = refused = inside = most = 0

    async def come() -> None:
        nonlocal served, refused, inside, most
        try:
            async with admission:
                inside += 1
                most = max(most, inside)
                await anyio.lowlevel.checkpoint()
                inside -= 1
                served += 1
        except Unavailable:
            refused += 1

    async with anyio.create_task_group() as group:
        for _ in range(size):
            group.start_soon(come)
    return served, refused, most


def test_more_than_the_queue_holds_is_refused_and_the_rest_is_served() -> None:
    assert anyio.run(crowd, Admission(5, at_work=2), 20) == (7, 13, 2)


def test_places_are_free_again_afterwards() -> None:
    admission = Admission(5, at_work=2)

    assert [anyio.run(crowd, admission, 7)[0] for _ in range(3)] == [7, 7, 7]


def test_the_event_loop_is_back_after_as_many_as_are_at_work() -> None:
    """Their work never waits for anything: without a bound, all that arrived together would run before a probe is heard."""
    admission, passes, worked = Admission(100, at_work=2), 0, Counter[int]()

    async def come() -> None:
        async with admission:
            worked[passes] += 1

    async def everything() -> None:
        nonlocal passes
        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(come)
            while worked.total() < 20:
                await asyncio.sleep(0)
                passes += 1

    anyio.run(everything)

    assert max(worked.values()) <= 2


def test_who_gives_up_leaves_its_place() -> None:
    admission = Admission(0, at_work=1)

    async def everything() -> None:
        for _ in range(3):
            with anyio.CancelScope() as scope:
                scope.cancel()
                async with admission:
                    raise AssertionError("cancelled before")
        async with admission:
            pass

    anyio.run(everything)


def test_it_tells_how_many_are_inside() -> None:
    seen: list[int] = []

    anyio.run(crowd, Admission(1, at_work=1, seen=seen.append), 5)

    assert (max(seen), seen[-1]) == (2, 0)


@pytest.fixture
def full(make_server: MakeServer) -> Server:
    """A server in which nobody finds a place."""
    server = make_server(queue=0)
    endpoint = server.app.routes[0].matches({"type": "http", "path": "/api/challenge", "method": "POST"})[1]
    endpoint["endpoint"]._adapter.admission._most = 0
    return server


def test_who_finds_no_place_is_told_503_and_when_to_come_back_in_the_protocol_s_words(full: Server) -> None:
    reply = full.visitor.post("/api/challenge")

    assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
    assert reply.json() == {"error": "Temporarily unavailable"}


def test_probes_need_no_place(full: Server) -> None:
    assert [full.visitor.get(path).status_code for path in ("/livez", "/readyz")] == [200, 200]


def test_a_slow_body_takes_no_place(full: Server) -> None:
    """A client that never ends its body would hold a place as long as it likes."""
    transport = httpx.ASGITransport(app=full.app)
    arrived = anyio.Event

    async def ask() -> bool:
        asked = arrived()

        async def body() -> object:
            asked.set()
            await anyio.sleep_forever()
            yield b""

        async with httpx.AsyncClient(transport=transport, base_url="http://captcha.test") as client:
            with anyio.move_on_after(0.2) as waited:
                await client.post("/api/challenge", content=body())  # type: ignore[arg-type]
        return waited.cancelled_caught and asked.is_set()

    assert anyio.run(ask)  # not told 503: it has not come so far


def test_a_draining_server_ends_its_connections_after_an_answer(server: Server) -> None:
    before = server.visitor.get("/livez").headers.get("connection")
    server.app.state.draining = True

    assert (before, server.visitor.get("/livez").headers["connection"]) == (None, "close")
