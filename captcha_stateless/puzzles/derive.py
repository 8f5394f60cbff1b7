"""The key derivation functions that ALTCHA names, each with the bounds within which it may be asked for."""

import hashlib
from collections.abc import Callable, Mapping

from captcha_stateless.errors import BadRequest
from captcha_stateless.model import Params
from captcha_stateless.settings.extras import needed

SCRYPT, ARGON2 = "SCRYPT", "ARGON2ID"
#: What no number of plain hashes stands for: it takes memory.
MEMORY_HARD = (SCRYPT, ARGON2)
_HASHES = {"SHA-256": hashlib.sha256, "SHA-384": hashlib.sha384, "SHA-512": hashlib.sha512}
_PBKDF2 = {f"PBKDF2/{name}": name.replace("-", "").lower() for name in _HASHES}

_KEY_BYTES = 32

#: The greatest cost, and the greatest memory: a quarter of a second and 64 MiB of a server, at most.
_MOST: Mapping[str, tuple[int, int]] = {
    **dict.fromkeys(_HASHES, (10_000, 0)),
    **dict.fromkeys(_PBKDF2, (200_000, 0)),
    SCRYPT: (32_768, 16),
    ARGON2: (4, 65_536),
}
_MOST_LANES = 4


def require_costs(params: Params) -> None:
    """Refuse costs that no server should pay.

    Raises:
        BadRequest: when they are such, or none.
        Misconfigured: when the library for them is not installed.
    """
    name, cost, memory, lanes = _costs(params)
    most_cost, most_memory = _MOST[name]
    if not 1 <= cost <= most_cost:
        raise BadRequest(f"the cost of {name} is 1 to {most_cost}")
    if not most_memory:
        if memory or lanes:
            raise BadRequest(f"{name} takes neither memory nor lanes")
        return
    if not 1 <= memory <= most_memory or not 1 <= lanes <= _MOST_LANES:
        raise BadRequest(f"the memory of {name} is 1 to {most_memory}, its lanes are 1 to {_MOST_LANES}")
    if name == SCRYPT and cost & (cost - 1):
        raise BadRequest("the cost of SCRYPT is a power of two")
    if name == SCRYPT and not 2 <= cost * memory * lanes <= 32_768 * 16:
        raise BadRequest("SCRYPT takes 64 MiB at most")
    if name == ARGON2:
        with needed("kdf ARGON2ID", "argon2"):
            import argon2.low_level  # noqa: F401
        if memory < 8 * lanes:
            raise BadRequest("ARGON2ID takes eight KiB a lane at least")


def weight(params: Params) -> int:
    """Tell how many hashes about a derivation is worth, by the blocks that it mixes."""
    name, cost, memory, lanes = _costs(params)
    if name in _HASHES:
        return cost
    if name in _PBKDF2:
        return 2 * cost
    return 2 * cost * memory * (lanes if name == SCRYPT else 1)


def key_bytes(params: Params) -> int:
    """Tell how long a key is: of a hash all of it, for implementations differ in where they cut it, else 32 bytes."""
    return _LENGTHS[str(params["kdf"])]


def derive(params: Params, salt: bytes, password: bytes) -> bytes:
    """Derive a key, by params that :func:`require_costs` let through."""
    return DERIVATIONS[str(params["kdf"])](params, salt, password)


def _costs(params: Params) -> tuple[str, int, int, int]:
    return str(params["kdf"]), int(params["cost"]), int(params["memory"]), int(params["lanes"])


def _hashed(params: Params, salt: bytes, password: bytes) -> bytes:
    made, key = _HASHES[str(params["kdf"])], salt + password
    for _ in range(int(params["cost"])):
        key = made(key).digest()
    return key


def _pbkdf2(params: Params, salt: bytes, password: bytes) -> bytes:
    digest = _PBKDF2[str(params["kdf"])]
    return hashlib.pbkdf2_hmac(digest, password, salt, int(params["cost"]), _KEY_BYTES)


def _scrypt(params: Params, salt: bytes, password: bytes) -> bytes:
    _, cost, memory, lanes = _costs(params)
    room = 2 * 128 * (cost + lanes) * memory
    return hashlib.scrypt(password, salt=salt, n=cost, r=memory, p=lanes, dklen=_KEY_BYTES, maxmem=room)


def _argon2(params: Params, salt: bytes, password: bytes) -> bytes:
    from argon2.low_level import Type, hash_secret_raw

    _, cost, memory, lanes = _costs(params)
    return hash_secret_raw(password, salt, cost, memory, lanes, _KEY_BYTES, Type.ID)


Derive = Callable[[Params, bytes, bytes], bytes]
#: Every algorithm, by ALTCHA's name for it.
DERIVATIONS: Mapping[str, Derive] = {
    **dict.fromkeys(_HASHES, _hashed),
    **dict.fromkeys(_PBKDF2, _pbkdf2),
    SCRYPT: _scrypt,
    ARGON2: _argon2,
}
_LENGTHS = {
    **dict.fromkeys(DERIVATIONS, _KEY_BYTES),
    **{name: made().digest_size for name, made in _HASHES.items()},
}
