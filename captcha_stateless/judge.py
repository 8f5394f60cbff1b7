"""The verbs for answers, each of which spends: play, redeem, revoke, consume.

Rule 1: an answer's form is looked at, then it is judged, then a try is spent, and only what the filter says is told. A
malformed answer burns nothing; a verdict is paid for, or nobody hears it.

Rule 2: the first answer decides for ever. Where it leads on, its own keyed hash is left in the filter, in the step that
spends the try; whoever sends the same answer again within a minute is known by that, and by nothing else.

Rule 3: :meth:`Judge.play` is for what is single-use behind it (a stage, a pass, a proof), and may be repeated;
:meth:`Judge.redeem` is for protocols whose "right" is itself what the caller acts on, and is said once.
"""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypedDict

from captcha_stateless.errors import CaptchaError, Expired, Spent, TooSoon, WrongAnswer
from captcha_stateless.kinds.base import Kind
from captcha_stateless.model import Answered, Claims
from captcha_stateless.replay.base import NEVER, Replay
from captcha_stateless.telemetry.events import FAULT, Events
from captcha_stateless.threads import Pool
from captcha_stateless.tokens.digests import keyed_hash

#: How long the same answer is known again, after its first.
REPEAT_SECONDS = 60
#: By how much the clocks of two replicas may differ, as the filters allow: to one that is ahead the first is older, to one
#: that is behind it lies in the future.
SKEW_SECONDS = 5

#: The result of an answer that was given before.
REPEATED = "repeated"


class Filing(TypedDict):
    """Where a token's attempts are filed in the replay filter."""

    namespace: str
    jti: bytes
    iat: int
    exp: int
    now: float
    attempts: int


class Judge:
    """Judges answers, once each; it keeps nothing about any visitor."""

    def __init__(
        self,
        *,
        kinds: Mapping[str, Kind],
        replay: Replay,
        answer_key: bytes,
        clock: Callable[[], float] = time.time,
        missed: Callable[[Claims], None] = lambda _: None,
        events: Events | None = None,
    ) -> None:
        """Take the parts; ``missed`` is told of every wrong answer, ``events`` of all that are given."""
        self._kinds, self._replay, self._key = kinds, replay, answer_key
        self._clock, self._missed, self._events = clock, missed, events or Events()
        self._pool = Pool()

    async def play(self, claims: Claims, answer: object, *, asked: bytes = b"") -> Answered:
        """Use up a try of an opened token, and count its stage: a wrong answer is a miss while the ladder forgives one.

        The same answer within a minute of its first gets the same again.

        Args:
            claims: what the token holds.
            answer: what the visitor says.
            asked: what else the request asks for, which a repeat must ask for, too.

        Raises:
            WrongAnswer: when no more is forgiven; and whatever :meth:`redeem` does.
        """
        forgiven = claims.misses < self._kinds[claims.kind].ladder(claims.params).forgiven
        return await self._told(claims, answer, asked, forgiven=forgiven)

    async def redeem(self, claims: Claims, answer: object) -> Answered:
        """Use up a try of an opened token; returning at all means that the answer is right, and is the first that was.

        Raises:
            BadAnswer: when the answer has not the form that the kind asks for; nothing is spent.
            Expired: when the deadline has passed since the token was opened.
            Spent: when no try is left.
            TooSoon: when the answer came before its time; its try is spent.
            WrongAnswer: when the answer is not right; its try is spent.
            Unavailable: when the replay filter cannot say.
        """
        return await self._told(claims, answer, None, forgiven=False)

    def price(self, claims: Claims) -> int:
        """Tell how many common answers judging one to this token costs as much as."""
        return self._kinds[claims.kind].price(claims.params)

    async def revoke(self, claims: Claims) -> None:
        """Use up every try of a token, judging nothing; that none is left already is no error.

        Raises:
            Expired: when the deadline has passed since the token was opened.
            Unavailable: when the replay filter cannot say.
        """
        try:
            while await self._replay.spend(**_filed(claims, self._clock())) < claims.tries:
                pass
        except Spent:
            return

    async def consume(self, claims: Claims) -> None:
        """Use up what :meth:`Engine.attest` sealed; returning at all means that it had not been used.

        Raises:
            Expired: when the deadline has passed since it was opened.
            Spent: when it was used before.
            Unavailable: when the replay filter cannot say; nothing is spent.
        """
        now = self._clock()
        _require_live(claims, now)
        await self._replay.spend(**_filed(claims, now))

    async def _told(self, claims: Claims, answer: object, asked: bytes | None, *, forgiven: bool) -> Answered:
        """Judge, and tell the events how it ended."""
        result = FAULT
        try:
            result, answered = await self._judged(claims, answer, asked, forgiven=forgiven)
        except CaptchaError as error:
            result = error.code
            raise
        finally:
            self._events.answered(claims.purpose, claims.kind, result, self._clock() - claims.iat)
        return answered

    async def _judged(
        self, claims: Claims, answer: object, asked: bytes | None, *, forgiven: bool
    ) -> tuple[str, Answered]:
        kind = self._kinds[claims.kind]
        normal = kind.normal(answer, claims.params)
        now = self._clock()
        _require_live(claims, now)
        if kind.price(claims.params) > 1:
            return await self._slowly(kind, claims, normal, now)
        right, soon = kind.check(self._key, claims, normal), now * 1000 < claims.nbf_ms
        at, known = int(now), asked is not None
        moments = _moments(at) if known else NEVER
        # What several tries have closed needs a mark, too, though nobody looks for it.
        left = (right or forgiven) and not soon and (known or claims.tries > 1)
        found = await self._replay.spend(
            **_filed(claims, now),
            mark=keyed_hash(self._key, b"answered", claims.jti, normal, asked or b""),
            moment=at if left else None,
            moments=moments,
        )
        counted = claims._replace(hits=claims.hits + right, misses=claims.misses + (not right))
        if found <= 0:
            if not (right or forgiven):
                raise Spent("a false positive: this answer never led on")
            return REPEATED, Answered(counted, moments[-found])
        if soon:
            raise TooSoon("answered faster than the protocol allows")
        if not right:
            self._missed(claims)
            if not forgiven:
                raise WrongAnswer("answer is not right")
        return "right" if right else WrongAnswer.code, Answered(counted, at)

    async def _slowly(self, kind: Kind, claims: Claims, normal: bytes, now: float) -> tuple[str, Answered]:
        """Judge what takes milliseconds, in a thread; its try is spent before: no token is judged twice."""
        with self._pool.room():
            await self._replay.spend(**_filed(claims, now))
            if now * 1000 < claims.nbf_ms:
                raise TooSoon("answered faster than the protocol allows")
            right = await self._pool.within(partial(kind.check, self._key, claims, normal))
        if not right:
            self._missed(claims)
            raise WrongAnswer("answer is not right")
        return "right", Answered(claims._replace(hits=claims.hits + 1), int(now))


def _moments(at: int) -> range:
    """Tell in which seconds the first of an answer may have been."""
    return range(at - REPEAT_SECONDS - SKEW_SECONDS, at + SKEW_SECONDS + 1)


def _require_live(claims: Claims, now: float) -> None:
    if now >= claims.exp:
        raise Expired("token has expired")


def _filed(claims: Claims, now: float) -> Filing:
    # Under `until`, not `exp`: an extended token has another `exp`, but must meet its siblings in the filter.
    return {
        "namespace": claims.purpose,
        "jti": claims.jti,
        "iat": claims.iat,
        "exp": claims.until,
        "now": now,
        "attempts": claims.tries,
    }
