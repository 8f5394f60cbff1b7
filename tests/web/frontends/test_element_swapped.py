"""Our own element in pages that htmx and Turbo send and swap: its pass goes along, and what comes back is fresh."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from tests.web.frontends.conftest import Frontend
from tests.web.frontends.test_interfaces import READY, library

if TYPE_CHECKING:
    from playwright.sync_api import Route

ELEMENT = "<captcha-stateless sitekey=dev-site kind=work required></captcha-stateless>"
SCRIPT = '<script src="CAPTCHA/widget.js" async></script>'
VALUE = "() => document.querySelector('captcha-stateless').value"


class Site(ThreadingHTTPServer):
    """The page's own back end: it keeps the passes of the forms that it gets, and answers every form alike."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Endpoint)
        self.passes: list[str] = []
        self.reply = (200, "")


class Endpoint(BaseHTTPRequestHandler):
    server: Site

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.passes += parse_qs(sent)["captcha-response"]
        status, markup = self.server.reply
        self.send_response(status)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(markup.encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def site(frontend: Frontend) -> Iterator[Site]:
    """Give the page a back end of its own, which receives what really travels."""
    with Site() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        frontend.url = f"http://localhost:{server.server_port}"
        yield server
        server.shutdown()
        thread.join()


def solve(frontend: Frontend) -> str:
    frontend.element().locator("button.trigger").click()
    frontend.page.wait_for_function(VALUE)
    return str(frontend.page.evaluate(VALUE))


def send(frontend: Frontend) -> None:
    """Send the form, and wait for the reply to be there: a form whose element has no pass."""
    frontend.button("Send").click()
    frontend.page.wait_for_function("() => document.querySelector('captcha-stateless')?.value === ''")


def answer(status: int, markup: str) -> "Callable[[Route], None]":
    return lambda route: route.fulfill(status=status, content_type="text/html", body=markup)


HTMX = f"<form hx-post=/sign-up hx-target=this hx-swap=outerHTML>{ELEMENT}<button>Send</button></form>"
TURBO = f"<form method=post action=/sign-up>{ELEMENT}<button>Send</button></form>"


@pytest.mark.parametrize(
    ("path", "form", "status", "reply"),
    [
        ("htmx.org/dist/htmx.js", HTMX, 200, HTMX),
        # What failed comes back as a page of its own, with 422.
        (
            "@hotwired/turbo/dist/turbo.es2017-umd.js",
            TURBO,
            422,
            f"<!doctype html><html><head><title>Sign up</title></head><body>{TURBO}</body></html>",
        ),
    ],
    ids=["htmx", "turbo"],
)
def test_a_form_is_sent_with_its_pass_and_the_next_one_earns_its_own(
    frontend: Frontend, site: Site, path: str, form: str, status: int, reply: str
) -> None:
    site.reply = (status, reply)
    frontend.show(library(path) + READY, SCRIPT, body=form)

    first = solve(frontend)
    send(frontend)
    second = solve(frontend)
    send(frontend)

    assert site.passes == [first, second]
    assert first != second
    assert frontend.verify(first).success
    assert frontend.verify(second).success


def test_a_page_that_turbo_brings_back_has_a_fresh_element(frontend: Frontend) -> None:
    link = "<a href=/other.html>Away</a>"
    frontend.page.route(
        "**/other.html", answer(200, "<!doctype html><html><body><p>Elsewhere</p></body></html>")
    )
    frontend.show(library("@hotwired/turbo/dist/turbo.es2017-umd.js") + READY, SCRIPT, body=TURBO + link)
    solve(frontend)

    frontend.page.get_by_text("Away").click()
    frontend.page.get_by_text("Elsewhere").wait_for()
    frontend.page.go_back()
    frontend.element().wait_for()

    assert frontend.page.evaluate(VALUE) == ""
    assert frontend.verify(solve(frontend)).success
