"""What every protocol adapter must keep; each adapter's test class inherits it."""

from collections.abc import Sequence
from typing import Any, ClassVar

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from captcha_stateless.protocols import PROTOCOLS
from captcha_stateless.protocols.base import Adapter
from captcha_stateless.sites import Sites
from tests.conftest import MakeServer
from tests.support import Server

# Header values that a client can send at all: no control characters, and Latin-1 at most.
HEADER_VALUES = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=200
)
# Each adapter's class runs the one inherited test: that is what a contract is for.
INHERITED = [HealthCheck.function_scoped_fixture, HealthCheck.differing_executors]

# Each adapter's class runs the contract's property against its own server, which Hypothesis takes for one test.


class AdapterContract:
    """A subclass names the adapter and its paths; `probes` are (method, path) pairs that take a body."""

    adapter: ClassVar[type[Adapter]]
    paths: ClassVar[Sequence[str]]
    probes: ClassVar[Sequence[tuple[str, str]]] = ()
    #: What tells a request for this protocol where another claims the same path.
    query: ClassVar[str] = ""
    #: A method that none of the paths takes.
    unknown: ClassVar[str] = "PATCH"

    @pytest.fixture(scope="class")
    @classmethod
    def shared(cls, tmp_path_factory: pytest.TempPathFactory) -> Server:
        return Server(tmp_path_factory.mktemp("keys"))

    def is_worded(self, response: httpx.Response) -> bool:
        """Tell whether a refusal is in this protocol's own words."""
        raise NotImplementedError

    def test_an_unknown_method_is_405_with_allow_in_its_own_words(self, shared: Server) -> None:
        for path in self.paths:
            response = shared.visitor.request(self.unknown, path + self.query)
            assert response.status_code == 405
            assert response.headers["allow"]
            assert self.is_worded(response)

    def test_every_answer_is_unsniffed_and_unstored_unless_it_says_otherwise(self, shared: Server) -> None:
        for path in self.paths:
            for method in ("GET", "POST", "PUT"):
                response = shared.visitor.request(method, path + self.query)
                assert response.headers["x-content-type-options"] == "nosniff"
                assert "cache-control" in response.headers

    def test_an_over_long_body_is_refused(self, shared: Server) -> None:
        for method, path in self.probes:
            response = self.send(shared, method, path, content=b"[" * 1_000_000)
            assert 400 <= response.status_code < 500
            assert self.is_worded(response)

    def send(self, server: Server, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request that gets as far as its body is read."""
        return server.visitor.request(method, path, **options)

    @pytest.mark.parametrize(
        "content",
        [b"\xef\xbb\xbf{}", "{}".encode("utf-16"), b'"\xed\xa0\x80"'],
        ids=["mark", "utf-16", "surrogate"],
    )
    def test_json_is_utf_8_without_a_mark(self, shared: Server, content: bytes) -> None:
        """RFC 8259, section 8.1."""
        for method, path in self.probes:
            response = self.send(
                shared, method, path, content=content, headers={"content-type": "application/json"}
            )
            assert self.is_worded(response)

    @settings(max_examples=60, deadline=None, suppress_health_check=INHERITED)
    @given(data=st.data())
    def test_no_bytes_crash_it(self, shared: Server, data: st.DataObject) -> None:
        if not self.probes:
            return
        method, path = data.draw(st.sampled_from(list(self.probes)))
        content = data.draw(
            st.one_of(
                st.binary(max_size=300), st.recursive(st.none(), st.lists).map(lambda x: repr(x).encode())
            )
        )
        headers = {
            "content-type": data.draw(st.sampled_from(["application/json", "text/plain", "", b"a/b; c=\xff"]))
        }
        response = self.send(shared, method, path, content=content, headers=headers)
        assert response.status_code < 500

    def test_its_paths_are_all_named_here(self, make_server: MakeServer) -> None:
        server = make_server()
        table = self.adapter(server.engine, server.settings, lambda: Sites([])).table()

        assert sorted(table) == sorted(self.paths)

    def test_it_is_served_under_its_own_prefix_too(self, shared: Server) -> None:
        if self.adapter.prefixed:
            for path in self.paths:
                response = shared.visitor.request(self.unknown, f"/{self.adapter.name}{path}")
                assert response.status_code == 405

    def test_it_can_be_left_out(self, make_server: MakeServer) -> None:
        others = tuple(adapter.name for adapter in PROTOCOLS if adapter is not self.adapter)
        server = make_server(protocols=others)
        for path in self.paths:
            prefix = f"/{self.adapter.name}" if self.adapter.prefixed else ""
            assert server.visitor.request(self.unknown, prefix + path).status_code == 404
