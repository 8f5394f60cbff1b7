"""The clearance cookie: its name, and how the pass in it is found.

A general parser of cookies unquotes what it reads, and some versions of the standard library's take quadratic time for
backslashes (CVE-2024-7592). One cookie is looked for, and a pass needs no quotes.
"""

import re

#: The prefix binds it to this host, to TLS and to the whole site (RFC 6265bis, section 4.1.3.2).
COOKIE = "__Host-captcha-pass"

#: A compact JWS of bounded length; each character of a header is looked at once.
_PASS = re.compile(rf"(?:^|;)[ \t]*{COOKIE}=([A-Za-z0-9_.-]{{1,2048}})[ \t]*(?:;|$)")


def pass_in(header: str) -> str:
    """Find the pass in a ``Cookie`` header; empty where there is none."""
    found = _PASS.search(header)
    return found[1] if found else ""
