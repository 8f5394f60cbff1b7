"""The widget in a React application: properties, events and moves, as React does them, in its development build."""

import json
from pathlib import Path

from tests.needs import need
from tests.web.conftest import Visit
from tests.web.test_widget import FIND

MODULES = Path(__file__).parent / "node_modules"
FILES = {
    "react": "react/cjs/react.development.js",
    "scheduler": "scheduler/cjs/scheduler.development.js",
    "react-dom": "react-dom/cjs/react-dom.development.js",
    "react-dom/client": "react-dom/cjs/react-dom-client.development.js",
}
LOADER = """
window.process = { env: { NODE_ENV: "development" } };
const known = {}, made = {};
function load(name) {
  if (!made[name]) known[name](made[name] = {}, load);
  return made[name];
}
"""
SIGN_UP = """
const { createElement: element, StrictMode, useState } = load("react");

function SignUp() {
  const [pass, keep] = useState("");
  const [turned, turn] = useState(false);
  const captcha = element("captcha-stateless", { key: "captcha", sitekey: "dev-site", kind: "work", required: true,
    refreshExpired: turned ? "auto" : undefined, theme: turned ? "dark" : "light",
    onverified: ({ detail }) => keep(detail.token), onreset: () => keep("reset") });
  const note = element("output", { key: "note" }, pass);
  return element("form", {}, ...(turned ? [note, captcha] : [captcha, note]),
    element("button", { type: "button", onClick: () => turn(!turned) }, "Turn"));
}

addEventListener("DOMContentLoaded", () =>
  load("react-dom/client").createRoot(document.getElementById("root")).render(element(StrictMode, {}, element(SignUp))));
"""


def application() -> str:
    """Put React and a form of it into one script, as a bundler would."""
    need((MODULES / "react").exists(), "React (npm ci in tests/web)")
    parts = [
        f"known[{json.dumps(name)}] = (exports, require) => {{\n{(MODULES / path).read_text(encoding='utf-8')}\n}};"
        for name, path in FILES.items()
    ]
    return "\n".join([LOADER, *parts, SIGN_UP])


def test_react_sets_it_hears_it_and_moves_it(visit: Visit) -> None:
    visit.open("<div id=root></div>", application())
    visit.trigger.click()
    visit.page.wait_for_function("() => document.querySelector('output').textContent")
    token = visit.value()

    visit.button("Turn").click()
    visit.page.wait_for_function("() => document.querySelector('form').firstChild.localName === 'output'")

    assert visit.page.locator("output").inner_text() == token == visit.value()
    assert visit.form() == {"captcha-response": token}
    assert 'theme="dark" refresh-expired="auto"' in visit.page.evaluate(f"() => {FIND}.outerHTML")
    visit.page.evaluate(f"() => {FIND}.reset()")
    visit.page.get_by_text("reset").wait_for()
