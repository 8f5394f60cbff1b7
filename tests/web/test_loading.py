"""How pages load it: inlined, as a module, combined, late, copied, not at all; and what it takes code from."""

import base64
import hashlib
import re
from typing import TYPE_CHECKING

import pytest

from captcha_stateless.protocols import scripts
from captcha_stateless.testing import CaptchaServer
from tests.web.conftest import POLICY, Visit
from tests.web.test_widget import ELEMENT, FIND, FORM, LISTEN, form_with, heard

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

READY = "() => document.querySelector('captcha-stateless')?.shadowRoot?.querySelector('.box').lang"


def loaded(visit: Visit, head: str, body: str, *, policy: str = POLICY, script: str = "") -> None:
    """Open a page that loads the element in a way of its own."""
    markup = (
        f"<!doctype html><html lang=en><head><title>Sign up</title>{head}</head><body>{body}</body></html>"
    )
    visit._serve("/page.html", "text/html; charset=utf-8", markup, policy)
    visit._serve("/own.js", "text/javascript", script, policy)
    visit.page.goto(f"{visit.url}/page.html")


@pytest.mark.parametrize(
    "head",
    [
        "<script src=/widget.js></script>",
        "<script src=/widget.js type=module></script>",
        "<script src=/own.js type=module></script>",
        "<script src=/captcha.js?v=2 defer></script>",
        "<script src=/recaptcha/api.js defer></script>",
    ],
    ids=["plain", "module", "import", "captcha", "compat"],
)
def test_it_knows_where_it_came_from(visit: Visit, head: str) -> None:
    loaded(visit, head, form_with("kind=work"), script='import("/widget.js");')
    visit.page.wait_for_function(READY)

    token = visit.page.evaluate(f"() => {FIND}.execute()")

    assert visit.captcha.verify(token).success


def test_below_a_path_and_by_its_digest_it_knows_too(
    context: "BrowserContext", captcha: CaptchaServer
) -> None:
    visit = Visit(context, captcha)
    name = f"widget-{scripts.digest(scripts.element())}.js"
    visit.page.route(
        re.compile(r"/below/"),
        lambda route: route.fulfill(response=route.fetch(url=route.request.url.replace("/below", ""))),
    )
    loaded(visit, f"<script src=/below/{name}></script>", form_with("kind=work"))
    visit.page.wait_for_function(READY)
    asked: list[str] = []
    visit.page.on("request", lambda request: asked.append(request.url))

    visit.page.evaluate(f"() => {FIND}.execute()")

    assert [url for url in asked if "/below/" not in url] == []
    assert [url for url in asked if url.endswith("/below/work.js")]


def inlined(visit: Visit, *, src: str, kind: str = "grid", home: str = "") -> list[str]:
    """Open a page with the script in it; return what is asked of whom from then on."""
    script = scripts.element().decode()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    asked: list[str] = []
    policy = (
        f"default-src 'none'; script-src 'self' 'sha256-{digest}'; connect-src *; worker-src 'self' blob:"
    )
    element = ELEMENT.replace("sitekey", f"kind={kind} {src} sitekey")
    loaded(
        visit, f"<script src=/own.js></script><script>{script}</script>", element, policy=policy, script=home
    )
    visit.page.on("request", lambda request: asked.append(request.url))
    return asked


def test_inlined_it_asks_whom_src_names(visit: Visit) -> None:
    inlined(visit, src=f"src={visit.url}")
    visit.page.wait_for_function(READY)

    visit.press_trigger()

    assert len(visit.boxes()) == 9


def test_inlined_without_src_it_says_so_and_asks_nobody(visit: Visit) -> None:
    asked = inlined(visit, src="")
    visit.page.wait_for_function(READY)
    visit.trigger.click()
    visit.said("No connection. Please try again.")

    assert asked == []
    assert set(visit.complaints) == {"captcha-stateless: set src to the server's address"}
    visit.complaints.clear()


def test_inlined_it_takes_code_from_where_the_page_s_own_script_says(visit: Visit) -> None:
    told = f"customElements.get('captcha-stateless').home = '{visit.url}/';"
    home = f"addEventListener('DOMContentLoaded', () => {{ {told} }});"
    inlined(visit, src="", kind="work", home=home)
    visit.page.wait_for_function(READY)
    visit.complaints.clear()  # it was there before its address was

    token = visit.page.evaluate(f"() => {FIND}.execute()")

    assert visit.captcha.verify(token).success


def test_another_vendor_s_script_of_the_same_name_is_not_asked(visit: Visit) -> None:
    """Once the first script by the name of widget.js was taken for ours."""
    asked: list[str] = []
    visit.page.route(
        "**/vendor/widget.js", lambda route: route.fulfill(content_type="text/javascript", body="")
    )
    loaded(
        visit,
        "<script src=/vendor/widget.js></script><script src=/own.js type=module></script>",
        ELEMENT,
        script=scripts.element().decode(),
    )
    visit.page.wait_for_function(READY)
    visit.page.on("request", lambda request: asked.append(request.url))
    visit.trigger.click()
    visit.said("No connection. Please try again.")

    assert asked == []
    visit.complaints.clear()


def test_code_comes_from_the_script_s_own_address_whatever_src_says(visit: Visit) -> None:
    """Whoever can write attributes into a page must not be able to write code into it."""
    evil = "http://127.0.0.1:9/evil"
    asked: list[str] = []
    visit.page.on("request", lambda request: asked.append(request.url))
    visit.page.route(
        f"{evil}/**",
        lambda route: route.fulfill(
            headers={"Access-Control-Allow-Origin": "*"},
            json={
                "kind": "work",
                "challenge": "x",
                "work": {"algorithm": "hash-sha-256", "unit": "bits", "difficulty": 1, "nonce": "n"},
            },
        ),
    )
    visit.open(
        form_with(f"kind=work src={evil}"),
        policy="default-src 'self'; connect-src *; worker-src 'self' blob:",
    )

    visit.trigger.click()
    visit.page.wait_for_event("request", lambda request: request.url.endswith("/work.js"))

    assert [url for url in asked if url.endswith(".js") and url.startswith(evil)] == []
    visit.foreign.clear()


def test_of_a_div_only_our_own_attributes_are_taken(visit: Visit) -> None:
    visit.open(
        "<div class=captcha-stateless data-sitekey=dev-site data-required data-onclick=alert(1) data-style=color:red></div>"
    )

    markup = visit.page.evaluate(f"() => {FIND}.getAttributeNames().sort().join()")

    assert markup == "required,sitekey"


def test_what_is_put_in_later_or_copied_is_rendered(visit: Visit) -> None:
    script = """window.add = () => {
      const form = document.createElement("form");
      form.innerHTML = "<div class=captcha-stateless data-sitekey=dev-site data-kind=work></div>";
      document.querySelector("main").append(form);
    };
    window.copy = () => document.querySelector("main").append(document.querySelector("form").cloneNode(true));"""
    visit.open("", script, policy="default-src 'self'")
    visit.page.evaluate("() => add()")
    visit.page.wait_for_function(READY)
    first = visit.page.evaluate(f"() => {FIND}.execute()")

    visit.page.evaluate("() => copy()")
    copies = "[...document.querySelectorAll('captcha-stateless')]"
    values = visit.page.evaluate(f"() => {copies}.map(({{ value }}) => value)")
    fields = visit.page.evaluate(
        "() => [...document.querySelectorAll('[name=captcha-response]')].map(({ value }) => value).filter(Boolean)"
    )

    assert values == [first, ""]
    assert fields == [first]


def test_credentials_go_to_the_page_s_own_origin(visit: Visit) -> None:
    """A server behind a log-in or a cookie of its balancer."""
    visit.page.context.add_cookies([{"name": "balancer", "value": "a", "url": visit.url}])
    visit.open(form_with("kind=work lang=de"))

    with visit.page.expect_request("**/api/challenge?*") as told:
        visit.trigger.click()

    assert told.value.all_headers()["cookie"] == "balancer=a"


def test_where_the_script_is_blocked_the_children_are_shown(visit: Visit) -> None:
    body = (
        "<captcha-stateless><a href=/nojs?sitekey=dev-site>Prove it without a script</a></captcha-stateless>"
    )
    visit.page.route("**/widget.js", lambda route: route.abort())
    loaded(visit, "<script src=/widget.js></script>", body)

    assert visit.page.get_by_role("link", name="Prove it without a script").is_visible()


def test_where_it_is_not_blocked_they_are_not(visit: Visit) -> None:
    loaded(
        visit,
        "<script src=/widget.js></script>",
        FORM.replace("></captcha", "><a href=/nojs>Without</a></captcha"),
    )
    visit.page.wait_for_function(READY)

    assert not visit.page.get_by_role("link", name="Without").is_visible()


def test_without_the_dialog_s_looks_nothing_is_shown_and_the_next_try_goes(visit: Visit) -> None:
    visit.page.route("**/widget/dialog.json", lambda route: route.abort())
    visit.open(FORM)
    visit.trigger.click()
    visit.said("No connection. Please try again.")
    visit.page.unroute("**/widget/dialog.json")

    visit.press_trigger()

    assert len(visit.boxes()) == 9


@pytest.mark.parametrize(
    "event", ["document.dispatchEvent(new Event('visibilitychange'))", "dispatchEvent(new Event('focus'))"]
)
def test_a_pass_that_expired_while_the_tab_slept_is_not_shown_as_valid(visit: Visit, event: str) -> None:
    visit.page.clock.install()
    visit.open(form_with("kind=work"), LISTEN)
    visit.page.evaluate(f"() => {FIND}.execute()")
    now = visit.page.evaluate("() => Date.now()")

    visit.page.clock.set_system_time((now + 301_000) / 1000)
    asleep = visit.value()
    visit.page.evaluate(f"() => {{ {event}; }}")

    assert asleep == ""
    assert heard(visit)[-1]["name"] == "expired"
    visit.said("Expired. Please check again.")
    assert visit.form() == {"who": ""}


def test_a_form_that_is_sent_right_after_sleep_waits_for_another_pass(visit: Visit) -> None:
    visit.page.clock.install()
    visit.open(
        form_with("kind=work required size=invisible"),
        "addEventListener('submit', (event) => { event.preventDefault(); window.sent = true; });",
    )
    first = visit.page.evaluate(f"() => {FIND}.execute()")
    now = visit.page.evaluate("() => Date.now()")

    visit.page.clock.set_system_time((now + 301_000) / 1000)
    visit.button("Send").click()
    visit.page.wait_for_function("() => window.sent")

    assert visit.value() not in ("", first)
