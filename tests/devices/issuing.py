"""An issuer of private tokens, and a device that asks it, for the tests."""

import base64
import hashlib
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from captcha_stateless import sites
from tests.conftest import MakeServer
from tests.support import Server

#: The name under which the server of the tests is reached.
HOST = "captcha.test"
_OFFER = re.compile(r'PrivateToken challenge="([\w=-]+)", token-key="([\w=-]+)"')


@lru_cache
def key(name: str) -> rsa.RSAPrivateKey:
    """Make an issuer's key, once."""
    return rsa.generate_private_key(65537, 2048)


def spki(name: str) -> bytes:
    return key(name).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def entry(name: str, since: int = 0) -> dict[str, Any]:
    return {"token-key": base64.urlsafe_b64encode(spki(name)).decode(), "not-before": since}


def pin(path: Path, *names: str, **keys: list[dict[str, Any]]) -> Path:
    """Write the file of issuers, each with one key of its own name unless others are given."""
    listed = [{"name": f"{name}.example", "keys": keys.get(name, [entry(name)])} for name in names]
    path.write_text(json.dumps({"issuers": listed}), encoding="utf-8")
    return path


def signed(challenge: bytes, name: str, nonce: bytes = b"n" * 32, kind: bytes = b"\0\2") -> str:
    """Make a token as an issuer and a device do together: what is unblinded is a plain RSA-PSS signature."""
    body = kind + nonce + hashlib.sha256(challenge).digest() + hashlib.sha256(spki(name)).digest()
    pss = padding.PSS(padding.MGF1(SHA384()), salt_length=48)
    raw = body + key(name).sign(body, pss, SHA384())
    return f'PrivateToken token="{base64.urlsafe_b64encode(raw).decode()}"'


def offers(reply: httpx.Response) -> list[tuple[bytes, bytes]]:
    """Read what a reply asks of a device: challenges, each with its issuer's key."""
    found = _OFFER.findall(reply.headers.get("www-authenticate", ""))
    return [(base64.urlsafe_b64decode(asked), base64.urlsafe_b64decode(spki)) for asked, spki in found]


def brought(reply: httpx.Response, name: str = "issuer", nonce: bytes = b"n" * 32) -> dict[str, str]:
    """Bring what the first challenge asks for, as headers."""
    return {"Authorization": signed(offers(reply)[0][0], name, nonce)}


def wanted(header: str) -> dict[str, str]:
    """Bring what the first challenge of a header asks for, by its own name for it."""
    asked = _OFFER.findall(header)[0][0]
    return {"authorization": signed(base64.urlsafe_b64decode(asked), "issuer")}


def serve(
    make_server: MakeServer,
    folder: Path,
    *,
    kinds: tuple[str, ...] = ("grid", "device"),
    names: tuple[str, ...] = ("dev",),
    **options: Any,
) -> Server:
    """Serve sites where devices count, and one issuer."""
    path = folder / "sites.toml"
    if not path.exists():
        for name in names:
            sites.append(
                path, sites.make(name, f"{name}-site", f"{name}-secret", kinds=list(kinds), hosts=[HOST])
            )
        pin(folder / "issuers.json", "issuer")
    return make_server(**{"sites": path, "device_issuers": folder / "issuers.json", **options})
