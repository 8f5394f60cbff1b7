"""A browser for the tests of what visitors meet, and pages of the captcha server's own origin under the strictest policy."""

import re
import shlex
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from captcha_stateless.testing import CaptchaServer
from captcha_stateless.tokens import keys
from tests.needs import module, program

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, Route

#: What the widget promises to work under, to the letter.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; worker-src 'self'; "
    "require-trusted-types-for 'script'"
)
#: What browsers say of every 4xx and 5xx, which are the tests' own, and of an icon that nobody asked them to fetch.
_OF_NO_ACCOUNT = re.compile("^Failed to load resource|/favicon.ico")


class Visit:
    """One visitor's browser window, and everything that it complained of."""

    def __init__(self, context: "BrowserContext", captcha: CaptchaServer) -> None:
        self.page: Page = context.new_page()
        self.captcha = captcha
        self.url = f"http://localhost:{captcha.port}"
        self.complaints: list[str] = []
        self.foreign: list[str] = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self._note(str(error)))
        self.page.on("request", self._watch)
        self.engine = captcha.app.state.engine

    def open(self, body: str, script: str = "", *, policy: str = POLICY, head: str = "") -> "Page":
        """Show a page of ours that loads the widget, and wait until it has its words; ``script`` has its own path."""
        markup = (
            f"<!doctype html><html lang=en><head><title>Sign up</title><script src=/script.js></script>"
            f"<script src=/widget.js async></script>{head}</head><body><main><h1>Sign up</h1>{body}</main></body></html>"
        )
        self._serve("/page.html", "text/html; charset=utf-8", markup, policy)
        self._serve("/script.js", "text/javascript", script, policy)
        self.page.goto(f"{self.url}/page.html")
        self.page.wait_for_function(
            "() => customElements.get('captcha-stateless') && [...document.querySelectorAll('captcha-stateless')]"
            ".every(({ shadowRoot }) => shadowRoot.querySelector('.box').lang)"
        )
        return self.page

    def press_trigger(self) -> dict[str, Any]:
        """Press the trigger, and return the challenge that is shown."""
        with self.page.expect_response("**/api/challenge?*") as told:
            self.trigger.click()
        reply: dict[str, Any] = told.value.json()
        return reply

    def choose(self, challenge: dict[str, Any], *, wrongly: bool = False) -> None:
        """Choose the right tiles, or one of them wrongly."""
        answer = self.answer(challenge)
        for box, right in zip(self.boxes(), answer, strict=True):
            box.set_checked(right)
        if wrongly:
            self.boxes()[0].set_checked(not answer[0])

    def check(self) -> dict[str, Any]:
        """Press *Check*, and return what comes next."""
        with self.page.expect_response("**/api/challenge") as told:
            self.button("Check").click()
        reply: dict[str, Any] = told.value.json()
        return reply

    def solve(self) -> str:
        """Solve the grid by hand, and return the pass."""
        reply = self.press_trigger()
        while "challenge" in reply:
            self.page.get_by_text(f"Round {reply['stage'] + 1} of").wait_for()
            self.choose(reply)
            reply = self.check()
        self.page.wait_for_function("() => document.querySelector('captcha-stateless').value")
        return str(reply["flag"])

    def answer(self, challenge: dict[str, Any]) -> Any:
        """Tell the right answer."""
        return self.engine.tell(self.engine.look(challenge["challenge"], "onecaptcha"))

    @property
    def trigger(self) -> "Locator":
        return self.page.locator("captcha-stateless button.trigger")

    @property
    def dialog(self) -> "Locator":
        return self.page.locator("captcha-stateless dialog")

    def boxes(self) -> "list[Locator]":
        self.page.locator("captcha-stateless .tile").nth(8).wait_for()
        return self.page.locator("captcha-stateless .tile input").all()

    def button(self, name: str) -> "Locator":
        return self.page.get_by_role("button", name=name, exact=True)

    def said(self, text: str) -> None:
        """Wait until a live region says it."""
        self.page.locator("captcha-stateless [role=status]").get_by_text(text).wait_for()

    def focused(self) -> str:
        """Name what has the focus within the element, by its accessible name or text."""
        found = self.page.evaluate(
            "() => { let at = document.activeElement; while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;"
            " return at?.ariaLabel || at?.textContent || at?.localName; }"
        )
        return str(found)

    def value(self) -> str:
        return str(self.page.evaluate("() => document.querySelector('captcha-stateless').value"))

    def form(self) -> dict[str, str]:
        """Read the page's form as it would be sent."""
        fields: dict[str, str] = self.page.evaluate(
            "() => Object.fromEntries(new FormData(document.querySelector('form')))"
        )
        return fields

    def _serve(self, path: str, media_type: str, content: str, policy: str) -> None:
        def answer(route: "Route") -> None:
            headers = {"Content-Type": media_type, "Content-Security-Policy": policy}
            route.fulfill(status=200, headers=headers, body=content)

        self.page.unroute(self.url + path)
        self.page.route(self.url + path, answer)

    def _hear(self, message: "ConsoleMessage") -> None:
        if message.type in ("error", "warning"):
            self._note(message.text)

    def _note(self, text: str) -> None:
        if not _OF_NO_ACCOUNT.search(text):
            self.complaints.append(text)

    def _watch(self, request: "Request") -> None:
        if not request.url.startswith((self.url, "blob:", "data:")):
            self.foreign.append(request.url)


@pytest.fixture(scope="session")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the keys of all servers here: what is drawn under them is prepared once."""
    path = tmp_path_factory.mktemp("keys") / "keyring.json"
    keys.save(path, keys.fresh_ring(int(time.time())), overwrite=False)
    return path


@pytest.fixture(scope="module")
def captcha(ring: Path) -> Iterator[CaptchaServer]:
    with CaptchaServer(keys=ring) as server:
        yield server


# One for each module, not for the session: while it runs, its event loop is the thread's, and no other test may start one.
@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    playwright = module("playwright.sync_api")
    path = program("chromium")
    with playwright.sync_playwright() as driver:
        # A page that a test makes up has no address, and would need leave to load from this machine's.
        args = ["--no-sandbox", "--disable-features=LocalNetworkAccessChecks"]
        browser = driver.chromium.launch(executable_path=path, args=args)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Browser]":
    playwright = module("playwright.sync_api")
    module("websockets")
    program("firefox-esr")
    start = tmp_path_factory.mktemp("firefox") / "firefox"
    command = [sys.executable, str(Path(__file__).parent / "firefox.py")]
    start.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
    start.chmod(start.stat().st_mode | stat.S_IXUSR)
    with playwright.sync_playwright() as driver:
        browser = driver.firefox.launch(executable_path=start, channel="moz-firefox")
        yield browser
        browser.close()


@pytest.fixture
def context(browser: "Browser") -> "Iterator[BrowserContext]":
    context = browser.new_context(locale="en-GB")
    context.set_default_timeout(60_000)
    yield context
    context.close()


@pytest.fixture
def visit(context: "BrowserContext", captcha: CaptchaServer) -> Iterator[Visit]:
    """Open a window, and see at the end that nothing was violated and nobody else was asked."""
    visit = Visit(context, captcha)
    yield visit
    assert visit.complaints == []
    assert visit.foreign == []
