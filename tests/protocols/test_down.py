"""The text services while the replay filter is down: their own 503, and nothing spent."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from captcha_stateless import create_app
from captcha_stateless.errors import Unavailable
from captcha_stateless.replay.base import Replay, ReplayState
from tests.support import NOW, Entropy, Server, Visitor

Body = Callable[[str, str], Mapping[str, str]]

ASKED: dict[str, tuple[str, Body, Callable[[Any], bool]]] = {
    "minicap": (
        "/api/captcha/validate/",
        lambda token, answer: {"id": token, "text": answer},
        lambda reply: reply == {"status": 503, "message": "Temporarily unavailable"},
    ),
    "relaysms": (
        "/v1/solve",
        lambda token, answer: {"client_id": "dev-site", "challenge_id": token, "answer": answer},
        lambda reply: reply == {"error": "CAPTCHA service unavailable. Please try again later."},
    ),
    "tornevall": (
        "/3.0/captcha/testcaptcha",
        lambda token, answer: {"hash": token, "response": answer},
        lambda reply: reply["errors"]["code"] == "503",
    ),
}


class Down(Replay):
    """A filter that cannot say."""

    scope = "global"

    async def spend(self, namespace: str, jti: bytes, **options: Any) -> int:
        raise Unavailable("down", retry_after_seconds=7)

    async def state(self, now: float) -> ReplayState:
        return ReplayState("global", ready=False, fill=0.0, epoch=NOW)


@pytest.mark.parametrize("name", sorted(ASKED))
def test_a_filter_that_is_down_is_503_in_its_own_words_and_spends_nothing(server: Server, name: str) -> None:
    path, body, is_worded = ASKED[name]
    sealed = server.engine.issue(name, "text", site="dev-site")
    asked = body(sealed.token, str(server.engine.tell(sealed.claims)))
    down = create_app(server.settings, replay=Down(), clock=server.clock, entropy=Entropy("down"))

    refused = Visitor(down).post(path, json=asked)
    later = server.visitor.post(path, json=asked)

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "7")
    assert is_worded(refused.json())
    assert later.status_code == 200
