"""Cap's wire forms: challenges of both formats, and the solutions that widgets hand back."""

from typing import Any

from captcha_stateless.errors import BadRequest

#: What Cap's own server takes at most.
MAX_SOLUTIONS = 1_000
_MS = 1_000


def challenge_1(token: str, size: tuple[int, int, int], exp: int) -> dict[str, Any]:
    """Word a challenge of the first format: how many salts, of how many digits, with targets of how many."""
    c, s, d = size
    return {"challenge": {"c": c, "s": s, "d": d}, "token": token, "expires": exp * _MS}


def challenge_2(token: str, pairs: list[tuple[str, str]], exp: int) -> dict[str, Any]:
    """Word hashes in the second format: each salt with its target."""
    challenges = [
        {"protocol": "sha256-pow", "payload": {"salt": salt, "target": target}} for salt, target in pairs
    ]
    return {"format": 2, "token": token, "expires": exp * _MS, "challenges": challenges}


def challenge_lock(token: str, modulus: str, base: str, squarings: int, exp: int) -> dict[str, Any]:
    """Word a time-lock, of the second format."""
    lock = {"protocol": "rsw", "payload": {"N": modulus, "x": base, "t": squarings}}
    return {"format": 2, "token": token, "expires": exp * _MS, "challenges": [lock]}


def redeemed(token: str, exp: int) -> dict[str, Any]:
    """Word the pass that a solved challenge earned."""
    return {"success": True, "token": token, "expires": exp * _MS}


def answer(document: object) -> tuple[str, list[Any]]:
    """Read the token and the solutions, each a number, ``{"nonce": n}`` or ``{"y": digits}``.

    What a widget says of its instrumentation is not read, for there is none.

    Raises:
        BadRequest: when they are not there.
    """
    if not isinstance(document, dict):
        raise BadRequest("the body must be a JSON object")
    token, solutions = document.get("token"), document.get("solutions")
    if not isinstance(token, str) or not isinstance(solutions, list):
        raise BadRequest("token and solutions are needed")
    if not 1 <= len(solutions) <= MAX_SOLUTIONS:
        raise BadRequest(f"there are 1 to {MAX_SOLUTIONS} solutions")
    return token, [_plain(solution) for solution in solutions]


def _plain(solution: object) -> object:
    if isinstance(solution, dict) and len(solution) == 1:
        return solution.get("nonce", solution.get("y"))
    return solution
