"""The worker in a real browser: the page gets a solution, and hears how far it is."""

import hashlib
import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.needs import program
from tests.web.test_work_js import NONCE, WORKER

PAGE = f"""<!doctype html><script>
const said = [], worker = new Worker("/work.js");
worker.onmessage = (event) => {{
  said.push(event.data);
  if ("solution" in event.data) fetch("/said", {{ method: "POST", body: JSON.stringify(said) }});
}};
worker.postMessage({{ nonce: "{NONCE}", algorithm: "hash-sha-256", unit: "bits", difficulty: 19 }});
</script>"""


class Site(ThreadingHTTPServer):
    """Serves the page and its worker, and hears what they say."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.said: list[dict[str, Any]] = []
        self.heard = threading.Event()


class Answers(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        script = self.path == "/work.js"
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if script else "text/html")
        self.end_headers()
        self.wfile.write(WORKER.read_bytes() if script else PAGE.encode())

    def do_POST(self) -> None:
        self.server.said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()
        self.server.heard.set()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    thread = threading.Thread(target=site.serve_forever)
    thread.start()
    yield site
    site.shutdown()
    thread.join()
    site.server_close()


def test_a_browser_s_worker_finds_a_solution(site: Site, tmp_path: Path) -> None:
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}"]
    address = f"http://127.0.0.1:{site.server_port}/"
    command = [program("chromium"), *options, address]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as browser:
        heard = site.heard.wait(100)
        browser.terminate()

    assert heard
    digest = hashlib.sha256(f"{NONCE}:{site.said[-1]['solution']}".encode()).digest()
    assert int.from_bytes(digest, "big") >> (256 - 19) == 0
    assert len(site.said) > 1
