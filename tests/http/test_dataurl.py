"""Base64: by either library the same, and the standard one alone is enough."""

import base64 as standard
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captcha_stateless.formats.strict import base64
from captcha_stateless.http.dataurl import data_url


@given(data=st.binary(max_size=2000))
def test_it_is_the_standard_library_s_base64(data: bytes) -> None:
    assert base64(data) == standard.b64encode(data)
    assert data_url(data) == b"data:image/png;base64," + standard.b64encode(data)


@pytest.mark.parametrize("missing", [True, False])
def test_the_standard_library_serves_where_the_other_is_missing(missing: bool) -> None:
    script = (
        f"import sys; {missing} and sys.modules.update(pybase64=None)\n"
        "from captcha_stateless.formats.strict import base64, read, write\n"
        "assert base64(bytes(range(256))).startswith(b'AAECAwQF')\n"
        """assert read(write('{"a": 1}')) == {'a': 1}\n"""
        f"assert ('pybase64' in sys.modules and sys.modules['pybase64'] is None) is {missing}"
    )

    subprocess.run([sys.executable, "-c", script], check=True)
