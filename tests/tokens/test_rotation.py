"""Rotation while visitors come and go: replicas and edges learn of new keys at different times."""

from collections.abc import Callable

import pytest

from captcha_stateless import Settings
from captcha_stateless.app import create_engine
from captcha_stateless.errors import BadToken, CaptchaError
from captcha_stateless.sites import DEVELOPMENT
from captcha_stateless.tokens import keys
from captcha_stateless.tokens.keys import GRACE_SECONDS, PUBLISHED_SECONDS, SETTLE_SECONDS, KeyRing, Step
from captcha_stateless.tokens.passes import Verifier
from tests.support import NOW, Clock, solved

#: How late the second replica learns of a new ring: as late as SETTLE_SECONDS allows for.
LATE_SECONDS = SETTLE_SECONDS - PUBLISHED_SECONDS
#: How often the simulated fleet is looked at.
TICK_SECONDS = 10
#: How early an operator may take each step.
WAITS: dict[Step, int] = {"add": 60, "switch": SETTLE_SECONDS, "delete": GRACE_SECONDS}


class Replica:
    """An engine whose copy of the key ring comes late."""

    def __init__(self, ring: KeyRing, clock: Clock, late_seconds: int) -> None:
        self.ring, self._late_seconds = ring, late_seconds
        self.engine = create_engine(Settings(), lambda: self.ring, clock=clock)

    def learn(self, history: list[tuple[float, KeyRing]], now: float) -> None:
        self.ring = next(
            (ring for at, ring in reversed(history) if at + self._late_seconds <= now), self.ring
        )


class Edge:
    """Verifies without a call, with a copy of the keys that is as old as its caching headers allow."""

    def __init__(self, source: Replica) -> None:
        self._source, self._fetched = source, float("-inf")

    def verify(self, token: str, now: float) -> None:
        if now - self._fetched >= PUBLISHED_SECONDS:
            self._verifier = Verifier(self._source.engine.passes.published(), "captcha-stateless")
            self._fetched = now
        self._verifier.verify(token)


def step_taken(ring: KeyRing, now: int) -> KeyRing:
    """Take a step as `keys rotate` does."""
    return keys.without_retired(ring, now, -1) if ring.step == "delete" else keys.rotated(ring, now)


def is_refused(check: Callable[[], object]) -> bool:
    try:
        check()
    except CaptchaError:
        return True
    return False


class Fleet:
    """Two replicas, an edge, an operator in a hurry, and visitors whose tokens come back young and old."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.history = [(self.clock(), keys.fresh_ring(NOW))]
        self.replicas = [Replica(self.history[0][1], self.clock, late) for late in (0, LATE_SECONDS)]
        self.edge = Edge(self.replicas[1])
        self.due: list[tuple[float, str, bool]] = []
        self.shown = self.refused = 0

    def tick(self) -> None:
        at, ring = self.history[-1]
        if self.clock() - at >= WAITS[ring.step]:
            self.history.append((self.clock(), step_taken(ring, int(self.clock()))))
        for replica in self.replicas:
            replica.learn(self.history, self.clock())
            self._begin(replica)
        self._show()
        self.clock.pass_(TICK_SECONDS)

    def _begin(self, replica: Replica) -> None:
        sealed = replica.engine.issue("test", "grid", site="dev-site")
        earned = replica.engine.passes.vouch(solved(sealed.claims, sealed.claims.iat)).token
        self.due += [(self.clock() + age, earned, True) for age in (0, 150, 290)]
        self.due += [(self.clock() + age, sealed.token, False) for age in (0, 110)]

    def _show(self) -> None:
        now = [(token, is_pass) for at, token, is_pass in self.due if at <= self.clock()]
        self.due = [entry for entry in self.due if entry[0] > self.clock()]
        for token, is_pass in now:
            checks = [self._check(replica, token, is_pass) for replica in self.replicas]
            if is_pass:
                checks.append(lambda token=token: self.edge.verify(token, self.clock()))  # type: ignore[misc]
            self.shown += len(checks)
            self.refused += sum(is_refused(check) for check in checks)

    def _check(self, replica: Replica, token: str, is_pass: bool) -> Callable[[], object]:
        if is_pass:
            return lambda: replica.engine.passes.recognise(token, DEVELOPMENT)
        return lambda: replica.engine.look(token, "test")


def test_three_rotations_under_load_refuse_no_honest_token() -> None:
    fleet = Fleet()

    while len(fleet.history) < 1 + 3 * 3:
        fleet.tick()

    assert fleet.refused == 0
    assert fleet.shown > 10_000
    assert len({ring.signer.kid for _, ring in fleet.history}) == 4


def test_a_rotation_without_its_waits_refuses_honest_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    """The load above would notice: it is no empty promise."""
    monkeypatch.setitem(WAITS, "switch", 60)
    fleet = Fleet()

    while len(fleet.history) < 1 + 3:
        fleet.tick()

    assert fleet.refused > 0


def test_a_retired_key_is_refused_after_its_grace() -> None:
    clock = Clock()
    first = keys.fresh_ring(NOW)
    replica = Replica(first, clock, 0)
    thief = Replica(first, clock, 0)
    replica.ring = keys.rotated(keys.rotated(first, NOW), NOW)
    stolen = thief.engine.passes.vouch(
        solved(thief.engine.issue("test", "grid", site="dev-site").claims)
    ).token
    replica.engine.passes.recognise(stolen, DEVELOPMENT)

    replica.ring = keys.without_retired(replica.ring, NOW + GRACE_SECONDS + 1, GRACE_SECONDS)

    with pytest.raises(BadToken):
        replica.engine.passes.recognise(stolen, DEVELOPMENT)
    with pytest.raises(BadToken):
        replica.engine.look(thief.engine.issue("test", "grid").token, "test")
