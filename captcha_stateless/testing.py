"""For the tests of a back end: a real server in this process, and a visitor who solves its challenges.

::

    # conftest.py
    pytest_plugins = ["captcha_stateless.testing"]

    # test_sign_up.py
    def test_sign_up(captcha_server, browser):
        configure(captcha_url=captcha_server.url, captcha_secret=captcha_server.secret)

        reply = browser.post("/sign-up", data={"captcha-pass": captcha_server.solve()})
"""

import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
import uvicorn

from captcha_stateless.app import create_app
from captcha_stateless.client import Client, Verdict
from captcha_stateless.settings import Settings
from captcha_stateless.sites import DEVELOPMENT
from captcha_stateless.tokens import keys

_START_SECONDS = 60


class CaptchaServer:
    """A server on a free loopback port, in a thread of this process, with the development site; stops with its ``with``."""

    site_key = DEVELOPMENT.key
    secret = "dev-secret"  # noqa: S105 - as public as the key

    def __init__(self, *, certificate: Path | None = None, **settings: Any) -> None:
        """Take settings of the server; with a certificate (PEM, with its key) it speaks HTTPS.

        Without ``keys`` it makes a key ring of its own. Servers that share one draw from the same prepared glyphs: in one
        process, the second of them starts in a third of the time.
        """
        self._folder = tempfile.TemporaryDirectory()
        if "keys" not in settings:
            settings["keys"] = Path(self._folder.name) / "keyring.json"
            keys.save(settings["keys"], keys.fresh_ring(int(time.time())), overwrite=False)
        self.app = create_app(Settings(**settings))
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._server = uvicorn.Server(
            uvicorn.Config(self.app, log_level="warning", access_log=False, ssl_certfile=certificate)
        )
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)
        self.port: int = self._socket.getsockname()[1]
        #: Where the server is; the certificate's host name may be another.
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.port}"

    def new_client(self) -> Client:
        """Make a client of the development site; whoever makes it closes it."""
        return Client(self.url, secret=self.secret, site_key=self.site_key)

    def solve(self, *, site_key: str = "", action: str = "", cdata: str = "", host: str = "localhost") -> str:
        """Begin a run as a browser on a host would, answer every stage rightly, and return the pass."""
        engine = self.app.state.engine
        bound = {"sitekey": site_key or self.site_key, "action": action, "cdata": cdata}
        with httpx.Client(base_url=self.url, headers={"Origin": f"http://{host}"}, verify=False) as browser:  # noqa: S501
            reply = browser.post("/api/challenge", params=bound).raise_for_status().json()
            while "challenge" in reply:
                token = reply["challenge"]
                right = engine.tell(engine.look(token, "onecaptcha"))
                answered = browser.post(
                    "/api/challenge", headers={"X-Captcha-Challenge": token}, json={"answer": right}
                )
                reply = answered.raise_for_status().json()
        return str(reply["flag"])

    def verify(self, token: str) -> Verdict:
        """Use up a pass, as the back end under test would."""
        with self.new_client() as client:
            return client.verify(token)

    def __enter__(self) -> Self:
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError("the server did not start")
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()
        self._folder.cleanup()


@pytest.fixture(scope="session")
def captcha_server() -> Iterator[CaptchaServer]:
    """Run one server for all tests of the session."""
    with CaptchaServer() as server:
        yield server
