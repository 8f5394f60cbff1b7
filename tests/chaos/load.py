"""Replicas under load, and what each token won."""

import asyncio
import random
import secrets
import time
from collections import Counter

from captcha_stateless.errors import CaptchaError
from captcha_stateless.replay.redis import RedisReplay


class Load:
    """Tokens issued without pause, each answered on three replicas at once, and old ones again and again."""

    def __init__(self, replicas: list[RedisReplay]) -> None:
        self._replicas = replicas
        self._tokens: list[tuple[bytes, int]] = []
        self._chance = random.Random(4)
        self.wins: Counter[bytes] = Counter()
        self.last_begun = 0.0
        self.running = True

    async def run(self) -> None:
        while self.running:
            token = (secrets.token_bytes(16), int(time.time()))
            self._tokens.append(token)
            again = self._chance.choice(self._tokens[-500:])
            await asyncio.gather(*(self._answer(replica, *token) for replica in self._replicas))
            await self._answer(self._chance.choice(self._replicas), *again)

    async def _answer(self, replica: RedisReplay, jti: bytes, iat: int) -> None:
        begun = time.monotonic()
        try:
            await replica.spend("grid", jti, iat=iat, exp=iat + 100, now=time.time())
        except CaptchaError:
            return
        self.wins[jti] += 1
        self.last_begun = max(begun, self.last_begun)

    async def wins_after(self, moment: float) -> float:
        """Wait until an answer that came after the moment wins; return how long that took."""
        while self.last_begun <= moment:
            assert time.monotonic() < moment + 20
            await asyncio.sleep(0.01)
        return time.monotonic() - moment
