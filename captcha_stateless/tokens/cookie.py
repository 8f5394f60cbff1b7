"""The clearance cookie: its name, and how the pass in it is found.

A general parser of cookies unquotes what it reads, and some versions of the standard library's take quadratic time for
backslashes (CVE-2024-7592). One cookie is looked for, and a pass needs no quotes.
"""

import re
from functools import lru_cache

#: The prefix binds it to this host, to TLS and to the whole site (RFC 6265bis, section 4.1.3.2).
COOKIE = "__Host-captcha-pass"


def cookie_of(policy: str) -> str:
    """Name the cookie of passes that were earned under a policy (empty: the site's own); each policy has its own."""
    return f"{COOKIE}-{policy}" if policy else COOKIE


def pass_in(header: str, policy: str = "") -> str:
    """Find the pass in a ``Cookie`` header; empty where there is none."""
    found = _looking_for(cookie_of(policy)).search(header)
    return found[1] if found else ""


@lru_cache(maxsize=64)
def _looking_for(cookie: str) -> re.Pattern[str]:
    # A compact JWS of bounded length; each character of a header is looked at once.
    return re.compile(rf"(?:^|;)[ \t]*{re.escape(cookie)}=([A-Za-z0-9_.-]{{1,2048}})[ \t]*(?:;|$)")
