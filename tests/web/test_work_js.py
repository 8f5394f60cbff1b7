"""The worker that proves work, under Node: what it finds is right, it tells how far it is, and it can be stopped."""

import hashlib
import json
import subprocess
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import captcha_stateless
from tests.needs import program
from tests.protocols.test_restcaptcha import WAIT_SECONDS, challenge, status, verify
from tests.support import Server

WORKER = Path(captcha_stateless.__file__).parent / "web" / "work.js"
DRIVER = Path(__file__).parent / "drive.cjs"
NONCE = "00112233445566778899aabbccddeeff"
EVEN, ODD = {"start": 0, "step": 2}, {"start": 1, "step": 2}
NEVER = {"nonce": NONCE, "unit": "bits", "difficulty": 60}


def drive(*messages: Any) -> list[dict[str, Any]]:
    """Send messages to the worker and return what it says."""
    done = subprocess.run(
        [program("node"), str(DRIVER), str(WORKER)],
        input="\n".join(map(json.dumps, messages)),
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def solve(*works: dict[str, Any]) -> list[str]:
    """Find the solutions to several works, one after the other."""
    messages = [message for work in works for message in ({"nonce": NONCE, **work}, "solution")]
    return [reply["solution"] for reply in drive(*messages) if "solution" in reply]


def zeros(algorithm: str, number: int) -> int:
    digest = hashlib.new(algorithm.replace("-", ""), f"{NONCE}:{number}".encode()).digest()
    return len(digest) * 8 - int.from_bytes(digest, "big").bit_length()


@pytest.mark.parametrize("algorithm", ["sha-256", "sha-384", "sha-512"])
def test_its_solution_is_right_and_the_first(algorithm: str) -> None:
    asked = [("hex", 2, 8), ("hex", 3, 12), ("bits", 1, 1), ("bits", 9, 9), ("bits", 13, 13)]
    works = [
        {"algorithm": f"hash-{algorithm}", "unit": unit, "difficulty": difficulty}
        for unit, difficulty, _ in asked
    ]

    solutions = solve(*works)

    assert solutions == [str(next(n for n in count() if zeros(algorithm, n) >= bits)) for _, _, bits in asked]


def test_its_numbers_may_grow_by_a_digit() -> None:
    starts = [9, 95, 996, 99_999_990]

    solutions = solve(*({"unit": "bits", "difficulty": 7, "start": start} for start in starts))

    assert solutions == [str(next(n for n in count(start) if zeros("sha-256", n) >= 7)) for start in starts]


def test_two_workers_share_a_search_by_steps() -> None:
    whole, *halves = map(int, solve(*({"unit": "bits", "difficulty": 8, **part} for part in ({}, EVEN, ODD))))

    assert [half % 2 for half in halves] == [0, 1]
    assert min(halves) == whole


def test_the_server_accepts_its_solution(server: Server) -> None:
    given = challenge(server)
    work = {"nonce": given["token"].partition(":")[0], "unit": "hex", **given["challengeType"]}
    (solution,) = solve(work)
    server.clock.pass_(WAIT_SECONDS)

    assert status(verify(server, given["token"], solution)) == "success"


def test_it_tells_how_far_it_is_and_can_be_cancelled() -> None:
    replies = drive(NEVER, "hashes", "hashes", {"cancel": True}, "cancelled")

    hashes = [reply["hashes"] for reply in replies]
    assert hashes == sorted(hashes)
    assert hashes[0] > 0
    assert not any("solution" in reply for reply in replies)


def test_it_works_again_after_a_cancel() -> None:
    work = {"nonce": NONCE, "unit": "bits", "difficulty": 4}

    replies = drive(NEVER, "hashes", {"cancel": True}, "cancelled", work, "solution")

    assert sum("solution" in reply for reply in replies) == 1


def test_a_new_work_takes_the_place_of_the_old() -> None:
    replies = drive(NEVER, "hashes", {"nonce": NONCE, "unit": "bits", "difficulty": 4}, "solution")

    assert "solution" in replies[-1]


def test_what_it_cannot_do_is_an_error() -> None:
    works: list[dict[str, Any]] = [
        {"difficulty": 0},
        {"difficulty": 17},
        {"difficulty": "4"},
        {"difficulty": 1.5, "unit": "bits"},
        {"difficulty": 4, "unit": "octal"},
        {"difficulty": 4, "algorithm": "md5"},
        {"difficulty": 4, "algorithm": "toString"},
        {"difficulty": 4, "nonce": "x" * 39},
        {"difficulty": 4, "start": -1},
        {"difficulty": 4, "step": 0},
        {},
    ]

    replies = drive(*(message for work in works for message in ({"nonce": NONCE, **work}, "error")))

    assert [list(reply) for reply in replies] == [["error"]] * len(works)
