"""RelaySMS tokens that are none, are parts, or belong elsewhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captcha_stateless.model import Answered
from captcha_stateless.protocols.relaysms import _parted
from tests.protocols.test_relaysms import NOT_FOUND, VERIFIED, is_not_verified, new, solve, solved, verify
from tests.support import NOW, Server


@pytest.mark.parametrize(
    "token", ["", "x", "a.b.c.d.e", "é", "x" * 5_000, "00000000-0000-0000-0000-000000000000"]
)
def test_an_id_that_is_none_is_not_found(server: Server, token: str) -> None:
    assert solve(server, token, "text") == NOT_FOUND


@pytest.mark.parametrize(
    "token", ["", "x", "x-y", ".", "-", ".......-.", "é-é", "x" * 9_000, "a.b.c.d.e-f.g.h.i.j"]
)
def test_a_token_that_is_none_is_not_verified(server: Server, token: str) -> None:
    assert is_not_verified(verify(server, token))


def test_parts_of_a_token_are_not_verified_and_do_not_burn_it(server: Server) -> None:
    token = solved(server)
    challenge, verification = _parted(token)

    for part in (challenge, verification, f"-{verification}", f"{challenge}-", f"{verification}-{challenge}"):
        assert is_not_verified(verify(server, part))
    assert verify(server, token) == VERIFIED


def test_a_verification_token_does_not_serve_another_challenge(server: Server) -> None:
    (one, _), (_, other) = _parted(solved(server)), _parted(solved(server))

    assert is_not_verified(verify(server, f"{one}-{other}"))


def test_a_verification_token_solves_nothing_and_a_challenge_verifies_nothing(server: Server) -> None:
    token = solved(server)

    assert solve(server, _parted(token)[1], "text") == NOT_FOUND
    assert is_not_verified(verify(server, f"{new(server)}-{new(server)}"))


@given(number=st.integers(0, 2**32))
def test_a_token_is_parted_at_its_seam_whatever_hyphens_it_holds(number: int) -> None:
    """The server that we stand in for splits at the first hyphen, which base64url also contains."""
    tail = "-_"[number % 2] * (number % 21)
    challenge = f"eyJhbGciOiJ.key-key-.-iv-.--text--.tag{tail}-"
    verification = "eyJraWQiOiJ.-key-.-iv-.--text--.-tag-"

    assert _parted(f"{challenge}-{verification}") == (challenge, verification)


@given(st.text(st.sampled_from("a-._é"), max_size=40))
def test_parting_loses_nothing_of_a_token_that_has_a_seam(token: str) -> None:
    parts = _parted(token)

    assert "-".join(parts) == token or "" in "".join(parts).split(".")


def test_real_tokens_are_parted_at_their_seam(server: Server) -> None:
    for _ in range(40):
        token = new(server)
        proof = server.engine.attest(
            Answered(server.engine.look(token, "relaysms"), NOW), "relaysms-verified"
        ).token
        assert _parted(f"{token}-{proof}") == (token, proof)
