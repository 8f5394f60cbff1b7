"""The published keys, and how long they may be kept."""

from collections.abc import Sequence
from typing import ClassVar

import httpx

from captcha_stateless.protocols.jwks import Jwks
from captcha_stateless.tokens import keys
from captcha_stateless.tokens.passes import Verifier
from tests.protocols.contract import AdapterContract
from tests.support import Server

PATH = "/.well-known/jwks.json"


class TestAdapter(AdapterContract):
    adapter: ClassVar = Jwks
    paths: ClassVar[Sequence[str]] = [PATH]

    def is_worded(self, response: httpx.Response) -> bool:
        return response.text == "Method not allowed"


def test_the_published_keys_verify_a_pass(server: Server) -> None:
    reply = server.visitor.get(PATH)

    shown = Verifier(reply.json(), "captcha-stateless").verify(server.earn())

    assert reply.headers["content-type"] == "application/jwk-set+json"
    assert shown.site == "dev-site"


def test_no_private_part_is_published(server: Server) -> None:
    (key,) = server.visitor.get(PATH).json()["keys"]

    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}


def test_the_set_may_be_kept_for_less_time_than_a_new_key_waits(server: Server) -> None:
    caching = server.visitor.get(PATH).headers["cache-control"]

    assert caching == "public, max-age=300"
    assert keys.SETTLE_SECONDS > 300
