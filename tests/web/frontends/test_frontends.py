"""What visitors do in pages of other CAPTCHAs' client libraries, unmodified from npm: solve, again, close, two at once."""

import json
import re
from dataclasses import dataclass

import pytest

from tests.web.frontends.conftest import HERE, Frontend


@dataclass(frozen=True)
class Library:
    """A library: the script tag of ours that its page needs, if it has no option for the address, and what it does."""

    name: str
    script: str = ""
    tells_close: bool = False
    #: Angular compiles in the browser here; its own builds do that before.
    compiles: bool = False


RECAPTCHA = '<script id="recaptcha-script" src="CAPTCHA/recaptcha/api.js?render=explicit"></script>'
TURNSTILE = '<script id="ID" src="CAPTCHA/turnstile/v0/api.js?render=explicit"></script>'

#: Those with a widget that visitors click.
WIDGETS = [
    Library("react-google-recaptcha", RECAPTCHA),
    Library("react-hcaptcha", tells_close=True),
    Library("vue3-hcaptcha", tells_close=True),
    Library("vanilla-hcaptcha", tells_close=True),
    Library("react-turnstile", TURNSTILE, tells_close=True),
    Library("marsidev-react-turnstile", TURNSTILE.replace("ID", "cf-turnstile-script"), tells_close=True),
    Library("vue-turnstile", TURNSTILE, tells_close=True),
    Library("ngx-turnstile", TURNSTILE.replace("ID", "ngx-turnstile"), compiles=True),
]
#: Those without one, which the page runs.
RUNS = [
    Library("react-google-recaptcha-v3", RECAPTCHA.replace("explicit", "dev-site")),
    Library("vue-recaptcha-v3"),
]
#: Our own element, used as each framework uses elements.
ELEMENT = '<script src="CAPTCHA/widget.js" async></script>'
ELEMENTS = [
    Library("element-react", ELEMENT, tells_close=True),
    Library("element-vue", ELEMENT, tells_close=True),
    Library("element-svelte", ELEMENT, tells_close=True),
]


def named(library: Library) -> str:
    return library.name


@pytest.mark.parametrize("library", WIDGETS + ELEMENTS, ids=named)
def test_a_widget_is_solved_twice_closed_doubled_and_removed(
    frontend: Frontend, apps: dict[str, str], library: Library
) -> None:
    frontend.show(apps[library.name], library.script, compiles=library.compiles)

    frontend.work_through(frontend.begin())
    first = frontend.wait_for("solved")
    assert frontend.verify(first).success

    reset(frontend)
    frontend.begin()
    frontend.element().locator(".tile").nth(8).wait_for()
    frontend.page.keyboard.press("Escape")
    frontend.element().locator("dialog").wait_for(state="hidden")
    assert bool(frontend.heard("closed")) == library.tells_close
    assert frontend.heard("error") == []

    frontend.count(2)
    frontend.work_through(frontend.begin(1), 1)
    assert frontend.verify(frontend.wait_for("solved", 1)).success
    frontend.work_through(frontend.begin(0), 0)
    second = frontend.wait_for("solved", more_than=1)
    assert second != first
    assert frontend.verify(second).success

    frontend.count(0)
    assert frontend.page.locator("captcha-stateless, textarea").count() == 0


def test_the_readme_names_exactly_these() -> None:
    packages = json.loads((HERE / "package.json").read_text("utf-8"))["dependencies"]
    libraries = {name for name in packages if re.search("captcha|turnstile", name)}
    readme = (HERE.parents[2] / "README.md").read_text("utf-8")
    told = re.search(r"\*\*In the page, unmodified\*\*.*?: (react.*?)\n\(\[how", readme, re.DOTALL)

    assert told and set(re.split(r",\s+", told[1])) == libraries
    assert len(libraries) == len(WIDGETS + RUNS)


GOOGLE, CLOUDFLARE = "https://www.google.com", "https://challenges.cloudflare.com"


@pytest.mark.parametrize(
    ("name", "origin"),
    [
        ("react-google-recaptcha", GOOGLE),
        ("react-turnstile", CLOUDFLARE),
        ("marsidev-react-turnstile", CLOUDFLARE),
        ("vue-turnstile", CLOUDFLARE),
        ("ngx-turnstile", CLOUDFLARE),
    ],
)
def test_a_library_that_loads_the_script_itself_finds_it_ready(
    frontend: Frontend, apps: dict[str, str], name: str, origin: str
) -> None:
    """As a bundler that replaces the vendor's host name has it: react-google-recaptcha once waited for ever."""
    frontend.show(apps[name], known_as=origin, compiles=name.startswith("ngx"))

    frontend.work_through(frontend.begin())

    assert frontend.verify(frontend.wait_for("solved")).success


def reset(frontend: Frontend) -> None:
    """Begin anew as the library's user does, or, where it has no method for that, as its own page does after a failure."""
    frontend.page.evaluate(
        "() => (widgets[0]?.reset ?? widgets[0]?.resetCaptcha ?? (() => turnstile.reset())).call(widgets[0])"
    )
    frontend.page.wait_for_function("() => !document.querySelector('captcha-stateless').value")


@pytest.mark.parametrize("library", RUNS, ids=named)
def test_a_run_without_a_widget_brings_a_pass_each_time_and_can_be_closed(
    frontend: Frontend, apps: dict[str, str], library: Library
) -> None:
    frontend.show(apps[library.name], library.script)

    passes = []
    for at, before in [(0, 0), (0, 1), (1, 0)]:
        frontend.count(at + 1)
        frontend.work_through(frontend.run(at))
        passes.append(frontend.wait_for("solved", at, more_than=before))
    assert [frontend.verify(token).action for token in passes] == ["button_0", "button_0", "button_1"]
    assert len(set(passes)) == len(passes)

    frontend.run()
    frontend.element().locator(".tile").nth(8).wait_for()
    frontend.page.keyboard.press("Escape")
    frontend.wait_for("closed")
    frontend.count(0)
    assert frontend.page.locator("dialog[open]").count() == 0
