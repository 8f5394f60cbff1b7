"""Draw the widget as the README shows it, light and dark: ``python docs/screenshots.py``."""

from pathlib import Path

from playwright.sync_api import sync_playwright

from captcha_stateless.testing import CaptchaServer

DOCS = Path(__file__).parent
MARKUP = """<!doctype html><html lang=en><title>Sign up</title><style>
:root { color-scheme: light dark } body { margin: 0; background: light-dark(#eef1f5, #111) }</style>
<script src=/widget.js></script><captcha-stateless sitekey=dev-site></captcha-stateless></html>"""


def main() -> None:
    """Write docs/widget-light.png and docs/widget-dark.png."""
    with CaptchaServer() as server, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            page = browser.new_page(
                color_scheme=scheme, locale="en-GB", viewport={"width": 420, "height": 720}
            )
            url = f"http://localhost:{server.port}/widget.html"
            page.route(url, lambda route: route.fulfill(content_type="text/html", body=MARKUP))
            page.goto(url)
            with page.expect_response("**/api/challenge?*") as told:
                page.locator("button.trigger").click()
            page.locator(".tile").nth(8).wait_for()
            engine = server.app.state.engine
            answer = engine.tell(engine.look(told.value.json()["challenge"], "onecaptcha"))
            for box, right in zip(page.locator(".tile input").all(), answer, strict=True):
                box.set_checked(right)
            page.locator("dialog").screenshot(path=DOCS / f"widget-{scheme}.png")
        browser.close()


if __name__ == "__main__":
    main()
