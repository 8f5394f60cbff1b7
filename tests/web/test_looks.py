"""How it looks in pages that are not ours: small root sizes, large text, low windows, dark pages, older browsers."""

from typing import TYPE_CHECKING, Any

import pytest

from captcha_stateless.protocols import scripts
from tests.web.conftest import Visit
from tests.web.test_widget import FIND, FORM, form_with

if TYPE_CHECKING:
    from playwright.sync_api import Locator

STYLED = "default-src 'self'; style-src 'self' 'unsafe-inline'"
#: The smallest text and the smallest target that are shown, in pixels.
SMALLEST = """() => {
  const root = document.querySelector("captcha-stateless").shadowRoot;
  const shown = [...root.querySelectorAll("*")].filter((one) => one.checkVisibility() && one.getClientRects().length);
  const texts = shown.filter((one) => [...one.childNodes].some(({ nodeType, data }) => nodeType === 3 && data.trim()));
  const targets = shown.filter((one) => one.matches("button, input, a"));
  return [Math.min(...texts.map((one) => parseFloat(getComputedStyle(one).fontSize))),
    Math.min(...targets.map((one) => one.getBoundingClientRect()).flatMap(({ width, height }) => [width, height]))];
}"""


@pytest.mark.parametrize("root", ["62.5%", "8px", "40px"])
def test_sizes_do_not_follow_the_page_s_rem(visit: Visit, root: str) -> None:
    visit.open(
        f"<style>html {{ font-size: {root}; line-height: 3; letter-spacing: 4px }}</style>{FORM}",
        policy=STYLED,
    )
    width = visit.page.locator("captcha-stateless .box").evaluate("box => box.offsetWidth")
    at_rest = visit.page.evaluate(SMALLEST)
    visit.press_trigger()
    visit.boxes()

    text, target = visit.page.evaluate(SMALLEST)

    assert width == 304
    assert min(text, at_rest[0]) >= 14
    assert min(target, at_rest[1]) >= 24


def covered(visit: Visit) -> float:
    """Tell what share of the chosen tile's middle, where its glyph is, the tick covers."""
    share: float = visit.boxes()[0].evaluate(
        """box => {
          const tile = box.parentNode.getBoundingClientRect(), tick = getComputedStyle(box, "::after");
          const [size, top, end] = ["inlineSize", "insetBlockStart", "insetInlineEnd"].map((name) => parseFloat(tick[name]));
          const over = Math.max(0, size + end - tile.width * 0.15) * Math.max(0, size + top - tile.height * 0.15);
          return over / (tile.width * tile.height);
        }"""
    )
    return share


def test_the_tick_is_there_when_chosen_only_and_clear_of_the_glyph(visit: Visit) -> None:
    visit.open(FORM)
    visit.press_trigger()
    box, tick = visit.boxes()[0], "box => getComputedStyle(box, '::after').content"
    ticks = [box.evaluate(tick)]
    box.check()
    ticks.append(box.evaluate(tick))

    assert ticks == ["none", '"✓"']
    assert covered(visit) == 0


def test_at_twice_the_text_the_tick_hides_nothing_and_all_fits(visit: Visit) -> None:
    """The visitor's own size of text, which `medium` is."""
    session = visit.page.context.new_cdp_session(visit.page)
    session.send("Page.enable")
    session.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
    visit.page.set_viewport_size({"width": 390, "height": 664})
    visit.open(FORM)
    visit.press_trigger()
    visit.boxes()[0].check()

    size = visit.button("Check").evaluate("button => parseFloat(getComputedStyle(button).fontSize)")
    fits = visit.dialog.evaluate(
        "dialog => dialog.scrollWidth <= dialog.clientWidth && dialog.offsetWidth <= innerWidth"
    )

    assert size == 32
    assert fits
    assert covered(visit) == 0


WINDOWS = [(320, 568), (390, 664), (1366, 657), (1280, 600), (667, 375)]


def in_sight(visit: Visit, said: "Locator") -> bool:
    """Tell whether the whole of it is within the window, and nothing lies over it."""
    inside: bool = said.evaluate(
        """node => {
          const { left, top, right, bottom } = node.getBoundingClientRect(), root = node.getRootNode();
          const points = [[left + 6, top + 4], [right - 6, bottom - 4], [(left + right) / 2, (top + bottom) / 2]];
          return points.every(([x, y]) => x >= 0 && y >= 0 && x <= innerWidth && y <= innerHeight
            && (root.elementFromPoint(x, y) === node || node.contains(root.elementFromPoint(x, y))));
        }"""
    )
    return inside


@pytest.mark.parametrize(("width", "height"), WINDOWS)
@pytest.mark.parametrize("lang", ["en", "de"])
def test_what_is_said_is_always_in_sight(visit: Visit, width: int, height: int, lang: str) -> None:
    visit.page.clock.install()
    visit.page.set_viewport_size({"width": width, "height": height})
    visit.open(form_with(f"lang={lang}"))
    said, words = visit.page.locator("captcha-stateless dialog [role=status]"), scripts.words(lang)
    check = visit.page.locator("captcha-stateless .main")
    seen: dict[str, bool] = {}

    def look(name: str, **more: Any) -> None:
        visit.page.locator("captcha-stateless dialog").get_by_text(words[name].replace("#", "30")).wait_for()
        seen[name] = in_sight(visit, said)

    visit.choose(visit.press_trigger(), wrongly=True)
    visit.page.route("**/api/challenge", lambda route: route.abort())
    check.click()
    look("network")
    visit.page.unroute("**/api/challenge")
    with visit.page.expect_response("**/api/challenge?*"):
        check.click()
    look("again")
    visit.boxes()[8].focus()
    visit.page.clock.run_for(91_000)
    look("left")
    more_in_sight = in_sight(visit, visit.page.locator("captcha-stateless .more"))
    visit.page.clock.run_for(31_000)
    look("over")

    assert seen == {"network": True, "again": True, "left": True, "over": True}
    assert more_in_sight


def test_errors_look_like_errors_and_stand_on_top(visit: Visit) -> None:
    visit.open(FORM)
    visit.choose(visit.press_trigger(), wrongly=True)
    visit.check()
    visit.said("Not right. Here is another one.")
    said = visit.page.locator("captcha-stateless dialog [role=status]")

    colour, mark = said.evaluate(
        "node => [getComputedStyle(node).color, getComputedStyle(node, '::before').content]"
    )
    above = said.evaluate("node => node.getBoundingClientRect().bottom") <= visit.page.locator(
        "captcha-stateless .tiles"
    ).evaluate("node => node.getBoundingClientRect().top")

    assert colour != visit.page.locator("captcha-stateless .ask").evaluate(
        "node => getComputedStyle(node).color"
    )
    assert mark == '"!"'
    assert above


GROUND = f"() => getComputedStyle({FIND}.shadowRoot.querySelector('.box')).backgroundColor"
LIGHT, DARK = "rgb(255, 255, 255)", "rgb(32, 33, 36)"


@pytest.mark.parametrize(
    ("page", "system", "ground"),
    [
        ("light", "dark", LIGHT),
        ("dark", "light", DARK),
        ("light dark", "dark", DARK),
        ("only light", "dark", LIGHT),
        ("normal", "dark", DARK),
    ],
)
def test_the_page_s_colour_scheme_wins_over_the_browser_s(
    visit: Visit, page: str, system: Any, ground: str
) -> None:
    visit.page.emulate_media(color_scheme=system)

    visit.open(f"<style>:root {{ color-scheme: {page} }}</style>{FORM}", policy=STYLED)

    assert visit.page.evaluate(GROUND) == ground


def test_a_page_that_turns_dark_takes_it_along(visit: Visit) -> None:
    visit.open(
        f"<style>:root {{ color-scheme: light }} .dark {{ color-scheme: dark }}</style>{FORM}", policy=STYLED
    )

    visit.page.evaluate("() => document.documentElement.classList.add('dark')")

    assert visit.page.evaluate(GROUND) == DARK


#: What browsers of two years ago lack, or ones before them.
OLDER = """
for (const name of Object.getOwnPropertyNames(Element.prototype)) {
  if (/^(aria[A-Z]|role$)/.test(name)) delete Element.prototype[name];
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_without_light_dark_or_aria_properties_it_is_readable_and_named(visit: Visit, scheme: Any) -> None:
    visit.page.emulate_media(color_scheme=scheme)
    visit.page.route(
        "**/widget.js",
        lambda route: route.fulfill(
            content_type="text/javascript",
            body=scripts.element().decode().replace("light-dark(", "unheard-of("),
        ),
    )
    visit.open(FORM, OLDER)
    visit.press_trigger()
    visit.boxes()

    names = [visit.page.get_by_role("checkbox", name=f"Image {at} of 9").count() for at in (1, 9)]
    colours = visit.page.locator("captcha-stateless dialog").evaluate(
        "node => [getComputedStyle(node).backgroundColor, getComputedStyle(node).color]"
    )

    assert names == [1, 1]
    assert visit.page.get_by_role("group", name="Choose every image").count() == 1
    assert visit.page.get_by_role("button", name="Cancel").count() == 1
    assert colours == [LIGHT, "rgb(31, 31, 31)"]


def test_one_button_is_the_main_one(visit: Visit) -> None:
    visit.open(FORM)
    visit.press_trigger()
    visit.boxes()
    grounds = {
        button.inner_text() or button.get_attribute("aria-label"): button.evaluate(
            "one => getComputedStyle(one).backgroundColor"
        )
        for button in visit.page.locator("captcha-stateless dialog button:visible").all()
    }

    filled = [name for name, ground in grounds.items() if ground != "rgba(0, 0, 0, 0)"]

    assert filled == ["Check"]
    assert list(grounds) == ["Check", "Other images", "Listen instead", "Let my device prove it", "Cancel"]


def test_at_work_it_says_so_beside_the_spinner_and_is_green_when_verified(visit: Visit) -> None:
    visit.page.route("**/api/challenge?*", lambda route: None)
    visit.open(form_with("kind=work"))
    visit.trigger.click()
    label = visit.trigger.inner_text()
    visit.page.unroute_all()
    visit.page.evaluate(f"() => {FIND}.reset()")
    visit._serve("/page.html", "text/html", "", "")
    visit.page.evaluate(f"() => {FIND}.execute()")

    red, green, blue = visit.page.locator("captcha-stateless .mark").evaluate(
        "mark => (mark.getAnimations().forEach((one) => one.finish()), "
        "getComputedStyle(mark).backgroundColor.match(/\\d+/g).map(Number))"
    )

    assert label == "Checking…"
    assert green > red and green > blue


def test_a_mark_leads_to_privacy_and_help_in_the_visitor_s_language(visit: Visit) -> None:
    visit.open(form_with("lang=de"))
    link = visit.page.get_by_role("link", name="Datenschutz und Hilfe")

    with visit.page.expect_popup() as opened:
        link.click()

    opened.value.get_by_role("heading", name="Datenschutz und Hilfe").wait_for()
    assert opened.value.evaluate("() => window.opener") is None


def test_with_reduced_motion_the_dialog_stands_still(visit: Visit) -> None:
    visit.page.emulate_media(reduced_motion="reduce")
    visit.open(FORM)
    visit.press_trigger()
    visit.boxes()

    assert visit.dialog.evaluate("dialog => getComputedStyle(dialog).animationName") == "none"
