"""Tornevall's picture by URL: drawn anew by whichever replica is asked, and kept as long as it lives."""

import io
import re
from urllib.parse import urlsplit

import pytest
from PIL import Image

from tests.conftest import MakeServer
from tests.protocols.test_tornevall import begin, token_of
from tests.support import Server


@pytest.mark.parametrize("version", ["3.0", "2.0"])
@pytest.mark.parametrize("form", ["getImage/hash/{}", "getImage/{}", "getimage/HASH/{}", "GETIMAGE/{}"])
def test_the_picture_is_served_by_hash(server: Server, version: str, form: str) -> None:
    reply = server.visitor.get(f"/{version}/captcha/{form.format(token_of(server))}")

    assert (reply.status_code, reply.headers["content-type"]) == (200, "image/png")
    assert Image.open(io.BytesIO(reply.content)).size == (350, 100)


def test_the_image_url_shows_the_picture(server: Server) -> None:
    drawn = begin(server)

    reply = server.visitor.get(urlsplit(drawn["imageUrl"]).path)

    assert reply.content == server.visitor.get(f"/3.0/captcha/getImage/{drawn['imageHash']}").content


def test_the_image_url_keeps_the_prefix(server: Server) -> None:
    url = begin(server, "/tornevall/3.0/captcha/")["imageUrl"]

    assert url.startswith("http://captcha.test/tornevall/3.0/captcha/getImage/hash/")
    assert server.visitor.get(urlsplit(url).path).headers["content-type"] == "image/png"


def test_the_image_url_is_the_operators(make_server: MakeServer) -> None:
    server = make_server(public_url="https://captcha.example/api")

    assert begin(server)["imageUrl"].startswith("https://captcha.example/api/3.0/captcha/getImage/hash/")


def test_another_replica_draws_the_same_pixels(make_server: MakeServer) -> None:
    one, other = make_server(entropy="one"), make_server(entropy="two")
    path = urlsplit(begin(one)["imageUrl"]).path

    assert one.visitor.get(path).content == other.visitor.get(path).content


def test_a_picture_may_be_cached_for_what_is_left_of_its_life(server: Server) -> None:
    path = urlsplit(begin(server)["imageUrl"]).path
    server.clock.pass_(100)

    reply = server.visitor.get(path)

    assert reply.headers["cache-control"] == "public, max-age=200, immutable"
    assert re.fullmatch(r'"[0-9a-f]{32}"', reply.headers["etag"])


def test_a_picture_that_is_known_is_304(server: Server) -> None:
    path = urlsplit(begin(server)["imageUrl"]).path
    etag = server.visitor.get(path).headers["etag"]

    reply = server.visitor.get(path, headers={"If-None-Match": etag})

    assert (reply.status_code, reply.content, reply.headers["etag"]) == (304, b"", etag)


def test_the_etag_does_not_show_the_seed(server: Server) -> None:
    token = token_of(server)
    seed = server.engine.look(token, "tornevall").seed

    etag = server.visitor.get(f"/3.0/captcha/getImage/{token}").headers["etag"]

    assert seed.hex() not in etag


def test_after_its_deadline_a_picture_reads_test_and_is_not_cached(server: Server) -> None:
    path = urlsplit(begin(server)["imageUrl"]).path
    server.clock.pass_(300)

    reply = server.visitor.get(path)

    assert (reply.status_code, reply.headers["cache-control"]) == (200, "no-store")
    assert "etag" not in reply.headers
    assert reply.content == server.visitor.get("/3.0/captcha/getImage/test").content
    assert Image.open(io.BytesIO(reply.content)).size == (350, 100)


@pytest.mark.parametrize(
    "rest",
    [
        "getCaptcha/getImage/x",
        "getCaptcha/%2e%2e/getImage/x",
        "/x",
        "getImage/x/y",
        "getImage/hash/x/y",
        "getImage/a/hash/x",
    ],
)
@pytest.mark.parametrize("version", ["2.0", "3.0"])
def test_more_words_than_a_verb_takes_are_no_path(server: Server, version: str, rest: str) -> None:
    """An edge that lets pictures pass unlimited was told `getCaptcha/getImage/`, and every such request drew."""
    assert server.visitor.get(f"/{version}/captcha/{rest}").status_code == 404


@pytest.mark.parametrize(
    "rest",
    ["test", "hash/test", "", "hash/", "x" * 5_000, "a.b.c.d.e", "82be5f5b1eadcf43ae556ada6536d949fae1432c"],
)
def test_an_unknown_hash_shows_the_test_picture(server: Server, rest: str) -> None:
    reply = server.visitor.get(f"/3.0/captcha/getImage/{rest}")

    assert reply.content == server.engine.renderer.notice("text", "test", {"width": 350, "height": 100})


def test_a_token_of_another_protocol_shows_the_test_picture(server: Server) -> None:
    token = server.engine.issue("minicap", "text").token

    assert server.visitor.get(f"/3.0/captcha/getImage/{token}").headers["cache-control"] == "no-store"
