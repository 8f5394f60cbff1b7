"""The verbs for passes, which solved runs earn: vouch, recognise, admit.

Rule 1: a pass is single-use where it is admitted; recognising one spends nothing.

Rule 2: a pass is derived from the answer that earned it, its jti and its deadline alike: the same answer earns the same pass.

Rule 3: where a site wants it, a pass is bound to the network that earned it, by a keyed hash that differs from pass to pass.
"""

import time
from collections.abc import Callable
from typing import Any

from captcha_stateless.errors import BadToken, CaptchaError, Expired
from captcha_stateless.model import Answered, Pass, Signed
from captcha_stateless.replay.base import NEVER, Replay
from captcha_stateless.sites import Site
from captcha_stateless.telemetry.events import FAULT, Events
from captcha_stateless.tokens.digests import keyed_hash, same
from captcha_stateless.tokens.passes import Signer
from captcha_stateless.wall.asked import asked

#: Where spent passes are filed.
PASS = "pass"  # noqa: S105 - the name of a namespace
PASS_SECONDS = 300
#: A network is not guessed by trying, for a pass is signed: a few bits keep it short.
_NET_BYTES = 8


class Passes:
    """Makes passes and lets each through once; it keeps nothing about whoever earned them."""

    def __init__(
        self,
        *,
        signer: Signer,
        replay: Replay,
        key: bytes,
        seconds: int = PASS_SECONDS,
        clock: Callable[[], float] = time.time,
        events: Events | None = None,
    ) -> None:
        """Take the parts; ``key`` derives passes, and hashes the keys under which callers ask again."""
        self._signer, self._replay, self._key, self._seconds = signer, replay, key, seconds
        self._clock, self._events = clock, events or Events()

    def vouch(self, answered: Answered, score: float = 1.0, *, bound: bool = False) -> Signed:
        """Sign the pass that a solved run earns: what it is bound to and worth, and nothing of the challenge.

        Args:
            answered: the answer that ends the run.
            score: what the pass is worth.
            bound: whether it shall tell, to us alone, which network earned it.
        """
        claims = answered.claims
        jti = keyed_hash(self._key, b"pass", claims.jti)
        earned = Pass(
            site=claims.site,
            host=claims.host,
            kind=claims.kind,
            jti=jti,
            iat=max(claims.iat, answered.at),
            exp=answered.at + self._seconds,
            action=claims.action,
            cdata=claims.cdata,
            score=score,
            net=self._net(jti, claims.who) if bound else b"",
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

    def require_network(self, shown: Pass, who: bytes) -> None:
        """Refuse a pass that another network has earned; ``who`` is the keyed hash of the network that shows it.

        Raises:
            BadToken: when it was another, or the pass tells none.
        """
        if not same(shown.net, self._net(shown.jti, who)):
            raise BadToken("pass of another network")

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
        if asked(shown.action).policy:
            raise BadToken("pass for the wall alone: its policy may ask less than the site's own")
        text = idempotency_key.encode("utf-8", "replace")
        key = keyed_hash(self._key, b"idempotency", shown.jti, text) if text else b""
        # In one step: a call under any other key can at no moment be taken for the winner's.
        await self._replay.spend(
            PASS,
            shown.jti,
            iat=shown.iat,
            exp=shown.exp,
            now=self._clock(),
            mark=key,
            moment=0 if key else None,
            moments=range(1) if key else NEVER,
        )
        return shown

    def published(self) -> dict[str, Any]:
        """Write the JWK Set with which everyone can verify passes."""
        return self._signer.published()

    def _net(self, jti: bytes, who: bytes) -> bytes:
        return keyed_hash(self._key, b"net", jti, who)[:_NET_BYTES]

    def _live(self, shown: Pass) -> None:
        if self._clock() >= shown.exp:
            raise Expired("pass has expired")
