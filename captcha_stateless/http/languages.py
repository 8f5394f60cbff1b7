"""The language that a visitor reads best among those that are offered."""

from collections.abc import Collection

from captcha_stateless.http.accept import weighed


def choose(accept_language: str, offered: Collection[str], default: str) -> str:
    """Choose by an ``Accept-Language`` header (RFC 9110, section 12.5.4), by primary subtag (RFC 4647, section 3.3.1)."""
    best, best_weight = default, 0.0
    for tag, weight in weighed(accept_language):
        language = default if tag == "*" else tag.partition("-")[0]
        if language in offered and weight > best_weight:
            best, best_weight = language, weight
    return best
