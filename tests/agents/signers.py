"""What signs for the tests: another party's signer, and the file in which its key is pinned."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver
from http_message_signatures.algorithms import ED25519, HTTPSignatureAlgorithm

from captcha_stateless.tokens import agentkeys, base64url
from captcha_stateless.wall import Visit
from tests.support import NOW

ORIGIN = "https://agent.example"
VISIT = Visit(
    method="GET",
    scheme="https",
    host="shop.example",
    path="/a%20b",
    query="q=1",
    address="192.0.2.1",
    headers={},
)


def jwk(key: Ed25519PrivateKey) -> dict[str, Any]:
    return {"kty": "OKP", "crv": "Ed25519", "x": base64url.encode(key.public_key().public_bytes_raw())}


@dataclass
class Message:
    """A request as the library signs one."""

    method: str
    url: str
    headers: dict[str, str]


@dataclass(frozen=True)
class Agent:
    """An agent with its key; it signs as http-message-signatures does."""

    name: str = "Reader"
    origin: str = ORIGIN
    key: Ed25519PrivateKey = field(default_factory=lambda: Ed25519PrivateKey.from_private_bytes(b"k" * 32))

    @property
    def keyid(self) -> str:
        return agentkeys.read(jwk(self.key))[0]

    @property
    def entry(self) -> dict[str, Any]:
        return {"name": self.name, "directory": self.origin, "keys": [jwk(self.key)]}

    def sign(
        self,
        visit: Visit = VISIT,
        *,
        agent: str | None = None,
        components: tuple[str, ...] = ("@authority", "signature-agent"),
        created: int = NOW,
        seconds: int = 300,
        algorithm: type[HTTPSignatureAlgorithm] = ED25519,
        key: Any = None,
        **options: Any,
    ) -> Visit:
        """Sign a visit; ``agent`` is the header's value, None the older form, empty none."""
        said = f'"{self.origin}"' if agent is None else agent
        headers = {**visit.headers, **({"signature-agent": said} if said else {})}
        message = Message(visit.method, f"{visit.scheme}://{visit.host}{visit.path}?{visit.query}", headers)
        keyid = options.pop("keyid", self.keyid)
        keys = MappingKeyResolver(public_keys={}, private_keys={keyid: key or self.key})
        HTTPMessageSigner(signature_algorithm=algorithm, key_resolver=keys).sign(
            message,
            key_id=keyid,
            created=datetime.fromtimestamp(created, UTC),
            expires=datetime.fromtimestamp(created + seconds, UTC),
            covered_component_ids=components if said else tuple(c for c in components if "agent" not in c),
            **{"nonce": "n1", "tag": "web-bot-auth", "label": "sig1", **options},
        )
        return with_headers(visit, message.headers)


def with_headers(visit: Visit, headers: Mapping[str, str]) -> Visit:
    return replace(visit, headers={name.lower(): value for name, value in headers.items()})


def pinned(path: Path, *agents: Agent) -> Path:
    path.write_text(json.dumps({"agents": [agent.entry for agent in agents]}), encoding="utf-8")
    return path
