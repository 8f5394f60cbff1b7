"""Pictures of text to be read: ours in the sizes that protocols serve, and those of others beside them."""

import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from captcha_stateless.model import Params
from captcha_stateless.render import LineRenderer, default_typefaces
from captcha_stateless.settings import Settings

LENGTH = 6
#: (name, width, height, the rest); miniCAP's size, and RelaySMS's and Tornevall's.
OURS: Mapping[str, Params] = {
    "default, 600x200, light": {"width": 600, "height": 200, "theme": "light"},
    "default, 600x200, dark": {"width": 600, "height": 200, "theme": "dark"},
    "default, 350x100, light": {"width": 350, "height": 100, "theme": "light"},
    "default, 350x100, dark": {"width": 350, "height": 100, "theme": "dark"},
    "default, 350x100, no gaps": {"width": 350, "height": 100, "foreground": False},
    "default, 350x100, nothing behind": {"width": 350, "height": 100, "background": False},
    "`clear`, 600x200": {"width": 600, "height": 200, "profile": "clear"},
    "`clear`, 350x100": {"width": 350, "height": 100, "profile": "clear"},
}
MINICAP, PYPI = "miniCAP's own, 600x200", "PyPI `captcha`, 300x100"
Pair = tuple[bytes, str]


def ours(params: Params, secret: bytes, look: str = "outline") -> Callable[[str, bytes], bytes]:
    """Draw under a secret."""
    renderer = LineRenderer(
        alphabet=Settings().text_alphabet,
        typefaces=default_typefaces(),
        width=int(params["width"]),
        height=int(params["height"]),
        secret=secret,
        look=str(params.get("profile", look)),
    )

    def draw(text: str, seed: bytes) -> bytes:
        return renderer.line(
            text,
            seed,
            theme="dark" if params.get("theme") == "dark" else "light",
            background_noise=bool(params.get("background", True)),
            foreground_noise=bool(params.get("foreground", True)),
        )

    return draw


def several(params: Params, count: int, secrets: int = 4) -> list[Pair]:
    """Draw so many texts, shared among several secrets: one deployment's plane may be easier than another's."""
    found = []
    for number in range(secrets):
        some = count * (number + 1) // secrets - count * number // secrets
        found += pairs(ours(params, b"a deployment %d" % number), some, number)
    return found


def pairs(draw: Callable[[str, bytes], bytes], count: int, seed: int) -> list[Pair]:
    """Draw so many texts."""
    random, letters = np.random.default_rng(seed), list(Settings().text_alphabet)
    texts = ["".join(random.choice(letters, LENGTH)) for _ in range(count)]
    return [(draw(text, random.bytes(16)), text) for text in texts]


def others(minicap: Path | None) -> Iterator[tuple[str, Callable[[str, bytes], bytes]]]:
    """Draw as others do; miniCAP from a checkout of it, where one is named."""
    from captcha.image import ImageCaptcha

    if minicap:
        module = _loaded(minicap / "minicap" / "captcha.py")
        yield MINICAP, lambda text, _: _png(module.Captcha(text).image)
    theirs = ImageCaptcha(width=300, height=100)
    yield PYPI, lambda text, _: theirs.generate(text).read()


def _loaded(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("original_minicap", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _png(picture: Any) -> bytes:
    out = BytesIO()
    picture.convert("RGB").save(out, "PNG")
    return out.getvalue()
