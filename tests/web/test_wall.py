"""The wall as a visitor meets it: Chromium, with scripts and without, before a site behind each edge."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.edge.walls import EDGES, Behind, behind, wall

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Response

DEEP = "/deep/link?x=1&y=a%20b#part"
#: What browsers say of every 401, which is the wall's status.
_OF_NO_ACCOUNT = re.compile("^Failed to load resource")


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    with behind(tmp_path_factory.mktemp("behind")) as deployment:
        yield deployment


@pytest.fixture(params=EDGES, scope="module")
def site(
    request: pytest.FixtureRequest, deployment: Behind, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    with wall(request.param, tmp_path_factory.mktemp(request.param), deployment) as url:
        yield url


@pytest.fixture
def complaints(context: "BrowserContext") -> Iterator[list[str]]:
    """See at the end that no policy was violated and no script failed."""
    heard: list[str] = []
    context.on("console", lambda told: heard.append(told.text) if told.type == "error" else None)
    context.on("weberror", lambda error: heard.append(str(error.error)))
    yield heard
    assert [text for text in heard if not _OF_NO_ACCOUNT.search(text)] == []


def opened(context: "BrowserContext", address: str) -> "tuple[Page, list[int]]":
    """Open a page; what its own address answers is noted."""
    page, statuses = context.new_page(), []

    def note(response: "Response") -> None:
        if response.request.is_navigation_request():
            statuses.append(response.status)

    page.on("response", note)
    page.goto(address)
    return page, statuses


def is_there(page: "Page", said: str) -> None:
    page.get_by_text(said).wait_for()


def test_a_device_works_unasked_and_the_very_page_is_there(
    context: "BrowserContext", complaints: list[str], site: str
) -> None:
    page, statuses = opened(context, f"{site}{DEEP}")

    is_there(page, "GET /deep/link?x=1&y=a%20b")

    assert page.url == f"{site}{DEEP}"
    assert statuses == [401, 303, 200]
    assert page.evaluate("async () => (await fetch('/data.json')).status") == 200
    again = page.goto(f"{site}/another")
    assert again and again.status == 200


@pytest.mark.parametrize("site", ["caddy"], indirect=True)
def test_pictures_and_fetches_of_the_uncleared_get_a_bare_401(context: "BrowserContext", site: str) -> None:
    page, _ = opened(context, f"{site}/feed")  # a page that a rule lets through

    told = page.evaluate(
        """async () => {
          const reply = await fetch("/data.json");
          const picture = new Image();
          const shown = await new Promise((told) => {
            picture.onload = () => told(true); picture.onerror = () => told(false); picture.src = "/one.png";
          });
          return [reply.status, reply.headers.get("content-type"), Object.keys(await reply.json()).sort(), shown];
        }"""
    )

    assert told == [401, "application/json", ["error", "wall"], False]


@pytest.mark.parametrize("site", ["nginx"], indirect=True)
def test_what_was_sent_in_a_form_is_told_to_be_lost(
    context: "BrowserContext", complaints: list[str], site: str
) -> None:
    page, _ = opened(context, f"{site}/feed")
    page.evaluate(
        """() => {
          const form = Object.assign(document.createElement("form"), { method: "post", action: "/send" });
          document.body.append(form);
          form.submit();
        }"""
    )

    is_there(page, "What you sent in the form did not arrive.")
    is_there(page, "GET /feed")


@pytest.mark.parametrize("site", ["haproxy"], indirect=True)
def test_whoever_keeps_no_cookies_is_told_and_not_sent_in_a_circle(
    context: "BrowserContext", complaints: list[str], site: str
) -> None:
    context.route(re.compile(r"/captcha/auth\?"), lambda route: route.fulfill(status=204))  # and no cookie
    page, statuses = opened(context, f"{site}{DEEP}")

    is_there(page, "Your browser did not keep the cookie")
    page.wait_for_timeout(500)

    assert statuses == [401, 401]
    page.get_by_role("link", name="Try again").click()
    is_there(page, "Your browser did not keep the cookie")
    assert statuses == [401] * 4


@pytest.fixture
def bare(browser: "Browser") -> "Iterator[BrowserContext]":
    context = browser.new_context(locale="de-DE", java_script_enabled=False)
    context.set_default_timeout(60_000)
    yield context
    context.close()


def test_without_scripts_a_form_sets_the_cookie_and_leads_back(
    bare: "BrowserContext", site: str, deployment: Behind
) -> None:
    page, _ = opened(bare, f"{site}{DEEP}")

    page.get_by_role("link", name="Ohne Skripte fortfahren").click()
    for _ in range(10):
        if "/captcha/nojs" not in page.url:
            break
        page.locator("input[name=token]").wait_for(state="attached")
        token = page.locator("input[name=token]").get_attribute("value") or ""
        right: Any = deployment.engine.tell(deployment.engine.look(token, "nojs"))
        for number, wanted in enumerate(right):
            page.locator(f"input[name=tile{number}]").set_checked(wanted)
        page.locator("button.main").click()

    is_there(page, "GET /deep/link?x=1&y=a%20b")
    assert page.url.partition("#")[0] == f"{site}{DEEP}".partition("#")[0]
