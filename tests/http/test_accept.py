"""Whether a client takes gzip, by the grammar of the header."""

import pytest

from captcha_stateless.http.accept import takes_gzip
from tests.support import Server


@pytest.mark.parametrize(
    ("header", "takes"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("*", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("*;q=0", False),
        ("br;q=1.0, *;q=0", False),
        ("xgzip", False),
        ("gzip;q=nan", False),
        (";;,=", False),
        ("x," * 10_000 + "gzip", False),
    ],
)
def test_gzip_is_taken_where_it_has_a_weight(header: str, takes: bool) -> None:
    assert takes_gzip(header) is takes


@pytest.mark.parametrize(("header", "coding"), [("gzip", "gzip"), ("gzip;q=0", None), ("*;q=0", None)])
def test_a_script_is_compressed_for_those_who_take_it(
    server: Server, header: str, coding: str | None
) -> None:
    """``gzip;q=0`` says that it is not acceptable, and was answered with it."""
    reply = server.visitor.get("/captcha.js", headers={"Accept-Encoding": header})

    assert reply.headers.get("content-encoding") == coding
    assert "Accept-Encoding" in reply.headers["vary"]
