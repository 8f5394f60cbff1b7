"""Pages that use the client libraries of other CAPTCHAs, bundled from npm as their authors would, in a browser."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from captcha_stateless.client import Verdict
from captcha_stateless.testing import CaptchaServer
from tests.needs import need, program
from tests.web.conftest import Visit

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator, Request, Route

HERE = Path(__file__).parent


class Frontend(Visit):
    """A page of a site of its own origin, with a library in it that may load from our server and nowhere else."""

    known_as = "data:"

    def show(
        self, app: str, script: str = "", *, body: str = "", known_as: str = "", compiles: bool = False
    ) -> None:
        """Open a page; ``script`` is our tag in the page, ``known_as`` the vendor's origin that we answer for."""
        evaluated = "'unsafe-eval'" if compiles else ""
        policy = (
            f"default-src 'none'; script-src 'self' {self.captcha.url} {known_as} {evaluated}; "
            f"connect-src 'self' {self.captcha.url} {known_as}; worker-src blob:; style-src 'self' 'unsafe-inline'"
        )
        tag = script.replace("CAPTCHA", self.captcha.url)
        markup = (
            f"<!doctype html><html lang=en><head><title>Sign up</title><script src=/app.js defer></script></head>"
            f"<body>{tag}{body}<div id=root></div></body></html>"
        )
        query = urlencode({"captcha": self.captcha.url})
        if known_as:
            self.known_as = known_as
            self.page.route(f"{known_as}/**", self._answer_for)
        self._serve("/app.js", "text/javascript", app, policy)
        self._serve(f"/page.html?{query}", "text/html; charset=utf-8", markup, policy)
        self.page.goto(f"{self.url}/page.html?{query}")
        self.page.wait_for_function("() => window.show")

    def count(self, number: int) -> None:
        """Let the page have so many widgets."""
        self.page.evaluate("number => show(number)", number)

    def element(self, at: int = 0) -> "Locator":
        return self.page.locator("captcha-stateless").nth(at)

    def heard(self, name: str, at: int = 0) -> list[Any]:
        """Tell what a widget said under this name, in order."""
        details: list[Any] = self.page.evaluate(
            "([name, at]) => heard.filter((one) => one.name === name && one.at === at).map(({ detail }) => detail ?? null)",
            [name, at],
        )
        return details

    def wait_for(self, name: str, at: int = 0, *, more_than: int = 0) -> Any:
        """Wait until a widget has said this once more, and return the detail."""
        self.page.wait_for_function(
            "([name, at, count]) => heard.filter((one) => one.name === name && one.at === at && one.detail !== '')"
            ".length > count",
            arg=[name, at, more_than],
        )
        return [detail for detail in self.heard(name, at) if detail != ""][-1]

    def work_through(self, reply: dict[str, Any], at: int = 0) -> None:
        """Answer stage after stage of a challenge that is open."""
        element = self.element(at)
        while "challenge" in reply:
            element.get_by_text(f"Round {reply['stage'] + 1} of").wait_for()
            element.locator(".tile").nth(8).wait_for()
            for box, right in zip(element.locator(".tile input").all(), self.answer(reply), strict=True):
                box.set_checked(right)
            with self.page.expect_response("**/api/challenge") as told:
                element.get_by_role("button", name="Check", exact=True).click()
            reply = told.value.json()

    def begin(self, at: int = 0) -> dict[str, Any]:
        """Press a widget's own button, and return the challenge that is shown."""
        with self.page.expect_response("**/api/challenge?*") as told:
            self.element(at).locator("button.trigger").click()
        reply: dict[str, Any] = told.value.json()
        return reply

    def run(self, at: int = 0) -> dict[str, Any]:
        """Press the page's button that runs a challenge, and return what is shown."""
        with self.page.expect_response("**/api/challenge?*") as told:
            self.button(f"Run {at}").click()
        reply: dict[str, Any] = told.value.json()
        return reply

    def verify(self, token: str) -> Verdict:
        """Use a pass up as the site's back end does."""
        return self.captcha.verify(token)

    def _answer_for(self, route: "Route") -> None:
        url = route.request.url.replace(self.known_as, self.captcha.url)
        route.fulfill(response=route.fetch(url=url))

    def _watch(self, request: "Request") -> None:
        if not request.url.startswith((self.url, self.captcha.url, self.known_as, "blob:", "data:")):
            self.foreign.append(request.url)


@pytest.fixture(scope="session")
def apps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Bundle every page of ``apps/``; return them by name."""
    need((HERE / "node_modules").exists(), "the libraries (npm ci in tests/web/frontends)")
    folder = tmp_path_factory.mktemp("apps")
    subprocess.run([program("node"), HERE / "build.mjs", folder], check=True, timeout=120)
    return {file.name.removesuffix(".app.js"): file.read_text("utf-8") for file in folder.glob("*.app.js")}


@pytest.fixture
def frontend(context: "BrowserContext", captcha: CaptchaServer) -> Iterator[Frontend]:
    """Open a window, and see at the end that no library complained and nobody else was asked."""
    context.set_default_timeout(20_000)
    frontend = Frontend(context, captcha)
    yield frontend
    assert frontend.complaints == []
    assert frontend.foreign == []
