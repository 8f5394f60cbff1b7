"""ALTCHA's widgets of two generations and Cap's, from their registry and unmodified, in a real browser."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from captcha_stateless import Settings
from captcha_stateless.app import create_engine
from captcha_stateless.engine import Engine
from captcha_stateless.testing import CaptchaServer
from captcha_stateless.tokens import keys
from tests.balancer import balanced
from tests.live import live_server
from tests.needs import need
from tests.web.conftest import Visit

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

MODULES = Path(__file__).parent / "node_modules"
#: What these widgets need of a page's policy: their styles are inline, their workers blobs, and Cap's runs WebAssembly.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "worker-src blob:; img-src 'self' data:; media-src 'self' blob:; connect-src 'self' data:"
)
THREE, TWO, CAP = "altcha/dist/main/altcha.js", "altcha-2/dist/altcha.js", "@cap.js/widget/cap.min.js"
#: The generation of the widget's, and the path of the challenges that it is given.
PAIRS = [(THREE, "v2"), (THREE, "v1"), (TWO, "v1")]


@pytest.fixture(scope="module")
def captcha(ring: Path) -> Iterator[CaptchaServer]:
    with CaptchaServer(keys=ring, policy="lenient") as server:
        yield server


def show(visit: Visit, package: str, body: str, script: str = "") -> "Page":
    """Show a page of a form that loads a widget from its package."""
    visit.page.set_default_timeout(60_000)
    need((MODULES / package).exists(), f"{package} (npm ci in tests/web)")
    kind = "" if package == CAP else " type=module"
    markup = (
        "<!doctype html><html lang=en><head><title>Sign up</title><script src=/script.js></script>"
        f"<script{kind} src=/other.js></script></head><body><form>{body}<button>Send</button></form></body></html>"
    )
    visit._serve("/page.html", "text/html; charset=utf-8", markup, POLICY)
    visit._serve("/script.js", "text/javascript", script, POLICY)
    visit._serve("/other.js", "text/javascript", (MODULES / package).read_text(encoding="utf-8"), POLICY)
    visit.page.goto(f"{visit.url}/page.html")
    return visit.page


def altcha(visit: Visit, package: str, version: str, query: str = "") -> "Page":
    # The second generation takes a whole address only, where other addresses are to be found beside it.
    url = f"{visit.url}/altcha/{version}/challenge?apiKey=dev-site{query}"
    name = "challenge" if package == THREE else "challengeurl"
    return show(visit, package, f'<altcha-widget {name}="{url}"></altcha-widget>')


def tick(page: "Page") -> None:
    # A picture lies over the box, and hands the click on to it.
    page.locator("altcha-widget input[type=checkbox]").evaluate("box => box.click()")


def tick_and_begin(page: "Page") -> Any:
    with page.expect_response("**/challenge?*") as told:
        tick(page)
    return told.value.json()


def payload(page: "Page") -> str:
    page.wait_for_function("() => document.querySelector('altcha-widget')?.getState() === 'verified'")
    page.wait_for_function("() => new FormData(document.querySelector('form')).get('altcha')")
    return str(page.evaluate("() => new FormData(document.querySelector('form')).get('altcha')"))


def answer(visit: Visit, document: Any, *, heard: bool = False) -> str:
    token = parse_qs(urlsplit(document["codeChallenge"]["audio"]).query)["token"][0]
    claims = visit.engine.look(token, "altcha")
    return "".join(visit.engine.renderer.draw(claims).spoken) if heard else str(visit.engine.tell(claims))


def enter(page: "Page", code: str) -> Any:
    with page.expect_response("**/verify?*") as told:
        box = page.locator("altcha-widget input[type=text]")
        box.fill(code)
        box.press("Enter")
    return told.value.json()


@pytest.mark.parametrize(("package", "version"), PAIRS)
def test_altcha_s_work_earns_a_pass_that_counts_once(visit: Visit, package: str, version: str) -> None:
    page = altcha(visit, package, version)

    tick(page)
    earned = payload(page)

    assert [visit.captcha.verify(earned).success for _ in range(2)] == [True, False]


@pytest.mark.parametrize("heard", [False, True])
@pytest.mark.parametrize(("package", "version"), PAIRS)
def test_altcha_s_code_is_seen_or_heard(visit: Visit, package: str, version: str, heard: bool) -> None:
    page = altcha(visit, package, version, "&kind=text")

    document = tick_and_begin(page)
    picture = page.locator("altcha-widget img").first
    picture.wait_for()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 350
    if heard:
        with page.expect_response("**/api/audio?*") as told:
            page.locator("altcha-widget button[title*=audio]").click()
        assert told.value.headers["content-type"] == "audio/wav"
        page.wait_for_function("() => document.querySelector('altcha-widget audio').currentTime > 0")
    assert enter(page, answer(visit, document, heard=heard))["verified"]

    earned = visit.captcha.verify(payload(page))
    assert earned.success


@pytest.mark.parametrize(("package", "version"), PAIRS)
def test_altcha_s_wrong_code_is_no_pass(visit: Visit, package: str, version: str) -> None:
    page = altcha(visit, package, version, "&kind=text")
    tick_and_begin(page)

    assert enter(page, "wrong!") == {"verified": False, "reason": "INVALID_SOLUTION"}

    assert page.evaluate("() => document.querySelector('altcha-widget').getState()") != "verified"


def test_altcha_s_expired_challenge_is_no_pass(visit: Visit) -> None:
    page = altcha(visit, THREE, "v2", "&kind=text")
    document = tick_and_begin(page)
    page.locator("altcha-widget input[type=text]").wait_for()

    page.evaluate("() => { const now = Date.now; Date.now = () => now() + 700_000; }")
    clock, code = visit.engine._clock, answer(visit, document)
    visit.engine._clock = lambda: clock() + 700
    try:
        assert enter(page, code) == {"verified": False, "reason": "EXPIRED"}
    finally:
        visit.engine._clock = clock


def test_altcha_s_payload_replayed_is_no_pass(visit: Visit) -> None:
    page = altcha(visit, THREE, "v2")
    with page.expect_request("**/verify?*") as sent:
        tick(page)
    payload(page)

    again = page.evaluate(
        "([url, body]) => fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body })"
        ".then((reply) => reply.json())",
        [sent.value.url, sent.value.post_data],
    )

    assert again == {"verified": False, "reason": "PAYLOAD_ALREADY_USED"}


def cap(visit: Visit, way: str = "/dev-site/") -> "Page":
    # Its WebAssembly comes from another host; without, it hashes in JavaScript.
    script = "window.CAP_CUSTOM_WASM_URL = '/none.wasm'; window.CAP_SILENT = true;"
    return show(visit, CAP, f'<cap-widget data-cap-api-endpoint="{visit.url}{way}"></cap-widget>', script)


def cap_token(visit: Visit, page: "Page") -> str:
    page.locator("cap-widget").evaluate("widget => widget.solve()")
    page.wait_for_function("() => new FormData(document.querySelector('form')).get('cap-token')")
    # Its workers say that they hash in JavaScript.
    visit.complaints[:] = [said for said in visit.complaints if not said.startswith("[cap worker]")]
    return str(page.evaluate("() => new FormData(document.querySelector('form')).get('cap-token')"))


@pytest.mark.parametrize("way", ["/dev-site/", "/dev-site/format2/", "/cap/dev-site/"])
def test_cap_s_work_earns_a_pass_that_counts_once(visit: Visit, way: str) -> None:
    page = cap(visit, way)

    earned = cap_token(visit, page)

    assert [visit.captcha.verify(earned).success for _ in range(2)] == [True, False]


@pytest.fixture
def replicas(context: "BrowserContext", tmp_path: Path) -> Iterator[Visit]:
    """Open a window on two replicas behind nginx, which hands every request to the next."""
    ring = tmp_path / "keyring.json"
    keys.save(ring, keys.fresh_ring(int(time.time())), overwrite=False)
    environ = {"CAPTCHA_KEYS": str(ring), "CAPTCHA_POLICY": "lenient"}
    environ |= {"CAPTCHA_REPLAY": "shared", "CAPTCHA_REPLAY_DIR": str(tmp_path / "replay")}
    with ExitStack() as stack:
        servers = [stack.enter_context(live_server(environ=environ)) for _ in range(2)]
        url = stack.enter_context(balanced(tmp_path / "nginx", [server.port for server in servers]))
        engine = create_engine(Settings(keys=ring), lambda: keys.load(ring))
        yield Visit(context, Balanced(url, engine))  # type: ignore[arg-type]


class Balanced:
    """As much of a server as a visit needs of one."""

    def __init__(self, url: str, engine: Engine) -> None:
        self.port = int(url.rpartition(":")[2])
        self.app = SimpleNamespace(state=SimpleNamespace(engine=engine))


def judged(visit: Visit, earned: str) -> list[bool]:
    asked = {"secret": "dev-secret", "response": earned}
    return [httpx.post(f"{visit.url}/siteverify", data=asked).json()["success"] for _ in range(3)]


def test_two_replicas_serve_altcha_s_work_as_one(replicas: Visit) -> None:
    page = altcha(replicas, THREE, "v2")
    tick(page)

    assert judged(replicas, payload(page)) == [True, False, False]


def test_two_replicas_serve_altcha_s_code_as_one(replicas: Visit) -> None:
    page = altcha(replicas, THREE, "v2", "&kind=text")
    document = tick_and_begin(page)

    assert enter(page, answer(replicas, document))["verified"]
    assert judged(replicas, payload(page)) == [True, False, False]


def test_two_replicas_serve_cap_as_one(replicas: Visit) -> None:
    page = cap(replicas)

    assert judged(replicas, cap_token(replicas, page)) == [True, False, False]
