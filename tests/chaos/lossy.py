"""A proxy that loses replies after the server has answered, and visitors who send the same again."""

import asyncio
import json
import random
import secrets
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from captcha_stateless.engine import Engine
from tests.support import jti_of

_LOST = 0.2
#: Within the minute in which a repeat is known.
_PATIENCE_SECONDS = 50


class Lossy:
    """Hands each request to one of the servers, and a fifth of the replies to nobody; some of them by half."""

    def __init__(self, ports: list[int], seed: int) -> None:
        self.lost = self.handed = 0
        self._ports, self._chance = ports, random.Random(seed)

    async def listen(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def close(self) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            reply = await self._handed_on(await _message(reader))
            self.handed += 1
            if self._chance.random() < _LOST:
                self.lost += 1
                reply = reply[: self._chance.choice((0, len(reply) // 2))]
            writer.write(reply)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            self.lost += 1  # a server was killed
        finally:
            writer.close()

    async def _handed_on(self, request: bytes) -> bytes:
        for port in self._chance.sample(self._ports, len(self._ports)):
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                continue  # nothing was sent
            try:
                writer.write(request)
                return await _message(reader)
            finally:
                writer.close()
        raise ConnectionError("no server is there")


async def _message(reader: asyncio.StreamReader) -> bytes:
    """Read one HTTP message whole: its head, and the body that the head announces."""
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [
        int(line.partition(b":")[2])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    ]
    return head + await reader.readexactly(sum(lengths))


@dataclass
class Visitors:
    """Visitors who send the same again until they hear something; what became of their runs."""

    port: int
    engine: Engine
    begun: int = 0
    repeats: int = 0
    passes: Counter[str] = field(default_factory=Counter)
    honoured: Counter[str] = field(default_factory=Counter)
    ended_otherwise: list[str] = field(default_factory=list)

    async def run(self) -> None:
        """Solve a challenge and have the pass verified, and then once more by somebody else."""
        self.begun += 1
        reply = await self._told("/api/challenge?sitekey=dev-site", "", {})
        while "challenge" in reply:
            token = reply["challenge"]
            claims = self.engine.look(token, "onecaptcha")
            reply = await self._told("/api/challenge", token, {"answer": self.engine.tell(claims)})
        if "flag" not in reply:
            self.ended_otherwise.append(str(reply))
            return
        self.passes[jti_of(reply["flag"])] += 1
        for _ in range(2):
            fields = {
                "secret": "dev-secret",
                "response": reply["flag"],
                "idempotency_key": secrets.token_hex(8),
            }
            verdict = await self._told("/turnstile/v0/siteverify", "", fields)
            self.honoured[jti_of(reply["flag"])] += bool(verdict["success"])

    async def _told(self, path: str, token: str, body: Mapping[str, object]) -> dict[str, str]:
        """Send a request, the same each time, until a reply arrives whole that is no 503."""
        content = json.dumps(body).encode()
        head = [
            f"POST {path} HTTP/1.1",
            "Host: localhost",
            "Content-Type: application/json",
            f"Content-Length: {len(content)}",
            "Connection: close",
            *([f"X-Captcha-Challenge: {token}"] if token else []),
        ]
        request = "\r\n".join([*head, "", ""]).encode() + content
        end, pause = time.monotonic() + _PATIENCE_SECONDS, 0.05
        while time.monotonic() < end:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            try:
                writer.write(request)
                reply = await asyncio.wait_for(_message(reader), 15)
            except (OSError, asyncio.IncompleteReadError):
                reply = b""
            finally:
                writer.close()
            if reply and not reply.startswith(b"HTTP/1.1 503"):
                told: dict[str, str] = json.loads(reply.partition(b"\r\n\r\n")[2])
                return told
            self.repeats += 1
            await asyncio.sleep(pause)
            pause = min(2 * pause, 2.0)
        raise AssertionError(f"nobody was heard: {reply[:500]!r}")
