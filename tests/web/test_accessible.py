"""axe-core finds nothing to object to, in whatever way a visitor looks at what we serve."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from captcha_stateless.testing import CaptchaServer
from tests.needs import need
from tests.web.conftest import Visit
from tests.web.test_nojs import solve_by_hand
from tests.web.test_pages import send
from tests.web.test_widget import FIND, FORM, form_with
from tests.web.test_work import harder

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"

#: As a visitor's browser is set: what Playwright calls its context's options.
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "forced-colours": {"forced_colors": "active"},
    "right-to-left": {"locale": "ar"},
    "narrow": {"viewport": {"width": 320, "height": 640}},
}


def looked_at(browser: "Browser", captcha: CaptchaServer, look: str) -> Visit:
    # axe-core is put into the page by the test, which no policy need allow.
    context = browser.new_context(**{"locale": "en-GB", **LOOKS[look]}, bypass_csp=True)
    context.set_default_timeout(60_000)
    return Visit(context, captcha)


def objections(page: "Page") -> list[str]:
    need(AXE.exists(), "axe-core (npm ci in tests/web)")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


def lang(look: str) -> str:
    return "lang=ar" if look == "right-to-left" else ""


@pytest.mark.parametrize("look", list(LOOKS))
def test_the_widget_at_rest_and_open(browser: "Browser", captcha: CaptchaServer, look: str) -> None:
    visit = looked_at(browser, captcha, look)
    visit.open(form_with(lang(look)))
    at_rest = objections(visit.page)

    visit.choose(visit.press_trigger(), wrongly=True)
    shown = objections(visit.page)
    with visit.page.expect_response("**/api/challenge?*"):
        visit.page.locator("captcha-stateless .main").click()
    visit.page.locator("captcha-stateless dialog .bad").wait_for()
    wrong = objections(visit.page)
    visit.page.context.close()

    assert (at_rest, shown, wrong) == ([], [], [])


@pytest.mark.parametrize("look", list(LOOKS))
def test_the_widget_with_text_and_with_sound(browser: "Browser", captcha: CaptchaServer, look: str) -> None:
    visit = looked_at(browser, captcha, look)
    visit.open(form_with(f"kind=text {lang(look)}"))
    visit.press_trigger()
    visit.page.locator("captcha-stateless .input").wait_for()
    read = objections(visit.page)

    visit.page.evaluate(f"() => {FIND}.shadowRoot.querySelector('.listen').click()")
    visit.page.locator("captcha-stateless .line").wait_for(state="detached")
    heard = objections(visit.page)
    visit.page.context.close()

    assert (read, heard) == ([], [])


@pytest.mark.parametrize("look", list(LOOKS))
def test_the_widget_at_work_and_done(browser: "Browser", captcha: CaptchaServer, look: str) -> None:
    visit = looked_at(browser, captcha, look)
    harder(visit)
    visit.open(form_with(f"kind=work {lang(look)}"))
    visit.trigger.click()
    visit.page.locator("captcha-stateless progress").wait_for()
    at_work = objections(visit.page)

    visit.page.unroute("**/api/challenge?*")
    visit.page.keyboard.press("Escape")
    visit.page.evaluate(f"() => {FIND}.execute()")
    done = objections(visit.page)
    visit.page.context.close()

    assert (at_work, done) == ([], [])


@pytest.mark.parametrize("look", list(LOOKS))
def test_the_widget_with_bad_news(browser: "Browser", captcha: CaptchaServer, look: str) -> None:
    visit = looked_at(browser, captcha, look)
    visit.page.route("**/api/challenge?*", lambda route: route.abort())
    visit.open(FORM.replace("sitekey", f"{lang(look)} sitekey"))
    visit.trigger.click()
    visit.page.wait_for_function(
        f"() => {FIND}.shadowRoot.querySelector('.box p').textContent && "
        f"!{FIND}.shadowRoot.querySelector('.busy')"
    )

    found = objections(visit.page)
    visit.page.context.close()

    assert found == []


@pytest.mark.parametrize(
    "path",
    ["/", "/demo", "/nojs?sitekey=dev-site", "/nojs?kind=text", "/nojs?sitekey=nobody", "/widget/help"],
)
@pytest.mark.parametrize("look", list(LOOKS))
def test_the_pages(browser: "Browser", captcha: CaptchaServer, look: str, path: str) -> None:
    visit = looked_at(browser, captcha, look)
    visit.page.goto(visit.url + path)
    if path == "/demo":
        visit.page.wait_for_selector("body[data-ready]")
        visit.page.evaluate(
            "() => document.querySelectorAll('details').forEach((one) => { one.open = true; })"
        )
        send(visit.page, "1Captcha", "Begin")
        visit.page.wait_for_function("() => [...document.images].every(({ complete }) => complete)")

    found = objections(visit.page)
    reflowed = visit.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    visit.page.context.close()

    assert found == []
    assert reflowed


@pytest.mark.parametrize("look", list(LOOKS))
def test_the_page_without_scripts_at_its_end(browser: "Browser", captcha: CaptchaServer, look: str) -> None:
    visit = looked_at(browser, captcha, look)
    visit.page.goto(f"{visit.url}/nojs?sitekey=dev-site&{lang(look)}")

    solve_by_hand(visit)
    visit.page.locator("textarea").wait_for()
    found = objections(visit.page)
    visit.page.context.close()

    assert found == []
