"""Deflate: either library makes what zlib reads back, and zlib alone is enough."""

import subprocess
import sys
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captcha_stateless.render.deflate import deflate_isal, deflate_isal_small, deflate_zlib


@pytest.mark.parametrize("deflate", [deflate_isal, deflate_isal_small, deflate_zlib])
@given(data=st.binary(max_size=5000))
def test_zlib_reads_back_what_was_packed(deflate: Callable[[memoryview], bytes], data: bytes) -> None:
    if deflate is not deflate_zlib:
        pytest.importorskip("isal")

    assert zlib.decompress(deflate(memoryview(data))) == data


def test_zlib_serves_where_isal_is_missing() -> None:
    script = (
        "import sys; sys.modules['isal'] = None\n"
        "from captcha_stateless.render.deflate import deflate, deflate_zlib\n"
        "assert deflate is deflate_zlib"
    )

    subprocess.run([sys.executable, "-c", script], check=True)
