"""Our own element in pages that htmx and Turbo send and swap: its pass goes along, and what comes back is fresh."""

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest

from tests.web.frontends.conftest import Frontend
from tests.web.frontends.test_interfaces import READY, library

if TYPE_CHECKING:
    from playwright.sync_api import Route

ELEMENT = "<captcha-stateless sitekey=dev-site kind=work required></captcha-stateless>"
SCRIPT = '<script src="CAPTCHA/widget.js" async></script>'
VALUE = "() => document.querySelector('captcha-stateless').value"


def solve(frontend: Frontend) -> str:
    frontend.element().locator("button.trigger").click()
    frontend.page.wait_for_function(VALUE)
    return str(frontend.page.evaluate(VALUE))


def send(frontend: Frontend) -> str:
    """Send the form, and return the pass that goes along."""
    with frontend.page.expect_request("**/sign-up") as told:
        frontend.button("Send").click()
    (token,) = parse_qs(told.value.post_data)["captcha-response"]
    return token


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
    frontend: Frontend, path: str, form: str, status: int, reply: str
) -> None:
    frontend.show(library(path) + READY, SCRIPT, body=form)
    frontend.page.route("**/sign-up", answer(status, reply))

    first = solve(frontend)
    sent = send(frontend)
    frontend.page.wait_for_function("() => !document.querySelector('captcha-stateless').value")
    second = solve(frontend)

    assert sent == first
    assert send(frontend) == second != first
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
