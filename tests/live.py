"""The real command in a process of its own, on a free loopback port."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

#: Outlines take a second of every start, which is not what these tests are about.
QUICK = {"CAPTCHA_FAMILY": "filled"}


class LiveServer:
    """A server that listens; its output is kept for the test to read."""

    def __init__(
        self,
        *options: str,
        environ: Mapping[str, str] | None = None,
        port: int = 0,
        within: Sequence[str] = (),
        uds: Path | None = None,
    ) -> None:
        """Start it; ``within`` is a command that runs it as its last words say, ``uds`` a socket on which it listens."""
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._uds = str(uds) if uds else None
        command = [sys.executable, "-m", "captcha_stateless", "serve", "--port", str(self.port), *options]
        command += ["--uds", self._uds] if self._uds else []
        self.process = subprocess.Popen(
            [*within, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **QUICK, **(environ or {})},
            start_new_session=True,  # so that end() reaches its workers too
        )

    def wait(self) -> None:
        """Wait until it answers at all and has prepared what it serves, for at most 30 s."""
        for _ in range(300):
            assert self.process.poll() is None, self.process.communicate()[0]
            try:
                if self._uds:  # httpx leaves the socket open where it cannot connect
                    with socket.socket(socket.AF_UNIX) as probe:
                        probe.connect(self._uds)
                self.get("/")
                warming = '"warming":true' in self.get("/readyz").text
            except (OSError, httpx.TransportError):
                time.sleep(0.1)
            else:
                if not warming:
                    return
                time.sleep(0.05)
        raise AssertionError("the server did not start")

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Ask it, by its socket where it listens on one."""
        with httpx.Client(transport=httpx.HTTPTransport(uds=self._uds), base_url=self.url) as client:
            return client.get(path, **options)

    def stop(self) -> str:
        """Ask it to end, and return what it wrote."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.communicate(timeout=20)[0]

    def end(self) -> None:
        """Make sure that it and its workers are gone."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextlib.contextmanager
def live_server(
    *options: str,
    environ: Mapping[str, str] | None = None,
    port: int = 0,
    within: Sequence[str] = (),
    uds: Path | None = None,
) -> Iterator[LiveServer]:
    """Start a server, on a free port unless one is named, and end it when the test is over."""
    server = LiveServer(*options, environ=environ, port=port, within=within, uds=uds)
    try:
        server.wait()
        yield server
    finally:
        server.end()


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
