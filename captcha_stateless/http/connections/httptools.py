"""Connections parsed by httptools, in C."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from captcha_stateless.http.connections.guarded import Guarded, Part


class Protocol(Guarded, HttpToolsProtocol):
    """uvicorn's httptools protocol, guarded; the parser's own calls say what is being sent."""

    _part: Part = "head"

    @property
    def part(self) -> Part:
        """What the client is sending."""
        return self._part

    def on_message_begin(self) -> None:
        """Note that a head begins."""
        self._part = "head"
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Note that a body begins."""
        super().on_headers_complete()
        self._part = "body"

    def on_message_complete(self) -> None:
        """Note that the request is complete."""
        super().on_message_complete()
        self._part = None
