"""Draw the widget as the README shows it, light and dark: `make pictures`."""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import sync_playwright

from captcha_stateless.testing import CaptchaServer

if TYPE_CHECKING:
    from playwright.sync_api import Page

DOCS = Path(__file__).parent
CHROMIUM = "/usr/bin/chromium"
WINDOW = {"width": 420, "height": 760}
#: A README is loaded over phones, too: so many colours are enough for pictures of a third of the bytes.
COLOURS = 96
MARKUP = """<!doctype html><html lang=en><title>Sign up</title><style>
:root { color-scheme: light dark } body { margin: 0; background: light-dark(#eef1f5, #111) }</style>
<script src=/widget.js></script><captcha-stateless sitekey=dev-site></captcha-stateless></html>"""


def main(folder: Path = DOCS, chromium: str = CHROMIUM) -> None:
    """Write widget-light.png and widget-dark.png into a folder."""
    with CaptchaServer() as server, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            page = browser.new_page(color_scheme=scheme, locale="en-GB", viewport=WINDOW)
            png = photographed(page, server)
            few = Image.open(BytesIO(png)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
            few.save(folder / f"widget-{scheme}.png", optimize=True)
        browser.close()


def photographed(page: "Page", server: CaptchaServer) -> bytes:
    """Return the PNG of an open grid whose right tiles are chosen."""
    url = f"http://localhost:{server.port}/sign-up"
    page.route(url, lambda route: route.fulfill(content_type="text/html", body=MARKUP))
    page.goto(url)
    with page.expect_response("**/api/challenge?*") as told:
        page.locator("button.trigger").click()
    page.locator(".tile").nth(8).wait_for()
    engine = server.app.state.engine
    answer = engine.tell(engine.look(told.value.json()["challenge"], "onecaptcha"))
    for box, right in zip(page.locator(".tile input").all(), answer, strict=True):
        box.set_checked(right)
    return page.locator("dialog").screenshot()


if __name__ == "__main__":
    main()
