"""The integrations: a right pass goes through once, everything else is refused in the framework's own way."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from captcha_stateless.client import COOKIE, HEADER, Client
from captcha_stateless.integrations.asgi import Message, PassGuard, Scope
from captcha_stateless.integrations.starlette import RequirePass
from captcha_stateless.testing import CaptchaServer
from captcha_stateless.tokens.cookie import pass_in
from tests.needs import module


@pytest.fixture(scope="module")
def captcha() -> Iterator[CaptchaServer]:
    with CaptchaServer() as server:
        yield server


def carriers(token: str) -> list[dict[str, Any]]:
    """Name every way in which a pass comes in."""
    return [
        {"headers": {HEADER: token}},
        {"data": {"captcha-pass": token}},
        {"data": {"g-recaptcha-response": token}},
        {"data": {"h-captcha-response": token}},
        {"data": {"cf-turnstile-response": token}},
        {"json": {"captcha-pass": token}},
        {
            "content": f'{{"captcha-pass": "{token}"}}',
            "headers": {"content-type": "Application/JSON; charset=utf-8"},
        },
    ]


BARE: list[dict[str, Any]] = [
    {},
    {"json": []},
    {"json": {"captcha-pass": 7}},
    {"content": b"{", "headers": {"content-type": "application/json"}},
    {"content": b'{"captcha-pass": "\\ud800"}', "headers": {"content-type": "application/json"}},
    {"content": b"[" * 100_000, "headers": {"content-type": "application/json"}},
    {"content": b"\xff", "headers": {"content-type": "Application/JSON"}},
    {"content": b"captcha-pass=x", "headers": {"content-type": "text/plain"}},
    {"content": b"x", "headers": {"content-type": "multipart/form-data"}},
    {
        "content": b'--x\r\nContent-Disposition: form-data; name="captcha-pass"\r\n\r\nx\r\n--x--\r\n',
        "headers": {"content-type": "multipart/form-data; boundary=x; charset=none"},
    },
    {"data": {"captcha-pass": "\u00e9"}},
    {"data": {"captcha-pass": ""}},
    {"data": {"captcha-pass": "no.such.pass"}},
]


Make = Callable[[Client], Any]
AskAll = Callable[..., list[int]]


@pytest.fixture
def ask_all(captcha: CaptchaServer) -> AskAll:
    """Send requests to an application that is made around a client, and return the statuses."""

    def ask(make: Make, *requests: dict[str, Any]) -> list[int]:
        async def run() -> list[int]:
            async with captcha.new_client() as client:
                transport = httpx.ASGITransport(app=make(client))
                async with httpx.AsyncClient(transport=transport, base_url="http://site.test") as browser:
                    return [
                        (await browser.request(**{"method": "POST", "url": "/x", **request})).status_code
                        for request in requests
                    ]

        return anyio.run(run)

    return ask


def starlette_app(client: Client, action: str | None = None) -> Starlette:
    require_pass = RequirePass(client, action=action)

    async def view(request: Request) -> JSONResponse:
        verdict = await require_pass(request)
        return JSONResponse({"host": verdict.hostname})

    return Starlette(routes=[Route("/x", view, methods=["POST"])])


def test_starlette_lets_a_right_pass_through_once(captcha: CaptchaServer, ask_all: AskAll) -> None:
    for number in range(len(carriers(""))):
        request = carriers(captcha.solve())[number]
        assert ask_all(starlette_app, request, request) == [200, 403]


def test_starlette_refuses_what_brings_no_right_pass(ask_all: AskAll) -> None:
    assert ask_all(starlette_app, *BARE) == [403] * len(BARE)


def test_starlette_refuses_a_pass_for_another_action(captcha: CaptchaServer, ask_all: AskAll) -> None:
    right, other = ({"headers": {HEADER: captcha.solve(action=action)}} for action in ("login", "other"))

    assert ask_all(partial(starlette_app, action="login"), right, other) == [200, 403]


@pytest.fixture
def client(captcha: CaptchaServer) -> Iterator[Client]:
    with captcha.new_client() as client:
        yield client


@pytest.fixture
def flask_browser(client: Client) -> Any:
    flask = module("flask")
    require_pass = module("captcha_stateless.integrations.flask").require_pass
    app = flask.Flask("site")

    def view() -> str:
        return str(flask.g.captcha.hostname)

    app.post("/x")(require_pass(client)(view))
    return app.test_client()


def flask_status(browser: Any, request: dict[str, Any]) -> int:
    options = {("data" if name == "content" else name): value for name, value in request.items()}
    with browser.post("/x", **options) as reply:
        return int(reply.status_code)


def test_flask_lets_a_right_pass_through_once(captcha: CaptchaServer, flask_browser: Any) -> None:
    for number in range(len(carriers(""))):
        request = carriers(captcha.solve())[number]
        assert [flask_status(flask_browser, request) for _ in range(2)] == [200, 403]


@pytest.mark.parametrize("request_", BARE)
def test_flask_refuses_what_brings_no_right_pass(flask_browser: Any, request_: dict[str, Any]) -> None:
    assert flask_status(flask_browser, request_) == 403


@pytest.fixture
def sign_up(client: Client) -> Any:
    conf, forms = module("django.conf"), module("django.forms")
    if not conf.settings.configured:
        conf.settings.configure(USE_I18N=False)
    field = module("captcha_stateless.integrations.django").PassField
    options = {"script": "https://captcha.example/captcha.js", "site_key": 'k"<'}
    return type("SignUp", (forms.Form,), {"captcha": field(client, **options)})


@pytest.mark.parametrize("name", ["captcha-pass", "g-recaptcha-response"])
def test_a_django_form_is_valid_with_a_right_pass_once(
    captcha: CaptchaServer, sign_up: Any, name: str
) -> None:
    token = captcha.solve()

    first, second = (sign_up({name: token}) for _ in range(2))

    assert (first.is_valid(), second.is_valid()) == (True, False)
    assert first.cleaned_data["captcha"].hostname == "localhost"
    assert second.errors.as_data()["captcha"][0].code == "captcha"


@pytest.mark.parametrize(("data", "code"), [({}, "required"), ({"captcha-pass": "x"}, "captcha")])
def test_a_django_form_without_a_right_pass_is_not_valid(
    sign_up: Any, data: dict[str, str], code: str
) -> None:
    form = sign_up(data)

    assert not form.is_valid()
    assert form.errors.as_data()["captcha"][0].code == code


def test_the_django_field_shows_the_element_and_escapes_what_it_is_given(sign_up: Any) -> None:
    shown = str(sign_up()["captcha"])

    assert '<script src="https://captcha.example/captcha.js" async></script>' in shown
    assert '<captcha-stateless name="captcha-pass" sitekey="k&quot;&lt;"' in shown


async def anything(scope: Scope, _: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def test_the_guard_guards_its_paths_and_no_others(ask_all: AskAll) -> None:
    guard = partial(PassGuard, anything, paths=["/sign-up", "/order/"])
    free, guarded = ["/", "/sign-upx", "/other"], ["/sign-up", "/sign-up/now", "/order", "/order/7"]

    statuses = ask_all(lambda client: guard(client=client), *({"url": path} for path in free + guarded))

    assert statuses == [200] * 3 + [403] * 4


def test_the_guard_lets_a_right_pass_through_once(captcha: CaptchaServer, ask_all: AskAll) -> None:
    guard = partial(PassGuard, anything, paths=["/"], methods=["post"])
    request = {"headers": {HEADER: captcha.solve()}}

    assert ask_all(lambda client: guard(client=client), request, request, {"method": "GET"}) == [
        200,
        403,
        200,
    ]


def test_the_guard_takes_a_clearance_cookie_offline_only(captcha: CaptchaServer, ask_all: AskAll) -> None:
    guard = partial(PassGuard, anything, paths=["/"])
    good = {"headers": {"Cookie": f"other=1; {COOKIE}={captcha.solve()}"}}
    bad = [{"headers": {"Cookie": text}} for text in ("", "[", f"{COOKIE}=x")]

    offline = ask_all(lambda client: guard(client=client, offline=True), good, good, good, *bad)
    online = ask_all(lambda client: guard(client=client), good)

    assert (offline, online) == ([200] * 3 + [403] * 3, [403])


@pytest.mark.parametrize(
    "path", ["//files/x", "/files//x", "/files/../files/x", "/./files/x", "/x/..", "/files\\x", "/.."]
)
def test_the_guard_refuses_a_path_that_others_read_as_another(ask_all: AskAll, path: str) -> None:
    """``//x`` and ``/x/../y`` passed the guard, and StaticFiles served them."""
    sent: list[Message] = []

    async def run() -> None:
        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            raise AssertionError("nothing is read")

        with Client("http://captcha.test", secret="x") as client:
            guard = PassGuard(anything, client=client, paths=["/files"])
            await guard({"type": "http", "method": "GET", "path": path, "headers": []}, receive, send)

    anyio.run(run)

    assert sent[0]["status"] == 403


def served(folder: Path) -> Starlette:
    (folder / "page.txt").write_text("the page")
    return Starlette(routes=[Mount("/files", StaticFiles(directory=folder))])


def under_root_path(app: Any) -> Any:
    """Do what ``uvicorn --root-path /captcha`` does behind a proxy that strips the prefix."""

    async def rooted(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "root_path": "/captcha", "path": "/captcha" + scope["path"]}, receive, send)

    return rooted


@pytest.mark.parametrize(
    "url", ["/files/page.txt", "/files/%70age.txt", "/files//page.txt", "/%66iles/page.txt"]
)
def test_the_guard_holds_under_a_root_path_in_a_mount_and_before_files(
    ask_all: AskAll, tmp_path: Path, url: str
) -> None:
    """It guarded nothing under a root path or a mount."""
    app = served(tmp_path)

    def rooted(client: Client) -> Any:
        return under_root_path(PassGuard(app, client=client, paths=["/files"]))

    def mounted(client: Client) -> Any:
        return Starlette(routes=[Mount("/shop", PassGuard(app, client=client, paths=["/files"]))])

    def middleware(client: Client) -> Any:
        fast = FastAPI()
        fast.mount("/", app)
        fast.add_middleware(PassGuard, client=client, paths=["/files"])
        return fast

    get = {"method": "GET"}
    assert ask_all(rooted, {**get, "url": url}) == [403]
    assert ask_all(mounted, {**get, "url": f"/shop{url}"}) == [403]
    assert ask_all(middleware, {**get, "url": url}) == [403]


def test_what_is_not_guarded_is_still_served(ask_all: AskAll, tmp_path: Path) -> None:
    app = served(tmp_path)
    request = {"method": "GET", "url": "/files/page.txt"}

    assert ask_all(
        lambda client: under_root_path(PassGuard(app, client=client, paths=["/shop"])), request
    ) == [200]


@pytest.mark.parametrize(
    "junk", ["\\" * 15_000, '"' * 15_000, ";" * 15_000, "; " * 7_500, f"{COOKIE}=" * 700, "a=" * 7_000]
)
def test_a_cookie_costs_one_look_at_each_character(captcha: CaptchaServer, junk: str) -> None:
    """15 KB of backslashes blocked the loop for 1.5 s: two requests a second froze two workers."""
    token = captcha.solve()

    assert pass_in(f"other={junk}; {COOKIE}={token}") == token
    assert pass_in(f"{junk}") == ""
    # Twice the text, twice the time: a quadratic reader would take four times as long, sixteen at four times.
    small, large = (cpu_seconds(f"other={junk * times}") for times in (4, 16))
    assert large < 8 * small + 0.005


def cpu_seconds(header: str) -> float:
    """Tell what it takes to look for the pass, the least of five times."""

    def once() -> float:
        began = time.process_time()
        pass_in(header)
        return time.process_time() - began

    return min(once() for _ in range(5))


def test_the_guard_closes_a_websocket_and_passes_lifespan_on(client: Client) -> None:
    sent: list[Message] = []
    reached: list[str] = []

    async def app(scope: Scope, _: Any, __: Any) -> None:
        reached.append(scope["type"])

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("nothing is read")

    async def run() -> None:
        guard = PassGuard(app, client=client, paths=["/"], methods=["POST"])
        await guard({"type": "websocket", "path": "/x", "headers": []}, receive, send)
        await guard({"type": "lifespan"}, receive, send)

    anyio.run(run)

    assert sent == [{"type": "websocket.close", "code": 1008}]
    assert reached == ["lifespan"]
