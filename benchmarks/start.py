"""Print what a start costs: CPU time of `serve`, from its exec to its first right answer, and the memory it then has.

Usage: ``python benchmarks/start.py``. A figure is the least of several starts; all threads count, and so does Python's own
start. The yardstick, in the same rounds, is to import what every such server imports, and nothing of ours. Bytecode is kept,
as it is for a package that pip has installed.
"""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from load import Connection, Sent

ROUNDS = 5
YARDSTICK = "the end of these imports alone"
IMPORTS = """
import resource, time
import cryptography.hazmat.primitives.asymmetric.ec, jwcrypto.jwk, numpy, PIL.ImageFont, starlette.applications, uvicorn.main
print(time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
ASKED = {
    "/livez": Sent("/livez", "GET"),
    "first POST /api/challenge": Sent("/api/challenge"),
    "first POST /api/captcha/generate": Sent("/api/captcha/generate"),
}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        environ = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
            "PYTHONPYCACHEPREFIX": folder,
            "CAPTCHA_KEYS": str(Path(folder) / "keyring.json"),
        }
        serve = [sys.executable, "-m", "captcha_stateless"]
        subprocess.run([*serve, "keys", "init"], env=environ, check=True, capture_output=True)
        started(serve, environ, ASKED["/livez"])  # compiles
        imported(environ)
        rounds = [
            (imported(environ), *(started(serve, environ, sent) for sent in ASKED.values()))
            for _ in range(ROUNDS)
        ]
    yardstick, *rows = (min(column) for column in zip(*rounds, strict=True))
    print(f"{'from exec to':<36}{'CPU s':>8}{'ratio':>8}{'MB':>6}")
    for name, (seconds, megabytes) in zip([YARDSTICK, *ASKED], [yardstick, *rows], strict=True):
        print(f"{name:<36}{seconds:8.3f}{seconds / yardstick[0]:8.1f}{megabytes:6.0f}")


def imported(environ: dict[str, str]) -> tuple[float, int]:
    done = subprocess.run([sys.executable, "-c", IMPORTS], env=environ, check=True, capture_output=True)
    seconds, kilobytes = done.stdout.split()
    return float(seconds), int(kilobytes) // 1000


def started(serve: Sequence[str], environ: dict[str, str], sent: Sent) -> tuple[float, float]:
    """Start a server, ask it once, and tell its CPU seconds and resident megabytes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [*serve, "serve", "--port", str(port)]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with connected(port) as connection:
            connection.send(sent.wire())
            assert connection.body(200)
        # Of a process, all its threads, to the nanosecond: what clock_getcpuclockid(3) makes of its number.
        seconds = time.clock_gettime(~process.pid << 3 | 2)
        status = Path(f"/proc/{process.pid}/status").read_text()
    finally:
        process.terminate()
        process.wait(timeout=20)
    resident = re.search(r"VmRSS:\s+(\d+)", status)
    assert resident
    return seconds, int(resident[1]) / 1000


def connected(port: int) -> Connection:
    for _ in range(20_000):
        try:
            return Connection(port)
        except OSError:
            time.sleep(0.002)  # in more the server would go on with what it prepares
    raise SystemExit("the server did not start")


if __name__ == "__main__":
    main()
