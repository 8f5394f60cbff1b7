"""What ALTCHA's tests share: challenges, changed payloads, and sites."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from captcha_stateless import sites
from tests.conftest import MakeServer
from tests.support import Server
from tests.widgets import V1, V2

BOTH = pytest.mark.parametrize("path", [V1, V2])


@pytest.fixture
def server(make_server: MakeServer) -> Server:
    """Make a server that asks for little work: it is done here, in Python."""
    return make_server(policy="lenient")


def policed(folder: Path, rule: str, **options: Any) -> Path:
    """Write a sites file whose development site has a policy of one rule."""
    path = folder / "sites.toml"
    sites.append(path, sites.make("Shop", "dev-site", "dev-secret", **{"kinds": ["work", "text"], **options}))
    text = f'[[policy]]\nname = "default"\n[[policy.rule]]\nscore = [0, 100]\n{rule}\n'
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
    return path


def challenge(server: Server, path: str, query: str = "apiKey=dev-site") -> Any:
    reply = server.visitor.get(f"{path}/challenge?{query}")
    assert reply.status_code == 200, reply.text
    return reply.json()


def signature(server: Server, payload: str, path: str = V1, **body: Any) -> httpx.Response:
    secret = {"secret": "dev-secret"} if path == V1 else {}
    auth = None if path == V1 else ("dev-site", "dev-secret")
    json = {"payload": payload, **secret, **body}
    return server.visitor.post(f"{path}/verify/signature", json=json, auth=auth)


Change = Callable[[Any], Any]


def put(*way: str, value: object) -> Change:
    def change(document: Any) -> Any:
        place = document
        for name in way[:-1]:
            place = place[name]
        place[way[-1]] = value
        return document

    return change


def both(one: Change, other: Change) -> Change:
    return lambda document: other(one(document))


def raised(*way: str) -> Change:
    """Change the last digit of a text, or add one to a number."""

    def change(document: Any) -> Any:
        place = document
        for name in way[:-1]:
            place = place[name]
        old = place[way[-1]]
        last = "0" if str(old).endswith("1") else "1"
        place[way[-1]] = old + 1 if isinstance(old, int) else old[:-1] + last
        return document

    return change


def two_sites(folder: Path) -> Path:
    path = folder / "sites.toml"
    for name in ("dev", "other"):
        sites.append(path, sites.make(name, f"{name}-site", f"{name}-secret", kinds=["work"]))
    return path
