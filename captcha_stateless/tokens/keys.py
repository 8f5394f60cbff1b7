"""The key ring: one named key seals and one signs, every key opens or verifies, found by kid."""

import json
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from cryptography.hazmat.primitives.asymmetric import ec
from jwcrypto.common import base64url_decode, base64url_encode
from jwcrypto.jwk import JWK

from captcha_stateless.errors import Misconfigured
from captcha_stateless.stores import files
from captcha_stateless.tokens import digests

State = Literal["next", "current", "retired"]
#: What a rotation does next: add a key, let it seal and sign, delete the one before it.
Step = Literal["add", "switch", "delete"]

#: How long edges may keep the published keys: the ``max-age`` of the JWK Set (RFC 9111, section 5.2.2.1).
PUBLISHED_SECONDS = 300
#: How long a new key must have been known before it seals and signs: five minutes for the file to reach every replica, and
#: then as long as an edge may still keep what the last of them published before.
SETTLE_SECONDS = 300 + PUBLISHED_SECONDS
#: How long a retired key stays: longer than any token lives.
GRACE_SECONDS = 3_600

_KEY_BYTES = 32
_MAX_FILE_BYTES = 65_536
# The order of the curve P-256 (SP 800-186, section 3.2.1.3).
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(frozen=True, slots=True)
class Key:
    """One sealing key: 256 bits for A256KW (RFC 7518, section 4.4), and where it stands in its life.

    ``since`` is the Unix second at which it entered its state.
    """

    kid: str
    state: State
    since: int
    secret: bytes


@dataclass(frozen=True, slots=True)
class SigningKey(Key):
    """One signing key: the private scalar of a P-256 key for ES256 (RFC 7518, section 3.4), 32 bytes."""

    @property
    def jwk(self) -> JWK:
        """The key pair as the JOSE library wants it."""
        pair = ec.derive_private_key(int.from_bytes(self.secret, "big"), ec.SECP256R1())
        parts: dict[str, str] = JWK.from_pyca(pair).export(as_dict=True)
        return JWK(**{**parts, "kid": self.kid, "use": "sig", "alg": "ES256"})

    @property
    def public(self) -> dict[str, Any]:
        """The half that everyone may know, as a JWK (RFC 7517, section 4)."""
        half: dict[str, Any] = self.jwk.export_public(as_dict=True)
        return half


K = TypeVar("K", bound=Key)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Every key of a deployment, as one value; all replicas hold the same.

    ``root`` never rotates: what must outlive a rotation (filter positions, textures, answer hashes) is derived from it.

    A ring without signing keys, made before there were passes, signs with one that follows from its root: every replica with
    the same ring finds the same one, and the first rotation writes it down.
    """

    keys: tuple[Key, ...]
    root: bytes
    signing: tuple[SigningKey, ...] = ()

    def __post_init__(self) -> None:
        _require_one_current("sealing", self.keys)
        if not self.signing:
            object.__setattr__(self, "signing", (_inferred_signing_key(self.root, self.current.since),))
        _require_one_current("signing", self.signing)

    @property
    def all(self) -> tuple[Key, ...]:
        """Every key, of both sorts."""
        return *self.keys, *self.signing

    @property
    def current(self) -> Key:
        """The one key that seals."""
        return _only(self.keys, "current")

    @property
    def signer(self) -> SigningKey:
        """The one key that signs."""
        return _only(self.signing, "current")

    def find(self, state: State) -> Key | None:
        """Find the youngest key in a state, of either sort."""
        return max((key for key in self.all if key.state == state), key=lambda key: key.since, default=None)

    @property
    def step(self) -> Step:
        """What a rotation does next."""
        if self.find("next"):
            return "switch"
        return "delete" if self.find("retired") else "add"

    def derive(self, label: str) -> bytes:
        """Derive the 32-byte key for one lasting use from the root."""
        return digests.derive(self.root, label)


def fresh_key(state: State, now: int) -> Key:
    """Make a new random key."""
    return Key(kid=secrets.token_hex(4), state=state, since=now, secret=secrets.token_bytes(_KEY_BYTES))


def fresh_signing_key(state: State, now: int) -> SigningKey:
    """Make a new random signing key."""
    return SigningKey(secrets.token_hex(4), state, now, _scalar(secrets.token_bytes(2 * _KEY_BYTES)))


def fresh_ring(now: int) -> KeyRing:
    """Make a new ring of one current key of each sort."""
    return KeyRing(
        keys=(fresh_key("current", now),),
        root=secrets.token_bytes(_KEY_BYTES),
        signing=(fresh_signing_key("current", now),),
    )


def rotated(ring: KeyRing, now: int) -> KeyRing:
    """Add the next keys, or let them seal and sign, for both sorts of keys in step.

    Without a ``next`` key one is added, for every replica and edge to learn before it seals or signs anything; with one, it
    becomes current and the old one is retired.
    """
    if ring.find("next") is None:
        return replace(
            ring,
            keys=(*ring.keys, fresh_key("next", now)),
            signing=(*ring.signing, fresh_signing_key("next", now)),
        )
    return replace(ring, keys=_switched(ring.keys, now), signing=_switched(ring.signing, now))


def without_retired(ring: KeyRing, now: int, grace_seconds: int) -> KeyRing:
    """Drop the retired keys whose last tokens have expired: those retired longer ago than the grace."""

    def kept(keys: tuple[K, ...]) -> tuple[K, ...]:
        return tuple(key for key in keys if key.state != "retired" or now - key.since <= grace_seconds)

    return replace(ring, keys=kept(ring.keys), signing=kept(ring.signing))


def published(ring: KeyRing) -> dict[str, list[dict[str, Any]]]:
    """Write the public halves of the signing keys as a JWK Set (RFC 7517, section 5): the next one too, before it signs."""
    return {"keys": [key.public for key in ring.signing]}


def ages(ring: KeyRing, now: float) -> dict[str, float]:
    """Tell for how many seconds the keys in use have been so, by what they do."""
    used = (key for key in ring.all if key.state == "current")
    return {"sign" if isinstance(key, SigningKey) else "seal": now - key.since for key in used}


def _switched(keys: tuple[K, ...], now: int) -> tuple[K, ...]:
    if not any(key.state == "next" for key in keys):
        return keys
    step: dict[State, State] = {"next": "current", "current": "retired"}
    return tuple(replace(key, state=step[key.state], since=now) if key.state in step else key for key in keys)


def _require_one_current(sort: str, keys: tuple[Key, ...]) -> None:
    kids = [key.kid for key in keys]
    if len(set(kids)) != len(kids):
        raise Misconfigured("the key ring names a kid twice; give each key its own")
    for state in ("current", "next"):
        if sum(key.state == state for key in keys) > 1:
            raise Misconfigured(f"the key ring has more than one {state} {sort} key; keep one")
    if not any(key.state == "current" for key in keys):
        raise Misconfigured(f"the key ring has no current {sort} key; run `captcha-stateless keys rotate`")


def _only(keys: tuple[K, ...], state: State) -> K:
    return next(key for key in keys if key.state == state)


def _inferred_signing_key(root: bytes, since: int) -> SigningKey:
    seed = digests.derive(root, "signing") + digests.derive(root, "signing, second half")
    return SigningKey(digests.derive(root, "signing kid").hex()[:8], "current", since, _scalar(seed))


def _scalar(seed: bytes) -> bytes:
    # 512 bits brought into range: the bias is below 2**-256 (FIPS 186-5, appendix A.2.1, asks for 64 extra bits).
    number = int.from_bytes(seed, "big") % (_P256_ORDER - 1) + 1
    return number.to_bytes(_KEY_BYTES, "big")


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
            keys=tuple(_key(entry) for entry in entries if "state" in entry and entry["kty"] != "EC"),
            root=next(_secret(entry) for entry in entries if "state" not in entry),
            signing=tuple(_signing_key(entry) for entry in entries if entry["kty"] == "EC"),
        )
    except (ValueError, KeyError, TypeError, StopIteration, RecursionError):
        raise Misconfigured(f"{path} is not a key ring; restore it from a good copy") from None


def save(path: Path, ring: KeyRing, *, overwrite: bool) -> None:
    """Write a ring to its file, readable by its owner only; a ring that cannot be replaced stays as it is.

    Raises:
        Misconfigured: when the file cannot be written, or exists and may not be overwritten.
    """
    content = json.dumps(_document(ring), indent=1).encode("ascii")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if overwrite:
            files.replace(path, content)
        else:
            files.create(path, content)
    except OSError as error:
        if isinstance(error, FileExistsError) and path.exists():
            raise Misconfigured(f"{path} exists already and is not overwritten") from None
        raise Misconfigured(f"cannot write the key ring {path}: {error.strerror}") from None


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
    signing = [
        {**key.public, "state": key.state, "since": key.since, "d": base64url_encode(key.secret)}
        for key in ring.signing
    ]
    return {"keys": [*sealing, root, *signing]}


def _key(entry: dict[str, Any]) -> Key:
    return Key(*_life(entry, "A256KW"), secret=_secret(entry))


def _signing_key(entry: dict[str, Any]) -> SigningKey:
    secret: bytes = base64url_decode(entry["d"])
    if len(secret) != _KEY_BYTES or not 0 < int.from_bytes(secret, "big") < _P256_ORDER:
        raise ValueError("not a scalar of P-256")
    key = SigningKey(*_life(entry, "ES256"), secret=secret)
    if any(entry[name] != value for name, value in key.public.items()):
        raise ValueError("the halves of the key do not belong together")
    return key


def _life(entry: dict[str, Any], algorithm: str) -> tuple[str, State, int]:
    state, kid, since = entry["state"], entry["kid"], entry["since"]
    if state not in get_args(State) or entry.get("alg") != algorithm or not isinstance(since, int):
        raise ValueError("not a key of that sort")
    if not (isinstance(kid, str) and kid.isascii() and kid.isalnum() and len(kid) <= 32):
        raise ValueError("not a kid")
    return kid, state, since


def _secret(entry: dict[str, Any]) -> bytes:
    secret: bytes = base64url_decode(entry["k"])
    if entry["kty"] != "oct" or len(secret) != _KEY_BYTES:
        raise ValueError("not a 256-bit key")
    return secret
