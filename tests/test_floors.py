"""The architecture, asserted: imports go down only, never sideways, and each library has one home."""

from pathlib import Path

import pytest

from tests.floors import modules, violations


@pytest.mark.parametrize(("module", "path"), list(modules()), ids=lambda value: str(value))
def test_imports_go_down_only(module: str, path: Path) -> None:
    assert list(violations(module, path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("module", "planted"),
    [
        ("errors", "import captcha_stateless.model"),
        ("http.connections.h11", "from captcha_stateless.http.connections import httptools"),
        ("http.endpoint", "from captcha_stateless.http.response_headers import HeadersMiddleware"),
        ("http.routing", "from captcha_stateless.protocols.base import Adapter"),
        ("telemetry.logs", "from captcha_stateless.telemetry.metrics import Metrics"),
        ("tokens.seal", "from captcha_stateless.tokens.passes import Signer"),
        ("cli.keys", "from captcha_stateless.cli.sites import add_site"),
        ("kinds.grid", "from captcha_stateless.tokens.seal import Seal"),
        ("kinds.grid", "from captcha_stateless.kinds import text"),
        ("kinds.text", "from captcha_stateless.kinds.grid import Grid"),
        ("protocols.minicap", "from captcha_stateless.protocols.onecaptcha import WORDS"),
        ("engine", "def late():\n    from captcha_stateless.app import create_app"),
        ("tokens.digests", "from captcha_stateless.settings import Settings"),
        ("engine", "from starlette.requests import Request"),
        ("kinds.grid", "import numpy as np"),
        ("kinds.text", "import numpy as np"),
        ("sound.wav", "from captcha_stateless.kinds.text import Text"),
        ("sound.speaker", "import captcha"),
        ("seeded", "from captcha_stateless.settings import Settings"),
        ("protocols.audio", "from captcha_stateless.protocols.minicap import TRIES"),
        ("replay.memory", "from PIL import Image"),
        ("engine", "from jwcrypto import jwe"),
        ("tokens.seal", "from captcha_stateless.replay.memory import MemoryReplay"),
    ],
)
def test_a_planted_violation_is_found(module: str, planted: str) -> None:
    assert list(violations(module, planted)) != []
