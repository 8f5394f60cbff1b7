"""``<captcha-stateless>`` in a real browser, under the policy that it promises to work under."""

import re
from typing import TYPE_CHECKING, Any

import pytest

from captcha_stateless.testing import CaptchaServer
from tests.needs import program
from tests.web.conftest import POLICY, Visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Route

ELEMENT = "<captcha-stateless sitekey=dev-site></captcha-stateless>"
FORM = f"<form><label>Name <input name=who></label> {ELEMENT} <button>Send</button></form>"
FIND = "document.querySelector('captcha-stateless')"


def form_with(attributes: str) -> str:
    return FORM.replace("<captcha-stateless", f"<captcha-stateless {attributes}")


LISTEN = """
window.heard = [];
for (const name of ["challenge", "verified", "expired", "error", "reset"]) {
  addEventListener(name, (event) => event.target.localName === "captcha-stateless"
    && heard.push({ name, ...event.detail }), true);
}
"""


def heard(visit: Visit) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = visit.page.evaluate("() => heard")
    return events


def test_a_grid_is_solved_by_mouse_and_its_pass_is_in_the_form(visit: Visit) -> None:
    visit.open(FORM)

    token = visit.solve()

    assert visit.value() == token
    assert visit.form() == {"who": "", "captcha-response": token}
    assert visit.captcha.verify(token).success


def test_a_grid_is_solved_by_keyboard_alone(visit: Visit) -> None:
    visit.open(FORM)
    keys = visit.page.keyboard
    for _ in range(2):
        keys.press("Tab")
    assert visit.focused() == "I am human"
    with visit.page.expect_response("**/api/challenge?*") as told:
        keys.press("Enter")
    reply = told.value.json()

    while "challenge" in reply:
        visit.page.get_by_text(f"Round {reply['stage'] + 1} of 2").wait_for()
        assert visit.focused().endswith(f"Round {reply['stage'] + 1} of 2")
        keys.press("Tab")
        for tile, right in enumerate(visit.answer(reply)):
            assert visit.focused() == f"Image {tile + 1} of 9"
            if right:
                keys.press(["Space", "Enter"][tile % 2])
            down_at_the_end = "ArrowRight" if tile < 8 else "End"
            keys.press(down_at_the_end)
        keys.press("Tab")
        assert visit.focused() == "Check"
        with visit.page.expect_response("**/api/challenge") as told:
            keys.press("Enter")
        reply = told.value.json()
        if "challenge" in reply:
            visit.said("Right. Next round.")

    visit.page.wait_for_function(f"() => {FIND}.value")
    assert visit.focused() == "✓Verified"
    assert not visit.dialog.is_visible()


def tab_to(visit: Visit, name: str) -> None:
    """Press Tab until it is there, as often as there are things to come to."""
    for _ in range(12):
        visit.page.keyboard.press("Tab")
        if visit.focused() == name:
            return
    raise AssertionError(f"Tab does not lead to {name}")


@pytest.mark.parametrize(("lang", "forward", "back"), [("en", "Right", "Left"), ("ar", "Left", "Right")])
def test_arrows_move_as_on_a_grid_mirrored_from_right_to_left(
    visit: Visit, lang: str, forward: str, back: str
) -> None:
    visit.open(form_with(f"lang={lang}"))
    visit.press_trigger()
    boxes = visit.boxes()
    boxes[0].focus()

    places = []
    for key in [f"Arrow{forward}", "ArrowDown", f"Arrow{back}", "ArrowUp", "ArrowUp", "End", "Home"]:
        visit.page.keyboard.press(key)
        places.append(
            [box.evaluate("box => box.getRootNode().activeElement === box") for box in boxes].index(True)
        )

    assert places == [1, 4, 3, 0, 0, 8, 0]
    assert [box.get_attribute("tabindex") for box in boxes] == ["0", *["-1"] * 8]


def test_escape_closes_and_the_focus_goes_back_to_the_trigger(visit: Visit) -> None:
    visit.open(FORM, LISTEN)
    visit.press_trigger()
    visit.boxes()[4].focus()

    visit.page.keyboard.press("Escape")

    visit.dialog.wait_for(state="hidden")
    assert visit.focused() == "I am human"
    assert heard(visit)[-1] == {"name": "error", "code": "closed"}


def test_escape_closes_when_the_focus_is_nowhere(visit: Visit) -> None:
    visit.open(FORM)
    visit.press_trigger()
    visit.boxes()
    visit.page.evaluate(f"() => {FIND}.shadowRoot.activeElement.blur()")

    visit.page.keyboard.press("Escape")

    visit.dialog.wait_for(state="hidden")


def test_a_wrong_answer_is_told_and_another_grid_shown(visit: Visit) -> None:
    visit.open(FORM)
    visit.choose(visit.press_trigger(), wrongly=True)

    with visit.page.expect_response("**/api/challenge?*"):
        visit.check()

    visit.said("Not right. Here is another one.")
    assert visit.focused().startswith("Choose every image")
    assert not any(box.is_checked() for box in visit.boxes())


def test_other_images_can_be_had(visit: Visit) -> None:
    visit.open(FORM)
    first = visit.press_trigger()

    with visit.page.expect_response("**/api/challenge?*") as told:
        visit.button("Other images").click()

    assert told.value.json()["images"] != first["images"]


def test_the_visitor_is_warned_and_gets_more_time(visit: Visit) -> None:
    visit.page.clock.install()
    visit.open(FORM)
    visit.press_trigger()
    visit.boxes()[2].check()

    visit.page.clock.run_for(91_000)
    visit.said("30 seconds left.")
    tab_to(visit, "I need more time")
    with visit.page.expect_response("**/api/extend") as told:
        visit.page.keyboard.press("Space")
    seconds = told.value.json()["time"]
    visit.said(f"{seconds} seconds left.")
    visit.page.clock.run_for(200_000)

    assert 200 < seconds <= 240
    assert visit.button("Check").is_enabled()
    assert visit.boxes()[2].is_checked()
    assert visit.focused() == "Image 3 of 9"


def test_more_time_is_offered_when_time_runs_out_and_not_before(visit: Visit) -> None:
    visit.page.clock.install()
    visit.open(FORM)
    visit.press_trigger()
    visit.boxes()
    before = visit.button("I need more time").is_visible()

    visit.page.clock.run_for(91_000)

    visit.button("I need more time").wait_for()
    assert not before


def test_where_no_more_time_can_be_had_the_challenge_stays(visit: Visit) -> None:
    visit.page.clock.install()
    visit.open(FORM)
    visit.choose(visit.press_trigger())
    visit.boxes()[8].focus()
    visit.page.clock.run_for(91_000)
    told = {"status": 400, "json": {"error": "no more extensions"}}
    visit.page.route("**/api/extend", lambda route: route.fulfill(**told))

    visit.button("I need more time").click()
    visit.said("This is not possible here.")

    assert not visit.button("I need more time").is_visible()
    assert visit.focused() == "Image 9 of 9"
    assert visit.check()["stage"] == 1


def test_when_time_is_up_the_visitor_is_told_and_can_go_on(visit: Visit) -> None:
    visit.page.clock.install()
    visit.open(FORM, LISTEN)
    visit.press_trigger()
    visit.boxes()
    visit.button("Check").focus()

    visit.page.clock.run_for(121_000)

    visit.said("Time is up.")
    assert visit.focused() == "Other images"
    assert heard(visit)[-1] == {"name": "error", "code": "timeout"}
    with visit.page.expect_response("**/api/challenge?*") as told:
        visit.page.keyboard.press("Enter")
    visit.page.wait_for_function(f"() => !{FIND}.shadowRoot.querySelector('.main').disabled")
    visit.choose(told.value.json())
    assert visit.check()["stage"] == 1


def test_what_the_server_calls_expired_is_told_and_replaced(visit: Visit) -> None:
    visit.open(FORM)
    visit.choose(visit.press_trigger())
    told = {"status": 400, "json": {"error": "Challenge expired"}}
    visit.page.route("**/api/challenge", lambda route: route.fulfill(**told))

    with visit.page.expect_response("**/api/challenge?*"):
        visit.check()

    visit.said("Time is up.")


def test_work_is_done_on_the_device(visit: Visit) -> None:
    visit.open(form_with("kind=work"), LISTEN)

    visit.trigger.click()

    visit.page.wait_for_function(f"() => {FIND}.value")
    assert visit.captcha.verify(visit.value()).success
    assert [event["name"] for event in heard(visit)] == ["challenge", "verified"]


def test_work_is_chosen_instead_of_images_by_keyboard_alone(visit: Visit) -> None:
    visit.open(FORM)
    tab_to(visit, "I am human")
    visit.page.keyboard.press("Enter")
    visit.boxes()
    harder(visit)

    tab_to(visit, "Let my device prove it")
    visit.page.keyboard.press("Enter")
    visit.said("Your device is working")
    at_work = visit.focused()
    visit.page.keyboard.press("Enter")
    cancelled = visit.focused()
    visit.page.unroute("**/api/challenge?*")
    visit.page.keyboard.press("Space")
    visit.boxes()
    tab_to(visit, "Let my device prove it")
    visit.page.keyboard.press("Enter")

    visit.page.wait_for_function(f"() => {FIND}.value")
    assert (at_work, cancelled) == ("Cancel", "I am human")
    assert visit.focused() == "✓Verified"


def harder(visit: Visit) -> None:
    """Ask for more work than anybody does, so that it can be watched."""

    def answer(route: Any) -> None:
        reply = route.fetch().json()
        route.fulfill(json={**reply, "work": {**reply["work"], "difficulty": 40}})

    visit.page.route("**/api/challenge?*", answer)


def test_work_shows_how_far_it_is_and_can_be_cancelled(visit: Visit) -> None:
    harder(visit)
    visit.open(form_with("kind=work"), LISTEN)

    visit.trigger.click()
    visit.page.wait_for_function(f"() => {FIND}.shadowRoot.querySelector('progress').value > 0")
    visit.said("Your device is working")
    visit.button("Cancel").click()

    assert not visit.page.locator("captcha-stateless progress").is_visible()
    assert heard(visit)[-1] == {"name": "error", "code": "closed"}
    assert visit.focused() == "I am human"


def test_escape_stops_the_work_from_anywhere(visit: Visit) -> None:
    harder(visit)
    visit.open(form_with("kind=work"))
    visit.trigger.click()
    visit.page.locator("captcha-stateless progress").wait_for()
    visit.page.locator("input[name=who]").focus()

    visit.page.keyboard.press("Escape")

    visit.page.locator("captcha-stateless progress").wait_for(state="hidden")
    assert visit.page.locator("input[name=who]").evaluate("input => document.activeElement === input")


def test_after_failed_work_the_next_try_shows_images(visit: Visit) -> None:
    visit.page.route("**/work.js", lambda route: route.fulfill(status=404))
    visit.open(form_with("kind=work"), LISTEN)
    visit.trigger.click()
    visit.said("That did not work. Please try again.")

    visit.trigger.click()

    assert len(visit.boxes()) == 9
    assert {"name": "error", "code": "failed"} in heard(visit)


def test_digits_can_be_heard_instead(visit: Visit) -> None:
    """Sound costs work first: what is asked for with its solution is the sound."""
    visit.open(FORM)
    visit.press_trigger()
    worked = lambda reply: "/api/challenge?" in reply.url and "x-captcha-challenge" in reply.request.headers  # noqa: E731
    with visit.page.expect_response(worked) as told:
        visit.button("Listen instead").click()
    visit.page.get_by_text("Type the digits that you hear:").wait_for()

    with visit.page.expect_response("**/api/audio?*") as sound:
        visit.button("Play").click()
    visit.page.get_by_role("textbox", name="Type the digits that you hear:").fill(
        visit.answer(told.value.json())
    )
    reply = visit.check()

    assert sound.value.headers["content-type"] == "audio/wav"
    assert visit.captcha.verify(reply["flag"]).success


def test_who_asks_for_sound_gets_it_at_once(visit: Visit) -> None:
    visit.open(form_with("kind=audio"))
    challenge = visit.press_trigger()

    visit.page.get_by_role("textbox", name="Type the digits that you hear:").fill(visit.answer(challenge))
    reply = visit.check()

    assert visit.captcha.verify(reply["flag"]).success


def test_images_can_be_had_back_from_the_sound(visit: Visit) -> None:
    visit.open(FORM)
    visit.press_trigger()
    visit.button("Listen instead").click()

    visit.button("Use images").click()

    visit.page.get_by_text("Round 1 of 2").wait_for()
    assert len(visit.boxes()) == 9


def test_text_is_read_and_typed(visit: Visit) -> None:
    visit.open(form_with("kind=text"))
    challenge = visit.press_trigger()

    visit.page.get_by_role("textbox", name="Type the characters in the image:").fill(
        visit.answer(challenge).lower()
    )
    reply = visit.check()

    assert visit.captcha.verify(reply["flag"]).success


def test_what_the_policy_asks_is_asked(visit: Visit) -> None:
    visit.open(form_with("kind=auto"), LISTEN)

    visit.trigger.click()

    visit.page.wait_for_function(f"() => {FIND}.value")
    assert heard(visit)[0] == {"name": "challenge", "kind": "work", "stage": 0, "stages": 1}


def test_events_tell_what_happens(visit: Visit) -> None:
    visit.open(FORM, LISTEN)

    token = visit.solve()
    visit.page.evaluate(f"() => {FIND}.reset()")

    rounds = [{"name": "challenge", "kind": "grid", "stage": stage, "stages": 2} for stage in (0, 1)]
    assert heard(visit) == [*rounds, {"name": "verified", "token": token}, {"name": "reset"}]


def test_execute_promises_the_pass_and_get_response_tells_it(visit: Visit) -> None:
    visit.open(form_with("kind=work size=invisible"))

    token = visit.page.evaluate(f"() => {FIND}.execute()")

    assert token == visit.value() == visit.page.evaluate(f"() => {FIND}.getResponse()")
    assert not visit.trigger.is_visible()


def test_execute_is_refused_with_a_code(visit: Visit) -> None:
    visit.open(form_with("").replace("dev-site", "nobody"), LISTEN)

    code = visit.page.evaluate(f"() => {FIND}.execute().catch((error) => error.code)")

    assert code == "refused"
    visit.said("This is not possible here.")
    assert heard(visit) == [{"name": "error", "code": "refused"}]


def test_error_codes_are_a_closed_list(visit: Visit) -> None:
    visit.open(FORM)

    codes = visit.page.evaluate("() => customElements.get('captcha-stateless').CODES")

    assert codes == ["network", "unavailable", "refused", "timeout", "failed", "closed"]


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


def test_a_pass_that_expires_is_told_and_can_be_earned_again(visit: Visit) -> None:
    visit.page.clock.install()
    visit.open(form_with("kind=work"), LISTEN)
    visit.page.locator("input[name=who]").fill("Ada")
    visit.page.evaluate(f"() => {FIND}.execute()")

    visit.page.clock.run_for(301_000)

    visit.said("Expired. Please check again.")
    assert visit.form() == {"who": "Ada"}
    assert heard(visit)[-1]["name"] == "expired"
    token = visit.page.evaluate(f"() => {FIND}.execute()")
    assert visit.form() == {"who": "Ada", "captcha-response": token}


def test_refresh_expired_does_work_again_by_itself(visit: Visit) -> None:
    visit.page.clock.install()
    visit.open(form_with("kind=work refresh-expired=auto"))
    first = visit.page.evaluate(f"() => {FIND}.execute()")

    visit.page.clock.run_for(301_000)

    visit.page.wait_for_function(f"first => {FIND}.value && {FIND}.value !== first", arg=first)


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (None, "network", "No connection. Please try again."),
        (503, "unavailable", "The service is busy. Please try again soon."),
        (429, "unavailable", "The service is busy. Please try again soon."),
        (200, "network", "No connection. Please try again."),  # a hotel's page to log in
        (403, "refused", "This is not possible here."),  # a firewall's
    ],
)
def test_without_a_server_the_visitor_reads_so_and_keeps_what_was_typed(
    visit: Visit, status: int | None, code: str, said: str
) -> None:
    visit.open(FORM, LISTEN)
    visit.page.locator("input[name=who]").fill("Ada")
    visit.page.route(
        "**/api/challenge?*", lambda route: route.fulfill(status=status, body="") if status else route.abort()
    )
    visit.trigger.click()
    visit.said(said)

    visit.page.unroute("**/api/challenge?*")
    token = visit.solve()

    assert visit.form() == {"who": "Ada", "captcha-response": token}
    assert heard(visit)[0] == {"name": "error", "code": code}


@pytest.mark.parametrize(
    ("status", "said"),
    [(None, "No connection. Please try again."), (503, "The service is busy. Please try again soon.")],
)
def test_an_answer_that_does_not_arrive_can_be_sent_again(
    visit: Visit, status: int | None, said: str
) -> None:
    visit.open(FORM)
    visit.choose(visit.press_trigger())
    visit.page.route(
        "**/api/challenge", lambda route: route.fulfill(status=status, body="") if status else route.abort()
    )

    visit.button("Check").click()
    visit.said(said)
    assert visit.focused() == "Check"
    visit.page.unroute("**/api/challenge")

    assert visit.check()["stage"] == 1


def test_a_reply_that_is_lost_is_asked_for_again_unseen(visit: Visit) -> None:
    """The server has judged; the phone was in a tunnel."""
    lost: list[str | None] = []

    def lose(route: Any) -> None:
        if route.request.post_data in lost:
            route.continue_()
            return
        lost.append(route.request.post_data)
        route.fetch()
        route.abort()

    visit.open(FORM, LISTEN)
    visit.page.route("**/api/challenge", lose)

    token = visit.solve()

    assert visit.form()["captcha-response"] == token
    assert [each["name"] for each in heard(visit)] == ["challenge", "challenge", "verified"]
    assert len(lost) == 2


def test_on_a_slow_network_the_visitor_is_told_to_wait_and_nothing_is_sent_twice(visit: Visit) -> None:
    visit.open(FORM)
    visit.page.locator("input[name=who]").fill("Ada")
    session = visit.page.context.new_cdp_session(visit.page)
    slow = {"offline": False, "latency": 3_000, "downloadThroughput": 20_000, "uploadThroughput": 20_000}
    session.send("Network.emulateNetworkConditions", slow)
    asked: list[str] = []
    visit.page.on("request", lambda request: asked.append(request.url))

    visit.trigger.click()
    visit.said("Checking…")
    visit.trigger.click(force=True)

    assert len(visit.boxes()) == 9
    assert len([url for url in asked if "/api/challenge" in url]) == 1
    assert visit.form() == {"who": "Ada"}


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


def test_on_a_page_of_another_origin_work_runs_from_a_copy(
    context: "BrowserContext", captcha: CaptchaServer
) -> None:
    visit = Visit(context, captcha)
    visit.url = captcha.url  # another host, and so another origin
    server = f"http://localhost:{captcha.port}"
    policy = f"default-src 'none'; script-src 'self' {server}; connect-src {server}; worker-src blob:"
    visit.page.route(f"{visit.url}/widget.js", lambda route: route.fulfill(body=""))

    visit.open(form_with("kind=work"), policy=policy, head=f"<script src={server}/widget.js async></script>")
    token = visit.page.evaluate(f"() => {FIND}.execute()")

    assert visit.captcha.verify(token).hostname == "127.0.0.1"
    assert visit.complaints == []
