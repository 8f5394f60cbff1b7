"""The verbs that a protocol may ask: issue, look, redeem, play, advance, extend, revoke, attest, consume.

What is seen and heard is the renderer's, what a solved run earns is of the passes; the engine holds both.

Rule 1: a token is opened, then its answer's form is looked at, then a try is spent, then the answer is judged. A malformed
answer burns nothing; no answer is judged twice.

Rule 2: the sealed digest decides and the sealed seed draws, so a verdict never depends on the version of the drawing code.

Rule 3: only the engine and its passes own a clock and entropy.
"""

import secrets
import time
from collections.abc import Callable, Mapping
from typing import TypedDict

from captcha_stateless.errors import BadRequest, BadToken, CaptchaError, Expired, Spent, TooSoon, WrongAnswer
from captcha_stateless.kinds.base import Kind
from captcha_stateless.kinds.renderer import Renderer
from captcha_stateless.model import Challenge, Claims, Params, Pass, Sealed
from captcha_stateless.passes import Passes
from captcha_stateless.replay.base import Replay, ReplayState
from captcha_stateless.settings import EXTENSIONS
from captcha_stateless.telemetry.events import FAULT, Events
from captcha_stateless.tokens.seal import Seal

#: How long the step after a solved run may take, where a protocol has one.
PROOF_SECONDS = 300
#: The purpose of a token that is made to be opened at once.
TRIAL = "trial"

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
        heard: tuple[str, ...] = (),
        clock: Callable[[], float] = time.time,
        entropy: Callable[[int], bytes] = secrets.token_bytes,
        missed: Callable[[Claims], None] = lambda _: None,
        events: Events | None = None,
    ) -> None:
        """Take the parts; ``missed`` is told of every wrong answer, ``events`` of all that happens."""
        self.events = events or Events()
        self._seal, self._kinds, self._replay = seal, kinds, replay
        self.passes = passes
        self.renderer = Renderer(kinds, mark_key=answer_key, events=self.events)
        self._answer_key, self._extensions, self._heard = answer_key, extensions, heard
        self._clock, self._entropy, self._missed = clock, entropy, missed
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
        harder: int = 0,
        risk: int = 0,
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
            harder: by how many steps it must be harder, as far as the kind goes.
            risk: the risk of whoever asks, 0 to 100.

        Raises:
            BadRequest: when there is no such challenge.
        """
        params = self.plan(kind, wanted or {})
        params = self._kinds[kind].harder(params, harder) if harder else params
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
            risk=risk,
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

    def hear(self, token: str) -> Claims:
        """Open a live token of any protocol whose challenges can be heard, spending nothing.

        Raises:
            BadToken: when it is none of those.
            Expired: when its deadline has passed.
        """
        return self.look(token, *self._heard)

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
        result = FAULT
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
            risk=claims.risk,
        )
        return self._sealed(proof)

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
        return self._kinds[claims.kind].tell(self.renderer.draw(claims))

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
