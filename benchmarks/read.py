"""Measure how well people read the tiles: `make read` serves a page that shows one for two seconds and asks.

The page is at http://127.0.0.1:8001/ (or ``--port``); every decision is a line of read.csv: family, reference, shown, whether
it was taken for the same, milliseconds. Control-C prints the shares of right decisions.
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
from statistics import median
from threading import Lock

from captcha_stateless.kinds.grid import Grid
from captcha_stateless.settings import Settings

FAMILIES = ("outline", "embossed", "mixed", "filled")
#: A decision that takes longer was not one about a picture; and bounds what a request may bring.
_LONGEST_MS, _LONGEST_BODY = 600_000, 1_000
_MOST_OPEN = 1_000

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


class Reading:
    """Tiles that were shown and not yet decided, and the file of what was."""

    def __init__(self, output: Path, size: int) -> None:
        """Draw under a secret of this sitting."""
        self._grid = Grid.from_settings(Settings(tile_size=size), secrets.token_bytes(32))
        self._open: dict[str, tuple[str, str, str]] = {}
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

    def decide(self, name: str, same: bool, milliseconds: int) -> None:
        """Write a decision down; KeyError for a tile that is not open."""
        with self._lock:
            row = (*self._open.pop(name), same, min(max(milliseconds, 0), _LONGEST_MS))
            with self._output.open("a", newline="", encoding="utf-8") as file:
                csv.writer(file).writerow(row)


def url(png: bytes) -> str:
    return "data:image/png;base64," + b64encode(png).decode("ascii")


def handler(reading: Reading) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/":
                self.reply(PAGE.encode(), "text/html; charset=utf-8")
            elif self.path == "/tile":
                self.reply(json.dumps(reading.tile()).encode(), "application/json")
            else:
                self.send_error(HTTPStatus.NOT_FOUND)

        def do_POST(self) -> None:
            try:
                length = min(int(self.headers.get("Content-Length", 0)), _LONGEST_BODY)
                document = json.loads(self.rfile.read(length))
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
    """Tell each family's share of right decisions, and the median time."""
    rows = defaultdict(list)
    if output.exists():
        with output.open(newline="", encoding="utf-8") as file:
            for family, reference, shown, same, milliseconds in csv.reader(file):
                rows[family].append(((reference == shown) == (same == "True"), int(milliseconds)))
    return [
        f"{family}: {sum(right for right, _ in found)} of {len(found)} right, median {median(ms for _, ms in found):.0f} ms"
        for family, found in sorted(rows.items())
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--size", type=int, default=Settings().tile_size)
    parser.add_argument("--output", type=Path, default=Path("read.csv"))
    asked = parser.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", asked.port), handler(Reading(asked.output, asked.size)))
    print(f"Read tiles at http://127.0.0.1:{server.server_port}/ and end with Control-C.", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print("\n".join(summary(asked.output)))


if __name__ == "__main__":
    main()
