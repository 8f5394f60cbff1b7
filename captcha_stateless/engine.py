"""The verbs that a protocol may ask: issue, look, picture, speak, redeem, play, advance, extend, revoke, vouch.

Rule 1: a token is opened, then its answer's form is looked at, then a try is spent, then the answer is judged. A malformed
answer burns nothing; no answer is judged twice.

Rule 2: the sealed digest decides and the sealed seed draws, so a verdict never depends on the version of the drawing code.

Rule 3: a pass is single-use where it is admitted; recognising one spends nothing.

Rule 4: only this module owns a clock and entropy.
"""

import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, TypedDict

from captcha_stateless.batch import Batch
from captcha_stateless.digests import keyed_hash
from captcha_stateless.errors import (
    BadRequest,
    BadToken,
    CaptchaError,
    Expired,
    Spent,
    TooSoon,
    Unavailable,
    WrongAnswer,
)
from captcha_stateless.events import Events
from captcha_stateless.kinds.base import Kind
from captcha_stateless.model import Challenge, Claims, Params, Pass, Sealed, Signed
from captcha_stateless.passes import Passes
from captcha_stateless.replay.base import Replay, ReplayState
from captcha_stateless.seal import Seal
from captcha_stateless.sites import Site
from captcha_stateless.stages import EXTENSIONS

#: Where spent passes are filed, and where the idempotency keys that won them.
PASS = "pass"  # noqa: S105 - the name of a namespace
_PASS_KEY = "pass/key"  # noqa: S105
PASS_SECONDS = 300
#: How long the step after a solved run may take, where a protocol has one.
PROOF_SECONDS = 300
#: The purpose of a token that is made to be opened at once.
TRIAL = "trial"

#: What the events are told of what ended neither well nor with a refusal.
_FAULT = "fault"

_JTI_BYTES = 16
_SEED_BYTES = 16


class Filing(TypedDict):
    """Where a token's attempts are filed in the replay filter."""

    namespace: str
    jti: bytes
    iat: int
    exp: int
    now: float
    attempts: int


class Engine:
    """Composes kinds with seal and replay; it keeps nothing about any visitor."""

    def __init__(
        self,
        *,
        seal: Seal,
        passes: Passes,
        kinds: Mapping[str, Kind],
        replay: Replay,
        answer_key: bytes,
        extensions: int = EXTENSIONS,
        pass_seconds: int = PASS_SECONDS,
        heard: tuple[str, ...] = (),
        clock: Callable[[], float] = time.time,
        entropy: Callable[[int], bytes] = secrets.token_bytes,
        missed: Callable[[Claims], None] = lambda _: None,
        events: Events | None = None,
    ) -> None:
        """Take the parts; ``missed`` is told of every wrong answer, ``events`` of all that happens."""
        self.events = events or Events()
        self._seal, self._kinds, self._replay = seal, kinds, replay
        self._passes, self._pass_seconds = passes, pass_seconds
        self._answer_key, self._extensions, self._heard = answer_key, extensions, heard
        self._clock, self._entropy, self._missed = clock, entropy, missed
        self._together = {name: Batch(partial(self._rendered, kind)) for name, kind in kinds.items()}
        self._began = clock()

    def issue(
        self,
        purpose: str,
        kind: str,
        wanted: Params | None = None,
        *,
        tries: int = 1,
        site: str = "",
        host: str = "",
        action: str = "",
        cdata: str = "",
        wait_seconds: float = 0,
        who: bytes = b"",
    ) -> Sealed:
        """Begin a run: draw its first stage and seal it.

        Args:
            purpose: the protocol that asks; the token serves no other.
            kind: which kind of challenge.
            wanted: what sort of it; the kind completes it.
            tries: how many answers are judged.
            site: the key of the site that asks.
            host: the host name of the page.
            action: what the page says that the run is for; goes into the pass, as cdata does.
            cdata: the page's own words for the run.
            wait_seconds: an answer before that is too soon.
            who: a keyed hash of the network that asks.

        Raises:
            BadRequest: when there is no such challenge.
        """
        params = self.plan(kind, wanted or {})
        run = Claims(
            purpose=purpose,
            kind=kind,
            jti=b"",
            iat=0,
            exp=0,
            until=0,
            tries=tries,
            site=site,
            host=host,
            action=action,
            cdata=cdata,
            nbf_ms=int((self._clock() + wait_seconds) * 1000) if wait_seconds else 0,
            who=who,
            params=params,
        )
        return self._stage(run, 0)

    def plan(self, kind: str, wanted: Params) -> Params:
        """Complete what is wanted of a kind.

        Raises:
            BadRequest: when there is no such challenge.
        """
        if kind not in self._kinds:
            raise BadRequest(f"there is no kind {kind}")
        return self._kinds[kind].plan(wanted)

    def advance(self, claims: Claims) -> Sealed | None:
        """Draw and seal the stage after one that :meth:`play` judged; None when the run is won."""
        needed = claims.stages - self._kinds[claims.kind].ladder(claims.params).forgiven
        stage = claims.stage + 1
        return self._stage(claims, stage) if stage < claims.stages and claims.hits < needed else None

    def look(self, token: str, *purposes: str) -> Claims:
        """Open a live token, spending nothing.

        Raises:
            BadToken: when it is none of ours, or for another purpose.
            Expired: when its deadline has passed.
        """
        with self.events.took("open"):
            claims = self._seal.open(token, *purposes)
        if claims.kind not in self._kinds:
            raise BadToken("token of a kind that is not served")
        self._live(claims)
        return claims

    def inspect(self, token: str) -> Claims:
        """Open a token for whatever purpose it names, live or not; for the holder of the keys only.

        Raises:
            BadToken: when it does not open.
        """
        return self._seal.inspect(token)

    def draw(self, claims: Claims) -> Challenge:
        """Draw a token's challenge again, from its seed."""
        return self._kinds[claims.kind].draw(claims.seed, claims.params)

    def prepare(self, kind: str, wanted: Params) -> None:
        """Draw one that nobody sees, so that what is slow the first time has been done."""
        self._kinds[kind].render(self._kinds[kind].draw(bytes(_SEED_BYTES), self.plan(kind, wanted)))

    def redraw(self, claims: Claims) -> tuple[bytes, ...]:
        """Render what was shown with a token, from its seed: the same to the pixel on every replica."""
        with self.events.took("render"):
            return self._kinds[claims.kind].render(self.draw(claims))

    def picture(self, sealed: Sealed) -> tuple[bytes, ...]:
        """Render what a visitor sees or hears of a challenge."""
        with self.events.took("render"):
            return self._kinds[sealed.claims.kind].render(sealed.challenge or self.draw(sealed.claims))

    async def drawn(self, sealed: Sealed) -> tuple[bytes, ...]:
        """Render what a visitor sees, together with all that is asked for in the same turn of the event loop."""
        return await self._together[sealed.claims.kind](sealed.challenge or self.draw(sealed.claims))

    def _rendered(self, kind: Kind, challenges: list[Challenge]) -> list[tuple[bytes, ...]]:
        with self.events.took("render", len(challenges)):
            return kind.render_all(challenges)

    def hear(self, token: str) -> Claims:
        """Open a live token of any protocol whose challenges can be heard, spending nothing.

        Raises:
            BadToken: when it is none of those.
            Expired: when its deadline has passed.
        """
        return self.look(token, *self._heard)

    def languages(self, kind: str) -> tuple[str, ...]:
        """Tell the languages in which challenges of a kind can be heard, the default one first."""
        return self._kinds[kind].languages

    def speak(self, claims: Claims, language: str) -> bytes:
        """Say a token's challenge, as a WAV file; takes milliseconds, so call it from a thread.

        Raises:
            BadRequest: when it cannot be heard, or not in this language.
        """
        with self.events.took("speak"):
            return self._kinds[claims.kind].speak(self.draw(claims), language)

    def notice(self, kind: str, text: str, wanted: Params) -> bytes:
        """Draw a word that is no challenge, as a picture of that kind would be.

        Raises:
            BadRequest: when the kind draws no words, or not of that sort.
        """
        return self._kinds[kind].notice(text, self._kinds[kind].plan(wanted))

    def mark(self, claims: Claims) -> str:
        """Name what a token draws, for caches: equal for equal drawings, and no help in finding the seed."""
        return keyed_hash(self._answer_key, b"mark", claims.seed).hex()

    async def redeem(self, claims: Claims, answer: object) -> None:
        """Use up a try of a token that :meth:`look` opened; returning at all means that the answer is right.

        Raises:
            BadAnswer: when the answer has not the form that the kind asks for; nothing is spent.
            Expired: when the deadline has passed since the token was opened.
            Spent: when no try is left.
            TooSoon: when the answer came before its time; its try is spent.
            WrongAnswer: when the answer is not right; its try is spent.
            Unavailable: when the replay filter cannot say; nothing is spent.
        """
        result = _FAULT
        try:
            await self._judge(claims, answer)
            result = "right"
        except CaptchaError as error:
            result = error.code
            raise
        finally:
            self.events.answered(claims.purpose, claims.kind, result, self._clock() - claims.iat)

    async def _judge(self, claims: Claims, answer: object) -> None:
        kind = self._kinds[claims.kind]
        normal = kind.normal(answer, claims.params)
        self._live(claims)
        await self._replay.spend(**self._filed(claims))
        if self._clock() * 1000 < claims.nbf_ms:
            raise TooSoon("answered faster than the protocol allows")
        if not kind.check(self._answer_key, claims, normal):
            self._missed(claims)
            raise WrongAnswer("answer is not right")
        await self._replay.win(**self._filed(claims))

    async def revoke(self, claims: Claims) -> None:
        """Use up every try of a token, judging nothing; that none is left already is no error.

        Raises:
            Expired: when the deadline has passed since the token was opened.
            Unavailable: when the replay filter cannot say.
        """
        try:
            while await self._replay.spend(**self._filed(claims)) < claims.tries:
                pass
        except Spent:
            return

    async def play(self, claims: Claims, answer: object) -> Claims:
        """Redeem a stage of a run, and count it: a wrong answer is a miss for as long as the ladder forgives one.

        Raises:
            WrongAnswer: when no more is forgiven; and whatever :meth:`redeem` does.
        """
        try:
            await self.redeem(claims, answer)
        except WrongAnswer:
            if claims.misses >= self._kinds[claims.kind].ladder(claims.params).forgiven:
                raise
            # The run goes on with the next stage: no second try at this one.
            await self._replay.win(**self._filed(claims))
            return claims._replace(misses=claims.misses + 1)
        return claims._replace(hits=claims.hits + 1)

    def extend(self, token: str, *purposes: str) -> Sealed:
        """Seal the same stage again with a later deadline: nothing is spent, and the same is drawn.

        Raises:
            BadToken: when the token is none of ours, or for another purpose.
            Expired: when its deadline has passed.
            BadRequest: when it was extended as often as may be.
        """
        claims = self.look(token, *purposes)
        step = self._kinds[claims.kind].ladder(claims.params).time(claims.stage)
        if claims.exp + step > claims.until:
            raise BadRequest("no more extensions")
        return self._sealed(claims._replace(exp=claims.exp + step))

    def attest(self, claims: Claims, purpose: str, params: Params | None = None) -> Sealed:
        """Seal, for the next step of the same protocol, that a run was solved; ``params`` are to be found in it again."""
        now = int(self._clock())
        proof = Claims(
            purpose=purpose,
            kind=claims.kind,
            jti=self._entropy(_JTI_BYTES),
            iat=now,
            exp=now + PROOF_SECONDS,
            until=now + PROOF_SECONDS,
            site=claims.site,
            host=claims.host,
            params=params or {},
        )
        return self._sealed(proof)

    def vouch(self, claims: Claims) -> Signed:
        """Sign the pass that a solved run earns: what it is bound to, and nothing of the challenge."""
        now = int(self._clock())
        earned = Pass(
            site=claims.site,
            host=claims.host,
            kind=claims.kind,
            jti=self._entropy(_JTI_BYTES),
            iat=now,
            exp=now + self._pass_seconds,
            action=claims.action,
            cdata=claims.cdata,
        )
        with self.events.took("sign"):
            token = self._passes.sign(earned)
        self.events.passed("issued")
        return Signed(token, earned)

    def require_room(self, site: str, host: str, action: str, cdata: str) -> None:
        """Refuse to bind a run to what its pass could not hold.

        Raises:
            BadBinding: when they are too long together.
        """
        self._passes.require_room(site, host, action, cdata)

    def recognise(self, token: str, site: Site) -> Pass:
        """Read a live pass of a site, spending nothing: it may be shown again until it expires.

        Raises:
            BadToken: when it is no pass of ours.
            WrongSite: when it is another site's.
            WeakKind: when the site does not let challenges of its kind count.
            Expired: when its deadline has passed.
        """
        with self.events.took("verify"):
            shown = self._passes.verify(token)
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
        result = _FAULT
        try:
            shown = await self._admitted(token, site, idempotency_key)
            result = "admitted"
        except CaptchaError as error:
            result = error.code
            raise
        finally:
            self.events.passed(result)
        return shown

    async def _admitted(self, token: str, site: Site, idempotency_key: str) -> Pass:
        shown = self.recognise(token, site)
        key = keyed_hash(
            self._answer_key, b"idempotency", shown.jti, idempotency_key.encode("utf-8", "replace")
        )
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
        return self._passes.published()

    async def consume(self, claims: Claims) -> None:
        """Use up what :meth:`attest` sealed and :meth:`look` opened; returning at all means that it had not been used.

        Raises:
            Expired: when the deadline has passed since it was opened.
            Spent: when it was used before.
            Unavailable: when the replay filter cannot say; nothing is spent.
        """
        self._live(claims)
        await self._replay.spend(**self._filed(claims))

    def tell(self, claims: Claims) -> object:
        """Word the answer that would be right; for the holder of the keys only."""
        return self._kinds[claims.kind].tell(self.draw(claims))

    def now(self) -> int:
        """Tell the Unix second."""
        return int(self._clock())

    def uptime(self) -> int:
        """Tell how many whole seconds the engine has been there."""
        return int(self._clock() - self._began)

    async def state(self) -> ReplayState:
        """Prove that a token made here opens here, and tell how the replay filter is.

        Raises:
            BadToken: when the token does not open.
            Unavailable: when the filter cannot say.
        """
        trial = Claims(purpose=TRIAL, kind="", jti=self._entropy(_JTI_BYTES), iat=0, exp=0, until=0)
        assert self._seal.open(self._seal.seal(trial), TRIAL) == trial
        return await self._replay.state(self._clock())

    def left(self, claims: Claims | Pass) -> int:
        """Tell the whole seconds until a token's deadline."""
        return max(0, claims.exp - self.now())

    def _live(self, claims: Claims | Pass) -> None:
        if self._clock() >= claims.exp:
            raise Expired("token has expired")

    def _filed(self, claims: Claims) -> Filing:
        # Under `until`, not `exp`: an extended token has another `exp`, but must meet its siblings in the filter.
        return {
            "namespace": claims.purpose,
            "jti": claims.jti,
            "iat": claims.iat,
            "exp": claims.until,
            "now": self._clock(),
            "attempts": claims.tries,
        }

    def _stage(self, run: Claims, stage: int) -> Sealed:
        kind = self._kinds[run.kind]
        ladder = kind.ladder(run.params)
        chance, now = self._entropy(_SEED_BYTES + _JTI_BYTES), int(self._clock())
        seed, jti = chance[:_SEED_BYTES], chance[_SEED_BYTES:]
        challenge = kind.draw(seed, run.params)
        time_allowed = ladder.time(stage)
        extensions = self._extensions if ladder.extendable else 0
        claims = run._replace(
            jti=jti,
            iat=now,
            exp=now + time_allowed,
            until=now + time_allowed * (1 + extensions),
            seed=seed,
            digests=kind.digests(self._answer_key, jti, challenge),
            stage=stage,
            stages=ladder.stages,
        )
        self.events.issued(claims.purpose, claims.kind)
        return self._sealed(claims, challenge)

    def _sealed(self, claims: Claims, challenge: Challenge | None = None) -> Sealed:
        with self.events.took("seal"):
            return Sealed(self._seal.seal(claims), claims, challenge)
