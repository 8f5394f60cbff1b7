"""Deflate: either library makes what zlib reads back, and zlib alone is enough."""

import subprocess
import sys
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captcha_stateless.render.deflate import (
    deflate_isal,
    deflate_isal_small,
    deflate_zlib,
    deflate_zlib_textured,
)

OPTIONAL = (deflate_isal, deflate_isal_small)


@pytest.mark.parametrize("deflate", [*OPTIONAL, deflate_zlib, deflate_zlib_textured])
@given(data=st.binary(max_size=5000))
def test_zlib_reads_back_what_was_packed(deflate: Callable[[memoryview], bytes], data: bytes) -> None:
    if deflate in OPTIONAL:
        pytest.importorskip("isal")

    assert zlib.decompress(deflate(memoryview(data))) == data


def test_zlib_serves_where_isal_is_missing() -> None:
    script = (
        "import sys; sys.modules['isal'] = None\n"
        "from captcha_stateless.render import deflate as of\n"
        "assert of.deflate is of.deflate_small is of.deflate_zlib\n"
        "assert of.deflate_textured is of.deflate_zlib_textured"
    )

    subprocess.run([sys.executable, "-c", script], check=True)
