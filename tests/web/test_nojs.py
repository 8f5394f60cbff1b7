"""The page without scripts, in a browser that runs none."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from captcha_stateless.client import Client
from captcha_stateless.testing import CaptchaServer
from captcha_stateless.tokens.digests import fingerprint
from tests.web.conftest import Visit
from tests.web.test_pages import told

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext


@pytest.fixture
def scriptless(browser: "Browser") -> "Iterator[BrowserContext]":
    context = browser.new_context(java_script_enabled=False, locale="en-GB")
    context.set_default_timeout(60_000)
    yield context
    context.close()


def press(visit: Visit, name: str) -> None:
    with visit.page.expect_navigation():
        visit.button(name).click()


def sealed(visit: Visit) -> str:
    return visit.page.locator("input[name=token]").get_attribute("value") or ""


def solve_by_hand(visit: Visit) -> None:
    while visit.page.locator("input[name=token]").count():
        answer_by_hand(visit)


def answer_by_hand(visit: Visit) -> None:
    for at, right in enumerate(told(visit, sealed(visit), "nojs")):
        visit.page.locator(f"input[name=tile{at}]").set_checked(right)
    with visit.page.expect_navigation():
        visit.page.locator("button.main").click()


def test_without_scripts_a_grid_is_solved_by_hand(
    scriptless: "BrowserContext", captcha: CaptchaServer
) -> None:
    visit = Visit(scriptless, captcha)
    visit.page.goto(f"{visit.url}/nojs?sitekey=dev-site")

    solve_by_hand(visit)

    earned = visit.page.locator("textarea").input_value()
    assert captcha.verify(earned).success
    assert visit.complaints == []


def test_without_scripts_text_is_heard_and_typed_and_enter_sends_it(
    scriptless: "BrowserContext", captcha: CaptchaServer
) -> None:
    visit = Visit(scriptless, captcha)
    visit.page.goto(f"{visit.url}/nojs?sitekey=dev-site")
    press(visit, "Listen instead")

    with visit.page.expect_download() as sound:
        visit.page.get_by_role("link", name="Play").click()
    field = visit.page.get_by_label("Type the characters in the image:")
    field.fill(told(visit, sealed(visit), "nojs"))
    with visit.page.expect_navigation():
        field.press("Enter")

    earned = visit.page.locator("textarea").input_value()
    assert sound.value.path().read_bytes().startswith(b"RIFF")
    assert captcha.verify(earned).success
    assert visit.complaints == []


def test_without_scripts_reload_and_back_keep_the_pass_in_sight(
    scriptless: "BrowserContext", captcha: CaptchaServer
) -> None:
    visit = Visit(scriptless, captcha)
    visit.page.goto(f"{visit.url}/nojs?sitekey=dev-site")
    solve_by_hand(visit)
    earned = visit.page.locator("textarea").input_value()

    visit.page.reload()
    reloaded = visit.page.locator("textarea").input_value()
    visit.page.go_back()
    visit.page.get_by_text("Round 2 of 2").wait_for()
    visit.page.go_forward()

    assert reloaded == visit.page.locator("textarea").input_value() == earned


def test_without_scripts_an_answer_that_is_given_twice_earns_one_pass(
    scriptless: "BrowserContext", captcha: CaptchaServer
) -> None:
    visit, second = Visit(scriptless, captcha), Visit(scriptless, captcha)
    visit.page.goto(f"{visit.url}/nojs?sitekey=dev-site")
    answer_by_hand(visit)
    second.page.goto(visit.page.url)

    answer_by_hand(visit)
    answer_by_hand(second)

    earned = {each.page.locator("textarea").input_value() for each in (visit, second)}
    assert len(earned) == 1
    assert captcha.verify(earned.pop()).success


@contextmanager
def shop(folder: "Path", visitor: "BrowserContext", back: str) -> Iterator[tuple[Visit, Client]]:
    """Begin a run of a shop's visitor, who is to be sent back to an address of the shop."""
    sites = folder / "sites.toml"
    sites.write_text(
        f"[[site]]\nname = 'Shop'\nkey = 'shop'\nsecret_sha256 = '{fingerprint('till').hex()}'\n"
        f"hosts = ['shop.example', 'localhost']\nreturns = ['{back}']\n"
    )
    with CaptchaServer(sites=sites) as server, Client(server.url, secret="till", site_key="shop") as client:
        visit = Visit(visitor, server)
        visit.page.goto(f"{visit.url}/nojs?sitekey=shop&return={back}")
        yield visit, client


def test_without_scripts_the_pass_is_sent_to_the_site_s_address(
    scriptless: "BrowserContext", tmp_path: "Path"
) -> None:
    back, received = "https://shop.example/sign-up", []
    with shop(tmp_path, scriptless, back) as (visit, client):
        visit.page.on("request", lambda request: received.append(request) if request.url == back else None)
        visit.page.route(back, lambda route: route.fulfill(body="Welcome"))
        solve_by_hand(visit)

        press(visit, "Continue")

        (sent,) = received
        assert (sent.method, visit.page.url) == ("POST", back)
        (token,) = parse_qs(sent.post_data)["captcha-response"]
        assert client.verify(token).hostname == "shop.example"


class Elsewhere(BaseHTTPRequestHandler):
    """A sign-up page that leads on to another origin."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(303)
        self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/welcome")  # type: ignore[attr-defined]
        self.end_headers()

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"Welcome")

    def log_message(self, *_: Any) -> None:
        pass


def test_without_scripts_the_site_s_address_may_lead_to_another_origin(
    scriptless: "BrowserContext", tmp_path: "Path"
) -> None:
    """The policy of the page once named the address's origin alone, and browsers hold every redirect against it."""
    site = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    thread = threading.Thread(target=site.serve_forever)
    thread.start()
    try:
        with shop(tmp_path, scriptless, f"http://localhost:{site.server_port}/sign-up") as (visit, _):
            solve_by_hand(visit)
            press(visit, "Continue")

            assert visit.page.url == f"http://127.0.0.1:{site.server_port}/welcome"
            assert visit.complaints == []
    finally:
        site.shutdown()
        thread.join()
        site.server_close()
