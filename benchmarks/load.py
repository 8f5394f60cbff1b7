"""What the HTTP benchmarks share: a server on one core, a load from the other, and the server's CPU time."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

SERVICE = Path(__file__).parent / "service.py"
CONNECTIONS = 8
_LENGTH = re.compile(rb"\ncontent-length: (\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Sent:
    """One request, ready to send."""

    path: str
    method: str = "POST"
    body: bytes = b""
    headers: Mapping[str, str] | None = None

    def wire(self) -> bytes:
        """Write it as HTTP/1.1."""
        headers = {"Host": "localhost", "Content-Length": str(len(self.body)), **(self.headers or {})}
        lines = [
            f"{self.method} {self.path} HTTP/1.1",
            *(f"{name}: {text}" for name, text in headers.items()),
        ]
        return "\r\n".join([*lines, "", ""]).encode("ascii") + self.body


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
        """Tell how long its threads ran, to the nanosecond (proc(5), schedstat): user and system time come in hundredths."""
        threads = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9

    def cost(self, requests: Sequence[Sent], *, status: int = 200, connections: int = CONNECTIONS) -> Cost:
        """Send the requests over a few connections, and tell what one of them costs."""
        ready = [sent.wire() for sent in requests]
        with contextlib.ExitStack() as stack:
            opened = [stack.enter_context(Connection(self.port)) for _ in range(connections)]
            before = self.cpu_seconds()
            bodies = [
                body
                for start in range(0, len(ready), connections)
                for body in _round(opened, ready[start : start + connections], status)
            ]
            spent = self.cpu_seconds() - before
        return Cost(spent / len(bodies), sum(map(len, bodies)) / len(bodies), bodies)


class Connection:
    """A kept connection, as cheap as can be, so that the client does not take the server's time."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, request: bytes) -> None:
        self._socket.sendall(request)

    def body(self, status: int) -> bytes:
        head, _, body = self._until(b"\r\n\r\n").partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 %d " % status):
            raise SystemExit(f"a request was answered {head[:40]!r}: {body[:200]!r}")
        found = _LENGTH.search(head)
        length = int(found[1]) if found else 0
        chunks = [body]
        while (missing := length - sum(map(len, chunks))) > 0:
            chunks.append(self._received(missing))
        return b"".join(chunks)

    def _until(self, end: bytes) -> bytes:
        data = b""
        while end not in data:
            data += self._received(65_536)
        return data

    def _received(self, most: int) -> bytes:
        data = self._socket.recv(most)
        if not data:
            raise SystemExit("the server closed a connection")
        return data


def _round(connections: Sequence[Connection], requests: Sequence[bytes], status: int) -> Iterable[bytes]:
    """Send one request over each connection, then read the answers.

    The last one first: a client that sleeps until each answer comes is woken up for each, which is the server's time, and in
    a virtual machine a lot of it. Clients on other machines cost it nothing.
    """
    used = connections[: len(requests)]
    for connection, request in zip(used, requests, strict=True):
        connection.send(request)
    return reversed([connection.body(status) for connection in reversed(used)])


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
