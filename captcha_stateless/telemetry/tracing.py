"""Traces for OpenTelemetry, where an operator wants them: Starlette's own middleware, shown only what may leave the server.

It would send path, query, address and browser of every visitor to whoever collects traces, and some of our paths and queries
hold tokens. So it sees a request without them, and learns the route when that is known.
"""

import anyio.to_thread
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from starlette.middleware.opentelemetry import OpenTelemetryMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Where the request itself stands in what the middleware sees.
_WHOLE = "captcha_stateless.whole_scope"
#: What joins our span to the caller's (W3C Trace Context), and the host that was asked.
_TOLD = (b"traceparent", b"tracestate", b"host")


def exporting() -> TracerProvider:
    """Make a provider that sends spans over OTLP; the standard ``OTEL_*`` variables say where to and under which name."""
    provider = TracerProvider(resource=Resource.create())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


class Tracing:
    """ASGI middleware: one span a request, named by method and route."""

    def __init__(self, app: ASGIApp, provider: TracerProvider) -> None:
        self._app, self._provider = app, provider
        self._traced = OpenTelemetryMiddleware(self._below, tracer_provider=provider)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and trace it; when the server stops, send what is left."""
        if scope["type"] == "http":
            await self._traced(_shown(scope), receive, send)
            return

        async def send_last(message: Message) -> None:
            if message["type"] == "lifespan.shutdown.complete":  # nobody waits for us after it
                await anyio.to_thread.run_sync(self._provider.shutdown)
            await send(message)

        await self._app(scope, receive, send_last)

    async def _below(self, shown: Scope, receive: Receive, send: Send) -> None:
        scope = shown[_WHOLE]
        try:
            await self._app(scope, receive, send)
        finally:
            shown["route"] = scope.get("route")


def _shown(scope: Scope) -> Scope:
    headers = [(name, value) for name, value in scope["headers"] if name in _TOLD]
    bare = {"path": "/", "raw_path": b"/", "query_string": b"", "client": None, "headers": headers}
    return {**scope, **bare, _WHOLE: scope}
