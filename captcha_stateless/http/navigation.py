"""Does whoever asks want to see a page? Pictures, scripts and programs want none."""

from captcha_stateless.http.accept import weighed
from captcha_stateless.wall.visit import Visit

#: What a browser opens for somebody to look at (Fetch Metadata, W3C).
_SEEN = frozenset({"document", "iframe", "frame"})
_MARKUP = frozenset({"text/html", "application/xhtml+xml"})


def wants_page(visit: Visit) -> bool:
    """Tell whether a page is wanted: by what browsers say of their requests, and else by ``Accept``.

    A signed request is a program's (RFC 9421), whatever it accepts.
    """
    asked = visit.headers
    if "signature-input" in asked or asked.get("x-requested-with"):
        return False
    mode = asked.get("sec-fetch-mode", "")
    if mode:
        return mode == "navigate" and asked.get("sec-fetch-dest", "document") in _SEEN
    return any(name in _MARKUP and weight > 0 for name, weight in weighed(asked.get("accept", "")))
