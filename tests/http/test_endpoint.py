"""What an endpoint keeps: refusals that were worded once, each for its own error."""

import asyncio
from typing import ClassVar

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from captcha_stateless.errors import CaptchaError, Overloaded, TooMany, Unavailable, WrongAnswer
from captcha_stateless.http.admission import Admission
from captcha_stateless.http.endpoint import Endpoint

SCOPE = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}


class Words:
    """Words errors by their text, and counts how often."""

    name: ClassVar[str] = "words"
    max_body_bytes: ClassVar[int] = 10
    queued: ClassVar[bool] = True
    standing = True
    asks = False

    def __init__(self) -> None:
        self.admission = Admission()
        self.noted: list[str] = []
        self.worded = 0

    async def foresee(self, request: Request) -> None:
        await asyncio.Event().wait()

    def note(self, error: CaptchaError) -> None:
        self.noted.append(str(error))

    def reply(self, error: CaptchaError, request: Request) -> Response:
        self.worded += 1
        return PlainTextResponse(str(error), 400)

    def fault(self, request: Request) -> Response:
        return PlainTextResponse("fault", 500)


def ask(words: Words, *errors: CaptchaError) -> list[tuple[int, str | None, bytes]]:
    """Let the same path fail with one error after the other; tell status, Retry-After and body."""
    waiting = iter(errors)

    async def handler(_: Request) -> Response:
        raise next(waiting)

    endpoint = Endpoint(words, {"GET": handler})
    told: list[tuple[int, str | None, bytes]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b""}

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            headers = dict(message["headers"])  # type: ignore[call-overload]  # a list of pairs
            later = headers.get(b"retry-after")
            told.append((int(str(message["status"])), later.decode() if later else None, b""))
        else:
            told[-1] = (*told[-1][:2], bytes(message["body"]))  # type: ignore[call-overload]

    async def run() -> None:
        for _ in errors:
            await endpoint(dict(SCOPE), receive, send)  # type: ignore[arg-type]  # plain dicts do

    asyncio.run(run())
    return told


def test_who_waits_for_others_holds_no_place() -> None:
    """A slow DNS blocklist held the places of the queue, and everybody waited."""
    slow, quick = Words(), Words()
    slow.asks, slow.admission = True, quick.admission
    statuses: list[object] = []

    async def handler(_: Request) -> Response:
        return PlainTextResponse("here")

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b""}

    async def send(message: dict[str, object]) -> None:
        statuses.append(message.get("status"))

    async def run() -> None:
        waiting = [
            asyncio.create_task(Endpoint(slow, {"GET": handler})(dict(SCOPE), receive, send))  # type: ignore[arg-type]  # as above
            for _ in range(100)
        ]
        await asyncio.sleep(0.01)
        await Endpoint(quick, {"GET": handler})(dict(SCOPE), receive, send)  # type: ignore[arg-type]  # as above
        assert not any(task.done() for task in waiting)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    asyncio.run(run())

    assert statuses[0] == 200


def test_a_refusal_is_worded_once_and_noted_each_time() -> None:
    words = Words()

    told = ask(words, WrongAnswer("no"), WrongAnswer("no"), WrongAnswer("no"))

    assert told == [(400, None, b"no")] * 3
    assert words.worded == 1
    assert words.noted == ["no"] * 3


def test_each_error_has_its_own_words_and_its_own_time() -> None:
    words = Words()

    told = ask(
        words,
        TooMany("over 1/second", retry_after_seconds=3),
        TooMany("over 1/second", retry_after_seconds=7),
        Unavailable("down"),
        Overloaded("full"),
        WrongAnswer("down"),
        TooMany("over 1/second", retry_after_seconds=3),
    )

    assert told == [
        (429, "3", b"over 1/second"),
        (429, "7", b"over 1/second"),
        (400, "1", b"down"),
        (400, "1", b"full"),
        (400, None, b"down"),
        (429, "3", b"over 1/second"),
    ]


def test_an_error_that_holds_a_list_is_worded_too() -> None:
    error = WrongAnswer("no")
    error.add_note("a note")

    assert ask(Words(), error) == [(400, None, b"no")]


def test_words_that_hang_on_the_request_are_found_each_time() -> None:
    words = Words()
    words.standing = False

    ask(words, WrongAnswer("no"), WrongAnswer("no"))

    assert words.worded == 2


@pytest.mark.parametrize("count", [63, 64, 65, 200])
def test_what_is_kept_is_bounded_and_never_mistaken(count: int) -> None:
    texts = [f"text {number}" for number in range(count)] * 2

    told = ask(Words(), *map(WrongAnswer, texts))

    assert [body.decode() for _, _, body in told] == texts
