"""Private tokens, as the widget asks for them: on Apple's browsers only, and whoever has none goes on as ever."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from captcha_stateless import sites
from captcha_stateless.devices import WINDOW_SECONDS
from captcha_stateless.testing import CaptchaServer
from tests.devices.issuing import pin, wanted
from tests.web.conftest import Visit

if TYPE_CHECKING:
    from playwright.sync_api import Route

FORM = "<form><captcha-stateless sitekey=dev-site></captcha-stateless></form>"
#: A Chromium that says that it is one of Apple's.
APPLE = "Object.defineProperty(Navigator.prototype, 'vendor', { get: () => 'Apple Computer, Inc.' });"


@pytest.fixture(scope="module")
def captcha(ring: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CaptchaServer]:
    folder = tmp_path_factory.mktemp("device")
    site = sites.make("Shop", "dev-site", "dev-secret", kinds=["grid", "device"], hosts=["localhost"])
    sites.append(folder / "sites.toml", site)
    issuers = pin(folder / "issuers.json", "issuer")
    with CaptchaServer(keys=ring, sites=folder / "sites.toml", device_issuers=issuers) as server:
        time.sleep(
            WINDOW_SECONDS - time.time() % WINDOW_SECONDS
        )  # of the window that is open its filter knows nothing
        yield server


def test_another_browser_does_not_ask(visit: Visit) -> None:
    visit.open(FORM)
    with visit.page.expect_response("**/api/challenge?*") as told:
        visit.trigger.click()

    assert ("device" in told.value.url, told.value.status) == (False, 200)


def test_one_of_apple_s_that_brings_no_token_goes_on_as_ever(visit: Visit) -> None:
    visit.page.add_init_script(APPLE)
    visit.open(FORM)
    with visit.page.expect_response("**/api/challenge?*") as told:
        visit.trigger.click()
    reply = told.value.json()
    while "challenge" in reply:
        visit.page.get_by_text(f"Round {reply['stage'] + 1} of").wait_for()
        visit.choose(reply)
        reply = visit.check()

    assert told.value.status == 401
    assert visit.captcha.verify(reply["flag"]).success


def test_one_that_brings_a_token_is_done_unseen(visit: Visit) -> None:
    def system(route: "Route") -> None:
        """Do as the system does: what is refused with an offer is sent again with a token."""
        refused = route.fetch()
        headers = wanted(refused.headers["www-authenticate"])
        route.fulfill(response=route.fetch(headers={**route.request.headers, **headers}))

    visit.page.add_init_script(APPLE)
    visit.page.route("**/api/challenge?*", system)
    visit.open(FORM)

    visit.trigger.click()
    visit.page.wait_for_function("() => document.querySelector('captcha-stateless').value")

    assert not visit.dialog.is_visible()
    assert visit.captcha.verify(visit.value()).success
