"""What every kind of challenge must keep; each kind's test class inherits it."""

from collections.abc import Sequence
from typing import ClassVar

import pytest

from captcha_stateless import Settings
from captcha_stateless.errors import BadAnswer, BadRequest
from captcha_stateless.kinds import KINDS
from captcha_stateless.kinds.base import Kind
from captcha_stateless.model import Claims, Params
from captcha_stateless.replay.factory import HORIZON_SECONDS
from tests.support import NOW

KEY = b"k" * 32
#: What CAPTCHA_EXTENSIONS can be at most.
MOST_EXTENSIONS = 20
SEEDS = [bytes([number]) * 16 for number in range(24)]


class KindContract:
    """A subclass names the kind, what may be wanted of it, and answers of the wrong form."""

    name: ClassVar[str]
    wanted: ClassVar[Sequence[Params]] = [{}]
    malformed: ClassVar[Sequence[object]]
    unknown: ClassVar[Params]

    @pytest.fixture(scope="class")
    @classmethod
    def kind(cls) -> Kind:
        return KINDS[cls.name].from_settings(Settings(), b"secret")

    def params(self, kind: Kind) -> list[Params]:
        return [kind.plan(wanted) for wanted in self.wanted]

    def test_the_same_seed_draws_the_same(self, kind: Kind) -> None:
        for params in self.params(kind):
            assert kind.draw(SEEDS[0], params) == kind.draw(SEEDS[0], params)

    def test_different_seeds_draw_different_challenges(self, kind: Kind) -> None:
        for params in self.params(kind):
            assert len({kind.draw(seed, params).shown for seed in SEEDS}) > len(SEEDS) // 2

    def test_the_same_challenge_renders_to_the_same_bytes(self, kind: Kind) -> None:
        for params in self.params(kind):
            assert kind.render(kind.draw(SEEDS[0], params)) == kind.render(kind.draw(SEEDS[0], params))

    def test_what_is_rendered_together_is_what_is_rendered_alone(self, kind: Kind) -> None:
        challenges = [kind.draw(seed, params) for seed in SEEDS[:3] for params in self.params(kind)]

        assert kind.render_all(challenges) == [kind.render(challenge) for challenge in challenges]
        assert kind.render_all([]) == []

    def test_planning_twice_changes_nothing(self, kind: Kind) -> None:
        for params in self.params(kind):
            assert kind.plan(params) == params

    @pytest.mark.parametrize("steps", [0, 1, 2, 40])
    def test_what_is_harder_can_be_drawn(self, kind: Kind, steps: int) -> None:
        for params in self.params(kind):
            harder = kind.harder(params, steps)
            assert kind.harder(harder, 40) == kind.harder(params, 40)
            assert kind.ladder(harder).stages >= kind.ladder(params).stages
            assert kind.render(kind.draw(SEEDS[0], harder)) is not None

    def test_what_it_cannot_draw_is_a_bad_request(self, kind: Kind) -> None:
        with pytest.raises(BadRequest):
            kind.plan(self.unknown)

    def test_every_stage_has_its_time(self, kind: Kind) -> None:
        for params in self.params(kind):
            ladder = kind.ladder(params)
            assert all(ladder.time(stage) > 0 for stage in range(ladder.stages))

    def test_no_token_outlives_the_replay_filter(self, kind: Kind) -> None:
        for params in self.params(kind):
            ladder = kind.ladder(params)
            extensions = MOST_EXTENSIONS if ladder.extendable else 0
            longest = max(ladder.time(stage) for stage in range(ladder.stages))
            assert longest * (1 + extensions) <= HORIZON_SECONDS

    def test_the_answer_it_tells_is_right(self, kind: Kind) -> None:
        for params in self.params(kind):
            for seed in SEEDS:
                challenge = kind.draw(seed, params)
                claims = self.claims(kind, seed, params)
                assert kind.check(KEY, claims, kind.normal(kind.tell(challenge), params))

    def test_the_answer_to_another_challenge_is_wrong(self, kind: Kind) -> None:
        for params in self.params(kind):
            mine, other = kind.draw(SEEDS[0], params), kind.draw(SEEDS[1], params)
            assert kind.tell(mine) != kind.tell(other)
            normal = kind.normal(kind.tell(other), params)
            assert not kind.check(KEY, self.claims(kind, SEEDS[0], params), normal)

    def test_a_digest_is_worthless_for_another_token(self, kind: Kind) -> None:
        params = self.params(kind)[0]
        challenge = kind.draw(SEEDS[0], params)

        one, other = kind.digests(KEY, b"one", challenge), kind.digests(KEY, b"other", challenge)

        assert not set(one) & set(other)

    def test_a_malformed_answer_is_a_bad_answer(self, kind: Kind) -> None:
        for params in self.params(kind):
            for answer in self.malformed:
                with pytest.raises(BadAnswer):
                    kind.normal(answer, params)

    def claims(self, kind: Kind, seed: bytes, params: Params) -> Claims:
        digests = kind.digests(KEY, b"jti", kind.draw(seed, params))
        return Claims(
            purpose="test",
            kind=self.name,
            jti=b"jti",
            iat=NOW,
            exp=NOW,
            until=NOW,
            digests=digests,
            seed=seed,
            params=params,
        )
