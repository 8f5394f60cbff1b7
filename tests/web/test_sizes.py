"""Sizes, themes and what visitors ask of their system: how it looks on their screens."""

from typing import TYPE_CHECKING, Any

import pytest

from captcha_stateless.testing import CaptchaServer
from tests.web.conftest import Visit
from tests.web.test_widget import FIND, FORM, form_with
from tests.web.test_work import harder

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext


def test_targets_are_large_and_it_fits_320_pixels(visit: Visit) -> None:
    visit.page.set_viewport_size({"width": 320, "height": 640})
    visit.open(FORM)
    visit.press_trigger()
    visit.boxes()

    tiles = [tile.bounding_box() for tile in visit.page.locator("captcha-stateless .tile").all()]
    others = [
        button.bounding_box()
        for button in visit.page.locator("captcha-stateless dialog button:visible").all()
    ]

    assert len(tiles) == 9
    assert all(box and box["width"] >= 64 and box["height"] >= 64 for box in tiles)
    assert all(
        box and box["width"] >= 24 and box["height"] >= 24 and box["x"] + box["width"] <= 320
        for box in others
    )
    assert visit.page.evaluate(f"() => {FIND}.shadowRoot.querySelector('dialog').scrollWidth <= 320")


def test_on_a_phone_that_lies_down_check_is_in_sight(visit: Visit) -> None:
    visit.page.set_viewport_size({"width": 667, "height": 375})
    visit.open(FORM)
    visit.press_trigger()
    visit.boxes()[8].check()

    box = visit.button("Check").bounding_box()

    assert box
    assert 0 <= box["y"] <= 375 - box["height"]


def test_with_forced_colours_a_chosen_tile_still_differs(visit: Visit) -> None:
    visit.page.emulate_media(forced_colors="active")
    visit.open(FORM)
    visit.press_trigger()
    visit.boxes()[0].check()

    chosen, other = (box.evaluate("box => getComputedStyle(box).borderTopColor") for box in visit.boxes()[:2])

    assert chosen != other


def test_with_reduced_motion_nothing_turns(context: "BrowserContext", captcha: CaptchaServer) -> None:
    visit = Visit(context, captcha)
    harder(visit)
    visit.page.emulate_media(reduced_motion="reduce")
    visit.open(form_with("kind=work"))

    visit.trigger.click()
    visit.page.locator("captcha-stateless progress").wait_for()

    assert visit.page.locator("captcha-stateless .mark").evaluate("mark => mark.getAnimations().length") == 0


@pytest.mark.parametrize(
    ("attributes", "width"),
    [("", 304), ("size=normal", 304), ("size=compact", 176), ("size=flexible", 500)],
)
def test_it_has_the_size_that_is_asked_for(visit: Visit, attributes: str, width: int) -> None:
    visit.page.set_viewport_size({"width": 516, "height": 640})
    visit.open(form_with(attributes))

    assert visit.page.locator("captcha-stateless .box").evaluate("box => box.offsetWidth") == width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_its_theme_is_the_browser_s_or_the_one_that_is_asked_for(visit: Visit, scheme: Any) -> None:
    visit.page.emulate_media(color_scheme=scheme)
    visit.open("".join(form_with(f"theme={theme}") for theme in ("auto", "light", "dark")))

    grounds = [
        box.evaluate("box => getComputedStyle(box).backgroundColor")
        for box in visit.page.locator("captcha-stateless .box").all()
    ]

    light, dark = "rgb(255, 255, 255)", "rgb(32, 33, 36)"
    assert grounds == [{"light": light, "dark": dark}[scheme], light, dark]


def test_a_page_styles_it_by_variables_and_parts(visit: Visit) -> None:
    visit.open(FORM)
    visit.page.evaluate(
        "() => { const sheet = new CSSStyleSheet(); sheet.replaceSync('captcha-stateless { --captcha-accent: rgb(1, 2, 3); }"
        " captcha-stateless::part(trigger) { text-transform: uppercase; }'); document.adoptedStyleSheets.push(sheet); }"
    )
    visit.press_trigger()

    main = visit.page.locator("captcha-stateless .main").evaluate(
        "button => getComputedStyle(button).backgroundColor"
    )
    trigger = visit.trigger.evaluate("button => getComputedStyle(button).textTransform")

    assert (main, trigger) == ("rgb(1, 2, 3)", "uppercase")
