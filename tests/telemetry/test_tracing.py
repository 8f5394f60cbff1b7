"""Traces as a collector receives them: the route and how it went, and nothing of the visitor or a token."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.edge.conftest import settings_in
from tests.live import live_server

VISITOR = {
    "Host": "captcha.example",
    "User-Agent": "a-browser",
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
}


class Collector(ThreadingHTTPServer):
    """Takes traces over OTLP, as a collector does."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        super().__init__(("127.0.0.1", 0), _Taking)

    @property
    def spans(self) -> list[tuple[str, str, dict[str, str]]]:
        """Name, trace and attributes of each span."""
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.received]
        return [
            (
                span.name,
                span.trace_id.hex(),
                {
                    each.key: str(getattr(each.value, each.value.WhichOneof("value")))
                    for each in span.attributes
                },
            )
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


class _Taking(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        self.server.received.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    server = Collector()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def environ(tmp_path: Path, collector: Collector) -> dict[str, str]:
    endpoint = f"http://127.0.0.1:{collector.server_port}"
    return {**settings_in(tmp_path), "CAPTCHA_TRACING": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}


def test_a_collector_is_told_route_status_and_the_caller_s_trace(
    environ: dict[str, str], collector: Collector
) -> None:
    with live_server(environ=environ) as server:
        token = httpx.post(f"{server.url}/api/challenge", headers=VISITOR).json()["challenge"]
        httpx.get(f"{server.url}/api/audio", params={"token": token}, headers=VISITOR)
        httpx.get(f"{server.url}/nowhere", headers=VISITOR)
        server.stop()

    told = [(name, trace, found["http.response.status_code"]) for name, trace, found in collector.spans]
    theirs = "4bf92f3577b34da6a3ce929d0e0e4736"
    assert [each for each in told if each[1] == theirs] == [
        ("POST /api/challenge", theirs, "200"),
        ("GET /api/audio", theirs, "400"),
        ("GET", theirs, "404"),
    ]


def test_a_collector_is_told_nothing_of_the_visitor_nor_a_token(
    environ: dict[str, str], collector: Collector
) -> None:
    with live_server(environ=environ) as server:
        token = httpx.post(f"{server.url}/api/challenge", headers=VISITOR).json()["challenge"]
        httpx.get(f"{server.url}/api/audio", params={"token": token}, headers=VISITOR)
        httpx.get(f"{server.url}/tornevall/{token}", headers=VISITOR)
        server.stop()

    assert any(found["server.address"] == "captcha.example" for _, _, found in collector.spans)
    assert not any("client.address" in found for _, _, found in collector.spans)
    for secret in (token, "a-browser", "tornevall"):
        assert not any(secret.encode() in body for body in collector.received), secret
