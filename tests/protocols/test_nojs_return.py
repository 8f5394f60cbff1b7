"""Where the page without scripts sends a pass: to an address that the site lists, and to no other."""

from pathlib import Path

import pytest

from captcha_stateless.errors import Misconfigured
from captcha_stateless.sites import load
from tests.conftest import MakeServer
from tests.protocols.test_nojs import BACK, Form, press, right, shop, solve


def test_the_pass_goes_to_an_address_that_the_site_lists(make_server: MakeServer, tmp_path: Path) -> None:
    server = make_server(sites=shop(tmp_path))

    done = solve(server, server.visitor.get("/nojs", params={"sitekey": "shop", "return": BACK}))

    form = Form(done)
    shown = server.engine.passes.recognise(
        form.hidden["captcha-response"], load(tmp_path / "sites.toml").all[0]
    )
    assert form.action == BACK
    assert shown.host == "shop.example"
    assert "form-action" not in done.headers["content-security-policy"], (
        "the address may lead to another origin"
    )


@pytest.mark.parametrize(
    "back",
    [
        "https://evil.example/",
        f"{BACK}&more",
        "https://shop.example/",
        "javascript:alert(1)",
        "http://[",
        "//x",
    ],
)
def test_the_pass_goes_nowhere_else(make_server: MakeServer, tmp_path: Path, back: str) -> None:
    server = make_server(sites=shop(tmp_path))

    reply = server.visitor.get("/nojs", params={"sitekey": "shop", "return": back})

    assert reply.status_code in (400, 403)
    assert back not in reply.text


def test_an_address_is_checked_again_with_every_answer(make_server: MakeServer, tmp_path: Path) -> None:
    server = make_server(sites=shop(tmp_path))
    page = server.visitor.get("/nojs", params={"sitekey": "shop", "return": BACK})

    reply = press(server, page, "check", **{**right(server, page), "return": "https://evil.example/"})

    assert reply.status_code in (400, 403)


@pytest.mark.parametrize("back", ["'ftp://shop.example'", "'https://shop.example/;x'", "'https://a b'", "7"])
def test_a_return_address_that_could_be_more_than_one_is_refused_at_start(tmp_path: Path, back: str) -> None:
    path = shop(tmp_path)
    path.write_text(path.read_text().replace(f"'{BACK}'", back))

    with pytest.raises(Misconfigured, match="returns are addresses"):
        load(path)
