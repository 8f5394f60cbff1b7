"""Measure how well people read and hear: `make read` serves pages that show tiles or texts, or play sounds, and ask.

Tiles are at http://127.0.0.1:8001/ (or ``--port``), each shown for two seconds, texts at /text, sounds at /sound. Every
decision is a line of read.csv: family, reference, shown, whether it was taken for the same, milliseconds; every answer one
of typed.csv beside it: what was shown or played, the truth, the answer, milliseconds. Control-C prints the shares of right
ones with their 95% bounds (Wilson 1927).
"""

import argparse
import csv
import json
import secrets
from base64 import b64encode
from collections import defaultdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import NormalDist, median
from threading import Lock

from captcha_stateless.kinds.audio import Audio
from captcha_stateless.kinds.base import Kind
from captcha_stateless.kinds.grid import Grid
from captcha_stateless.kinds.text import Text
from captcha_stateless.model import Params
from captcha_stateless.settings import Settings

FAMILIES = ("outline", "embossed", "mixed", "filled")
#: A decision that takes longer was not one about a picture; and bounds what a request may bring.
_LONGEST_MS, _LONGEST_BODY = 600_000, 1_000
_MOST_OPEN = 1_000
_LONGEST_ANSWER = 64

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Same character?</title>
<style>body{font:18px system-ui;text-align:center;margin:3em}img{width:128px;height:128px;margin:1em;vertical-align:middle}
#tile{visibility:hidden}button{font:inherit;margin:.5em;padding:.6em 1.4em}</style>
<h1>Do both show the same character?</h1>
<p><img id="reference" alt="the expected character"><img id="tile" alt="the tile"></p>
<p><button id="yes">Same (S)</button><button id="no">Another (A)</button></p><p id="done" aria-live="polite"></p>
<script>
let one, shown, count = 0;
const tile = document.getElementById("tile");
async function next() {
  one = await (await fetch("/tile")).json();
  document.getElementById("reference").src = one.reference;
  tile.src = one.tile;
  await tile.decode();
  setTimeout(() => {
    tile.style.visibility = "visible"; shown = performance.now();
    const mine = one.id; setTimeout(() => { if (one.id === mine) tile.style.visibility = "hidden"; }, 2000);
  }, 700);
}
async function decide(same) {
  if (!shown) return;
  const body = JSON.stringify({id: one.id, same, ms: Math.round(performance.now() - shown)});
  shown = 0; tile.style.visibility = "hidden";
  await fetch("/decision", {method: "POST", body});
  document.getElementById("done").textContent = ++count + " decided";
  next();
}
document.getElementById("yes").onclick = () => decide(true);
document.getElementById("no").onclick = () => decide(false);
addEventListener("keydown", (event) => { if (event.key === "s") decide(true); if (event.key === "a") decide(false); });
next();
</script></html>"""


#: What is asked to be typed, by door: its sorts, and how it is asked.
SORTS: dict[str, dict[str, Params]] = {
    "text": {
        f"text {width}x{height}, {theme}": {"width": width, "height": height, "theme": theme}
        for width, height in ((600, 200), (350, 100))
        for theme in ("light", "dark")
    },
    "sound": {"sound": {}},
}
TYPED = """<!doctype html><html lang="en"><meta charset="utf-8"><title>What is it?</title>
<style>body{font:18px system-ui;text-align:center;margin:3em}input,button{font:inherit;padding:.5em}</style>
<h1>Type what you read or hear</h1><p id="shown"></p>
<form><input id="answer" autocomplete="off" autocapitalize="off" aria-label="answer" required> <button>Next</button></form>
<p id="done" aria-live="polite"></p>
<script>
let one, since, count = 0;
const answer = document.getElementById("answer"), shown = document.getElementById("shown");
async function next() {
  one = await (await fetch(location.pathname + "/next")).json();
  const thing = document.createElement(one.url.startsWith("data:audio") ? "audio" : "img");
  Object.assign(thing, {src: one.url, alt: "characters to type", controls: true});
  shown.replaceChildren(thing);
  if (thing.play) thing.play().catch(() => {});
  answer.value = ""; answer.focus(); since = performance.now();
}
document.forms[0].onsubmit = async (event) => {
  event.preventDefault();
  const body = JSON.stringify({id: one.id, answer: answer.value, ms: Math.round(performance.now() - since)});
  await fetch("/answer", {method: "POST", body});
  document.getElementById("done").textContent = ++count + " answered";
  next();
};
next();
</script></html>"""


class Reading:
    """Tiles that were shown and not yet decided, and the file of what was."""

    def __init__(self, output: Path, size: int) -> None:
        """Draw under a secret of this sitting."""
        secret = secrets.token_bytes(32)
        self._grid = Grid.from_settings(Settings(tile_size=size), secret)
        self._kinds: dict[str, Kind] = {
            "text": Text.from_settings(Settings(), secret),
            "sound": Audio.from_settings(Settings(), secret),
        }
        self._open: dict[str, tuple[str, str, str]] = {}
        self._asked: dict[str, tuple[str, str]] = {}
        self._output, self._lock = output, Lock()

    def tile(self) -> dict[str, str]:
        """Draw a reference and one of the nine; remember what they show."""
        family = secrets.choice(FAMILIES)
        challenge = self._grid.draw(
            secrets.token_bytes(16), self._grid.plan({"profile": "humane", "family": family})
        )
        pictures, which, name = self._grid.render(challenge), 1 + secrets.randbelow(9), secrets.token_hex(8)
        with self._lock:
            if len(self._open) >= _MOST_OPEN:
                self._open.clear()
            self._open[name] = (family, challenge.shown[0], challenge.shown[which])
        return {"id": name, "reference": url(pictures[0]), "tile": url(pictures[which])}

    def ask(self, door: str) -> dict[str, str]:
        """Draw a text or say a sound; remember what is right."""
        kind, sort = self._kinds[door], secrets.choice(list(SORTS[door]))
        challenge = kind.draw(secrets.token_bytes(16), kind.plan(SORTS[door][sort]))
        (content,), name = kind.render(challenge), secrets.token_hex(8)
        with self._lock:
            if len(self._asked) >= _MOST_OPEN:
                self._asked.clear()
            self._asked[name] = (sort, str(kind.tell(challenge)))
        return {"id": name, "url": url(content, "audio/wav" if door == "sound" else "image/png")}

    def answer(self, name: str, answer: str, milliseconds: int) -> None:
        """Write an answer down; KeyError for what is not open."""
        with self._lock:
            row = (*self._asked.pop(name), answer[:_LONGEST_ANSWER], min(max(milliseconds, 0), _LONGEST_MS))
            with typed(self._output).open("a", newline="", encoding="utf-8") as file:
                csv.writer(file).writerow(row)

    def decide(self, name: str, same: bool, milliseconds: int) -> None:
        """Write a decision down; KeyError for a tile that is not open."""
        with self._lock:
            row = (*self._open.pop(name), same, min(max(milliseconds, 0), _LONGEST_MS))
            with self._output.open("a", newline="", encoding="utf-8") as file:
                csv.writer(file).writerow(row)


def url(content: bytes, media_type: str = "image/png") -> str:
    return f"data:{media_type};base64," + b64encode(content).decode("ascii")


def typed(output: Path) -> Path:
    return output.with_name("typed.csv")


def handler(reading: Reading) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/":
                self.reply(PAGE.encode(), "text/html; charset=utf-8")
            elif self.path == "/tile":
                self.reply(json.dumps(reading.tile()).encode(), "application/json")
            elif self.path in ("/text", "/sound"):
                self.reply(TYPED.encode(), "text/html; charset=utf-8")
            elif self.path in ("/text/next", "/sound/next"):
                self.reply(json.dumps(reading.ask(self.path.split("/")[1])).encode(), "application/json")
            else:
                self.send_error(HTTPStatus.NOT_FOUND)

        def do_POST(self) -> None:
            try:
                length = min(int(self.headers.get("Content-Length", 0)), _LONGEST_BODY)
                document = json.loads(self.rfile.read(length))
                if self.path == "/answer":
                    reading.answer(str(document["id"]), str(document["answer"]), int(document["ms"]))
                else:
                    reading.decide(str(document["id"]), bool(document["same"]), int(document["ms"]))
            except (ValueError, KeyError, TypeError):
                self.send_error(HTTPStatus.BAD_REQUEST)
            else:
                self.reply(b"{}", "application/json")

        def reply(self, body: bytes, media_type: str) -> None:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing: the file says it."""

    return Handler


def summary(output: Path) -> list[str]:
    """Tell the share of right decisions and answers of each sort with its 95% bounds, and the median time."""
    rows: dict[str, list[tuple[bool, int]]] = defaultdict(list)
    if typed(output).exists():
        with typed(output).open(newline="", encoding="utf-8") as file:
            for sort, truth, answer, milliseconds in csv.reader(file):
                right = "".join(answer.split()).casefold() == truth.casefold()
                rows[sort].append((right, int(milliseconds)))
    if output.exists():
        with output.open(newline="", encoding="utf-8") as file:
            for family, reference, shown, same, milliseconds in csv.reader(file):
                rows[family].append(((reference == shown) == (same == "True"), int(milliseconds)))
    return [_line(sort, found) for sort, found in sorted(rows.items())]


def _line(sort: str, found: list[tuple[bool, int]]) -> str:
    right, count = sum(good for good, _ in found), len(found)
    low, high = wilson(right, count)
    shares = f"{right / count:.0%}, 95% bounds {low:.0%} to {high:.0%}"
    return f"{sort}: {right} of {count} right ({shares}), median {median(ms for _, ms in found):.0f} ms"


def wilson(right: int, count: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval of shares that explain so many right ones (Wilson 1927)."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    middle = (right + z * z / 2) / (count + z * z)
    half = z / (count + z * z) * (right * (count - right) / count + z * z / 4) ** 0.5
    return middle - half, middle + half


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--size", type=int, default=Settings().tile_size)
    parser.add_argument("--output", type=Path, default=Path("read.csv"))
    asked = parser.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", asked.port), handler(Reading(asked.output, asked.size)))
    base = f"http://127.0.0.1:{server.server_port}"
    print(
        f"Read tiles at {base}/, texts at {base}/text, hear at {base}/sound; end with Control-C.", flush=True
    )
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print("\n".join(summary(asked.output)))


if __name__ == "__main__":
    main()
