"""The element as pages use one: fields, attributes, properties, languages, moves and copies."""

import re
from typing import TYPE_CHECKING

import pytest

from captcha_stateless.testing import CaptchaServer
from tests.needs import program
from tests.web.conftest import POLICY, Visit
from tests.web.test_widget import ELEMENT, FIND, FORM, LISTEN, form_with, heard

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route


@pytest.mark.parametrize(
    ("attributes", "names"),
    [
        ("", ["captcha-response"]),
        ("name=proof", ["proof"]),
        (
            "fields='recaptcha turnstile'",
            ["captcha-response", "g-recaptcha-response", "cf-turnstile-response"],
        ),
        ("fields=hcaptcha", ["captcha-response", "h-captcha-response"]),
    ],
)
def test_the_pass_is_in_the_fields_that_are_asked_for(
    visit: Visit, attributes: str, names: list[str]
) -> None:
    visit.open(form_with(f"kind=work {attributes}"))

    token = visit.page.evaluate(f"() => {FIND}.execute()")

    assert visit.form() == {"who": "", **dict.fromkeys(names, token)}


def test_required_keeps_a_form_from_being_sent(visit: Visit) -> None:
    script = 'addEventListener("submit", (event) => { event.preventDefault(); window.sent = true; });'
    visit.open(form_with("kind=work required"), script)

    visit.button("Send").click()
    kept, message = visit.page.evaluate(f"() => [!window.sent, {FIND}.validationMessage]")
    visit.page.evaluate(f"() => {FIND}.execute()")
    visit.button("Send").click()

    assert kept
    assert message == "Please confirm that you are human."
    assert visit.page.evaluate("() => window.sent")


def test_resetting_the_form_clears_the_pass(visit: Visit) -> None:
    visit.open(form_with("kind=work required"), LISTEN)
    visit.page.evaluate(f"() => {FIND}.execute()")

    visit.page.evaluate("() => document.querySelector('form').reset()")

    assert visit.form() == {"who": ""}
    assert visit.page.evaluate(f"() => {FIND}.validity.valueMissing")
    assert heard(visit)[-1]["name"] == "reset"


def test_a_disabled_field_set_disables_it(visit: Visit) -> None:
    visit.open(f"<form><fieldset disabled>{ELEMENT}</fieldset></form>")

    assert visit.trigger.is_disabled()


def test_a_page_that_comes_back_from_the_cache_starts_anew(
    browser: "Browser", captcha: CaptchaServer
) -> None:
    """Playwright switches the cache off, so this takes a browser of its own."""
    path = program("chromium")
    cached = browser.browser_type.launch(
        executable_path=path, args=["--no-sandbox"], ignore_default_args=["--disable-back-forward-cache"]
    )
    page = cached.new_page()
    page.goto(f"http://localhost:{captcha.port}/")
    page.wait_for_function("() => customElements.get('captcha-stateless')")
    page.evaluate("() => addEventListener('pageshow', (event) => { window.persisted = event.persisted; })")
    page.evaluate(f"() => Object.assign({FIND}, {{ kind: 'work', sitekey: 'dev-site' }}).execute()")

    page.goto(f"http://localhost:{captcha.port}/nojs")
    page.go_back(wait_until="commit")
    page.wait_for_function("() => window.persisted")
    value = page.evaluate(f"() => {FIND}.value")
    cached.close()

    assert value == ""


def test_an_element_that_is_moved_keeps_its_pass_and_one_that_is_removed_loses_it(visit: Visit) -> None:
    visit.open(form_with("kind=work"))
    token = visit.page.evaluate(f"() => {FIND}.execute()")

    moved = visit.page.evaluate(
        f"async () => {{ const one = {FIND}; one.parentNode.append(one); await null; return one.value; }}"
    )
    removed = visit.page.evaluate(
        f"async () => {{ const one = {FIND}; one.remove(); await null; return one.value; }}"
    )

    assert (moved, removed) == (token, "")


def test_a_challenge_that_is_moved_stays_open_and_on_top(visit: Visit) -> None:
    visit.open(FORM)
    visit.choose(visit.press_trigger())

    visit.page.evaluate(f"() => document.querySelector('main').append({FIND})")

    assert visit.dialog.evaluate("dialog => dialog.matches(':modal')")
    assert visit.check()["stage"] == 1


def test_a_div_becomes_the_element(visit: Visit) -> None:
    visit.open(
        "<form><div class=captcha-stateless data-sitekey=dev-site data-kind=work data-action=login data-cdata=cart>"
        "</div></form>"
    )

    verified = visit.captcha.verify(visit.page.evaluate(f"() => {FIND}.execute()"))

    assert (verified.action, verified.cdata) == ("login", "cart")


def test_a_page_may_list_its_policies_and_load_the_script_twice(visit: Visit) -> None:
    again = "<script src=/captcha.js async></script>"

    visit.open(form_with("kind=work"), policy=f"{POLICY}; trusted-types captcha-stateless", head=again)
    token = visit.page.evaluate(f"() => {FIND}.execute()")

    assert visit.captcha.verify(token).success


def test_attributes_are_properties_too(visit: Visit) -> None:
    script = """
    window.make = () => {
      const made = Object.assign(document.createElement("captcha-stateless"),
        { sitekey: "dev-site", kind: "work", theme: "dark", refreshExpired: "auto", required: true, cdata: null });
      document.body.append(made);
      return made.outerHTML;
    };
    """
    visit.open("", script)

    markup = visit.page.evaluate("() => make()")

    assert 'kind="work" theme="dark" refresh-expired="auto" required=""' in markup
    assert "cdata" not in markup


def test_what_is_set_before_the_script_is_there_counts(visit: Visit) -> None:
    script = """
    const made = Object.assign(document.createElement("captcha-stateless"),
      { sitekey: "dev-site", kind: "work", refreshExpired: "auto", required: true });
    addEventListener("DOMContentLoaded", () => document.querySelector("form").append(made));
    """

    visit.open("<form></form>", script)

    markup = visit.page.evaluate(f"() => {FIND}.outerHTML")
    assert 'sitekey="dev-site" kind="work" refresh-expired="auto" required=""' in markup


def test_a_challenge_waits_for_the_words_of_its_language(visit: Visit) -> None:
    held: list[Route] = []
    visit.open(form_with("kind=text"))
    visit.page.route("**/widget/de.json", lambda route: held.append(route))
    visit.page.evaluate(f"() => {{ {FIND}.lang = 'de'; }}")

    visit.press_trigger()
    held[0].continue_()

    visit.page.get_by_role("textbox", name="Geben Sie die Zeichen im Bild ein:").wait_for()


@pytest.mark.parametrize(
    ("attributes", "page", "language", "human"),
    [
        ("lang=de", "en", "de", "Ich bin ein Mensch"),
        ("", "zh-Hant-HK", "zh-TW", "我是真人"),
        ("lang=no", "en", "nb", "Jeg er et menneske"),
        ("lang=tlh", "de", None, "I am human"),
        ("", "en", None, "I am human"),
    ],
)
def test_it_speaks_the_page_s_language_and_loads_no_other(
    visit: Visit, attributes: str, page: str, language: str | None, human: str
) -> None:
    asked: list[str] = []
    visit.page.on("request", lambda request: asked.append(request.url))

    visit.open(f"<div lang={page}>{form_with(attributes)}</div>")
    visit.page.get_by_role("button", name=human).wait_for()

    loaded = [found[1] for url in asked if (found := re.search(r"/widget/([\w-]+)\.json", url))]
    assert loaded == ([language] if language else [])
