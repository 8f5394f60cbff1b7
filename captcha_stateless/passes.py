"""The verbs for passes, which solved runs earn: vouch, recognise, admit.

Rule 1: a pass is single-use where it is admitted; recognising one spends nothing.
"""

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from captcha_stateless.errors import CaptchaError, Expired, Spent, Unavailable
from captcha_stateless.model import Claims, Pass, Signed
from captcha_stateless.replay.base import Replay
from captcha_stateless.sites import Site
from captcha_stateless.telemetry.events import FAULT, Events
from captcha_stateless.tokens.digests import keyed_hash
from captcha_stateless.tokens.passes import Signer

#: Where spent passes are filed, and where the idempotency keys that won them.
PASS = "pass"  # noqa: S105 - the name of a namespace
_PASS_KEY = "pass/key"  # noqa: S105
PASS_SECONDS = 300

_JTI_BYTES = 16


class Passes:
    """Makes passes and lets each through once; it keeps nothing about whoever earned them."""

    def __init__(
        self,
        *,
        signer: Signer,
        replay: Replay,
        idempotency_key: bytes,
        seconds: int = PASS_SECONDS,
        clock: Callable[[], float] = time.time,
        entropy: Callable[[int], bytes] = secrets.token_bytes,
        events: Events | None = None,
    ) -> None:
        """Take the parts; ``idempotency_key`` hashes the keys under which callers ask again."""
        self._signer, self._replay, self._key, self._seconds = signer, replay, idempotency_key, seconds
        self._clock, self._entropy, self._events = clock, entropy, events or Events()

    def vouch(self, claims: Claims, score: float = 1.0) -> Signed:
        """Sign the pass that a solved run earns: what it is bound to and worth, and nothing of the challenge."""
        now = int(self._clock())
        earned = Pass(
            site=claims.site,
            host=claims.host,
            kind=claims.kind,
            jti=self._entropy(_JTI_BYTES),
            iat=now,
            exp=now + self._seconds,
            action=claims.action,
            cdata=claims.cdata,
            score=score,
        )
        with self._events.took("sign"):
            token = self._signer.sign(earned)
        self._events.passed("issued")
        return Signed(token, earned)

    def require_room(self, site: str, host: str, action: str, cdata: str) -> None:
        """Refuse to bind a run to what its pass could not hold.

        Raises:
            BadBinding: when they are too long together.
        """
        self._signer.require_room(site, host, action, cdata)

    def recognise(self, token: str, site: Site) -> Pass:
        """Read a live pass of a site, spending nothing: it may be shown again until it expires.

        Raises:
            BadToken: when it is no pass of ours.
            WrongSite: when it is another site's.
            WeakKind: when the site does not let challenges of its kind count.
            Expired: when its deadline has passed.
        """
        with self._events.took("verify"):
            shown = self._signer.verify(token)
        site.require_own(shown.site)
        site.require_kind(shown.kind)
        self._live(shown)
        return shown

    async def admit(self, token: str, site: Site, *, idempotency_key: str = "") -> Pass:
        """Use up a pass: of all calls on all replicas that share a filter, one returns.

        A call with an idempotency key returns as often as it is made with the key that came first, so that a caller whose
        connection broke may ask again.

        Raises:
            Spent: when it was used up, or used up under another key.
            Unavailable: when the replay filter cannot say; nothing is spent.
            BadToken, WrongSite, WeakKind, Expired: as in :meth:`recognise`; nothing is spent.
        """
        result = FAULT
        try:
            shown = await self._admitted(token, site, idempotency_key)
            result = "admitted"
        except CaptchaError as error:
            result = error.code
            raise
        finally:
            self._events.passed(result)
        return shown

    async def _admitted(self, token: str, site: Site, idempotency_key: str) -> Pass:
        shown = self.recognise(token, site)
        key = keyed_hash(self._key, b"idempotency", shown.jti, idempotency_key.encode("utf-8", "replace"))
        try:
            await self._replay.spend(PASS, shown.jti, iat=shown.iat, exp=shown.exp, now=self._clock())
        except Spent:
            if not idempotency_key or not await self._replay.spent(
                _PASS_KEY, key, exp=shown.exp, now=self._clock()
            ):
                raise
        else:
            if idempotency_key:
                await self._remember(key, shown)
        return shown

    async def _remember(self, key: bytes, shown: Pass) -> None:
        # Only the winner marks its key, after winning: a call under any other key can at no moment be taken for it.
        # Where the mark fails the verdict stands, and asking again under the key is told "spent".
        with suppress(Spent, Unavailable):
            await self._replay.spend(_PASS_KEY, key, iat=shown.iat, exp=shown.exp, now=self._clock())

    def published(self) -> dict[str, Any]:
        """Write the JWK Set with which everyone can verify passes."""
        return self._signer.published()

    def _live(self, shown: Pass) -> None:
        if self._clock() >= shown.exp:
            raise Expired("pass has expired")
