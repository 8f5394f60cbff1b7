"""The verbs for challenges: issue, look, advance, extend, attest, state.

What is seen and heard is the renderer's, what an answer is worth the judge's, what a solved run earns is of the passes, and
what a device proves of the devices; the engine holds all four.

Rule 1: the sealed digest decides and the sealed seed draws, so a verdict never depends on the version of the drawing code.

Rule 2: what begins is drawn, what follows is derived. The jti and the seed of a next stage, and the jti of a pass or a proof,
are keyed hashes of the answered token's jti. So an answer that is sent again leads, on any replica, to the same, and whatever
must happen once is held by that jti.

Rule 3: whatever has one jti has one deadline in the filter, so that two copies meet in one bucket. All its times follow from
the second in which the filter first saw the answer, which every repeat is told; none from the clock of a repeat. What follows
was issued no earlier than the answered token and no later than the answer: an epoch that forgets the one refuses the other.

Rule 4: only the engine, its judge and its passes own a clock, and only the engine entropy.
"""

import secrets
import time
from collections.abc import Callable, Mapping

from captcha_stateless.devices import Devices
from captcha_stateless.errors import BadRequest, BadToken, Expired
from captcha_stateless.judge import Judge
from captcha_stateless.kinds.base import Kind
from captcha_stateless.kinds.renderer import Renderer
from captcha_stateless.model import Answered, Challenge, Claims, Params, Pass, Sealed
from captcha_stateless.passes import Passes
from captcha_stateless.replay.base import Replay, ReplayState
from captcha_stateless.settings import EXTENSIONS
from captcha_stateless.telemetry.events import Events
from captcha_stateless.tokens.digests import keyed_hash
from captcha_stateless.tokens.seal import Seal

#: How long the step after a solved run may take, where a protocol has one.
PROOF_SECONDS = 300
#: The purpose of a token that is made to be opened at once.
TRIAL = "trial"

_JTI_BYTES = 16
_SEED_BYTES = 16


class Engine:
    """Composes kinds with seal and replay; it keeps nothing about any visitor."""

    def __init__(
        self,
        *,
        seal: Seal,
        passes: Passes,
        devices: Devices | None = None,
        kinds: Mapping[str, Kind],
        replay: Replay,
        answer_key: bytes,
        share_key: bytes = b"",
        extensions: int = EXTENSIONS,
        heard: tuple[str, ...] = (),
        clock: Callable[[], float] = time.time,
        entropy: Callable[[int], bytes] = secrets.token_bytes,
        missed: Callable[[Claims], None] = lambda _: None,
        events: Events | None = None,
    ) -> None:
        """Take the parts; ``missed`` hears of wrong answers, ``events`` of all; from ``share_key`` sites' own keys come."""
        self.events = events or Events()
        self._seal, self._kinds, self._replay = seal, kinds, replay
        self.passes, self.devices, self.share_key = passes, devices or Devices(), share_key
        self.renderer = Renderer(kinds, mark_key=answer_key, events=self.events)
        self.judge = Judge(
            kinds=kinds,
            replay=replay,
            answer_key=answer_key,
            clock=clock,
            missed=missed,
            events=self.events,
        )
        self._answer_key, self._extensions, self._heard = answer_key, extensions, heard
        self._clock, self._entropy = clock, entropy
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
        after: Answered | None = None,
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
            after: the answer that opens this run, where one had to be given before.

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
        return self._stage(run, 0, after)

    def plan(self, kind: str, wanted: Params) -> Params:
        """Complete what is wanted of a kind.

        Raises:
            BadRequest: when there is no such challenge.
        """
        if kind not in self._kinds:
            raise BadRequest(f"there is no kind {kind}")
        return self._kinds[kind].plan(wanted)

    def advance(self, answered: Answered) -> Sealed | None:
        """Draw and seal the stage after one that was played (:meth:`Judge.play`); None when the run is won."""
        claims = answered.claims
        needed = claims.stages - self._kinds[claims.kind].ladder(claims.params).forgiven
        stage = claims.stage + 1
        return (
            self._stage(claims, stage, answered) if stage < claims.stages and claims.hits < needed else None
        )

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

    def attest(self, answered: Answered, purpose: str, params: Params | None = None) -> Sealed:
        """Seal, for the next step of the same protocol, that a run was solved; ``params`` are to be found in it again."""
        claims = answered.claims
        exp = answered.at + PROOF_SECONDS
        proof = Claims(
            purpose=purpose,
            kind=claims.kind,
            jti=keyed_hash(self._answer_key, b"proof", claims.jti, purpose.encode()),
            iat=max(claims.iat, answered.at),
            exp=exp,
            until=exp,
            site=claims.site,
            host=claims.host,
            params=params or {},
            risk=claims.risk,
        )
        return self._sealed(proof)

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

    def _stage(self, run: Claims, stage: int, after: Answered | None) -> Sealed:
        kind = self._kinds[run.kind]
        ladder = kind.ladder(run.params)
        time_allowed = ladder.time(stage)
        extensions = self._extensions if ladder.extendable else 0
        if after is None:
            chance, begins = self._entropy(_SEED_BYTES + _JTI_BYTES), int(self._clock())
            seed, jti, iat = chance[:_SEED_BYTES], chance[_SEED_BYTES:], begins
        else:
            # Not by its kind: one answer opens one run, whatever is drawn for it.
            which = (after.claims.jti, b"%d" % stage)
            seed, jti = (keyed_hash(self._answer_key, part, *which) for part in (b"next seed", b"next jti"))
            begins, iat = after.at, max(after.claims.iat, after.at)
        challenge = kind.draw(seed, run.params)
        claims = run._replace(
            jti=jti,
            iat=iat,
            exp=begins + time_allowed,
            until=begins + time_allowed * (1 + extensions),
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
