"""Live servers for other people's clients: one in plain HTTP, one with a certificate of an authority of our own."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from captcha_stateless.formats import altcha
from captcha_stateless.sites import DEVELOPMENT
from captcha_stateless.testing import CaptchaServer
from tests.needs import module


@pytest.fixture(scope="session")
def live() -> Iterator[CaptchaServer]:
    with CaptchaServer() as server:
        yield server


def held_by(live: CaptchaServer) -> altcha.Keys:
    """Tell what the development site's back end holds, as ``captcha-stateless sites altcha`` shows it."""
    return altcha.keys(live.app.state.engine.share_key, DEVELOPMENT.key, DEVELOPMENT.secret_sha256)


@dataclass(frozen=True)
class SecureServer:
    """A server that speaks HTTPS, and the authority that a client must trust, as PEM."""

    server: CaptchaServer
    authority: Path

    @property
    def host(self) -> str:
        return f"localhost:{self.server.port}"


@pytest.fixture(scope="session")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureServer]:
    trustme = module("trustme")
    folder, authority = tmp_path_factory.mktemp("tls"), trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    with CaptchaServer(certificate=folder / "server.pem") as server:
        yield SecureServer(server, folder / "authority.pem")


@pytest.fixture
def trusting(secure: SecureServer, monkeypatch: pytest.MonkeyPatch) -> SecureServer:
    """Let this process, and those that it starts, trust the authority, as an operator would."""
    monkeypatch.setenv("SSL_CERT_FILE", str(secure.authority))
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", str(secure.authority))
    return secure


@pytest.fixture(scope="session")
def django(live: CaptchaServer, secure: SecureServer) -> None:
    """Configure Django once, for it can be configured once only: each client by its own settings."""
    settings = module("django.conf").settings
    if not settings.configured:
        settings.configure(USE_I18N=False)
    settings.RECAPTCHA_DOMAIN = secure.host
    settings.RECAPTCHA_PUBLIC_KEY = CaptchaServer.site_key
    settings.RECAPTCHA_PRIVATE_KEY = CaptchaServer.secret
    settings.HCAPTCHA_VERIFY_URL = f"{live.url}/siteverify"
    settings.HCAPTCHA_SECRET = CaptchaServer.secret
    settings.TURNSTILE_VERIFY_URL = f"{live.url}/turnstile/v0/siteverify"
    settings.TURNSTILE_SECRET = CaptchaServer.secret
    settings.ALTCHA_SENTINEL_CHALLENGE_URL = f"{live.url}/altcha/v2/challenge?apiKey={CaptchaServer.site_key}"
    settings.ALTCHA_SENTINEL_API_SECRET = held_by(live).signature
    settings.ALTCHA_HMAC_SECRET = held_by(live).signature
    settings.ALTCHA_CHALLENGE_HMAC_KEY_SECRET = held_by(live).key
