"""Connections parsed by h11, in Python, where httptools is not installed."""

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from captcha_stateless.http.connections.guarded import Guarded, Part

_PARTS: dict[object, Part] = {h11.IDLE: "head", h11.SEND_BODY: "body"}


class Protocol(Guarded, H11Protocol):
    """uvicorn's h11 protocol, guarded; h11's own state says what is being sent."""

    @property
    def part(self) -> Part:
        """What the client is sending."""
        return _PARTS.get(self.conn.their_state)
