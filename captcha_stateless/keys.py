"""The key ring: one named key seals, every key opens, found by kid."""

import json
import os
import secrets
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from jwcrypto.common import base64url_decode, base64url_encode
from jwcrypto.jwk import JWK

from captcha_stateless import digests
from captcha_stateless.errors import Misconfigured

State = Literal["next", "current", "retired"]

_KEY_BYTES = 32
_MAX_FILE_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Key:
    """One sealing key: 256 bits for A256KW (RFC 7518, section 4.4), and where it stands in its life.

    ``since`` is the Unix second at which it entered its state.
    """

    kid: str
    state: State
    since: int
    secret: bytes

    @property
    def jwk(self) -> JWK:
        """The key as the JOSE library wants it."""
        return JWK(kty="oct", kid=self.kid, k=base64url_encode(self.secret))


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Every key of a deployment, as one value; all replicas hold the same.

    ``root`` never rotates: what must outlive a rotation (filter positions, textures, answer hashes) is derived from it.
    """

    keys: tuple[Key, ...]
    root: bytes

    def __post_init__(self) -> None:
        kids = [key.kid for key in self.keys]
        if len(set(kids)) != len(kids):
            raise Misconfigured("the key ring names a kid twice; give each key its own")
        for state, most in (("current", 1), ("next", 1)):
            if sum(key.state == state for key in self.keys) > most:
                raise Misconfigured(f"the key ring has more than one {state} key; keep one")
        if not any(key.state == "current" for key in self.keys):
            raise Misconfigured("the key ring has no current key; run `captcha-stateless keys rotate`")

    @property
    def current(self) -> Key:
        """The one key that seals."""
        return next(key for key in self.keys if key.state == "current")

    def find(self, state: State) -> Key | None:
        """Find the first key in a state."""
        return next((key for key in self.keys if key.state == state), None)

    def derive(self, label: str) -> bytes:
        """Derive the 32-byte key for one lasting use from the root."""
        return digests.derive(self.root, label)


def fresh_key(state: State, now: int) -> Key:
    """Make a new random key."""
    return Key(kid=secrets.token_hex(4), state=state, since=now, secret=secrets.token_bytes(_KEY_BYTES))


def fresh_ring(now: int) -> KeyRing:
    """Make a new ring of one current key."""
    return KeyRing(keys=(fresh_key("current", now),), root=secrets.token_bytes(_KEY_BYTES))


def rotated(ring: KeyRing, now: int) -> KeyRing:
    """Take the next step of a rotation.

    Without a ``next`` key one is added, for every replica to learn before it seals anything; with one, it becomes current and
    the old one is retired.
    """
    if ring.find("next") is None:
        return replace(ring, keys=(*ring.keys, fresh_key("next", now)))
    step: dict[State, State] = {"next": "current", "current": "retired"}
    moved = (
        replace(key, state=step[key.state], since=now) if key.state in step else key for key in ring.keys
    )
    return replace(ring, keys=tuple(moved))


def without_retired(ring: KeyRing, now: int, grace_seconds: int) -> KeyRing:
    """Drop the retired keys whose last tokens have expired: those retired longer ago than the grace."""
    kept = (key for key in ring.keys if key.state != "retired" or now - key.since <= grace_seconds)
    return replace(ring, keys=tuple(kept))


def load(path: Path) -> KeyRing:
    """Read a key ring from its JWK Set file (RFC 7517, section 5).

    Raises:
        Misconfigured: when the file is missing, is not of that form, or does not make a ring.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_FILE_BYTES)
    except OSError as error:
        raise Misconfigured(
            f"cannot read the key ring {path} ({error.strerror}); `captcha-stateless keys init` makes one"
        ) from None
    try:
        entries = json.loads(text)["keys"]
        return KeyRing(
            keys=tuple(_key(entry) for entry in entries if "state" in entry),
            root=next(_secret(entry) for entry in entries if "state" not in entry),
        )
    except (ValueError, KeyError, TypeError, StopIteration, RecursionError):
        raise Misconfigured(f"{path} is not a key ring; restore it from a good copy") from None


def save(path: Path, ring: KeyRing, *, overwrite: bool) -> None:
    """Write a ring to its file in one step, readable by its owner only.

    Raises:
        Misconfigured: when the file cannot be written, or exists and may not be overwritten.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = _written(path, json.dumps(_document(ring), indent=1))
    except OSError as error:
        raise Misconfigured(f"cannot write the key ring {path}: {error.strerror}") from None
    try:
        if overwrite:
            temporary.replace(path)
        else:
            os.link(
                temporary, path
            )  # fails where the file exists: two starts at once cannot clobber each other
    except FileExistsError:
        raise Misconfigured(f"{path} exists already and is not overwritten") from None
    finally:
        temporary.unlink(missing_ok=True)


def _written(path: Path, text: str) -> Path:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # of mode 0600
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return Path(temporary)


def _document(ring: KeyRing) -> dict[str, list[dict[str, Any]]]:
    root = {"kty": "oct", "kid": "root", "key_ops": ["deriveKey"], "k": base64url_encode(ring.root)}
    sealing = [
        {
            "kty": "oct",
            "kid": key.kid,
            "use": "enc",
            "alg": "A256KW",
            "state": key.state,
            "since": key.since,
            "k": base64url_encode(key.secret),
        }
        for key in ring.keys
    ]
    return {"keys": [*sealing, root]}


def _key(entry: dict[str, Any]) -> Key:
    state, kid, since = entry["state"], entry["kid"], entry["since"]
    if state not in get_args(State) or entry.get("alg") != "A256KW" or not isinstance(since, int):
        raise ValueError("not a sealing key")
    if not (isinstance(kid, str) and kid.isascii() and kid.isalnum() and len(kid) <= 32):
        raise ValueError("not a kid")
    return Key(kid=kid, state=state, since=since, secret=_secret(entry))


def _secret(entry: dict[str, Any]) -> bytes:
    secret: bytes = base64url_decode(entry["k"])
    if entry["kty"] != "oct" or len(secret) != _KEY_BYTES:
        raise ValueError("not a 256-bit key")
    return secret
