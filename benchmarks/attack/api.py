"""What an attacker sees: grids over the HTTP API, nothing else; and what the judge knows: the keys."""

import io
import json
import tempfile
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import anyio
import httpx
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from starlette.applications import Starlette

from captcha_stateless import Settings, create_app
from captcha_stateless.engine import Engine
from captcha_stateless.tokens import keys

PATH = "/api/challenge"
PURPOSE = "onecaptcha"
NOW = 1_800_000_000
_DATA_URL = "data:image/png;base64,"


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: what the API returned, and the truth, which only the judge looks at."""

    token: str
    reference: bytes
    nine: tuple[bytes, ...]
    truth: tuple[bool, ...]
    glyphs: str

    @property
    def size(self) -> int:
        """Bytes of the ten pictures, as they travel in base64."""
        return sum(len(png) for png in (self.reference, *self.nine)) * 4 // 3


class Service:
    """A deployment in this process, spoken to over HTTP as ASGI does it, with keys of its own."""

    def __init__(self, folder: Path, clock: Any = None, **settings: Any) -> None:
        """Make a key ring in the folder unless one is there; the same ring draws by the same secret."""
        path = folder / "keyring.json"
        if not path.exists():
            keys.save(path, keys.fresh_ring(NOW), overwrite=False)
        self.app: Starlette = create_app(
            Settings(keys=path, **{"replay": "memory", "page": False, **settings}),
            **({"clock": clock} if clock else {}),
        )
        if clock is None:
            # The filter refuses tokens older than its epoch, a whole second; a server waits for it when it starts.
            epoch = anyio.run(self.engine.state).epoch
            time.sleep(max(0.0, min(epoch - time.time(), 2.0)))

    @property
    def engine(self) -> Engine:
        """The judge's: it holds the keys."""
        return self.app.state.engine

    def post(self, *, token: str = "", answer: object = None, path: str = PATH) -> httpx.Response:
        """Begin a run, or answer a stage."""
        headers = {"X-Captcha-Challenge": token} if token else {}
        body = {"json": {"answer": answer}} if token else {}
        return anyio.run(self.send, path, {"headers": headers, **body})

    async def send(self, path: str, options: dict[str, Any]) -> httpx.Response:
        """Send one request."""
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://captcha.test") as client:
            return await client.post(path, **options)

    def stages(self, count: int) -> list[Stage]:
        """Ask for the first stage of so many runs."""
        return anyio.run(self._stages, count)

    def tiles(self, count: int, seed: int) -> list[tuple[bytes, str]]:
        """Return labelled tiles, as an attacker has them who pays people to read; by seed, in another order."""
        labelled = [
            pair
            for stage in self.stages(-(-count // 10))
            for pair in zip((stage.reference, *stage.nine), stage.glyphs, strict=True)
        ]
        order = np.random.default_rng(seed).permutation(len(labelled))[:count]
        return [labelled[at] for at in order]

    def judge(self, token: str) -> list[bool]:
        """Tell the right answer."""
        told = self.engine.tell(self.engine.look(token, PURPOSE))
        assert isinstance(told, list)
        return told

    async def _stages(self, count: int) -> list[Stage]:
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://captcha.test") as client:
            return [self._stage((await client.post(PATH)).content) for _ in range(count)]

    def _stage(self, body: bytes) -> Stage:
        reply = json.loads(body)
        claims = self.engine.look(reply["challenge"], PURPOSE)
        truth = self.engine.tell(claims)
        assert isinstance(truth, list)
        pictures = [picture(url) for url in (reply["expected"], *reply["images"])]
        glyphs = "".join(self.engine.renderer.draw(claims).shown)
        return Stage(reply["challenge"], pictures[0], tuple(pictures[1:]), tuple(truth), glyphs)


@contextmanager
def service(**settings: Any) -> Iterator[Service]:
    """Serve under fresh keys, for as long as the block lasts."""
    with tempfile.TemporaryDirectory() as folder:
        yield Service(Path(folder), **settings)


def picture(url: str) -> bytes:
    """Take the PNG out of a data URL."""
    assert url.startswith(_DATA_URL)
    return b64decode(url.removeprefix(_DATA_URL))


def grey(png: bytes) -> NDArray[np.float32]:
    """Decode to luminance, 0 to 1, (height, width)."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("L"), np.float32) / 255


class Attacker:
    """Learns from labelled tiles if it wants to, and answers stages by nine log-odds that a tile matches.

    ``seconds`` of its CPU time are counted by whoever asks it.
    """

    name: str
    #: Labelled tiles that it learns from.
    labels: int = 0

    def fit(self, service: Service, seed: int) -> Self:
        """Learn; untrained attackers do not."""
        return self

    def answer(self, reference: bytes, nine: tuple[bytes, ...]) -> NDArray[np.float64]:
        """Return nine log-odds."""
        raise NotImplementedError
