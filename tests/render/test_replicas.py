"""Replicas on other processors: the same pixels, whatever kernels their numpy picks."""

import os
import platform
import subprocess
import sys

import pytest

SCRIPT = """
import hashlib
from captcha_stateless.render import LineRenderer, TileRenderer, default_typefaces
from captcha_stateless.render.deflate import deflate_zlib
common = dict(alphabet="AKMR7", typefaces=default_typefaces(), secret=b"secret", deflate=deflate_zlib)
families = [TileRenderer(family=family, size=96, **common) for family in ("filled", "mixed")]
pictures = [tile for family in families for tile in family.tiles("AKMR7" * 20, b"seed")]
sized = dict(width=350, height=100, **common)
lines = [LineRenderer(look=look, **sized).line("AKMR7", b"seed") for look in ("outline", "clear")]
print(hashlib.sha256(b"".join([*pictures, *lines])).hexdigest())
"""


def digest(**environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT],
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


@pytest.mark.skipif(platform.machine() not in {"x86_64", "AMD64"}, reason="names x86 processors")
def test_pixels_are_the_same_without_vector_units() -> None:
    """A look at the whole; that no product is ever rounded is proven by ``test_places_are_exact``."""
    plain = digest(OPENBLAS_CORETYPE="Prescott", NPY_DISABLE_CPU_FEATURES="X86_V3 X86_V4 AVX512_ICL")

    assert plain == digest()
