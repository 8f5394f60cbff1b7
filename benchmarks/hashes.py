"""Print how many hashes a second a visitor and a bot compute: work.js, WebCrypto, and hashing in C, in one run.

Usage: ``python benchmarks/hashes.py``. Node, Chromium and OpenSSL are measured where they are installed. A work of ``n`` zero
    bits takes 2**n hashes on average; the last columns say how long that is.
"""

import hashlib
import json
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import captcha_stateless

WORKER = Path(captcha_stateless.__file__).parent / "web" / "work.js"
NONCE = "00112233445566778899aabbccddeeff"
ALGORITHMS = ("sha-256", "sha-384", "sha-512")
SECONDS = 2.0
BITS = (12, 16, 20, 24)

# The same script measures under Node and in a browser; `make` is what starts a worker there.
MEASURE = """
const measured = {};
async function ours(algorithm) {
  const worker = make();
  const rate = await new Promise((resolve) => listen(worker, (message) => {
    if (message.cancelled) resolve(message.hashes / message.seconds);
    else if (message.seconds > SECONDS) worker.postMessage({ cancel: true });
  }, { nonce: NONCE, algorithm, unit: "bits", difficulty: 60 }));
  worker.terminate();
  return rate;
}
async function webCrypto(algorithm, together) {
  const encoder = new TextEncoder(), end = performance.now() + SECONDS * 1000, began = performance.now();
  let number = 0;
  while (performance.now() < end) {
    const batch = [];
    for (let i = 0; i < together; i++) {
      batch.push(crypto.subtle.digest(algorithm.toUpperCase(), encoder.encode(`${NONCE}:${number++}`)));
    }
    await Promise.all(batch);
  }
  return number * 1000 / (performance.now() - began);
}
async function measure() {
  for (const algorithm of ALGORITHMS) {
    measured[`work.js ${algorithm}`] = await ours(algorithm);
    measured[`WebCrypto ${algorithm}, one at a time`] = await webCrypto(algorithm, 1);
    measured[`WebCrypto ${algorithm}, 256 at a time`] = await webCrypto(algorithm, 256);
  }
  return measured;
}
"""
NODE = """
const { Worker } = require("node:worker_threads");
const make = () => new Worker(WORKER);
const listen = (worker, take, first) => { worker.on("message", take); worker.postMessage(first); };
measure().then((measured) => console.log(JSON.stringify(measured)));
"""
BROWSER = """
const make = () => new Worker("/work.js");
const listen = (worker, take, first) => { worker.onmessage = (event) => take(event.data); worker.postMessage(first); };
measure().then((measured) => fetch("/result", { method: "POST", body: JSON.stringify(measured) }));
"""


def script(ending: str) -> str:
    names = {"NONCE": NONCE, "ALGORITHMS": ALGORITHMS, "SECONDS": SECONDS, "WORKER": str(WORKER)}
    return (
        "".join(f"const {name} = {json.dumps(value)};\n" for name, value in names.items()) + MEASURE + ending
    )


def under_node() -> dict[str, float]:
    if not shutil.which("node"):
        return {}
    done = subprocess.run(
        ["node", "-e", script(NODE)], capture_output=True, text=True, check=True, timeout=120
    )
    return {f"Node, {name}": rate for name, rate in json.loads(done.stdout).items()}


def in_chromium() -> dict[str, float]:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if not program:
        return {}
    files = {"/": ("text/html", f"<!doctype html><script>{script(BROWSER)}</script>".encode())}
    files["/work.js"] = ("text/javascript", WORKER.read_bytes())
    with tempfile.TemporaryDirectory() as profile:
        measured = visited(program, profile, files)
    return {f"Chromium, {name}": rate for name, rate in measured.items()}


def visited(program: str, profile: str, files: dict[str, tuple[str, bytes]]) -> dict[str, float]:
    """Open a page in a browser, and wait for what it posts to /result."""
    result: dict[str, float] = {}
    come = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            media_type, content = files.get(self.path, ("text/plain", b""))
            self.send_response(200)
            self.send_header("Content-Type", media_type)
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            result.update(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()
            come.set()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/"
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
    browser = subprocess.Popen(
        [program, *options, address], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    come.wait(120)
    browser.terminate()
    browser.wait()
    server.shutdown()
    return result


def in_c() -> Iterator[tuple[str, float]]:
    for algorithm in ALGORITHMS:
        hash_of = getattr(hashlib, algorithm.replace("-", ""))
        prefix, number, end = f"{NONCE}:".encode(), 0, time.perf_counter() + SECONDS
        while time.perf_counter() < end:
            for _ in range(1_000):
                hash_of(prefix + b"%d" % number).digest()
                number += 1
        yield f"hashlib, {algorithm}", number / SECONDS
    if shutil.which("openssl"):
        for algorithm in ALGORITHMS:
            yield f"OpenSSL's own loop, {algorithm}", openssl(algorithm.replace("-", ""))


def openssl(algorithm: str) -> float:
    command = ["openssl", "speed", "-mr", "-bytes", "48", "-seconds", str(int(SECONDS)), "-evp", algorithm]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("+F:"))
    return float(line.rsplit(":", 1)[1]) / 48


def main() -> None:
    rates = {**under_node(), **in_chromium(), **dict(in_c())}
    print(f"{'one core':45} {'hashes/s':>12}  " + "  ".join(f"{f'{bits} bits':>9}" for bits in BITS))
    for name, rate in rates.items():
        times = "  ".join(f"{2**bits / rate:7.3f} s" for bits in BITS)
        print(f"{name:45} {rate:12,.0f}  {times}")


if __name__ == "__main__":
    main()
