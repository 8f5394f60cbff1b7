"""``<captcha-stateless>`` in a real browser, under the policy that it promises to work under."""

from typing import TYPE_CHECKING, Any

import pytest

from tests.web.conftest import Visit

if TYPE_CHECKING:
    pass

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


def test_the_sound_can_be_heard_again_and_slowly(visit: Visit) -> None:
    visit.page.add_init_script(
        "window.played = []; const { start } = AudioBufferSourceNode.prototype;"
        "AudioBufferSourceNode.prototype.start = function () {"
        " played.push([this.playbackRate.value, this.buffer.duration]); start.call(this); }"
    )
    visit.open(form_with("kind=audio"))
    visit.press_trigger()

    for number, name in enumerate(["Play", "Play slowly", "Play"], 1):
        visit.button(name).click()
        visit.page.wait_for_function("number => played.length === number", arg=number)
        visit.page.get_by_role("textbox", name="Type the digits that you hear:").wait_for()

    (first, *rest) = visit.page.evaluate("() => played")
    assert first[0] == 1
    assert [rate for rate, _ in rest] == [0.75, 1]
    assert {seconds for _, seconds in rest} == {first[1]}
    assert visit.focused() == "input"


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
