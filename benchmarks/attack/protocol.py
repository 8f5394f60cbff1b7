"""Attacks on tokens instead of pictures: what each tries, and how many paths too many it opened."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx
import numpy as np
from api import NOW, PATH, Service, service

TOKENS = 40
#: No picture is looked at here; these are the soonest made.
PLAIN: Mapping[str, Any] = {"family": "filled"}


@dataclass(frozen=True, slots=True)
class Finding:
    """How many answers were sent that must open nothing, and how many did; a repeat leads where its first did."""

    name: str
    sent: int
    accepted: int


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        """Begin shortly after the keys were made."""
        self.now = NOW + 100.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


def blind_search() -> Finding:
    """Try answer after answer on one token: the first is judged, and no other."""
    with service(**PLAIN) as served:
        token = begun(served)
        answers = np.random.default_rng(0).random((200, 9)) < 0.5
        replies = [served.post(token=token, answer=answer.tolist()).status_code for answer in answers]
        return Finding("blind search on one token", 199, sum(code == 200 for code in replies[1:]))


def twice() -> Finding:
    """Send the right answer a second time: another next stage would be a second path."""
    with service(**PLAIN) as served:
        opened = 0
        for _ in range(TOKENS):
            token = begun(served)
            right = served.judge(token)
            opened += len({following(served.post(token=token, answer=right)) for _ in range(2)}) - 1
        return Finding("second answer, same replica", TOKENS, opened)


def after_a_wrong_one() -> Finding:
    """Send the right answer after a wrong one."""
    with service(**PLAIN) as served:
        codes = []
        for _ in range(TOKENS):
            token = begun(served)
            right = served.judge(token)
            served.post(token=token, answer=[not tile for tile in right])
            codes.append(served.post(token=token, answer=right).status_code)
        return Finding("right answer after a wrong one", TOKENS, sum(code == 200 for code in codes))


def repeated_late() -> Finding:
    """Send the right answer again when its minute is over."""
    clock = Clock()
    with service(clock=clock, **PLAIN) as served:
        codes = []
        for _ in range(TOKENS):
            token = begun(served)
            right = served.judge(token)
            served.post(token=token, answer=right)
            clock.now += 66
            codes.append(served.post(token=token, answer=right).status_code)
        return Finding("right answer again, after its minute", TOKENS, sum(code == 200 for code in codes))


def double_submit() -> Finding:
    """Send the right answer ten times at once."""
    with service(**PLAIN) as served:
        opened = 0
        for _ in range(TOKENS):
            token = begun(served)
            opened += len(anyio.run(at_once, served, token, served.judge(token))) - 1
        return Finding("ten right answers at once", TOKENS * 9, opened)


async def at_once(served: Service, token: str, answer: list[bool]) -> set[str]:
    """Race ten requests; tell which next stages they opened."""
    opened: set[str] = set()

    async def send() -> None:
        headers = {"X-Captcha-Challenge": token}
        reply = await served.send(PATH, {"headers": headers, "json": {"answer": answer}})
        opened.add(following(reply))

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(send)
    return opened


def two_workers() -> Finding:
    """Send the right answer to two workers of a host, which share their filter's file."""
    with tempfile.TemporaryDirectory() as folder:
        shared = {"replay": "shared", "replay_dir": Path(folder) / "replay", **PLAIN}
        one, other = (Service(Path(folder), **shared) for _ in range(2))
        opened = 0
        for _ in range(TOKENS):
            token = begun(one)
            right = one.judge(token)
            opened += len({following(each.post(token=token, answer=right)) for each in (one, other)}) - 1
        return Finding("second answer, another worker of the host", TOKENS, opened)


def swapped_parts() -> Finding:
    """Put parts of one token into another: header, key, nonce, text, tag."""
    with service(**PLAIN) as served:
        codes = []
        for _ in range(8):
            mine, other = begun(served), begun(served)
            right = served.judge(mine)
            for part in range(1, 5):
                parts = mine.split(".")
                parts[part] = other.split(".")[part]
                codes.append(served.post(token=".".join(parts), answer=right).status_code)
        return Finding("parts of two tokens", len(codes), sum(code == 200 for code in codes))


def another_deployment() -> Finding:
    """Bring a token, with its right answer, to a deployment that did not make it."""
    with service(**PLAIN) as one, service(**PLAIN) as other:
        codes = []
        for _ in range(TOKENS):
            token = begun(one)
            codes.append(other.post(token=token, answer=one.judge(token)).status_code)
        return Finding("token of another deployment", TOKENS, sum(code == 200 for code in codes))


def another_purpose() -> Finding:
    """Answer with a token that was sealed for another protocol or site."""
    with service(**PLAIN) as served:
        codes = []
        for _ in range(TOKENS):
            sealed = served.engine.issue("minicap", "grid", site="another")
            codes.append(
                served.post(token=sealed.token, answer=served.engine.tell(sealed.claims)).status_code
            )
        return Finding("token of another protocol and site", TOKENS, sum(code == 200 for code in codes))


def expired() -> Finding:
    """Answer rightly, a second after the deadline."""
    clock = Clock()
    with service(clock=clock, **PLAIN) as served:
        tokens = [begun(served) for _ in range(TOKENS)]
        answers = [served.judge(token) for token in tokens]
        clock.now += 121
        codes = [
            served.post(token=token, answer=answer).status_code
            for token, answer in zip(tokens, answers, strict=True)
        ]
        return Finding("right answer after the deadline", TOKENS, sum(code == 200 for code in codes))


def following(reply: httpx.Response) -> str:
    """Read the next stage's token, which is the same for the same stage."""
    return str(reply.json()["challenge"])


def begun(served: Service) -> str:
    """Begin a run, and return its token."""
    return str(served.post().json()["challenge"])


ATTACKS: Mapping[str, Callable[[], Finding]] = {
    attack.__name__: attack
    for attack in (
        blind_search,
        twice,
        after_a_wrong_one,
        repeated_late,
        double_submit,
        two_workers,
        swapped_parts,
        another_deployment,
        another_purpose,
        expired,
    )
}
