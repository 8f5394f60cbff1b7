"""Admission: how many come in, how many wait, and what the rest is told."""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial

import anyio
import httpx
import pytest

from captcha_stateless.errors import Unavailable
from captcha_stateless.http.admission import Admission
from captcha_stateless.threads import Pool
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
    admission_of(server)._most = 0
    return server


def admission_of(server: Server) -> Admission:
    """Tell the one queue of all adapters."""
    matched = server.app.routes[0].matches({"type": "http", "path": "/api/challenge", "method": "POST"})[1]
    admission: Admission = matched["endpoint"]._adapter.admission
    return admission


def test_who_finds_no_place_is_told_503_and_when_to_come_back_in_the_protocol_s_words(full: Server) -> None:
    reply = full.visitor.post("/api/challenge")

    assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
    assert reply.json() == {"error": "Temporarily unavailable"}


def test_probes_need_no_place(full: Server) -> None:
    assert [full.visitor.get(path).status_code for path in ("/livez", "/readyz")] == [200, 200]


def test_a_slow_body_takes_no_place(full: Server) -> None:
    """A client that never ends its body would hold a place as long as it likes."""
    admission_of(full)._most = 1
    transport = httpx.ASGITransport(app=full.app)

    async def ask() -> int:
        asked = anyio.Event()

        async def body() -> AsyncIterator[bytes]:
            asked.set()
            await anyio.sleep_forever()
            yield b""

        async with (
            httpx.AsyncClient(transport=transport, base_url="http://captcha.test") as client,
            anyio.create_task_group() as group,
        ):
            group.start_soon(partial(client.post, "/api/challenge", content=body()))
            await asked.wait()
            reply = await client.post("/api/challenge")
            group.cancel_scope.cancel()
        return reply.status_code

    assert anyio.run(ask) == 200


@pytest.mark.parametrize(("method", "status"), [("POST", 503), ("PUT", 405)])
def test_a_body_is_read_before_it_is_refused(full: Server, method: str, status: int) -> None:
    """Whoever is still sending when the connection closes may never see the answer (RFC 9112, section 9.6)."""
    transport = httpx.ASGITransport(app=full.app)

    async def ask() -> tuple[int, bool]:
        read = False

        async def body() -> AsyncIterator[bytes]:
            nonlocal read
            yield b"{"
            read = True
            yield b"}"

        async with httpx.AsyncClient(transport=transport, base_url="http://captcha.test") as client:
            reply = await client.request(method, "/api/challenge", content=body())
        return reply.status_code, read

    assert anyio.run(ask) == (status, True)


def test_one_answer_for_all_who_find_no_place_keeps_nothing_of_any(full: Server) -> None:
    origins = [{"Origin": "https://one.test"}, {}, {"Origin": "https://two.test"}]

    replies = [full.visitor.post("/api/challenge", headers=headers) for headers in origins]

    assert {reply.status_code for reply in replies} == {503}
    assert [reply.headers.get("access-control-allow-origin") for reply in replies] == ["*", None, "*"]
    assert len({reply.headers["x-request-id"] for reply in replies}) == 3
    assert all(reply.headers.get_list("retry-after") == ["1"] for reply in replies)


@pytest.mark.parametrize("language", ["de", "en"])
def test_words_that_hang_on_the_request_are_written_for_each(full: Server, language: str) -> None:
    """Where they do not, one answer serves all."""
    replies = [
        full.visitor.get("/v1/challenge?siteKey=dev-site", headers={"Accept-Language": wanted})
        for wanted in ("fr", language)
    ]

    assert [reply.status_code for reply in replies] == [503, 503]
    assert [reply.headers["content-language"] for reply in replies] == ["fr", language]
    assert replies[0].headers["x-request-id"] != replies[1].headers["x-request-id"]


def test_a_draining_server_ends_its_connections_after_an_answer(server: Server) -> None:
    before = server.visitor.get("/livez").headers.get("connection")
    server.app.state.draining = True

    assert (before, server.visitor.get("/livez").headers["connection"]) == (None, "close")


def test_who_waits_for_a_thread_holds_back_nobody() -> None:
    """Eight forged answers to slow work held every place, and another site's visitor waited for a second."""
    released = threading.Event()
    order: list[str] = []

    async def slow(admission: Admission, pool: Pool) -> None:
        async with admission:
            await pool.run(released.wait)
            order.append("slow")

    async def quick(admission: Admission) -> None:
        async with admission:
            order.append("quick")
            released.set()

    async def run() -> None:
        admission, pool = Admission(at_work=1), Pool(threads=1)
        async with anyio.create_task_group() as group:
            group.start_soon(slow, admission, pool)
            await anyio.sleep(0.05)
            with anyio.fail_after(20):
                await quick(admission)

    anyio.run(run)

    assert order == ["quick", "slow"]
