"""The interfaces of reCAPTCHA, hCaptcha and Turnstile as they are documented, in pages that are swapped and copied too."""

from typing import TYPE_CHECKING, Any

import pytest

from captcha_stateless.protocols.compat import DIALECTS
from tests.needs import need
from tests.web.frontends.conftest import HERE, Frontend

if TYPE_CHECKING:
    from playwright.sync_api import Route

SCRIPTS = ["/recaptcha/api.js", "/1/api.js", "/turnstile/v0/api.js"]
READY = "\nwindow.heard ??= []; window.show = () => {};"
NOTE = "window.note = (name) => (...details) => { (window.heard ??= []).push({ name, detail: details[0] ?? null }); };"


def tag(path: str, query: str = "?render=explicit&onload=loaded") -> str:
    return f'<script src="CAPTCHA{path}{query}" async></script>'


def names(frontend: Frontend) -> list[str]:
    told: list[str] = frontend.page.evaluate("() => heard.map(({ name }) => name)")
    return told


def wait(frontend: Frontend, name: str) -> Any:
    frontend.page.wait_for_function("name => heard.some((one) => one.name === name)", arg=name)
    return frontend.page.evaluate("name => heard.findLast((one) => one.name === name).detail", name)


@pytest.mark.parametrize("path", list(DIALECTS))
def test_onload_runs_after_the_script_s_own_load_event(frontend: Frontend, path: str) -> None:
    """react-async-script notes in the load event that the script is there, and refuses an `onload` that comes before."""
    script = f"""
    window.loaded = note("onload");
    const script = document.createElement("script");
    script.onload = note("load event");
    script.src = "{frontend.captcha.url}{path}?render=explicit&onload=loaded";
    document.head.append(script);
    """

    frontend.show(NOTE + script + READY)
    wait(frontend, "onload")

    assert names(frontend) == ["load event", "onload"]


@pytest.mark.parametrize("path", SCRIPTS)
def test_onload_waits_for_deferred_scripts(frontend: Frontend, path: str) -> None:
    """Between the end of the document and its deferred scripts, what they define was called too early, and not again."""

    def late(route: "Route") -> None:
        frontend.page.wait_for_function(f"() => window.{DIALECTS[path]['global']}?.render")
        route.fulfill(content_type="text/javascript", body=f"{NOTE} window.loaded = note('onload'); {READY}")

    frontend.page.route("**/late.js", late)
    frontend.show(READY, tag(path) + "<script src=/late.js defer></script>")

    wait(frontend, "onload")


@pytest.mark.parametrize("path", SCRIPTS)
def test_a_script_that_is_loaded_twice_keeps_its_widgets(frontend: Frontend, path: str) -> None:
    api = DIALECTS[path]["global"]
    script = f"""
    window.loaded = () => {{
      window.id = {api}.render("root", {{ sitekey: "dev-site" }});
      const again = document.createElement("script");
      again.src = "{frontend.captcha.url}{path}?render=explicit&onload=twice";
      document.head.append(again);
    }};
    window.twice = () => {{ {api}.remove(window.id); note("removed")(); }};
    """
    frontend.show(NOTE + script + READY, tag(path))

    wait(frontend, "removed")

    assert frontend.page.locator("captcha-stateless").count() == 0


@pytest.mark.parametrize("path", SCRIPTS)
def test_an_id_never_comes_again(frontend: Frontend, path: str) -> None:
    api = DIALECTS[path]["global"]
    script = f"""
    window.loaded = () => {{
      const render = () => {api}.render("root", {{ sitekey: "dev-site" }});
      const first = render();
      {api}.remove(first);
      note("ids")([first, render()]);
    }};
    """
    frontend.show(NOTE + script + READY, tag(path))

    first, second = wait(frontend, "ids")

    assert first != second


def test_recaptcha_s_queue_is_worked_off_and_its_stub_replaced(frontend: Frontend) -> None:
    script = """
    window.grecaptcha = { ready: (callback) => (window.___grecaptcha_cfg.fns.push(callback)) };
    window.___grecaptcha_cfg = { fns: [] };
    const held = window.grecaptcha;
    held.ready(note("before"));
    window.loaded = () => {
      held.ready(note("ready"));
      window.___grecaptcha_cfg.fns.push(note("queued"));
      note(typeof held.render)();
    };
    """
    frontend.show(NOTE + script + READY)
    frontend.page.add_script_tag(url=f"{frontend.captcha.url}/recaptcha/api.js?render=explicit&onload=loaded")

    wait(frontend, "queued")

    assert names(frontend) == ["before", "function", "ready", "queued"]


HCAPTCHA = """
window.loaded = () => {
  const callbacks = ["open", "close", "error", "chalexpired"].map((name) => [`${name}-callback`, note(name)]);
  window.id = hcaptcha.render("root", { sitekey: "dev-site", callback: note("solved"), ...Object.fromEntries(callbacks) });
  note("rendered")();
};
window.run = () => { hcaptcha.execute(window.id, { async: true }).then(note("kept"), note("broken")); };
"""


@pytest.fixture
def hcaptcha(frontend: Frontend) -> Frontend:
    frontend.show(NOTE + HCAPTCHA + READY, tag("/1/api.js"))
    wait(frontend, "rendered")
    return frontend


@pytest.mark.parametrize("by", ["the visitor", "the page"])
def test_hcaptcha_tells_of_opening_and_closing_and_it_is_no_error(hcaptcha: Frontend, by: str) -> None:
    hcaptcha.page.evaluate("() => run()")
    hcaptcha.element().locator(".tile").nth(8).wait_for()

    if by == "the visitor":
        hcaptcha.page.keyboard.press("Escape")
    else:
        hcaptcha.page.evaluate("() => hcaptcha.close(id)")

    assert wait(hcaptcha, "broken") == "challenge-closed"
    hcaptcha.element().locator("dialog").wait_for(state="hidden")
    assert sorted(names(hcaptcha)) == ["broken", "close", "open", "rendered"]


def test_hcaptcha_has_the_response_and_its_key(hcaptcha: Frontend) -> None:
    with hcaptcha.page.expect_response("**/api/challenge?*") as told:
        hcaptcha.page.evaluate("() => run()")
    hcaptcha.work_through(told.value.json())

    kept = wait(hcaptcha, "kept")

    response, key = hcaptcha.page.evaluate("() => [hcaptcha.getResponse(id), hcaptcha.getRespKey(id)]")
    assert (response, key) == (kept["response"], kept["key"])
    assert key not in ("", response, hcaptcha.page.evaluate("() => id"))
    assert hcaptcha.verify(response).success


def test_hcaptcha_names_what_is_not_there(hcaptcha: Frontend) -> None:
    said = hcaptcha.page.evaluate(
        """async () => {
          const said = (act) => { try { return act(); } catch (error) { return error.message; } };
          const broken = await hcaptcha.execute("nobody", { async: true }).catch(String);
          const first = [said(() => hcaptcha.getResponse("nobody")), broken];
          hcaptcha.setData(id, { rqdata: "what enterprises send" });
          hcaptcha.remove(id);
          return [...first, said(() => hcaptcha.close()), await hcaptcha.execute({ async: true }).catch(String)];
        }"""
    )

    assert said == [
        "Invalid hCaptcha id: nobody",
        "invalid-captcha-id",
        "No hCaptcha exists.",
        "missing-captcha",
    ]


@pytest.mark.parametrize(
    ("path", "query", "classes", "fields"),
    [
        ("/1/api.js", "", "g-recaptcha", ["h-captcha-response", "g-recaptcha-response"]),
        ("/1/api.js", "?recaptchacompat=off", "h-captcha", ["h-captcha-response"]),
        (
            "/turnstile/v0/api.js",
            "?compat=recaptcha",
            "g-recaptcha",
            ["cf-turnstile-response", "g-recaptcha-response"],
        ),
        ("/turnstile/v0/api.js", "", "cf-turnstile", ["cf-turnstile-response"]),
    ],
)
def test_pages_of_recaptcha_are_taken_where_they_are_asked_for(
    frontend: Frontend, path: str, query: str, classes: str, fields: list[str]
) -> None:
    body = f'<form><div class="{classes}" data-sitekey="dev-site" data-kind="work"></div></form>'
    frontend.show(READY, tag(path, query), body=body)
    frontend.element().wait_for()

    shown = frontend.page.locator("textarea").evaluate_all("areas => areas.map(({ name }) => name)")

    assert shown == fields
    assert frontend.page.evaluate("() => Boolean(window.grecaptcha)") == (len(fields) == 2)


def test_turnstile_s_work_begins_by_itself_and_its_field_can_be_left_out(frontend: Frontend) -> None:
    body = (
        '<form><div class="cf-turnstile" data-sitekey="dev-site" data-kind="work" data-callback="solved" '
        'data-response-field="false"></div></form>'
    )
    frontend.show(NOTE + "window.solved = note('solved');" + READY, tag(SCRIPTS[2], ""), body=body)

    assert frontend.verify(wait(frontend, "solved")).success
    assert frontend.page.locator("textarea").count() == 0


def test_turnstile_s_error_codes_are_its_own(frontend: Frontend) -> None:
    body = (
        '<div class="cf-turnstile" data-sitekey="nobody" data-kind="work" data-error-callback="failed"></div>'
    )
    frontend.show(NOTE + "window.failed = note('failed');" + READY, tag(SCRIPTS[2], ""), body=body)

    assert wait(frontend, "failed") == "110200"


CONTAINER = '<form><div class="g-recaptcha" data-sitekey="dev-site" data-kind="work"></div></form>'
FIELD = "textarea[name=g-recaptcha-response]"


def solve_by_work(frontend: Frontend) -> None:
    frontend.element().locator("button.trigger").click()
    frontend.page.wait_for_function("selector => document.querySelector(selector).value", arg=FIELD)


def states(frontend: Frontend) -> list[tuple[bool, bool]]:
    """Tell of every widget whether it has a pass, and whether its field has one."""
    told = frontend.page.locator("captcha-stateless").evaluate_all(
        "all => all.map((one) => [Boolean(one.value), Boolean(one.parentElement.querySelector('textarea').value)])"
    )
    return [(shown, sent) for shown, sent in told]


def test_a_copy_of_a_solved_widget_is_a_widget_of_its_own(frontend: Frontend) -> None:
    frontend.show(READY, tag(SCRIPTS[0], ""), body=CONTAINER)
    solve_by_work(frontend)

    frontend.page.evaluate("() => document.body.append(document.querySelector('form').cloneNode(true))")
    frontend.page.wait_for_function("() => document.querySelectorAll('captcha-stateless').length === 2")

    assert states(frontend) == [(True, True), (False, False)]


def test_what_htmx_swaps_in_is_rendered(frontend: Frontend) -> None:
    frontend._serve("/fragment.html", "text/html", CONTAINER, "")
    button = "<button hx-get=/fragment.html hx-target=#root>More</button>"
    frontend.show(library("htmx.org/dist/htmx.js") + READY, tag(SCRIPTS[0], ""), body=button)

    frontend.button("More").click()
    solve_by_work(frontend)

    assert states(frontend) == [(True, True)]


def test_a_page_that_turbo_brings_back_has_a_fresh_widget(frontend: Frontend) -> None:
    link = "<a href=/other.html>Away</a>"
    other = f"<!doctype html><html><head></head><body><p>Elsewhere</p>{link}</body></html>"
    frontend._serve("/other.html", "text/html", other, "")
    script = library("@hotwired/turbo/dist/turbo.es2017-umd.js")
    frontend.show(script + READY, tag(SCRIPTS[0], ""), body=CONTAINER + link)
    solve_by_work(frontend)

    frontend.page.get_by_text("Away").click()
    frontend.page.get_by_text("Elsewhere").wait_for()
    frontend.page.go_back()
    frontend.element().wait_for()

    assert states(frontend) == [(False, False)]
    solve_by_work(frontend)
    assert states(frontend) == [(True, True)]


def test_a_page_from_the_browser_s_cache_has_neither_mark_nor_pass(frontend: Frontend) -> None:
    frontend.show(READY, tag(SCRIPTS[0], ""), body=CONTAINER)
    solve_by_work(frontend)

    frontend.page.evaluate("() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")

    assert states(frontend) == [(False, False)]


def library(path: str) -> str:
    """Read a library's own bundle."""
    file = HERE / "node_modules" / path
    need(file.exists(), "the libraries (npm ci in tests/web/frontends)")
    return file.read_text("utf-8")
