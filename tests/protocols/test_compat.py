"""The compat scripts, in a browser, on pages written for the systems that they stand in for."""

import json
import queue
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from captcha_stateless.protocols.compat import DIALECTS, Compat
from captcha_stateless.sites.testkeys import DUMMY, FAILING_SITE, PASSING_SITE
from captcha_stateless.testing import CaptchaServer
from tests.needs import program
from tests.protocols.contract import AdapterContract
from tests.support import Server


class TestAdapter(AdapterContract):
    adapter: ClassVar = Compat
    paths: ClassVar[Sequence[str]] = [*DIALECTS, "/captcha.js"]

    def is_worded(self, response: httpx.Response) -> bool:
        return response.text == "Method not allowed"


@pytest.mark.parametrize("path", list(DIALECTS))
def test_a_script_may_be_kept_and_loaded_by_other_sites(server: Server, path: str) -> None:
    reply = server.visitor.get(path)

    assert reply.headers["content-type"] == "text/javascript; charset=utf-8"
    assert reply.headers["cache-control"] == "public, max-age=3600"
    assert reply.headers["cross-origin-resource-policy"] == "cross-origin"


@pytest.mark.parametrize("path", list(DIALECTS))
def test_a_script_writes_no_markup_and_runs_no_text(server: Server, path: str) -> None:
    text = server.visitor.get(path).text

    for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
        assert sink not in text
    assert ".style" not in text
    assert "https://" not in text


@pytest.fixture(scope="module")
def captcha() -> Iterator[CaptchaServer]:
    with CaptchaServer(test_keys=True) as server:
        yield server


class Site:
    """A site of its own origin: its pages, under a strict policy that lets the captcha server in and nothing else."""

    def __init__(self, captcha: CaptchaServer) -> None:
        self.pages: dict[str, tuple[str, str]] = {}
        policy = (
            f"default-src 'none'; script-src 'self' {captcha.url}; connect-src 'self' {captcha.url}; style-src 'self'; "
            "require-trusted-types-for 'script'"
        )
        self.heard: queue.Queue[dict[str, Any]] = queue.Queue()
        pages, heard, engine = self.pages, self.heard, captcha.app.state.engine

        def told(path: str) -> str:
            token = path.removeprefix("/answer/")
            return json.dumps(engine.tell(engine.look(token, "onecaptcha"))) if token != path else "null"

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                media_type, text = pages.get(self.path) or ("application/json", told(self.path))
                self.send_response(200)
                self.send_header("Content-Type", media_type)
                self.send_header("Content-Security-Policy", policy)
                self.end_headers()
                self.wfile.write(text.encode())

            def do_POST(self) -> None:
                heard.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.captcha = captcha
        self.url = f"http://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def visit(self, api: str, body: str, script: str, profile: Path) -> dict[str, Any]:
        """Let a browser load a page, and return what its script reported."""
        self.pages["/page.js"] = ("text/javascript", HARNESS + script)
        self.pages["/"] = (
            "text/html",
            f"<!doctype html><script src='/page.js'></script><script src='{self.captcha.url}{api}' async defer></script>"
            f"<body>{body}</body>",
        )
        words = [
            program("chromium"),
            *(
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                f"--user-data-dir={profile}",
                self.url,
            ),
        ]
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as browser:
            try:
                heard = self.heard.get(timeout=60)
                with suppress(queue.Empty):  # a violation may be told a moment later
                    while True:
                        heard |= self.heard.get(timeout=0.3)
            finally:
                browser.terminate()
        return heard


HARNESS = """
const plainly = window.fetch;
function report(heard) { plainly("/report", { method: "POST", body: JSON.stringify(heard) }); }
addEventListener("securitypolicyviolation", (event) => report({ violation: event.violatedDirective }));
addEventListener("error", (event) => report({ error: event.message }));
"""


@pytest.fixture(scope="module")
def site(captcha: CaptchaServer) -> Iterator[Site]:
    site = Site(captcha)
    yield site
    site.server.shutdown()
    site.server.server_close()


CLASSIC = """
function solved(token) {
  report({ solved: token, field: document.querySelector("form").elements["FIELD"].value,
           response: API.getResponse() });
}
function failed(error) { report({ failed: error ?? "without a word" }); }
addEventListener("load", () => setTimeout(() => API.execute(), 500));
"""


@pytest.mark.parametrize("path", list(DIALECTS))
def test_a_widget_of_the_page_s_markup_fills_its_field_and_calls_back(
    site: Site, tmp_path: Path, path: str
) -> None:
    dialect = DIALECTS[path]
    body = f'<form><div class="{dialect["class"]}" data-sitekey="{PASSING_SITE}" data-callback="solved"></div></form>'
    script = CLASSIC.replace("FIELD", dialect["field"]).replace("API", dialect["global"])

    heard = site.visit(path, body, script, tmp_path)

    assert heard == {"solved": DUMMY, "field": DUMMY, "response": DUMMY}


@pytest.mark.parametrize("path", list(DIALECTS))
def test_a_refused_visitor_reaches_the_error_callback(site: Site, tmp_path: Path, path: str) -> None:
    dialect = DIALECTS[path]
    body = (
        f'<form><div class="{dialect["class"]}" data-sitekey="{FAILING_SITE}" '
        'data-error-callback="failed"></div></form>'
    )

    heard = site.visit(path, body, CLASSIC.replace("API", dialect["global"]), tmp_path)

    assert heard == {"failed": dialect["errors"]["refused"] if "errors" in dialect else "without a word"}


EXPLICIT = """
function ready() {
  const before = document.querySelectorAll("captcha-stateless").length;
  const place = document.querySelector("#here");
  const id = API.render("here", { sitekey: "SITE", callback: (token) => {
    const got = API.getResponse(id);
    API.reset(id);
    const after = API.getResponse(id);
    API.remove(id);
    report({ before, got, after: after ?? "", left: place.children.length, type: typeof id });
  } });
  API.ready(() => API.execute(id));
}
"""


@pytest.mark.parametrize("path", list(DIALECTS))
def test_explicit_rendering_waits_for_the_page(site: Site, tmp_path: Path, path: str) -> None:
    dialect = DIALECTS[path]
    body = f'<div class="{dialect["class"]}" data-sitekey="{PASSING_SITE}"></div><form><div id="here"></div></form>'
    script = EXPLICIT.replace("API", dialect["global"]).replace("SITE", PASSING_SITE)

    heard = site.visit(f"{path}?onload=ready&amp;render=explicit&amp;hl=de", body, script, tmp_path)

    number_or_text = "number" if "numbered" in dialect else "string"
    assert heard == {"before": 0, "got": DUMMY, "after": "", "left": 0, "type": number_or_text}


def test_recaptcha_s_third_version_promises_a_token(site: Site, tmp_path: Path) -> None:
    script = f"""
    function ready() {{
      grecaptcha.ready(() => grecaptcha.execute("{PASSING_SITE}", {{ action: "login" }}).then((token) =>
        report({{ token, left: document.querySelectorAll("captcha-stateless").length }})));
    }}
    """

    heard = site.visit(f"/recaptcha/api.js?render={PASSING_SITE}&amp;onload=ready", "", script, tmp_path)

    assert heard["token"] == DUMMY


def test_hcaptcha_promises_an_object(site: Site, tmp_path: Path) -> None:
    body = f'<form><div class="h-captcha" data-sitekey="{PASSING_SITE}" data-size="invisible"></div></form>'
    script = (
        'addEventListener("load", () => setTimeout(() => '
        "hcaptcha.execute(undefined, { async: true }).then(report), 500));"
    )

    assert site.visit("/1/api.js", body, script, tmp_path) == {"response": DUMMY, "key": "hcaptcha-0"}


def test_a_button_runs_the_challenge_and_calls_back(site: Site, tmp_path: Path) -> None:
    body = f'<form><button class="g-recaptcha" data-sitekey="{PASSING_SITE}" data-callback="sent">Go</button></form>'
    script = """
    function sent(token) { report({ sent: token }); }
    addEventListener("load", () => setTimeout(() => document.querySelector("button").click(), 500));
    """

    assert site.visit("/recaptcha/api.js", body, script, tmp_path) == {"sent": DUMMY}


def test_a_challenge_is_shown_under_the_strictest_policy(site: Site, tmp_path: Path) -> None:
    """Pictures are painted on canvas, so not even img-src is needed; nothing violates the policy."""
    body = '<form><div class="g-recaptcha" data-sitekey="dev-site"></div></form>'
    script = """
    const attach = Element.prototype.attachShadow;
    Element.prototype.attachShadow = function (options) { return (this.shadow = attach.call(this, options)); };
    addEventListener("load", () => setTimeout(() => {
      const root = document.querySelector("captcha-stateless").shadow;
      root.querySelector("button").click();
      const look = setInterval(() => {
        if (!root.querySelector("dialog").open) return;
        clearInterval(look);
        const canvas = [...root.querySelectorAll("canvas")];
        report({ pictures: canvas.length, painted: canvas.every((one) => one.width === 96),
                 boxes: root.querySelectorAll(".tile input").length });
      }, 50);
    }, 500));
    """

    heard = site.visit("/recaptcha/api.js", body, script, tmp_path)

    assert heard == {"pictures": 10, "painted": True, "boxes": 9}


def test_the_element_alone_puts_its_pass_into_the_form_under_its_name(site: Site, tmp_path: Path) -> None:
    body = (
        f'<form><captcha-stateless name="captcha-pass" sitekey="{PASSING_SITE}"></captcha-stateless></form>'
    )
    script = """
    addEventListener("load", () => setTimeout(async () => {
      await document.querySelector("captcha-stateless").execute();
      report(Object.fromEntries(new FormData(document.querySelector("form"))));
    }, 500));
    """

    assert site.visit("/captcha.js", body, script, tmp_path) == {"captcha-pass": DUMMY}


SOLVING = """
const attach = Element.prototype.attachShadow, ask = window.fetch;
Element.prototype.attachShadow = function (options) { return (this.shadow = attach.call(this, options)); };
window.fetch = async (...words) => {
  const reply = await ask(...words);
  const { challenge } = await reply.clone().json();
  if (challenge) solve(await (await ask(`/answer/${challenge}`)).json());
  return reply;
};
function solve(answer) {
  const root = document.querySelector("captcha-stateless").shadow;
  const boxes = [...root.querySelectorAll(".tile input")].filter((box) => !box.answered);
  if (boxes.length !== 9) return setTimeout(solve, 50, answer);
  boxes.forEach((box, index) => Object.assign(box, { checked: answer[index], answered: true }));
  root.querySelector(".main").click();
}
function solved() {
  const form = Object.fromEntries(new FormData(document.querySelector("form")));
  report({ form, open: document.querySelector("captcha-stateless").shadow.querySelector("dialog").open });
}
addEventListener("load", () => setTimeout(() => API.execute(), 500));
"""


@pytest.mark.parametrize(("path", "siteverify"), [("/recaptcha/api.js", "/recaptcha/api"), ("/1/api.js", "")])
def test_a_solved_challenge_travels_from_the_page_to_siteverify(
    site: Site, tmp_path: Path, path: str, siteverify: str
) -> None:
    dialect = DIALECTS[path]
    attributes = 'data-sitekey="dev-site" data-action="login" data-cdata="cart 7" data-callback="solved"'
    body = f'<form><div class="{dialect["class"]}" {attributes}></div></form>'

    heard = site.visit(path, body, SOLVING.replace("API", dialect["global"]), tmp_path)

    fields = {"secret": "dev-secret", "response": heard["form"][dialect["field"]]}
    verdict = httpx.post(f"{site.captcha.url}{siteverify}/siteverify", data=fields).json()
    assert heard["open"] is False
    assert (verdict["success"], verdict["hostname"]) == (True, "localhost")
    assert (verdict["action"], verdict["cdata"]) == ("login", "cart 7")
