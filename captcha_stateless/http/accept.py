"""What a client accepts, and how gladly (RFC 9110, section 12.4): by a library's reading of the headers."""

from collections.abc import Iterable

#: No browser sends more; the rest is not looked at.
_MAX_CHARACTERS = 512


def weighed(header: str) -> Iterable[tuple[str, float]]:
    """Tell each value that a header names, in lower case, and its weight from 0 (not at all) to 1."""
    from werkzeug.http import (
        parse_accept_header,
    )  # Werkzeug takes 20 ms of a start, for what no challenge needs

    return parse_accept_header(header[:_MAX_CHARACTERS].lower())


def takes_gzip(accept_encoding: str) -> bool:
    """Tell whether a client takes what is gzipped (RFC 9110, section 12.5.3)."""
    weights = dict(weighed(accept_encoding))
    return weights.get("gzip", weights.get("*", 0)) > 0
