"""Draw what visitors see, as the documents show it, and beside it the widgets of ALTCHA and Cap: `make pictures`."""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import sync_playwright

from captcha_stateless.testing import CaptchaServer

if TYPE_CHECKING:
    from playwright.sync_api import Page

DOCS = Path(__file__).parent
MODULES = DOCS.parent / "tests" / "web" / "node_modules"
CHROMIUM = "/usr/bin/chromium"
WINDOW = {"width": 420, "height": 760}
#: Documents are loaded over phones, too: so many colours are enough for pictures of a third of the bytes.
COLOURS = 96
STYLE = """<style>:root { color-scheme: light dark; font-family: system-ui, sans-serif } body { margin: 0;
background: light-dark(#eef1f5, #111); color: light-dark(#1f1f1f, #e8eaed) }
main { display: flex; flex-wrap: wrap; gap: 12px; padding: 12px } section { width: 304px; max-width: 100% }
h2 { font-size: 14px; margin: 0 0 6px }
</style>"""
MARKUP = f"""<!doctype html><html lang=en><title>Sign up</title>{STYLE}
<script src=/widget.js></script><captcha-stateless sitekey=dev-site></captcha-stateless></html>"""
SIDE_BY_SIDE = f"""<!doctype html><html lang=en><title>Side by side</title>{STYLE}
<script src=/widget.js></script><script type=module src=/altcha.js></script><script src=/cap.js></script><main>
<section><h2>captcha_stateless</h2><captcha-stateless sitekey=dev-site></captcha-stateless></section>
<section><h2>ALTCHA</h2><altcha-widget challenge=/none></altcha-widget></section>
<section><h2>Cap</h2><cap-widget data-cap-api-endpoint=/none/></cap-widget></section>
<section><h2>captcha_stateless, verified</h2>
<captcha-stateless sitekey=dev-site kind=work id=done></captcha-stateless></section>
<section><h2>captcha_stateless, refused</h2><captcha-stateless sitekey=nobody id=refused></captcha-stateless></section>
</main></html>"""
FOREIGN = {"/altcha.js": "altcha/dist/main/altcha.min.js", "/cap.js": "@cap.js/widget/cap.min.js"}


def main(folder: Path = DOCS, chromium: str = CHROMIUM) -> None:
    """Write every picture into a folder."""
    with CaptchaServer() as server, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            page = browser.new_page(color_scheme=scheme, locale="en-GB", viewport=WINDOW)
            save(folder / f"widget-{scheme}.png", photographed(page, server))
            for name, width in (("wide", 972), ("320", 320)):
                page.set_viewport_size({"width": width, "height": 400})
                save(folder / f"beside-{scheme}-{name}.png", side_by_side(page, server))
        for name, size in (("nojs", (420, 800)), ("demo", (1100, 800))):
            page = browser.new_page(locale="en-GB", viewport={"width": size[0], "height": size[1]})
            page.goto(f"http://localhost:{server.port}/{name}", wait_until="networkidle")
            save(folder / f"page-{name}.png", page.screenshot())
        browser.close()


def save(path: Path, png: bytes) -> None:
    """Write a picture in few colours."""
    few = Image.open(BytesIO(png)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(path, optimize=True)


def photographed(page: "Page", server: CaptchaServer) -> bytes:
    """Return the PNG of an open grid whose right tiles are chosen."""
    shown(page, server, MARKUP)
    with page.expect_response("**/api/challenge?*") as told:
        page.locator("button.trigger").click()
    page.locator(".tile").nth(8).wait_for()
    engine = server.app.state.engine
    answer = engine.tell(engine.look(told.value.json()["challenge"], "onecaptcha"))
    for box, right in zip(page.locator(".tile input").all(), answer, strict=True):
        box.set_checked(right)
    page.locator("dialog").evaluate("one => one.getAnimations().forEach((moving) => moving.finish())")
    return page.locator("dialog").screenshot()


def side_by_side(page: "Page", server: CaptchaServer) -> bytes:
    """Return the PNG of the three widgets in one page, and of ours when it is done and when it was refused."""
    for path, file in FOREIGN.items():
        serve(page, path, MODULES / file)
    shown(page, server, SIDE_BY_SIDE)
    for name in ("done", "refused"):
        page.evaluate(f"() => document.querySelector('#{name}').execute().catch(() => {{}})")
    page.wait_for_function("() => customElements.get('altcha-widget') && customElements.get('cap-widget')")
    page.wait_for_timeout(500)
    return page.locator("main").screenshot()


def serve(page: "Page", path: str, file: Path) -> None:
    """Answer for another vendor's script."""
    page.route(f"**{path}", lambda route: route.fulfill(path=file, content_type="text/javascript"))


def shown(page: "Page", server: CaptchaServer, markup: str) -> None:
    """Show a page of the server's own origin."""
    url = f"http://localhost:{server.port}/sign-up"
    page.unroute(url)
    page.route(url, lambda route: route.fulfill(content_type="text/html", body=markup))
    page.goto(url)


if __name__ == "__main__":
    main()
