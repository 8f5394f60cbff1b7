"""RESTCaptcha under a policy, and while it cannot work."""

from pathlib import Path

import pytest

from captcha_stateless import __version__
from captcha_stateless.errors import Misconfigured
from captcha_stateless.tokens.digests import fingerprint
from tests.conftest import MakeServer
from tests.protocols.test_restcaptcha import challenge, solve, status, verify, wrong
from tests.support import Server

MAP = """
[[site]]
name = "Shop"
key = "dev-site"
secret_sha256 = "{secret}"
policy = "shop"
kinds = ["work"]
[[policy]]
name = "shop"
load = 1000
failures = 2
[[policy.rule]]
score = [0, 100]
kind = "work"
algorithm = "sha-512"
unit = "hex"
difficulty = 1
most = 3
"""


class TestPolicy:
    @pytest.fixture
    def server(self, make_server: MakeServer, tmp_path: Path) -> Server:
        path = tmp_path / "sites.toml"
        path.write_text(MAP.format(secret=fingerprint("dev-secret").hex()))
        return make_server(sites=path, work_wait_seconds=0)

    def test_algorithm_and_difficulty_are_the_policy_s(self, server: Server) -> None:
        given = challenge(server)

        assert given["challengeType"]["algorithm"] == "hash-sha-512"
        assert given["challengeType"]["difficulty"] == 1
        assert status(verify(server, given["token"], solve(given))) == "success"

    def test_failures_make_the_next_challenge_harder(self, server: Server) -> None:
        difficulties = []
        for _ in range(9):
            given = challenge(server)
            difficulties.append(given["challengeType"]["difficulty"])
            verify(server, given["token"], wrong(given))

        assert difficulties == [1, 1, 2, 2, 3, 3, 3, 3, 3]

    def test_a_failure_counts_on_whichever_replica_it_is_verified(
        self, server: Server, make_server: MakeServer
    ) -> None:
        other = make_server(sites=server.settings.sites, work_wait_seconds=0, entropy="other")
        for _ in range(2):
            given = challenge(server)
            verify(other, given["token"], wrong(given))

        assert challenge(other)["challengeType"]["difficulty"] == 2

    def test_the_difficulty_is_what_was_sealed_not_what_is_asked_now(self, server: Server) -> None:
        """A client keeps an easy token while others make it harder: it may, for it was given so."""
        easy = challenge(server)
        for _ in range(8):
            given = challenge(server)
            verify(server, given["token"], wrong(given))

        assert status(verify(server, easy["token"], solve(easy))) == "success"

    def test_bits_are_asked_as_whole_digits_rounded_down(self, make_server: MakeServer) -> None:
        """The default policy asks for 16 bits."""
        assert challenge(make_server())["challengeType"]["difficulty"] == 4


class TestHealth:
    def test_it_answers_with_the_fields_of_both_shapes(self, server: Server) -> None:
        server.clock.pass_(90)

        assert server.visitor.get("/health").json() == {
            "hostName": "captcha.test",
            "status": "pass",
            "version": __version__,
            "serviceId": "captcha-stateless",
            "checks": {
                "uptime": [
                    {
                        "componentType": "system",
                        "observedValue": 90,
                        "observedUnit": "s",
                        "time": "2027-01-15T08:01:30Z",
                    }
                ]
            },
        }

    @pytest.mark.parametrize(
        ("headers", "code"),
        [
            ({"X-API-KEY": "k3y"}, 200),
            ({"Authorization": "ApiKey k3y"}, 200),
            ({"authorization": "apikey  k3y"}, 200),
            ({}, 401),
            ({"X-API-KEY": "other"}, 401),
            ({"Authorization": "Bearer k3y"}, 401),
            ({"Authorization": "k3y"}, 401),
        ],
    )
    def test_it_may_ask_for_a_key(self, make_server: MakeServer, headers: dict[str, str], code: int) -> None:
        assert make_server(health_key="k3y").visitor.get("/health", headers=headers).status_code == code

    @pytest.mark.parametrize(
        ("address", "code"),
        [("10.1.2.3", 200), ("::1", 200), ("127.0.0.1", 200), ("8.8.8.8", 403), ("", 403)],
    )
    def test_it_may_answer_private_networks_only(
        self, make_server: MakeServer, address: str, code: int
    ) -> None:
        server = make_server(health_private=True)
        server.visitor.address = address

        assert server.visitor.get("/health").status_code == code

    @pytest.mark.parametrize(
        ("address", "code"), [("192.0.2.7", 200), ("2001:db8::1", 200), ("192.0.3.1", 403), ("", 403)]
    )
    def test_it_may_answer_listed_networks_only(
        self, make_server: MakeServer, address: str, code: int
    ) -> None:
        server = make_server(health_networks=("192.0.2.0/24", "2001:db8::/32"))
        server.visitor.address = address

        assert server.visitor.get("/health").status_code == code

    def test_networks_that_are_none_are_refused_at_start(self, make_server: MakeServer) -> None:
        with pytest.raises(Misconfigured, match="CAPTCHA_HEALTH_NETWORKS"):
            make_server(health_networks=("here",))
