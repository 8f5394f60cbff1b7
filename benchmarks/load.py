"""What the HTTP benchmarks share: a server on one core, a load from the other, and the server's CPU time."""

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SERVICE = Path(__file__).parent / "service.py"
CONNECTIONS = 4
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Sent:
    """One request, ready to send."""

    path: str
    method: str = "POST"
    body: bytes = b""
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Cost:
    """CPU seconds of the server for a request, bytes of an answer, and the answers' bodies."""

    seconds: float
    size: float
    bodies: Sequence[bytes]

    @property
    def microseconds(self) -> float:
        return self.seconds * 1e6

    @property
    def a_second(self) -> float:
        return 1 / self.seconds


class Server:
    """A server process that runs on the first core only."""

    def __init__(self, extra: str, what: str, environ: Mapping[str, str]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [sys.executable, str(SERVICE), extra, what, str(self.port)]
        # One thread of linear algebra: others would only spin, and their time would be counted.
        environ = {**os.environ, **environ, "OPENBLAS_NUM_THREADS": "1"}
        self.process = subprocess.Popen(command, env=environ)
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(self.process.pid, {cores[0]})

    def wait(self) -> None:
        for _ in range(300):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.1)
        raise SystemExit("the server did not start")

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND

    def cost(self, requests: Sequence[Sent], *, status: int = 200) -> Cost:
        """Send the requests over a few connections, and tell what one of them costs."""
        bodies: list[list[bytes]] = [[] for _ in range(CONNECTIONS)]
        threads = [
            threading.Thread(target=self._send, args=(requests[number::CONNECTIONS], bodies[number], status))
            for number in range(CONNECTIONS)
        ]
        before = self.cpu_seconds()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        spent = self.cpu_seconds() - before
        found = [body for part in bodies for body in part]
        if len(found) != len(requests):
            raise SystemExit("a request failed; see above")
        return Cost(spent / len(found), sum(map(len, found)) / len(found), found)

    def _send(self, requests: Iterable[Sent], bodies: list[bytes], status: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        for sent in requests:
            connection.request(sent.method, sent.path, sent.body, dict(sent.headers or {}))
            response = connection.getresponse()
            body = response.read()
            if response.status != status:
                raise SystemExit(f"{sent.path} answered {response.status}: {body[:200]!r}")
            bodies.append(body)
        connection.close()


@contextlib.contextmanager
def serving(extra: str, what: str, environ: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Start a server, warm it up to its first answer, and end it."""
    server = Server(extra, what, environ or {})
    try:
        server.wait()
        yield server
    finally:
        server.process.terminate()
        server.process.wait(timeout=20)
